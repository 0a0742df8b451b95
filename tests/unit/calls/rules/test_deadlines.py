"""What the clock owes a call in flight."""

from typing import Any

import pytest

from ringline.calls.model.call import AnswerFrom, Call, State
from ringline.calls.model.events import AgentLeft, CarrierEnded, CarrierFailed, LegLeft, RoomFinished, Transferred
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.room_view import LegView
from ringline.calls.model.timing import (
    AGENT_CHECK_EVERY_S,
    AGENT_JOIN_S,
    AGENT_SLOW_S,
    AGENT_SUCCESSOR_S,
    ANSWER_MARGIN_S,
    DIAL_OUTCOME_MARGIN_S,
    DIALER_SILENCE_S,
    IDLE_S,
    LIMIT_AHEAD_S,
)
from ringline.calls.rules.deadlines import (
    End,
    Owed,
    agent_due_at,
    believed_over_in_s,
    dial_outcome_due_at,
    is_up,
    limit_falls_in_s,
    look_again_in_s,
    owed,
)
from ringline.calls.rules.presence_rules import agent_join_s
from tests.builders import a_call, after, an_answered_call, at, moved, told_by_the_agent, told_by_the_carrier

NO_OUTCOME_S = 1 + 30 + ANSWER_MARGIN_S + DIAL_OUTCOME_MARGIN_S
BETWEEN_CHECKS_S = 6 + 100
"""A moment in a conversation at which nobody asks whether its agent is still there."""


def by_carrier(**fields: Any) -> Call:
    return a_call(State.DIALING, answer_from=AnswerFrom.CARRIER, **fields)


# --- the dial --------------------------------------------------------------------------------------------------------


def test_a_dial_is_its_dialers_until_the_outcome_is_late() -> None:
    call = a_call(State.DIALING)
    assert dial_outcome_due_at(call) == at(NO_OUTCOME_S)
    assert owed(call, True, at(NO_OUTCOME_S - 0.001)) is Owed.NOTHING
    assert owed(call, True, at(NO_OUTCOME_S)) is Owed.LOOK
    assert owed(call, False, at(NO_OUTCOME_S)) is Owed.LOOK, "its room may not be made yet"


def test_a_dial_without_a_dialer_is_peeked_at_as_long_as_its_room_is_open() -> None:
    assert owed(by_carrier(), True, at(21)) is Owed.PEEK
    assert owed(by_carrier(), False, at(21)) is Owed.NOTHING
    assert owed(by_carrier(), True, at(NO_OUTCOME_S)) is Owed.LOOK
    assert owed(a_call(State.DIALING, answer_from=AnswerFrom.DIALER), True, at(21)) is Owed.NOTHING


@pytest.mark.parametrize(
    "word",
    [
        LegLeft(at(9), 1, "PA_leg", "USER_UNAVAILABLE", "ringing"),
        RoomFinished(at(9), 1),
        CarrierFailed(at(9), 1, 486, None, None),
        CarrierEnded(at(9), 1, None),
    ],
    ids=lambda word: type(word).__name__,
)
def test_whoever_says_that_a_dial_is_over_is_believed_when_its_dialer_stays_silent(word: Any) -> None:
    call = moved(a_call(State.DIALING), word)
    assert owed(call, True, at(9 + DIALER_SILENCE_S - 0.001)) is Owed.NOTHING
    assert owed(call, True, at(9 + DIALER_SILENCE_S)) is Owed.LOOK
    assert owed(call, False, at(9 + DIALER_SILENCE_S)) is Owed.SETTLE
    assert look_again_in_s(call) == DIALER_SILENCE_S + 1, "the look that was asked for finds it owed"


def test_an_end_that_was_asked_is_owed_at_once_for_the_reason_in_the_record() -> None:
    call = a_call(State.DIALING, end_asked_at=at(5), end_asked_reason=EndReason.CALL_CANCELED)
    assert owed(call, True, at(5)) == End(None)
    assert owed(call, False, at(5)) == End(None)


# --- the conversation ------------------------------------------------------------------------------------------------


