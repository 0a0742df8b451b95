"""Accounts and their lines, as an operator looks at them: those that have calls on a line or calls that wait, by what
the sweep goes by, and all that there are."""

from collections.abc import Iterable
from dataclasses import dataclass

from cli.reach.deployment import Deployment
from ringline.calls.tables.pages import DUE_WITHIN_MS

MOST_ACCOUNTS = 50
"""How many accounts are shown: each takes two reads."""

MOST_CALLS = 1000
"""How many keys of what is due are read."""


@dataclass(frozen=True, slots=True)
class Lines:
    """How an account stands: its lines in use of those that it has, and whether calls wait."""

    account_id: str
    name: str
    in_use: int
    cap: int
    waits: bool


@dataclass(frozen=True, slots=True)
class Accounts:
    """Those that are known of; `left_out` says why others may not be. `next_after` is the id behind which a list of
    all goes on, None at its end."""

    rows: list[Lines]
    left_out: str = ""
    next_after: str | None = None


def all_accounts(deployment: Deployment, after: str) -> Accounts:
    """The first accounts behind that one, of all that are on the list of them. Raises botocore's errors."""
    ids = deployment.accounts.ids(MOST_ACCOUNTS + 1, after)
    waiting = {each.account_id for each in deployment.watchlist.waiting_accounts()}
    rows = [row for each in ids[:MOST_ACCOUNTS] if (row := _lines(deployment, each, waiting)) is not None]
    if len(ids) <= MOST_ACCOUNTS:
        return Accounts(rows)
    last = ids[MOST_ACCOUNTS - 1]
    return Accounts(rows, f"There are more: `ringline account list --all --after {last}`.", last)


def busy_accounts(deployment: Deployment, now_ms: int, first: Iterable[str] = ()) -> Accounts:
    """The accounts named first, then all that have something under way. Raises botocore's errors."""
    waiting = {each.account_id for each in deployment.watchlist.waiting_accounts()}
    keys = deployment.watchlist.due(now_ms + DUE_WITHIN_MS, MOST_CALLS)
    found = {account for each in keys if (account := account_of(each.pk)) is not None} | waiting
    ids = list(dict.fromkeys([*first, *sorted(found)]))
    rows = [row for each in ids[:MOST_ACCOUNTS] if (row := _lines(deployment, each, waiting)) is not None]
    return Accounts(rows, f"{len(ids) - MOST_ACCOUNTS} more have calls." if len(ids) > MOST_ACCOUNTS else "")


def account_of(pk: str) -> str | None:
    """Whose a row is, by its partition key; None for a row of nobody's."""
    kind, _, rest = pk.partition("#")
    return rest.partition("#")[0] if kind == "A" else None


def _lines(deployment: Deployment, account_id: str, waiting: set[str]) -> Lines | None:
    account = deployment.accounts.account(account_id)
    if account is None:
        return None
    gate = deployment.calls.gate(account_id)
    return Lines(account_id, account.name, gate.in_use, gate.cap, account_id in waiting)
