"""What an agent reports, and what becomes of it."""

import pytest

from ringline.calls.model.call import AgentReports, Call, Direction, Recording, State, VoicemailPolicy
from ringline.calls.model.events import (
    AgentHangsUp,
    AgentReady,
    Answered,
    DialRefused,
    Event,
    FoundOver,
    LegLeft,
    RecordingSeen,
    SilenceHeard,
    TranscriptKept,
    Transferred,
    UserSpoke,
    VoicemailHeard,
)
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.results import END_ROOM, Effect, Moved
from ringline.calls.model.timing import IDLE_S
from ringline.calls.rules.deadlines import End, owed
from ringline.calls.rules.lifecycle import apply
from tests.builders import a_call, after, an_answered_call, at, moved, told_by_the_agent, unmoved

IN_FLIGHT = [a_call(State.DIALING), a_call(State.RINGING), an_answered_call(), a_call(State.ACTIVE)]
REPORTS: list[Event] = [
    AgentReady(at(2), 1, ("user_spoke",)),
    UserSpoke(at(7), 1),
    SilenceHeard(at(9), 1, 2),
    VoicemailHeard(at(8), 1, "beep"),
    AgentHangsUp(at(9), 1, EndReason.AGENT_HUNG_UP, None),
    Transferred(at(9), 1, "+15550100888", False),
]


def effects_of(call: Call, event: Event) -> frozenset[Effect]:
    return apply(call, event).effects


@pytest.mark.parametrize("call", IN_FLIGHT, ids=lambda call: call.state)
@pytest.mark.parametrize("report", REPORTS, ids=lambda report: type(report).__name__)
def test_an_agent_is_heard_from_the_dial_on_and_moves_the_call_to_no_other_state(call: Call, report: Event) -> None:
    assert moved(call, report).state is call.state


@pytest.mark.parametrize("report", REPORTS, ids=lambda report: type(report).__name__)
def test_an_agent_is_not_heard_before_its_attempt_nor_after_the_call(report: Event) -> None:
    assert "means_nothing_while_queued" in unmoved(a_call(State.QUEUED, attempt=1), report).why
    assert unmoved(a_call(State.ACTIVE, attempt=2), report).why == "stale_attempt"
    assert unmoved(a_call(State.ENDED), report).why == "call_is_over"


def test_an_agent_that_is_ready_says_what_it_can_report_once_and_may_add_to_it() -> None:
    ready = moved(a_call(State.DIALING), AgentReady(at(2), 1, ("user_spoke", "user_spoke")))
    assert (ready.reports.ready_at, ready.reports.can_report) == (at(2), ("user_spoke",))
    assert ready.reports.hears_speech
    assert unmoved(ready, AgentReady(at(3), 1, ("user_spoke",))).why == "ready_before"
    assert unmoved(ready, AgentReady(at(3), 1, ())).why == "ready_before"
    more = moved(ready, AgentReady(at(4), 1, ("silence",)))
    assert (more.reports.ready_at, more.reports.can_report) == (at(2), ("user_spoke", "silence"))


def test_an_agent_that_can_report_nothing_is_ready_all_the_same_and_hears_nothing() -> None:
    ready = moved(a_call(State.DIALING), AgentReady(at(2), 1, ()))
    assert (ready.reports.ready_at, ready.reports.hears_speech) == (at(2), False)
    assert not AgentReports(can_report=("user_spoke",)).hears_speech, "what was never ready has heard nothing"


def test_the_first_word_of_the_callee_is_kept_and_each_word_ends_a_silence() -> None:
    spoke = moved(a_call(State.ACTIVE), UserSpoke(at(7), 1))
    assert spoke.reports.user_spoke_at == at(7)
    assert unmoved(spoke, UserSpoke(at(8), 1)).why == "spoke_before"
    again = after(spoke, SilenceHeard(at(20), 1, 5), UserSpoke(at(21), 1))
    assert (again.reports.user_spoke_at, again.reports.silent_since) == (at(7), None)


def test_a_silence_counts_from_its_beginning_and_is_told_once() -> None:
    silent = moved(a_call(State.ACTIVE), SilenceHeard(at(20), 1, 5.5))
    assert silent.reports.silent_since == at(14.5)
    assert unmoved(silent, SilenceHeard(at(30), 1, 15.5)).why == "silent_before"
    assert unmoved(silent, SilenceHeard(at(30), 1, 13.6)).why == "silent_before", "the agent's clock is no better"
    assert unmoved(silent, SilenceHeard(at(30), 1, 60)).why == "silent_before"
    later = moved(silent, SilenceHeard(at(30), 1, 5))
    assert later.reports.silent_since == at(25), "somebody was heard meanwhile, and it was not told"


