"""Why a phone was not answered: by its SIP code, by LiveKit's error, or by what its leg's leaving said. Pure.

`docs/end-reasons.md` is written from this: it shows what each code becomes.
"""

from ringline.calls.model.call import (
    AGENT_ERROR,
    BRIDGE_FAILED,
    LOST_CONNECTION,
    ROOM_CLOSED,
    ROOM_ENDED,
    Call,
    CallStatus,
    Direction,
    Refusal,
)
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.timing import (
    CALL_SETUP_S,
    MS_PER_S,
    RING_OUT_TOLERANCE_S,
    VOICEMAIL_RING_MAX_S,
    VOICEMAIL_RING_MIN_S,
)

_R = EndReason

REQUEST_TERMINATED = 487
"""A carrier's answer to a CANCEL, whoever wanted the dial to end."""
TEMPORARILY_UNAVAILABLE = 480
BUSY_HERE = 486
GLOBAL_REFUSALS = range(600, 700)

_DECLINED = {BUSY_HERE, 600, 603}
_OF_EVERY_CALL = {
    **dict.fromkeys((301, 302, 404, 410, 484, 485, 604), _R.SIP_FAILED_WRONG_NUMBER),
    **dict.fromkeys((403, 607, 608), _R.SIP_FAILED_NUMBER_BLOCKED),
    **dict.fromkeys((408, REQUEST_TERMINATED), _R.USER_DID_NOT_PICK_UP),
    # The request as our trunk sent it was not to the far end's liking.
    606: _R.SIP_FAILED_TRUNK,
}
"""What a code means however long the phone rang."""
_BY_ITS_WORDS = {
    Refusal.LIMIT: _R.SIP_FAILED_CAPACITY,
    Refusal.FRAUD: _R.SIP_FAILED_NUMBER_BLOCKED,
    Refusal.OUR_SIDE: _R.SIP_FAILED_ACCOUNT,
}
"""What the text of a refusal means, whatever its code."""
_UNKNOWN_CODE_IS_THE_TRUNKS = range(300, 600)

NEEDS_LEGS_WORD = frozenset({TEMPORARILY_UNAVAILABLE, REQUEST_TERMINATED, *_DECLINED, *GLOBAL_REFUSALS})
"""Codes whose reason depends on whether the phone rang, or on who closed the room: the leg's own last word tells."""

OUR_FAILURE = "ringline_failed"
"""Stands where LiveKit's code would: the dial never got as far."""


def why_unanswered(call: Call, at: int) -> EndReason:
    """Why the attempt, over at `at`, reached nobody."""
    evidence = call.evidence
    if call.carrier.to_voicemail:
        return _R.VOICEMAIL_DETECTED_PRECONNECT
    if evidence.refusal in _BY_ITS_WORDS:
        return _BY_ITS_WORDS[Refusal(evidence.refusal)]
    # LiveKit told of the end of a dial that rang out in its own way; the carrier's 487 only answers LiveKit's CANCEL.
    is_livekits_cancel = evidence.sip_code == REQUEST_TERMINATED and evidence.twirp_code == "canceled"
    if evidence.sip_code is not None and not is_livekits_cancel:
        return _from_sip_code(call, evidence.sip_code, at)
    if evidence.twirp_code is not None:
        return _from_livekit_error(call, evidence.twirp_code, at)
    return _from_leg(call, at)


# --- the carrier's code ----------------------------------------------------------------------------------------------


def _from_sip_code(call: Call, code: int, at: int) -> EndReason:
    evidence = call.evidence
    if code == REQUEST_TERMINATED and evidence.disconnect_reason in ROOM_ENDED:
        # The CANCEL that it answers came from our side.
        return _from_leg(call, at)
    if code == TEMPORARILY_UNAVAILABLE:
        return _unavailable(call, at)
    if code in _OF_EVERY_CALL:
        return _OF_EVERY_CALL[code]
    if code in _DECLINED or code in GLOBAL_REFUSALS:
        return _R.USER_HUNG_UP_RINGING if rang(call, at) else _R.USER_BUSY
    return _R.SIP_FAILED_TRUNK if code in _UNKNOWN_CODE_IS_THE_TRUNKS else _R.DIAL_STATE_UNKNOWN


def _unavailable(call: Call, at: int) -> EndReason:
    """Nobody came to the phone, or a voicemail is about to take the call."""
    if call.carrier.forwarded_at is not None:
        # The place that it was passed on to took no call either, or took it as only a voicemail does.
        return _R.VOICEMAIL_DETECTED_PRECONNECT
    shortest = VOICEMAIL_RING_MIN_S if call.voicemail_ring_min_s is None else call.voicemail_ring_min_s
    longest = VOICEMAIL_RING_MAX_S if call.voicemail_ring_max_s is None else call.voicemail_ring_max_s
    was_brief = shortest <= ring_s(call, at) <= min(longest, call.ring_timeout_s - 1)
    return _R.VOICEMAIL_DETECTED_PRECONNECT if was_brief and rang(call, at) else _R.USER_DID_NOT_PICK_UP


