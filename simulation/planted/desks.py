"""Bugs on purpose where lines are kept for callers, others take them, or a server decides about them. As in `planted`:
each is put into the product for as long as its context lasts."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from ringline.calls.model.call import Call
from ringline.calls.signals import inbound_rows, seats
from ringline.calls.signals.decisions import Decide
from ringline.calls.tables.writes import companions
from ringline.calls.tables.writes.results import Gate
from ringline.routing.resolve import Route
from simulation.run.planted import Planting
from simulation.wired.front_desk import DecidingServers, Desk


@contextmanager
def reserve_not_kept() -> Iterator[None]:
    """Calls that go out take any line that is free."""
    free = property(lambda gate: gate.in_use < gate.cap)
    with (
        mock.patch.object(companions, "LINE_IS_NOT_RESERVED", "attribute_exists(cap)"),
        mock.patch.object(Gate, "has_free_line", free),
    ):
        yield


@contextmanager
def callers_line_taken_from_the_others() -> Iterator[None]:
    """A caller's line counts as one of those that calls which go out may use."""
    with mock.patch.object(companions, "_OF_CALLERS", "inbound_in_use :step"):
        yield


@contextmanager
def caller_held_to_the_reserve() -> Iterator[None]:
    """Callers are taken as long as calls that go out would be."""
    free = property(lambda gate: gate.in_use < (gate.cap if gate.outbound_cap is None else gate.outbound_cap))
    with mock.patch.object(Gate, "has_line_for_caller", free):
        yield


@contextmanager
def server_asked_again() -> Iterator[None]:
    """A server that has not answered in time is asked once more."""
    ask = DecidingServers.ask

    def again(servers: DecidingServers, *question: Any) -> dict[str, Any] | None:
        return ask(servers, *question) or ask(servers, *question)

    with mock.patch.object(DecidingServers, "ask", again):
        yield


@contextmanager
def decided_by_both() -> Iterator[None]:
    """What the server says counts, and then what the number says where none answers."""
    run = Decide.run

    def also(decide: Decide, call: Call, route: Route) -> tuple[Call, Route]:
        decided, other = run(decide, call, route)
        if route.dialed is None or route.dialed.decision_url is None:
            return decided, other
        return decide._by_default(decided, other, route.dialed)

    with mock.patch.object(Decide, "run", also):
        yield


@contextmanager
def passed_on_again() -> Iterator[None]:
    """The overflow passes a caller on to itself."""

    def twice(call: Call, what: str) -> Call:
        noted: Any = inbound_rows.noted_on_arrival(call, what)
        return inbound_rows.noted_on_arrival(noted, what) if what == "overflow" else noted

    with mock.patch.object(seats, "noted_on_arrival", twice):
        yield


@contextmanager
def caller_not_put_out() -> Iterator[None]:
    """Who is turned away on record hears it ring on."""
    with mock.patch.object(Desk, "close", lambda *_: None):
        yield


PLANTED_DESKS: dict[Planting, frozenset[str]] = {
    reserve_not_kept: frozenset({"reserve_taken"}),
    callers_line_taken_from_the_others: frozenset({"reserve_inexact"}),
    caller_held_to_the_reserve: frozenset({"turned_away_wrongly"}),
    server_asked_again: frozenset({"asked_twice"}),
    decided_by_both: frozenset({"decided_twice"}),
    passed_on_again: frozenset({"passed_on_twice"}),
    caller_not_put_out: frozenset({"left_ringing"}),
}
"""Each bug with the invariants that may be the first to show it."""
