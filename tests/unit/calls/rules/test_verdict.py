"""From evidence to reason."""

from copy import replace

import pytest

from ringline.calls.model.call import AgentReports, Call, CarrierWords, Direction, Evidence, Refusal, State
from ringline.calls.model.reasons import MEANINGS, EndReason
from ringline.calls.rules.verdict import end_reason
from tests.builders import a_call, an_answered_call, at

R = EndReason


@pytest.mark.parametrize(
    ("sip_code", "last_status", "failed_at_s", "reason"),
    [
        (486, "dialing", 9, R.USER_BUSY),
        (486, "ringing", 1.5, R.USER_HUNG_UP_RINGING),
        (486, None, 2.9, R.USER_BUSY),
        (486, None, 3.1, R.USER_HUNG_UP_RINGING),
        (603, "dialing", 9, R.USER_BUSY),
        (480, "dialing", 5, R.USER_DID_NOT_PICK_UP),
        (480, "ringing", 2.9, R.USER_DID_NOT_PICK_UP),
        (480, "ringing", 3, R.VOICEMAIL_DETECTED_PRECONNECT),
        (480, "ringing", 21, R.VOICEMAIL_DETECTED_PRECONNECT),
        (480, "ringing", 21.1, R.USER_DID_NOT_PICK_UP),
        (480, None, 5, R.VOICEMAIL_DETECTED_PRECONNECT),
        (480, "a_status_of_the_future", 5, R.VOICEMAIL_DETECTED_PRECONNECT),
        # Of codes without a name the class decides; of those without a class nothing does.
        (399, "dialing", 1.1, R.SIP_FAILED_TRUNK),
        (499, "ringing", 9, R.SIP_FAILED_TRUNK),
        (599, "ringing", 9, R.SIP_FAILED_TRUNK),
        (699, "dialing", 1.1, R.USER_BUSY),
        (699, "ringing", 9, R.USER_HUNG_UP_RINGING),
        (700, "ringing", 9, R.DIAL_STATE_UNKNOWN),
        (0, None, 1.1, R.DIAL_STATE_UNKNOWN),
    ],
)
def test_a_sip_code_tells_why_nobody_answered(
    sip_code: int, last_status: str | None, failed_at_s: float, reason: EndReason
) -> None:
    call = a_call(State.DIALING, evidence=Evidence(sip_code=sip_code, last_call_status=last_status))
    assert end_reason(call, at(failed_at_s)) is reason


def test_a_ring_that_was_given_less_time_than_the_voicemail_window_is_brief_only_below_it() -> None:
    call = a_call(State.DIALING, ring_timeout_s=10, evidence=Evidence(sip_code=480, last_call_status="ringing"))
    assert end_reason(call, at(10)) is R.VOICEMAIL_DETECTED_PRECONNECT
    assert end_reason(call, at(10.1)) is R.USER_DID_NOT_PICK_UP


@pytest.mark.parametrize("disconnect_reason", ["ROOM_DELETED", "PARTICIPANT_REMOVED"])
def test_a_487_that_answers_a_cancel_of_ours_is_not_the_callees(disconnect_reason: str) -> None:
    evidence = Evidence(sip_code=487, disconnect_reason=disconnect_reason, last_call_status="ringing")
    assert end_reason(a_call(State.DIALING, evidence=evidence), at(9)) is R.AGENT_HUNG_UP
    assert end_reason(a_call(State.DIALING, evidence=evidence, end_asked_reason=R.CALL_CANCELED), at(9)) is (
        R.CALL_CANCELED
    )


@pytest.mark.parametrize("sip_code", [None, 403, 404, 486, 487, 503, 603])
@pytest.mark.parametrize(
    ("refusal", "reason"),
    [
        (Refusal.FRAUD, R.SIP_FAILED_NUMBER_BLOCKED),
        (Refusal.LIMIT, R.SIP_FAILED_CAPACITY),
        (Refusal.OUR_SIDE, R.SIP_FAILED_ACCOUNT),
    ],
)
def test_what_a_refusal_says_in_words_goes_before_its_code(
    sip_code: int | None, refusal: Refusal, reason: EndReason
) -> None:
    call = a_call(State.DIALING, evidence=Evidence(sip_code=sip_code, refusal=refusal, last_call_status="dialing"))
    assert end_reason(call, at(2)) is reason


