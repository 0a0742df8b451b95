"""Carrying a transfer out, LiveKit answering as it may: what the record says of it, and what is left to others."""

import asyncio
from copy import replace
from typing import Any

import pytest

from ringline.calls.capacity.counters import Kind, counter_name
from ringline.calls.model.call import Call, Direction, State
from ringline.calls.model.events import (
    AgentJoined,
    AgentLeft,
    AgentReady,
    AgentSeen,
    Answered,
    CapSet,
    CarrierEnded,
    EndAsked,
    FoundOver,
    LegJoined,
    LegLeft,
)
from ringline.calls.model.outcomes import CarrierFull, LivekitAway, NotSent, Refused, Unclear
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.results import END_ROOM
from ringline.calls.model.room_view import LegView, RoomView
from ringline.calls.model.timing import (
    AGENT_CHECK_EVERY_S,
    AGENT_JOIN_S,
    AGENT_SUCCESSOR_S,
    ASK_AGAIN_S,
    DIALER_SILENCE_S,
    DISPATCH_EVERY_S,
    HANDOFF_WAITED_FOR_S,
    PROMISED_WORDS_S,
)
from ringline.calls.model.transfers.transfer import (
    Target,
    TargetKind,
    Transfer,
    TransferMode,
    TransferState,
    leg_identity,
    next_of,
)
from ringline.calls.model.transfers.transfer_events import TransferAsked, TransferBegun, TransferFailed
from ringline.calls.rules.deadlines import look_again_in_s
from tests.builders import ACCOUNT, NOW, a_call, a_transfer
from tests.component.calls_room import CallsRoom, calls_room, while_it_rings
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


def talking(room: CallsRoom, call_id: str = "call_1", **fields: Any) -> Call:
    call = room.dialing(call_id, **fields)
    room.clock.move(1)
    room.progress.apply(
        ACCOUNT, call_id, Answered(room.clock(), 1, "PA_leg", "SCL_1", replace(AGENT, joined_at=room.clock()))
    )
    room.telephony.opened.discard(call.room_name or "")
    room.telephony.views = [RoomView((LegView(call.leg_identity, "PA_leg", "SCL_1", "active"),), (AGENT,))]
    assert room.call(call_id).state is State.ACTIVE
    return room.call(call_id)


def asked(room: CallsRoom, call_id: str = "call_1", **fields: Any) -> None:
    event = TransferAsked(room.clock(), 1, a_transfer(room.clock(), **fields))
    room.progress.apply(ACCOUNT, call_id, event)


def present(room: CallsRoom) -> Transfer:
    return room.call().transfers[-1]


def to_agent(brain: str | None = None) -> dict[str, Any]:
    return {"target": Target(TargetKind.AGENT, "AGENT_2", brain), "mode": TransferMode.COLD, "warm_handoff_ms": None}


COLD: dict[str, Any] = {"mode": TransferMode.COLD, "warm_handoff_ms": None}


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


@pytest.mark.parametrize("mode", [TransferMode.COLD, TransferMode.WARM])
def test_a_number_that_the_account_may_not_call_is_not_rung(room: CallsRoom, mode: TransferMode) -> None:
    # Its list was changed meanwhile, or the call's pipe names a number by itself.
    talking(room)
    asked(room, **(COLD if mode is TransferMode.COLD else {}))
    room.nowhere.add("+15550100888")
    assert room.carry_out("transfer_1") == "destination_not_allowed"
    assert (present(room).state, present(room).reason) == (_S.FAILED, EndReason.DESTINATION_NOT_ALLOWED)
    assert (present(room).begun_at, room.call().state) == (None, State.ACTIVE)


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


def target_leaves(room: CallsRoom, reason: str = "CLIENT_INITIATED") -> None:
    identity = leg_identity("call_1", 1, "transfer_1")
    room.progress.apply(ACCOUNT, "call_1", LegLeft(room.clock(), 1, "PA_target", reason, "hangup", identity))


def alone(room: CallsRoom) -> None:
    room.telephony.views = [RoomView((LegView(room.call().leg_identity, "PA_leg", "SCL_1", "active"),), ())]


def test_an_agent_that_we_put_out_is_known_to_have_left_though_nobody_tells(room: CallsRoom) -> None:
    talking(room)
    asked(room)
    room.carry_out("transfer_1")
    assert room.call().agent_left_at is not None
    alone(room)
    room.clock.move(60)
    target_leaves(room)
    room.clock.move(AGENT_SUCCESSOR_S + 1)
    room.look_again("call_1")
    assert (room.call().state, room.call().end_reason) == (State.ENDED, EndReason.CALL_TRANSFERRED)


