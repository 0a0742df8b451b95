"""From a doorbell to a call that is answered, over, or back in the queue."""

import pytest

from ringline.calls import dial
from ringline.calls.call import Call, State
from ringline.calls.events import EndAsked, LegLeft
from ringline.calls.ports import AgentView, Connected, LegView, NotSent, Refused, RoomView, Unclear
from ringline.calls.reasons import EndReason
from ringline.calls.timing import AGENT_JOIN_S, DIAL_BATCH, UNSENT_DIALS
from tests.builders import ACCOUNT, NOW, at
from tests.component.calls_room import CallsRoom, calls_room
from tests.component.one_table import LocalAws

AGENT = AgentView("PA_agent", NOW)
AGENT_THERE = RoomView((), (AGENT,))
NO_SERVERS = NotSent("unavailable", "no response from servers", may_repeat=True)


@pytest.fixture
def room(local: LocalAws, monkeypatch: pytest.MonkeyPatch) -> CallsRoom:
    room = calls_room(local)

    async def no_waiting(seconds: float) -> None:
        room.clock.move(seconds)

    monkeypatch.setattr(dial.asyncio, "sleep", no_waiting)
    return room


def a_leg(call: Call, status: str) -> RoomView:
    return RoomView((LegView(call.leg_identity, "PA_leg", "SCL_1", status),), (AGENT,))


def test_an_answered_call_with_its_agent_there_is_active(room: CallsRoom) -> None:
    room.queued()
    room.telephony.views = [AGENT_THERE]
    assert room.ring() == 1
    call = room.call()
    assert (call.state, call.leg_sid, call.agent_sid) == (State.ACTIVE, "PA_leg", "PA_agent")
    assert room.in_use == 1


def test_nobody_waiting_is_no_work(room: CallsRoom) -> None:
    assert room.ring() == 0
    assert room.doorbell.rings == []


def test_calls_beyond_the_cap_stay_pending_and_the_next_line_goes_to_the_oldest(room: CallsRoom) -> None:
    for n in range(3):
        room.queued(f"call_{n}", created_at=NOW - 10 + n, eligible_at=NOW - 10 + n)
    room.telephony.views = [AGENT_THERE]
    assert room.ring() == 2
    assert [room.call(f"call_{n}").state for n in range(3)] == [State.ACTIVE, State.ACTIVE, State.QUEUED]
    assert room.ring() == 0, "the gate is full: a second doorbell changes nothing"

    left = LegLeft(at(30), 1, "PA_leg", "CLIENT_INITIATED", "hangup")
    room.progress.apply(ACCOUNT, "call_0", left)
    assert room.doorbell.accounts == [ACCOUNT], "the freed line rings for the next caller"
    assert room.ring() == 1
    assert room.call("call_2").state is State.ACTIVE


def test_a_freed_line_rings_for_nobody_when_nobody_waits(room: CallsRoom) -> None:
    room.queued()
    room.telephony.views = [AGENT_THERE]
    room.ring()
    room.progress.apply(ACCOUNT, "call_1", LegLeft(at(30), 1, "PA_leg", "CLIENT_INITIATED", "hangup"))
    assert room.doorbell.rings == []