def test_a_word_of_a_later_version_leaves_the_code_its_meaning() -> None:
    call = a_call(State.DIALING, evidence=Evidence(sip_code=404, refusal="a_word_of_the_future"))
    assert end_reason(call, at(2)) is R.SIP_FAILED_WRONG_NUMBER


@pytest.mark.parametrize(
    ("twirp_code", "message", "reason"),
    [
        ("canceled", "sip request timed out", R.USER_DID_NOT_PICK_UP),
        ("canceled", "transaction failed to complete (0 intermediate responses)", R.SIP_FAILED_TRUNK),
        ("canceled", "transaction failed to complete (3 intermediate responses)", R.SIP_FAILED_TRUNK),
        (
            "failed_precondition",
            "sip server required auth, but no username or password was provided",
            R.SIP_FAILED_TRUNK,
        ),
        ("failed_precondition", "max auth retry attempts reached", R.SIP_FAILED_TRUNK),
        ("failed_precondition", "no common codec", R.SIP_FAILED_TRUNK),
        ("failed_precondition", "service shutting down", R.SIP_FAILED_TRUNK),
        ("failed_precondition", "no numbers on outbound trunk", R.SIP_FAILED_TRUNK),
        ("unavailable", "no response from servers", R.SIP_FAILED_TRUNK),
        ("unavailable", "cpu exhausted", R.SIP_FAILED_TRUNK),
        ("internal", "update room failed: no node", R.SIP_FAILED_TRUNK),
        ("internal", "sip not connected (redis required)", R.SIP_FAILED_TRUNK),
        ("invalid_argument", "lookup sip.nowhere.example: no such host", R.SIP_FAILED_TRUNK),
        ("not_found", "object cannot be found", R.SIP_FAILED_TRUNK),
        ("permission_denied", "permissions denied", R.SIP_FAILED_TRUNK),
        ("unauthenticated", "invalid API key", R.SIP_FAILED_TRUNK),
        ("a_code_of_the_future", "who knows", R.SIP_FAILED_TRUNK),
        ("resource_exhausted", "rate limit", R.SIP_FAILED_CAPACITY),
    ],
)
def test_a_livekit_error_without_a_sip_code_is_told_by_its_text(
    twirp_code: str, message: str, reason: EndReason
) -> None:
    call = a_call(State.DIALING, evidence=Evidence(twirp_code=twirp_code, twirp_message=message))
    assert end_reason(call, at(31)) is reason


def _timed_out(disconnect_reason: str | None, last_status: str | None) -> Call:
    evidence = Evidence(
        twirp_code="canceled",
        twirp_message="sip request timed out",
        disconnect_reason=disconnect_reason,
        last_call_status=last_status,
    )
    return a_call(State.DIALING, evidence=evidence)


@pytest.mark.parametrize(
    ("disconnect_reason", "last_status", "ended_at_s", "reason"),
    [
        ("USER_UNAVAILABLE", "ringing", 31, R.USER_DID_NOT_PICK_UP),
        ("USER_UNAVAILABLE", "dialing", 31, R.USER_DID_NOT_PICK_UP),
        (None, None, 31, R.USER_DID_NOT_PICK_UP),
        ("ROOM_DELETED", "ringing", 9, R.AGENT_HUNG_UP),
        ("PARTICIPANT_REMOVED", "ringing", 9, R.AGENT_HUNG_UP),
        (None, None, 9, R.AGENT_HUNG_UP),
        ("CLIENT_INITIATED", "hangup", 9, R.AGENT_HUNG_UP),
        ("ROOM_CLOSED", "ringing", 9, R.DIAL_STATE_UNKNOWN),
    ],
)
def test_a_ring_out_is_told_from_a_room_that_was_closed_while_it_rang(
    disconnect_reason: str | None, last_status: str | None, ended_at_s: float, reason: EndReason
) -> None:
    assert end_reason(_timed_out(disconnect_reason, last_status), at(ended_at_s)) is reason


