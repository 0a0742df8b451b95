"""Who is found in the room of a conversation: agents that are missing or too many, and people whom an agent left."""

import pytest

from ringline.calls.model.call import AnswerFrom, Call, State
from ringline.calls.model.events import AgentLeft, AgentSeen, Answered, CarrierFailed, LegLeft, Transferred
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.room_view import LegView, Others, RoomView
from ringline.calls.model.timing import AGENT_CHECK_EVERY_S, AGENT_SLOW_S, AGENT_SUCCESSOR_S, DIALER_SILENCE_S
from ringline.calls.progress.progress import Applied
from tests.builders import ACCOUNT, NOW
from tests.component.calls_room import CallsRoom

AGENT = AgentSeen("PA_agent", NOW, "agent-1")
SECOND = AgentSeen("PA_second", NOW + 500, "agent-2")
LONG = {"max_call_duration_s": 3600}
COLLEAGUE = LegView("sip_colleague", "PA_colleague", "SCL_9", "active")


def answered(room: CallsRoom, agent: AgentSeen | None = AGENT) -> Call:
    call = room.dialing("call_1", **LONG)
    room.clock.move(5)
    room.progress.apply(ACCOUNT, "call_1", Answered(room.clock(), call.attempt, "PA_leg", "SCL_1", agent))
    shows(room, *([agent] if agent else []))
    return room.call()


def shows(room: CallsRoom, *people: AgentSeen | LegView, others: Others = Others.NONE) -> None:
    """Whom LiveKit shows in the room beside the callee."""
    own = LegView(room.call().leg_identity, "PA_leg", "SCL_1", "active")
    legs = (own, *(each for each in people if isinstance(each, LegView)))
    room.telephony.views = [RoomView(legs, tuple(each for each in people if isinstance(each, AgentSeen)), others)]


def agent_leaves(room: CallsRoom) -> None:
    room.progress.apply(ACCOUNT, "call_1", AgentLeft(room.clock(), 1, "PA_agent", "CLIENT_INITIATED"))


def look_after(room: CallsRoom, seconds: float) -> Call:
    room.clock.move(seconds)
    room.look_again("call_1")
    return room.call()


# --- no agent has come -----------------------------------------------------------------------------------------------


def test_an_answered_call_without_an_agent_is_sent_one_after_another_until_its_time_is_over(room: CallsRoom) -> None:
    answered(room, agent=None)
    while room.call().in_flight and len(room.looks.asked) < 9:
        wait_s = room.looks.asked[-1][2] if len(room.looks.asked) > 2 else 2
        look_after(room, wait_s)
    assert room.telephony.sent_agents == [2, 3, 4]
    assert room.call().end_reason is EndReason.AGENT_DID_NOT_JOIN


def test_the_agent_that_comes_at_last_ends_the_looking(room: CallsRoom) -> None:
    answered(room, agent=None)
    look_after(room, 2)
    asked = len(room.looks.asked)
    shows(room, AGENT)
    call = look_after(room, 3)
    assert (call.state, call.agent_sid) == (State.ACTIVE, "PA_agent")
    assert (room.telephony.sent_agents, len(room.looks.asked)) == ([2], asked)


def test_a_dispatch_that_livekit_did_not_take_is_repeated(room: CallsRoom) -> None:
    answered(room, agent=None)
    room.telephony.dispatches_fail = True
    assert look_after(room, 2).dispatches == 2
    room.telephony.dispatches_fail = False
    look_after(room, room.looks.asked[0][2])
    assert room.telephony.sent_agents == [3]


def after_a_failure_elsewhere(room: CallsRoom) -> None:
    """The carrier rang two places, and gives up the one that did not answer after the other one has."""
    room.clock.move(0.5)
    failed = CarrierFailed(room.clock(), 1, 487, "Request Terminated", None)
    outcome = room.progress.apply(ACCOUNT, "call_1", failed)
    assert isinstance(outcome, Applied)


def test_an_agent_is_sent_for_in_time_though_the_carrier_tells_of_another_place(room: CallsRoom) -> None:
    answered(room, agent=None)
    after_a_failure_elsewhere(room)
    call = look_after(room, AGENT_SLOW_S)
    assert (call.state, call.dispatches, room.telephony.sent_agents) == (State.DIALING, 2, [2])


def test_a_call_is_looked_at_once_more_when_what_the_carrier_tells_is_to_be_believed(room: CallsRoom) -> None:
    """The look that was for the agent finds it there, and no other one has been asked for."""
    answered(room)
    after_a_failure_elsewhere(room)
    room.looks.asked.clear()
    look_after(room, AGENT_SLOW_S)
    assert [after_s for *_, after_s in room.looks.asked] == [DIALER_SILENCE_S - AGENT_SLOW_S]


def test_whom_an_agent_left_is_not_kept_though_the_carrier_tells_of_another_place(room: CallsRoom) -> None:
    answered(room)
    after_a_failure_elsewhere(room)
    agent_leaves(room)
    shows(room)
    call = look_after(room, AGENT_SUCCESSOR_S + 1)
    assert call.end_reason is EndReason.AGENT_FAILED


# --- two agents have come --------------------------------------------------------------------------------------------


def test_a_look_removes_the_second_agent_and_never_the_one_that_talks(room: CallsRoom) -> None:
    answered(room)
    shows(room, SECOND, AGENT)
    before = room.call()
    assert look_after(room, 2) == before
    assert room.telephony.removed == ["agent-2"]


