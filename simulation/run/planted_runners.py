"""Bugs on purpose where runners think for calls. As in `planted`: each is put into the product for as long as its
context lasts."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from copy import replace
from typing import Any
from unittest import mock

from ringline.agents import assign as assigning
from ringline.agents.assign import Assign
from ringline.agents.listen import Listen
from ringline.agents.model import presence
from ringline.agents.model.records import Assignment, Connection, Runner
from ringline.agents.sockets import Sent
from ringline.agents.tables.assignments import Assignments
from ringline.calls.model.call import Call
from ringline.calls.outbound import agent_first
from ringline.calls.tables.writes.companions import Companions
from ringline.calls.tables.writes.counting import Companion
from simulation.actors.livekit import Livekit
from simulation.run.planted import Planting


@contextmanager
def place_not_given_back() -> Iterator[None]:
    """A call that ends keeps its runner's place."""
    place = Companions._place

    def keeps(companions: Companions, before: Call, after: Call) -> Iterable[Companion]:
        return place(companions, before, after) if after.in_flight else ()

    with mock.patch.object(Companions, "_place", keeps):
        yield


@contextmanager
def place_not_taken() -> Iterator[None]:
    """A claim names its runner and takes no place."""
    place = Companions._place

    def takes_none(companions: Companions, before: Call, after: Call) -> Iterable[Companion]:
        return place(companions, before, after) if before.in_flight else ()

    with mock.patch.object(Companions, "_place", takes_none):
        yield


@contextmanager
def place_taken_unasked() -> Iterator[None]:
    """Whoever takes a place does not ask whether there is one: of two who saw the last one both have it."""
    place = Companions._place

    def unasked(companions: Companions, before: Call, after: Call) -> Iterable[Companion]:
        for companion in place(companions, before, after):
            companion.write["Update"].pop("ConditionExpression", None)
            yield companion

    with (
        mock.patch.object(Companions, "_place", unasked),
        mock.patch.object(Runner, "has_free_place", property(lambda _runner: True)),
    ):
        yield


@contextmanager
def place_left_with_the_one_before() -> Iterator[None]:
    """Another runner is given the call, and the place stays where it was."""

    def leaves(_assign: Assign, call: Call, runner: Runner) -> Call:
        return call if call.runner_id == runner.worker_id else replace(call, runner_id=runner.worker_id)

    with mock.patch.object(Assign, "_give_place", leaves):
        yield


@contextmanager
def assign_sent_before_its_row() -> Iterator[None]:
    """The frame goes out first, and what was sent is written behind it."""
    put, send = Assignments.put, Assign._send
    unwritten: list[tuple[Assignments, Assignment | None, Assignment]] = []

    def later(table: Assignments, before: Assignment | None, after: Assignment) -> bool:
        if after.worker_id is None or after.accepted_at is not None:
            return put(table, before, after)
        unwritten.append((table, before, after))
        return True

    def first(sender: Assign, call: Call, runner: Runner, assigned: Assignment) -> Sent:
        sent = send(sender, call, runner, assigned)
        for each in [each for each in unwritten if each[2] is assigned]:
            unwritten.remove(each)
            put(*each)
        return sent

    with (
        mock.patch.object(Assignments, "put", later),
        mock.patch.object(Assign, "_send", first),
        mock.patch.object(Assign, "_is_kept", lambda *_: True),
    ):
        yield


@contextmanager
def assigned_whoever_was_faster() -> Iterator[None]:
    """Whoever has decided sends, also where another has written the same meanwhile."""
    put = Assignments.put

    def anyhow(table: Assignments, before: Assignment | None, after: Assignment) -> bool:
        put(table, before, after)
        return True

    with mock.patch.object(Assignments, "put", anyhow), mock.patch.object(Assign, "_is_kept", lambda *_: True):
        yield


@contextmanager
def overdue_runner_told() -> Iterator[None]:
    """Whoever is connected is live, however long it has been silent."""

    def trusts(runner: Runner, _now: int) -> bool:
        return runner.heard_on == runner.connection_id

    with mock.patch.object(presence, "is_live", trusts), mock.patch.object(assigning, "is_live", trusts):
        yield


@contextmanager
def two_speech_workers_stay() -> Iterator[None]:
    """A speech worker that comes while another is there is left in the room, with a runner of its own."""
    with mock.patch.object(Livekit, "_removes", lambda *_: None):
        yield


@contextmanager
def bell_not_rung_on_registering() -> Iterator[None]:
    """Nobody is told that a runner is there from now on."""

    def is_silent(listen: Listen, connection: Connection, active_jobs: int) -> None:
        listen._registry.beat(connection, active_jobs)

    with mock.patch.object(Listen, "_beat", is_silent):
        yield


@contextmanager
def phone_rung_before_its_brain_is_there() -> Iterator[None]:
    """A speech worker in the room is taken for an agent that is ready."""
    with mock.patch.object(agent_first, "_is_there", lambda _call, agent: agent is not None):
        yield


@contextmanager
def lost_runner_asked_again() -> Iterator[None]:
    """A call that lost its runner is given to nobody else."""
    next_for = presence.next_for

    def the_same(*whose: Any, lost: str | None, **how: Any) -> Runner | None:
        found = next_for(*whose, lost=lost, **how)
        return None if lost is not None and found is not None and found.worker_id != lost else found

    with mock.patch.object(assigning, "next_for", the_same):
        yield


PLANTED_AMONG_RUNNERS: dict[Planting, frozenset[str]] = {
    place_not_given_back: frozenset({"places_inexact", "place_leaked"}),
    place_not_taken: frozenset({"places_inexact"}),
    place_taken_unasked: frozenset({"over_places"}),
    place_left_with_the_one_before: frozenset({"brain_without_place"}),
    assign_sent_before_its_row: frozenset({"assigned_unwritten", "assigned_twice"}),
    assigned_whoever_was_faster: frozenset({"assigned_twice", "assigned_unwritten"}),
    overdue_runner_told: frozenset({"overdue_told"}),
    two_speech_workers_stay: frozenset({"two_brains", "brain_without_place", "two_talked"}),
    bell_not_rung_on_registering: frozenset({"place_unused"}),
    phone_rung_before_its_brain_is_there: frozenset({"rang_without_brain"}),
    lost_runner_asked_again: frozenset({"not_taken_over"}),
}
"""Each bug with the invariants that may be the first to show it."""