@pytest.mark.parametrize(
    ("disconnect_reason", "last_status", "reason"),
    [
        ("CLIENT_INITIATED", "hangup", R.USER_HUNG_UP_IN_CALL),
        # After a restart of LiveKit the status is `dialing` for the rest of the call.
        ("CLIENT_INITIATED", "dialing", R.USER_HUNG_UP_IN_CALL),
        (None, "hangup", R.USER_HUNG_UP_IN_CALL),
        ("A_REASON_OF_THE_FUTURE", "hangup", R.USER_HUNG_UP_IN_CALL),
        # No sound for LiveKit's media time-out: nobody hung up.
        ("CLIENT_INITIATED", "active", R.IDLE_TIMEOUT),
        ("CLIENT_INITIATED", "automation", R.IDLE_TIMEOUT),
        (None, "active", R.IDLE_TIMEOUT),
        ("ROOM_DELETED", "active", R.AGENT_HUNG_UP),
        ("ROOM_DELETED", "dialing", R.AGENT_HUNG_UP),
        ("PARTICIPANT_REMOVED", "active", R.AGENT_HUNG_UP),
        ("CONNECTION_TIMEOUT", "active", R.CONNECTION_LOST),
        ("SIGNAL_CLOSE", "active", R.CONNECTION_LOST),
        ("STATE_MISMATCH", "active", R.CONNECTION_LOST),
        ("MIGRATION", "active", R.CONNECTION_LOST),
        ("JOIN_FAILURE", "active", R.CONNECTION_LOST),
        ("ROOM_CLOSED", "active", R.IDLE_TIMEOUT),
        # A bridge that was told to stop: the call had got through.
        ("SERVER_SHUTDOWN", "active", R.CONNECTION_LOST),
        ("MEDIA_FAILURE", "active", R.SIP_FAILED_TRUNK),
        ("SIP_TRUNK_FAILURE", "active", R.SIP_FAILED_TRUNK),
        ("AGENT_ERROR", "active", R.AGENT_FAILED),
    ],
)
def test_the_end_of_a_conversation_is_told_by_the_legs_leaving(
    disconnect_reason: str | None, last_status: str, reason: EndReason
) -> None:
    evidence = Evidence(disconnect_reason=disconnect_reason, last_call_status=last_status, leg_left_at=at(60))
    assert end_reason(a_call(State.ACTIVE, evidence=evidence), at(60)) is reason


def test_a_conversation_that_nobody_saw_end_was_found_dead() -> None:
    assert end_reason(a_call(State.ACTIVE), at(60)) is R.IDLE_TIMEOUT


@pytest.mark.parametrize(
    ("disconnect_reason", "last_status", "reason"),
    [
        ("CLIENT_INITIATED", "hangup", R.USER_HUNG_UP_RINGING),
        ("CLIENT_INITIATED", "ringing", R.AGENT_DID_NOT_JOIN),
        ("ROOM_DELETED", "ringing", R.AGENT_HUNG_UP),
        ("PARTICIPANT_REMOVED", "ringing", R.AGENT_HUNG_UP),
        ("SIP_TRUNK_FAILURE", "ringing", R.SIP_FAILED_TRUNK),
        ("CONNECTION_TIMEOUT", "ringing", R.CONNECTION_LOST),
        ("ROOM_CLOSED", "ringing", R.IDLE_TIMEOUT),
        (None, "hangup", R.USER_HUNG_UP_RINGING),
    ],
)
def test_a_caller_whom_nobody_answered_gave_up_or_was_left_waiting(
    disconnect_reason: str | None, last_status: str, reason: EndReason
) -> None:
    evidence = Evidence(disconnect_reason=disconnect_reason, last_call_status=last_status, leg_left_at=at(9))
    call = a_call(State.RINGING, direction=Direction.INBOUND, dialed_at=None, evidence=evidence)
    assert end_reason(call, at(9)) is reason