def test_of_two_that_nobody_told_of_the_first_to_join_stays(room: CallsRoom) -> None:
    answered(room, agent=None)
    shows(room, SECOND, AGENT)
    assert look_after(room, 2).agent_sid == "PA_agent"
    assert room.telephony.removed == ["agent-2"]


def test_who_is_there_in_place_of_an_agent_that_nobody_saw_leave_is_its_successor(room: CallsRoom) -> None:
    answered(room)
    shows(room, SECOND)
    call = look_after(room, 2)
    assert (call.agent_sid, call.agent_left_at, room.telephony.removed) == ("PA_second", None, [])


def test_a_removal_that_got_lost_is_repeated_by_the_next_look(room: CallsRoom) -> None:
    answered(room)
    shows(room, AGENT, SECOND)
    room.telephony.removals_fail = True
    look_after(room, 2)
    assert (room.telephony.removed, room.looks.asked) == ([], [(ACCOUNT, "call_1", 2)])
    room.telephony.removals_fail = False
    look_after(room, 2)
    assert room.telephony.removed == ["agent-2"]


def test_an_adopted_answer_has_one_agent(room: CallsRoom) -> None:
    room.dialing("call_1", answer_from=AnswerFrom.CARRIER, **LONG)
    shows(room, SECOND, AGENT)
    assert look_after(room, 70).agent_sid == "PA_agent"
    assert room.telephony.removed == ["agent-2"]


# --- the agent has left ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("person", ["a second phone", "somebody in a browser"])
def test_a_conversation_with_whom_the_agent_brought_in_goes_on_as_handed_over(room: CallsRoom, person: str) -> None:
    answered(room)
    agent_leaves(room)
    shows(room, COLLEAGUE) if person == "a second phone" else shows(room, others=Others.TALK)
    for wait_s in (AGENT_SUCCESSOR_S + 1, AGENT_CHECK_EVERY_S, 60):
        call = look_after(room, wait_s)
    assert (call.state, call.handed_over_at) == (State.ACTIVE, NOW + 5000 + (AGENT_SUCCESSOR_S + 1) * 1000)
    room.progress.apply(ACCOUNT, "call_1", LegLeft(room.clock(), 1, "PA_leg", "CLIENT_INITIATED", "hangup"))
    assert (room.call().state, room.call().end_reason) == (State.ENDED, EndReason.CALL_TRANSFERRED)


@pytest.mark.parametrize("is_told", [True, False])
def test_whoever_is_left_alone_by_that_person_is_not_kept(room: CallsRoom, is_told: bool) -> None:
    answered(room)
    agent_leaves(room)
    shows(room, COLLEAGUE)
    look_after(room, 6)
    room.clock.move(100)
    shows(room)
    if is_told:
        left = LegLeft(room.clock(), 1, "PA_colleague", "CLIENT_INITIATED", "hangup", COLLEAGUE.identity)
        room.progress.apply(ACCOUNT, "call_1", left)
    else:
        room.sweep()
        assert room.looks.asked[-1] == (ACCOUNT, "call_1", AGENT_SUCCESSOR_S + 1)
    assert room.call().state is State.ACTIVE
    call = look_after(room, AGENT_SUCCESSOR_S + 1)
    assert (call.state, call.end_reason) == (State.ENDED, EndReason.CALL_TRANSFERRED)
    assert room.telephony.ended_rooms == [call.room_name]


def test_a_colleague_who_is_being_called_is_waited_for_and_whoever_nobody_answers_is_not_kept(room: CallsRoom) -> None:
    answered(room)
    room.progress.apply(ACCOUNT, "call_1", Transferred(room.clock(), 1, "+1555", failed=False, only_started=True))
    agent_leaves(room)
    shows(room, LegView("sip_colleague", "PA_colleague", "SCL_9", "ringing"))
    assert look_after(room, 6).state is State.ACTIVE
    shows(room)
    left = LegLeft(room.clock(), 1, "PA_colleague", "USER_UNAVAILABLE", "ringing", COLLEAGUE.identity)
    room.progress.apply(ACCOUNT, "call_1", left)
    assert look_after(room, 6).end_reason is EndReason.AGENT_FAILED


@pytest.mark.parametrize(
    ("only_started", "reason"), [(False, EndReason.CALL_TRANSFERRED), (True, EndReason.AGENT_FAILED)]
)
def test_a_transfer_after_which_the_caller_is_alone_ends_soon(
    room: CallsRoom, only_started: bool, reason: EndReason
) -> None:
    answered(room)
    told = Transferred(room.clock(), 1, "+15550100888", failed=False, only_started=only_started)
    room.progress.apply(ACCOUNT, "call_1", told)
    agent_leaves(room)
    shows(room)
    assert look_after(room, AGENT_SUCCESSOR_S - 1).state is State.ACTIVE
    assert look_after(room, 2).end_reason is reason


def test_a_leaving_that_nobody_told_of_has_the_caller_looked_after(room: CallsRoom) -> None:
    answered(room)
    shows(room)
    assert look_after(room, 10).agent_left_at == room.clock()
    assert room.looks.asked == [(ACCOUNT, "call_1", AGENT_SUCCESSOR_S + 1)]
    assert look_after(room, 6).end_reason is EndReason.AGENT_FAILED
