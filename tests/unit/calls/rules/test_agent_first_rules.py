"""What it does to a call that its agent must be there before its phone rings."""

from typing import Any

import pytest

from ringline.calls.model.call import AnswerFrom, Call, Direction, State
from ringline.calls.model.events import (
    AgentAwaited,
    AgentCame,
    AgentLeft,
    AgentSeen,
    Answered,
    DialNotSent,
    DialWithoutAgent,
    EndAsked,
    FoundOver,
    LegLeft,
)
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.results import END_ROOM, LOOK_AGAIN, Moved
from ringline.calls.model.retries import RetryPolicy
from ringline.calls.model.timing import AGENT_FIRST_S, DIAL_OUTCOME_MARGIN_S, FIRST_LOOK_S, NO_AGENT_S
from ringline.calls.rules.deadlines import End, Owed, owed
from ringline.calls.rules.lifecycle import apply
from tests.builders import a_call, after, at, moved, unmoved

AWAITED = AgentAwaited(at(3), 1)
AGENT = AgentSeen("PA_agent", at(2))
CANCEL = EndAsked(at(4), EndReason.API_HUNG_UP)


def missed(seconds: float, missing_since: float | None = None) -> DialWithoutAgent:
    since = seconds if missing_since is None else missing_since
    return DialWithoutAgent(at(seconds), 1, at(since), at(seconds + 2))


def waiting_for_its_agent() -> Call:
    return moved(a_call(State.DIALING), AWAITED)


def test_while_a_dialer_waits_for_the_agent_the_record_says_that_no_invite_was_sent() -> None:
    waiting = waiting_for_its_agent()
    assert (waiting.state, waiting.awaits_agent_since) == (State.DIALING, at(3))
    rings = moved(waiting, AgentCame(at(5), 1))
    assert rings.awaits_agent_since is None
    assert (rings.dialed_at, rings.due_at) == (at(5), at(5 + FIRST_LOOK_S)), "its ringing counts from the INVITE"


def test_an_agent_that_came_for_a_call_nobody_waits_for_changes_nothing() -> None:
    assert unmoved(a_call(State.DIALING), AgentCame(at(5), 1)).why == "not_awaited"


@pytest.mark.parametrize("event", [AgentAwaited(at(5), 1), AgentCame(at(5), 1)])
def test_a_canceled_call_does_not_ring_although_its_agent_came(event: AgentAwaited | AgentCame) -> None:
    canceled = moved(waiting_for_its_agent(), CANCEL)
    assert unmoved(canceled, event).effects == END_ROOM


def test_a_call_without_an_agent_keeps_its_place_and_nothing_is_counted() -> None:
    queued = moved(a_call(State.DIALING, retry=RetryPolicy(3, ("agent",))), missed(11))
    assert (queued.state, queued.eligible_at, queued.due_at) == (State.QUEUED, at(0), at(13))
    assert (queued.attempts, queued.unsent, queued.deferrals, queued.dialed_at) == ((), 0, 0, None)
    assert queued.agent_missing_since == at(11)


@pytest.mark.parametrize(
    ("missing_since", "eligible_at", "since"), [(5, 0, 5), (-100, 0, 0), (-100, 9, 9), (30, 0, 11)]
)
def test_a_call_waits_for_its_agent_since_both_were_there_to_wait(
    missing_since: float, eligible_at: float, since: float
) -> None:
    dialing = a_call(State.DIALING, eligible_at=at(eligible_at))
    assert moved(dialing, missed(11, missing_since)).agent_missing_since == at(since)


def test_a_wait_that_has_lasted_too_long_ends_the_call() -> None:
    dialing = a_call(State.DIALING, agent_missing_since=at(0))
    assert moved(dialing, missed(NO_AGENT_S - 1)).state is State.QUEUED
    over = moved(dialing, missed(NO_AGENT_S))
    assert (over.state, over.end_reason) == (State.NOT_CONNECTED, EndReason.NO_AGENT_AVAILABLE)


def test_a_policy_that_names_it_tries_such_a_call_again_and_its_wait_begins_anew() -> None:
    dialing = a_call(State.DIALING, agent_missing_since=at(0), retry=RetryPolicy(2, ("agent",), (60,)))
    again = moved(dialing, missed(NO_AGENT_S))
    assert (again.state, again.agent_missing_since) == (State.QUEUED, None)
    assert [attempt.end_reason for attempt in again.attempts] == [EndReason.NO_AGENT_AVAILABLE]


def test_an_agent_that_was_there_ends_the_wait_whatever_becomes_of_the_dial() -> None:
    dialing = a_call(State.DIALING, agent_missing_since=at(0))
    queued = moved(dialing, DialNotSent(at(12), 1, "no response from servers", "unavailable", 2))
    assert queued.agent_missing_since is None


def test_a_call_whose_time_is_over_ends_for_what_it_waited_for_then() -> None:
    """An agent that was missing once may be back long since."""
    missed_before = a_call(State.QUEUED, agent_missing_since=at(11))
    for reason in (EndReason.EXPIRED_IN_QUEUE, EndReason.NO_AGENT_AVAILABLE):
        assert moved(missed_before, EndAsked(at(60), reason)).end_reason is reason
        assert unmoved(a_call(State.DIALING), EndAsked(at(60), reason)).why == "left_the_queue"
    assert moved(missed_before, CANCEL).end_reason is EndReason.CALL_CANCELED


