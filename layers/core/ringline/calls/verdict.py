"""From the record of a call to the reason of its end. Pure; what we recorded ourselves goes before what LiveKit
says."""

from ringline.calls.call import Call, CallStatus
from ringline.calls.carrier_limits import names_a_limit
from ringline.calls.reasons import EndReason
from ringline.calls.timing import VOICEMAIL_RING_MAX_S, VOICEMAIL_RING_MIN_S

_R = EndReason

_WRONG_NUMBER = {301, 302, 404, 410, 484, 485, 604}
_BLOCKED = {403, 607, 608}
_BUSY = {486, 600}
_DECLINED = {603}
_UNAVAILABLE = {480}
_NOT_PICKED_UP = {408, 487}
_TRUNK = {401, 402, 407}

# The leg lost its connection to the room; the phone call may go on and the leg come back under a new sid.
MAY_COME_BACK = frozenset({"CONNECTION_TIMEOUT", "SIGNAL_CLOSE", "STATE_MISMATCH", "MIGRATION"})
_LOST_CONNECTION = MAY_COME_BACK | {"ROOM_CLOSED", "JOIN_FAILURE"}
_ROOM_ENDED = {"ROOM_DELETED", "PARTICIPANT_REMOVED"}


def end_reason(call: Call, at: int) -> EndReason:
    """Why a call that is over at `at` ended."""
    if call.end_asked_reason is not None:
        return call.end_asked_reason
    if call.answered_at is not None:
        return _after_answer(call, at, call.answered_at)
    if call.evidence.sip_code is not None:
        return _from_sip_code(call, call.evidence.sip_code, at)
    if call.evidence.twirp_code is not None:
        return _from_livekit_error(call, call.evidence.twirp_code, call.evidence.twirp_message or "", at)
    return _from_leg(call, at)


def _after_answer(call: Call, at: int, answered_at: int) -> EndReason:
    why = call.evidence.disconnect_reason
    if why is None or why in _LOST_CONNECTION:
        return _R.IDLE_TIMEOUT
    if at - answered_at >= call.max_call_duration_s * 1000 - 1000:
        return _R.MAX_DURATION_REACHED
    if call.active_at is None and answered_at != call.evidence.leg_left_at:
        # Answered, and nobody there to speak to. (Equal moments: the answer itself was not seen, nor who was there.)
        return _R.AGENT_DID_NOT_JOIN
    if why in _ROOM_ENDED:
        return _R.AGENT_HUNG_UP
    if why == "AGENT_ERROR":
        return _R.AGENT_FAILED
    if why in {"SERVER_SHUTDOWN", "MEDIA_FAILURE", "SIP_TRUNK_FAILURE"}:
        return _R.SIP_FAILED_TRUNK
    return _R.USER_HUNG_UP_IN_CALL


def _from_sip_code(call: Call, code: int, at: int) -> EndReason:
    if names_a_limit(code, call.evidence.sip_status, call.evidence.twirp_message):
        return _R.SIP_FAILED_CAPACITY
    if code in _WRONG_NUMBER:
        return _R.SIP_FAILED_WRONG_NUMBER
    if code in _BLOCKED:
        return _R.SIP_FAILED_NUMBER_BLOCKED
    if code in _DECLINED:
        return _R.SIP_FAILED_NUMBER_BLOCKED if _is_fraud_block(call.evidence.sip_status) else _R.USER_HUNG_UP_RINGING
    if code in _BUSY:
        return _R.USER_HUNG_UP_RINGING if rang(call, at) else _R.USER_BUSY
    if code in _UNAVAILABLE:
        return _unavailable(call, at)
    if code in _NOT_PICKED_UP:
        return _R.USER_DID_NOT_PICK_UP
    if code in _TRUNK or 500 <= code < 600:
        return _R.SIP_FAILED_TRUNK
    if 600 <= code < 700:
        return _R.USER_HUNG_UP_RINGING
    # An unknown 3xx or 4xx: the request as our trunk sent it was not to the far end's liking.
    return _R.SIP_FAILED_TRUNK


def _from_livekit_error(call: Call, twirp_code: str, message: str, at: int) -> EndReason:
    """A dial that ended without a SIP code: its own ring time-out, or trouble of the trunk."""
    if twirp_code == "canceled" and "sip request timed out" in message:
        return _R.USER_DID_NOT_PICK_UP if _asked_by_nobody_else(call) else _from_leg(call, at)
    if twirp_code == "resource_exhausted":
        return _R.SIP_FAILED_CAPACITY
    return _R.SIP_FAILED_TRUNK


def _asked_by_nobody_else(call: Call) -> bool:
    """LiveKit's error for a rung-out phone and for a room deleted by the agent is the same; the leg's own word tells
    them apart."""
    return call.evidence.disconnect_reason not in _ROOM_ENDED


def _from_leg(call: Call, at: int) -> EndReason:
    """The dialer never spoke: all there is is what the leg's leaving said."""
    match call.evidence.disconnect_reason:
        case "USER_UNAVAILABLE":
            return _unavailable(call, at)
        case "USER_REJECTED":
            return _R.USER_HUNG_UP_RINGING if rang(call, at) else _R.USER_BUSY
        case "SIP_TRUNK_FAILURE" | "CLIENT_INITIATED" | "MEDIA_FAILURE":
            return _R.SIP_FAILED_TRUNK
        case "ROOM_DELETED" | "PARTICIPANT_REMOVED":
            return _R.AGENT_HUNG_UP
        case "AGENT_ERROR":
            return _R.AGENT_FAILED
        case _:
            return _R.DIAL_STATE_UNKNOWN


def _unavailable(call: Call, at: int) -> EndReason:
    shortest = VOICEMAIL_RING_MIN_S if call.voicemail_ring_min_s is None else call.voicemail_ring_min_s
    longest = VOICEMAIL_RING_MAX_S if call.voicemail_ring_max_s is None else call.voicemail_ring_max_s
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
    if status is not None:
        return status != CallStatus.DIALING
    return ring_s(call, at) >= VOICEMAIL_RING_MIN_S


def _is_fraud_block(sip_status: str | None) -> bool:
    """Twilio's 603 for a fraud or regulatory block carries its error number 32203 in the status text."""
    return "32203" in (sip_status or "")
