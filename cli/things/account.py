"""`account`: what an account has and how much it may call. Making one and changing its cap is an operator's to do, with
AWS credentials; looking at one's own is a customer's."""

import re
from copy import replace
from typing import TYPE_CHECKING, Annotated

import typer

from cli.frame.command import Said, command
from cli.frame.desk import Desk
from cli.frame.fields import Field, check_said, country, whole
from cli.model.failures import Refused, Usage, refused_by
from cli.model.profiles import Profile
from cli.settings.settings_file import check_name
from cli.shown.account import account_page
from cli.shown.tables import of_rows
from cli.things.key import COLUMNS, SHOWN_ONCE
from cli.things.profile import keep
from ringline.accounts.account import Account
from ringline.accounts.manage import key_view
from ringline.runtime.web.problems import Problem, not_found

if TYPE_CHECKING:
    from cli.reach.deployment import Deployment

app = typer.Typer(no_args_is_help=True, help="Accounts: their lines and their first keys (operator); your own.")

USUAL_MAX_CALLS = 5
MOST_CALLS = 100_000

_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")
FIELDS = (
    Field("max_calls", "So many at once; a lower cap drains, nothing is cut off.", whole(0, MOST_CALLS), "N"),
    Field(
        "inbound_reserve", "So many lines are left to callers; '' where callers hold none.", whole(0, MOST_CALLS), "N"
    ),
    Field("country", "Of numbers without a country's code: two letters, or '' for none.", country, "CC"),
)

_AccountId = Annotated[str, typer.Argument(metavar="ACCOUNT", help="Its id.", show_default=False)]


@command(app, "create")
def create(
    desk: Desk,
    name: Annotated[str, typer.Argument(help="What people call it.", show_default=False)],
    account_id: Annotated[
        str | None, typer.Option("--id", help="What records call it, for good; else the name in small letters.")
    ] = None,
    max_calls: Annotated[int, typer.Option("--max-calls", min=0, help="So many at once.")] = USUAL_MAX_CALLS,
    of_country: Annotated[
        str | None, typer.Option("--country", parser=country, metavar="CC", help="Of numbers without a country's code.")
    ] = None,
    save_profile: Annotated[
        str | None, typer.Option("--save-profile", metavar="NAME", help="Keep the key as a profile of this name.")
    ] = None,
) -> None:
    """(operator) Makes an account and its first key, which is shown this once."""
    if save_profile is not None:
        check_name(save_profile)
    known_by = account_id or re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40]
    if not _ID.fullmatch(known_by):
        raise Usage("must be given: 1 to 40 letters, digits, _ and - only", "--id")
    deployment, profile = desk.deployment(), desk.profile()
    account = Account(known_by, name, known_by, max_calls, of_country)
    _create(deployment, account)
    raw_key = deployment.accounts.add_key(known_by, "first")
    url = profile.api_url or deployment.api_url
    if save_profile is not None:
        keep(desk, Profile(name=save_profile, api_url=url, api_key=raw_key))
    document = {"account_id": known_by, "org_handle": known_by, "max_calls": max_calls, "country": of_country}
    lines = [
        f"account  {known_by}   (organisation {known_by}, {max_calls} calls at once)",
        f"key      {raw_key}",
        f"API      {url}",
        SHOWN_ONCE if save_profile is None else f"It is kept as the profile {save_profile}.",
    ]
    desk.show(document | {"raw_key": raw_key, "api_url": url}, lambda: "\n".join(lines))


@command(app, "show")
def show(
    desk: Desk, account_id: Annotated[str | None, typer.Argument(metavar="ACCOUNT", help="(operator) Whose.")] = None
) -> None:
    """Lines, queue and what holds calls back, of your own account; of another's (operator) its lines."""
    if account_id is None:
        document = desk.api().get("/v1/account")
        desk.show(document, lambda: account_page(document, desk.around.clock()))
        return
    _show(desk, desk.deployment(), account_id)


