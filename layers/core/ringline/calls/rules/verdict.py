"""From the record of a call to the reason of its end. Pure; what we recorded ourselves goes before what LiveKit
says."""

from ringline.calls.model.call import Call, CallStatus, Direction
from ringline.calls.model.carrier_limits import names_a_limit
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.timing import (
    HEARS_WITHIN_S,
    VOICEMAIL_GREETING_S,
    VOICEMAIL_RING_MAX_S,
    VOICEMAIL_RING_MIN_S,
)

_R = EndReason

_WRONG_NUMBER = {301, 302, 404, 410, 484, 485, 604}
_BLOCKED = {403, 607, 608}
_DECLINED = {486, 600, 603}
_TERMINATED = 487
_UNAVAILABLE = {480}
_NOT_PICKED_UP = {408, _TERMINATED}
_NOT_ACCEPTABLE_ANYWHERE = 606
_UNKNOWN_CODE_IS_A_DECLINE = range(600, 700)
_UNKNOWN_CODE_IS_THE_TRUNKS = range(300, 600)

NEEDS_LEGS_WORD = frozenset({*_UNAVAILABLE, *_DECLINED, _TERMINATED, *_UNKNOWN_CODE_IS_A_DECLINE})
"""Codes whose reason depends on whether the phone rang, or on who closed the room: the leg's own last word tells."""

OUR_FAILURE = "ringline_failed"
"""Stands where LiveKit's code would: the dial never got as far."""

_RING_OUT_TOLERANCE_S = 2
"""What a ring time-out may look shorter than it was: LiveKit stamps whole seconds, and two clocks differ a little."""

# The leg lost its connection to the room; the phone call may go on and the leg come back under a new sid.
MAY_COME_BACK = frozenset({"CONNECTION_TIMEOUT", "SIGNAL_CLOSE", "STATE_MISMATCH", "MIGRATION"})
_LOST_CONNECTION = MAY_COME_BACK | {"ROOM_CLOSED", "JOIN_FAILURE"}
# Somebody closed the room, or put the leg out of it.
ROOM_ENDED = frozenset({"ROOM_DELETED", "PARTICIPANT_REMOVED"})
_BRIDGE_FAILED = {"SERVER_SHUTDOWN", "MEDIA_FAILURE", "SIP_TRUNK_FAILURE"}
_STILL_UP = {CallStatus.ACTIVE, CallStatus.AUTOMATION}


def end_reason(call: Call, at: int) -> EndReason:
    """Why a call that is over at `at` ended."""
    if call.end_asked_reason is not None:
        return call.end_asked_reason
    if call.answered_at is not None:
        return _after_answer(call, at, call.answered_at)
    if call.carrier.to_voicemail:
        return _R.VOICEMAIL_DETECTED_PRECONNECT
    if call.evidence.sip_code is not None and not _is_our_own_cancel(call):
        return _from_sip_code(call, call.evidence.sip_code, at)
    if call.evidence.twirp_code is not None:
        return _from_livekit_error(call, call.evidence.twirp_code, call.evidence.twirp_message or "", at)
    return _from_leg(call, at)


def _after_answer(call: Call, at: int, answered_at: int) -> EndReason:
    if call.evidence.leg_left_at is None and call.evidence.disconnect_reason is None:
        return _without_leg(call, at, answered_at)
    # UNKNOWN_REASON is the zero of its enumeration: in LiveKit's JSON it is left out.
    why = call.evidence.disconnect_reason or "UNKNOWN_REASON"
    if why in _LOST_CONNECTION:
        return _R.IDLE_TIMEOUT
    # Equal moments: the answer itself was not seen, nor who was there.
    answer_was_seen = answered_at != call.evidence.leg_left_at
    # LiveKit's own timer is asked for ring time-out and limit together, and counts from the dial.
    limit_runs_from = answered_at if answer_was_seen else (call.dialed_at or answered_at) + call.ring_timeout_s * 1000
    if at - limit_runs_from >= call.max_call_duration_s * 1000 - 1000 or _outlasted_livekits_timer(call, at):
        return _R.MAX_DURATION_REACHED
    if call.active_at is None:
        # Answered, and nobody there to speak to.
        return _R.AGENT_DID_NOT_JOIN
    if why in _BRIDGE_FAILED:
        return _R.SIP_FAILED_TRUNK
    if why == "AGENT_ERROR":
        return _R.AGENT_FAILED
    told = _told(call, answered_at, call.evidence.leg_left_at or at if answer_was_seen else None)
    if told is not None:
        return told
    if why in ROOM_ENDED:
        return _R.AGENT_HUNG_UP_SILENCE_DETECTED if call.reports.silent_since is not None else _R.AGENT_HUNG_UP
    if call.evidence.last_call_status in _STILL_UP and call.carrier.believed_end_at is None:
        # Who hangs up leaves the status `hangup`. LiveKit gave up a leg from which no sound came any more.
        return _R.IDLE_TIMEOUT
    return _R.USER_HUNG_UP_IN_CALL


