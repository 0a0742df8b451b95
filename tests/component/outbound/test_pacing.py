"""Calls go out at their trunk's pace, and a carrier without room is given time."""

import asyncio

import pytest

from ringline.calls.model.call import Call, State
from ringline.calls.model.events import AgentSeen, LegLeft
from ringline.calls.model.outcomes import CarrierFull
from ringline.calls.model.room_view import RoomView
from ringline.calls.model.timing import CARRIER_PAUSE_S, SLOW_FOR_S, SLOW_PACE_MS
from ringline.calls.outbound.admit import NoneAdmitted, Paced
from ringline.calls.tables.paces import TrunkPaces
from tests.builders import ACCOUNT, NOW
from tests.component.calls_room import CallsRoom, calls_room
from tests.component.one_table import LocalAws

FULL = CarrierFull(503, "Concurrent call limit exceeded", "failed_precondition", "INVITE failed")


@pytest.fixture
def room(local: LocalAws, monkeypatch: pytest.MonkeyPatch) -> CallsRoom:
    room = calls_room(local, cap=50)
    room.telephony.views = [RoomView((), (AgentSeen("PA_agent", NOW),))]

    async def no_waiting(seconds: float) -> None:
        room.clock.move(seconds)

    monkeypatch.setattr(asyncio, "sleep", no_waiting)
    return room


def waiting(room: CallsRoom, count: int, trunk_id: str | None = None, first: int = 0) -> None:
    for n in range(first, first + count):
        room.queued(f"call_{n:03}", eligible_at=NOW - 1000 + n, created_at=NOW - 1000 + n, trunk_id=trunk_id)


def claimed(room: CallsRoom) -> Call:
    call = room.next_call(ACCOUNT)
    assert isinstance(call, Call)
    return call


def test_a_trunk_without_a_pace_is_dialled_at_once(room: CallsRoom) -> None:
    waiting(room, 5)
    assert {claimed(room).dialed_at for _ in range(5)} == {NOW}


def test_dials_through_one_trunk_keep_their_distance_in_the_order_of_the_queue(room: CallsRoom) -> None:
    room.paces.set_rate("ST_slow", 4)
    waiting(room, 4, "ST_slow")
    calls = [claimed(room) for _ in range(4)]
    assert [call.call_id for call in calls] == [f"call_{n:03}" for n in range(4)]
    assert [call.dialed_at for call in calls] == [NOW, NOW + 250, NOW + 500, NOW + 750]


def test_a_pace_given_for_all_trunks_holds_where_a_trunk_has_none_of_its_own(local: LocalAws) -> None:
    paces = TrunkPaces(local.dynamodb, local.table_name, "ST_usual", calls_per_second=2)
    paces.set_rate("ST_quick", 0)
    assert [paces.take(None, NOW), paces.take("ST_usual", NOW), paces.take("ST_quick", NOW)] == [NOW, NOW + 500, NOW]


def test_a_turn_that_is_far_off_is_not_taken_and_the_call_stays_in_its_place(room: CallsRoom) -> None:
    waiting(room, 1)
    room.paces.rest(None, NOW, NOW + 5000)
    assert room.next_call(ACCOUNT) == Paced(NOW + 5000)
    assert (room.call("call_000").state, room.in_use) == (State.QUEUED, 0)
    room.clock.move(5)
    assert claimed(room).call_id == "call_000"


def test_a_shorter_rest_does_not_cut_a_longer_one_short(room: CallsRoom) -> None:
    room.paces.rest(None, NOW, NOW + 5000)
    room.paces.rest(None, NOW, NOW + 1000)
    assert room.paces.look(None).next_at == NOW + 5000


