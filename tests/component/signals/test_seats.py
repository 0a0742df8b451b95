"""Callers and an account's capacity: lines that are kept for them, caps, and who takes them where nobody is free."""

from typing import Any

import pytest

from ringline.accounts.store import AccountStore
from ringline.calls.capacity.counters import Kind, counter_name
from ringline.calls.model.call import Call, Direction, State
from ringline.calls.model.events import FoundOver
from ringline.calls.model.reasons import EndReason
from ringline.calls.outbound.admit import NoneAdmitted
from ringline.calls.progress.set_cap import SetCap
from ringline.calls.signals.seats import Seats
from ringline.calls.tables.inbound_rooms import Opened
from ringline.calls.tables.pages import CallPages
from ringline.calls.views.timeline import timeline
from ringline.routing.records import Agent, Number, Pipe
from ringline.routing.resolve import InboundRouting, Route
from tests.builders import ACCOUNT, NOW, a_call
from tests.component.calls_room import LOG, calls_room
from tests.component.one_table import LocalAws

DIALED = "+15550100900"


class House:
    def __init__(self, local: LocalAws) -> None:
        self.local = local
        self.calls = calls_room(local, cap=2)
        self.accounts = AccountStore(local.dynamodb, local.table_name)
        self.routes = InboundRouting(self.calls.routing)
        self.seats = Seats(
            rooms=self.calls.inbound_rooms,
            routing=self.routes,
            store=self.calls.store,
            counters=self.calls.counters,
            places=self.calls.places,
        )
        for agent_id in ("desk", "night"):
            self.calls.routing.put_agent(ACCOUNT, Agent(agent_id=agent_id, name=agent_id))
            self.calls.routing.put_pipe(ACCOUNT, Pipe(pipe_id=f"pipe_{agent_id}", name=agent_id, agent_id=agent_id))
        self.is_set_up()

    def is_set_up(self, **fields: Any) -> None:
        number = Number(number=DIALED, number_id="num_1", pipe_id="pipe_desk", **fields)
        self.calls.routing.put_number(ACCOUNT, number)

    def rings_in(self, name: str, **fields: Any) -> Call | None:
        route = self.routes.resolve(ACCOUNT, DIALED)
        assert route is not None
        return self.seats.open(_row(name, route, **fields), route)

    def taken(self, name: str, **fields: Any) -> Call:
        call = self.rings_in(name, **fields)
        assert call is not None and call.state is State.RINGING
        return call

    def ends(self, call: Call) -> None:
        self.calls.progress.apply(ACCOUNT, call.call_id, FoundOver(self.calls.clock(), call.attempt))

    def set_cap(self, kind: Kind, of: str, max_calls: int) -> None:
        calls = self.calls
        set_cap = SetCap(
            counters=calls.counters,
            pages=CallPages(self.local.dynamodb, self.local.table_name),
            progress=calls.progress,
            doorbell=calls.doorbell,
            clock=calls.clock,
            log=LOG,
        )
        set_cap.run(ACCOUNT, kind, of, max_calls)

    def in_use(self, kind: Kind, of: str) -> int:
        return self.calls.counters.look(ACCOUNT, counter_name(kind, of)).in_use


def _row(name: str, route: Route, **fields: Any) -> Call:
    known: dict[str, Any] = {
        "call_id": f"call_{name}",
        "direction": Direction.INBOUND,
        "from_number": "+15550107777",
        "to_number": DIALED,
        "agent_id": route.agent_id,
        "pipe_id": route.pipe_id,
        "brain": route.brain,
        "inbound_room": f"room_{name}",
        "sip_call_id": f"SCL_{name}",
        "caller_identity": f"sip_{name}",
        "dialed_at": NOW,
    }
    return a_call(State.RINGING, **known | fields)


@pytest.fixture
def house(local: LocalAws) -> House:
    return House(local)


def test_without_a_reserve_callers_hold_no_line_and_are_never_too_many(house: House) -> None:
    assert [house.taken(f"{n}").takes_line for n in range(3)] == [False] * 3
    assert house.calls.in_use == 0


