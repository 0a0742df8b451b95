"""Moments told by clocks that are wrong: a call counts only those that it allows."""

import pytest

from ringline.calls.model.call import State
from ringline.calls.model.events import (
    AgentJoined,
    AgentSeen,
    Answered,
    CarrierEnded,
    CarrierFailed,
    Claimed,
    Event,
    FoundOver,
    LegLeft,
    RoomFinished,
    SilenceHeard,
    UserSpoke,
)
from ringline.calls.model.moments import as_allowed, in_order
from tests.builders import a_call, an_answered_call, at, moved

TALKING = a_call(State.ACTIVE)
"""Created at 0 s, dialled at 1, answered and active at 6."""


def left(moment: int) -> Event:
    return LegLeft(moment, 1, "PA_leg", "CLIENT_INITIATED", "hangup")


@pytest.mark.parametrize(
    ("told_s", "counts_s"),
    [(12, 12), (6, 6), (5.5, 6), (5, 15), (-174, 15), (15, 15), (15.1, 15), (195, 15)],
    ids=["within", "at the answer", "whole seconds", "before the answer", "behind", "now", "just ahead", "ahead"],
)
@pytest.mark.parametrize("event", [left, lambda at_: RoomFinished(at_, 1), lambda at_: CarrierEnded(at_, 1, None)])
def test_an_end_counts_from_the_last_step_of_the_call_to_now(event, told_s: float, counts_s: float) -> None:  # type: ignore[no-untyped-def]
    assert as_allowed(TALKING, event(at(told_s)), at(15)) == event(at(counts_s))


@pytest.mark.parametrize(("told_s", "counts_s"), [(3, 3), (0.5, 1), (-9, 15), (99, 15)])
@pytest.mark.parametrize(
    "event",
    [
        lambda at_: UserSpoke(at_, 1),
        lambda at_: AgentJoined(at_, 1, "PA_2"),
        lambda at_: CarrierFailed(at_, 1, 486, None, None),
    ],
)
def test_what_may_come_before_the_answer_counts_from_the_dial(event, told_s: float, counts_s: float) -> None:  # type: ignore[no-untyped-def]
    assert as_allowed(TALKING, event(at(told_s)), at(15)) == event(at(counts_s))


def test_the_agent_that_is_there_at_the_answer_is_no_longer_there_than_the_call() -> None:
    ringing = a_call(State.RINGING)
    told = Answered(at(6), 1, "PA_leg", "SCL_1", AgentSeen("PA_agent", at(-180)))
    assert as_allowed(ringing, told, at(6)) == Answered(at(6), 1, "PA_leg", "SCL_1", AgentSeen("PA_agent", at(6)))


def test_a_claim_by_a_clock_that_is_behind_is_not_before_the_call_was_made() -> None:
    assert as_allowed(a_call(), Claimed(at(-0.2)), at(-0.2)) == Claimed(at(0)), "the order goes before milliseconds"


def test_an_agent_who_was_there_before_the_answer_begins_the_conversation_with_it() -> None:
    talking = moved(an_answered_call(), AgentJoined(at(2), 1, "PA_agent"))
    assert (talking.agent_joined_at, talking.active_at) == (at(2), at(6))


def test_a_silence_is_no_longer_than_the_call() -> None:
    silent = moved(TALKING, SilenceHeard(at(9), 1, 86_400))
    assert silent.reports.silent_since == at(1)


def test_an_end_recorded_before_the_answer_was_is_no_end_before_it() -> None:
    lost = moved(a_call(State.RINGING), LegLeft(at(5), 1, "PA_leg", "CONNECTION_TIMEOUT", "active"))
    answered = moved(lost, Answered(at(7), 1, "PA_leg", "SCL_1", AgentSeen("PA_agent", at(2))))
    ended = moved(answered, FoundOver(at(30), 1))
    assert (ended.answered_at, ended.active_at, ended.ended_at) == (at(7), at(7), at(7))
    assert in_order(answered, at(5)) == at(7)
