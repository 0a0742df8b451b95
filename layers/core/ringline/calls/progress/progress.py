"""Moves a call: read, apply, commit, and read again when somebody else was faster. The one way any event reaches a
call."""

from dataclasses import dataclass

from aws_lambda_powertools import Logger

from ringline.calls.model.call import Call, State
from ringline.calls.model.events import Event
from ringline.calls.model.ports import Doorbell
from ringline.calls.model.results import Effect, Moved, Unmoved
from ringline.calls.progress.hints import NextRing
from ringline.calls.rules.lifecycle import apply
from ringline.calls.rules.moments import as_allowed
from ringline.calls.tables.records import released
from ringline.calls.tables.store import CallStore, Committed, TableContended
from ringline.runtime.clock import Clock
from ringline.runtime.sqs import LONGEST_DELAY_S

_TRIES = 10
"""Writers of one call are few (dialer, webhooks, API, sweep): ten lost races in a row mean something is broken."""


@dataclass(frozen=True, slots=True)
class Applied:
    """The event moved the call; `call` is as it was written."""

    call: Call
    effects: frozenset[Effect]


@dataclass(frozen=True, slots=True)
class Unapplied:
    """Nothing changed. `call` is as it was read, None if there is no such call."""

    call: Call | None
    why: str
    effects: frozenset[Effect] = frozenset()


type Outcome = Applied | Unapplied


class Progress:
    def __init__(self, store: CallStore, doorbell: Doorbell, clock: Clock, logger: Logger) -> None:
        self._store = store
        self._doorbell = doorbell
        self._clock = clock
        self._log = logger
        self._next_ring = NextRing(store, doorbell, clock)

    def apply(self, account_id: str, call_id: str, event: Event) -> Outcome:
        """Applies one event, at the moment it tells or, where the call does not allow that, now. A line that is given
        back rings the account's doorbell if somebody waits for it. Raises TableContended."""
        for _ in range(_TRIES):
            call = self._store.get(account_id, call_id)
            if call is None:
                return Unapplied(None, "unknown_call")
            match apply(call, as_allowed(call, event, self._clock())):
                case Unmoved(why, effects):
                    return Unapplied(call, why, effects)
                case Moved(after, effects):
                    if self._store.commit(call, after) is Committed.DONE:
                        self._moved(call, after, event)
                        return Applied(after, effects)
        raise TableContended

    def _moved(self, before: Call, after: Call, event: Event) -> None:
        self._log.info(
            "call moved",
            extra={
                "account_id": after.account_id,
                "call_id": after.call_id,
                "event": type(event).__name__,
                "state": after.state.value,
                "end_reason": after.end_reason,
                "attempt": after.attempt,
            },
        )
        # The change stands whether or not a bell is heard: the relay rings again, and so does the sweep.
        try:
            if before.in_flight and after.state is State.QUEUED:
                self._ring_for_itself(after)
            if released(before, after) and self._next_ring.somebody_waits(after.account_id):
                # No look at the gate: a line was given back this moment.
                self._doorbell.ring(after.account_id)
        except Exception:
            self._log.exception("doorbell not rung", extra={"account_id": after.account_id})

    def _ring_for_itself(self, call: Call) -> None:
        """Rings at the moment of the call's next dial. One that is further off than a bell can wait is the sweep's."""
        wait_s = -(-((call.due_at or call.eligible_at) - self._clock()) // 1000)
        if 0 < wait_s <= LONGEST_DELAY_S:
            self._doorbell.ring(call.account_id, wait_s)
