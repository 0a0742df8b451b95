"""Carrying a transfer out, LiveKit answering as it may: what the record says of it, and what is left to others."""

import asyncio
from typing import Any

import pytest

from ringline.calls.model.call import Call, State
from ringline.calls.model.events import AgentJoined, AgentLeft, AgentSeen, Answered, EndAsked
from ringline.calls.model.outcomes import CarrierFull, LivekitAway, NotSent, Refused, Unclear
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.room_view import LegView, RoomView
from ringline.calls.model.timing import AGENT_JOIN_S, HANDOFF_WAITED_FOR_S
from ringline.calls.model.transfers.transfer import (
    Target,
    TargetKind,
    Transfer,
    TransferMode,
    TransferState,
    leg_identity,
)
from ringline.calls.model.transfers.transfer_events import TransferAsked
from tests.builders import ACCOUNT, NOW, a_transfer
from tests.component.calls_room import CallsRoom, calls_room
from tests.component.one_table import LocalAws

_S = TransferState
AGENT = AgentSeen("PA_agent", NOW, "agent-first")
SECOND = AgentSeen("PA_second", NOW, "agent-second")
BUSY = Refused(486, "Busy here", "resource_exhausted", "busy")


@pytest.fixture
def room(local: LocalAws, monkeypatch: pytest.MonkeyPatch) -> CallsRoom:
    room = calls_room(local)

    async def jump(seconds: float) -> None:
        room.clock.move(max(seconds, 0.001))

    monkeypatch.setattr(asyncio, "sleep", jump)
    return room


def talking(room: CallsRoom, **fields: Any) -> Call:
    call = room.dialing(**fields)
    room.clock.move(1)
    room.progress.apply(
        ACCOUNT, "call_1", Answered(room.clock(), 1, "PA_leg", "SCL_1", AgentSeen("PA_agent", room.clock()))
    )
    room.telephony.opened.discard(call.room_name or "")
    room.telephony.views = [RoomView((LegView(call.leg_identity, "PA_leg", "SCL_1", "active"),), (AGENT,))]
    assert room.call().state is State.ACTIVE
    return room.call()


def asked(room: CallsRoom, **fields: Any) -> None:
    event = TransferAsked(room.clock(), 1, a_transfer(room.clock(), **fields))
    room.progress.apply(ACCOUNT, "call_1", event)


def present(room: CallsRoom) -> Transfer:
    return room.call().transfers[-1]


def to_agent(brain: str | None = None) -> dict[str, Any]:
    return {"target": Target(TargetKind.AGENT, "AGENT_2", brain), "mode": TransferMode.COLD, "warm_handoff_ms": None}


COLD = {"mode": TransferMode.COLD, "warm_handoff_ms": None}


# --- a number is called into the room --------------------------------------------------------------------------------


def test_a_number_that_answers_has_the_call_and_the_agent_is_put_out(room: CallsRoom) -> None:
    talking(room)
    asked(room)
    room.carry_out("transfer_1")
    assert present(room).state is _S.COMPLETED
    assert present(room).participant_sid == "PA_target"
    assert room.telephony.removed == ["agent-first"]
    assert room.call().reports.transferred_to == "+15550100888"
    assert not room.call().reports.transfer_only_started


def test_both_are_in_the_call_for_the_time_that_was_asked_for(room: CallsRoom) -> None:
    talking(room)
    asked(room, warm_handoff_ms=4000)
    room.carry_out("transfer_1")
    done = present(room)
    assert done.state is _S.COMPLETED and done.joined_at is not None and done.ended_at is not None
    assert done.ended_at - done.joined_at >= 4000


def test_a_long_time_together_is_ended_by_a_look(room: CallsRoom) -> None:
    talking(room)
    asked(room, warm_handoff_ms=(HANDOFF_WAITED_FOR_S + 40) * 1000)
    room.carry_out("transfer_1")
    assert present(room).state is _S.JOINED and room.telephony.removed == []
    assert room.looks.asked == [(ACCOUNT, "call_1", HANDOFF_WAITED_FOR_S + 40)]
    room.clock.move(HANDOFF_WAITED_FOR_S + 40)
    room.look_again("call_1")
    assert present(room).state is _S.COMPLETED and room.telephony.removed == ["agent-first"]


def test_an_agent_that_decides_by_itself_is_left_in_the_room(room: CallsRoom) -> None:
    talking(room)
    asked(room, warm_handoff_ms=None)
    room.carry_out("transfer_1")
    assert present(room).state is _S.JOINED and room.telephony.removed == []
    room.progress.apply(ACCOUNT, "call_1", AgentLeft(room.clock(), 1, "PA_agent", "CLIENT_INITIATED"))
    assert present(room).state is _S.COMPLETED
    assert room.call().handed_over_at is not None


def test_who_is_named_is_put_out_instead_of_the_agent(room: CallsRoom) -> None:
    talking(room)
    asked(room, dropped="listener")
    room.carry_out("transfer_1")
    assert room.telephony.removed == ["listener"]