def _outlasted_livekits_timer(call: Call, at: int) -> bool:
    """Whether the dial lasted as long as LiveKit was asked to let it. Its answer may have been seen late."""
    if call.direction is Direction.INBOUND or call.dialed_at is None:
        return False
    return at - call.dialed_at >= (call.ring_timeout_s + call.max_call_duration_s) * 1000 - 1000


def _without_leg(call: Call, at: int, answered_at: int) -> EndReason:
    """Nobody saw the leg leave. The carrier may have seen the phone call end."""
    if call.carrier.believed_end_at is None:
        return _R.CALL_TRANSFERRED if call.reports.transferred_at is not None else _R.IDLE_TIMEOUT
    if call.carrier.believed_end_at - answered_at >= call.max_call_duration_s * 1000 - 1000:
        return _R.MAX_DURATION_REACHED
    if call.active_at is None:
        return _R.AGENT_DID_NOT_JOIN
    return _told(call, answered_at, call.carrier.believed_end_at) or _R.USER_HUNG_UP_IN_CALL


def _told(call: Call, answered_at: int, ended_at: int | None) -> EndReason | None:
    """What agent and carrier told during the conversation, which LiveKit cannot know. `ended_at` is None where the
    length of the conversation is not known."""
    if call.reports.transferred_at is not None:
        return _R.CALL_TRANSFERRED
    if call.direction is Direction.INBOUND:
        return None
    if call.reports.voicemail_at is not None or call.carrier.to_voicemail:
        return _R.AGENT_HUNG_UP_VOICEMAIL_DETECTED
    if ended_at is not None and was_unheard_greeting(call, answered_at, ended_at):
        return _R.AGENT_HUNG_UP_VOICEMAIL_DETECTED
    return None


def was_unheard_greeting(call: Call, answered_at: int, ended_at: int) -> bool:
    """Whether somebody answered, spoke not a word to an agent that could hear, and was gone within a greeting's
    time."""
    hears_at = call.reports.ready_at
    if hears_at is None or not call.reports.hears_speech or call.reports.user_spoke_at is not None:
        return False
    longest = VOICEMAIL_GREETING_S if call.voicemail_greeting_s is None else call.voicemail_greeting_s
    return hears_at - answered_at <= HEARS_WITHIN_S * 1000 and ended_at - answered_at <= longest * 1000


def has_left_for_good(call: Call) -> bool:
    """Whether LiveKit saw the leg go, and not merely lose its connection."""
    return call.evidence.leg_left_at is not None and call.evidence.disconnect_reason not in MAY_COME_BACK


def awaits_last_words(call: Call) -> bool:
    """Whether a call whose leg has left would be taken for a greeting, and only because nobody has been heard."""
    left_at, answered_at = call.evidence.leg_left_at, call.answered_at
    if left_at is None or answered_at is None or call.active_at is None or not has_left_for_good(call):
        return False
    if call.direction is Direction.INBOUND or _told(call, answered_at, None) is not None:
        return False
    if call.reports.said_all or answered_at == left_at:
        return False
    return was_unheard_greeting(call, answered_at, left_at)


def _is_our_own_cancel(call: Call) -> bool:
    """A carrier answers the CANCEL of a dial that rang out with 487. LiveKit told of that dial's end in its own way."""
    return call.evidence.sip_code == _TERMINATED and call.evidence.twirp_code == "canceled"


def _from_sip_code(call: Call, code: int, at: int) -> EndReason:
    if names_a_limit(code, call.evidence.sip_status, call.evidence.twirp_message):
        return _R.SIP_FAILED_CAPACITY
    if code in _WRONG_NUMBER:
        return _R.SIP_FAILED_WRONG_NUMBER
    if code in _BLOCKED or _is_fraud_block(code, call.evidence.sip_status):
        return _R.SIP_FAILED_NUMBER_BLOCKED
    if code in _DECLINED:
        return _declined(call, at)
    if code in _UNAVAILABLE:
        return _unavailable(call, at)
    if code == _TERMINATED and call.evidence.disconnect_reason in ROOM_ENDED:
        # The carrier's answer to a CANCEL from our side.
        return _from_leg(call, at)
    if code in _NOT_PICKED_UP:
        return _R.USER_DID_NOT_PICK_UP
    if code in _UNKNOWN_CODE_IS_THE_TRUNKS or code == _NOT_ACCEPTABLE_ANYWHERE:
        # The request as our trunk sent it was not to the far end's liking, or the far end itself failed.
        return _R.SIP_FAILED_TRUNK
    return _declined(call, at) if code in _UNKNOWN_CODE_IS_A_DECLINE else _R.DIAL_STATE_UNKNOWN


def _from_livekit_error(call: Call, twirp_code: str, message: str, at: int) -> EndReason:
    """A dial that ended without a SIP code: its own ring time-out, or trouble of the trunk."""
    if twirp_code == "canceled" and "sip request timed out" in message:
        return _from_time_out(call, at)
    if twirp_code == OUR_FAILURE:
        return _R.INTERNAL_ERROR
    if twirp_code == "resource_exhausted":
        return _R.SIP_FAILED_CAPACITY
    return _R.SIP_FAILED_TRUNK


