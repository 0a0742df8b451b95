"""What is shown of a voicemail, and what makes one."""

from copy import replace
from typing import Any

import pytest

from ringline.calls.model.call import (
    AgentReports,
    AnswerFrom,
    Call,
    CarrierWords,
    Direction,
    Evidence,
    State,
    VoicemailPolicy,
)
from ringline.calls.model.events import (
    AgentHangsUp,
    AgentReady,
    AgentSeen,
    Answered,
    CarrierEnded,
    EndAsked,
    GivenUp,
    LegLeft,
    TranscriptKept,
    Transferred,
    UserSpoke,
    VoicemailHeard,
)
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.results import Moved, Unmoved
from ringline.calls.model.timing import (
    HEARS_WITHIN_S,
    LAST_WORDS_S,
    PROMISED_WORDS_S,
    VOICEMAIL_GREETING_MIN_S,
    VOICEMAIL_GREETING_S,
)
from ringline.calls.rules.deadlines import Owed, look_again_in_s, owed
from ringline.calls.rules.lifecycle import apply
from ringline.calls.rules.voicemail import voicemail_evidence, was_unheard_greeting
from tests.builders import a_call, at, moved, unmoved

BEFORE, AFTER = EndReason.VOICEMAIL_DETECTED_PRECONNECT, EndReason.AGENT_HUNG_UP_VOICEMAIL_DETECTED
HEARS = AgentReports(ready_at=at(2), can_report=("user_spoke",))


def unanswered(**fields: Any) -> Call:
    return a_call(State.NOT_CONNECTED, **{"ended_at": at(13), "end_reason": BEFORE} | fields)


def answered(**fields: Any) -> Call:
    return a_call(State.ENDED, **{"ended_at": at(14), "end_reason": AFTER} | fields)


def evidence_of(call: Call) -> dict[str, Any]:
    evidence = voicemail_evidence(call)
    assert evidence is not None
    return evidence


@pytest.mark.parametrize("reason", [reason for reason in EndReason if reason not in {BEFORE, AFTER}])
def test_no_other_end_shows_a_voicemail(reason: EndReason) -> None:
    assert voicemail_evidence(a_call(State.ENDED, end_reason=reason, reports=HEARS)) is None


def test_a_call_that_goes_on_shows_no_voicemail_yet() -> None:
    assert voicemail_evidence(a_call(State.ACTIVE, reports=AgentReports(voicemail_at=at(8)))) is None


def test_a_brief_ring_is_shown_with_its_length_and_code() -> None:
    assert voicemail_evidence(unanswered(evidence=Evidence(sip_code=480))) == {
        "method": "brief_ring", "ring_s": 12.0, "talk_s": None, "sip_code": 480, "forwarded_to": None,
        "agent_could_hear": False, "caller_spoke": False, "agent_said": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    "words", [CarrierWords(forwarded_at=at(8), forwarded_to="+15550100999"), CarrierWords(to_voicemail=True)]
)
def test_a_call_that_was_passed_on_says_so(words: CarrierWords) -> None:
    evidence = evidence_of(unanswered(carrier=words))
    assert (evidence["method"], evidence["forwarded_to"]) == ("forwarded", words.forwarded_to)


def test_an_unheard_greeting_is_shown_with_what_was_not_heard() -> None:
    assert voicemail_evidence(answered(reports=HEARS)) == {
        "method": "unheard_greeting", "ring_s": 5.0, "talk_s": 8.0, "sip_code": None, "forwarded_to": None,
        "agent_could_hear": True, "caller_spoke": False, "agent_said": None,
    }  # fmt: skip


def test_a_mere_forwarding_is_not_how_an_answered_voicemail_was_found() -> None:
    words = CarrierWords(forwarded_at=at(3), forwarded_to="+15550100999")
    assert evidence_of(answered(carrier=words))["method"] == "unheard_greeting"
    told = CarrierWords(forwarded_at=at(3), to_voicemail=True)
    assert evidence_of(answered(carrier=told))["method"] == "forwarded"


