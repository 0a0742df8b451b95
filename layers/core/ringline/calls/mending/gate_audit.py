"""Whether each account's gate counts the calls that hold its lines.

Both change in one transaction, so a difference is a fault of ours, or a row that somebody changed by hand: a line that
nobody gave back, or one that is used twice. What is read is what is on a line at this moment, never all calls: the due
index names every call from its claim to its end.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ringline.calls.tables.pages import DUE_WITHIN_MS
from ringline.calls.tables.store import CallStore
from ringline.calls.tables.watchlist import DueKey, Watchlist
from ringline.runtime.clock import MS_PER_S, Clock
from ringline.runtime.table import calls_pk

EVERY_MIN = 10
"""How often the sweep looks. A thousand calls on a line are some thousand read units a time, a fifth of a dollar a
month."""

MOST_CALLS = 10_000
"""Where more are due, nothing is said: an account's calls would be counted in part."""

MOST_ACCOUNTS = 500
"""How many gates one look reads. Where more accounts have calls on a line, the next audit begins behind them."""

LOOKS = 3
LOOK_AGAIN_S = 2.0
"""A call that moves between two reads looks like a difference, and so does one that the index does not name yet."""

_AT_ONCE = 100
_MS_PER_MIN = 60 * MS_PER_S


@dataclass(frozen=True, slots=True)
class Difference:
    """A gate that counts `in_use` lines where `calls` calls hold one."""

    account_id: str
    in_use: int
    calls: int

    @property
    def lines(self) -> int:
        """How many lines it counts too many; below zero too few."""
        return self.in_use - self.calls


@dataclass(frozen=True, slots=True)
class Audited:
    """What one audit found: how many lines are in use, by the calls themselves, and the gates that say otherwise."""

    lines_in_use: int
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class _Held:
    """How many calls hold a line, by account, and the accounts of which some row cannot be read: what that holds nobody
    knows."""

    by_account: Counter[str]
    unknown: set[str]


def is_due(now_ms: int) -> bool:
    """Whether the sweep of this minute looks."""
    return now_ms // _MS_PER_MIN % EVERY_MIN == 0


@dataclass(frozen=True, slots=True)
class GateAudit:
    """`sleep` waits for so many seconds. Where more than `most_calls` are due nothing is said, and of more than
    `most_accounts` some are left to a later audit."""

    store: CallStore
    watchlist: Watchlist
    clock: Clock
    sleep: Callable[[float], object]
    most_calls: int = MOST_CALLS
    most_accounts: int = MOST_ACCOUNTS

    def run(self) -> Audited | None:
        """Looks again where a difference is seen: only one that stays the same is one. None where more calls are due
        than are counted. Raises botocore's errors."""
        found: dict[str, Difference] = {}
        lines_in_use = 0
        for look in range(LOOKS):
            if look:
                self.sleep(LOOK_AGAIN_S)
            held = self._held()
            if held is None:
                return None
            lines_in_use = held.by_account.total()
            seen = self._differences(list(found) if look else self._accounts(held), held)
            found = {each: now for each, now in seen.items() if not look or found[each].lines == now.lines}
            if not found:
                break
        return Audited(lines_in_use, tuple(found.values()))

    def _held(self) -> _Held | None:
        keys = self.watchlist.due(self.clock() + DUE_WITHIN_MS, self.most_calls)
        if len(keys) >= self.most_calls:
            return None
        calls = [(account, each.sk) for each in keys if (account := _account_of_call(each)) is not None]
        by_account = Counter({account: 0 for account, _ in calls})
        unread: list[str] = []
        for start in range(0, len(calls), _AT_ONCE):
            read = self.store.get_many(calls[start : start + _AT_ONCE], unread)
            by_account.update(call.account_id for call in read if call.holds_slot)
        return _Held(by_account, {account for account, call_id in calls if call_id in unread})

    def _accounts(self, held: _Held) -> list[str]:
        waiting = {each.account_id for each in self.watchlist.waiting_accounts()}
        ids = sorted({*held.by_account, *waiting})
        if len(ids) <= self.most_accounts:
            return ids
        turn = self.clock() // (EVERY_MIN * _MS_PER_MIN)
        start = turn * self.most_accounts % len(ids)
        return [*ids[start:], *ids[:start]][: self.most_accounts]

    def _differences(self, accounts: Sequence[str], held: _Held) -> dict[str, Difference]:
        judged = (each for each in accounts if each not in held.unknown)
        seen = (Difference(each, self.store.gate(each).in_use, held.by_account[each]) for each in judged)
        return {each.account_id: each for each in seen if each.lines}


def _account_of_call(key: DueKey) -> str | None:
    """Whose call the key names; None for what is no call."""
    account_id = key.pk.split("#")[1] if key.pk.startswith("A#") else ""
    return account_id if account_id and key.pk == calls_pk(account_id) else None