def test_a_call_that_was_canceled_while_it_waited_is_canceled_not_queued() -> None:
    canceled = after(waiting_for_its_agent(), CANCEL, missed(11))
    assert (canceled.state, canceled.end_reason) == (State.CANCELED, EndReason.CALL_CANCELED)


def test_a_call_whose_dialer_died_before_the_invite_is_queued_again() -> None:
    again = moved(waiting_for_its_agent(), FoundOver(at(33), 1))
    assert (again.state, again.eligible_at, again.end_reason, again.attempts) == (State.QUEUED, at(0), None, ())
    assert moved(a_call(State.DIALING), FoundOver(at(33), 1)).end_reason is EndReason.DIAL_STATE_UNKNOWN


@pytest.mark.parametrize("room_is_open", [True, False])
def test_a_dialer_that_waits_for_the_agent_is_given_its_time(*, room_is_open: bool) -> None:
    waiting, due_at = waiting_for_its_agent(), at(3 + AGENT_FIRST_S + DIAL_OUTCOME_MARGIN_S)
    assert owed(waiting, room_is_open, due_at - 1) is Owed.NOTHING
    assert owed(waiting, room_is_open, due_at) is Owed.SETTLE
    assert owed(moved(waiting, CANCEL), room_is_open, at(5)) == End(None)


def test_who_answers_is_not_taken_to_talk_to_an_agent_that_left_while_it_rang() -> None:
    left = moved(a_call(State.DIALING), AgentLeft(at(4), 1, "PA_agent", "CLIENT_INITIATED"))
    alone = moved(left, Answered(at(6), 1, "PA_leg", "SCL_1", AGENT))
    assert (alone.state, alone.active_at) == (State.DIALING, None)
    with_another = moved(left, Answered(at(6), 1, "PA_leg", "SCL_1", AgentSeen("PA_second", at(5))))
    assert (with_another.state, with_another.agent_sid, with_another.agent_left_at) == (State.ACTIVE, "PA_second", None)


def test_an_agent_that_left_after_the_answer_had_talked_although_its_leaving_was_heard_of_first() -> None:
    left = moved(a_call(State.DIALING), AgentLeft(at(9), 1, "PA_agent", "CLIENT_INITIATED"))
    result = apply(left, Answered(at(6), 1, "PA_leg", "SCL_1", AGENT))
    assert isinstance(result, Moved)
    assert (result.call.state, result.call.agent_left_at) == (State.ACTIVE, at(9))
    assert result.effects == LOOK_AGAIN, "nobody else would look whether the other side is alone"


@pytest.mark.parametrize(
    "call",
    [
        a_call(State.DIALING, agent_first=False),
        a_call(State.RINGING, direction=Direction.INBOUND, inbound_room="in_1"),
    ],
)
def test_an_agent_that_leaves_before_the_answer_is_the_calls_only_where_the_invite_waited_for_it(call: Call) -> None:
    left = moved(call, AgentLeft(at(4), 1, "PA_agent", "CLIENT_INITIATED"))
    assert (left.agent_sid, left.agent_left_at, left.former_agent_sids) == (None, None, ("PA_agent",))


def test_who_leaves_because_the_call_is_over_is_not_written_down() -> None:
    call = a_call(State.DIALING, end_asked_at=at(3), end_asked_reason=EndReason.CALL_CANCELED)
    assert unmoved(call, AgentLeft(at(4), 1, "PA_agent", "ROOM_DELETED")).why == "not_answered_yet"


def told_late(**fields: Any) -> Call:
    """The phone was answered after 6 s and hung up after 12; LiveKit tells of that, and the carrier of the answer when
    nobody is in the room any more."""
    dialed = a_call(State.DIALING, **{"answer_from": AnswerFrom.CARRIER, **fields})
    gone = moved(dialed, LegLeft(at(12), 1, "PA_leg", "CLIENT_INITIATED", "hangup"))
    return moved(gone, Answered(at(6), 1, None, None, None))


def test_who_hung_up_before_the_answer_was_told_had_the_agent_that_the_invite_waited_for() -> None:
    over = told_late()
    assert (over.state, over.end_reason) == (State.ENDED, EndReason.USER_HUNG_UP_IN_CALL)
    assert (over.answered_at, over.active_at, over.ended_at) == (at(6), at(6), at(12))


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"agent_first": False}, id="nobody waited for it"),
        pytest.param({"agent_sid": "PA_agent", "agent_left_at": at(4)}, id="it left while the phone rang"),
        pytest.param({"former_agent_sids": ("PA_agent",)}, id="one of two left"),
    ],
)
def test_where_no_agent_may_have_been_there_the_agent_did_not_join(fields: dict[str, Any]) -> None:
    assert told_late(**fields).end_reason is EndReason.AGENT_DID_NOT_JOIN