@pytest.mark.parametrize(
    "reports",
    [AgentReports(voicemail_at=at(8), voicemail_why="a beep"), AgentReports(hung_up_for="voicemail: a beep")],
)
def test_what_the_agent_said_goes_before_all_else(reports: AgentReports) -> None:
    evidence = evidence_of(answered(reports=reports, carrier=CarrierWords(to_voicemail=True)))
    assert (evidence["method"], evidence["agent_said"]) == ("agent_said_so", reports.voicemail_why)


def test_a_caller_that_spoke_before_the_agent_was_sure_is_shown_to_have_spoken() -> None:
    reports = AgentReports(ready_at=at(2), can_report=("user_spoke",), user_spoke_at=at(7), voicemail_at=at(9))
    assert evidence_of(answered(reports=reports))["caller_spoke"] is True


@pytest.mark.parametrize(
    ("reports", "greeting_s", "ended_after_s", "is_one"),
    [
        (HEARS, None, VOICEMAIL_GREETING_S, True),
        (HEARS, None, VOICEMAIL_GREETING_S + 0.1, False),
        (HEARS, 4.5, 4.5, True),
        (HEARS, 4.5, 4.6, False),
        (HEARS, 0, 0.1, False),
        # Nobody records a greeting this short: somebody picked up and hung up.
        (HEARS, None, 0.3, False),
        (HEARS, None, 1, False),
        (HEARS, None, VOICEMAIL_GREETING_MIN_S - 0.1, False),
        (HEARS, None, VOICEMAIL_GREETING_MIN_S, True),
        (AgentReports(ready_at=at(6 + HEARS_WITHIN_S), can_report=("user_spoke",)), None, 9, True),
        (AgentReports(ready_at=at(6.1 + HEARS_WITHIN_S), can_report=("user_spoke",)), None, 9, False),
        (AgentReports(ready_at=at(2), can_report=("silence",)), None, 9, False),
        (AgentReports(can_report=("user_spoke",)), None, 9, False),
        (AgentReports(), None, 9, False),
        (AgentReports(ready_at=at(2), can_report=("user_spoke",), user_spoke_at=at(7)), None, 9, False),
    ],
)
def test_a_greeting_is_what_nobody_spoke_in_while_an_agent_could_hear_and_was_soon_over(
    reports: AgentReports, greeting_s: float | None, ended_after_s: float, is_one: bool
) -> None:
    call = a_call(State.ACTIVE, reports=reports, voicemail_greeting_s=greeting_s)
    assert was_unheard_greeting(call, at(6), at(6 + ended_after_s)) is is_one


def test_a_pipe_may_have_shorter_greetings() -> None:
    call = a_call(State.ACTIVE, reports=HEARS, voicemail_greeting_min_s=0.5)
    assert was_unheard_greeting(call, at(6), at(7))
    assert not was_unheard_greeting(call, at(6), at(6.4))


def test_who_picks_up_and_hangs_up_at_once_has_hung_up_in_the_call() -> None:
    ended = moved(greeted(), LegLeft(at(7), 1, "PA_leg", "CLIENT_INITIATED", "hangup"))
    assert (ended.state, ended.end_reason) == (State.ENDED, EndReason.USER_HUNG_UP_IN_CALL)


def test_an_inbound_call_is_shown_as_it_ended() -> None:
    call = answered(direction=Direction.INBOUND, end_reason=EndReason.USER_HUNG_UP_IN_CALL, reports=HEARS)
    assert voicemail_evidence(call) is None


# --- its last word ---------------------------------------------------------------------------------------------------

LEFT = LegLeft(at(14), 1, "PA_leg", "CLIENT_INITIATED", "hangup")


def greeted(**fields: Any) -> Call:
    return a_call(State.ACTIVE, **{"leg_sid": "PA_leg", "reports": HEARS} | fields)


