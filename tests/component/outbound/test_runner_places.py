"""A call whose brain is a runner is dialled with a place there, or waits for one."""

import asyncio
from collections.abc import Awaitable, Callable
from copy import replace

import pytest

from ringline.calls.model.call import Call, State
from ringline.calls.model.events import AgentReady, EndAsked, FoundOver, RunnerGiven
from ringline.calls.model.outcomes import Refused
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.timing import NO_AGENT_S, RUNNER_LOOK_S, RUNNER_OVERDUE_S
from ringline.calls.outbound.admit import NoneAdmitted, Paced
from ringline.calls.outbound.queue_head import ExpiredAhead
from ringline.calls.progress.progress import Applied, PlaceTaken
from ringline.calls.tables.store import Committed
from ringline.calls.views.queue_place import BlockedBy, queue_place
from tests.builders import ACCOUNT, NOW
from tests.component.calls_room import calls_room
from tests.component.one_table import LocalAws
from tests.component.runners import put_runner
from tests.fakes import AGENT_THERE

_yield_to_others = asyncio.sleep
BUSY = Refused(486, "Busy Here", "resource_exhausted", "busy", None)


class Room:
    """The room of calls with one agent whose brain is a runner."""

    def __init__(self, local: LocalAws) -> None:
        self.local = local
        self.calls = calls_room(local, cap=20)

    def registers(self, runner_id: str = "bot#1", **about: object) -> None:
        put_runner(self.local.dynamodb, self.local.table_name, runner_id, **about)  # type: ignore[arg-type]

    def queued(self, call_id: str = "call_1", **fields: object) -> Call:
        return self.calls.queued(call_id, brain="runner", **fields)

    def in_use(self, runner_id: str = "bot#1") -> int:
        runners = {each.worker_id: each for each in self.calls.places.runners(ACCOUNT, "AGENT_1")}
        return runners[runner_id].in_use

    def admitted(self) -> Call | NoneAdmitted | Paced | ExpiredAhead:
        return self.calls.next_call(ACCOUNT)

    def claimed(self) -> Call:
        call = self.admitted()
        assert isinstance(call, Call)
        return call

    def blocked_by(self, call_id: str = "call_1") -> BlockedBy:
        calls = self.calls
        place = queue_place(calls.store, calls.paces, calls.places, calls.capacity, calls.call(call_id), calls.clock())
        assert place is not None
        return place.blocked_by


@pytest.fixture
def room(local: LocalAws, monkeypatch: pytest.MonkeyPatch) -> Room:
    room = Room(local)

    async def no_waiting(seconds: float) -> None:
        room.calls.clock.move(seconds)
        await _yield_to_others(0)

    monkeypatch.setattr(asyncio, "sleep", no_waiting)
    return room


# --- a place is taken with the line ----------------------------------------------------------------------------------


def test_line_and_place_are_taken_together_and_given_back_together(room: Room) -> None:
    room.registers()
    room.queued()
    call = room.claimed()
    assert (call.runner_id, room.in_use(), room.calls.in_use) == ("bot#1", 1, 1)
    room.calls.progress.apply(ACCOUNT, call.call_id, FoundOver(room.calls.clock(), call.attempt))
    assert (room.in_use(), room.calls.in_use) == (0, 0)


def test_no_runner_gets_more_calls_than_it_has_places(room: Room) -> None:
    room.registers(places=2)
    for n in range(3):
        room.queued(f"call_{n}", eligible_at=NOW - 10 + n, created_at=NOW - 10 + n)
    assert [room.claimed().call_id for _ in range(2)] == ["call_0", "call_1"]
    assert isinstance(room.admitted(), Paced)
    assert room.in_use() == 2
    assert room.calls.call("call_2").state is State.QUEUED
    assert room.blocked_by("call_2") is BlockedBy.AGENT