def test_a_reserved_line_is_never_taken_by_a_call_that_goes_out(house: House) -> None:
    house.accounts.set_inbound_reserve(ACCOUNT, 1)
    house.calls.queued("call_1")
    house.calls.queued("call_2")
    assert isinstance(house.calls.next_call(ACCOUNT), Call)
    assert house.calls.next_call(ACCOUNT) is NoneAdmitted.GATE_FULL
    assert house.taken("a").takes_line
    assert house.calls.in_use == 2
    assert house.calls.next_call(ACCOUNT) is NoneAdmitted.GATE_FULL


def test_a_caller_uses_up_the_reserve_before_what_goes_out_has_to_wait(house: House) -> None:
    house.accounts.set_inbound_reserve(ACCOUNT, 1)
    house.taken("a")
    house.calls.queued("call_1")
    assert isinstance(house.calls.next_call(ACCOUNT), Call)
    assert house.calls.in_use == 2


def test_a_caller_gives_the_line_back_and_rings_for_who_waits(house: House) -> None:
    house.accounts.set_inbound_reserve(ACCOUNT, 0)
    callers = [house.taken("a"), house.taken("b")]
    house.calls.queued("call_1")
    assert house.calls.next_call(ACCOUNT) is NoneAdmitted.GATE_FULL
    rung = len(house.calls.doorbell.rings)
    house.ends(callers[0])
    assert len(house.calls.doorbell.rings) > rung
    assert isinstance(house.calls.next_call(ACCOUNT), Call)


def test_a_caller_for_whom_no_line_is_left_is_turned_away_and_the_row_says_why(house: House) -> None:
    house.accounts.set_inbound_reserve(ACCOUNT, 0)
    house.taken("a")
    house.taken("b")
    away = house.rings_in("c")
    assert away is not None
    assert (away.state, away.end_reason) == (State.NOT_CONNECTED, EndReason.NO_AGENT_AVAILABLE)
    assert [each["why"] for each in timeline(away) if each["what"] == "turned_away"] == ["gate"]
    assert house.calls.call("call_c") == away


def test_two_callers_who_saw_the_last_line_do_not_both_have_it(house: House) -> None:
    house.accounts.set_inbound_reserve(ACCOUNT, 0)
    house.taken("a")
    route = house.routes.resolve(ACCOUNT, DIALED)
    assert route is not None
    opened = [house.calls.inbound_rooms.open(_row(name, route, takes_line=True)) for name in ("b", "c")]
    assert opened == [Opened.OPENED, Opened.FULL]
    assert house.calls.store.get(ACCOUNT, "call_c") is None


def test_a_caller_who_is_told_of_twice_takes_one_line(house: House) -> None:
    house.accounts.set_inbound_reserve(ACCOUNT, 0)
    house.taken("a")
    assert house.rings_in("a") is None
    assert house.calls.in_use == 1


@pytest.mark.parametrize(
    ("kind", "of", "why"),
    [
        (Kind.AGENT, "desk", "agent_cap"),
        (Kind.PIPE, "pipe_desk", "pipe_cap"),
        (Kind.NUMBER, DIALED, "number_cap"),
    ],
)
def test_callers_count_under_caps_and_one_beyond_is_turned_away(house: House, kind: Kind, of: str, why: str) -> None:
    house.calls.counters.set_cap(ACCOUNT, kind, of, 1)
    first = house.taken("a")
    away = house.rings_in("b")
    assert away is not None and away.notes[-1].what == f"dial_1_turned_away: {why}"
    house.ends(first)
    assert house.in_use(kind, of) == 0
    house.taken("c")


@pytest.mark.parametrize("to", [{"overflow_pipe_id": "pipe_night"}, {"overflow_agent_id": "night"}])
def test_a_caller_for_whom_nobody_is_free_goes_on_to_the_overflow(house: House, to: dict[str, str]) -> None:
    house.is_set_up(**to)
    house.accounts.set_inbound_reserve(ACCOUNT, 0)
    house.calls.counters.set_cap(ACCOUNT, Kind.AGENT, "desk", 1)
    house.taken("a")
    over = house.taken("b")
    assert (over.agent_id, over.pipe_id, over.to_number) == ("night", "pipe_night", DIALED)
    assert not over.takes_line
    assert any(each["what"] == "overflow" for each in timeline(over))