def test_what_looks_like_a_greeting_waits_for_a_last_word_and_is_one_without_it() -> None:
    waits = moved(greeted(), LEFT)
    assert (waits.state, look_again_in_s(waits)) == (State.LAST_WORDS, LAST_WORDS_S + 1)
    assert owed(waits, True, at(14 + LAST_WORDS_S) - 1) is Owed.NOTHING
    assert owed(waits, True, at(14 + LAST_WORDS_S)) is Owed.LOOK
    assert owed(waits, False, at(14 + LAST_WORDS_S)) is Owed.SETTLE
    ended = moved(waits, GivenUp(at(17), 1))
    assert (ended.state, ended.end_reason, ended.ended_at) == (State.ENDED, AFTER, at(14))


PROMISES = replace(HEARS, can_report=("user_spoke", "transcript"))


def test_a_promised_transcript_is_waited_for_longer() -> None:
    waits = moved(greeted(reports=PROMISES), LEFT)
    assert look_again_in_s(waits) == PROMISED_WORDS_S + 1 > LAST_WORDS_S + 1
    assert owed(waits, False, at(14 + PROMISED_WORDS_S) - 1) is Owed.NOTHING
    assert owed(waits, False, at(14 + PROMISED_WORDS_S)) is Owed.SETTLE


@pytest.mark.parametrize("reports", [HEARS, PROMISES])
@pytest.mark.parametrize(
    ("turns", "user_spoke", "is_final", "end_reason"),
    [
        (2, True, False, EndReason.USER_HUNG_UP_IN_CALL),
        (2, True, True, EndReason.USER_HUNG_UP_IN_CALL),
        (1, False, False, None),
        (1, False, True, AFTER),
        (0, False, True, AFTER),
    ],
)
def test_a_transcript_may_be_the_last_word(
    reports: AgentReports, turns: int, user_spoke: bool, is_final: bool, end_reason: EndReason | None
) -> None:
    words = TranscriptKept(at(15), 1, turns, "table", user_spoke, is_final)
    told = moved(moved(greeted(reports=reports), LEFT), words)
    assert (told.end_reason, told.ended_at) == (end_reason, None if end_reason is None else at(14))
    assert (told.transcript_turns, told.transcript_kept) == (turns, "table")


def test_words_that_are_kept_already_are_still_a_last_word() -> None:
    """Usage that overtook the turns has counted them."""
    waits = moved(moved(greeted(reports=PROMISES), LEFT), TranscriptKept(at(15), 1, 2, "table"))
    told = moved(waits, TranscriptKept(at(15.1), 1, 2, "table", user_spoke=True, is_final=True))
    assert told.end_reason is EndReason.USER_HUNG_UP_IN_CALL


@pytest.mark.parametrize(
    ("user_spoke", "is_final", "end_reason"),
    [(True, False, EndReason.USER_HUNG_UP_IN_CALL), (False, True, AFTER), (False, False, None)],
)
def test_a_transcript_that_overtakes_the_legs_leaving_is_the_last_word_only_if_it_says_so(
    user_spoke: bool, is_final: bool, end_reason: EndReason | None
) -> None:
    told = moved(greeted(reports=PROMISES), TranscriptKept(at(13), 1, 2, "table", user_spoke, is_final))
    assert moved(told, LEFT).end_reason is end_reason


@pytest.mark.parametrize(
    ("why", "reason", "end_reason"),
    [
        ("ROOM_DELETED", EndReason.AGENT_HUNG_UP, EndReason.AGENT_HUNG_UP),
        ("ROOM_DELETED", EndReason.AGENT_HUNG_UP_SILENCE_DETECTED, EndReason.AGENT_HUNG_UP_SILENCE_DETECTED),
        ("CLIENT_INITIATED", EndReason.USER_HUNG_UP_IN_CALL, EndReason.USER_HUNG_UP_IN_CALL),
        ("CLIENT_INITIATED", EndReason.CALL_TRANSFERRED, EndReason.CALL_TRANSFERRED),
        ("CLIENT_INITIATED", EndReason.AGENT_HUNG_UP, None),
    ],
)
def test_an_agent_that_reports_after_the_leg_left_tells_of_that_end_or_came_too_late(
    why: str, reason: EndReason, end_reason: EndReason | None
) -> None:
    waits = moved(greeted(), LegLeft(at(14), 1, "PA_leg", why, "hangup"))
    result = apply(waits, AgentHangsUp(at(15), 1, reason, "words"))
    if end_reason is None:
        assert result == Unmoved("leg_has_left")
    else:
        assert isinstance(result, Moved)
        assert (result.call.end_reason, result.call.ended_at) == (end_reason, at(14))