def test_the_least_loaded_runner_is_taken_first(room: Room) -> None:
    room.registers("bot#1", places=4, in_use=2)
    room.registers("bot#2", places=2)
    room.registers("bot#3", places=10, in_use=1)
    for n in range(2):
        room.queued(f"call_{n}")
    assert [room.claimed().runner_id for _ in range(2)] == ["bot#2", "bot#3"]


def test_a_place_that_another_dialer_took_first_is_not_taken_twice(room: Room) -> None:
    """Both saw one place free. The transaction of the second is refused as a whole, its line with it."""
    room.registers(places=1)
    calls = [room.queued(f"call_{n}") for n in range(2)]
    claims = [replace(call, state=State.DIALING, attempt=1, runner_id="bot#1", version=2) for call in calls]
    committed = [room.calls.store.commit(*each) for each in zip(calls, claims, strict=True)]
    assert committed == [Committed.DONE, Committed.PLACE_TAKEN]
    assert (room.in_use(), room.calls.in_use) == (1, 1)


def test_a_runner_that_is_gone_has_no_place(room: Room) -> None:
    call = room.queued()
    claim = replace(call, state=State.DIALING, attempt=1, runner_id="bot#9", version=2)
    assert room.calls.store.commit(call, claim) is Committed.PLACE_TAKEN


# --- without a place the call waits ----------------------------------------------------------------------------------


def test_without_a_runner_nobody_is_rung_and_the_call_keeps_its_place(room: Room) -> None:
    room.queued()
    assert room.admitted() == Paced(room.calls.clock() + RUNNER_LOOK_S * 1000)
    assert (room.calls.call().state, room.calls.in_use) == (State.QUEUED, 0)
    assert room.blocked_by() is BlockedBy.AGENT


def test_an_overdue_runner_gets_no_call(room: Room) -> None:
    room.registers(seen_at=NOW - RUNNER_OVERDUE_S * 1000)
    room.queued()
    assert isinstance(room.admitted(), Paced)


def test_a_runner_for_trying_out_gets_no_call(room: Room) -> None:
    room.registers(pool="AGENT_1@dev")
    room.queued()
    assert isinstance(room.admitted(), Paced)


def test_a_call_that_waits_for_a_runner_does_not_hold_up_those_of_other_agents(room: Room) -> None:
    room.queued("call_0", eligible_at=NOW - 10, created_at=NOW - 10)
    room.calls.queued("call_1", agent_id="AGENT_2")
    assert room.claimed().call_id == "call_1"


def test_where_no_runner_came_for_an_hour_the_call_ends_and_says_so(room: Room) -> None:
    room.registers(seen_at=NOW - 1_800_000)
    room.queued()
    room.calls.clock.move(NO_AGENT_S - 1)
    room.admitted()
    assert room.calls.call().state is State.QUEUED
    room.calls.clock.move(1)
    room.admitted()
    assert room.calls.call().end_reason is EndReason.NO_AGENT_AVAILABLE


def test_a_call_that_expires_before_a_runner_comes_waited_for_its_agent(room: Room) -> None:
    room.queued(expires_at=NOW + 60_000, due_at=NOW + 60_000)
    room.admitted()
    room.calls.clock.move(61)
    room.calls.sweep()
    assert room.calls.call().end_reason is EndReason.NO_AGENT_AVAILABLE


def test_runners_that_are_merely_busy_are_waited_for_without_an_end(room: Room) -> None:
    room.registers(places=1, in_use=1)
    room.queued()
    room.calls.clock.move(2 * NO_AGENT_S)
    room.registers(places=1, in_use=1, seen_at=room.calls.clock())
    room.admitted()
    assert room.calls.call().state is State.QUEUED


# --- the speech worker is there when its brain is --------------------------------------------------------------------


def test_a_speech_worker_in_the_room_is_not_there_before_it_says_so(room: Room) -> None:
    room.registers()
    room.queued()
    room.calls.telephony.awaited = [AGENT_THERE]
    room.calls.ring()
    assert room.calls.telephony.dialed == [], "nobody is rung for a voice without a brain"
    assert room.calls.call().state is State.QUEUED
    assert room.in_use() == 0