@command(app, "set", fields=FIELDS, any_other=False)
def change(desk: Desk, account_id: _AccountId, said: Said) -> None:
    """(operator) Changes how many calls an account may have at once, what of that is left to callers, its country."""
    check_said(said)
    if said.get("max_calls", 0) is None:
        raise Usage("must be a number: 0 pauses the account's dialling", "--max-calls")
    deployment = desk.deployment()
    if "country" in said:
        deployment.accounts.set_country(account_id, said["country"])
    if "inbound_reserve" in said:
        deployment.accounts.set_inbound_reserve(account_id, said["inbound_reserve"])
    if "max_calls" in said:
        deployment.accounts.set_cap(account_id, said["max_calls"])
    if {"max_calls", "inbound_reserve"} & set(said):
        # A higher cap, or a lower reserve, has lines for those who wait.
        deployment.ring(account_id)
    _show(desk, deployment, account_id)


@command(app, "key")
def create_key(
    desk: Desk,
    account_id: _AccountId,
    name: Annotated[str, typer.Option("--name", help="What it is for.")] = "operator",
) -> None:
    """(operator) Makes a key for an account that has none it can use. Its own keys: `ringline key`."""
    deployment = desk.deployment()
    raw_key = deployment.accounts.add_key(account_id, name)
    known = deployment.accounts.find_key(raw_key)
    key_id = known.key_id if known else None
    desk.show(
        {"account_id": account_id, "key_id": key_id, "raw_key": raw_key},
        lambda: f"key  {raw_key}   (id {key_id})\n{SHOWN_ONCE}",
    )


@command(app, "keys")
def list_keys(desk: Desk, account_id: _AccountId) -> None:
    """(operator) The keys of an account, by their ids."""
    deployment = desk.deployment()
    known_account(deployment, account_id)
    rows = [key_view(each, desk.around.clock()) for each in deployment.accounts.keys(account_id)]
    desk.show({"data": rows}, lambda: of_rows(rows, COLUMNS) if rows else "no keys")


@command(app, "revoke-key")
def revoke_key(
    desk: Desk, account_id: _AccountId, key_id: Annotated[str, typer.Argument(metavar="KEY_ID", show_default=False)]
) -> None:
    """(operator) Ends a key of an account at once and for good; to do it again changes nothing."""
    deployment = desk.deployment()
    if deployment.accounts.revoke(account_id, key_id):
        desk.show({"key_id": key_id, "status": "revoked"}, lambda: f"{key_id}: revoked")
        return
    if all(key.key_id != key_id for key in deployment.accounts.keys(account_id)):
        raise refused_by(not_found("key_not_found", f"{account_id} has no key {key_id}"))
    desk.show({"key_id": key_id, "status": "revoked"}, lambda: f"{key_id}: was revoked before")


def known_account(deployment: "Deployment", account_id: str) -> Account:
    """The account. Raises Refused 404."""
    account = deployment.accounts.account(account_id)
    if account is None:
        raise refused_by(not_found("account_not_found", f"There is no such account: {account_id}"))
    return account


def _create(deployment: "Deployment", account: Account) -> None:
    try:
        deployment.accounts.create_account(account)
    except Problem as problem:
        if problem.code != "account_exists":
            raise
        title = f"There is an account {account.account_id}"
        advice = f"`ringline account key {account.account_id}` makes it a key, --id names another account."
        raise Refused(replace(problem, title=title).body(), advice) from None


def _show(desk: Desk, deployment: "Deployment", account_id: str) -> None:
    account, gate = known_account(deployment, account_id), deployment.calls.gate(account_id)
    document = {
        "account_id": account_id,
        "name": account.name,
        "in_use": gate.in_use,
        "cap": gate.cap,
        "inbound_reserve": deployment.accounts.inbound_reserve(account_id),
        "country": account.country,
    }
    of_country = f", numbers of {account.country}" if account.country else ""
    desk.show(document, lambda: f"{account_id}: {gate.in_use} of {gate.cap} lines in use{of_country}")
