"""`account`: what an account has and how much it may call. Making one and changing its cap is an operator's to do, with
AWS credentials; looking at one's own is a customer's."""

import re
from copy import replace
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.frame.command import Said, command
from cli.frame.desk import Desk
from cli.frame.fields import Field, check_said, country, each_of, phone_number, prefix, whole
from cli.model.failures import Refused, Usage, refused_by
from cli.model.profiles import Profile
from cli.settings.settings_file import check_name
from cli.shown.account import account_page
from cli.shown.tables import of_rows
from cli.things.key import COLUMNS, SHOWN_ONCE
from cli.things.profile import keep
from ringline.accounts.account import Account, ApiKey
from ringline.accounts.manage import key_view
from ringline.accounts.rates import USUAL_REQUESTS_PER_MINUTE
from ringline.calls.capacity.days import MS_A_MINUTE, Use, cap_attribute
from ringline.calls.tables.writes.results import USUAL_MAX_WAITING
from ringline.routing.destinations import MOST_PREFIXES
from ringline.runtime.web.problems import Problem, not_found

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from cli.reach.deployment import Deployment
    from ringline.audit.operator import Change

app = typer.Typer(no_args_is_help=True, help="Accounts: their lines and their first keys (operator); your own.")

USUAL_MAX_CALLS = 5
MOST_CALLS = 100_000

MOST_ALLOWED = 1_000_000_000
ALLOWED = {
    "requests_per_minute": f"So many requests of each of its keys; '' for {USUAL_REQUESTS_PER_MINUTE}.",
    "max_waiting": f"So many calls may wait; '' for {USUAL_MAX_WAITING}.",
}
DAILY = {
    "calls_per_day": (Use.CALLS, "So many dials a day (UTC); '' for any number."),
    "minutes_per_day": (Use.TALK_MS, "So many minutes of talk a day; no call begins once they are used up."),
    "new_numbers_per_day": (Use.NEW_NUMBERS, "So many numbers a day that it never called before."),
}
"""What may be set on an account's gate, beside its cap; and what it may use up on one day."""

DAILY_FIELDS = tuple(Field(name, says, whole(0, MOST_ALLOWED), "N") for name, (_, says) in DAILY.items())

_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")
FIELDS = (
    Field("max_calls", "So many at once; a lower cap drains, nothing is cut off.", whole(0, MOST_CALLS), "N"),
    Field(
        "inbound_reserve", "So many lines are left to callers; '' where callers hold none.", whole(0, MOST_CALLS), "N"
    ),
    Field(
        "allowed_prefixes",
        "What it may call, such as +1,+44; 'none' for nobody, '' for the countries of its own numbers.",
        each_of(prefix),
        "PREFIXES",
    ),
    *(Field(name, says, whole(1, MOST_ALLOWED), "N") for name, says in ALLOWED.items()),
    *DAILY_FIELDS,
    Field("default_number", "What it calls from where nothing else says; '' for none.", phone_number, "NUMBER"),
    Field("country", "Of numbers without a country's code: two letters, or '' for none.", country, "CC"),
)

_OF_A_LIST = ("account_id", "name", "in_use", "cap", "waits")

_AccountId = Annotated[str, typer.Argument(metavar="ACCOUNT", help="Its id.", show_default=False)]


@command(app, "create", 'account create "Acme Corp" --max-calls 20 --save-profile acme')
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
        _check_may_be_kept(desk, save_profile)
    known_by = account_id or re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40]
    if not _ID.fullmatch(known_by):
        raise Usage("must be given: 1 to 40 letters, digits, _ and - only", "--id")
    deployment, profile = desk.deployment(), desk.profile()
    document = {"account_id": known_by, "org_handle": known_by, "max_calls": max_calls, "country": of_country}
    with _audited(desk, deployment, "create", known_by) as made_known:
        _create(deployment, Account(known_by, name, known_by, max_calls, of_country))
        made_known.after = document
        raw_key, first = _first_key(desk, deployment, known_by)
        made_known.after = document | {"key_id": first.key_id}
    made = Profile(
        name=save_profile or known_by,
        api_url=profile.api_url or deployment.api_url,
        api_key=raw_key,
    )
    not_kept = None if save_profile is None else _keep(desk, made)
    lines = [
        f"account  {known_by}   (organisation {known_by}, {max_calls} calls at once)",
        f"key      {made.api_key}",
        f"API      {made.api_url}",
        SHOWN_ONCE if save_profile is None or not_kept else f"It is kept as the profile {save_profile}.",
    ]
    desk.show(document | {"raw_key": made.api_key, "api_url": made.api_url}, lambda: "\n".join(lines))
    if not_kept is not None:
        raise not_kept


