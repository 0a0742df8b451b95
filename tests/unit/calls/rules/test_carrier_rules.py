"""What the carrier's own events do, where the dialer speaks and where it does not."""

from copy import replace
from typing import Any

import pytest

from ringline.calls.model.call import AnswerFrom, Call, CarrierWords, Evidence, Refusal, State, VoicemailPolicy
from ringline.calls.model.events import (
    Answered,
    CarrierEnded,
    CarrierFailed,
    CarrierForwarded,
    CarrierRang,
    DialRefused,
    EndAsked,
    Event,
    FoundOver,
    GivenUp,
    LegLeft,
)
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.results import END_ROOM, LOOK_AGAIN, Effect, Moved
from ringline.calls.model.retries import RetryPolicy
from ringline.calls.model.timing import CARRIER_PAUSE_S
from ringline.calls.rules.lifecycle import apply
from tests.builders import a_call, after, an_answered_call, at, moved, told_by_the_carrier, unmoved

R = EndReason
BUSY = CarrierFailed(at(3), 1, 486, "Busy Here", "user busy")
AT_ITS_LIMIT = CarrierFailed(at(1.4), 1, 503, "CPS limit exceeded", None, Refusal.LIMIT)


def by_carrier(state: State = State.DIALING, **fields: Any) -> Call:
    """A call whose dialer has returned: the carrier tells of its fate."""
    return a_call(state, **{"answer_from": AnswerFrom.CARRIER} | fields)


def moved_with(call: Call, event: Event) -> tuple[Call, frozenset[Effect]]:
    result = apply(call, event)
    assert isinstance(result, Moved), result
    return result.call, result.effects


# --- ringing ---------------------------------------------------------------------------------------------------------


def test_a_phone_that_rings_is_ringing_and_does_so_once() -> None:
    ringing = moved(a_call(State.DIALING), CarrierRang(at(2), 1))
    assert (ringing.state, ringing.carrier.rang_at) == (State.RINGING, at(2))
    assert ringing.holds_slot
    assert unmoved(ringing, CarrierRang(at(3), 1)).why == "rang_before"


def test_a_word_of_ringing_that_comes_after_the_answer_changes_nothing() -> None:
    assert unmoved(an_answered_call(), CarrierRang(at(7), 1)).why == "answered_before"
    assert "means_nothing_while_active" in unmoved(a_call(State.ACTIVE), CarrierRang(at(7), 1)).why


@pytest.mark.parametrize(
    "word",
    [CarrierRang(at(2), 1), CarrierForwarded(at(2), 1, None, True), BUSY, CarrierEnded(at(2), 1, None)],
    ids=lambda word: type(word).__name__,
)
def test_a_word_of_another_attempt_or_of_a_call_that_is_over_changes_nothing(word: Event) -> None:
    assert unmoved(by_carrier(attempt=2), word).why == "stale_attempt"
    assert "while_queued" in unmoved(a_call(State.QUEUED, attempt=1), word).why
    assert unmoved(a_call(State.NOT_CONNECTED), word).why == "call_is_over"


# --- forwarded -------------------------------------------------------------------------------------------------------


def test_a_call_that_is_passed_on_remembers_where_to() -> None:
    forwarded, effects = moved_with(a_call(State.RINGING), CarrierForwarded(at(4), 1, "+15550100999", False))
    assert forwarded.carrier == CarrierWords(forwarded_at=at(4), forwarded_to="+15550100999")
    assert not effects and forwarded.end_asked_at is None
    assert unmoved(forwarded, CarrierForwarded(at(5), 1, None, False)).why == "forwarded_before"


def test_what_turns_out_to_be_a_voicemail_behind_a_forwarding_ends_the_ringing() -> None:
    forwarded = moved(a_call(State.RINGING), CarrierForwarded(at(4), 1, "+15550100999", False))
    asked, effects = moved_with(forwarded, CarrierForwarded(at(5), 1, None, True))
    assert (asked.carrier.forwarded_at, asked.carrier.forwarded_to) == (at(4), "+15550100999")
    assert asked.carrier.to_voicemail
    assert (asked.end_asked_reason, effects) == (R.VOICEMAIL_DETECTED_PRECONNECT, END_ROOM)
    assert unmoved(asked, CarrierForwarded(at(6), 1, "+15550100777", True)).why == "forwarded_before"
    assert unmoved(asked, CarrierForwarded(at(6), 1, "+15550100777", False)).why == "forwarded_before"


