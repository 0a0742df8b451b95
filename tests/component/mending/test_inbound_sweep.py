"""Callers whom the sweep looks after, with a LiveKit that says what it is told."""

import asyncio
from typing import Any

import pytest

from ringline.calls.mending.left_rooms import LeftRooms
from ringline.calls.model.call import Call, Direction, State
from ringline.calls.model.events import AgentJoined, AgentSeen, FoundOver
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.room_view import LegView, RoomView
from ringline.calls.model.timing import AGENT_CHECK_EVERY_S, FALLBACK_AHEAD_S, ZOMBIE_ROOM_S
from ringline.calls.progress.hang_up import HangUpResult
from ringline.calls.tables.inbound_rooms import Opened
from ringline.calls.tables.recordings import recording_key
from tests.builders import ACCOUNT, NOW, a_call
from tests.component.calls_room import LOG, CallsRoom, calls_room
from tests.component.one_table import LocalAws

CALLER = "+15550107777"


CALLERS_LEG = LegView(f"sip_{CALLER}", "PA_leg", "SCL_1", "ringing")


@pytest.fixture
def room(local: LocalAws, monkeypatch: pytest.MonkeyPatch) -> CallsRoom:
    room = calls_room(local)
    room.telephony.views = [RoomView((CALLERS_LEG,), ())]

    async def no_waiting(seconds: float) -> None:
        room.clock.move(seconds)

    monkeypatch.setattr(asyncio, "sleep", no_waiting)
    return room


def rang_in(room: CallsRoom, **fields: Any) -> Call:
    """Somebody rang in, and nothing more is known."""
    known = {"inbound_room": "in_1", "caller_identity": f"sip_{CALLER}", "leg_sid": "PA_leg", "sip_call_id": "SCL_1"}
    call = a_call(
        State.RINGING,
        direction=Direction.INBOUND,
        version=1,
        dialed_at=NOW,
        due_at=NOW + 20_000,
        **{"call_id": "call_1"} | known | fields,
    )
    assert room.inbound_rooms.open(call) is Opened.OPENED
    room.telephony.open_rooms["in_1"] = NOW
    return call


# --- a room that LiveKit gives one caller after another ---------------------------------------------------------------


def next_caller(room: CallsRoom, number: str = "+15550108888") -> None:
    """Another caller is in the same room, with their agent."""
    call = rang_in(room, call_id="call_2", caller_identity=f"sip_{number}", leg_sid="PA_next", sip_call_id="SCL_2")
    agent = AgentSeen("PA_agent_2", room.clock(), "agent-2")
    room.progress.apply(ACCOUNT, "call_2", AgentJoined(room.clock(), 1, agent.sid, agent.identity))
    room.telephony.views = [RoomView((LegView(call.leg_identity, "PA_next", "SCL_2", "active"),), (agent,))]


@pytest.mark.parametrize("number", ["+15550108888", CALLER], ids=["somebody else", "the same one, who rang again"])
def test_a_caller_who_has_left_while_it_rang_ends_without_the_next_one(room: CallsRoom, number: str) -> None:
    rang_in(room)
    room.clock.move(10)
    next_caller(room, number)
    room.clock.move(30)
    room.sweep()
    assert (room.call().in_flight, room.telephony.ended_rooms) == (False, [])
    assert room.call("call_2").state is State.ACTIVE


@pytest.mark.parametrize("number", ["+15550108888", CALLER], ids=["somebody else", "the same one, who rang again"])
def test_a_caller_of_whose_leaving_nobody_told_ends_without_the_next_one(room: CallsRoom, number: str) -> None:
    rang_in(room)
    room.progress.apply(ACCOUNT, "call_1", AgentJoined(room.clock(), 1, "PA_agent", "agent-1"))
    room.clock.move(10)
    next_caller(room, number)
    room.clock.move(AGENT_CHECK_EVERY_S)
    for _ in range(2):
        room.sweep()
        room.clock.move(60)
    assert (room.call().state, room.call().end_reason) == (State.ENDED, EndReason.IDLE_TIMEOUT)
    assert room.telephony.ended_rooms == []
    assert room.call("call_2").state is State.ACTIVE


@pytest.mark.parametrize("is_there", [True, False])
def test_who_hangs_up_a_caller_leaves_the_room_to_the_next_one(room: CallsRoom, *, is_there: bool) -> None:
    first = rang_in(room, recording=True)
    room.progress.apply(ACCOUNT, "call_1", AgentJoined(room.clock(), 1, "PA_agent", "agent-1"))
    next_caller(room)
    if is_there:
        leg = LegView(first.leg_identity, "PA_leg", "SCL_1", "active")
        [seen] = room.telephony.views
        assert isinstance(seen, RoomView)
        room.telephony.views = [RoomView((*seen.legs, leg), seen.agents)]
    hung_up = room.hang_up("call_1")
    assert hung_up is not None
    assert (hung_up.result, hung_up.call.end_reason) == (HangUpResult.ENDED, EndReason.API_HUNG_UP)
    assert room.telephony.ended_rooms == []
    assert room.telephony.stopped_recordings == {recording_key(first)}, "the next one is not recorded in its place"
    assert room.telephony.removed == ([first.leg_identity] if is_there else [])
    assert room.call("call_2").state is State.ACTIVE