def test_a_conversation_is_left_alone_between_the_checks_of_its_agent() -> None:
    call = a_call(State.ACTIVE, max_call_duration_s=3600)
    assert owed(call, True, at(BETWEEN_CHECKS_S)) is Owed.NOTHING
    assert owed(call, True, at(7)) is Owed.LOOK
    assert owed(call, True, at(6 + AGENT_CHECK_EVERY_S)) is Owed.LOOK
    assert owed(call, False, at(BETWEEN_CHECKS_S)) is Owed.SETTLE


def test_a_conversation_at_its_limit_is_ended_before_anything_else_is_asked() -> None:
    silent = told_by_the_agent(a_call(State.ACTIVE, max_call_duration_s=600), silent_since=at(6))
    assert owed(silent, True, at(6 + 600)) == End(EndReason.MAX_DURATION_REACHED)


def test_a_conversation_in_which_nobody_is_heard_for_very_long_is_idle() -> None:
    silent = told_by_the_agent(a_call(State.ACTIVE, max_call_duration_s=3600), silent_since=at(100))
    assert owed(silent, True, at(100 + IDLE_S - 0.001)) is Owed.NOTHING
    assert owed(silent, True, at(100 + IDLE_S)) == End(EndReason.IDLE_TIMEOUT)


def test_a_call_that_was_handed_over_is_looked_at_whether_anybody_is_there() -> None:
    left = a_call(State.ACTIVE, max_call_duration_s=3600, agent_left_at=at(100))
    handed = moved(left, Transferred(at(99), 1, "+15550100888", False))
    for call in (left, handed):
        assert owed(call, True, at(100 + AGENT_SUCCESSOR_S - 0.001)) is Owed.NOTHING
        assert owed(call, True, at(100 + AGENT_SUCCESSOR_S)) is Owed.LOOK
    assert owed(handed, False, at(100)) is Owed.SETTLE
    assert owed(handed, True, at(6 + 3600)) == End(EndReason.MAX_DURATION_REACHED)


def test_a_call_that_was_handed_over_is_not_idle_for_a_silence_before_that() -> None:
    silent = told_by_the_agent(a_call(State.ACTIVE, max_call_duration_s=3600), silent_since=at(100))
    handed = moved(silent, Transferred(at(105), 1, "+15550100888", False))
    assert owed(handed, True, at(100 + IDLE_S)) != End(EndReason.IDLE_TIMEOUT)


def test_a_conversation_that_the_carrier_saw_end_waits_a_little_for_livekits_word() -> None:
    ended = moved(a_call(State.ACTIVE), CarrierEnded(at(BETWEEN_CHECKS_S), 1, None))
    assert owed(ended, True, at(BETWEEN_CHECKS_S + DIALER_SILENCE_S - 0.001)) is Owed.NOTHING
    assert owed(ended, True, at(BETWEEN_CHECKS_S + DIALER_SILENCE_S)) is Owed.LOOK
    assert owed(ended, False, at(BETWEEN_CHECKS_S + DIALER_SILENCE_S)) is Owed.SETTLE


@pytest.mark.parametrize(
    "word",
    [CarrierEnded(at(10), 1, None), RoomFinished(at(10), 1), LegLeft(at(10), 1, "PA_leg", "SIGNAL_CLOSE", "active")],
    ids=lambda word: type(word).__name__,
)
def test_the_check_of_the_agent_does_not_cut_short_the_wait_for_livekits_own_word(word: Any) -> None:
    call = moved(a_call(State.ACTIVE), word)
    assert owed(call, True, at(11)) is Owed.NOTHING


def test_a_failure_at_one_place_says_nothing_once_another_answered() -> None:
    call = told_by_the_carrier(a_call(State.ACTIVE), failed_at=at(4))
    assert owed(call, True, at(BETWEEN_CHECKS_S)) is Owed.NOTHING


