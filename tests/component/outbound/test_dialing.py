"""From a doorbell to a call that is answered, over, or back in the queue."""

import asyncio
import threading
from copy import replace
from dataclasses import dataclass, field
from typing import Any

import pytest

from ringline.accounts.store import AccountStore
from ringline.accounts.tables.allowances import Allowances
from ringline.calls.model.call import AnswerFrom, Call, State
from ringline.calls.model.events import (
    AgentHangsUp,
    AgentLeft,
    AgentReady,
    AgentSeen,
    Answered,
    CarrierFailed,
    CarrierRang,
    EndAsked,
    Event,
    FoundOver,
    LegLeft,
    UserSpoke,
)
from ringline.calls.model.outcomes import (
    CarrierFull,
    Connected,
    DialOutcome,
    LivekitAway,
    NotSent,
    Placed,
    Refused,
    Unclear,
)
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.room_view import LegView, RoomView
from ringline.calls.model.timing import (
    AGENT_JOIN_S,
    AGENT_SUCCESSOR_S,
    DIAL_BATCH,
    LAST_WORDS_S,
    REDIAL_DELAYS_S,
    SHORT_LIMIT_S,
    UNSENT_DIALS,
    VOICEMAIL_GREETING_MIN_S,
)
from ringline.calls.progress.progress import Applied, Outcome, Progress
from ringline.routing.records import Number
from tests.builders import ACCOUNT, NOW, at
from tests.component.calls_room import CallsRoom, calls_room, room_of_no_waiting, while_it_rings
from tests.component.one_table import LocalAws

AGENT = AgentSeen("PA_agent", NOW)
AGENT_THERE = RoomView((), (AGENT,))
NOT_JOINED = NotSent("internal", "update room failed", may_repeat=True)


@pytest.fixture
def room(local: LocalAws, monkeypatch: pytest.MonkeyPatch) -> CallsRoom:
    return room_of_no_waiting(local, monkeypatch)


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


def test_a_dialer_that_was_told_to_stop_claims_nothing_more_and_leaves_the_bell_to_another(
    local: LocalAws,
) -> None:
    room = calls_room(local, cap=100)
    for n in range(2):
        room.queued(f"call_{n:02}")
    room.telephony.views = [AGENT_THERE]
    claims_before_the_stop = 1

    def may_claim() -> bool:
        nonlocal claims_before_the_stop
        claims_before_the_stop -= 1
        if claims_before_the_stop < 0:
            room.queued("call_that_came_since")
        return claims_before_the_stop >= 0

    stopping = replace(room.dial_next(room.admit), may_claim=may_claim)
    assert asyncio.run(stopping.run(ACCOUNT)) == 2, "those under way are dialled to their end"
    assert room.in_use == 2
    assert room.doorbell.accounts == [ACCOUNT]


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

    monkeypatch.setattr(asyncio, "sleep", the_leg_leaves)
    room.ring()
    assert room.call().end_reason is EndReason.USER_HUNG_UP_RINGING


def test_a_busy_phone_whose_legs_word_is_lost_is_told_by_the_time_it_took(room: CallsRoom) -> None:
    room.queued()
    room.telephony.outcomes = [Refused(486, "Busy Here", "resource_exhausted", "INVITE failed")]
    room.ring()
    assert room.call().end_reason is EndReason.USER_BUSY


def test_a_dial_that_never_rang_is_repeated_later_as_a_new_attempt(room: CallsRoom) -> None:
    room.queued()
    room.telephony.outcomes = [NOT_JOINED, Connected("PA_leg", "SCL_1")]
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
    room.telephony.outcomes = [NOT_JOINED] * UNSENT_DIALS
    for _ in range(UNSENT_DIALS):
        room.ring()
        room.clock.move(130)
    assert (room.call().state, room.call().end_reason) == (State.NOT_CONNECTED, EndReason.SIP_FAILED_TRUNK)
    assert len(room.telephony.dialed) == UNSENT_DIALS
    assert room.in_use == 0


