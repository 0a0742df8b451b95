"""Moves a call: read, apply, commit, and read again when somebody else was faster. The one way any event reaches a
call: nothing else applies the rules of the lifecycle, and nothing else writes what they say."""

from collections.abc import Sequence

from aws_lambda_powertools import Logger

from ringline.calls.model.call import Call, State
from ringline.calls.model.events import Claimed, Event
from ringline.calls.model.moments import as_allowed
from ringline.calls.model.ports import Doorbell
from ringline.calls.model.results import Effect, Moved, Unmoved
from ringline.calls.model.transfers.standing import HANDED_OVER, has_lost_call
from ringline.calls.progress.hints import NextRing
from ringline.calls.rules.lifecycle import apply
from ringline.calls.tables.records import released
from ringline.calls.tables.store import CallStore, Change, Committed, TableContended
from ringline.record import Record
from ringline.runtime.clock import Clock, whole_s
from ringline.runtime.sqs import LONGEST_DELAY_S

_TRIES = 10
"""Writers of one call are few (dialer, webhooks, API, sweep): ten lost races in a row mean something is broken."""

MOST_TOGETHER = 10
"""So many calls are changed in one transaction at most: who loses a race loses no more than these."""


class Applied(Record):
    """The event moved the call; `call` is as it was written."""

    call: Call
    effects: frozenset[Effect]


class Unapplied(Record):
    """Nothing changed. `call` is as it was read, None if there is no such call."""

    call: Call | None
    why: str
    effects: frozenset[Effect] = frozenset()


class GateFull(Record):
    """The event takes a line, and the account has none free. Nothing changed."""


class PlaceTaken(Record):
    """The event takes a runner's place, and that runner has none left. Nothing changed."""


class CapReached(Record):
    """The event takes a place under a cap, and there is none left. Nothing changed."""


class Outdated(Record):
    """Somebody else changed the call after it was read. Nothing changed; the rules must be asked anew."""


CAP_REACHED = "cap_reached"
"""Why an agent has not got a call that it was asked to take: it has as many as it may have."""

type Outcome = Applied | Unapplied


class Wanted(Record):
    """An event for a call as its caller has just read it, and whether the account calls its number for the first
    time."""

    call: Call
    event: Event
    is_new_number: bool = False


