"""From evidence to reason."""

import pytest

from ringline.calls.call import Evidence, State
from ringline.calls.reasons import MEANINGS, EndReason
from ringline.calls.verdict import end_reason
from tests.builders import a_call, an_answered_call, at

R = EndReason


@pytest.mark.parametrize(
    ("sip_code", "last_status", "failed_at_s", "reason"),
    [
        (404, "dialing", 1.1, R.SIP_FAILED_WRONG_NUMBER),
        (410, None, 1.1, R.SIP_FAILED_WRONG_NUMBER),
        (484, None, 1.1, R.SIP_FAILED_WRONG_NUMBER),
        (301, None, 1.1, R.SIP_FAILED_WRONG_NUMBER),
        (302, None, 1.1, R.SIP_FAILED_WRONG_NUMBER),
        (604, None, 1.1, R.SIP_FAILED_WRONG_NUMBER),
        (403, None, 1.1, R.SIP_FAILED_NUMBER_BLOCKED),
        (607, None, 1.1, R.SIP_FAILED_NUMBER_BLOCKED),
        (608, None, 1.1, R.SIP_FAILED_NUMBER_BLOCKED),
        (486, "dialing", 4, R.USER_BUSY),
        (486, "ringing", 4, R.USER_HUNG_UP_RINGING),
        (486, None, 1.1, R.USER_BUSY),
        (486, None, 6, R.USER_HUNG_UP_RINGING),
        (600, "dialing", 4, R.USER_BUSY),
        (603, "ringing", 4, R.USER_HUNG_UP_RINGING),
        (480, "ringing", 5, R.VOICEMAIL_DETECTED_PRECONNECT),
        (480, "ringing", 2.5, R.USER_DID_NOT_PICK_UP),
        (480, "ringing", 29, R.USER_DID_NOT_PICK_UP),
        (480, "dialing", 5, R.USER_DID_NOT_PICK_UP),
        (408, "ringing", 20, R.USER_DID_NOT_PICK_UP),
        (487, "ringing", 20, R.USER_DID_NOT_PICK_UP),
        (401, None, 1.1, R.SIP_FAILED_TRUNK),
        (407, None, 1.1, R.SIP_FAILED_TRUNK),
        (500, None, 1.1, R.SIP_FAILED_TRUNK),
        (503, None, 1.1, R.SIP_FAILED_TRUNK),
        (599, None, 1.1, R.SIP_FAILED_TRUNK),
        (699, "ringing", 4, R.USER_HUNG_UP_RINGING),
    ],
)
def test_a_sip_code_tells_why_nobody_answered(
    sip_code: int, last_status: str | None, failed_at_s: float, reason: EndReason
) -> None:
    call = a_call(State.DIALING, evidence=Evidence(sip_code=sip_code, last_call_status=last_status))
    assert end_reason(call, at(failed_at_s)) is reason


def test_a_fraud_block_and_a_carriers_limit_hide_in_the_status_text() -> None:
    blocked = a_call(State.DIALING, evidence=Evidence(sip_code=603, sip_status="32203 Call blocked"))
    assert end_reason(blocked, at(2)) is R.SIP_FAILED_NUMBER_BLOCKED
    limited = a_call(State.DIALING, evidence=Evidence(sip_code=503, sip_status="CPS limit exceeded"))
    assert end_reason(limited, at(2)) is R.SIP_FAILED_CAPACITY


@pytest.mark.parametrize(
    ("twirp_code", "message", "reason"),
    [
        ("canceled", "sip request timed out", R.USER_DID_NOT_PICK_UP),
        ("canceled", "transaction failed to complete (0 intermediate responses)", R.SIP_FAILED_TRUNK),
        ("failed_precondition", "sip server required auth, but no username was provided", R.SIP_FAILED_TRUNK),
        ("resource_exhausted", "rate limit", R.SIP_FAILED_CAPACITY),
        ("not_found", "object cannot be found", R.SIP_FAILED_TRUNK),
    ],
)
def test_a_livekit_error_without_a_sip_code_is_told_by_its_text(
    twirp_code: str, message: str, reason: EndReason
) -> None:
    call = a_call(State.DIALING, evidence=Evidence(twirp_code=twirp_code, twirp_message=message))
    assert end_reason(call, at(31)) is reason