def test_the_agent_stays_where_the_target_leaves_before_it_is_put_out(
    room: CallsRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    talking(room)
    asked(room)
    shown = room.telephony.look

    async def look(name: str) -> RoomView:
        seen = await shown(name)
        target_leaves(room)
        return seen

    monkeypatch.setattr(room.telephony, "look", look)
    room.carry_out("transfer_1")
    assert (present(room).state, present(room).reason) == (_S.FAILED, EndReason.USER_HUNG_UP_IN_CALL)
    assert (room.telephony.removed, room.call().state) == ([], State.ACTIVE)


def test_whose_agent_was_put_out_for_a_target_who_had_just_left_is_given_another(
    room: CallsRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    talking(room)
    asked(room)
    put_out = room.telephony.remove

    async def remove(name: str, identity: str) -> None:
        target_leaves(room)
        await put_out(name, identity)

    monkeypatch.setattr(room.telephony, "remove", remove)
    room.carry_out("transfer_1")
    assert (present(room).state, room.telephony.removed) == (_S.FAILED, ["agent-first"])
    assert room.telephony.sent_agents == [2]
    assert room.looks.asked[-1] == (ACCOUNT, "call_1", DISPATCH_EVERY_S)
    alone(room)
    room.clock.move(DISPATCH_EVERY_S)
    room.look_again("call_1")
    assert (room.call().state, room.telephony.sent_agents) == (State.ACTIVE, [2, 3]), "LiveKit may have dropped it"
    room.progress.apply(ACCOUNT, "call_1", AgentJoined(room.clock(), 1, "PA_next", "agent-next"))
    room.clock.move(60)
    assert (room.call().state, room.call().agent_sid, room.call().agent_left_at) == (State.ACTIVE, "PA_next", None)


def test_nobody_is_called_in_for_whose_phone_has_left_while_a_word_about_it_is_waited_for(
    room: CallsRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    talking(room)
    room.progress.apply(ACCOUNT, "call_1", AgentReady(room.clock(), 1, ("user_spoke", "transcript")))
    room.clock.move(4)
    asked(room)
    room.paces.set_rate(room.paces.trunk(None), 0.25)
    assert room.paces.take(None, room.clock()) is not None, "the next turn is four seconds off"

    async def hangs_up(seconds: float) -> None:
        room.clock.move(max(seconds, 0.001))
        left = LegLeft(room.clock(), 1, "PA_leg", "CLIENT_INITIATED", "hangup", None)
        room.progress.apply(ACCOUNT, "call_1", left)

    monkeypatch.setattr(asyncio, "sleep", hangs_up)
    room.carry_out("transfer_1")
    assert room.telephony.called_in == []
    room.clock.move(PROMISED_WORDS_S + 1)
    room.look_again("call_1")
    assert (present(room).state, room.call().state) == (_S.FAILED, State.ENDED)
    assert room.call().end_reason is not EndReason.CALL_TRANSFERRED


def test_a_target_that_picks_up_for_whose_phone_has_left_meanwhile_is_put_out(room: CallsRoom) -> None:
    talking(room)
    room.progress.apply(ACCOUNT, "call_1", AgentReady(room.clock(), 1, ("user_spoke", "transcript")))
    room.clock.move(4)
    asked(room)

    async def hangs_up(_: Call) -> None:
        left = LegLeft(room.clock(), 1, "PA_leg", "CLIENT_INITIATED", "hangup", None)
        ended = room.progress.apply(ACCOUNT, "call_1", left)
        assert (ended.effects, ended.call and ended.call.state) == (END_ROOM, State.ENDED), "nobody is rung on"

    room.telephony.while_ringing = hangs_up
    room.carry_out("transfer_1")
    assert (present(room).state, room.call().end_reason) != (_S.COMPLETED, EndReason.CALL_TRANSFERRED)
    assert room.call().room_name in room.telephony.ended_rooms


@pytest.mark.parametrize("talked_s", [0, 100])
def test_who_was_sent_away_is_looked_for_where_nobody_tells_of_their_leaving(room: CallsRoom, talked_s: int) -> None:
    talking(room)
    room.clock.move(talked_s)
    asked(room, **COLD)
    room.telephony.views = [RoomView((), (AGENT,))]
    room.carry_out("transfer_1")
    assert present(room).state is _S.COMPLETED
    for _ in range(2):
        room.clock.move(room.looks.asked[-1][2])
        room.look_again("call_1")
    assert (room.call().state, room.call().end_reason) == (State.ENDED, EndReason.CALL_TRANSFERRED)


# --- a target that loses its connection ------------------------------------------------------------------------------


def target_is(room: CallsRoom, *sids: str, status: str = "active") -> None:
    """Who is in the room beside the call's own phone and its agent."""
    own = LegView(room.call().leg_identity, "PA_leg", "SCL_1", "active")
    identity = leg_identity("call_1", 1, "transfer_1")
    room.telephony.views = [RoomView((own, *(LegView(identity, sid, "SCL_2", status) for sid in sids)), (AGENT,))]


def in_a_long_time_together(room: CallsRoom) -> None:
    talking(room)
    asked(room, warm_handoff_ms=120_000, fallback=(Target(TargetKind.NUMBER, "+15550100999"),))
    room.carry_out("transfer_1")
    assert present(room).state is _S.JOINED


def test_a_target_that_is_back_within_ten_seconds_has_the_call_still(room: CallsRoom) -> None:
    in_a_long_time_together(room)
    target_leaves(room, "SIGNAL_CLOSE")
    assert present(room).state is _S.JOINED, "and nobody else is called"
    target_is(room, "PA_back", status="dialing")
    room.clock.move(DIALER_SILENCE_S)
    room.look_again("call_1")
    assert (present(room).state, present(room).left, present(room).participant_sid) == (_S.JOINED, None, "PA_back")
    room.clock.move(120)
    room.look_again("call_1")
    assert (present(room).state, room.telephony.removed) == (_S.COMPLETED, ["agent-first"])


def test_a_target_whose_coming_back_is_told_needs_no_look(room: CallsRoom) -> None:
    in_a_long_time_together(room)
    target_leaves(room, "CONNECTION_TIMEOUT")
    identity = leg_identity("call_1", 1, "transfer_1")
    room.progress.apply(ACCOUNT, "call_1", LegJoined(room.clock(), 1, "PA_back", identity))
    assert (present(room).state, present(room).left, present(room).participant_sid) == (_S.JOINED, None, "PA_back")
    room.progress.apply(ACCOUNT, "call_1", LegJoined(room.clock(), 1, "PA_third", identity))
    assert present(room).participant_sid == "PA_back", "nobody was missed"


@pytest.mark.parametrize("listed", [(), ("PA_target",)], ids=["gone", "listed still"])
def test_a_target_that_stays_away_has_lost_its_connection(room: CallsRoom, listed: tuple[str, ...]) -> None:
    in_a_long_time_together(room)
    target_leaves(room, "SIGNAL_CLOSE")
    target_is(room, *listed)
    room.clock.move(DIALER_SILENCE_S)
    room.look_again("call_1")
    first, second = room.call().transfers
    assert (first.state, first.reason) == (_S.FAILED, EndReason.CONNECTION_LOST)
    assert (second.state, second.target.name) == (_S.REQUESTED, "+15550100999")


def test_the_agent_is_not_let_go_while_its_target_may_come_back(room: CallsRoom) -> None:
    talking(room)
    asked(room, warm_handoff_ms=4000)

    async def loses_its_connection(seconds: float) -> None:
        room.clock.move(max(seconds, 0.001))
        if present(room).state is _S.JOINED and present(room).left is None:
            target_leaves(room, "MIGRATION")
            target_is(room)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncio, "sleep", loses_its_connection)
        room.carry_out("transfer_1")
    assert (present(room).state, room.telephony.removed) == (_S.JOINED, [])
    room.clock.move(DIALER_SILENCE_S)
    room.look_again("call_1")
    assert (present(room).state, present(room).reason) == (_S.FAILED, EndReason.CONNECTION_LOST)
    assert (room.call().state, room.telephony.removed) == (State.ACTIVE, [])


def test_whose_connection_is_lost_before_their_answer_is_told_is_waited_for(room: CallsRoom) -> None:
    talking(room)
    asked(room, warm_handoff_ms=600_000)

    async def loses_its_connection(_: Call) -> None:
        target_leaves(room, "SIGNAL_CLOSE")

    room.telephony.while_ringing = loses_its_connection
    room.carry_out("transfer_1")
    assert present(room).state is _S.JOINED
    target_is(room, "PA_back", status="dialing")
    room.clock.move(DIALER_SILENCE_S)
    room.look_again("call_1")
    assert (present(room).state, present(room).left, room.telephony.removed) == (_S.JOINED, None, [])


def with_the_target_alone(room: CallsRoom) -> None:
    talking(room)
    asked(room, warm_handoff_ms=0)
    room.carry_out("transfer_1")
    room.progress.apply(ACCOUNT, "call_1", AgentLeft(room.clock(), 1, "PA_agent", "PARTICIPANT_REMOVED"))
    room.clock.move(30)
    target_leaves(room, "SIGNAL_CLOSE")
    alone(room)


def test_a_target_that_has_the_call_alone_has_ten_seconds_to_come_back_too(room: CallsRoom) -> None:
    with_the_target_alone(room)
    room.clock.move(DIALER_SILENCE_S - 1)
    room.look_again("call_1")
    assert room.call().state is State.ACTIVE
    target_is(room, "PA_back", status="dialing")
    room.telephony.views = [replace(room.telephony.views[-1], agents=())]
    room.clock.move(2)
    room.look_again("call_1")
    assert room.call().state is State.ACTIVE


def test_whom_a_target_left_that_stays_away_is_not_kept(room: CallsRoom) -> None:
    with_the_target_alone(room)
    room.clock.move(look_again_in_s(room.call()))
    room.look_again("call_1")
    assert (room.call().state, room.call().end_reason) == (State.ENDED, EndReason.CALL_TRANSFERRED)


def test_a_target_that_hangs_up_after_it_was_missed_has_hung_up(room: CallsRoom) -> None:
    in_a_long_time_together(room)
    target_leaves(room, "SIGNAL_CLOSE")
    target_leaves(room)
    first = room.call().transfers[0]
    assert (first.state, first.reason) == (_S.FAILED, EndReason.USER_HUNG_UP_IN_CALL)


# --- who decides -----------------------------------------------------------------------------------------------------


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
        await asyncio.to_thread(room.progress.apply, ACCOUNT, "call_1", FoundOver(room.clock(), 1))

    room.telephony.while_ringing = ends
    room.carry_out("transfer_1")
    assert room.call().state is State.ENDED
    # Also whoever tells that it rings may have found it out.
    assert set(room.telephony.ended_rooms) == {call.room_name}
    assert (present(room).state, present(room).reason) == (_S.FAILED, EndReason.API_HUNG_UP)


def test_who_rings_for_a_call_that_has_ended_is_put_out_and_not_left_to_ring(room: CallsRoom) -> None:
    # The caller hung up between the last look at their call and the INVITE, and no hook told of the target's leg.
    call = talking(room)
    asked(room)

    async def ends(_call: Call) -> None:
        room.progress.apply(ACCOUNT, "call_1", EndAsked(room.clock(), EndReason.API_HUNG_UP))
        room.progress.apply(ACCOUNT, "call_1", FoundOver(room.clock(), 1))
        await while_it_rings(lambda: room.telephony.ended_rooms)

    room.telephony.while_ringing = ends
    room.telephony.outcomes = [Refused(603, "Decline", "resource_exhausted", "declined")]
    room.carry_out("transfer_1")
    assert call.room_name in room.telephony.ended_rooms


def test_who_rings_for_a_caller_who_is_gone_is_put_out_alone(room: CallsRoom) -> None:
    # The next caller may have come into the same room.
    a_caller_who_talks(room)
    asked(room)

    async def hangs_up(_call: Call) -> None:
        room.progress.apply(ACCOUNT, "call_1", LegLeft(room.clock(), 1, "PA_leg", "CLIENT_INITIATED", "active", None))
        room.progress.apply(ACCOUNT, "call_1", FoundOver(room.clock(), 1))
        await while_it_rings(lambda: room.telephony.removed)

    room.telephony.while_ringing = hangs_up
    room.telephony.outcomes = [Refused(603, "Decline", "resource_exhausted", "declined")]
    room.carry_out("transfer_1")
    assert not room.call().in_flight
    assert room.telephony.removed == [leg_identity("call_1", 1, "transfer_1")]
    assert room.telephony.ended_rooms == []


def a_caller_who_talks(room: CallsRoom) -> None:
    now = room.clock()
    call = a_call(
        State.ACTIVE,
        call_id="call_1",
        direction=Direction.INBOUND,
        inbound_room="caller-room",
        caller_identity="sip_+15550107777",
        created_at=now,
        dialed_at=now,
        answered_at=now,
        active_at=now,
    )
    room.store.create(call)
    room.telephony.open_rooms["caller-room"] = now


def test_who_rings_for_a_transfer_that_is_over_is_put_out(room: CallsRoom) -> None:
    call = talking(room)
    asked(room)

    async def is_over(_call: Call) -> None:
        event = TransferFailed(room.clock(), 1, "transfer_1", EndReason.INTERNAL_ERROR.value, None)
        room.progress.apply(ACCOUNT, "call_1", event)
        await while_it_rings(lambda: room.telephony.removed)

    room.telephony.while_ringing = is_over
    room.telephony.outcomes = [Refused(603, "Decline", "resource_exhausted", "declined")]
    room.carry_out("transfer_1")
    assert room.telephony.removed == [leg_identity(call.call_id, 1, "transfer_1")]
    assert room.telephony.ended_rooms == [] and room.call().in_flight


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
    assert present(room).state is _S.COMPLETED and room.telephony.removed == ["agent-first"]


NEXT = (Target(TargetKind.NUMBER, "+15550100889"),)


def found_by_a_look(room: CallsRoom, status: str, **fields: Any) -> None:
    """The room shows the target's leg, whose dialer has died."""
    call = talking(room)
    asked(room, **fields)
    room.telephony.outcomes = [Unclear("TimeoutError")]
    room.carry_out("transfer_1")
    leg = LegView(leg_identity("call_1", 1, "transfer_1"), "PA_target", "SCL_2", status)
    room.telephony.views = [RoomView((LegView(call.leg_identity, "PA_leg", "SCL_1", "active"), leg), (AGENT,))]
    room.clock.move(100)
    room.looks.asked.clear()


def test_a_target_that_a_look_finds_has_its_time_together_with_the_agent(room: CallsRoom) -> None:
    found_by_a_look(room, "active", warm_handoff_ms=4000)
    room.look_again("call_1")
    assert present(room).state is _S.JOINED
    assert room.looks.asked == [(ACCOUNT, "call_1", 4)]


def test_the_next_target_is_sent_for_at_once_where_a_look_finds_that_the_first_did_not_come(room: CallsRoom) -> None:
    found_by_a_look(room, "ringing", fallback=NEXT)
    room.look_again("call_1")
    assert [each.state for each in room.call().transfers] == [_S.FAILED, _S.REQUESTED]
    assert room.transfers.sent == [(ACCOUNT, "call_1", "transfer_1.2")]


@pytest.mark.parametrize("is_down", [False, True], ids=["message lost", "queue away"])
def test_the_next_target_is_looked_after_whose_message_does_not_arrive(room: CallsRoom, is_down: bool) -> None:
    talking(room)
    asked(room, fallback=NEXT)
    room.telephony.outcomes = [BUSY]
    room.transfers.is_down = is_down
    room.carry_out("transfer_1")
    assert present(room).transfer_id == "transfer_1.2"
    assert room.looks.asked == [(ACCOUNT, "call_1", 1)]
    room.transfers.is_down = False
    room.transfers.sent.clear()
    room.clock.move(1)
    room.look_again("call_1")
    assert room.transfers.sent == [(ACCOUNT, "call_1", "transfer_1.2")]


def test_the_end_that_follows_a_target_is_looked_after_while_livekit_is_away(room: CallsRoom) -> None:
    talking(room)
    asked(room, ends_call=True)
    room.telephony.outcomes = [BUSY]
    room.telephony.down = True
    room.carry_out("transfer_1")
    assert room.call().end_asked_at is not None and room.call().in_flight
    assert room.looks.asked == [(ACCOUNT, "call_1", ASK_AGAIN_S)]


def left(room: CallsRoom, status: str) -> None:
    identity = leg_identity("call_1", 1, "transfer_1")
    room.progress.apply(ACCOUNT, "call_1", LegLeft(room.clock(), 1, "PA_target", "CLIENT_INITIATED", status, identity))


def test_the_next_target_is_sent_for_at_once_where_the_first_has_left_and_is_still_listed(room: CallsRoom) -> None:
    found_by_a_look(room, "active", fallback=NEXT)
    left(room, "active")
    room.clock.move(11)
    room.look_again("call_1")
    assert present(room).transfer_id == "transfer_1.2"
    assert room.transfers.sent == [(ACCOUNT, "call_1", "transfer_1.2")]


def test_a_target_that_leaves_when_whoever_called_it_must_be_dead_is_waited_for_no_longer(room: CallsRoom) -> None:
    found_by_a_look(room, "hangup", fallback=NEXT)
    left(room, "hangup")
    room.look_again("call_1")
    assert [each.state for each in room.call().transfers] == [_S.FAILED, _S.REQUESTED]


def test_the_next_target_is_sent_for_at_once_where_the_first_is_gone_before_it_was_said_to_be_there(
    room: CallsRoom,
) -> None:
    talking(room)
    asked(room, fallback=NEXT)

    async def gone(_call: Call) -> None:
        await asyncio.to_thread(left, room, "active")

    room.telephony.while_ringing = gone
    room.carry_out("transfer_1")
    assert room.transfers.sent == [(ACCOUNT, "call_1", "transfer_1.2")]


def test_the_next_target_is_sent_for_within_a_second_where_a_hook_tells_that_the_first_is_gone(room: CallsRoom) -> None:
    talking(room)
    asked(room, fallback=NEXT, warm_handoff_ms=None)
    room.carry_out("transfer_1")
    left(room, "hangup")
    assert present(room).transfer_id == "transfer_1.2"
    assert look_again_in_s(room.call()) == 1
    room.clock.move(1)
    room.look_again("call_1")
    assert room.transfers.sent == [(ACCOUNT, "call_1", "transfer_1.2")]


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


@pytest.mark.parametrize("is_down", [False, True], ids=["message lost", "queue away"])
def test_a_call_reaches_its_limit_also_while_nobody_begins_its_transfer(room: CallsRoom, is_down: bool) -> None:
    talking(room, max_call_duration_s=40)
    room.clock.move(29)
    asked(room)
    room.transfers.is_down = is_down
    room.clock.move(12)
    room.look_again("call_1")
    assert (room.call().state, room.call().end_reason) == (State.ENDED, EndReason.MAX_DURATION_REACHED)


def test_a_call_that_has_lasted_too_long_ends_with_the_look_that_would_give_its_transfer_up(room: CallsRoom) -> None:
    # LiveKit was away for an hour, and so was everybody who could have looked.
    talking(room, max_call_duration_s=120)
    asked(room, fallback=NEXT)
    room.clock.move(3600)
    room.look_again("call_1")
    assert (room.call().state, room.call().end_reason) == (State.ENDED, EndReason.MAX_DURATION_REACHED)
    assert not any(each.is_under_way for each in room.call().transfers) and room.transfers.sent == []


def test_a_transfer_that_nobody_begins_is_given_up_and_the_next_target_asked_for(room: CallsRoom) -> None:
    talking(room)
    asked(room, fallback=NEXT)
    room.clock.move(11)
    room.look_again("call_1")
    assert room.looks.asked == [(ACCOUNT, "call_1", 49)]
    room.clock.move(49)
    room.look_again("call_1")
    first, following = room.call().transfers
    assert (first.state, first.reason) == (_S.FAILED, EndReason.INTERNAL_ERROR)
    assert room.transfers.sent[-1] == (ACCOUNT, "call_1", following.transfer_id)


def test_a_call_that_is_to_end_without_its_target_ends_where_nobody_begins_the_transfer(room: CallsRoom) -> None:
    talking(room)
    asked(room, ends_call=True)
    room.clock.move(61)
    room.look_again("call_1")
    assert (room.call().end_asked_reason, room.telephony.ended_rooms) == (
        EndReason.API_HUNG_UP,
        [room.call().room_name],
    )


def test_a_look_that_finds_its_transfer_settled_by_somebody_else_does_what_else_is_due(
    room: CallsRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    talking(room, max_call_duration_s=100)
    asked(room)
    room.telephony.outcomes = [Unclear("TimeoutError")]
    room.carry_out("transfer_1")
    room.clock.move(110)
    look = room.telephony.look

    async def look_late(name: str) -> RoomView:
        told = TransferFailed(room.clock(), 1, "transfer_1", EndReason.USER_BUSY)
        await asyncio.to_thread(room.progress.apply, ACCOUNT, "call_1", told)
        return await look(name)

    monkeypatch.setattr(room.telephony, "look", look_late)
    room.look_again("call_1")
    assert room.call().end_reason is EndReason.MAX_DURATION_REACHED


def test_a_trunk_whose_next_turn_is_far_off_makes_the_transfer_fail(room: CallsRoom) -> None:
    talking(room)
    asked(room)
    now = room.clock()
    room.paces.rest(None, now, now + 60_000)
    room.carry_out("transfer_1")
    assert (present(room).state, present(room).reason) == (_S.FAILED, EndReason.SIP_FAILED_CAPACITY)
    assert room.telephony.called_in == []


@pytest.mark.parametrize("fallback", [(), (Target(TargetKind.NUMBER, "+15550100889"),)])
def test_nobody_is_put_out_for_a_number_that_is_not_in_the_room(room: CallsRoom, fallback: tuple[Target, ...]) -> None:
    talking(room)
    asked(room, fallback=fallback)
    room.telephony.shows_targets = False
    room.carry_out("transfer_1")
    first = room.call().transfers[0]
    assert (first.state, first.reason) == (_S.FAILED, EndReason.USER_HUNG_UP_IN_CALL)
    assert room.telephony.removed == [] and room.call().reports.transferred_at is None
    assert [sent[2] for sent in room.transfers.sent] == [each.transfer_id for each in room.call().transfers[1:]]
    assert len(room.call().transfers) == 1 + len(fallback)


def test_a_number_that_livekits_list_shows_a_moment_later_has_the_call(room: CallsRoom) -> None:
    talking(room)
    asked(room)
    room.telephony.shows_targets = False
    before = room.telephony.views[0]
    target = LegView(leg_identity("call_1", 1, "transfer_1"), "PA_target", "SCL_2", "active")
    room.telephony.views = [before, replace(before, legs=(*before.legs, target))]
    room.carry_out("transfer_1")
    assert present(room).state is _S.COMPLETED and room.telephony.removed == ["agent-first"]


def test_a_second_phone_takes_a_turn_of_its_trunk_and_no_line(room: CallsRoom) -> None:
    talking(room, trunk_id="ST_own")
    room.paces.set_rate("ST_own", 2)
    asked(room)
    before, now = room.in_use, room.clock()
    room.carry_out("transfer_1")
    assert room.paces.look("ST_own").next_at >= now + 500
    assert room.in_use == before


def test_the_second_phone_of_a_caller_goes_out_where_the_dialled_number_calls_through() -> None:
    caller = a_call(State.ACTIVE, direction=Direction.INBOUND, trunk_id="ST_they_came_by")
    transfer = a_transfer(trunk_id="ST_own", fallback=NEXT)
    assert caller.trunk_to(transfer) == "ST_own"
    following = next_of(transfer, NOW)
    assert following is not None and caller.trunk_to(following) == "ST_own"
    assert caller.trunk_to(a_transfer()) is None
    assert a_call(State.ACTIVE, trunk_id="ST_1").trunk_to(a_transfer()) == "ST_1"


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


@pytest.mark.parametrize(
    "fields", [{"ends_call": True}, {"fallback": (Target(TargetKind.AGENT, "AGENT_2", "runner"),)}]
)
def test_a_phone_that_hung_up_before_it_was_sent_away_has_ended_the_call(
    room: CallsRoom, fields: dict[str, Any]
) -> None:
    """LiveKit finds it no more, and tells of its leaving a moment later."""
    talking(room)
    asked(room, **COLD | fields)
    room.telephony.refers = [NotSent("not_found", "participant does not exist", may_repeat=False)]
    room.looks.asked.clear()
    room.carry_out("transfer_1")
    assert (room.call().state, room.transfers.sent) == (State.ACTIVE, [])
    assert room.looks.asked, "in case LiveKit's word gets lost"
    room.progress.apply(ACCOUNT, "call_1", LegLeft(room.clock(), 1, "PA_leg", "CLIENT_INITIATED", "hangup"))
    room.progress.apply(ACCOUNT, "call_1", FoundOver(room.clock(), 1))
    assert room.call().end_reason is EndReason.USER_HUNG_UP_IN_CALL
    assert (present(room).state, present(room).reason) == (_S.FAILED, EndReason.USER_HUNG_UP_IN_CALL)


def test_a_call_that_is_said_to_be_over_is_looked_at_again_as_soon_as_its_transfer_is_settled(room: CallsRoom) -> None:
    talking(room)
    asked(room, **COLD)
    room.telephony.refers = [Unclear("TimeoutError")]
    room.carry_out("transfer_1")
    room.progress.apply(ACCOUNT, "call_1", CarrierEnded(room.clock(), 1, "normal clearing"))
    room.clock.move(60)
    room.look_again("call_1")
    assert (present(room).state, room.call().state) == (_S.FAILED, State.ACTIVE)
    assert room.looks.asked[-1][-1] == 1, "its line is not held until the next run"


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


@pytest.mark.parametrize("is_looked_at", [True, False], ids=["found by a look", "seen by who brings the target"])
def test_the_first_agent_under_another_sid_is_not_the_one_that_was_asked_for(
    room: CallsRoom, is_looked_at: bool
) -> None:
    call = talking(room)
    asked(room, **to_agent())
    legs = (LegView(call.leg_identity, "PA_leg", "SCL_1", "active"),)
    room.telephony.views = [RoomView(legs, (replace(AGENT, sid="PA_again"),))]
    if is_looked_at:
        room.progress.apply(ACCOUNT, "call_1", TransferBegun(room.clock(), 1, "transfer_1"))
        room.clock.move(AGENT_JOIN_S + 60)
        room.look_again("call_1")
    else:
        room.carry_out("transfer_1")
    assert (present(room).state, present(room).reason) == (_S.FAILED, EndReason.AGENT_DID_NOT_JOIN)
    for _minute in range(AGENT_CHECK_EVERY_S // 60):
        room.look_again("call_1")
        room.clock.move(60)
    assert (room.call().agent_id, room.call().agent_sid) == (call.agent_id, "PA_again")
    assert room.telephony.removed == []


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


def test_the_second_agent_that_is_there_under_another_sid_has_the_call(room: CallsRoom) -> None:
    call = talking(room)
    asked(room, **to_agent())
    room.progress.apply(ACCOUNT, "call_1", AgentJoined(room.clock(), 1, "PA_second", SECOND.identity))
    legs = (LegView(call.leg_identity, "PA_leg", "SCL_1", "active"),)
    room.telephony.views = [RoomView(legs, (AGENT, replace(SECOND, sid="PA_second_again")))]
    room.look_again("call_1")
    assert present(room).state is _S.COMPLETED
    assert room.telephony.removed == ["agent-first"]


@pytest.mark.parametrize("told", [True, False], ids=["its leaving was told", "nobody told"])
def test_an_agent_that_has_come_and_gone_leaves_the_call_to_the_first_one(room: CallsRoom, told: bool) -> None:
    before = talking(room)
    asked(room, **to_agent(), fallback=(Target(TargetKind.NUMBER, "+15550100889"),))
    room.progress.apply(ACCOUNT, "call_1", AgentJoined(room.clock(), 1, "PA_second"))
    if told:
        room.progress.apply(ACCOUNT, "call_1", AgentLeft(room.clock(), 1, "PA_second", "CLIENT_INITIATED"))
    room.look_again("call_1")
    first, second = room.call().transfers
    assert (first.state, first.reason) == (_S.FAILED, EndReason.AGENT_FAILED)
    assert room.transfers.sent == [(ACCOUNT, "call_1", second.transfer_id)]
    call = room.call()
    assert (call.agent_id, call.agent_sid, call.agent_left_at) == (before.agent_id, "PA_agent", None)
    assert room.telephony.removed == []


def test_who_is_left_by_both_agents_is_looked_after(room: CallsRoom) -> None:
    talking(room)
    asked(room, **to_agent())
    for event in (
        AgentJoined(room.clock(), 1, "PA_second"),
        AgentLeft(room.clock(), 1, "PA_agent", "CLIENT_INITIATED"),
        AgentLeft(room.clock(), 1, "PA_second", "CLIENT_INITIATED"),
    ):
        room.progress.apply(ACCOUNT, "call_1", event)
    room.look_again("call_1")
    assert present(room).state is _S.FAILED
    assert room.call().agent_left_at == room.clock()
    assert room.looks.asked[-1][:2] == (ACCOUNT, "call_1")


# --- caps of agents --------------------------------------------------------------------------------------------------


def in_use(room: CallsRoom, agent_id: str) -> int:
    return room.counters.look(ACCOUNT, counter_name(Kind.AGENT, agent_id)).in_use


def capped(room: CallsRoom, **max_calls: int) -> None:
    for agent_id, most in max_calls.items():
        room.counters.set_cap(ACCOUNT, Kind.AGENT, agent_id, most)


def counted(room: CallsRoom) -> None:
    """The call counts as its first agent's, as one does that was claimed under a cap."""
    room.progress.apply(ACCOUNT, "call_1", CapSet(room.clock(), 1, counter_name(Kind.AGENT, "AGENT_1")))


def test_a_call_counts_as_its_next_agents_from_the_request_on_and_as_the_first_ones_until_that_is_out(
    room: CallsRoom,
) -> None:
    capped(room, AGENT_1=5, AGENT_2=5)
    talking(room)
    counted(room)
    comes(room)
    while_both: list[tuple[int, int]] = []
    joins = room.telephony.while_coming
    assert joins is not None

    async def count(call: Call) -> None:
        while_both.append((in_use(room, "AGENT_1"), in_use(room, "AGENT_2")))
        await joins(call)

    room.telephony.while_coming = count
    asked(room, **to_agent())
    room.carry_out("transfer_1")
    assert present(room).state is _S.COMPLETED
    assert while_both == [(1, 1)]
    assert (in_use(room, "AGENT_1"), in_use(room, "AGENT_2")) == (0, 1)
    room.progress.apply(ACCOUNT, "call_1", FoundOver(room.clock(), 1))
    assert in_use(room, "AGENT_2") == 0


def test_an_agent_that_does_not_come_gives_its_place_back(room: CallsRoom) -> None:
    capped(room, AGENT_1=5, AGENT_2=5)
    talking(room)
    counted(room)
    asked(room, **to_agent())
    room.carry_out("transfer_1")
    assert present(room).state is _S.FAILED
    assert (in_use(room, "AGENT_1"), in_use(room, "AGENT_2")) == (1, 0)


def test_an_agent_that_has_as_many_calls_as_it_may_is_not_sent_and_the_fallback_follows(room: CallsRoom) -> None:
    capped(room, AGENT_2=1)
    talking(room, "call_2")
    asked(room, "call_2", **to_agent())
    room.progress.apply(ACCOUNT, "call_2", TransferBegun(room.clock(), 1, "transfer_1"))
    before = talking(room)
    asked(room, **to_agent(), fallback=NEXT)
    room.carry_out("transfer_1")
    first, second = room.call().transfers
    assert (first.state, first.reason) == (_S.FAILED, EndReason.NO_AGENT_AVAILABLE)
    assert room.transfers.sent == [(ACCOUNT, "call_1", second.transfer_id)]
    assert (room.telephony.sent_targets, in_use(room, "AGENT_2")) == ([], 1)
    assert room.call().agent_id == before.agent_id


def a_caller_whose_agent_does_not_come(room: CallsRoom, call_id: str) -> None:
    now = room.clock()
    call = a_call(
        State.RINGING,
        call_id=call_id,
        direction=Direction.INBOUND,
        inbound_room=f"caller-{call_id}",
        caller_identity=f"sip_{call_id}",
        agent_join_timeout_s=5,
        fallback_agent_id="desk",
        fallback_brain="prompt",
        fallback_voice_profile_id="VP_9",
        fallback_voice={"greeting": "The desk."},
        created_at=now,
        eligible_at=now,
        dialed_at=now,
    )
    room.store.create(call)
    room.telephony.open_rooms[call.room_name or ""] = now


def test_an_agent_that_takes_a_caller_over_counts_under_its_own_cap(room: CallsRoom) -> None:
    capped(room, desk=1)
    for call_id in ("call_1", "call_2"):
        a_caller_whose_agent_does_not_come(room, call_id)
    legs = tuple(LegView(f"sip_{each}", "PA_leg", None, "ringing") for each in ("call_1", "call_2"))
    room.telephony.views = [RoomView(legs, ())]
    room.clock.move(6)
    room.look_again("call_1")
    assert (room.call().agent_id, in_use(room, "desk")) == ("desk", 1)
    room.looks.asked.clear()
    room.look_again("call_2")
    waiting = room.call("call_2")
    assert (waiting.agent_id, waiting.fallback_agent_id, in_use(room, "desk")) == ("AGENT_1", "desk", 1)
    assert room.telephony.sent_agents == [2, 2], "until there is room the first agent may come after all"
    assert room.looks.asked[0][1] == "call_2"
    room.progress.apply(ACCOUNT, "call_1", FoundOver(room.clock(), 1))
    room.clock.move(3)
    room.look_again("call_2")
    assert (room.call("call_2").agent_id, in_use(room, "desk")) == ("desk", 1)