# --- LiveKit's error -------------------------------------------------------------------------------------------------


def _from_livekit_error(call: Call, twirp_code: str, at: int) -> EndReason:
    """A dial that ended without a SIP code: by its own ring time-out, or by trouble of the trunk."""
    if twirp_code == "canceled" and "sip request timed out" in (call.evidence.twirp_message or ""):
        return _from_time_out(call, at)
    known = {OUR_FAILURE: _R.INTERNAL_ERROR, "resource_exhausted": _R.SIP_FAILED_CAPACITY}
    return known.get(twirp_code, _R.SIP_FAILED_TRUNK)


def _from_time_out(call: Call, at: int) -> EndReason:
    """LiveKit's error for a phone that rang out and for a room that was closed meanwhile is the same. The leg's own
    word tells them apart; without it the time it rang does, because besides us only the agent closes rooms."""
    match call.evidence.disconnect_reason:
        case None:
            return _R.USER_DID_NOT_PICK_UP if _rang_out(call, at) else _R.AGENT_HUNG_UP
        case "USER_UNAVAILABLE":
            return _R.USER_DID_NOT_PICK_UP
        case _:
            return _from_leg(call, at)


# --- the leg's leaving -----------------------------------------------------------------------------------------------


def _from_leg(call: Call, at: int) -> EndReason:
    """The dialer never spoke, or could not tell: all there is is what the leg's leaving said."""
    why = call.evidence.disconnect_reason
    if why is None and call.carrier.failed_at is not None:
        # All that the carrier said is that it did not get through.
        return _R.SIP_FAILED_TRUNK
    if why in ROOM_ENDED:
        return _R.AGENT_HUNG_UP
    if why == AGENT_ERROR:
        return _R.AGENT_FAILED
    return _from_callers_leg(call) if call.comes_in else _from_callees_leg(call, why, at)


def _from_callees_leg(call: Call, why: str | None, at: int) -> EndReason:
    """Of a phone that did not ring these words tell little: "unavailable" and "rejected" stand for busy lines, numbers
    that do not exist and wrong credentials alike, each version of LiveKit in its own way."""
    match why:
        case "USER_UNAVAILABLE" if rang(call, at):
            return _unavailable(call, at)
        case "USER_UNAVAILABLE" if _rang_out(call, at):
            return _R.USER_DID_NOT_PICK_UP
        case "USER_REJECTED" if rang(call, at):
            return _R.USER_HUNG_UP_RINGING
        case "CLIENT_INITIATED" if call.evidence.last_call_status == CallStatus.HANGUP:
            # The agent ended the dial by LiveKit's remote procedure: only that leaves `hangup` on an unanswered leg.
            return _R.AGENT_HUNG_UP
        case "CLIENT_INITIATED":
            return _R.SIP_FAILED_TRUNK
        case _:
            return _R.SIP_FAILED_TRUNK if why in BRIDGE_FAILED else _R.DIAL_STATE_UNKNOWN


def _from_callers_leg(call: Call) -> EndReason:
    """An inbound call that nobody took. LiveKit says CLIENT_INITIATED whoever ended it; the status tells who it was."""
    if call.evidence.disconnect_reason in BRIDGE_FAILED:
        return _R.SIP_FAILED_TRUNK
    if call.evidence.disconnect_reason in LOST_CONNECTION:
        return _R.CONNECTION_LOST
    if call.evidence.disconnect_reason == ROOM_CLOSED or call.evidence.leg_left_at is None:
        return _R.IDLE_TIMEOUT
    # A browser has no such status, and whoever puts its caller out says so in other words.
    left_by_itself = call.direction is Direction.WEB and call.evidence.disconnect_reason == "CLIENT_INITIATED"
    if call.evidence.last_call_status == CallStatus.HANGUP or left_by_itself:
        return _R.USER_HUNG_UP_RINGING
    # The caller was still there. An agent that came and said nothing has failed: LiveKit did not answer.
    return _R.AGENT_DID_NOT_JOIN if call.agent_sid is None else _R.AGENT_FAILED


# --- how long it rang ------------------------------------------------------------------------------------------------


def ring_s(call: Call, at: int) -> float:
    """How long the phone was being dialled, at most until it left, answered or failed."""
    until = call.answered_at or call.evidence.leg_left_at or at
    return max(0, until - (call.dialed_at or until)) / MS_PER_S


def rang(call: Call, at: int) -> bool:
    """Whether the phone rang: the carrier or the leg's last status says so; without them, a dial that lasted longer
    than call set-up takes did."""
    status = call.evidence.last_call_status
    if call.carrier.rang_at is not None:
        return True
    if status is not None:
        return status != CallStatus.DIALING
    return ring_s(call, at) >= CALL_SETUP_S


def _rang_out(call: Call, at: int) -> bool:
    """Whether the dial lasted as long as it was given, whatever the leg's status says: after a LiveKit restart it is
    `dialing` while the phone rings."""
    return ring_s(call, at) >= call.ring_timeout_s - RING_OUT_TOLERANCE_S