def test_a_room_that_cannot_be_made_means_nothing_rang(room: CallsRoom) -> None:
    room.queued()
    room.telephony.room_refusals = [LivekitAway("unavailable", "room not made")]
    assert room.ring_once() == 1
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


@pytest.mark.parametrize("is_written", [False, True], ids=["asked for", "over"])
def test_a_phone_that_rings_for_a_canceled_call_is_put_out_and_told_to_nobody(
    room: CallsRoom, is_written: bool
) -> None:
    # The cancel closed the room before the dial came there, and LiveKit made it anew.
    room.queued()

    async def cancel(call: Call) -> None:
        room.progress.apply(ACCOUNT, call.call_id, EndAsked(room.clock(), EndReason.API_HUNG_UP))
        if is_written:
            room.progress.apply(ACCOUNT, call.call_id, FoundOver(room.clock(), 1))
        await while_it_rings(lambda: room.telephony.ended_rooms)

    room.telephony.while_ringing = cancel
    room.telephony.outcomes = [Refused(487, "Request Terminated", "canceled", "terminated")]
    room.ring()
    assert (room.call().state, room.call().end_reason) == (State.CANCELED, EndReason.CALL_CANCELED)
    assert room.rung == []
    assert room.call().room_name in room.telephony.ended_rooms


