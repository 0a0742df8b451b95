"""A cap is set, changed or taken off while calls are under way."""

from dataclasses import dataclass

from aws_lambda_powertools import Logger

from ringline.calls.capacity.counters import Kind, counter_name, names_of
from ringline.calls.model.call import Call, State
from ringline.calls.model.events import CapSet
from ringline.calls.model.ports import Doorbell
from ringline.calls.progress.progress import Progress
from ringline.calls.tables.limits.counters import Counters
from ringline.calls.tables.pages import CallPages
from ringline.calls.tables.wanted import Wanted
from ringline.runtime.clock import Clock

MOST_COUNTED = 300
"""How many calls under way are counted where something gets its first cap: each takes a transaction, and the request
that sets the cap waits. Those beyond, and one that was claimed within the last moments, drain uncounted."""

_PAGE = 100
_UNDER_WAY = Wanted(states=frozenset(state for state in State if state.is_in_flight))


@dataclass(frozen=True, slots=True, kw_only=True)
class SetCap:
    counters: Counters
    pages: CallPages
    progress: Progress
    doorbell: Doorbell
    clock: Clock
    log: Logger

    def run(
        self, account_id: str, kind: Kind, of: str, max_calls: int | None, calls_per_day: int | None = None
    ) -> None:
        """From now on the agent, pipe or number has at most so many calls at once, and a number so many dials a day;
        None for as many as want to. Repeating changes nothing. Every call claimed from now on counts, and those under
        way do, too. A lower cap drains; with a higher one, or none, who waited for it goes at once. Raises
        TableContended, and LookupError for an account that is not there."""
        name = counter_name(kind, of)
        self.counters.set_cap(account_id, kind, of, max_calls, calls_per_day)
        try:
            # Also where it was capped before: whoever set it may have died before all were counted.
            if max_calls is not None or calls_per_day is not None:
                for call in self._under_way(account_id, name):
                    self.progress.apply(account_id, call.call_id, CapSet(self.clock(), call.attempt, name))
        finally:
            # Whatever it was before: whoever raised it, or took it off, may have died before the bell.
            self._ring(account_id)

    def _under_way(self, account_id: str, name: str) -> list[Call]:
        found: list[Call] = []
        cursor = None
        while len(found) < MOST_COUNTED:
            page = self.pages.in_flight(account_id, limit=_PAGE, cursor=cursor, wanted=_UNDER_WAY, now=self.clock())
            if page is None:
                break
            found += [call for call in page.calls if name in names_of(call) and name not in call.counters]
            cursor = page.next_cursor
            if cursor is None:
                break
        return found[:MOST_COUNTED]

    def _ring(self, account_id: str) -> None:
        try:
            self.doorbell.ring(account_id)
        except Exception:
            # The calls are found with the next call that ends, or by the sweep.
            self.log.exception("doorbell not rung", extra={"account_id": account_id})
