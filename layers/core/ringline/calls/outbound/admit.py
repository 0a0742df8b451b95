"""Admits waiting calls through the gate and at their trunk's pace: oldest eligible first, each claimed in one
transaction. While LiveKit is away nobody is admitted but one at a time, who finds out whether it is back."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from aws_lambda_powertools import Logger

from ringline.calls.model.call import AnswerFrom, Call, State
from ringline.calls.model.events import Claimed, EndAsked
from ringline.calls.model.reasons import EndReason
from ringline.calls.progress.progress import Applied, GateFull, Outdated, Progress, Unapplied
from ringline.calls.tables.livekit_rest import Rest
from ringline.calls.tables.paces import TrunkPaces
from ringline.calls.tables.store import CallStore, QueueEntry, TableContended
from ringline.runtime.clock import MS_PER_S, Clock

_TRIES = 50
"""Each lost race means that another dialer claimed a call: fifty in a row are fifty calls on their way."""

_LOOK_PAST = 50
"""How many calls behind one whose trunk rests are searched for a call of another trunk, or for one to try LiveKit."""


class NoneAdmitted(StrEnum):
    """Normal ends of admitting: none is a failure, and none keeps a message in the queue."""

    GATE_FULL = "gate_full"
    NOBODY_WAITS = "nobody_waits"


@dataclass(frozen=True, slots=True)
class Paced:
    """Calls wait and lines are free, but before `until` their trunks have no turn, or LiveKit rests."""

    until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Admit:
    store: CallStore
    paces: TrunkPaces
    progress: Progress
    clock: Clock
    log: Logger
    pause: Callable[[float], None] = time.sleep
    answer_from: AnswerFrom | None = None

    def next(self, account_id: str) -> Call | NoneAdmitted | Paced:
        """Claims the account's oldest eligible call, waiting for its trunk's turn if that is near. When the gate is
        full or the turn is far the call stays where it is, in its place. Raises TableContended if others were faster
        each time."""
        turns: dict[str, int] = {}
        for _ in range(_TRIES):
            first = self._first_that_may_go(account_id, turns)
            if not isinstance(first, QueueEntry):
                return first
            rest = self.paces.livekit.look()
            if not rest.is_over(self.clock()):
                return Paced(rest.next_at)
            if rest.is_on_trial(self.clock()):
                first = self._one_that_tries(account_id, rest, first, turns)
            call = self._waiting(account_id, first)
            if call is None or not self._has_its_turn(call, turns):
                continue
            if not self.paces.livekit.may_dial(call, rest, self.clock()):
                continue
            match self.progress.apply_to(call, Claimed(self.clock(), self.answer_from)):
                case Applied(claimed_call):
                    return claimed_call
                case GateFull():
                    return NoneAdmitted.GATE_FULL
                case Unapplied() | Outdated():
                    continue
        raise TableContended

    def _first_that_may_go(self, account_id: str, turns: dict[str, int]) -> QueueEntry | NoneAdmitted | Paced:
        entries = self.store.eligible(account_id, self.clock(), 1)
        if not entries:
            return NoneAdmitted.NOBODY_WAITS
        # A look at the gate costs a tenth of a refused claim: ten thousand doorbells at a full gate stay cheap.
        if not self.store.gate(account_id).has_free_line:
            return NoneAdmitted.GATE_FULL
        return self._first_near_its_turn(account_id, entries[0], turns)

    def _first_near_its_turn(self, account_id: str, first: QueueEntry, turns: dict[str, int]) -> QueueEntry | Paced:
        """The oldest call whose trunk has a turn soon. A call whose trunk rests does not hold up those of other
        trunks."""
        resting: dict[str, int] = {}
        if self._is_near(first, turns, resting):
            return first
        for entry in self.store.eligible(account_id, self.clock(), _LOOK_PAST):
            if self._is_near(entry, turns, resting):
                return entry
        return Paced(min(resting.values()))

    def _one_that_tries(self, account_id: str, rest: Rest, first: QueueEntry, turns: dict[str, int]) -> QueueEntry:
        """The call that finds out whether LiveKit is back: after each one that failed another. If it is only that one
        call which LiveKit never takes, it holds up nobody."""
        waiting = self.store.eligible(account_id, self.clock(), _LOOK_PAST)
        near = [entry for entry in waiting if self._is_near(entry, turns, {})]
        return near[rest.rests % len(near)] if near else first

    def _is_near(self, entry: QueueEntry, turns: dict[str, int], resting: dict[str, int]) -> bool:
        """Whether the entry's trunk has a turn soon. A trunk that is found at rest is noted in `resting` with its next
        turn, and one without a pace in `turns`: it need not be asked for a turn."""
        trunk = self.paces.trunk(entry.trunk_id)
        if trunk in resting:
            return False
        if trunk not in turns:
            pace = self.paces.look(trunk)
            if not pace.is_near(self.clock()):
                resting[trunk] = pace.next_at
                return False
            if pace.interval_at(self.clock()) == 0:
                turns[trunk] = pace.next_at
        return True

    def _has_its_turn(self, call: Call, turns: dict[str, int]) -> bool:
        """Whether the call may be claimed this moment. A turn that was taken is kept for the next look at the queue:
        while this dialer waited, the call may have gone and another be the first."""
        trunk = self.paces.trunk(call.trunk_id)
        if trunk not in turns:
            turn = self.paces.take(trunk, self.clock())
            if turn is None:
                return False
            turns[trunk] = turn
        wait_ms = turns[trunk] - self.clock()
        if wait_ms <= 0:
            return True
        self.pause(wait_ms / MS_PER_S)
        return False

    def _waiting(self, account_id: str, entry: QueueEntry) -> Call | None:
        """The call of an entry, if it still waits there and may be dialled."""
        call = self.store.get(account_id, entry.call_id)
        if call is None:
            self.log.error("queue entry without its call", extra={"call_id": entry.call_id})
            self.store.drop_entry(account_id, entry)
            return None
        if call.state is not State.QUEUED or call.eligible_at != entry.eligible_at:
            # Another dialer took the call between the two reads. It may even be queued again, for later.
            return None
        if call.expires_at is not None and call.expires_at <= self.clock():
            self.progress.apply(account_id, call.call_id, EndAsked(self.clock(), EndReason.EXPIRED_IN_QUEUE))
            return None
        return call