@command(app, "show", "account show")
def show(
    desk: Desk, account_id: Annotated[str | None, typer.Argument(metavar="ACCOUNT", help="(operator) Whose.")] = None
) -> None:
    """Lines, queue and what holds calls back, of your own account; of another's (operator) its lines."""
    if account_id is None:
        document = desk.api().get("/v1/account")
        desk.show(document, lambda: account_page(document, desk.around.clock()))
        return
    _show(desk, desk.deployment(), account_id)


@command(app, "list", "account list --all")
def list_accounts(
    desk: Desk,
    all_of_them: Annotated[bool, typer.Option("--all", help="Every account, by its id, 50 at a time.")] = False,
    after: Annotated[str, typer.Option("--after", metavar="ACCOUNT", help="With --all: those behind this one.")] = "",
) -> None:
    """(operator) Accounts that have calls on a line, or calls that wait, with their lines; or all accounts.

    Accounts that a release before this list made are on it once `ringline migrate` has run.
    """
    from cli.reach.busy import all_accounts, busy_accounts

    if after and not all_of_them:
        raise Usage("goes with --all", "--after")
    deployment = desk.deployment()
    found = all_accounts(deployment, after) if all_of_them else busy_accounts(deployment, desk.around.clock())
    none = "no account is listed" if all_of_them else "no account has calls under way"
    rows = [asdict(each) for each in found.rows]
    document = {"data": rows, "next_after": found.next_after, "left_out": found.left_out or None}
    desk.show(document, lambda: of_rows(rows, _OF_A_LIST) if rows else none)
    if found.left_out:
        desk.note(found.left_out)


@command(app, "set", "account set acme-corp --max-calls 40 --inbound-reserve 4", fields=FIELDS, any_other=False)
def change(desk: Desk, account_id: _AccountId, said: Said) -> None:
    """(operator) Changes how many calls an account may have at once, and what of that is left to callers; where it may
    call; how much it may ask for; its country."""
    check_said(said)
    if said.get("max_calls", 0) is None:
        raise Usage("must be a number: 0 pauses the account's dialling", "--max-calls")
    deployment = desk.deployment()
    listed = said.get("allowed_prefixes")
    if len(listed or ()) > MOST_PREFIXES:
        raise Usage(f"has more than {MOST_PREFIXES} prefixes", "--allowed-prefixes")
    if "default_number" in said:
        _check_own(deployment, account_id, said["default_number"])
    with _audited(desk, deployment, "change", account_id) as change:
        change.before = _document(deployment, account_id)
        _change(deployment, account_id, said)
        change.after = _document(deployment, account_id) | {
            name: said[name] for name in ("default_number",) if name in said
        }
    if {"max_calls", "inbound_reserve", *DAILY} & set(said):
        # A higher cap, or a lower reserve, lets those go out who wait.
        deployment.ring(account_id)
    _show(desk, deployment, account_id)


def _change(deployment: "Deployment", account_id: str, said: Said) -> None:
    if "country" in said:
        deployment.accounts.set_country(account_id, said["country"])
    if "default_number" in said:
        deployment.accounts.set_default_number(account_id, said["default_number"])
    if "allowed_prefixes" in said:
        listed = said["allowed_prefixes"]
        deployment.accounts.set_allowed_prefixes(account_id, None if listed is None else tuple(listed))
    if allowed := _allowances(said):
        deployment.allowances.set(account_id, allowed)
    if "inbound_reserve" in said:
        deployment.accounts.set_inbound_reserve(account_id, said["inbound_reserve"])
    if "max_calls" in said:
        deployment.accounts.set_cap(account_id, said["max_calls"])


@command(app, "limit", "account limit --calls-per-day 500 --minutes-per-day 600", fields=DAILY_FIELDS, any_other=False)
def limit(desk: Desk, said: Said) -> None:
    """Lowers what your own account may use up on one day (UTC), so that a program that runs wild is stopped.

    The operator's caps hold besides. '' takes one of your own back.
    """
    check_said(said)
    document = desk.api().patch("/v1/account", said)
    desk.show(document, lambda: account_page(document, desk.around.clock()))


@command(app, "key", "account key acme-corp --name server")
def create_key(
    desk: Desk,
    account_id: _AccountId,
    name: Annotated[str, typer.Option("--name", help="What it is for.")] = "operator",
) -> None:
    """(operator) Makes a key for an account that has none it can use. Its own keys: `ringline key`."""
    deployment = desk.deployment()
    with _audited(desk, deployment, "key", account_id) as change:
        raw_key, known = deployment.accounts.add_known_key(account_id, name)
        change.after = {"key_id": known.key_id, "name": name}
    desk.show(
        {"account_id": account_id, "key_id": known.key_id, "raw_key": raw_key},
        lambda: f"key  {raw_key}   (id {known.key_id})\n{SHOWN_ONCE}",
    )