def _from_time_out(call: Call, at: int) -> EndReason:
    """LiveKit's error for a phone that rang out and for a room that was closed meanwhile is the same. The leg's own
    word tells them apart; without it, the time it rang does, for who else closes rooms is the agent."""
    match call.evidence.disconnect_reason:
        case None:
            return _R.USER_DID_NOT_PICK_UP if _rang_out(call, at) else _R.AGENT_HUNG_UP
        case "USER_UNAVAILABLE":
            return _R.USER_DID_NOT_PICK_UP
        case _:
            return _from_leg(call, at)


def _from_leg(call: Call, at: int) -> EndReason:
    """The dialer never spoke, or could not tell: all there is is what the leg's leaving said."""
    match call.evidence.disconnect_reason:
        case None if call.carrier.failed_at is not None:
            # All that the carrier said is that it did not get through.
            return _R.SIP_FAILED_TRUNK
        case "ROOM_DELETED" | "PARTICIPANT_REMOVED":
            return _R.AGENT_HUNG_UP
        case "AGENT_ERROR":
            return _R.AGENT_FAILED
        case _ if call.direction is Direction.INBOUND:
            return _from_callers_leg(call)
        case "USER_UNAVAILABLE" if rang(call, at):
            return _unavailable(call, at)
        case "USER_UNAVAILABLE" if _rang_out(call, at):
            return _R.USER_DID_NOT_PICK_UP
        case "USER_REJECTED" if rang(call, at):
            return _R.USER_HUNG_UP_RINGING
        case "CLIENT_INITIATED" if call.evidence.last_call_status == CallStatus.HANGUP:
            # The agent ended a dial by LiveKit's remote procedure: only that leaves `hangup` on an unanswered leg.
            return _R.AGENT_HUNG_UP
        case why if why == "CLIENT_INITIATED" or why in _BRIDGE_FAILED:
            return _R.SIP_FAILED_TRUNK
        case _:
            # Of a phone that did not ring these words tell little: "unavailable" and "rejected" stand for busy lines,
            # numbers that do not exist and wrong credentials alike, each version of LiveKit in its own way.
            return _R.DIAL_STATE_UNKNOWN


def _from_callers_leg(call: Call) -> EndReason:
    """An inbound call that nobody took. LiveKit says CLIENT_INITIATED whoever ended it; the status tells who it was."""
    if call.evidence.disconnect_reason in _BRIDGE_FAILED:
        return _R.SIP_FAILED_TRUNK
    if call.evidence.disconnect_reason in _LOST_CONNECTION or call.evidence.leg_left_at is None:
        return _R.IDLE_TIMEOUT
    if call.evidence.last_call_status == CallStatus.HANGUP:
        return _R.USER_HUNG_UP_RINGING
    # One that came and said nothing has failed: LiveKit did not answer.
    return _R.AGENT_DID_NOT_JOIN if call.agent_sid is None else _R.AGENT_FAILED


def _declined(call: Call, at: int) -> EndReason:
    return _R.USER_HUNG_UP_RINGING if rang(call, at) else _R.USER_BUSY


def _unavailable(call: Call, at: int) -> EndReason:
    shortest = VOICEMAIL_RING_MIN_S if call.voicemail_ring_min_s is None else call.voicemail_ring_min_s
    longest = VOICEMAIL_RING_MAX_S if call.voicemail_ring_max_s is None else call.voicemail_ring_max_s
    if call.carrier.forwarded_at is not None:
        # It was passed on, and the place it was passed on to took no call either, or only as a voicemail does.
        return _R.VOICEMAIL_DETECTED_PRECONNECT
    brief = shortest <= ring_s(call, at) <= min(longest, call.ring_timeout_s - 1)
    return _R.VOICEMAIL_DETECTED_PRECONNECT if brief and rang(call, at) else _R.USER_DID_NOT_PICK_UP


def ring_s(call: Call, at: int) -> float:
    """How long the phone was being dialled, at most until it left, answered or failed."""
    until = call.answered_at or call.evidence.leg_left_at or at
    return max(0, until - (call.dialed_at or until)) / 1000


def rang(call: Call, at: int) -> bool:
    """Whether the phone rang: the leg's last status says so; without it, a dial that lasted longer than call set-up
    takes did."""
    status = call.evidence.last_call_status
    if call.carrier.rang_at is not None:
        return True
    if status is not None:
        return status != CallStatus.DIALING
    return ring_s(call, at) >= VOICEMAIL_RING_MIN_S


def _rang_out(call: Call, at: int) -> bool:
    """Whether the dial lasted as long as it was given, whatever the leg's status says: after a LiveKit restart it is
    `dialing` while the phone rings."""
    return ring_s(call, at) >= call.ring_timeout_s - _RING_OUT_TOLERANCE_S


def _is_fraud_block(code: int, sip_status: str | None) -> bool:
    """Twilio's 603 for a fraud or regulatory block carries its error number 32203 in the status text."""
    return code == 603 and "32203" in (sip_status or "")