def test_the_overflow_does_not_count_for_a_number_whose_cap_is_set_again(house: House) -> None:
    house.is_set_up(overflow_agent_id="night")
    house.set_cap(Kind.NUMBER, DIALED, 1)
    house.taken("a")
    assert house.taken("b").agent_id == "night"
    house.set_cap(Kind.NUMBER, DIALED, 2)
    assert house.in_use(Kind.NUMBER, DIALED) == 1
    assert house.taken("c").agent_id == "desk"


def test_a_number_may_overflow_to_another_of_the_account(house: House) -> None:
    other = Number(number="+15550100901", number_id="num_2", agent_id="night")
    house.calls.routing.put_number(ACCOUNT, other)
    house.is_set_up(overflow_number=other.number)
    house.calls.counters.set_cap(ACCOUNT, Kind.PIPE, "pipe_desk", 1)
    house.taken("a")
    assert house.taken("b").agent_id == "night"


def test_a_caller_is_passed_on_once_however_the_numbers_stand(house: House) -> None:
    """As an operator may have set them up: the API refuses a chain."""
    second, third = "+15550100901", "+15550100902"
    house.calls.routing.put_agent(ACCOUNT, Agent(agent_id="free", name="free"))
    house.is_set_up(overflow_number=second)
    for number, agent_id, other in ((second, "night", third), (third, "free", DIALED)):
        row = Number(number=number, number_id=number, agent_id=agent_id, overflow_number=other)
        house.calls.routing.put_number(ACCOUNT, row)
    for agent_id in ("desk", "night"):
        house.calls.counters.set_cap(ACCOUNT, Kind.AGENT, agent_id, 1)
    assert [house.taken(name).agent_id for name in "ab"] == ["desk", "night"]
    away = house.rings_in("c")
    assert away is not None and away.end_reason is EndReason.NO_AGENT_AVAILABLE


def test_an_overflow_that_is_full_too_turns_the_caller_away(house: House) -> None:
    house.is_set_up(overflow_agent_id="night")
    for agent_id in ("desk", "night"):
        house.calls.counters.set_cap(ACCOUNT, Kind.AGENT, agent_id, 1)
    house.taken("a")
    house.taken("b")
    away = house.rings_in("c")
    assert away is not None and away.end_reason is EndReason.NO_AGENT_AVAILABLE


def test_where_a_runner_has_no_place_the_overflow_takes_the_caller(house: House) -> None:
    house.calls.routing.put_agent(ACCOUNT, Agent(agent_id="desk", name="desk", brain="runner"))
    house.is_set_up(overflow_agent_id="night")
    assert house.taken("a").agent_id == "night"


def test_a_changed_cap_leaves_the_reserve_what_it_is(house: House) -> None:
    house.accounts.set_inbound_reserve(ACCOUNT, 1)
    first = house.taken("a")
    house.accounts.set_cap(ACCOUNT, 3)
    gate = house.calls.store.gate(ACCOUNT)
    assert (gate.cap, gate.inbound_reserve, gate.outbound_cap) == (3, 1, 3)
    house.ends(first)
    assert house.calls.store.gate(ACCOUNT).outbound_cap == 2


def test_a_reserve_that_is_taken_back_holds_nothing_up_and_lines_come_back(house: House) -> None:
    house.accounts.set_inbound_reserve(ACCOUNT, 1)
    first = house.taken("a")
    house.accounts.set_inbound_reserve(ACCOUNT, None)
    assert not house.taken("b").takes_line
    house.ends(first)
    gate = house.calls.store.gate(ACCOUNT)
    assert (gate.in_use, gate.inbound_reserve, gate.outbound_cap) == (0, None, 2)
    for n in range(2):
        house.calls.queued(f"call_{n}")
        assert isinstance(house.calls.next_call(ACCOUNT), Call)


def test_a_question_about_a_caller_is_asked_once_and_about_the_next_one_anew(house: House) -> None:
    route = house.routes.resolve(ACCOUNT, DIALED)
    assert route is not None
    rooms, first = house.calls.inbound_rooms, _row("a", route)
    assert [rooms.notes_question(first), rooms.notes_question(first)] == [True, False]
    next_in_the_room = _row("b", route, inbound_room=first.inbound_room)
    assert rooms.notes_question(next_in_the_room)
    assert rooms.open(first) is Opened.OPENED
