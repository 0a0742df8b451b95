"""An account meets one of its limits. To tell of it is an extra: whoever is refused is refused all the same."""

from typing import Protocol

from aws_lambda_powertools import Logger

from ringline.calls.capacity.days import MS_A_MINUTE, Daily, Use
from ringline.calls.capacity.limits import LIMIT_OF, Limit, ReachedLimit, reached
from ringline.record import Record
from ringline.runtime.clock import Clock


class Rows(Protocol):
    def note(self, met: ReachedLimit) -> None: ...


class LimitsMet(Record):
    rows: Rows
    clock: Clock
    log: Logger

    def queue_is_full(self, account_id: str, most_waiting: int) -> None:
        self._note(account_id, Limit.WAITING_CALLS, most_waiting)

    def is_spent(self, account_id: str, use: Use, daily: Daily) -> None:
        cap = daily.cap(use) or 0
        self._note(account_id, LIMIT_OF[use], cap / MS_A_MINUTE if use is Use.TALK_MS else cap)

    def _note(self, account_id: str, limit: Limit, cap: float) -> None:
        try:
            self.rows.note(reached(account_id, limit, cap, self.clock()))
        except Exception:
            self.log.exception("limit not noted", extra={"limit": limit.value})