def test_a_room_the_agent_deleted_while_ringing_is_not_a_ring_out() -> None:
    evidence = Evidence(twirp_code="canceled", twirp_message="sip request timed out", disconnect_reason="ROOM_DELETED")
    assert end_reason(a_call(State.DIALING, evidence=evidence), at(9)) is R.AGENT_HUNG_UP


@pytest.mark.parametrize(
    ("disconnect_reason", "reason"),
    [
        ("CLIENT_INITIATED", R.USER_HUNG_UP_IN_CALL),
        ("ROOM_DELETED", R.AGENT_HUNG_UP),
        ("PARTICIPANT_REMOVED", R.AGENT_HUNG_UP),
        ("CONNECTION_TIMEOUT", R.IDLE_TIMEOUT),
        ("AGENT_ERROR", R.AGENT_FAILED),
        ("A_REASON_OF_THE_FUTURE", R.USER_HUNG_UP_IN_CALL),
        (None, R.IDLE_TIMEOUT),
    ],
)
def test_the_end_of_a_conversation_is_told_by_the_legs_leaving(
    disconnect_reason: str | None, reason: EndReason
) -> None:
    call = a_call(State.ACTIVE, evidence=Evidence(disconnect_reason=disconnect_reason, last_call_status="hangup"))
    assert end_reason(call, at(60)) is reason


def test_a_conversation_that_ends_at_its_limit_reached_it() -> None:
    call = a_call(State.ACTIVE, max_call_duration_s=60, evidence=Evidence(disconnect_reason="CLIENT_INITIATED"))
    assert end_reason(call, at(66)) is R.MAX_DURATION_REACHED
    assert end_reason(call, at(60)) is R.USER_HUNG_UP_IN_CALL


def test_a_call_found_over_late_did_not_reach_its_limit() -> None:
    assert end_reason(a_call(State.ACTIVE, max_call_duration_s=30), at(70)) is R.IDLE_TIMEOUT


def test_a_pipe_may_have_its_own_voicemail_window() -> None:
    evidence = Evidence(sip_code=480, last_call_status="ringing")
    call = a_call(State.DIALING, voicemail_ring_min_s=6, voicemail_ring_max_s=9, evidence=evidence)
    reasons = [end_reason(call, at(1 + ring_s)) for ring_s in (5, 7, 10)]
    assert reasons == [R.USER_DID_NOT_PICK_UP, R.VOICEMAIL_DETECTED_PRECONNECT, R.USER_DID_NOT_PICK_UP]


def test_what_was_asked_goes_before_what_livekit_says() -> None:
    call = a_call(State.ACTIVE, end_asked_reason=R.API_HUNG_UP, evidence=Evidence(disconnect_reason="CLIENT_INITIATED"))
    assert end_reason(call, at(60)) is R.API_HUNG_UP


def test_a_callee_who_waits_in_vain_for_the_agent_is_not_blamed() -> None:
    call = an_answered_call(evidence=Evidence(disconnect_reason="CLIENT_INITIATED"))
    assert end_reason(call, at(17)) is R.AGENT_DID_NOT_JOIN


@pytest.mark.parametrize(
    ("disconnect_reason", "reason"),
    [
        ("USER_UNAVAILABLE", R.VOICEMAIL_DETECTED_PRECONNECT),
        ("USER_REJECTED", R.USER_HUNG_UP_RINGING),
        ("CLIENT_INITIATED", R.SIP_FAILED_TRUNK),
        ("SIP_TRUNK_FAILURE", R.SIP_FAILED_TRUNK),
        ("CONNECTION_TIMEOUT", R.DIAL_STATE_UNKNOWN),
        (None, R.DIAL_STATE_UNKNOWN),
    ],
)
def test_a_dead_dialer_leaves_the_legs_word(disconnect_reason: str | None, reason: EndReason) -> None:
    evidence = Evidence(disconnect_reason=disconnect_reason, last_call_status="ringing", leg_left_at=at(6))
    assert end_reason(a_call(State.DIALING, evidence=evidence), at(60)) is reason


def test_every_reason_has_a_meaning() -> None:
    assert set(MEANINGS) == set(EndReason)