def test_a_word_from_before_the_silence_that_is_told_after_it_does_not_end_it() -> None:
    silent = after(a_call(State.ACTIVE), UserSpoke(at(7), 1), SilenceHeard(at(20), 1, 5, told_at=at(20.1)))
    overtaken = apply(silent, UserSpoke(at(12), 1, told_at=at(21)))
    assert not isinstance(overtaken, Moved) or overtaken.call.reports.silent_since == at(15)


BEHIND_S = 180


def by_a_slow_clock(seconds: float) -> dict[str, int]:
    """When something happened as an agent dates it whose clock is behind, and when that is told: at once."""
    return {"at": at(seconds - BEHIND_S), "told_at": at(seconds)}


def test_a_silence_that_a_slow_clock_dates_ends_no_call_sooner() -> None:
    silent = moved(
        a_call(State.ACTIVE, max_call_duration_s=3600), SilenceHeard(**by_a_slow_clock(300), attempt=1, silent_s=5)
    )
    for still_talks_s in (300 - BEHIND_S + IDLE_S, 300 + IDLE_S - 0.001):
        assert owed(silent, True, at(still_talks_s)) != End(EndReason.IDLE_TIMEOUT)
    assert owed(silent, True, at(300 + IDLE_S)) == End(EndReason.IDLE_TIMEOUT)


def test_a_silence_that_is_told_late_counts_from_its_coming_and_is_the_same_one_when_told_again() -> None:
    """Somebody may have spoken meanwhile, and that may have been told before."""
    talking = a_call(State.ACTIVE, max_call_duration_s=3600)
    late = moved(talking, SilenceHeard(at(20), 1, 5, told_at=at(140)))
    assert (late.reports.silent_since, late.reports.silence_counts_from) == (at(15), at(140))
    assert unmoved(late, SilenceHeard(at(150), 1, 135, told_at=at(150))).why == "silent_before"
    assert unmoved(late, SilenceHeard(at(20), 1, 5, told_at=at(144))).why == "silent_before"
    assert owed(late, True, at(140 + IDLE_S)) == End(EndReason.IDLE_TIMEOUT), "late by no more than it came late"


def test_a_silence_that_began_after_the_last_one_was_told_is_another_whatever_its_date() -> None:
    undated = moved(a_call(State.ACTIVE), SilenceHeard(at(100), 1, 5, told_at=at(100)))
    again = moved(undated, SilenceHeard(**by_a_slow_clock(300), attempt=1, silent_s=5))
    assert again.reports.silence_counts_from == at(300), "somebody was heard meanwhile, and it was not told"


@pytest.mark.parametrize(
    "silence", [{"at": at(200), "told_at": at(200)}, by_a_slow_clock(200)], ids=["undated", "dated"]
)
def test_a_word_that_a_slow_clock_dates_ends_the_silence_before_it(silence: dict[str, int]) -> None:
    silent = after(a_call(State.ACTIVE), UserSpoke(at(7), 1), SilenceHeard(**silence, attempt=1, silent_s=5))
    spoke = moved(silent, UserSpoke(**by_a_slow_clock(240), attempt=1))
    assert (spoke.reports.silent_since, spoke.reports.silence_counts_from) == (None, None)


def test_a_silence_that_an_earlier_release_kept_counts_from_its_beginning() -> None:
    silent = told_by_the_agent(a_call(State.ACTIVE), silent_since=at(100))
    assert silent.reports.silence_counts_from == at(100)


@pytest.mark.parametrize("policy", [None, VoicemailPolicy.HANG_UP])
def test_a_voicemail_ends_the_call_unless_a_message_is_to_be_left(policy: VoicemailPolicy | None) -> None:
    heard = VoicemailHeard(at(8), 1, "a beep")
    result = apply(a_call(State.ACTIVE, voicemail_policy=policy), heard)
    assert isinstance(result, Moved) and result.effects == END_ROOM
    assert (result.call.end_asked_at, result.call.end_asked_reason) == (
        at(8), EndReason.AGENT_HUNG_UP_VOICEMAIL_DETECTED,
    )  # fmt: skip
    assert (result.call.reports.voicemail_at, result.call.reports.voicemail_why) == (at(8), "a beep")
    assert unmoved(result.call, VoicemailHeard(at(9), 1, None)).why == "voicemail_before"


