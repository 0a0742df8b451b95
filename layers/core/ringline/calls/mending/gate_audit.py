"""Whether each account's gate counts the calls that hold its lines.

Both change in one transaction, so a difference is a fault of ours, or a row that somebody changed by hand: a line that
nobody gave back, or one that is used twice. What is read is what is on a line at this moment, never all calls: the due
index names every call from its claim to its end.

Gate and calls are not read in one moment, so a first look only says which accounts to look at closely:

    first look    calls ---- gates                                differs? then
    each further  gate ---- a wait ---- calls ---- gate again     the gate moved? this look says nothing

The wait is for the index, which names a call a moment after its claim. A difference is one that two such looks have
found alike. A gate that moves in each of them is left to a later audit.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from ringline.calls.tables.pages import DUE_WITHIN_MS
from ringline.calls.tables.store import CallStore, Gate
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

LOOK_AGAIN_S = (2.0, 2.0, 1.0, 1.0, 0.5, 0.5)
"""How long each further look waits before it reads the calls: the shorter, the rather does a busy gate stand still."""

PROOFS = 2
"""How many looks that say something must have found the same."""

TOO_MANY = "too many calls are on a line to be counted one by one"
TOO_LONG = "it would have taken too long"

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
class NotAudited:
    """Nothing is known, and why."""

    why: str


@dataclass(frozen=True, slots=True)
class _Held:
    """How many calls hold a line, by account, and the accounts of which some row cannot be read: what that holds nobody
    knows."""

    by_account: Counter[str]
    unknown: set[str]


class _Stopped(Exception):
    """Nothing can be said; its message says why."""


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

    def run(self, until: int | None = None) -> Audited | NotAudited:
        """Looks closely where a difference is seen. At the moment `until` it ends, with what is proven by then. Raises
        botocore's errors."""
        proven: dict[str, Difference] = {}
        held = _Held(Counter(), set())
        try:
            held = self._held(until)
            differing = list(self._differences(self._accounts(held), held, until))
            self._look_closely(differing, proven, until)
        except _Stopped as stopped:
            if not proven:
                return NotAudited(str(stopped))
        return Audited(held.by_account.total(), tuple(proven[each] for each in sorted(proven)))

    def _look_closely(self, accounts: Sequence[str], proven: dict[str, Difference], until: int | None) -> None:
        found: dict[str, list[Difference]] = {each: [] for each in accounts}
        for wait_s in LOOK_AGAIN_S:
            if not found:
                return
            self._go_on(until)
            before = {each: self._gate(each, until) for each in found}
            self.sleep(wait_s)
            held = self._held(until, only=found.keys())
            for account, gate in before.items():
                if account in held.unknown or self._gate(account, until) != gate:
                    continue
                now = Difference(account, gate.in_use, held.by_account[account])
                same = [each for each in found[account] if each.lines == now.lines]
                found[account] = [*same, now]
                if not now.lines:
                    del found[account]
                elif len(found[account]) >= PROOFS:
                    proven[account] = now
                    del found[account]

    def _go_on(self, until: int | None) -> None:
        if until is not None and self.clock() >= until:
            raise _Stopped(TOO_LONG)

    def _gate(self, account_id: str, until: int | None) -> Gate:
        self._go_on(until)
        return self.store.gate(account_id)

    def _held(self, until: int | None, only: Collection[str] | None = None) -> _Held:
        """Of all accounts, or of some."""
        self._go_on(until)
        keys = self.watchlist.due(self.clock() + DUE_WITHIN_MS, self.most_calls)
        if len(keys) >= self.most_calls:
            raise _Stopped(TOO_MANY)
        named = [(account, each.sk) for each in keys if (account := _account_of_call(each)) is not None]
        calls = [(account, call_id) for account, call_id in named if only is None or account in only]
        by_account = Counter({account: 0 for account, _ in calls})
        unread: list[str] = []
        for start in range(0, len(calls), _AT_ONCE):
            self._go_on(until)
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

    def _differences(self, accounts: Sequence[str], held: _Held, until: int | None) -> Iterator[str]:
        """Those whose gate seems to count otherwise."""
        for account in accounts:
            if account not in held.unknown and self._gate(account, until).in_use != held.by_account[account]:
                yield account


def _account_of_call(key: DueKey) -> str | None:
    """Whose call the key names; None for what is no call."""
    account_id = key.pk.split("#")[1] if key.pk.startswith("A#") else ""
    return account_id if account_id and key.pk == calls_pk(account_id) else None