def test_an_agent_is_missed_at_its_own_limit_whatever_became_of_another_place() -> None:
    """The carrier rang two places, and gives up the one that did not answer after the other one has."""
    unattended = after(an_answered_call(), CarrierFailed(at(6.5), 1, 487, "Request Terminated", None))
    assert owed(unattended, True, at(6 + AGENT_SLOW_S - 0.001)) is Owed.NOTHING
    assert owed(unattended, True, at(6 + AGENT_SLOW_S)) is Owed.LOOK
    assert look_again_in_s(unattended) == AGENT_SLOW_S
    told_s = BETWEEN_CHECKS_S
    attended = after(a_call(State.ACTIVE), CarrierFailed(at(told_s), 1, 487, "Request Terminated", None))
    assert look_again_in_s(attended) == DIALER_SILENCE_S + 1, "where nobody is missing it may have been the end"
    left = after(attended, AgentLeft(at(told_s + 1), 1, "PA_agent", None))
    assert look_again_in_s(left) == AGENT_SUCCESSOR_S + 1
    assert owed(left, True, at(told_s + 1 + AGENT_SUCCESSOR_S - 0.001)) is Owed.NOTHING
    assert owed(left, True, at(told_s + 1 + AGENT_SUCCESSOR_S)) is Owed.LOOK


def test_the_word_of_a_place_is_believed_when_its_time_is_over_though_somebody_looked_before() -> None:
    told_s = BETWEEN_CHECKS_S
    told = after(a_call(State.ACTIVE), CarrierFailed(at(told_s), 1, 487, "Request Terminated", None))
    assert believed_over_in_s(told, at(told_s + 2.5)) == DIALER_SILENCE_S - 2
    assert believed_over_in_s(told, at(told_s + DIALER_SILENCE_S)) is None
    ended = after(a_call(State.ACTIVE), CarrierEnded(at(told_s), 1, None))
    assert believed_over_in_s(ended, at(told_s + 2.5)) is None, "nobody looks before its time"
    assert believed_over_in_s(a_call(State.ACTIVE), at(told_s)) is None


def test_a_leg_that_lost_its_connection_has_its_time_also_where_the_carrier_told_of_another_place() -> None:
    elsewhere = CarrierFailed(at(6.5), 1, 487, "Request Terminated", None)
    going = after(a_call(State.ACTIVE), elsewhere, LegLeft(at(7), 1, "PA_leg", "SIGNAL_CLOSE", "active"))
    assert owed(going, True, at(8)) is Owed.NOTHING
    assert look_again_in_s(going) == DIALER_SILENCE_S + 1


@pytest.mark.parametrize(("asked", "waits_s"), [(None, AGENT_JOIN_S), (3, 3)])
def test_an_answered_phone_waits_for_its_agent_as_long_as_was_asked(asked: int | None, waits_s: int) -> None:
    call = an_answered_call(agent_join_timeout_s=asked)
    assert agent_join_s(call) == waits_s
    assert agent_due_at(call) == at(6 + waits_s)


def test_a_look_behind_an_agent_that_left_comes_after_its_successors_time() -> None:
    assert look_again_in_s(a_call(State.ACTIVE, agent_left_at=at(40))) == AGENT_SUCCESSOR_S + 1
    gone = after(a_call(State.ACTIVE, agent_left_at=at(40)), CarrierEnded(at(41), 1, None))
    assert look_again_in_s(gone) == DIALER_SILENCE_S + 1


# --- limits ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left_s", "falls_in_s"),
    [
        (LIMIT_AHEAD_S + 0.001, None),
        (LIMIT_AHEAD_S, LIMIT_AHEAD_S),
        (12.3, 13),
        (0.001, 1),
        (0, None),
        (-5, None),
    ],
)
def test_a_limit_between_two_sweeps_is_looked_at_when_it_falls(left_s: float, falls_in_s: int | None) -> None:
    call = a_call(State.ACTIVE, max_call_duration_s=600)
    now = at(6 + 600 - left_s)
    assert limit_falls_in_s(call, now) == falls_in_s
    if falls_in_s is not None:
        assert owed(call, True, now + falls_in_s * 1000) == End(EndReason.MAX_DURATION_REACHED)


@pytest.mark.parametrize("call", [a_call(State.DIALING), a_call(State.QUEUED), a_call(State.ENDED)])
def test_a_call_without_a_conversation_has_no_limit(call: Call) -> None:
    assert limit_falls_in_s(call, at(600)) is None


@pytest.mark.parametrize(
    ("status", "up"), [("active", True), ("automation", True), ("ringing", False), ("hangup", False), (None, False)]
)
def test_a_leg_is_up_when_its_status_says_that_it_was_answered(status: str | None, up: bool) -> None:
    assert is_up(LegView("sip-1", "PA_leg", None, status)) is up
    assert not is_up(None)