def test_a_call_of_a_later_release_is_neither_told_as_ringing_nor_cut_off(
    room: CallsRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.queued()
    get, looked = room.store.get, []

    def of_tomorrow(account_id: str, call_id: str) -> Call | None:
        call = get(account_id, call_id)
        if call is None or room.telephony.dialed == []:
            return call
        looked.append(call_id)
        return replace(call, state=State.kept("parked"))

    async def rings(_: Call) -> None:
        await while_it_rings(lambda: looked)

    room.telephony.while_ringing = rings
    room.telephony.outcomes = [Unclear("TimeoutError")]
    with monkeypatch.context() as later:
        later.setattr(room.store, "get", of_tomorrow)
        room.ring()
    assert looked
    assert (room.rung, room.telephony.ended_rooms) == ([], [])


@pytest.mark.parametrize(("asked", "waits_s"), [(None, AGENT_JOIN_S), (3, 3), (25, 25)])
def test_an_answered_phone_waits_for_its_agent_only_so_long(room: CallsRoom, asked: int | None, waits_s: int) -> None:
    room.queued(agent_join_timeout_s=asked, agent_first=False)
    room.ring()
    call = room.call()
    assert (call.state, call.end_reason) == (State.NOT_CONNECTED, EndReason.AGENT_DID_NOT_JOIN)
    assert waits_s * 1000 <= room.clock() - NOW < (waits_s + 2) * 1000
    assert room.telephony.ended_rooms == [call.room_name]


def test_while_no_agent_comes_another_is_dispatched_every_few_seconds(room: CallsRoom) -> None:
    room.queued(agent_first=False, agent_join_timeout_s=10)

    async def rings_a_while(_: Call) -> None:
        room.clock.move(4)

    room.telephony.while_ringing = rings_a_while
    room.ring()
    assert room.telephony.sent_agents == [2, 3, 4, 5], "the first one had its time while it rang"
    assert room.call().end_reason is EndReason.AGENT_DID_NOT_JOIN


@pytest.mark.parametrize("comes_late", [False, True])
def test_of_two_agents_the_later_one_is_removed_at_the_answer(room: CallsRoom, comes_late: bool) -> None:
    room.queued(agent_first=False)
    both = RoomView((), (AgentSeen("PA_2", NOW + 9, "agent-2"), AgentSeen("PA_1", NOW + 8, "agent-1")))
    room.telephony.views = [RoomView((), ()), both] if comes_late else [both]
    room.ring()
    assert (room.call().agent_sid, room.telephony.removed) == ("PA_1", ["agent-2"])


def test_a_removal_that_fails_at_the_answer_is_looked_after(room: CallsRoom) -> None:
    leg = LegView(replace(room.queued(agent_first=False), attempt=1).leg_identity, "PA_leg", "SCL_1", "active")
    agents = (AgentSeen("PA_1", NOW, "agent-1"), AgentSeen("PA_2", NOW, "agent-2"))
    room.telephony.views = [RoomView((leg,), agents)]
    room.telephony.removals_fail = True
    room.ring()
    assert room.looks.asked == [(ACCOUNT, "call_1", 2)]
    room.telephony.removals_fail = False
    room.look_again("call_1")
    assert (room.call().agent_sid, room.telephony.removed) == ("PA_1", ["agent-2"])


def test_an_agent_that_joins_late_but_in_time_makes_the_call_active(room: CallsRoom) -> None:
    room.queued(agent_first=False)
    room.telephony.views = [RoomView((), ())] * 5 + [AGENT_THERE]
    room.ring()
    assert room.call().state is State.ACTIVE


def test_an_agent_that_left_while_it_rang_and_is_listed_still_is_not_the_one_to_wait_for(room: CallsRoom) -> None:
    room.queued()
    room.telephony.views = [AGENT_THERE] * 9 + [RoomView((), (AgentSeen("PA_next", NOW, "agent-2"),))]

    async def the_agent_leaves(call: Call) -> None:
        room.progress.apply(ACCOUNT, call.call_id, AgentLeft(room.clock(), call.attempt, "PA_agent", None))

    room.telephony.while_ringing = the_agent_leaves
    room.ring()
    assert (room.call().state, room.call().agent_sid) == (State.ACTIVE, "PA_next")


def test_whose_agent_left_while_the_answer_was_written_is_looked_at_soon(
    room: CallsRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.queued()
    told = Progress.apply

    def apply(progress: Progress, account_id: str, call_id: str, event: Event, *more: Any) -> Outcome:
        if isinstance(event, Answered) and event.agent is not None:
            room.clock.move(1)
            left = AgentLeft(event.at + 50, event.attempt, event.agent.sid, "CLIENT_INITIATED")
            told(progress, account_id, call_id, left)
        return told(progress, account_id, call_id, event, *more)

    monkeypatch.setattr(Progress, "apply", apply)
    room.ring_once()
    assert (room.call().state, room.call().agent_left_at is not None) == (State.ACTIVE, True)
    assert (ACCOUNT, "call_1", AGENT_SUCCESSOR_S + 1) in room.looks.asked


def test_an_unclear_dial_adopts_the_leg_that_is_talking(room: CallsRoom) -> None:
    call = room.queued()
    room.telephony.outcomes = [Unclear("TimeoutError")]
    dialing = replace(call, attempt=1)
    room.telephony.views = [a_leg(dialing, "ringing")] * 3 + [a_leg(dialing, "active")]
    room.ring()
    assert (room.call().state, room.call().leg_sid) == (State.ACTIVE, "PA_leg")
    assert len(room.telephony.dialed) == 1


def test_an_unclear_dial_whose_conversation_somebody_else_told_of_is_not_cut_off(room: CallsRoom) -> None:
    """The carrier told of the answer, and LiveKit, which was restarted since, says `dialing` of the leg."""
    call = room.queued()

    async def is_answered(dialing: Call) -> None:
        answered = Answered(room.clock(), 1, "PA_leg", "SCL_1", AGENT_THERE.agents[0])
        assert isinstance(room.progress.apply(ACCOUNT, dialing.call_id, answered), Applied)

    room.telephony.while_ringing = is_answered
    room.telephony.outcomes = [Unclear("TimeoutError")]
    dialing = replace(call, attempt=1)
    room.telephony.views = [a_leg(dialing, "dialing")]
    room.ring()
    assert (room.call().state, room.telephony.ended_rooms) == (State.ACTIVE, [])


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

    async def goes_down(_call: Call) -> None:
        room.telephony.down = True

    room.telephony.while_ringing = goes_down
    room.ring()
    assert (room.call().state, room.in_use) == (State.DIALING, 1), "the phone may still ring: the sweep will know"


def test_a_call_that_expired_in_the_queue_is_not_dialled(room: CallsRoom) -> None:
    room.queued(expires_at=at(5))
    room.clock.move(6)
    assert room.ring() == 0
    assert (room.call().state, room.call().end_reason) == (State.NOT_CONNECTED, EndReason.EXPIRED_IN_QUEUE)
    assert room.telephony.dialed == []


OTHER_NUMBER = "+15550100001"


def gives_up(room: CallsRoom, local: LocalAws, number: str) -> None:
    """The account had the number, and has it no more."""
    for each in {OTHER_NUMBER, number}:
        room.routing.put_number(ACCOUNT, Number(number=each, number_id=each))
    Allowances(local.dynamodb, local.table_name).set(ACCOUNT, {"numbers_left_at": room.clock() + 60_000})
    assert room.routing.delete_number(ACCOUNT, number)


def test_a_call_whose_own_number_was_given_up_rings_nobody_and_the_next_ones_go_out(
    room: CallsRoom, local: LocalAws
) -> None:
    room.queued()
    room.queued("call_2", from_number=OTHER_NUMBER)
    gives_up(room, local, "+15550100000")
    room.ring()
    call = room.call()
    assert (call.state, call.end_reason) == (State.NOT_CONNECTED, EndReason.SIP_FAILED_ACCOUNT)
    assert (call.attempt, call.dialed_at) == (0, None)
    assert [call.call_id for call in room.telephony.dialed] == ["call_2"]


def test_a_call_behind_the_first_whose_own_number_was_given_up_rings_nobody(room: CallsRoom, local: LocalAws) -> None:
    room.queued(from_number=OTHER_NUMBER)
    room.queued("call_2")
    gives_up(room, local, "+15550100000")
    room.ring()
    assert [call.call_id for call in room.telephony.dialed] == ["call_1"]
    room.ring()
    assert room.call("call_2").end_reason is EndReason.SIP_FAILED_ACCOUNT


def test_a_call_of_a_pool_that_is_gone_does_not_go_out_on_a_number_that_is_gone_too(
    room: CallsRoom, local: LocalAws
) -> None:
    room.queued(from_pool=True)
    gives_up(room, local, "+15550100000")
    room.ring()
    assert room.call().end_reason is EndReason.SIP_FAILED_ACCOUNT


def test_no_number_is_read_for_calls_made_since_the_last_one_was_given_up(room: CallsRoom, local: LocalAws) -> None:
    gives_up(room, local, "+15550100000")
    room.clock.move(61)
    room.queued(created_at=room.clock(), eligible_at=room.clock())
    room.ring()
    assert len(room.telephony.dialed) == 1


def test_a_call_whose_number_is_no_longer_allowed_is_not_dialled_and_the_next_one_is(
    room: CallsRoom, local: LocalAws
) -> None:
    room.queued()
    room.queued("call_2", to_number="+442071838750")
    AccountStore(local.dynamodb, local.table_name).set_allowed_prefixes(ACCOUNT, ("+44",))
    room.ring()
    assert room.call().end_reason is EndReason.DESTINATION_NOT_ALLOWED
    assert [call.call_id for call in room.telephony.dialed] == ["call_2"]


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
        room.telephony.outcomes = [NOT_JOINED]
        room.ring()
        return read(account_id, call_id)

    monkeypatch.setattr(room.store, "get", too_late)
    room.ring()
    assert (room.call().state, room.call().attempt) == (State.QUEUED, 1), "it waits for its new moment"


# --- what nobody foresaw ---------------------------------------------------------------------------------------------


def test_a_dial_that_could_not_be_prepared_is_tried_again_because_nothing_rang(room: CallsRoom) -> None:
    room.queued()
    failures = [ValueError("a bug"), None]

    async def fails_once(_call: Call) -> None:
        if (failure := failures.pop(0)) is not None:
            raise failure

    room.telephony.before_dial = fails_once
    room.telephony.views = [AGENT_THERE]
    assert room.ring() == 1
    call = room.call()
    assert (call.state, call.unsent, room.in_use, room.telephony.dialed) == (State.QUEUED, 1, 0, [])
    assert room.telephony.ended_rooms == [call.room_name], "an agent may be in it"
    room.clock.move(REDIAL_DELAYS_S[0])
    assert room.ring() == 1
    assert room.call().state is State.ACTIVE


def test_a_dial_that_can_never_be_prepared_failed_inside_of_us(room: CallsRoom) -> None:
    room.queued()

    async def fails(_call: Call) -> None:
        raise ValueError("a bug")

    room.telephony.before_dial = fails
    for _ in range(UNSENT_DIALS):
        assert room.ring() == 1
        room.clock.move(max(REDIAL_DELAYS_S))
    call = room.call()
    assert (call.state, call.end_reason) == (State.NOT_CONNECTED, EndReason.INTERNAL_ERROR)
    assert (room.telephony.dialed, room.in_use) == ([], 0)


def test_one_dial_that_fails_inside_of_us_is_nothing_to_the_others(room: CallsRoom) -> None:
    for n in range(2):
        room.queued(f"call_{n}", created_at=NOW - 10 + n, eligible_at=NOW - 10 + n)
    room.telephony.views = [AGENT_THERE]

    async def fails(call: Call) -> None:
        if call.call_id == "call_0":
            raise ValueError("a bug")

    room.telephony.before_dial = fails
    assert room.ring() == 2
    assert [room.call(f"call_{n}").state for n in range(2)] == [State.QUEUED, State.ACTIVE]


@pytest.mark.parametrize("status", ["active", "ringing"])
def test_a_dial_whose_answer_nobody_foresaw_is_followed_in_its_room(
    room: CallsRoom, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    call = room.queued()

    async def fails(_call: Call) -> DialOutcome:
        raise KeyError("a field that LiveKit left out")

    monkeypatch.setattr(room.telephony, "place_call", fails)
    room.telephony.views = room.telephony.awaited = [a_leg(replace(call, attempt=1), status)]
    room.ring()
    if status == "active":
        assert (room.call().state, room.call().leg_sid) == (State.ACTIVE, "PA_leg")
    else:
        assert (room.call().end_reason, room.in_use) == (EndReason.DIAL_STATE_UNKNOWN, 0)
        assert room.telephony.ended_rooms == [room.call().room_name]


def test_an_agent_that_is_ready_before_the_invite_keeps_no_phone_from_ringing(room: CallsRoom) -> None:
    room.queued()
    room.telephony.views = [AGENT_THERE]

    async def is_ready(call: Call) -> None:
        room.progress.apply(ACCOUNT, call.call_id, AgentReady(room.clock(), call.attempt, ("user_spoke",)))

    room.telephony.before_dial = is_ready
    room.ring()
    assert (room.call().state, len(room.telephony.dialed)) == (State.ACTIVE, 1)


@pytest.mark.parametrize(
    "wish", [EndAsked(NOW, EndReason.API_HUNG_UP), AgentHangsUp(NOW, 1, EndReason.AGENT_FAILED, "no model")]
)
def test_a_call_that_nobody_wants_any_more_before_the_invite_does_not_ring(room: CallsRoom, wish: Event) -> None:
    room.queued()

    async def wishes(call: Call) -> None:
        room.progress.apply(ACCOUNT, call.call_id, wish)

    room.telephony.before_dial = wishes
    room.ring()
    assert (room.call().state.is_terminal, room.telephony.dialed, room.in_use) == (True, [], 0)


# --- a carrier without room ------------------------------------------------------------------------------------------

CARRIER_FULL = CarrierFull(503, "CPS limit exceeded", "failed_precondition", "INVITE failed")


def leaving(room: CallsRoom, status: str) -> LegLeft:
    return LegLeft(room.clock(), 1, "PA_leg", "CLIENT_INITIATED", status)


@pytest.mark.parametrize(
    ("status", "state", "reason"),
    [("dialing", State.QUEUED, None), ("ringing", State.NOT_CONNECTED, EndReason.SIP_FAILED_CAPACITY)],
)
def test_a_carrier_without_room_defers_the_call_unless_the_leg_says_that_it_rang(
    room: CallsRoom, monkeypatch: pytest.MonkeyPatch, status: str, state: State, reason: EndReason | None
) -> None:
    room.queued()
    room.telephony.outcomes = [CARRIER_FULL]

    async def the_leg_leaves_meanwhile(seconds: float) -> None:
        room.clock.move(seconds)
        room.progress.apply(ACCOUNT, "call_1", leaving(room, status))

    monkeypatch.setattr(asyncio, "sleep", the_leg_leaves_meanwhile)
    room.ring()
    call = room.call()
    assert (call.state, call.end_reason, room.in_use) == (state, reason, 0)
    assert call.evidence.last_call_status == status, "its word was waited for"


def test_a_carrier_without_room_defers_no_call_that_the_carrier_itself_said_to_ring(room: CallsRoom) -> None:
    room.queued()
    room.telephony.outcomes = [CARRIER_FULL]

    async def rings(call: Call) -> None:
        room.progress.apply(ACCOUNT, call.call_id, CarrierRang(room.clock(), call.attempt))

    room.telephony.while_ringing = rings
    room.ring()
    assert (room.call().state, room.call().end_reason) == (State.NOT_CONNECTED, EndReason.SIP_FAILED_CAPACITY)


def test_livekits_own_limit_defers_the_call_at_once_because_no_leg_was_made(room: CallsRoom) -> None:
    room.queued(agent_first=False)
    room.telephony.outcomes = [CarrierFull(None, None, "resource_exhausted", "rate limit")]
    room.ring()
    assert (room.call().state, room.call().deferrals) == (State.QUEUED, 1)
    assert room.clock() == NOW, "nobody waited for a leg's word"


# --- dialer and carrier both tell ------------------------------------------------------------------------------------


def test_the_carriers_word_before_the_dialers_changes_nothing_of_the_reason(room: CallsRoom) -> None:
    room.queued()
    room.telephony.outcomes = [Refused(486, "Busy Here", "resource_exhausted", "INVITE failed")]

    async def the_carrier_tells(call: Call) -> None:
        failed = CarrierFailed(room.clock(), call.attempt, 486, "Busy Here", None)
        room.progress.apply(ACCOUNT, call.call_id, failed)

    room.telephony.while_ringing = the_carrier_tells
    room.ring()
    assert (room.call().state, room.call().end_reason) == (State.NOT_CONNECTED, EndReason.USER_BUSY)


def test_an_answer_that_the_carrier_told_first_is_the_dialers_too(room: CallsRoom) -> None:
    room.queued(agent_first=False)
    room.telephony.views = [AGENT_THERE]

    async def the_carrier_tells(call: Call) -> None:
        answered = Answered(room.clock(), call.attempt, "PA_leg", "SCL_1", AgentSeen("PA_agent", NOW))
        room.progress.apply(ACCOUNT, call.call_id, answered)
        room.clock.move(0.1)

    room.telephony.while_ringing = the_carrier_tells
    room.ring()
    assert (room.call().state, room.call().answered_at) == (State.ACTIVE, NOW)
    assert room.telephony.ended_rooms == []


# --- the carrier alone tells -----------------------------------------------------------------------------------------


@dataclass
class NotedLinks:
    noted: list[tuple[str, str, str]] = field(default_factory=list)
    broken: bool = False

    def link(self, provider: str, carrier_call_id: str, room: str) -> None:
        if self.broken:
            raise ConnectionError("the table is away")
        self.noted.append((provider, carrier_call_id, room))


def ring(room: CallsRoom, answer_from: AnswerFrom | None = None, links: NotedLinks | None = None) -> int:
    """A doorbell is heard by a dialer that is set up so."""
    admit = replace(room.admit, answer_from=answer_from)
    return asyncio.run(room.dial_next(admit, links).run(ACCOUNT))


def test_where_the_carrier_tells_of_the_answer_the_dialer_is_done_when_the_invite_is_out(room: CallsRoom) -> None:
    room.queued(agent_first=False)
    room.telephony.outcomes = [Placed()]
    assert ring(room, AnswerFrom.CARRIER) == 1
    call = room.call()
    assert (call.state, call.answer_from, call.answered_at) == (State.DIALING, AnswerFrom.CARRIER, None)
    assert (call.version, room.in_use) == (2, 1), "nothing was written but the claim"
    assert room.clock() == NOW, "and nobody waited"
    assert (room.telephony.ended_rooms, room.looks.asked) == ([], [])


def test_a_dial_of_the_carriers_that_never_went_out_is_known_to_its_dialer(room: CallsRoom) -> None:
    room.queued()
    room.telephony.outcomes = [NOT_JOINED]
    ring(room, AnswerFrom.CARRIER)
    assert (room.call().state, room.call().unsent, room.in_use) == (State.QUEUED, 1, 0)


def test_an_unclear_dial_of_the_carriers_adopts_the_leg_and_waits_for_its_agent(room: CallsRoom) -> None:
    call = room.queued()
    room.telephony.outcomes = [Unclear("TimeoutError")]
    dialing = replace(call, attempt=1)
    talking = a_leg(dialing, "active")
    with_agent = RoomView(talking.legs, AGENT_THERE.agents)
    room.telephony.views = [talking, talking, talking, with_agent]
    ring(room, AnswerFrom.CARRIER)
    assert (room.call().state, room.telephony.ended_rooms) == (State.ACTIVE, [])


def test_a_leg_that_left_before_its_answer_was_written_leaves_last_words_to_wait_for(
    room: CallsRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = room.queued(agent_first=False)

    async def slow_look(_: str) -> RoomView:
        """The dialer looks who is in the room before it writes the answer, and LiveKit takes its time."""
        room.progress.apply(ACCOUNT, call.call_id, AgentReady(room.clock(), 1, ("user_spoke",)))
        room.clock.move(VOICEMAIL_GREETING_MIN_S)
        left = LegLeft(room.clock(), 1, "PA_leg", "CLIENT_INITIATED", "hangup")
        room.progress.apply(ACCOUNT, call.call_id, left)
        return AGENT_THERE

    monkeypatch.setattr(room.telephony, "look", slow_look)
    room.ring()
    assert (room.call().state, room.telephony.ended_rooms) == (State.LAST_WORDS, [])
    assert room.looks.asked == [(ACCOUNT, "call_1", LAST_WORDS_S + 1)]
    room.progress.apply(ACCOUNT, "call_1", UserSpoke(room.clock(), 1))
    assert (room.call().end_reason, room.in_use) == (EndReason.USER_HUNG_UP_IN_CALL, 0)


def test_a_dial_that_goes_again_asks_anew_who_tells_of_its_answer(room: CallsRoom) -> None:
    room.queued()
    room.telephony.outcomes = [NOT_JOINED, Connected("PA_leg", "SCL_1")]
    room.telephony.views = [AGENT_THERE]
    ring(room, AnswerFrom.CARRIER)
    room.clock.move(2)
    ring(room, AnswerFrom.DIALER)
    assert (room.call().state, room.call().answer_from) == (State.ACTIVE, AnswerFrom.DIALER)


# --- whom an answer is told ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("limit_s", "is_told"), [(SHORT_LIMIT_S, True), (SHORT_LIMIT_S + 1, False)])
def test_a_limit_that_falls_before_the_first_sweep_is_looked_at_when_it_falls(
    room: CallsRoom, limit_s: int, is_told: bool
) -> None:
    room.queued(max_call_duration_s=limit_s)
    room.telephony.views = [AGENT_THERE]
    room.ring()
    assert room.looks.asked == ([(ACCOUNT, "call_1", limit_s)] if is_told else [])


def a_leg_of_two_carriers(call: Call) -> RoomView:
    ids = (("twilio", "CA_1"), ("telnyx", "leg_1"))
    return RoomView((LegView(call.leg_identity, "PA_leg", "SCL_1", "active", ids),), (AGENT,))


def test_the_carriers_own_ids_of_an_answered_call_are_noted(room: CallsRoom) -> None:
    call = room.queued()
    links = NotedLinks()
    room.telephony.views = [a_leg_of_two_carriers(replace(call, attempt=1))]
    ring(room, links=links)
    name = room.call().room_name
    assert links.noted == [("twilio", "CA_1", name), ("telnyx", "leg_1", name)]


@pytest.mark.parametrize("carrier_told", [True, False])
def test_a_call_that_its_carrier_has_named_needs_no_further_look(room: CallsRoom, carrier_told: bool) -> None:
    """Whoever tells that it rings has the header of its INVITE, and its ids are noted with that event."""
    call = room.queued()
    links = NotedLinks()
    room.telephony.views = [a_leg_of_two_carriers(replace(call, attempt=1))]
    looks: list[int] = []

    async def rings(call: Call) -> None:
        looks.append(room.telephony.looks)
        if carrier_told:
            room.progress.apply(ACCOUNT, call.call_id, CarrierRang(room.clock(), 1))

    room.telephony.while_ringing = rings
    ring(room, links=links)
    assert room.call().state is State.ACTIVE
    assert room.telephony.looks - looks[0] == (0 if carrier_told else 1)
    assert bool(links.noted) is not carrier_told


class SlowTeller(list[Call]):
    """Telling that the phone rings takes until the answer is written, and fails then."""

    def __init__(self) -> None:
        super().__init__()
        self.has_begun, self.may_end = threading.Event(), threading.Event()

    def append(self, call: Call) -> None:
        self.has_begun.set()
        assert self.may_end.wait(30)
        super().append(call)
        raise ConnectionError("the queue is away")


def test_an_answer_that_comes_while_the_ringing_is_told_is_no_failure_of_the_dial(room: CallsRoom) -> None:
    call = room.queued()
    teller = room.rung = SlowTeller()
    room.telephony.views = [a_leg_of_two_carriers(replace(call, attempt=1))]

    async def until_it_is_told(_: Call) -> None:
        assert await asyncio.to_thread(teller.has_begun.wait, 30)

    class LinksOfTheAnswer(NotedLinks):
        def link(self, provider: str, carrier_call_id: str, room: str) -> None:
            teller.may_end.set()

    room.telephony.while_ringing = until_it_is_told
    assert ring(room, links=LinksOfTheAnswer()) == 1
    assert (room.call().state, len(teller)) == (State.ACTIVE, 1)


def test_an_answer_whose_hints_get_lost_is_a_conversation_all_the_same(room: CallsRoom) -> None:
    call = room.queued(max_call_duration_s=60)
    room.telephony.views = [a_leg_of_two_carriers(replace(call, attempt=1))]
    ring(room, links=NotedLinks(broken=True))
    assert (room.call().state, room.telephony.ended_rooms) == (State.ACTIVE, [])


def test_a_phone_that_is_answered_in_vain_is_told_to_nobody(room: CallsRoom) -> None:
    call = room.queued(max_call_duration_s=60)
    links = NotedLinks()
    room.telephony.views = [a_leg_of_two_carriers(replace(call, attempt=1))]

    async def cancel(call: Call) -> None:
        room.progress.apply(ACCOUNT, call.call_id, EndAsked(room.clock(), EndReason.API_HUNG_UP))

    room.telephony.while_ringing = cancel
    ring(room, links=links)
    assert (links.noted, room.looks.asked) == ([], [])
    assert room.call().end_reason is EndReason.CALL_CANCELED