@pytest.mark.parametrize("call", [an_answered_call(), a_call(State.ACTIVE)], ids=lambda call: call.state)
def test_a_voicemail_that_the_carrier_tells_of_after_the_answer_ends_the_conversation(call: Call) -> None:
    asked, effects = moved_with(call, CarrierForwarded(at(7), 1, None, True))
    assert (asked.end_asked_reason, effects) == (R.AGENT_HUNG_UP_VOICEMAIL_DETECTED, END_ROOM)


def test_a_call_that_leaves_messages_goes_on_to_the_voicemail() -> None:
    call = a_call(State.RINGING, voicemail_policy=VoicemailPolicy.LEAVE_MESSAGE)
    forwarded, effects = moved_with(call, CarrierForwarded(at(4), 1, None, True))
    assert not effects and forwarded.end_asked_at is None
    answered = moved(forwarded, Answered(at(6), 1, "PA_leg", "SCL_1", None))
    assert answered.answered_at == at(6)
    refused = moved(forwarded, DialRefused(at(9), 1, 486, "Busy Here", "resource_exhausted", "busy"))
    assert refused.end_reason is R.VOICEMAIL_DETECTED_PRECONNECT


def test_a_forwarding_of_a_call_whose_end_was_asked_is_kept_as_a_fact() -> None:
    asked = moved(a_call(State.RINGING), EndAsked(at(3), R.API_HUNG_UP))
    forwarded, effects = moved_with(asked, CarrierForwarded(at(4), 1, None, True))
    assert (forwarded.end_asked_reason, effects) == (R.CALL_CANCELED, frozenset())
    assert forwarded.carrier.to_voicemail


# --- failed, where the dialer speaks ---------------------------------------------------------------------------------


def test_where_the_dialer_speaks_the_carriers_failure_is_evidence_and_somebody_looks() -> None:
    failed, effects = moved_with(a_call(State.DIALING), BUSY)
    assert (failed.state, failed.carrier.failed_at, failed.carrier.cause) == (State.DIALING, at(3), "user busy")
    assert (failed.evidence.sip_code, failed.evidence.sip_status) == (486, "Busy Here")
    assert effects == LOOK_AGAIN
    assert unmoved(failed, CarrierFailed(at(4), 1, 404, None, None)).why == "failed_before"


def test_a_code_that_is_known_already_stays() -> None:
    call = a_call(State.DIALING, evidence=Evidence(sip_code=603, sip_status="Decline"))
    failed = moved(call, BUSY)
    assert (failed.evidence.sip_code, failed.evidence.sip_status) == (603, "Decline")


def test_the_dialers_word_overrules_the_carriers_code() -> None:
    failed = moved(a_call(State.DIALING), BUSY)
    call = moved(failed, DialRefused(at(3.1), 1, 404, "Not Found", "not_found", "INVITE failed"))
    assert (call.evidence.sip_code, call.end_reason) == (404, R.SIP_FAILED_WRONG_NUMBER)


def test_a_failure_ends_a_call_that_is_on_its_way_to_its_end_for_the_reason_that_was_asked() -> None:
    asked = moved(a_call(State.DIALING), EndAsked(at(2), R.API_HUNG_UP))
    call, effects = moved_with(asked, CarrierFailed(at(2.2), 1, 487, "Request Terminated", None))
    assert (call.state, call.end_reason, effects) == (State.CANCELED, R.CALL_CANCELED, END_ROOM)


# --- failed, where the carrier alone speaks --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("failed", "reason"),
    [
        (CarrierFailed(at(1.5), 1, 486, "Busy Here", None), R.USER_BUSY),
        (CarrierFailed(at(9), 1, 603, "Decline", None), R.USER_HUNG_UP_RINGING),
        (CarrierFailed(at(2), 1, 404, "Not Found", None), R.SIP_FAILED_WRONG_NUMBER),
        (CarrierFailed(at(2), 1, 403, "Forbidden", None), R.SIP_FAILED_NUMBER_BLOCKED),
        (CarrierFailed(at(9), 1, 480, "Temporarily Unavailable", None), R.VOICEMAIL_DETECTED_PRECONNECT),
        (CarrierFailed(at(31), 1, 480, "Temporarily Unavailable", None), R.USER_DID_NOT_PICK_UP),
        (CarrierFailed(at(2), 1, 503, "Service Unavailable", None), R.SIP_FAILED_TRUNK),
    ],
    ids=lambda value: str(value.sip_code) if isinstance(value, CarrierFailed) else value.name,
)
def test_where_the_carrier_alone_speaks_its_failure_is_the_end(failed: CarrierFailed, reason: EndReason) -> None:
    call, effects = moved_with(by_carrier(), failed)
    assert (call.state, call.end_reason, call.ended_at) == (State.NOT_CONNECTED, reason, failed.at)
    assert effects == END_ROOM
    assert unmoved(call, failed).why == "call_is_over"