def test_a_big_queue_is_shared_with_other_dialers(local: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
    room = calls_room(local, cap=100)
    for n in range(DIAL_BATCH + 1):
        room.queued(f"call_{n:02}")
    room.telephony.views = [AGENT_THERE]
    assert room.ring() == DIAL_BATCH
    assert room.doorbell.accounts == [ACCOUNT], "one rung on for the rest"


def test_a_refusal_by_the_carrier_ends_the_call_with_its_code(room: CallsRoom) -> None:
    room.queued()
    room.telephony.outcomes = [Refused(404, "Not Found", "not_found", "INVITE failed")]
    room.ring()
    call = room.call()
    assert (call.state, call.end_reason) == (State.NOT_CONNECTED, EndReason.SIP_FAILED_WRONG_NUMBER)
    assert (call.evidence.sip_code, call.evidence.sip_status) == (404, "Not Found")
    assert room.in_use == 0


def test_a_busy_phone_waits_for_the_legs_word_on_whether_it_rang(room: CallsRoom) -> None:
    room.queued()
    room.telephony.outcomes = [Refused(486, "Busy Here", "resource_exhausted", "INVITE failed")]

    async def the_leg_leaves(call: Call) -> None:
        event = LegLeft(room.clock(), call.attempt, "PA_leg", "USER_REJECTED", "ringing")
        room.progress.apply(ACCOUNT, call.call_id, event)

    room.telephony.while_ringing = the_leg_leaves
    room.ring()
    assert room.call().end_reason is EndReason.USER_HUNG_UP_RINGING


@pytest.mark.parametrize("sip_code", [486, 600, 603])
def test_a_phone_that_declines_waits_for_the_legs_word_that_comes_after_the_answer(
    room: CallsRoom, monkeypatch: pytest.MonkeyPatch, sip_code: int
) -> None:
    room.queued()
    room.telephony.outcomes = [Refused(sip_code, "Decline", "permission_denied", "INVITE failed")]

    async def the_leg_leaves(_seconds: float) -> None:
        call = room.call()
        event = LegLeft(room.clock(), call.attempt, "PA_leg", "USER_REJECTED", "ringing")
        room.progress.apply(ACCOUNT, call.call_id, event)

    monkeypatch.setattr(dial.asyncio, "sleep", the_leg_leaves)
    room.ring()
    assert room.call().end_reason is EndReason.USER_HUNG_UP_RINGING


def test_a_busy_phone_whose_legs_word_is_lost_is_told_by_the_time_it_took(room: CallsRoom) -> None:
    room.queued()
    room.telephony.outcomes = [Refused(486, "Busy Here", "resource_exhausted", "INVITE failed")]
    room.ring()
    assert room.call().end_reason is EndReason.USER_BUSY


def test_a_dial_that_never_rang_is_repeated_later_as_a_new_attempt(room: CallsRoom) -> None:
    room.queued()
    room.telephony.outcomes = [NO_SERVERS, Connected("PA_leg", "SCL_1")]
    room.telephony.views = [AGENT_THERE]
    room.ring()
    assert (room.call().state, room.in_use) == (State.QUEUED, 0)
    (account, after_s) = room.doorbell.rings[-1]
    assert (account, after_s) == (ACCOUNT, 2)
    room.clock.move(after_s)
    room.ring()
    assert (room.call().state, room.call().attempt) == (State.ACTIVE, 2)
    assert [call.attempt for call in room.telephony.dialed] == [1, 2], "each attempt was dialled once"


def test_a_dial_that_never_rings_is_given_up_in_the_end(room: CallsRoom) -> None:
    room.queued()
    room.telephony.outcomes = [NO_SERVERS] * UNSENT_DIALS
    for _ in range(UNSENT_DIALS):
        room.ring()
        room.clock.move(130)
    assert (room.call().state, room.call().end_reason) == (State.NOT_CONNECTED, EndReason.SIP_FAILED_TRUNK)
    assert len(room.telephony.dialed) == UNSENT_DIALS
    assert room.in_use == 0


def test_a_room_that_cannot_be_made_means_nothing_rang(room: CallsRoom) -> None:
    room.queued()
    room.telephony.room_refusals = [NotSent("unavailable", "room not made", may_repeat=True)]
    room.ring()
    assert room.call().state is State.QUEUED
    assert room.telephony.dialed == []


def test_a_call_canceled_before_the_invite_does_not_ring(room: CallsRoom) -> None:
    room.queued()

    async def cancel(call: Call) -> None:
        room.progress.apply(ACCOUNT, call.call_id, EndAsked(room.clock(), EndReason.API_HUNG_UP))

    room.telephony.before_dial = cancel
    room.ring()
    assert (room.call().state, room.call().end_reason) == (State.CANCELED, EndReason.CALL_CANCELED)
    assert room.telephony.dialed == []
    assert room.in_use == 0


def test_a_call_canceled_while_it_rang_ends_when_it_is_answered_all_the_same(room: CallsRoom) -> None:
    room.queued()

    async def cancel(call: Call) -> None:
        room.progress.apply(ACCOUNT, call.call_id, EndAsked(room.clock(), EndReason.API_HUNG_UP))

    room.telephony.while_ringing = cancel
    room.ring()
    assert (room.call().state, room.in_use) == (State.CANCELED, 0)
    assert room.telephony.ended_rooms == [room.call().room_name]


@pytest.mark.parametrize(("asked", "waits_s"), [(None, AGENT_JOIN_S), (3, 3), (25, 25)])
def test_an_answered_phone_waits_for_its_agent_only_so_long(room: CallsRoom, asked: int | None, waits_s: int) -> None:
    room.queued(agent_join_timeout_s=asked)
    room.ring()
    call = room.call()
    assert (call.state, call.end_reason) == (State.NOT_CONNECTED, EndReason.AGENT_DID_NOT_JOIN)
    assert waits_s * 1000 <= room.clock() - NOW < (waits_s + 2) * 1000
    assert room.telephony.ended_rooms == [call.room_name]


def test_an_agent_that_joins_late_but_in_time_makes_the_call_active(room: CallsRoom) -> None:
    room.queued()
    room.telephony.views = [RoomView((), ())] * 5 + [AGENT_THERE]
    room.ring()
    assert room.call().state is State.ACTIVE


def test_an_unclear_dial_adopts_the_leg_that_is_talking(room: CallsRoom) -> None:
    call = room.queued()
    room.telephony.outcomes = [Unclear("TimeoutError")]
    dialing = Call(**{name: getattr(call, name) for name in Call.__slots__} | {"attempt": 1})
    room.telephony.views = [a_leg(dialing, "ringing")] * 3 + [a_leg(dialing, "active")]
    room.ring()
    assert (room.call().state, room.call().leg_sid) == (State.ACTIVE, "PA_leg")
    assert len(room.telephony.dialed) == 1


def test_an_unclear_dial_without_a_leg_is_ended_not_repeated(room: CallsRoom) -> None:
    room.queued()
    room.telephony.outcomes = [Unclear("ServerDisconnectedError")]
    room.ring()
    call = room.call()
    assert (call.state, call.end_reason) == (State.NOT_CONNECTED, EndReason.DIAL_STATE_UNKNOWN)
    assert len(room.telephony.dialed) == 1
    assert room.telephony.ended_rooms == [call.room_name]
    assert room.in_use == 0


def test_a_line_is_not_given_back_while_livekit_cannot_be_asked(room: CallsRoom) -> None:
    room.queued()
    room.telephony.outcomes = [Unclear("TimeoutError")]
    room.telephony.down = True
    room.ring()
    assert (room.call().state, room.in_use) == (State.DIALING, 1), "the phone may still ring: the sweep will know"


def test_a_call_that_expired_in_the_queue_is_not_dialled(room: CallsRoom) -> None:
    room.queued(expires_at=at(5))
    room.clock.move(6)
    assert room.ring() == 0
    assert (room.call().state, room.call().end_reason) == (State.NOT_CONNECTED, EndReason.EXPIRED_IN_QUEUE)
    assert room.telephony.dialed == []


def test_a_change_stands_although_its_bell_cannot_be_rung(room: CallsRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    room.queued("call_1")
    room.telephony.views = [AGENT_THERE]
    room.ring()
    room.queued("call_2")

    def broken(account_id: str, after_s: int = 0) -> None:
        raise ConnectionError("SQS is away")

    monkeypatch.setattr(room.doorbell, "ring", broken)
    room.progress.apply(ACCOUNT, "call_1", LegLeft(at(30), 1, "PA_leg", "CLIENT_INITIATED", "hangup"))
    assert room.call("call_1").state is State.ENDED


def test_a_queue_entry_without_its_call_keeps_nobody_waiting(room: CallsRoom, local: LocalAws) -> None:
    room.queued("call_0", created_at=NOW - 10, eligible_at=NOW - 10)
    local.dynamodb.delete_item(
        TableName=local.table_name, Key={"pk": {"S": f"A#{ACCOUNT}#CALLS"}, "sk": {"S": "call_0"}}
    )
    room.queued("call_1")
    room.telephony.views = [AGENT_THERE]
    assert room.ring() == 1
    assert room.call("call_1").state is State.ACTIVE


def test_an_agent_that_deletes_the_room_while_it_rings_hung_up_whoever_tells_first(room: CallsRoom) -> None:
    room.queued()
    room.telephony.outcomes = [Refused(None, None, "canceled", "sip request timed out")]

    async def the_leg_leaves(call: Call) -> None:
        left = LegLeft(room.clock(), call.attempt, "PA_leg", "ROOM_DELETED", "ringing")
        room.progress.apply(ACCOUNT, call.call_id, left)

    room.telephony.while_ringing = the_leg_leaves
    room.ring()
    assert room.call().end_reason is EndReason.AGENT_HUNG_UP


def test_a_call_that_was_queued_again_for_later_is_not_claimed_by_its_old_place(
    room: CallsRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dialer reads the queue; before it reads the call, another one has dialled it in vain and put it back."""
    room.queued()
    read = room.store.get

    def too_late(account_id: str, call_id: str) -> Call | None:
        monkeypatch.setattr(room.store, "get", read)
        room.telephony.outcomes = [NO_SERVERS]
        room.ring()
        return read(account_id, call_id)

    monkeypatch.setattr(room.store, "get", too_late)
    room.ring()
    assert (room.call().state, room.call().attempt) == (State.QUEUED, 1), "it waits for its new moment"