def test_a_caller_of_whom_nothing_was_heard_any_more_was_found_dead() -> None:
    call = a_call(State.RINGING, direction=Direction.INBOUND, dialed_at=None)
    assert end_reason(call, at(90)) is R.IDLE_TIMEOUT


def test_a_conversation_that_ends_at_its_limit_reached_it() -> None:
    call = a_call(State.ACTIVE, max_call_duration_s=60, evidence=Evidence(disconnect_reason="CLIENT_INITIATED"))
    assert end_reason(call, at(66)) is R.MAX_DURATION_REACHED
    assert end_reason(call, at(60)) is R.USER_HUNG_UP_IN_CALL


def test_livekits_own_timer_which_counts_the_ringing_ends_the_same_limit() -> None:
    # LiveKit was asked for ring time-out and limit together, from the dial at 1 s on; the answer came at 6 s.
    evidence = Evidence(disconnect_reason="CLIENT_INITIATED", last_call_status="hangup", leg_left_at=at(1 + 30 + 60))
    call = a_call(State.ACTIVE, ring_timeout_s=30, max_call_duration_s=60, evidence=evidence)
    assert end_reason(call, at(1 + 30 + 60)) is R.MAX_DURATION_REACHED


def test_livekits_own_timer_is_known_by_the_dial_where_nobody_saw_the_answer() -> None:
    left_at = at(1 + 30 + 60)
    evidence = Evidence(disconnect_reason="CLIENT_INITIATED", last_call_status="hangup", leg_left_at=left_at)
    unseen = a_call(State.DIALING, answered_at=left_at, active_at=left_at, max_call_duration_s=60, evidence=evidence)
    assert end_reason(unseen, left_at) is R.MAX_DURATION_REACHED
    assert end_reason(replace(unseen, max_call_duration_s=62), left_at) is R.USER_HUNG_UP_IN_CALL


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
    ("last_status", "left_at_s", "reason"),
    [
        ("dialing", 1.1, R.DIAL_STATE_UNKNOWN),
        ("ringing", 6, R.VOICEMAIL_DETECTED_PRECONNECT),
        ("ringing", 31, R.USER_DID_NOT_PICK_UP),
        # The phone rang out although its status says otherwise: LiveKit had restarted. Its stamp is cut to the second.
        ("dialing", 30.1, R.USER_DID_NOT_PICK_UP),
    ],
)
def test_an_unavailable_leg_whose_dialer_died_is_told_by_its_ringing(
    last_status: str, left_at_s: float, reason: EndReason
) -> None:
    evidence = Evidence(disconnect_reason="USER_UNAVAILABLE", last_call_status=last_status, leg_left_at=at(left_at_s))
    assert end_reason(a_call(State.DIALING, evidence=evidence), at(90)) is reason


def test_a_dial_of_which_nothing_was_heard_is_unknown() -> None:
    assert end_reason(a_call(State.DIALING), at(90)) is R.DIAL_STATE_UNKNOWN


def test_every_reason_has_a_meaning_for_programs_and_for_people() -> None:
    assert set(MEANINGS) == set(EndReason)
    sentences = [meaning.when for meaning in MEANINGS.values()]
    assert all(sentence.endswith(".") and "|" not in sentence for sentence in sentences)
    assert len(set(sentences)) == len(sentences)


# --- what carrier and agent told -------------------------------------------------------------------------------------

HEARS = AgentReports(ready_at=at(2), can_report=("user_spoke",))
USER_LEFT = Evidence(disconnect_reason="CLIENT_INITIATED", last_call_status="hangup", leg_left_at=at(14))
ROOM_CLOSED = Evidence(disconnect_reason="ROOM_DELETED", last_call_status="active", leg_left_at=at(14))