@pytest.mark.parametrize(
    ("failed", "reason"),
    [
        (CarrierFailed(at(2), 1, None, None, "unallocated"), R.SIP_FAILED_TRUNK),
        (CarrierFailed(at(31), 1, 487, "Request Terminated", None), R.USER_DID_NOT_PICK_UP),
    ],
    ids=["no code", "487"],
)
def test_a_failure_that_says_little_is_the_end_when_nobody_says_more(failed: CarrierFailed, reason: EndReason) -> None:
    call = moved(by_carrier(), failed)
    result = apply(call, FoundOver(failed.at + 11_000, 1))
    over = result.call if isinstance(result, Moved) else call
    assert (over.state, over.end_reason) == (State.NOT_CONNECTED, reason)


@pytest.mark.parametrize("sip_code", [403, 404, 486, 603])
def test_a_failure_for_our_own_side_is_that_whatever_its_code_and_is_not_tried_again(sip_code: int) -> None:
    wants_more = RetryPolicy(3, on=("no_answer", "number", "carrier"), delays_s=(60,))
    failed = CarrierFailed(at(2), 1, sip_code, "10001 Account is not active", "failed", Refusal.OUR_SIDE)
    told_alone = moved(by_carrier(retry=wants_more), failed)
    known_before = moved(a_call(State.DIALING, retry=wants_more), failed)
    dialers_word = moved(known_before, DialRefused(at(2), 1, sip_code, "Decline", "permission_denied", "declined"))
    for call in (told_alone, dialers_word):
        assert (call.state, call.end_reason) == (State.NOT_CONNECTED, R.SIP_FAILED_ACCOUNT)


def test_a_call_that_is_tried_again_is_so_also_after_the_carriers_word() -> None:
    call = moved(by_carrier(retry=RetryPolicy(2, on=("no_answer",), delays_s=(60,))), BUSY)
    assert call.state is State.QUEUED


@pytest.mark.parametrize("texts", [("CPS limit exceeded", None), ("Service Unavailable", "channel limit reached")])
def test_a_carrier_at_its_limit_defers_the_call(texts: tuple[str, str | None]) -> None:
    call, effects = moved_with(by_carrier(), CarrierFailed(at(1.4), 1, 503, *texts, Refusal.LIMIT))
    assert (call.state, call.deferrals, call.due_at) == (State.QUEUED, 1, at(1.4 + CARRIER_PAUSE_S))
    assert (call.evidence.sip_code, call.evidence.twirp_code, effects) == (503, "resource_exhausted", END_ROOM)
    assert call.evidence.twirp_message in texts


def test_a_carrier_at_its_limit_defers_the_call_also_where_the_leg_tells_of_its_leaving_last() -> None:
    told = moved(by_carrier(), CarrierFailed(at(1.4), 1, None, None, "resource limits", Refusal.LIMIT))
    assert told.state is State.DIALING, "without a code the leg is waited for"
    call, effects = moved_with(told, LegLeft(at(1.5), 1, "PA_leg", "USER_UNAVAILABLE", "dialing"))
    assert (call.state, call.deferrals, effects) == (State.QUEUED, 1, END_ROOM)


def test_a_carrier_at_its_limit_does_not_defer_a_phone_that_rang() -> None:
    rang = told_by_the_carrier(by_carrier(State.RINGING), rang_at=at(1.3))
    call = moved(rang, AT_ITS_LIMIT)
    assert (call.state, call.end_reason) == (State.NOT_CONNECTED, R.SIP_FAILED_CAPACITY)


def test_a_carrier_that_takes_its_time_to_refuse_at_its_limit_defers_the_call_all_the_same() -> None:
    call = moved(by_carrier(), CarrierFailed(at(3.2), 1, 503, "CPS limit exceeded", None, Refusal.LIMIT))
    assert call.state is State.QUEUED


# --- ended -----------------------------------------------------------------------------------------------------------


def test_the_end_of_a_conversation_is_noted_and_livekits_own_word_waited_for() -> None:
    ended, effects = moved_with(a_call(State.ACTIVE), CarrierEnded(at(60), 1, "normal clearing"))
    assert (ended.state, ended.carrier.ended_at, ended.carrier.cause) == (State.ACTIVE, at(60), "normal clearing")
    assert effects == LOOK_AGAIN
    assert unmoved(ended, CarrierEnded(at(61), 1, None)).why == "ended_before"
    call = moved(ended, LegLeft(at(60.1), 1, "PA_leg", "CLIENT_INITIATED", "hangup"))
    assert (call.end_reason, call.ended_at) == (R.USER_HUNG_UP_IN_CALL, at(60.1))


