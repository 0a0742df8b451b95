"""When a call is dialled again: after a dial that came to nothing, which is no attempt, or for its customer's policy.
And never once its customer was told that it is over or ending."""

from typing import TYPE_CHECKING

from ringline.calls.model.call import AnswerFrom, Attempt, Call, room_name
from ringline.calls.model.reasons import MEANINGS, EndReason
from ringline.calls.model.timing import CLOCK_SKEW_MS
from simulation.actors.phones import Leg
from simulation.kernel.world import World
from simulation.plan.planned import PlannedRetry

if TYPE_CHECKING:
    from simulation.watch.watch import Watch

_CUSTOMERS_WORD = {EndReason.CALL_CANCELED, EndReason.API_HUNG_UP}
_SKEW_MS = 15
_ROOM_CLOSES_IN_MS = 10_000
"""How long the room of an attempt may stay where nothing goes wrong."""


class Retries:
    def __init__(self, world: World, watch: "Watch", *, calm: bool) -> None:
        self._world = world
        self._watch = watch
        self._calm = calm
        self._hung_up: set[tuple[str, str]] = set()

    def hung_up(self, account_id: str, call_id: str) -> None:
        """The customer was told that the call is over, or about to be."""
        self._hung_up.add((account_id, call_id))

    def claimed(self, call: Call) -> None:
        if (call.account_id, call.call_id) in self._hung_up:
            self._watch.fail("overruled", f"{call.call_id} is dialled after its customer hung up")
        if self._world.now < call.eligible_at - CLOCK_SKEW_MS - _SKEW_MS:
            self._watch.fail(
                "dialled_early", f"{call.call_id} is dialled {call.eligible_at - self._world.now} ms early"
            )

    def queued_again(self, before: Call, after: Call) -> None:
        if before.end_asked_reason in _CUSTOMERS_WORD:
            self._watch.fail("overruled", f"{after.call_id} is queued again after its customer hung up")
        if after.attempts != before.attempts:
            self._world.counts["retries"] += 1
            self._retried(before, after)
        elif after.deferrals > before.deferrals:
            self._world.counts["deferrals"] += 1
            if (after.deferrals, after.unsent) != (before.deferrals + 1, before.unsent):
                self._watch.fail("deferral_counted", f"{after.call_id}: unsent {before.unsent} -> {after.unsent}")
        elif after.unsent != before.unsent + 1:
            self._watch.fail("attempt_uncounted", f"{after.call_id} is queued again and nothing says why")

    def _retried(self, before: Call, after: Call) -> None:
        policy, number = self._watch.phones.plan_of(after).retry, len(after.attempts)
        ended = after.attempts[-1]
        if policy is None or not names(policy, ended.end_reason):
            self._watch.fail("retried_unasked", f"{after.call_id} is tried again after {ended.end_reason}")
        elif number != len(before.attempts) + 1 or number >= policy.max_attempts:
            self._watch.fail("too_many_attempts", f"{after.call_id}: {number} attempts of {policy.max_attempts} over")
        elif after.eligible_at < ended.ended_at + policy.delay_s(number) * 1000:
            self._watch.fail("retried_early", f"{after.call_id} waits {after.eligible_at - ended.ended_at} ms")

    def ended(self, before: Call | None, after: Call) -> None:
        """Nobody fails for want of room, and nobody gives up before its policy does."""
        reason = after.end_reason
        if reason is EndReason.SIP_FAILED_CAPACITY and _dialer_was_silent(before):
            self._world.counts["no_room_and_no_dialer"] += 1
        elif reason is EndReason.SIP_FAILED_CAPACITY:
            self._watch.fail("deferral_failed", f"{after.call_id} ended {reason}")
        policy = self._watch.phones.plan_of(after).retry
        if policy is None or reason is None or before is None or not before.in_flight or before.retry is None:
            return
        is_last = len(after.attempts) + 1 >= policy.max_attempts
        if not is_last and after.expires_at is None and names(policy, reason):
            self._watch.fail("not_retried", f"{after.call_id} ended {reason} in attempt {len(after.attempts) + 1}")

    def invited(self, leg: Leg, rung: list[int]) -> None:
        """A phone rings, and rang before in the dials `rung`."""
        call, policy = leg.call, leg.plan.retry
        unsettled = set(rung) - {attempt.dial for attempt in call.attempts}
        if unsettled:
            self._watch.fail("rang_again", f"{call.call_id} rings in dial {call.attempt} and rang in {unsettled}")
        if rung and policy is not None and len(rung) + 1 > policy.max_attempts:
            self._watch.fail("rang_again", f"{call.call_id} rings {len(rung) + 1} times")
        for attempt in call.attempts:
            self._must_be_over(call, attempt)

    def _must_be_over(self, call: Call, attempt: Attempt) -> None:
        phones = self._watch.phones
        leg = phones.legs.get((call.call_id, attempt.dial))
        if leg is not None and leg.is_up:
            # Behind a LiveKit that does not know its leg a phone cannot be hung up.
            self._world.counts["former_phones_up"] += 1
        room = room_name(call.account_id, call.call_id, attempt.dial)
        if self._calm and room in phones.rooms and self._world.now - attempt.ended_at > _ROOM_CLOSES_IN_MS:
            self._watch.fail("former_room_open", f"{room} is open while {call.call_id} rings again")


def names(policy: PlannedRetry, reason: EndReason) -> bool:
    """Whether the customer wants another attempt after such an end. A hang-up says that it does not."""
    if reason in _CUSTOMERS_WORD:
        return False
    return reason.value in policy.on or MEANINGS[reason].category.value in policy.on


def _dialer_was_silent(call: Call | None) -> bool:
    """Whether the carrier said that it has no room, and the dialer whose word defers the call did not: it is dead."""
    return call is not None and call.answer_from is not AnswerFrom.CARRIER and call.carrier.failed_at is not None