@pytest.mark.parametrize(
    ("reports", "carrier", "reason"),
    [
        (AgentReports(), CarrierWords(), R.USER_HUNG_UP_IN_CALL),
        (HEARS, CarrierWords(), R.AGENT_HUNG_UP_VOICEMAIL_DETECTED),
        (replace(HEARS, user_spoke_at=at(7)), CarrierWords(), R.USER_HUNG_UP_IN_CALL),
        (replace(HEARS, can_report=()), CarrierWords(), R.USER_HUNG_UP_IN_CALL),
        (AgentReports(voicemail_at=at(9)), CarrierWords(), R.AGENT_HUNG_UP_VOICEMAIL_DETECTED),
        (AgentReports(), CarrierWords(to_voicemail=True), R.AGENT_HUNG_UP_VOICEMAIL_DETECTED),
        (AgentReports(), CarrierWords(forwarded_at=at(3)), R.USER_HUNG_UP_IN_CALL),
        (AgentReports(silent_since=at(8)), CarrierWords(), R.USER_HUNG_UP_IN_CALL),
        (replace(HEARS, transferred_at=at(9)), CarrierWords(to_voicemail=True), R.CALL_TRANSFERRED),
    ],
)
def test_a_conversation_that_the_far_end_left_is_told_by_what_was_heard_in_it(
    reports: AgentReports, carrier: CarrierWords, reason: EndReason
) -> None:
    call = a_call(State.ACTIVE, reports=reports, carrier=carrier, evidence=USER_LEFT)
    assert end_reason(call, at(14)) is reason


@pytest.mark.parametrize(
    ("reports", "reason"),
    [
        (AgentReports(), R.AGENT_HUNG_UP),
        (AgentReports(silent_since=at(8)), R.AGENT_HUNG_UP_SILENCE_DETECTED),
        (HEARS, R.AGENT_HUNG_UP_VOICEMAIL_DETECTED),
        (replace(HEARS, silent_since=at(8)), R.AGENT_HUNG_UP_VOICEMAIL_DETECTED),
        (AgentReports(transferred_at=at(9)), R.CALL_TRANSFERRED),
    ],
)
def test_a_room_that_was_closed_is_told_by_what_the_agent_had_said(reports: AgentReports, reason: EndReason) -> None:
    assert end_reason(a_call(State.ACTIVE, reports=reports, evidence=ROOM_CLOSED), at(14)) is reason


def test_what_failed_goes_before_what_was_heard() -> None:
    for why, reason in (
        ("AGENT_ERROR", R.AGENT_FAILED), ("SIP_TRUNK_FAILURE", R.SIP_FAILED_TRUNK), ("SIGNAL_CLOSE", R.CONNECTION_LOST),
    ):  # fmt: skip
        call = a_call(State.ACTIVE, reports=HEARS, evidence=replace(ROOM_CLOSED, disconnect_reason=why))
        assert end_reason(call, at(14)) is reason


def test_the_limit_goes_before_a_greeting_that_was_as_long() -> None:
    call = a_call(State.ACTIVE, max_call_duration_s=8, reports=HEARS, evidence=USER_LEFT)
    assert end_reason(call, at(14)) is R.MAX_DURATION_REACHED


def test_who_calls_us_and_says_nothing_is_no_voicemail() -> None:
    call = a_call(State.ACTIVE, direction=Direction.INBOUND, reports=HEARS, evidence=USER_LEFT)
    assert end_reason(call, at(14)) is R.USER_HUNG_UP_IN_CALL
    handed = replace(call, reports=AgentReports(transferred_at=at(9)))
    assert end_reason(handed, at(14)) is R.CALL_TRANSFERRED


