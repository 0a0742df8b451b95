"""Nobody is rung for nobody: the agent is in the room before the INVITE, or the call waits for it."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from ringline.calls.model.call import Call, State
from ringline.calls.model.events import AgentAwaited, AgentLeft, AgentReady, AgentSeen, EndAsked
from ringline.calls.model.outcomes import NotSent
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.room_view import RoomView
from ringline.calls.model.timing import (
    AGENT_FIRST_S,
    AGENT_JOIN_S,
    AGENT_ON_TRIAL_S,
    AGENT_RESTS_S,
    DIAL_OUTCOME_MARGIN_S,
    NO_AGENT_S,
)
from ringline.calls.outbound.admit import Paced
from ringline.calls.tables.agent_rests import trial_of
from ringline.calls.tables.store import Committed
from ringline.calls.views.queue_place import BlockedBy, queue_place
from tests.builders import ACCOUNT, NOW
from tests.component.calls_room import CallsRoom, calls_room
from tests.component.one_table import LocalAws
from tests.fakes import AGENT_THERE, EMPTY_ROOM

type Waits = Callable[[float], Awaitable[None]]

_yield_to_others = asyncio.sleep


@pytest.fixture
def room(local: LocalAws, monkeypatch: pytest.MonkeyPatch) -> CallsRoom:
    room = calls_room(local, cap=20)

    async def no_waiting(seconds: float) -> None:
        room.clock.move(seconds)
        await _yield_to_others(0)

    monkeypatch.setattr(asyncio, "sleep", no_waiting)
    return room


def nobody_comes(room: CallsRoom) -> None:
    room.telephony.awaited = [EMPTY_ROOM]


def the_agent_comes(room: CallsRoom, after_looks: int = 0) -> None:
    room.telephony.awaited = [EMPTY_ROOM] * after_looks + [AGENT_THERE]


def the_agent_goes_before_the_dial(room: CallsRoom) -> None:
    async def goes(call: Call) -> None:
        room.progress.apply(ACCOUNT, call.call_id, AgentLeft(room.clock(), call.attempt, "PA_agent", "AGENT_ERROR"))

    room.telephony.before_dial = goes


def missed_by_the_first_of_four(room: CallsRoom) -> None:
    nobody_comes(room)
    room.queued("call_0", eligible_at=NOW - 10, created_at=NOW - 10)
    assert room.ring() == 1
    for n in range(1, 4):
        room.queued(f"call_{n}", eligible_at=NOW - 10 + n, created_at=NOW - 10 + n)


def blocked_by(room: CallsRoom, call_id: str) -> BlockedBy:
    place = queue_place(room.store, room.paces, room.places, room.capacity, room.call(call_id), room.clock())
    assert place is not None
    return place.blocked_by


# --- the usual way ---------------------------------------------------------------------------------------------------


def test_the_phone_rings_when_the_agent_is_there_and_livekit_is_asked_once(room: CallsRoom) -> None:
    room.queued()
    room.ring()
    call = room.call()
    assert (call.state, call.agent_sid) == (State.ACTIVE, "PA_agent")
    assert room.telephony.looks == 1, "an agent who was there before the INVITE is not looked for after the answer"


def test_an_agent_that_is_a_little_later_is_waited_for_without_a_write(room: CallsRoom) -> None:
    room.queued()
    the_agent_comes(room, after_looks=3)
    room.ring()
    assert (room.call().state, room.call().version) == (State.ACTIVE, 3), "claimed and answered"
    assert room.clock() - NOW < 600


def test_an_agent_that_says_it_is_ready_is_there(room: CallsRoom) -> None:
    room.queued()
    nobody_comes(room)

    async def ready(call: Call) -> None:
        room.progress.apply(ACCOUNT, call.call_id, AgentReady(room.clock(), call.attempt, ()))

    room.telephony.before_dial = ready
    room.telephony.views = [AGENT_THERE]
    room.ring()
    assert len(room.telephony.dialed) == 1
    assert room.call().state is State.ACTIVE


def test_nobody_is_rung_for_an_agent_that_was_ready_and_is_gone(room: CallsRoom) -> None:
    room.queued()
    nobody_comes(room)

    async def comes_and_goes(call: Call) -> None:
        room.progress.apply(ACCOUNT, call.call_id, AgentReady(room.clock(), call.attempt, ()))
        room.progress.apply(ACCOUNT, call.call_id, AgentLeft(room.clock(), call.attempt, "PA_agent", "AGENT_ERROR"))

    room.telephony.before_dial = comes_and_goes
    room.ring()
    assert (room.call().state, room.telephony.dialed) == (State.QUEUED, [])


def test_nobody_is_rung_for_an_agent_that_has_left_and_is_listed_still(room: CallsRoom) -> None:
    room.queued()

    the_agent_goes_before_the_dial(room)
    room.ring()
    assert (room.call().state, room.telephony.dialed) == (State.QUEUED, [])


def test_the_next_agent_is_there_though_the_one_before_is_listed_still(room: CallsRoom) -> None:
    room.queued()
    both = RoomView((), (*AGENT_THERE.agents, AgentSeen("PA_next", NOW + 1, "agent-2")))
    room.telephony.awaited = [both]

    the_agent_goes_before_the_dial(room)
    room.ring()
    assert (room.call().state, room.call().agent_sid) == (State.ACTIVE, "PA_next")


def test_an_agent_that_comes_late_is_written_down_before_the_phone_rings(room: CallsRoom) -> None:
    room.queued()
    the_agent_comes(room, after_looks=20)
    room.ring()
    call, (dialed,) = room.call(), room.telephony.dialed
    assert dialed.awaits_agent_since is None
    assert dialed.dialed_at is not None and dialed.dialed_at - NOW > 2000, "its ringing counts from the INVITE"
    assert (call.state, call.attempt, call.awaits_agent_since) == (State.ACTIVE, 1, None)


def test_without_agent_first_the_phone_rings_at_once_and_its_agent_may_come_later(room: CallsRoom) -> None:
    room.queued(agent_first=False)
    nobody_comes(room)
    room.ring()
    assert len(room.telephony.dialed) == 1
    assert room.call().end_reason is EndReason.AGENT_DID_NOT_JOIN


def test_who_answers_is_not_taken_to_talk_to_an_agent_that_left_while_it_rang(room: CallsRoom) -> None:
    room.queued()

    async def leaves(call: Call) -> None:
        left = AgentLeft(room.clock(), call.attempt, "PA_agent", "CLIENT_INITIATED")
        room.progress.apply(ACCOUNT, call.call_id, left)

    room.telephony.while_ringing = leaves
    room.ring()
    assert room.call().end_reason is EndReason.AGENT_DID_NOT_JOIN
    assert room.clock() - NOW < (AGENT_JOIN_S + 2) * 1000


# --- nobody comes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("asked", "waits_s"), [(None, AGENT_FIRST_S), (3, 3), (25, 25)])
def test_nobody_is_rung_without_an_agent_and_the_call_keeps_its_place(
    room: CallsRoom, asked: int | None, waits_s: int
) -> None:
    room.queued(agent_join_timeout_s=asked)
    nobody_comes(room)
    room.ring()
    call = room.call()
    assert room.telephony.dialed == []
    assert room.telephony.ended_rooms == [f"{ACCOUNT}.call_1.1"], "nobody is left alone in the room"
    assert (call.state, call.eligible_at, room.in_use) == (State.QUEUED, NOW, 0)
    assert (call.attempts, call.unsent, call.deferrals, call.attempt_number) == ((), 0, 0, 0), "it was no attempt"
    assert waits_s <= (room.clock() - NOW) / 1000 < waits_s + 1
    assert [note.what for note in call.notes] == ["dial_1_no_agent"]
    assert blocked_by(room, "call_1") is BlockedBy.AGENT
    assert (ACCOUNT, AGENT_RESTS_S[0]) in room.doorbell.rings


def test_a_call_is_queued_again_although_its_agent_could_not_be_put_to_rest(
    room: CallsRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    def throttled(*_: object) -> None:
        raise RuntimeError("throttled")

    room.queued()
    nobody_comes(room)
    monkeypatch.setattr(type(room.rests), "missed", throttled)
    room.ring()
    assert (room.call().state, room.in_use) == (State.QUEUED, 0)


def test_the_agent_rests_for_longer_each_time_and_one_call_at_a_time_tries_it(room: CallsRoom) -> None:
    missed_by_the_first_of_four(room)
    for rest_s in (*AGENT_RESTS_S, AGENT_RESTS_S[-1]):
        assert room.ring() == 0, "the agent rests"
        rest = room.rests.look(ACCOUNT, "AGENT_1")
        assert rest.next_at - room.clock() == rest_s * 1000
        room.clock.move(rest_s)
        assert room.ring() == 1, "one call tries"
    assert room.telephony.dialed == []


def test_all_calls_go_on_when_the_agent_is_back_first_one_by_one(room: CallsRoom) -> None:
    missed_by_the_first_of_four(room)
    room.clock.move(AGENT_RESTS_S[0])
    first = room.next_call(ACCOUNT)
    assert isinstance(first, Call)
    assert (first.call_id, first.tries_agent) == ("call_0", True), "the first in the queue is the one that tries"
    assert room.next_call(ACCOUNT) == Paced(room.clock() + (AGENT_FIRST_S + 10) * 1000)
    room.rests.joined(ACCOUNT, "AGENT_1", trial_of(first.call_id, first.attempt), room.clock())
    second = room.next_call(ACCOUNT)
    assert isinstance(second, Call) and second.tries_agent
    assert isinstance(room.next_call(ACCOUNT), Paced)
    room.clock.move(AGENT_ON_TRIAL_S)
    third = room.next_call(ACCOUNT)
    assert isinstance(third, Call) and not third.tries_agent


def test_an_agent_that_joins_ends_its_rest_and_the_next_call_is_rung_for(room: CallsRoom) -> None:
    room.queued()
    room.rests.missed(ACCOUNT, "AGENT_1", "call_x#1", room.clock())
    room.clock.move(AGENT_RESTS_S[0])
    assert room.ring() == 1
    assert room.call().state is State.ACTIVE
    assert (ACCOUNT, 0) in room.doorbell.rings
    rest = room.rests.look(ACCOUNT, "AGENT_1")
    assert (rest.is_over(room.clock()), rest.rests, rest.missing_since) == (True, 0, None)


def test_an_agent_that_was_missed_long_ago_is_not_what_a_call_lacks(room: CallsRoom) -> None:
    """Nobody has tried it since: a line is what the call waits for."""
    room.rests.missed(ACCOUNT, "AGENT_1", "call_x#1", room.clock())
    soon, late = NOW + 1_000, NOW + 3_600_000
    room.queued("call_soon", expires_at=soon, due_at=soon)
    room.queued("call_late", expires_at=late, due_at=late)
    room.clock.move(2)
    room.sweep()
    room.clock.move(3_600)
    room.sweep()
    assert room.call("call_soon").end_reason is EndReason.NO_AGENT_AVAILABLE
    assert room.call("call_late").end_reason is EndReason.EXPIRED_IN_QUEUE


def trying(room: CallsRoom) -> None:
    """A call that is about to find out whether its agent is back, and one behind it."""
    room.rests.missed(ACCOUNT, "AGENT_1", "call_x#1", room.clock())
    room.clock.move(AGENT_RESTS_S[0])
    for n in range(2):
        room.queued(f"call_{n}", eligible_at=NOW - 10 + n, created_at=NOW - 10 + n)


def test_a_trial_that_is_canceled_leaves_the_agent_to_the_next_call(room: CallsRoom) -> None:
    trying(room)
    nobody_comes(room)

    async def cancels(call: Call) -> None:
        room.progress.apply(ACCOUNT, call.call_id, EndAsked(room.clock(), EndReason.API_HUNG_UP))

    room.telephony.before_dial = cancels
    assert room.ring_once() == 1
    following = room.next_call(ACCOUNT)
    assert isinstance(following, Call)
    assert (following.call_id, following.tries_agent) == ("call_1", True)


def test_a_trial_for_which_livekit_makes_no_room_leaves_the_agent_to_the_next_call(room: CallsRoom) -> None:
    trying(room)
    room.telephony.room_refusals = [NotSent("unavailable", "room not made", may_repeat=True)]
    assert room.ring_once() == 1
    following = room.next_call(ACCOUNT)
    assert isinstance(following, Call) and following.tries_agent


def test_nobody_is_rung_after_the_moment_at_which_their_call_expires(room: CallsRoom) -> None:
    """Its agent is late, and it may be bedtime by then."""
    room.queued(expires_at=NOW + 3_000, due_at=NOW + 3_000, agent_join_timeout_s=30)
    the_agent_comes(room, after_looks=25)
    room.ring_once()
    assert room.telephony.dialed == []
    assert (room.call().state, room.in_use) == (State.QUEUED, 0)
    room.clock.move(1)
    room.sweep()
    assert room.call().end_reason is EndReason.NO_AGENT_AVAILABLE
    assert room.rests.look(ACCOUNT, "AGENT_1").missing_since is not None


def test_a_call_that_expires_before_its_agent_can_be_there_says_nothing_of_the_agent(room: CallsRoom) -> None:
    room.queued(expires_at=NOW + 1_000, due_at=NOW + 1_000, agent_join_timeout_s=30)
    the_agent_comes(room, after_looks=20)
    room.ring_once()
    assert (room.call().state, room.telephony.dialed) == (State.QUEUED, [])
    assert room.rests.look(ACCOUNT, "AGENT_1").missing_since is None
    room.clock.move(1)
    room.sweep()
    assert room.call().end_reason is EndReason.EXPIRED_IN_QUEUE


def test_calls_of_other_agents_go_on_meanwhile(room: CallsRoom) -> None:
    for n in range(100):
        room.queued(f"call_{n:03}", eligible_at=NOW - 1000 + n, created_at=NOW - 1000 + n, agent_id="missing")
    room.queued("call_other", agent_id="there")
    room.rests.missed(ACCOUNT, "missing", "call_x#1", room.clock())
    assert room.ring() == 1
    assert room.call("call_other").state is State.ACTIVE


def test_agents_of_another_account_do_not_rest_for_ours(room: CallsRoom) -> None:
    room.rests.missed("acc_2", "AGENT_1", "call_x#1", room.clock())
    room.queued()
    assert room.ring() == 1


def test_a_call_that_rings_without_its_agent_does_not_wait_for_it(room: CallsRoom) -> None:
    room.rests.missed(ACCOUNT, "AGENT_1", "call_x#1", room.clock())
    room.queued(agent_first=False)
    assert room.ring() == 1


def test_a_call_whose_claim_is_lost_lets_another_try_the_agent(room: CallsRoom) -> None:
    room.queued()
    room.rests.missed(ACCOUNT, "AGENT_1", "call_x#1", room.clock())
    room.clock.move(AGENT_RESTS_S[0])
    claims = room.store.commit

    def lost_once(*_: object, **__: object) -> object:
        room.store.commit = claims  # type: ignore[method-assign]
        return Committed.STALE

    room.store.commit = lost_once  # type: ignore[method-assign, assignment]
    assert isinstance(room.next_call(ACCOUNT), Call)


def test_of_all_dialers_that_find_an_agent_at_rest_one_rings_for_its_end(room: CallsRoom) -> None:
    room.queued()
    rest = room.rests.missed(ACCOUNT, "AGENT_1", "call_x#1", room.clock())
    assert room.next_call(ACCOUNT) == Paced(rest.next_at)
    for _ in range(3):
        room.ring()
    assert room.doorbell.rings == [(ACCOUNT, AGENT_RESTS_S[0])]


def test_an_earlier_moment_is_rung_for_besides(room: CallsRoom) -> None:
    assert room.paces.claims_ring(ACCOUNT, NOW + 30_000, NOW)
    assert room.paces.claims_ring(ACCOUNT, NOW + 2_000, NOW)
    assert not room.paces.claims_ring(ACCOUNT, NOW + 2_000, NOW)
    assert not room.paces.claims_ring(ACCOUNT, NOW + 10_000, NOW)


def test_livekit_that_cannot_be_asked_is_not_the_agents_fault(room: CallsRoom) -> None:
    room.queued()

    async def goes_down(_call: Call) -> None:
        room.telephony.down = True

    room.telephony.before_dial = goes_down
    room.ring()
    assert (room.call().state, room.call().agent_missing_since, room.telephony.dialed) == (State.QUEUED, None, [])
    assert room.rests.look(ACCOUNT, "AGENT_1").is_over(room.clock())


def test_a_room_that_cannot_be_made_lets_another_call_try_the_agent_after_a_while(room: CallsRoom) -> None:
    room.queued()
    room.rests.missed(ACCOUNT, "AGENT_1", "call_x#1", room.clock())
    room.clock.move(AGENT_RESTS_S[0])
    room.telephony.room_refusals = [NotSent("unavailable", "room not made", may_repeat=True)]
    assert room.ring() == 1
    room.clock.move(AGENT_FIRST_S + 10)
    assert room.ring() == 1
    assert room.call().state is State.ACTIVE


# --- the end of the wait ---------------------------------------------------------------------------------------------


def test_a_call_does_not_wait_for_its_agent_for_ever(room: CallsRoom) -> None:
    room.queued(agent_join_timeout_s=1)
    nobody_comes(room)
    room.ring()
    room.clock.move(NO_AGENT_S - 10)
    room.ring()
    assert room.call().state is State.QUEUED
    assert len(room.call().notes) == 1, "a call stays a small item however often it is dialled"
    room.clock.move(10)
    room.ring()
    call = room.call()
    assert (call.state, call.end_reason) == (State.NOT_CONNECTED, EndReason.NO_AGENT_AVAILABLE)


def test_calls_that_wait_behind_it_end_with_it(room: CallsRoom) -> None:
    """One call at a time tries the agent: the others must not wait an hour each for their turn."""
    for n in range(3):
        room.queued(f"call_{n}", eligible_at=NOW + n, created_at=NOW + n)
    while room.clock() - NOW < (NO_AGENT_S + 30) * 1000:
        room.rests.missed(ACCOUNT, "AGENT_1", "call_x#1", room.clock())
        room.clock.move(AGENT_RESTS_S[-1])
    room.queued("call_3", eligible_at=room.clock(), created_at=room.clock())
    room.rests.missed(ACCOUNT, "AGENT_1", "call_x#1", room.clock())
    room.ring()
    assert {room.call(f"call_{n}").end_reason for n in range(3)} == {EndReason.NO_AGENT_AVAILABLE}
    assert room.call("call_3").state is State.QUEUED, "it has not waited for long"


def test_a_call_that_expires_while_it_waits_for_its_agent_says_what_it_waited_for(room: CallsRoom) -> None:
    room.queued(expires_at=NOW + 11_000)
    nobody_comes(room)
    room.ring()
    room.clock.move(5)
    room.ring()
    room.sweep()
    assert room.call().end_reason is EndReason.NO_AGENT_AVAILABLE


def test_a_call_whose_agent_is_back_and_that_expires_while_it_waits_for_a_line_says_that(room: CallsRoom) -> None:
    room.queued(expires_at=NOW + 60_000)
    nobody_comes(room)
    room.ring()
    assert room.call().agent_missing_since is not None
    room.clock.move(5)
    assert room.rests.try_one(ACCOUNT, "AGENT_1", "call_2#1", room.clock(), 10)
    room.rests.joined(ACCOUNT, "AGENT_1", "call_2#1", room.clock())
    room.clock.move(61)
    room.sweep()
    assert room.call().end_reason is EndReason.EXPIRED_IN_QUEUE


# --- cancels and crashes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after_looks", [0, 3, 20])
def test_a_call_that_is_canceled_while_it_waits_for_its_agent_is_never_rung(room: CallsRoom, after_looks: int) -> None:
    room.queued()
    nobody_comes(room)
    look = room.telephony.look

    async def canceled_meanwhile(room_name: str) -> RoomView:
        if room.telephony.looks == after_looks:
            room.progress.apply(ACCOUNT, "call_1", EndAsked(room.clock(), EndReason.API_HUNG_UP))
            room.telephony.awaited = [AGENT_THERE]
        return await look(room_name)

    room.telephony.look = canceled_meanwhile  # type: ignore[method-assign, assignment]
    room.ring()
    call = room.call()
    assert (call.state, call.end_reason) == (State.CANCELED, EndReason.CALL_CANCELED)
    assert (room.telephony.dialed, room.in_use) == ([], 0)


def test_a_call_whose_dialer_died_while_it_waited_is_dialled_again(room: CallsRoom) -> None:
    call = room.dialing()
    room.progress.apply(ACCOUNT, call.call_id, AgentAwaited(room.clock(), call.attempt))
    room.clock.move(AGENT_FIRST_S + DIAL_OUTCOME_MARGIN_S - 1)
    room.sweep()
    assert room.call().state is State.DIALING, "its dialer may live"
    room.clock.move(1)
    room.sweep()
    waiting = room.call()
    assert (waiting.state, waiting.eligible_at, waiting.attempts, room.in_use) == (State.QUEUED, NOW, (), 0)
    assert room.telephony.ended_rooms == [call.room_name]
    room.ring()
    assert (room.call().state, room.call().attempt) == (State.ACTIVE, 2)
