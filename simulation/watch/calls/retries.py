"""When a call is dialled again: after a dial that came to nothing, which is no attempt, or for its customer's policy.
And never once its customer was told that it is over or ending."""

from ringline.calls.model.call import AnswerFrom, Attempt, Call, room_name
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.timing import CLOCK_SKEW_MS
from simulation.actors.scene import Leg, Scene
from simulation.kernel.world import MACHINE_SKEW_MS, World
from simulation.plan.planned import CUSTOMERS_WORD
from simulation.watch.book import CallChange, CallKey
from simulation.watch.findings import Findings

LIVEKIT_IS_AWAY = ("no response from servers", "room not made", "LiveKit not reached")
"""How the words begin that a dial notes which found LiveKit away."""

_ROOM_CLOSES_IN_MS = 10_000
"""How long the room of an attempt may stay where nothing goes wrong."""


class Retries:
    def __init__(self, world: World, findings: Findings, scene: Scene, *, calm: bool) -> None:
        self._world = world
        self._findings = findings
        self._scene = scene
        self._calm = calm
        self._hung_up: set[CallKey] = set()
        self._rung: dict[str, set[int]] = {}
        """The dials in which each call's phone rang."""

    def hung_up(self, account_id: str, call_id: str) -> None:
        """The customer was told that the call is over, or about to be."""
        self._hung_up.add((account_id, call_id))

    def call_changed(self, change: CallChange) -> None:
        before, after = change.before, change.after
        if change.is_end:
            self._ended(before, after)
        if before is not None and change.is_claim:
            self._claimed(before)
        if before is not None and change.is_queued_again:
            self._queued_again(before, after)

    def _claimed(self, call: Call) -> None:
        if (call.account_id, call.call_id) in self._hung_up:
            self._findings.fail("overruled", f"{call.call_id} is dialled after its customer hung up")
        if self._world.now < call.eligible_at - CLOCK_SKEW_MS - MACHINE_SKEW_MS:
            self._findings.fail(
                "dialled_early", f"{call.call_id} is dialled {call.eligible_at - self._world.now} ms early"
            )

    def _queued_again(self, before: Call, after: Call) -> None:
        if before.end_asked_reason in CUSTOMERS_WORD:
            self._findings.fail("overruled", f"{after.call_id} is queued again after its customer hung up")
        if after.attempts != before.attempts:
            self._world.counts["retries"] += 1
            self._retried(before, after)
        elif after.deferrals > before.deferrals:
            self._world.counts["deferrals"] += 1
            if (after.deferrals, after.unsent) != (before.deferrals + 1, before.unsent):
                self._findings.fail("deferral_counted", f"{after.call_id}: unsent {before.unsent} -> {after.unsent}")
        elif after.agent_missing_since is not None:
            self._world.counts["agent_missed"] += 1
            self._missed_its_agent(before, after)
        elif after.deferred_since is not None and after.eligible_at == before.eligible_at:
            self._world.counts["held"] += 1
            if after.unsent != before.unsent:
                self._findings.fail("outage_counted", f"{after.call_id}: unsent {before.unsent} -> {after.unsent}")
        elif after.unsent != before.unsent + 1:
            self._findings.fail("attempt_uncounted", f"{after.call_id} is queued again and nothing says why")

    def _missed_its_agent(self, before: Call, after: Call) -> None:
        """It keeps its place, nothing of it counts, and nobody was rung."""
        kept = (before.eligible_at, before.unsent, before.deferrals)
        if (after.eligible_at, after.unsent, after.deferrals) != kept or not before.agent_first:
            self._findings.fail("agent_missed_counted", f"{after.call_id} missed its agent, and that counts")
        if (before.call_id, before.attempt) in self._scene.legs:
            self._findings.fail("rang_without_agent", f"{after.call_id} rang in dial {before.attempt} without an agent")

    def _retried(self, before: Call, after: Call) -> None:
        policy, number = self._scene.plan_of(after).retry, len(after.attempts)
        ended = after.attempts[-1]
        if policy is None or not policy.names(ended.end_reason):
            self._findings.fail("retried_unasked", f"{after.call_id} is tried again after {ended.end_reason}")
        elif number != len(before.attempts) + 1 or number >= policy.max_attempts:
            self._findings.fail(
                "too_many_attempts", f"{after.call_id}: {number} attempts of {policy.max_attempts} over"
            )
        elif after.eligible_at < ended.ended_at + policy.delay_s(number) * 1000:
            self._findings.fail("retried_early", f"{after.call_id} waits {after.eligible_at - ended.ended_at} ms")

    def _ended(self, before: Call | None, after: Call) -> None:
        """Nobody fails for want of room or of LiveKit, and nobody gives up before its policy does."""
        reason = after.end_reason
        if reason is EndReason.SIP_FAILED_CAPACITY and _dialer_was_silent(before):
            self._world.counts["no_room_and_no_dialer"] += 1
        elif reason is EndReason.SIP_FAILED_CAPACITY:
            self._findings.fail("deferral_failed", f"{after.call_id} ended {reason}")
        if _was_livekits(after):
            self._findings.fail("outage_failed", f"{after.call_id} ended {reason}: {after.evidence.twirp_message}")
        policy = self._scene.plan_of(after).retry
        if policy is None or reason is None or before is None or not before.in_flight:
            return
        if None in (before.retry, after.retry):
            # Whoever hangs up wants no further attempt, also while the call waits for a word about its end.
            return
        is_last = len(after.attempts) + 1 >= policy.max_attempts
        if not is_last and after.expires_at is None and policy.names(reason):
            self._findings.fail("not_retried", f"{after.call_id} ended {reason} in attempt {len(after.attempts) + 1}")

    def invited(self, leg: Leg) -> None:
        call, policy = leg.call, leg.plan.retry
        dials = self._rung.setdefault(call.call_id, set())
        rung = {dial for dial in dials if dial < call.attempt}
        dials.add(call.attempt)
        unsettled = rung - {attempt.dial for attempt in call.attempts}
        if unsettled:
            self._findings.fail("rang_again", f"{call.call_id} rings in dial {call.attempt} and rang in {unsettled}")
        if rung and policy is not None and len(rung) + 1 > policy.max_attempts:
            self._findings.fail("rang_again", f"{call.call_id} rings {len(rung) + 1} times")
        for attempt in call.attempts:
            self._must_be_over(call, attempt)

    def _must_be_over(self, call: Call, attempt: Attempt) -> None:
        scene = self._scene
        leg = scene.legs.get((call.call_id, attempt.dial))
        if leg is not None and leg.is_up:
            # Behind a LiveKit that does not know its leg a phone cannot be hung up.
            self._world.counts["former_phones_up"] += 1
        room = room_name(call.account_id, call.call_id, attempt.dial)
        if self._calm and room in scene.rooms and self._world.now - attempt.ended_at > _ROOM_CLOSES_IN_MS:
            self._findings.fail("former_room_open", f"{room} is open while {call.call_id} rings again")


def _was_livekits(call: Call) -> bool:
    """Whether a call failed because LiveKit was away, which no call is to fail for."""
    is_failure = call.end_reason in {EndReason.SIP_FAILED_TRUNK, EndReason.DIAL_STATE_UNKNOWN}
    return is_failure and (call.evidence.twirp_message or "").startswith(LIVEKIT_IS_AWAY)


def _dialer_was_silent(call: Call | None) -> bool:
    """Whether the carrier said that it has no room, and the dialer whose word defers the call did not: it is dead."""
    return call is not None and call.answer_from is not AnswerFrom.CARRIER and call.carrier.failed_at is not None
