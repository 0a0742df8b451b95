"""The head of an account's queue, as one who admits its calls looks at it: past those that have expired.

A call that has expired is ended by the sweep, each minute some thousands of them. Until then it stands in its place,
and holds up nobody: whoever looks for a call to dial reads on behind it. Only where that finds none are a few of them
ended here, so that the next look reaches further.
"""

from ringline.calls.model.events import EndAsked
from ringline.calls.progress.awaited_agents import AwaitedAgents
from ringline.calls.progress.progress import Applied, Progress, Wanted
from ringline.calls.tables.store import CallStore, QueueEntry
from ringline.record import Record
from ringline.runtime.clock import Clock

_PAGE = 500
_PAGES = 10
"""So many entries are read past at most, for some 200 read units: where five thousand calls have just expired."""

EXPIRED_AT_ONCE = 50
"""How many calls one look ends: a second's work. Whoever comes next goes on."""


class ExpiredAhead(Record):
    """Calls that have expired stand before whoever else waits, more than one look reaches past. Some of them were
    ended, and it is worth looking again at once."""


class QueueHead(Record):
    store: CallStore
    progress: Progress
    awaited: AwaitedAgents
    clock: Clock

    def waiting(self, account_id: str, limit: int) -> list[QueueEntry] | ExpiredAhead:
        """The account's first calls that may be dialled and have not expired, up to `limit` or a page of them; none
        where nobody waits. Raises TableContended."""
        now, asked, after = self.clock(), limit, None
        expired: list[QueueEntry] = []
        for _ in range(1 + _PAGES):
            page = self.store.eligible(account_id, now, asked, after)
            live = [entry for entry in page if not entry.has_expired(now)]
            if live:
                return live
            expired += page
            if len(page) < asked:
                break
            asked, after = _PAGE, page[-1]
        return self._end(account_id, expired, now)

    def _end(self, account_id: str, expired: list[QueueEntry], now: int) -> list[QueueEntry] | ExpiredAhead:
        """Ends some of them, and says whether it is worth looking again."""
        unread: list[str] = []
        some = {entry.call_id: entry for entry in expired[:EXPIRED_AT_ONCE]}
        calls = self.store.get_many([(account_id, call_id) for call_id in some], unread)
        for call_id in some.keys() - {call.call_id for call in calls} - set(unread):
            self.store.drop_entry(account_id, some[call_id])
        reasons = self.awaited.why_each_expired(calls)
        outcomes = self.progress.apply_each(
            [Wanted(call, EndAsked(now, reason)) for call, reason in zip(calls, reasons, strict=True)]
        )
        has_moved = any(isinstance(outcome, Applied) for outcome in outcomes)
        return ExpiredAhead() if has_moved and len(expired) > EXPIRED_AT_ONCE else []