def test_the_phone_rings_once_the_speech_worker_is_ready(room: Room) -> None:
    room.registers()
    room.queued()
    room.calls.telephony.awaited = [AGENT_THERE]
    room.calls.telephony.before_dial = _says_that_it_is_ready(room)
    room.calls.ring()
    assert len(room.calls.telephony.dialed) == 1
    assert (room.calls.call().state, room.in_use()) == (State.ACTIVE, 1)


def test_a_dial_that_is_refused_gives_the_place_back(room: Room) -> None:
    room.registers()
    room.queued()
    room.calls.telephony.before_dial = _says_that_it_is_ready(room)
    room.calls.telephony.outcomes = [BUSY]
    room.calls.ring()
    assert (room.calls.call().end_reason, room.in_use()) == (EndReason.USER_BUSY, 0)


def _says_that_it_is_ready(room: Room) -> Callable[[Call], Awaitable[None]]:
    async def ready(call: Call) -> None:
        room.calls.progress.apply(ACCOUNT, call.call_id, AgentReady(room.calls.clock(), call.attempt, ()))

    return ready


# --- a call is handed on ---------------------------------------------------------------------------------------------


def test_a_call_that_is_handed_on_takes_the_new_place_and_gives_the_old_one_back(room: Room) -> None:
    room.registers("bot#1")
    room.queued()
    call = room.claimed()
    room.registers("bot#2")
    outcome = room.calls.progress.apply(ACCOUNT, call.call_id, RunnerGiven(room.calls.clock(), 1, "bot#2"))
    assert isinstance(outcome, Applied)
    assert (room.in_use("bot#1"), room.in_use("bot#2")) == (0, 1)


def test_a_call_is_not_handed_on_to_a_runner_without_a_place(room: Room) -> None:
    room.registers("bot#1")
    room.queued()
    call = room.claimed()
    room.registers("bot#2", places=1, in_use=1)
    given = RunnerGiven(room.calls.clock(), 1, "bot#2")
    assert isinstance(room.calls.progress.apply_to(call, given), PlaceTaken)
    assert (room.in_use("bot#1"), room.in_use("bot#2")) == (1, 1)
    assert room.calls.call().runner_id == "bot#1"


def test_a_caller_takes_a_place_without_a_line(room: Room) -> None:
    room.registers()
    call = room.calls.queued(brain="runner")
    ringing = replace(call, state=State.DIALING, attempt=1, version=2)
    assert room.calls.store.commit(call, ringing) is Committed.DONE
    room.calls.progress.apply(ACCOUNT, call.call_id, RunnerGiven(NOW, 1, "bot#1"))
    assert room.in_use() == 1


def test_a_canceled_call_gives_line_and_place_back_when_it_is_over(room: Room) -> None:
    room.registers()
    room.queued()
    call = room.claimed()
    room.calls.progress.apply(ACCOUNT, call.call_id, EndAsked(NOW, EndReason.API_HUNG_UP))
    assert room.in_use() == 1, "something of it may still live"
    room.calls.progress.apply(ACCOUNT, call.call_id, FoundOver(NOW, call.attempt))
    assert (room.in_use(), room.calls.in_use) == (0, 0)


def test_a_place_given_back_after_its_runners_row_is_gone_makes_no_runner(room: Room) -> None:
    room.registers()
    room.queued()
    call = room.claimed()
    key = {"pk": {"S": f"A#{ACCOUNT}#RUNNERS"}, "sk": {"S": "AGENT_1#R#bot#1"}}
    room.local.dynamodb.delete_item(TableName=room.local.table_name, Key=key)
    room.calls.progress.apply(ACCOUNT, call.call_id, FoundOver(NOW, call.attempt))
    assert room.calls.places.runners(ACCOUNT, "AGENT_1") == []
    assert room.calls.call().state is State.NOT_CONNECTED