def test_a_message_is_left_and_the_call_is_a_voicemails_all_the_same() -> None:
    call = a_call(State.ACTIVE, voicemail_policy=VoicemailPolicy.LEAVE_MESSAGE)
    result = apply(call, VoicemailHeard(at(8), 1, "a beep"))
    assert isinstance(result, Moved) and not result.effects
    assert result.call.end_asked_at is None
    left = moved(result.call, LegLeft(at(40), 1, "PA_leg", "ROOM_DELETED", "active"))
    assert left.end_reason is EndReason.AGENT_HUNG_UP_VOICEMAIL_DETECTED


def test_a_voicemail_that_is_heard_while_the_call_ends_for_another_reason_is_kept_as_a_fact() -> None:
    ending = moved(a_call(State.ACTIVE), AgentHangsUp(at(7), 1, EndReason.AGENT_HUNG_UP, "bye"))
    result = apply(ending, VoicemailHeard(at(8), 1, "a beep"))
    assert isinstance(result, Moved) and not result.effects
    assert result.call.reports.voicemail_at == at(8)
    assert result.call.end_asked_reason is EndReason.AGENT_HUNG_UP


def test_who_calls_us_is_no_voicemail() -> None:
    call = a_call(State.ACTIVE, direction=Direction.INBOUND)
    assert unmoved(call, VoicemailHeard(at(8), 1, None)).why == "callers_are_no_voicemail"


def test_a_voicemail_heard_before_our_record_of_the_answer_ends_the_call_when_it_is_written() -> None:
    heard = moved(a_call(State.DIALING), VoicemailHeard(at(7), 1, None))
    answered = apply(heard, Answered(at(7.1), 1, "PA_leg", "SCL_1", None))
    assert isinstance(answered, Moved) and answered.effects == END_ROOM
    call = moved(answered.call, FoundOver(at(7.2), 1))
    assert call.end_reason is EndReason.AGENT_HUNG_UP_VOICEMAIL_DETECTED


def test_an_agents_hang_up_is_recorded_with_its_words_and_decides_the_reason() -> None:
    wish = AgentHangsUp(at(20), 1, EndReason.AGENT_HUNG_UP_SILENCE_DETECTED, "silence for 10 s")
    result = apply(a_call(State.ACTIVE), wish)
    assert isinstance(result, Moved) and result.effects == END_ROOM
    assert result.call.reports.hung_up_for == "silence for 10 s"
    call = moved(result.call, LegLeft(at(20.2), 1, "PA_leg", "ROOM_DELETED", "active"))
    assert (call.state, call.end_reason) == (State.ENDED, EndReason.AGENT_HUNG_UP_SILENCE_DETECTED)


def test_who_asked_first_decides_and_the_room_is_closed_for_each_of_them() -> None:
    first = moved(a_call(State.ACTIVE), AgentHangsUp(at(20), 1, EndReason.AGENT_HUNG_UP, "bye"))
    second = unmoved(first, AgentHangsUp(at(21), 1, EndReason.AGENT_FAILED, "crash"))
    assert (second.why, second.effects) == ("end_was_asked", END_ROOM)


def test_an_agent_may_end_a_call_that_still_rings() -> None:
    asked = moved(a_call(State.RINGING), AgentHangsUp(at(5), 1, EndReason.AGENT_FAILED, "no model"))
    call = moved(asked, DialRefused(at(5.2), 1, None, None, "canceled", "sip request timed out"))
    assert (call.state, call.end_reason) == (State.NOT_CONNECTED, EndReason.AGENT_FAILED)


def test_a_call_that_is_handed_over_ends_as_transferred_however_its_leg_leaves() -> None:
    handed = moved(a_call(State.ACTIVE), Transferred(at(30), 1, "+15550100888", False))
    assert (handed.reports.transferred_at, handed.reports.transferred_to) == (at(30), "+15550100888")
    assert not effects_of(a_call(State.ACTIVE), Transferred(at(30), 1, "+15550100888", False))
    for reason, status in (("CLIENT_INITIATED", "active"), ("CLIENT_INITIATED", "hangup"), ("ROOM_DELETED", "active")):
        call = moved(handed, LegLeft(at(31), 1, "PA_leg", reason, status))
        assert call.end_reason is EndReason.CALL_TRANSFERRED


