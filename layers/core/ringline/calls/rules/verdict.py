"""From the record of a call to the reason of its end. Pure; what we recorded ourselves goes before what LiveKit says.

somebody asked for the end -----> the reason it was asked for
nobody answered ----------------> `unanswered`: the carrier's code, LiveKit's error, or what the leg's leaving said
the leg was seen to leave ------> the first line of SEEN_TO_LEAVE that applies
nobody saw it leave ------------> the first line of NOT_SEEN_TO_LEAVE that applies
"""

from collections.abc import Callable
from dataclasses import dataclass

from ringline.calls.model.call import (
    AGENT_ERROR,
    BRIDGE_FAILED,
    BRIDGE_STOPPED,
    LOST_CONNECTION,
    ROOM_CLOSED,
    ROOM_ENDED,
    UP,
    Call,
)
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.timing import CLOCKS_DIFFER_MS, MS_PER_S
from ringline.calls.rules.unanswered import why_unanswered
from ringline.calls.rules.voicemail import was_unheard_greeting

_R = EndReason


def end_reason(call: Call, at: int) -> EndReason:
    """Why a call that is over at `at` ended."""
    if call.end_asked_reason is not None:
        return call.end_asked_reason
    if call.answered_at is None:
        return why_unanswered(call, at)
    conversation = Conversation(call, call.answered_at, at)
    lines = SEEN_TO_LEAVE if conversation.leg_was_seen_to_leave else NOT_SEEN_TO_LEAVE
    return next(reason for applies, reason in lines if applies(conversation))


@dataclass(frozen=True, slots=True)
class Conversation:
    """An answered call that is over at `at`, and what its record answers about it."""

    call: Call
    answered_at: int
    at: int

    @property
    def leg_was_seen_to_leave(self) -> bool:
        return self.call.evidence.leg_left_at is not None or self.call.evidence.disconnect_reason is not None

    @property
    def why_leg_left(self) -> str:
        # UNKNOWN_REASON is the zero of its enumeration: in LiveKit's JSON it is left out.
        return self.call.evidence.disconnect_reason or "UNKNOWN_REASON"

    @property
    def ended_at(self) -> int | None:
        """When the other side left; None where that tells nothing of how long anybody talked."""
        if not self.leg_was_seen_to_leave:
            return self.call.carrier.believed_end_at
        return (self.call.evidence.leg_left_at or self.at) if self.answer_was_seen else None

    @property
    def answer_was_seen(self) -> bool:
        """An answer that was concluded from the leg's leaving has the moment of that, and nobody saw who was there."""
        return self.answered_at != self.call.evidence.leg_left_at

    def connection_was_lost(self) -> bool:
        return self.why_leg_left in LOST_CONNECTION or self.why_leg_left == BRIDGE_STOPPED

    def room_closed_around_it(self) -> bool:
        return self.why_leg_left == ROOM_CLOSED

    def limit_was_reached(self) -> bool:
        call = self.call
        # LiveKit's own timer is asked for ring time-out and limit together, and counts from the dial.
        dialed_at = call.dialed_at or self.answered_at
        runs_from = self.answered_at if self.answer_was_seen else dialed_at + call.ring_timeout_s * MS_PER_S
        return self._lasted(self.at - runs_from, call.max_call_duration_s) or self._outlasted_livekits_timer()

    def carrier_saw_the_limit_reached(self) -> bool:
        ended_at = self.ended_at
        return ended_at is not None and self._lasted(ended_at - self.answered_at, self.call.max_call_duration_s)

    def _outlasted_livekits_timer(self) -> bool:
        """Whether the dial lasted as long as LiveKit was asked to let it. Its answer may have been seen late."""
        call = self.call
        if call.comes_in or call.dialed_at is None:
            return False
        return self._lasted(self.at - call.dialed_at, call.ring_timeout_s + call.max_call_duration_s)

    @staticmethod
    def _lasted(ms: int, limit_s: int) -> bool:
        return ms >= limit_s * MS_PER_S - CLOCKS_DIFFER_MS

    def nobody_was_there_to_speak_to(self) -> bool:
        return self.call.active_at is None

    def bridge_failed(self) -> bool:
        return self.why_leg_left in BRIDGE_FAILED

    def agent_failed(self) -> bool:
        return self.why_leg_left == AGENT_ERROR

    def was_handed_over(self) -> bool:
        return self.call.reports.transferred_at is not None or self.call.handed_over_at is not None

    def was_a_voicemail(self) -> bool:
        """Whether agent or carrier said so, or nobody spoke for as long as a greeting lasts. No caller is one."""
        call = self.call
        if call.comes_in:
            return False
        if call.reports.voicemail_at is not None or call.carrier.to_voicemail:
            return True
        return self.ended_at is not None and was_unheard_greeting(call, self.answered_at, self.ended_at)

    def room_was_ended_in_silence(self) -> bool:
        return self.room_was_ended() and self.call.reports.silent_since is not None

    def room_was_ended(self) -> bool:
        return self.why_leg_left in ROOM_ENDED

    def sound_stopped(self) -> bool:
        """Whether LiveKit gave up a leg from which no sound came any more: who hangs up leaves the status `hangup`."""
        return self.call.evidence.last_call_status in UP and self.call.carrier.believed_end_at is None

    def nobody_knows_when(self) -> bool:
        return self.ended_at is None

    def other_side_hung_up(self) -> bool:
        """What remains when nothing else applies."""
        return True


type Line = tuple[Callable[[Conversation], bool], EndReason]

SEEN_TO_LEAVE: tuple[Line, ...] = (
    (Conversation.connection_was_lost, _R.CONNECTION_LOST),
    (Conversation.room_closed_around_it, _R.IDLE_TIMEOUT),
    (Conversation.limit_was_reached, _R.MAX_DURATION_REACHED),
    (Conversation.nobody_was_there_to_speak_to, _R.AGENT_DID_NOT_JOIN),
    (Conversation.bridge_failed, _R.SIP_FAILED_TRUNK),
    (Conversation.agent_failed, _R.AGENT_FAILED),
    (Conversation.was_handed_over, _R.CALL_TRANSFERRED),
    (Conversation.was_a_voicemail, _R.AGENT_HUNG_UP_VOICEMAIL_DETECTED),
    (Conversation.room_was_ended_in_silence, _R.AGENT_HUNG_UP_SILENCE_DETECTED),
    (Conversation.room_was_ended, _R.AGENT_HUNG_UP),
    (Conversation.sound_stopped, _R.IDLE_TIMEOUT),
    (Conversation.other_side_hung_up, _R.USER_HUNG_UP_IN_CALL),
)

NOT_SEEN_TO_LEAVE: tuple[Line, ...] = (
    (lambda it: it.nobody_knows_when() and it.was_handed_over(), _R.CALL_TRANSFERRED),
    (Conversation.nobody_knows_when, _R.IDLE_TIMEOUT),
    (Conversation.carrier_saw_the_limit_reached, _R.MAX_DURATION_REACHED),
    (Conversation.nobody_was_there_to_speak_to, _R.AGENT_DID_NOT_JOIN),
    (Conversation.was_handed_over, _R.CALL_TRANSFERRED),
    (Conversation.was_a_voicemail, _R.AGENT_HUNG_UP_VOICEMAIL_DETECTED),
    (Conversation.other_side_hung_up, _R.USER_HUNG_UP_IN_CALL),
)
"""Of a leg that nobody saw leave only the carrier may know when the phone call ended."""