def test_a_transfer_told_of_last_ends_the_call_as_one() -> None:
    ended = moved(moved(greeted(), LEFT), Transferred(at(15), 1, "+15550100888", False))
    assert (ended.end_reason, ended.ended_at) == (EndReason.CALL_TRANSFERRED, at(14))


def test_a_promise_made_when_the_leg_is_gone_lengthens_nothing() -> None:
    waits = moved(greeted(), LEFT)
    assert unmoved(waits, AgentReady(at(15), 1, ("transcript",))).why == "leg_has_left"


def test_nobody_elses_word_of_the_end_shortens_the_wait() -> None:
    waits = moved(moved(greeted(reports=PROMISES), LEFT), CarrierEnded(at(14.1), 1, "normal clearing"))
    assert look_again_in_s(waits) == PROMISED_WORDS_S + 1
    assert owed(waits, True, at(14 + PROMISED_WORDS_S) - 1) is Owed.NOTHING
    assert owed(waits, True, at(14 + PROMISED_WORDS_S)) is Owed.LOOK


def test_who_hangs_up_after_the_other_side_did_ends_the_waiting_and_not_the_call() -> None:
    ended = moved(moved(greeted(), LEFT), EndAsked(at(15), EndReason.API_HUNG_UP))
    assert (ended.end_reason, ended.ended_at, ended.end_asked_at) == (AFTER, at(14), None)


def test_an_answer_told_after_the_leg_left_waits_for_last_words_too() -> None:
    left = moved(a_call(State.RINGING, answer_from=AnswerFrom.CARRIER, reports=HEARS), LEFT)
    waits = moved(left, Answered(at(6), 1, "PA_leg", "SCL_1", AgentSeen("PA_agent", at(1))))
    assert (waits.state, waits.answered_at, waits.end_reason) == (State.LAST_WORDS, at(6), None)
    assert moved(waits, UserSpoke(at(15), 1)).end_reason is EndReason.USER_HUNG_UP_IN_CALL


def test_a_voicemail_told_of_last_ends_the_call_whatever_the_policy() -> None:
    for policy in VoicemailPolicy:
        waits = moved(greeted(voicemail_policy=policy), LEFT)
        ended = moved(waits, VoicemailHeard(at(15), 1, "a beep"))
        assert (ended.state, ended.end_reason, ended.ended_at) == (State.ENDED, AFTER, at(14))


def test_a_leg_that_leaves_twice_waits_once() -> None:
    assert unmoved(moved(greeted(), LEFT), LEFT).why == "leg_left_before"


def test_a_look_that_comes_late_does_not_make_a_greeting_as_long_as_its_limit() -> None:
    waits = moved(greeted(max_call_duration_s=30), LEFT)
    assert moved(waits, GivenUp(at(75), 1)).end_reason is AFTER


@pytest.mark.parametrize(
    "fields",
    [
        {"reports": AgentReports()},
        {"reports": AgentReports(ready_at=at(2), can_report=("user_spoke",), user_spoke_at=at(7))},
        {"reports": AgentReports(ready_at=at(2), can_report=("user_spoke",), voicemail_at=at(9))},
        {"reports": AgentReports(ready_at=at(2), can_report=("user_spoke",), transferred_at=at(9))},
        {"direction": Direction.INBOUND},
        {"end_asked_at": at(13), "end_asked_reason": EndReason.API_HUNG_UP},
    ],
)
def test_whose_reason_is_known_waits_for_no_word(fields: dict[str, Any]) -> None:
    assert moved(greeted(**fields), LEFT).state is State.ENDED