def test_a_conversation_of_unknown_length_is_no_greeting() -> None:
    unseen = a_call(State.DIALING, answered_at=at(14), active_at=at(14), reports=HEARS, evidence=USER_LEFT)
    assert end_reason(unseen, at(14)) is R.USER_HUNG_UP_IN_CALL
    said = replace(unseen, reports=AgentReports(voicemail_at=at(9)))
    assert end_reason(said, at(14)) is R.AGENT_HUNG_UP_VOICEMAIL_DETECTED


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, R.USER_HUNG_UP_IN_CALL),
        ({"reports": HEARS}, R.AGENT_HUNG_UP_VOICEMAIL_DETECTED),
        ({"reports": AgentReports(transferred_at=at(9))}, R.CALL_TRANSFERRED),
        ({"max_call_duration_s": 8}, R.MAX_DURATION_REACHED),
        ({"active_at": None}, R.AGENT_DID_NOT_JOIN),
    ],
)
def test_where_nobody_saw_the_leg_leave_the_carrier_may_have_seen_the_call_end(
    fields: dict[str, object], reason: EndReason
) -> None:
    call = a_call(State.ACTIVE, **{"carrier": CarrierWords(ended_at=at(14))} | fields)
    assert end_reason(call, at(25)) is reason


def test_a_call_that_was_handed_over_and_not_heard_of_again_was_handed_over() -> None:
    call = a_call(State.ACTIVE, reports=AgentReports(transferred_at=at(30)))
    assert end_reason(call, at(60)) is R.CALL_TRANSFERRED


def test_a_phone_that_the_carrier_passed_on_to_a_voicemail_was_one_whatever_code_came_of_it() -> None:
    words = CarrierWords(forwarded_at=at(3), to_voicemail=True)
    for code in (None, 404, 480, 486, 487):
        call = a_call(State.DIALING, carrier=words, evidence=Evidence(sip_code=code))
        assert end_reason(call, at(4)) is R.VOICEMAIL_DETECTED_PRECONNECT


@pytest.mark.parametrize(("ring_s", "last_status"), [(1, "dialing"), (25, "ringing")])
def test_a_phone_that_was_passed_on_and_unavailable_was_a_voicemail_however_long_it_rang(
    ring_s: float, last_status: str
) -> None:
    evidence = Evidence(sip_code=480, last_call_status=last_status)
    call = a_call(State.DIALING, evidence=evidence)
    assert end_reason(call, at(1 + ring_s)) is R.USER_DID_NOT_PICK_UP
    forwarded = replace(call, carrier=CarrierWords(forwarded_at=at(1.5)))
    assert end_reason(forwarded, at(1 + ring_s)) is R.VOICEMAIL_DETECTED_PRECONNECT


def test_a_phone_rang_if_the_carrier_says_so_whatever_livekits_status() -> None:
    evidence = Evidence(sip_code=486, last_call_status="dialing")
    silent = a_call(State.DIALING, evidence=evidence)
    assert end_reason(silent, at(9)) is R.USER_BUSY
    assert end_reason(replace(silent, carrier=CarrierWords(rang_at=at(2))), at(9)) is R.USER_HUNG_UP_RINGING


@pytest.mark.parametrize(
    ("ended_at_s", "disconnect_reason", "reason"),
    [
        (31, None, R.USER_DID_NOT_PICK_UP),
        (31, "USER_UNAVAILABLE", R.USER_DID_NOT_PICK_UP),
        (9, "ROOM_DELETED", R.AGENT_HUNG_UP),
        (9, None, R.AGENT_HUNG_UP),
    ],
)
def test_a_carriers_answer_to_our_own_cancel_is_no_word_of_the_callees(
    ended_at_s: float, disconnect_reason: str | None, reason: EndReason
) -> None:
    evidence = Evidence(
        sip_code=487,
        twirp_code="canceled",
        twirp_message="sip request timed out",
        disconnect_reason=disconnect_reason,
    )
    assert end_reason(a_call(State.DIALING, evidence=evidence), at(ended_at_s)) is reason


def test_a_carrier_that_says_only_that_it_failed_leaves_it_to_the_legs_own_word() -> None:
    failed = a_call(State.DIALING, carrier=CarrierWords(failed_at=at(3)))
    assert end_reason(failed, at(14)) is R.SIP_FAILED_TRUNK
    left = Evidence(disconnect_reason="USER_REJECTED", last_call_status="ringing", leg_left_at=at(3))
    assert end_reason(replace(failed, evidence=left), at(14)) is R.USER_HUNG_UP_RINGING