@pytest.mark.parametrize(
    ("outcome", "reason", "sip_code"),
    [
        (BUSY, EndReason.USER_BUSY, 486),
        (Refused(404, "Not Found", "not_found", "no"), EndReason.SIP_FAILED_WRONG_NUMBER, 404),
        (CarrierFull(503, "Busy", "unavailable", "cps limit"), EndReason.SIP_FAILED_CAPACITY, 503),
        (NotSent("not_found", "no trunk", may_repeat=False), EndReason.SIP_FAILED_TRUNK, None),
        (LivekitAway("unavailable", "no response"), EndReason.SIP_FAILED_TRUNK, None),
    ],
)
def test_a_number_that_does_not_answer_leaves_the_call_with_its_agent(
    room: CallsRoom, outcome: Any, reason: EndReason, sip_code: int | None
) -> None:
    talking(room)
    asked(room)
    room.telephony.outcomes = [outcome]
    room.carry_out("transfer_1")
    failed = present(room)
    assert (failed.state, failed.reason, failed.sip_code) == (_S.FAILED, reason, sip_code)
    assert room.call().state is State.ACTIVE and room.call().reports.transferred_at is None
    assert room.telephony.removed == []


def test_the_next_target_of_a_fallback_is_sent_on_its_way(room: CallsRoom) -> None:
    talking(room)
    asked(room, fallback=(Target(TargetKind.NUMBER, "+15550100889"),))
    room.telephony.outcomes = [BUSY]
    room.carry_out("transfer_1")
    first, second = room.call().transfers
    assert (first.state, second.state) == (_S.FAILED, _S.REQUESTED)
    assert (second.transfer_id, second.follows, second.target.name) == ("transfer_1.2", "transfer_1", "+15550100889")
    assert room.transfers.sent == [(ACCOUNT, "call_1", "transfer_1.2")]
    room.carry_out("transfer_1.2")
    assert present(room).state is _S.COMPLETED


def test_the_call_ends_after_the_last_target_where_that_was_asked_for(room: CallsRoom) -> None:
    talking(room)
    asked(room, ends_call=True)
    room.telephony.outcomes = [BUSY]
    room.carry_out("transfer_1")
    assert room.call().state is State.ENDED
    assert room.call().end_reason is EndReason.API_HUNG_UP


def test_a_target_is_called_once_however_often_the_message_comes(room: CallsRoom) -> None:
    talking(room)
    asked(room)
    room.carry_out("transfer_1")
    assert room.carry_out("transfer_1") == "transfer_is_over"
    assert len(room.telephony.called_in) == 1


def test_nobody_is_called_for_a_call_that_is_to_end(room: CallsRoom) -> None:
    talking(room)
    asked(room)
    room.progress.apply(ACCOUNT, "call_1", EndAsked(room.clock(), EndReason.API_HUNG_UP))
    assert room.carry_out("transfer_1") == "end_was_asked"
    assert room.telephony.called_in == []


def test_who_answers_for_a_call_that_has_ended_is_not_left_alone_in_a_room(room: CallsRoom) -> None:
    call = talking(room)
    asked(room)

    async def ends(_call: Call) -> None:
        room.clock.move(3)
        await asyncio.to_thread(room.progress.apply, ACCOUNT, "call_1", EndAsked(room.clock(), EndReason.API_HUNG_UP))
        from ringline.calls.model.events import FoundOver

        await asyncio.to_thread(room.progress.apply, ACCOUNT, "call_1", FoundOver(room.clock(), 1))

    room.telephony.while_ringing = ends
    room.carry_out("transfer_1")
    assert room.call().state is State.ENDED
    assert room.telephony.ended_rooms == [call.room_name]
    assert (present(room).state, present(room).reason) == (_S.FAILED, EndReason.API_HUNG_UP)


def test_a_dial_whose_fate_is_unknown_is_settled_by_what_the_room_shows(room: CallsRoom) -> None:
    call = talking(room)
    asked(room)
    room.telephony.outcomes = [Unclear("TimeoutError")]
    room.carry_out("transfer_1")
    assert present(room).state is _S.REQUESTED
    ((_, _, after_s),) = room.looks.asked
    room.clock.move(after_s)
    leg = LegView(leg_identity("call_1", 1, "transfer_1"), "PA_target", "SCL_2", "active")
    room.telephony.views = [RoomView((LegView(call.leg_identity, "PA_leg", "SCL_1", "active"), leg), (AGENT,))]
    room.look_again("call_1")
    assert present(room).state is _S.JOINED
    room.look_again("call_1")
    assert present(room).state is _S.COMPLETED


def test_a_target_that_a_dead_function_called_and_that_is_nowhere_has_failed(room: CallsRoom) -> None:
    talking(room)
    asked(room)
    room.telephony.outcomes = [Unclear("TimeoutError")]
    room.carry_out("transfer_1")
    room.clock.move(120)
    room.look_again("call_1")
    assert (present(room).state, present(room).reason) == (_S.FAILED, EndReason.DIAL_STATE_UNKNOWN)