def test_a_trunk_goes_slower_for_a_while_after_its_rest_and_slower_still_when_refused_again(room: CallsRoom) -> None:
    waiting(room, 6)
    room.paces.rest(None, NOW, NOW + 2000)
    room.paces.rest(None, NOW + 9, NOW + 2009)  # A refusal of the same moment.
    room.clock.move(2)
    assert [claimed(room).dialed_at for _ in range(2)] == [NOW + 2000, NOW + 2000 + SLOW_PACE_MS]
    room.paces.rest(None, room.clock(), room.clock() + 2000)
    again = room.clock() + 2000
    room.clock.move(2)
    assert [claimed(room).dialed_at for _ in range(2)] == [again, again + 2 * SLOW_PACE_MS]
    room.clock.move(SLOW_FOR_S + 2)
    assert claimed(room).dialed_at == claimed(room).dialed_at, "all is well again"


def test_a_trunk_at_rest_does_not_hold_up_calls_of_another(room: CallsRoom) -> None:
    waiting(room, 3, "ST_resting")
    waiting(room, 2, "ST_free", first=3)
    room.paces.rest("ST_resting", NOW, NOW + 60_000)
    assert [claimed(room).call_id, claimed(room).call_id] == ["call_003", "call_004"]
    assert room.next_call(ACCOUNT) == Paced(NOW + 60_000)


def test_of_all_dialers_that_find_a_trunk_at_rest_one_rings_for_its_turn(room: CallsRoom) -> None:
    waiting(room, 1)
    room.paces.rest(None, NOW, NOW + 4200)
    for _ in range(3):
        assert room.ring() == 0
    assert room.doorbell.rings == [(ACCOUNT, 5)]
    room.clock.move(5)
    assert room.ring() == 1


def test_a_carrier_without_room_keeps_the_call_and_lets_its_trunk_rest(room: CallsRoom) -> None:
    waiting(room, 1)
    room.telephony.outcomes = [FULL]

    async def the_leg_leaves(call: Call) -> None:
        left = LegLeft(room.clock(), call.attempt, "PA_leg", "CLIENT_INITIATED", "dialing")
        room.progress.apply(ACCOUNT, call.call_id, left)

    room.telephony.while_ringing = the_leg_leaves
    room.ring()
    room.telephony.while_ringing = None
    assert (room.call("call_000").state, room.in_use) == (State.QUEUED, 0)
    assert room.next_call(ACCOUNT) == Paced(room.clock() + CARRIER_PAUSE_S * 1000)
    assert (ACCOUNT, CARRIER_PAUSE_S) in room.doorbell.rings
    room.clock.move(CARRIER_PAUSE_S)
    assert room.ring() == 1
    call = room.call("call_000")
    assert (call.state, call.attempt, call.unsent, call.deferrals) == (State.ACTIVE, 2, 0, 1)
    assert [dialed.leg_identity for dialed in room.telephony.dialed] == ["sip-call_000-1", "sip-call_000-2"]


def test_a_call_is_deferred_although_its_trunk_could_not_be_put_to_rest(
    room: CallsRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    def throttled(*_: object) -> None:
        raise RuntimeError("throttled")

    waiting(room, 1)
    room.telephony.outcomes = [FULL]
    monkeypatch.setattr(room.paces, "rest", throttled)
    room.ring()
    assert (room.call("call_000").state, room.call("call_000").deferrals) == (State.QUEUED, 1)


def test_livekits_own_limit_on_rooms_defers_too(room: CallsRoom) -> None:
    waiting(room, 1)
    room.telephony.room_refusals = [CarrierFull(None, None, "resource_exhausted", "rate limit")]
    room.ring()
    assert (room.call("call_000").state, room.call("call_000").deferrals) == (State.QUEUED, 1)
    assert room.telephony.dialed == []


def test_a_full_gate_costs_the_trunk_no_turn(room: CallsRoom) -> None:
    room.paces.set_rate("ST_slow", 1)
    for n in range(50):
        room.dialing(f"busy_{n:03}")
    waiting(room, 1, "ST_slow")
    assert room.next_call(ACCOUNT) is NoneAdmitted.GATE_FULL
    assert room.paces.look("ST_slow").next_at == 0