class Progress:
    def __init__(self, store: CallStore, doorbell: Doorbell, clock: Clock, logger: Logger) -> None:
        self._store = store
        self._doorbell = doorbell
        self._clock = clock
        self._log = logger
        self._next_ring = NextRing(store, doorbell, clock)

    def apply(self, account_id: str, call_id: str, event: Event, told_by: int | None = None) -> Outcome:
        """Applies one event, at the moment it tells or, where the call does not allow that, now. A line that is given
        back rings the account's doorbell if somebody waits for it. What is `told_by` an agent, named by its dispatch,
        counts as long as the call has not become another agent's. Raises TableContended."""
        for _ in range(_TRIES):
            call = self._store.get(account_id, call_id)
            if call is None:
                return Unapplied(None, "unknown_call")
            if has_lost_call(call.transfers, call.attempt, told_by) or call.has_fallen_back_from(told_by):
                return Unapplied(call, HANDED_OVER)
            outcome = self.apply_to(call, as_allowed(call, event, self._clock()))
            if isinstance(outcome, Applied | Unapplied):
                return outcome
            if isinstance(outcome, PlaceTaken):
                return Unapplied(call, "place_taken")
            if isinstance(outcome, CapReached):
                return Unapplied(call, CAP_REACHED)
        raise TableContended

    def apply_to(
        self, call: Call, event: Event, caps_version: int | None = None, *, is_new_number: bool = False
    ) -> Outcome | GateFull | PlaceTaken | CapReached | Outdated:
        """Applies one event to the call as its caller has just read it, and writes it once: for callers that decide
        anew what to do when somebody else was faster, or when the account's caps are not those of `caps_version` any
        more. With `is_new_number` the account calls the number for the first time. Raises TableContended."""
        outcome = self.apply_together([Wanted(call, event, is_new_number)], caps_version)
        return outcome[0] if isinstance(outcome, list) else outcome

    def apply_together(
        self, wanted: Sequence[Wanted], caps_version: int | None = None, *, once: bool = False
    ) -> list[Applied] | Unapplied | GateFull | PlaceTaken | CapReached | Outdated:
        """Applies events to different calls of an account, the first so many of them that can be written in one
        transaction: as if each had been applied by itself, one behind the other. Where the first cannot be applied it
        says why, and nothing changed. Raises TableContended, `once` at the first who are met at the same items: for
        callers that then look again at what they want."""
        moves: list[tuple[Wanted, Moved]] = []
        for each in wanted:
            result = apply(each.call, each.event)
            if isinstance(result, Unmoved):
                if not moves:
                    return Unapplied(each.call, result.why, result.effects)
                break
            moves.append((each, result))
        changes = [Change(each.call, moved.call, caps_version, each.is_new_number) for each, moved in moves]
        written = self._store.commit_together(changes, once=once)
        if written:
            return [self._moved(each, moved) for each, moved in moves[:written]]
        first, moved = moves[0]
        match self._store.commit(first.call, moved.call, caps_version, is_new_number=first.is_new_number, once=once):
            case Committed.GATE_FULL:
                return GateFull()
            case Committed.PLACE_TAKEN:
                return PlaceTaken()
            case Committed.CAP_REACHED:
                return CapReached()
            case Committed.STALE:
                return Outdated()
            case Committed.DONE:
                return [self._moved(first, moved)]

    def apply_each(self, wanted: Sequence[Wanted]) -> list[Outcome]:
        """Applies an event to each of an account's calls, as few transactions as can be, and says what came of each, in
        their order: for what is to be done to many calls at once, as when a queue expires. Who was faster at one of
        them keeps none of the others waiting. Raises TableContended, and whatever else the table refuses one for:
        those behind it are not done then."""
        outcomes: list[Outcome] = []
        while rest := wanted[len(outcomes) :]:
            now = self._clock()
            some = [Wanted(each.call, as_allowed(each.call, each.event, now)) for each in rest[:MOST_TOGETHER]]
            outcome = self.apply_together(some)
            if isinstance(outcome, list):
                outcomes += outcome
            else:
                # The first one is not as it was read, or cannot be written with the others.
                first = rest[0]
                outcomes.append(self.apply(first.call.account_id, first.call.call_id, first.event))
        return outcomes

    def _moved(self, wanted: Wanted, moved: Moved) -> Applied:
        self._log_move(moved.call, wanted.event)
        self._ring_bells(wanted.call, moved.call)
        return Applied(moved.call, moved.effects)

    def _log_move(self, call: Call, event: Event) -> None:
        if isinstance(event, Claimed):
            self._log.info("call claimed", extra={"call_id": call.call_id, "attempt": call.attempt})
            return
        self._log.info(
            "call moved",
            extra={
                "account_id": call.account_id,
                "call_id": call.call_id,
                "event": type(event).__name__,
                "state": call.state.value,
                "end_reason": call.end_reason,
                "attempt": call.attempt,
            },
        )

    def _ring_bells(self, before: Call, after: Call) -> None:
        """The change stands whether or not a bell is heard: the relay rings again, and so does the sweep."""
        try:
            if before.in_flight and after.state is State.QUEUED:
                self._ring_for_itself(after)
            if released(before, after) and self._next_ring.somebody_waits(after.account_id):
                # The gate is not looked at: a line was given back this moment.
                self._doorbell.ring(after.account_id)
        except Exception:
            self._log.exception("doorbell not rung", extra={"account_id": after.account_id})

    def _ring_for_itself(self, call: Call) -> None:
        """Rings at the moment of the call's next dial. A moment that is further off than a bell can wait is left to the
        sweep."""
        wait_s = whole_s((call.due_at or call.eligible_at) - self._clock())
        if 0 < wait_s <= LONGEST_DELAY_S:
            self._doorbell.ring(call.account_id, wait_s)