def test_a_transfer_whose_message_was_lost_is_sent_on_its_way_by_a_look(room: CallsRoom) -> None:
    talking(room)
    asked(room)
    room.look_again("call_1")
    assert room.transfers.sent == []
    room.clock.move(11)
    room.look_again("call_1")
    assert room.transfers.sent == [(ACCOUNT, "call_1", "transfer_1")]


def test_a_trunk_whose_next_turn_is_far_off_makes_the_transfer_fail(room: CallsRoom) -> None:
    talking(room)
    asked(room)
    now = room.clock()
    room.paces.rest(None, now, now + 60_000)
    room.carry_out("transfer_1")
    assert (present(room).state, present(room).reason) == (_S.FAILED, EndReason.SIP_FAILED_CAPACITY)
    assert room.telephony.called_in == []


# --- the phone is sent away ------------------------------------------------------------------------------------------


def test_a_phone_that_is_sent_away_is_transferred(room: CallsRoom) -> None:
    talking(room)
    asked(room, **COLD)
    room.carry_out("transfer_1")
    assert room.telephony.referred == ["+15550100888"]
    assert present(room).state is _S.COMPLETED
    assert not room.call().reports.transfer_only_started


def test_a_refer_that_is_refused_leaves_the_call_as_it_was(room: CallsRoom) -> None:
    talking(room)
    asked(room, **COLD)
    room.telephony.refers = [Refused(405, "Method Not Allowed", "unknown", "no")]
    room.carry_out("transfer_1")
    assert (present(room).state, present(room).sip_code) == (_S.FAILED, 405)
    assert room.call().reports.transferred_at is None


def test_a_refer_of_which_nothing_is_known_has_failed_if_the_phone_is_still_there(room: CallsRoom) -> None:
    talking(room)
    asked(room, **COLD)
    room.telephony.refers = [Unclear("TimeoutError")]
    room.carry_out("transfer_1")
    assert present(room).is_under_way
    room.clock.move(60)
    room.look_again("call_1")
    assert present(room).state is _S.FAILED


# --- another agent ---------------------------------------------------------------------------------------------------


def comes(room: CallsRoom) -> None:
    async def joins(_call: Call) -> None:
        legs = (LegView(room.call().leg_identity, "PA_leg", "SCL_1", "active"),)
        room.telephony.views = [RoomView(legs, (AGENT, SECOND))]
        joined = AgentJoined(room.clock(), 1, "PA_second")
        await asyncio.to_thread(room.progress.apply, ACCOUNT, "call_1", joined)

    room.telephony.while_coming = joins


def test_another_agent_takes_the_call_and_the_first_one_is_put_out(room: CallsRoom) -> None:
    talking(room)
    comes(room)
    asked(room, **to_agent())
    room.carry_out("transfer_1")
    assert present(room).state is _S.COMPLETED
    assert (room.call().agent_id, room.call().agent_sid) == ("AGENT_2", "PA_second")
    assert room.telephony.removed == ["agent-first"]
    (sent,) = room.telephony.sent_targets
    assert (sent.agent_id, sent.dispatches) == ("AGENT_2", 2)


def test_an_agent_that_does_not_come_leaves_the_call_to_the_first_one(room: CallsRoom) -> None:
    before = talking(room)
    asked(room, **to_agent())
    room.carry_out("transfer_1")
    assert (present(room).state, present(room).reason) == (_S.FAILED, EndReason.AGENT_DID_NOT_JOIN)
    assert room.clock() - (present(room).begun_at or 0) >= AGENT_JOIN_S * 1000
    assert (room.call().agent_id, room.call().agent_sid) == (before.agent_id, "PA_agent")
    assert room.telephony.removed == []


def test_an_agent_that_is_there_though_nobody_told_has_come(room: CallsRoom) -> None:
    call = talking(room)
    asked(room, **to_agent())
    legs = (LegView(call.leg_identity, "PA_leg", "SCL_1", "active"),)
    room.telephony.views = [RoomView(legs, (AGENT, SECOND))]
    room.carry_out("transfer_1")
    assert present(room).state is _S.COMPLETED
    assert room.call().agent_sid == "PA_second"


def test_two_agents_are_one_again_though_whoever_brought_the_second_has_died(room: CallsRoom) -> None:
    call = talking(room)
    asked(room, **to_agent())
    room.progress.apply(ACCOUNT, "call_1", AgentJoined(room.clock(), 1, "PA_second"))
    legs = (LegView(call.leg_identity, "PA_leg", "SCL_1", "active"),)
    room.telephony.views = [RoomView(legs, (AGENT, SECOND))]
    room.look_again("call_1")
    assert present(room).state is _S.COMPLETED
    assert room.telephony.removed == ["agent-first"]
