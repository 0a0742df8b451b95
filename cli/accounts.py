"""`account`, `key`, `trunk`: who may call, with which key, and how much at once."""

import re
from argparse import SUPPRESS, ArgumentParser, Namespace
from copy import replace
from datetime import UTC, datetime
from typing import Any

from cli.argument_types import an_id, country, or_none, rate, whole
from cli.deployment import Deployment, no_such
from ringline.accounts.account import Account, ApiKey
from ringline.calls.tables.paces import TrunkPaces
from ringline.calls.tables.queues import SqsDoorbell
from ringline.routing.records import Trunk
from ringline.runtime.web.problems import Problem, invalid_field

USUAL_MAX_CALLS = 5

_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")
_SHOWN_ONCE = "The key is shown this once: keep it now. `key create` makes another."


def create_account(deployment: Deployment, asked: Namespace) -> str:
    """Makes an account and its first key. Raises Problem 409 if there is one with this id."""
    account_id = asked.id or re.sub(r"[^a-z0-9]+", "-", asked.name.lower()).strip("-")[:40]
    if not _ID.fullmatch(account_id):
        raise invalid_field("--id", "must be given: 1 to 40 letters, digits, _ and - only")
    try:
        deployment.accounts.create_account(Account(account_id, asked.name, account_id, asked.max_calls, asked.country))
    except Problem as problem:
        if problem.code != "account_exists":
            raise
        title = (
            f"There is an account {account_id}: `key create {account_id}` makes it a key, --id names another account"
        )
        raise Problem(409, problem.code, title) from None
    raw_key = deployment.accounts.add_key(account_id, "first")
    lines = [
        f"account  {account_id}   (organisation {account_id}, {asked.max_calls} calls at once)",
        f"key      {raw_key}",
    ]
    if deployment.api_url:
        lines.append(f"API      {deployment.api_url}")
    return "\n".join([*lines, _SHOWN_ONCE])


def account_lines(deployment: Deployment, asked: Namespace) -> str:
    """Shows the account's lines, after setting how many it has, and its country. Raises Problem for an unknown account.

    A lower cap drains: no call is cut off. A higher one rings for the calls that wait.
    """
    if "country" in asked:
        deployment.accounts.set_country(asked.account, asked.country)
    if asked.max_calls is not None:
        deployment.accounts.set_cap(asked.account, asked.max_calls)
        SqsDoorbell(lambda: deployment.sqs, deployment.doorbell_url).ring(asked.account)
    account, gate = known_account(deployment, asked.account), deployment.calls.gate(asked.account)
    of_country = f", numbers of {account.country}" if account.country else ""
    return f"{asked.account}: {gate.in_use} of {gate.cap} lines in use{of_country}"


def create_key(deployment: Deployment, asked: Namespace) -> str:
    raw_key = deployment.accounts.add_key(asked.account, asked.name)
    known = deployment.accounts.find_key(raw_key)
    return f"key  {raw_key}   (id {known.key_id if known else '?'})\n{_SHOWN_ONCE}"


def list_keys(deployment: Deployment, asked: Namespace) -> str:
    """The account's keys by their ids. The keys themselves cannot be read again."""
    known = known_account(deployment, asked.account)
    return "\n".join(_shown(key) for key in deployment.accounts.keys(known.account_id)) or "no keys"


def revoke_key(deployment: Deployment, asked: Namespace) -> str:
    """Ends a key for good; to do it again changes nothing. Raises Problem 404 for a key that the account never had."""
    if deployment.accounts.revoke(asked.account, asked.key_id):
        return f"{asked.key_id}: revoked"
    if all(key.key_id != asked.key_id for key in deployment.accounts.keys(asked.account)):
        raise no_such("key", asked.key_id, asked.account)
    return f"{asked.key_id}: was revoked before"