def test_a_room_that_could_not_be_closed_is_named_in_the_log_without_its_callers_number(
    room: CallsRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged: list[Any] = []
    monkeypatch.setattr(LOG, "warning", lambda message, extra=None: logged.append((message, extra)))
    name = f"in_{CALLER}_a1"
    call = rang_in(room, inbound_room=name)
    left_rooms = LeftRooms(room.store, room.inbound_rooms, room.telephony, LOG)
    room.progress.apply(ACCOUNT, call.call_id, FoundOver(room.clock(), 1))
    room.telephony.down = True
    at = NOW + ZOMBIE_ROOM_S * 1000
    assert asyncio.run(left_rooms.close({name: NOW}, frozenset(), at)) == 0
    assert logged == [("room not closed", {"room": "in_********7777_a1"})]


def test_a_room_is_the_last_callers(room: CallsRoom) -> None:
    call = rang_in(room)
    assert room.inbound_rooms.is_of(call)
    next_caller(room)
    assert not room.inbound_rooms.is_of(call)
    assert room.inbound_rooms.is_of(room.call("call_2"))


def test_a_caller_without_an_agent_is_given_one(room: CallsRoom) -> None:
    rang_in(room)
    room.clock.move(2)
    room.look_again("call_1")
    assert room.telephony.sent_agents == [2]
    assert (room.call().state, room.call().dispatches) == (State.RINGING, 2)
    assert room.looks.asked == [(ACCOUNT, "call_1", 3), (ACCOUNT, "call_1", 29)], "the next look, and the last"
    room.look_again("call_1")
    assert room.telephony.sent_agents == [2], "somebody else's look comes at the same moment"
    room.clock.move(3)
    room.look_again("call_1")
    assert room.telephony.sent_agents == [2, 3]
    assert room.looks.asked[2:] == [(ACCOUNT, "call_1", 3)]


def test_a_caller_whom_nobody_takes_is_let_go_at_the_ring_limit(room: CallsRoom) -> None:
    rang_in(room, ring_timeout_s=25)
    room.clock.move(26)
    room.look_again("call_1")
    call = room.call()
    assert (call.state, call.end_reason) == (State.NOT_CONNECTED, EndReason.AGENT_DID_NOT_JOIN)
    assert (room.telephony.ended_rooms, room.telephony.sent_agents) == (["in_1"], [])


def test_a_caller_whose_agent_does_not_come_in_time_is_given_the_fallback_agent(room: CallsRoom) -> None:
    rang_in(room, brain="runner", fallback_agent_id="desk", agent_join_timeout_s=5)
    room.clock.move(2)
    room.look_again("call_1")
    assert (room.call().agent_id, room.telephony.sent_agents) == ("AGENT_1", [2])
    room.clock.move(3)
    room.look_again("call_1")
    call = room.call()
    assert (call.agent_id, call.brain, room.telephony.sent_agents) == ("desk", None, [2, 3])
    room.telephony.views = [RoomView((CALLERS_LEG,), (AgentSeen("PA_desk", NOW + 5_400),))]
    room.look_again("call_1")
    assert room.call().state is State.ACTIVE


def test_a_caller_whose_agent_does_not_come_in_time_is_handed_over_to_the_fallback_number(room: CallsRoom) -> None:
    rang_in(room, brain="runner", fallback_number="+15550100200", agent_join_timeout_s=5)
    room.clock.move(5)
    room.look_again("call_1")
    (transfer,) = room.call().transfers
    assert room.transfers.sent == [(ACCOUNT, "call_1", transfer.transfer_id)]
    assert (room.telephony.sent_agents, room.call().state) == ([], State.ACTIVE)
    room.telephony.views = [RoomView((CALLERS_LEG,), (AgentSeen("PA_late", NOW + 6_000, "agent-late"),))]
    room.clock.move(6)
    room.look_again("call_1")
    assert room.telephony.removed == ["agent-late"], "two must not answer them"
    assert room.call().agent_sid is None


@pytest.mark.parametrize("fallback", [{"fallback_number": "+15550100200"}, {"fallback_agent_id": "desk"}])
@pytest.mark.parametrize("looked_at_s", [7, 10, 25])
def test_a_caller_falls_back_also_where_the_ring_limit_is_no_longer_than_the_agents(
    room: CallsRoom, fallback: dict[str, str], looked_at_s: int
) -> None:
    rang_in(room, brain="runner", ring_timeout_s=10, agent_join_timeout_s=10, **fallback)
    room.clock.move(looked_at_s)
    room.look_again("call_1")
    call = room.call()
    assert call.in_flight and call.end_asked_at is None
    assert (call.agent_id == "desk", len(call.transfers)) in {(True, 0), (False, 1)}


def test_a_fallback_agent_has_its_time_also_where_it_is_sent_for_late(room: CallsRoom) -> None:
    rang_in(room, brain="runner", ring_timeout_s=10, fallback_agent_id="desk")
    room.clock.move(9.5)
    room.look_again("call_1")
    assert room.call().agent_id == "desk"
    assert min(after_s for _, _, after_s in room.looks.asked) == FALLBACK_AHEAD_S


def test_a_caller_whose_fallback_agent_does_not_come_either_is_let_go(room: CallsRoom) -> None:
    rang_in(room, brain="runner", ring_timeout_s=10, fallback_agent_id="desk")
    room.clock.move(7)
    room.look_again("call_1")
    assert room.call().agent_id == "desk"
    room.clock.move(room.looks.asked[-1][2])
    room.look_again("call_1")
    assert room.call().end_reason is EndReason.AGENT_DID_NOT_JOIN


def test_the_message_for_the_fallback_number_that_cannot_be_sent_is_made_up_for_by_a_look(room: CallsRoom) -> None:
    rang_in(room, brain="runner", fallback_number="+15550100200", agent_join_timeout_s=5)
    room.transfers.is_down = True
    room.clock.move(5)
    room.look_again("call_1")
    assert room.looks.asked[-1] == (ACCOUNT, "call_1", 10)
    room.transfers.is_down = False
    room.clock.move(10)
    room.look_again("call_1")
    assert [sent[2] for sent in room.transfers.sent] == [room.call().transfers[0].transfer_id]


def test_an_agent_whose_coming_was_not_told_is_found(room: CallsRoom) -> None:
    rang_in(room)
    room.telephony.views = [RoomView((CALLERS_LEG,), (AgentSeen("PA_agent", NOW + 400),))]
    room.clock.move(40)
    assert room.sweep().adopted == 1
    call = room.call()
    assert (call.state, call.answered_at, call.agent_sid) == (State.ACTIVE, NOW + 400, "PA_agent")


def test_a_caller_who_is_gone_without_a_word_is_settled(room: CallsRoom) -> None:
    rang_in(room)
    room.telephony.open_rooms.clear()
    room.clock.move(21)
    assert room.sweep().settled == 1
    assert (room.call().state, room.call().end_reason) == (State.NOT_CONNECTED, EndReason.IDLE_TIMEOUT)


def is_over(room: CallsRoom) -> None:
    """Somebody rang in, and the call has ended. What follows is seen later than any call is still coming."""
    call = rang_in(room)
    room.progress.apply(ACCOUNT, call.call_id, FoundOver(NOW + 30_000, 1))
    assert room.call().state.is_terminal
    room.clock.move(600)


def test_a_caller_who_came_back_to_a_room_whose_call_is_over_is_let_go(room: CallsRoom) -> None:
    is_over(room)
    assert room.sweep().rooms_closed == 1
    assert room.telephony.ended_rooms == ["in_1"]


def test_a_room_in_which_the_next_caller_waits_is_left_alone(room: CallsRoom) -> None:
    """LiveKit gives callers of one rule the same room, and the next one's arrival may not be told yet."""
    is_over(room)
    room.telephony.views = [RoomView((LegView("sip_+15550108888", "PA_next", "SCL_next", "ringing"),), ())]
    assert room.sweep().rooms_closed == 0
    assert room.telephony.ended_rooms == []


def test_rooms_that_no_call_of_ours_was_in_are_left_alone(room: CallsRoom) -> None:
    room.telephony.open_rooms["somebody elses"] = NOW
    room.clock.move(600)
    assert room.sweep().rooms_closed == 0


def test_a_caller_who_left_a_room_that_is_still_open_is_settled(room: CallsRoom) -> None:
    rang_in(room)
    room.telephony.views = [RoomView((), ())]
    room.clock.move(21)
    room.sweep()
    assert room.call().state is State.NOT_CONNECTED
    assert room.telephony.ended_rooms == ["in_1"]


def test_while_livekit_is_away_a_caller_is_left_alone(room: CallsRoom) -> None:
    before = rang_in(room)
    room.telephony.down = True
    room.clock.move(60)
    room.sweep()
    assert room.call() == before


def test_hanging_up_through_the_api_before_the_agent_comes_cancels(room: CallsRoom) -> None:
    rang_in(room)
    room.hang_up("call_1")
    assert room.telephony.ended_rooms == ["in_1"]
    room.look_again("call_1")
    assert (room.call().state, room.call().end_reason) == (State.CANCELED, EndReason.CALL_CANCELED)


def test_callers_pass_no_gate(room: CallsRoom) -> None:
    rang_in(room)
    room.telephony.views = [RoomView((CALLERS_LEG,), (AgentSeen("PA_agent", NOW),))]
    room.look_again("call_1")
    assert room.in_use == 0
    room.telephony.open_rooms.clear()
    room.look_again("call_1")
    assert (room.call().state, room.in_use) == (State.ENDED, 0)