@pytest.mark.parametrize("call", [an_answered_call(), a_call(State.ACTIVE)], ids=lambda call: call.state)
def test_a_failure_of_a_call_that_was_answered_is_its_end(call: Call) -> None:
    ended, effects = moved_with(call, CarrierFailed(at(60), 1, 487, None, "lost"))
    assert (ended.carrier.ended_at, ended.carrier.failed_at, effects) == (at(60), None, LOOK_AGAIN)
    assert ended.evidence.sip_code is None


@pytest.mark.parametrize("is_doubted", [False, True])
def test_the_end_of_a_forked_call_is_heard_though_its_other_place_failed_before(is_doubted: bool) -> None:
    failed = moved(a_call(State.ACTIVE), CarrierFailed(at(8), 1, 487, "Request Terminated", None))
    known = replace(failed, carrier=replace(failed.carrier, end_is_doubted=is_doubted))
    ended, effects = moved_with(known, CarrierEnded(at(26), 1, "normal clearing"))
    assert (ended.carrier.ended_at, ended.carrier.cause, effects) == (at(26), "normal clearing", LOOK_AGAIN)
    assert ended.carrier.believed_end_at == at(26)
    for word in (CarrierEnded(at(27), 1, None), CarrierFailed(at(27), 1, 487, "Request Terminated", None)):
        assert unmoved(ended, word).why == "ended_before"
    settled = moved(moved(ended, GivenUp(at(40), 1)), FoundOver(at(40), 1))
    assert (settled.end_reason, settled.ended_at) == (R.USER_HUNG_UP_IN_CALL, at(26))


@pytest.mark.parametrize("told", [487, 408])
def test_a_second_failure_does_not_put_off_what_the_first_one_told(told: int) -> None:
    failed = moved(a_call(State.ACTIVE), CarrierFailed(at(8), 1, 487, "Request Terminated", None))
    assert unmoved(failed, CarrierFailed(at(12), 1, told, None, None)).why == "ended_before"


@pytest.mark.parametrize("call", [an_answered_call(), a_call(State.ACTIVE)], ids=lambda call: call.state)
def test_a_failure_from_before_the_answer_is_of_a_place_that_did_not_answer(call: Call) -> None:
    for told_at in (call.answered_at or 0, at(0.9)):
        assert unmoved(call, CarrierFailed(told_at, 1, 486, "Busy Here", None)).why == "answered_since"


@pytest.mark.parametrize("answer_from", AnswerFrom)
def test_an_end_without_an_answer_is_noted_because_the_answer_may_be_on_its_way(answer_from: AnswerFrom) -> None:
    call = a_call(State.RINGING, answer_from=answer_from)
    ended, effects = moved_with(call, CarrierEnded(at(9), 1, "normal clearing"))
    assert (ended.state, ended.carrier.ended_at, effects) == (State.RINGING, at(9), LOOK_AGAIN)
    assert moved(ended, Answered(at(6), 1, "PA_leg", "SCL_1", None)).answered_at == at(6)
    assert unmoved(ended, CarrierEnded(at(10), 1, None)).why == "ended_before"


def test_an_end_that_overtakes_its_answer_is_a_conversation_all_the_same() -> None:
    seen = moved(by_carrier(State.RINGING), LegLeft(at(9), 1, "PA_leg", "CLIENT_INITIATED", "hangup"))
    call = moved(seen, CarrierEnded(at(9), 1, "normal clearing"))
    result = apply(call, Answered(at(6), 1, "PA_leg", "SCL_1", None))
    ended = result.call if isinstance(result, Moved) else call
    assert ended.end_reason in {None, R.USER_HUNG_UP_IN_CALL, R.AGENT_DID_NOT_JOIN}


def test_all_of_a_call_that_the_carrier_tells_of_from_its_ringing_to_its_end() -> None:
    call = after(
        by_carrier(),
        CarrierRang(at(2), 1),
        Answered(at(6), 1, "PA_leg", "SCL_1", None),
        CarrierEnded(at(60), 1, None),
    )
    assert (call.state, call.answered_at, call.carrier.ended_at) == (State.RINGING, at(6), at(60))


@pytest.mark.parametrize("code", [487, None])
def test_a_ringing_that_both_carrier_and_leg_have_ended_is_over_in_whatever_order_they_tell(code: int | None) -> None:
    left = LegLeft(at(31), 1, "PA_leg", "USER_UNAVAILABLE", "ringing")
    failed = CarrierFailed(at(31), 1, code, "Request Terminated", "originator_cancel")
    ends = [after(by_carrier(State.RINGING), *order) for order in ((left, failed), (failed, left))]
    assert [(call.state, call.end_reason) for call in ends] == [(State.NOT_CONNECTED, ends[0].end_reason)] * 2