def trunk(deployment: Deployment, asked: Namespace) -> str:
    """Raises Problem 404 for an unknown account, 422 where nothing is asked for."""
    told = []
    if "calls_per_second" in asked:
        TrunkPaces(deployment.dynamodb, deployment.table_name).set_rate(asked.trunk, asked.calls_per_second)
        told.append(f"{asked.calls_per_second:g} calls a second" if asked.calls_per_second else "no limit")
    given = {name: getattr(asked, name) for name in ("country", "account_id") if name in asked}
    if given.get("account_id"):
        known_account(deployment, given["account_id"])
    if given:
        before = deployment.routing.trunk(asked.trunk) or Trunk(trunk_id=asked.trunk)
        after = replace(before, **given)
        deployment.routing.put_trunk(after)
        told.append(
            f"callers' numbers of {after.country or 'the usual country'}, seen by {after.account_id or 'nobody'}"
        )
    if not told:
        raise invalid_field("--calls-per-second", "must be given, or --country or --account")
    return f"{asked.trunk}: {', '.join(told)}"


def known_account(deployment: Deployment, account_id: str) -> Account:
    """The account. Raises Problem 404."""
    account = deployment.accounts.account(account_id)
    if account is None:
        raise Problem(404, "account_not_found", f"There is no such account: {account_id}")
    return account


def add_commands(nouns: Any) -> None:
    """Adds `account`, `key` and `trunk` to a parser's subparsers."""
    of_account = nouns.add_parser("account", help="makes accounts, and says how many calls one may have at once")
    verbs = of_account.add_subparsers(dest="verb", required=True, metavar="create | ACCOUNT")
    create = verbs.add_parser("create", help="a new account, and its first key")
    create.add_argument("name", help="what people call it")
    create.add_argument("--id", help="what commands and records call it, for good (default: the name in small letters)")
    create.add_argument(
        "--max-calls", type=whole, default=USUAL_MAX_CALLS, help=f"so many at once (default: {USUAL_MAX_CALLS})"
    )
    create.add_argument("--country", type=country, help="of numbers without a country's code: two letters, US")
    create.set_defaults(run=create_account)
    lines = verbs.add_parser("lines", help="what `account ACCOUNT` is short for")
    lines.add_argument("account")
    lines.add_argument("--max-calls", type=whole, help="from now on; a lower number drains, nothing is cut off")
    lines.add_argument(
        "--country", type=or_none(country), default=SUPPRESS, help="of numbers without a country's code; '' for none"
    )
    lines.set_defaults(run=account_lines)

    of_key = nouns.add_parser("key", help="the API keys of an account").add_subparsers(dest="verb", required=True)
    _of_account(of_key.add_parser("create", help="a further key, shown once"), create_key).add_argument(
        "--name", default="cli", help="what it is for, for `key list`"
    )
    _of_account(of_key.add_parser("list", help="ids of the keys, and which are revoked"), list_keys)
    _of_account(of_key.add_parser("revoke", help="ends a key at once and for good"), revoke_key).add_argument(
        "key_id", help="as `key list` shows it"
    )

    of_trunk = nouns.add_parser("trunk", help="how fast calls go out through a trunk, and what its callers dial")
    of_trunk.add_argument("trunk", help="its LiveKit id, ST_...")
    of_trunk.add_argument("--calls-per-second", type=rate, default=SUPPRESS, help="0 for no limit")
    of_trunk.add_argument(
        "--country", type=or_none(country), default=SUPPRESS, help="of dialled numbers without a country's code, US"
    )
    of_trunk.add_argument(
        "--account",
        dest="account_id",
        type=or_none(an_id),
        default=SUPPRESS,
        help="who sees its callers whose number is nobody's",
    )
    of_trunk.set_defaults(run=trunk)


def _of_account(parser: ArgumentParser, run: Any) -> ArgumentParser:
    parser.add_argument("account")
    parser.set_defaults(run=run)
    return parser


def _shown(key: ApiKey) -> str:
    state = "valid" if key.revoked_at is None else f"revoked {_moment(key.revoked_at)}"
    return f"{key.key_id}  {_moment(key.created_at)}  {key.name}  {state}"


def _moment(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")