@command(app, "keys", "account keys acme-corp")
def list_keys(desk: Desk, account_id: _AccountId) -> None:
    """(operator) The keys of an account, by their ids."""
    deployment = desk.deployment()
    known_account(deployment, account_id)
    uses, now = deployment.key_uses.of_account(account_id), desk.around.clock()
    rows = [key_view(each, now, uses.get(each.key_id)) for each in deployment.accounts.keys(account_id)]
    desk.show({"data": rows}, lambda: of_rows(rows, COLUMNS) if rows else "no keys")


@command(app, "revoke-key", "account revoke-key acme-corp key_01JD5Z")
def revoke_key(
    desk: Desk, account_id: _AccountId, key_id: Annotated[str, typer.Argument(metavar="KEY_ID", show_default=False)]
) -> None:
    """(operator) Ends a key of an account at once and for good; to do it again changes nothing."""
    deployment = desk.deployment()
    with _audited(desk, deployment, "revoke-key", account_id) as change:
        was_valid = deployment.accounts.revoke(account_id, key_id)
        change.after = {"key_id": key_id, "status": "revoked"} if was_valid else {}
    if was_valid:
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


def _first_key(desk: Desk, deployment: "Deployment", account_id: str) -> tuple[str, ApiKey]:
    try:
        return deployment.accounts.add_known_key(account_id, "first")
    except Exception:
        desk.note(
            f"The account {account_id} is there, without a key: `ringline account key {account_id}` makes it one."
        )
        raise


def _check_may_be_kept(desk: Desk, name: str) -> None:
    """Raises Usage where a profile of this name cannot be made. One that is there may hold the only copy of a key."""
    check_name(name, "--save-profile")
    if name in desk.settings.read().profiles:
        advice = f"`ringline profile remove {name}` forgets it with its key; or give another name."
        raise Usage(f"There is a profile {name} already", "--save-profile", advice)
    desk.settings.check_writable()


def _keep(desk: Desk, profile: Profile) -> Usage | None:
    """Keeps a profile, or says why that failed: its key is shown before that is raised."""
    try:
        keep(desk, profile)
    except Usage as failure:
        failure.advice = (
            f"`ringline profile add {profile.name} --api-url {profile.api_url}` keeps it, and asks for the key."
        )
        return failure
    return None


def _show(desk: Desk, deployment: "Deployment", account_id: str) -> None:
    document, gate = _document(deployment, account_id), deployment.calls.gate(account_id)
    of_country = f", numbers of {document['country']}" if document["country"] else ""
    desk.show(
        document,
        lambda: (
            f"{account_id}: {gate.in_use} of {gate.cap} lines in use{of_country}"
            f"{_may_call(gate.allowed_prefixes)}{_allowed(document)}"
        ),
    )


def _document(deployment: "Deployment", account_id: str) -> dict[str, Any]:
    """What an operator sees of an account. Raises Refused 404."""
    account, gate = known_account(deployment, account_id), deployment.calls.gate(account_id)
    return {
        "account_id": account_id,
        "name": account.name,
        "in_use": gate.in_use,
        "cap": gate.cap,
        "inbound_reserve": deployment.accounts.inbound_reserve(account_id),
        "country": account.country,
        "allowed_prefixes": gate.allowed_prefixes,
        **{name: getattr(gate, name) for name in ALLOWED},
        **{name: _in_units(use, gate.daily.kept.get(cap_attribute(use))) for name, (use, _) in DAILY.items()},
    }


def _audited(desk: Desk, deployment: "Deployment", action: str, account_id: str) -> "AbstractContextManager[Change]":
    """Raises Refused 404 for an account that is not there, unless it is to be made."""
    if action != "create":
        known_account(deployment, account_id)
    return deployment.audited(desk.around.clock).change(f"account.{action}", "account", account_id)


def _may_call(prefixes: tuple[str, ...] | None) -> str:
    if prefixes is None:
        return ""
    return f", may call {', '.join(prefixes)}" if prefixes else ", may call nobody"


def _allowed(document: dict[str, Any]) -> str:
    said = {name: document[name] for name in (*ALLOWED, *DAILY) if document[name] is not None}
    return "".join(f", {name.replace('_', ' ')} {value}" for name, value in said.items())


def _allowances(said: Said) -> dict[str, int | None]:
    """What is to be set on the gate, as it is kept there."""
    allowed = {name: said[name] for name in ALLOWED if name in said}
    return allowed | {cap_attribute(use): _kept(use, said[name]) for name, (use, _) in DAILY.items() if name in said}


def _kept(use: Use, said: int | None) -> int | None:
    return said * MS_A_MINUTE if use is Use.TALK_MS and said is not None else said


def _in_units(use: Use, kept: int | None) -> int | None:
    return kept // MS_A_MINUTE if use is Use.TALK_MS and kept is not None else kept


def _check_own(deployment: "Deployment", account_id: str, number: str | None) -> None:
    """Raises Usage for a number that is none of the account's."""
    if number is not None and deployment.routing.number(account_id, number) is None:
        raise Usage(f"is none of {account_id}'s numbers", "--default-number")