def test_a_transfer_is_told_once_for_each_place_and_taken_back_when_it_fails() -> None:
    handed = moved(a_call(State.ACTIVE), Transferred(at(30), 1, "+15550100888", False))
    assert unmoved(handed, Transferred(at(31), 1, "+15550100888", False)).why == "transferred_before"
    assert unmoved(handed, Transferred(at(31), 1, None, False)).why == "transferred_before"
    assert moved(handed, Transferred(at(31), 1, "+15550100777", False)).reports.transferred_to == "+15550100777"
    back = moved(handed, Transferred(at(31), 1, "+15550100888", True))
    assert (back.reports.transferred_at, back.reports.transferred_to) == (None, None)
    assert unmoved(back, Transferred(at(32), 1, None, True)).why == "not_transferred"


def test_a_transcript_is_counted_with_the_place_where_it_is_kept() -> None:
    kept = moved(a_call(State.ACTIVE), TranscriptKept(at(50), 1, 12, "table"))
    assert (kept.transcript_turns, kept.transcript_kept) == (12, "table")
    assert unmoved(kept, TranscriptKept(at(51), 1, 12, "table")).why == "transcript_kept_before"
    assert moved(kept, TranscriptKept(at(52), 1, 14, "bucket")).transcript_kept == "bucket"
    assert unmoved(a_call(State.QUEUED, attempt=2), TranscriptKept(at(52), 1, 14, "table")).why == "stale_attempt"


def test_who_has_a_turn_in_the_transcript_has_spoken() -> None:
    kept = moved(a_call(State.ACTIVE), TranscriptKept(at(50), 1, 12, "table", user_spoke=True))
    assert (kept.transcript_turns, kept.reports.user_spoke_at) == (12, at(50))
    assert unmoved(kept, TranscriptKept(at(51), 1, 12, "table", user_spoke=True)).why == "transcript_kept_before"
    again = moved(kept, TranscriptKept(at(52), 1, 14, "table", user_spoke=True))
    assert (again.transcript_turns, again.reports.user_spoke_at) == (14, at(50))


STARTED = RecordingSeen(at(7), 1, "EG_1", "started")
ENDED = RecordingSeen(at(62), 1, "EG_1", "ended", "acc_1/call_1/1.ogg", 54.0)
FAILED = RecordingSeen(at(62), 1, "EG_1", "failed", error="aborted")


def test_a_recording_is_followed_to_its_file() -> None:
    started = moved(a_call(State.ACTIVE), STARTED)
    assert started.recorded == Recording("EG_1", "started")
    ended = moved(started, ENDED)
    assert ended.recorded == Recording("EG_1", "ended", "acc_1/call_1/1.ogg", 54.0)
    assert unmoved(ended, ENDED).why == "recording_known"
    assert moved(started, FAILED).recorded == Recording("EG_1", "failed", error="aborted")


def test_what_is_over_of_a_recording_does_not_begin_again() -> None:
    ended = moved(a_call(State.ENDED), ENDED)
    assert unmoved(ended, STARTED).why == "recording_further_on"
    assert unmoved(ended, FAILED).why == "recording_further_on"
    failed = moved(a_call(State.ENDED), FAILED)
    assert unmoved(failed, STARTED).why == "recording_further_on"
    assert moved(failed, ENDED).recorded is not None, "a file is there after all"


def test_another_recording_counts_only_where_the_first_failed() -> None:
    second = RecordingSeen(at(8), 1, "EG_2", "started")
    assert unmoved(moved(a_call(State.ACTIVE), STARTED), second).why == "another_recording"
    retried = moved(moved(a_call(State.ACTIVE), FAILED), second)
    assert retried.recorded == Recording("EG_2", "started")


def test_a_silence_that_lasted_to_the_end_is_why_the_agent_closed_the_room() -> None:
    silent = moved(a_call(State.ACTIVE), SilenceHeard(at(20), 1, 5))
    left = LegLeft(at(30), 1, "PA_leg", "ROOM_DELETED", "active")
    assert moved(silent, left).end_reason is EndReason.AGENT_HUNG_UP_SILENCE_DETECTED
    assert moved(after(silent, UserSpoke(at(25), 1)), left).end_reason is EndReason.AGENT_HUNG_UP
    by_user = LegLeft(at(30), 1, "PA_leg", "CLIENT_INITIATED", "hangup")
    assert moved(silent, by_user).end_reason is EndReason.USER_HUNG_UP_IN_CALL


def test_a_report_keeps_all_that_was_told_before() -> None:
    call = told_by_the_agent(a_call(State.ACTIVE), ready_at=at(2), can_report=("user_spoke",), user_spoke_at=at(7))
    told = AgentReports(at(2), ("user_spoke",), at(7), at(15), silence_told_at=at(20))
    assert moved(call, SilenceHeard(at(20), 1, 5)).reports == told
