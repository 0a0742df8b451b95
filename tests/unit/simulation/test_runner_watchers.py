"""Watchers of runners: each finds what breaks its promise, and nothing in what keeps it. No world runs here."""

import json
from dataclasses import replace
from typing import Any

import pytest

from ringline.calls.model.call import RUNNER, Call, State
from ringline.runtime.items import to_item
from ringline.runtime.table import assignments_pk, beat_sk, runner_sk, runners_pk
from simulation.actors.scene import Leg, Room, Scene
from simulation.aws.rows import Rows
from simulation.kernel.chance import Chance, Faults
from simulation.kernel.processes import Process
from simulation.kernel.world import World
from simulation.plan.drawing import make_plan
from simulation.plan.mortality import MORTALITY
from simulation.plan.runners import AGENT
from simulation.watch.book import CallBook, CallChange
from simulation.watch.findings import Findings
from simulation.watch.runners.brains import Brains
from simulation.watch.runners.frames import RunnerFrames
from simulation.watch.runners.places import RunnerPlaces
from tests.builders import a_call


@pytest.fixture
def world() -> World:
    chance = Chance(1)
    return World(chance, Faults(chance, 0, None), MORTALITY)


@pytest.fixture
def findings(world: World) -> Findings:
    return Findings(world)


def found(findings: Findings) -> str | None:
    return None if findings.first is None else findings.first.name


def thought_for_by(worker_id: str | None, **fields: Any) -> Call:
    return a_call(State.ACTIVE, agent_id=AGENT, brain=RUNNER, runner_id=worker_id, **fields)


# --- places ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("in_use", "places", "finding"), [(1, 2, None), (0, 2, "places_inexact"), (2, 2, "places_inexact")]
)
def test_a_runner_counts_exactly_the_calls_that_hold_a_place_of_its(
    findings: Findings, in_use: int, places: int, finding: str | None
) -> None:
    watcher, call = RunnerPlaces(findings), thought_for_by("bot#1")
    watcher.call_changed(CallChange(None, replace(call, runner_id=None), call))
    row = to_item({"in_use": in_use, "max_concurrent": places})
    watcher.runner_written(call.account_id, runner_sk(AGENT, "bot#1"), None, row)
    watcher.written()
    assert found(findings) == finding


@pytest.mark.parametrize(("was", "is_now", "finding"), [(2, 3, "over_places"), (4, 3, None), (1, 2, None)])
def test_a_runner_is_given_no_more_than_its_places_but_may_come_back_with_fewer(
    findings: Findings, was: int, is_now: int, finding: str | None
) -> None:
    watcher = RunnerPlaces(findings)
    for in_use, places in ((was, 9), (is_now, 2)):
        row = to_item({"in_use": in_use, "max_concurrent": places})
        watcher.runner_written("acc_0", runner_sk(AGENT, "bot#1"), None, row)
    assert found(findings) == finding


def test_a_place_that_nobody_holds_at_the_end_is_found(findings: Findings) -> None:
    watcher = RunnerPlaces(findings)
    watcher.runner_written("acc_0", runner_sk(AGENT, "bot#1"), None, to_item({"in_use": 1, "max_concurrent": 2}))
    watcher.at_the_end()
    assert found(findings) == "place_leaked"


# --- frames ----------------------------------------------------------------------------------------------------------


def a_sender(world: World) -> Process:
    process = world.spawn("brain", "site", lambda: True, lambda _process, _well: None, account_id="acc_0")
    world.current = process
    return process


def an_assign(job_id: str) -> str:
    return json.dumps({"type": "job.assign", "job_id": job_id})


@pytest.mark.parametrize(("silent_ms", "finding"), [(20_000, None), (20_031, "overdue_told")])
def test_a_frame_to_a_runner_that_was_seen_to_be_overdue_is_found(
    world: World, findings: Findings, silent_ms: int, finding: str | None
) -> None:
    rows, pk = Rows(), runners_pk("acc_0")
    beat = {"pk": pk, "sk": beat_sk(AGENT, "bot#1"), "connection_id": "C_1", "seen_at": world.now - silent_ms}
    rows.put((pk, str(beat["sk"])), None, to_item(beat))
    watcher, process = RunnerFrames(world, findings, rows, lambda _job: None), a_sender(world)
    watcher.runners_read(process, pk)
    # What becomes of it between the look and the frame nobody can know.
    world.now += 60_000
    watcher.sent(process, "C_1", json.dumps({"type": "job.cancel", "job_id": "call_1.1.1"}))
    assert found(findings) == finding


def test_an_assignment_that_is_not_written_or_is_sent_again_is_found(world: World) -> None:
    rows, pk = Rows(), assignments_pk("acc_0")
    unwritten, again = Findings(world), Findings(world)
    process = a_sender(world)
    RunnerFrames(world, unwritten, rows, lambda _job: None)._assigned("acc_0", "call_1.2.1")
    assert found(unwritten) == "assigned_unwritten"
    rows.put((pk, "call_1#2"), None, to_item({"sends": 1}))
    watcher = RunnerFrames(world, again, rows, lambda _job: None)
    watcher._assigned(process.account_id or "", "call_1.2.1")
    assert found(again) is None
    watcher._assigned("acc_0", "call_1.2.1")
    assert found(again) == "assigned_twice"


@pytest.mark.parametrize(
    ("given_to", "at_bridge", "known_for_ms", "finding"),
    [
        ("bot#2", "wss://a", 9_000, None),
        (None, "wss://a", 2_000, "cancelled_in_call"),
        (None, "wss://a", 1_999, None),
        ("bot#2", "wss://b", 0, "cancelled_in_call"),
    ],
    ids=["for another", "for nobody", "for one that has just refused", "for another at another bridge"],
)
def test_a_job_that_is_ended_in_its_call_for_nobody_else_at_its_bridge_is_found(
    world: World, findings: Findings, given_to: str | None, at_bridge: str, known_for_ms: int, finding: str | None
) -> None:
    rows, pk = Rows(), assignments_pk("acc_0")
    row = {"sends": 1, "worker_id": given_to, "bridge_url": at_bridge, "changed_at": world.now - known_for_ms}
    rows.put((pk, "call_1#2"), None, to_item(row))
    RunnerFrames(world, findings, rows, lambda _job: "wss://a")._cancelled("acc_0", "call_1.2.1")
    assert found(findings) == finding


# --- who thinks ------------------------------------------------------------------------------------------------------


class Bot:
    def __init__(self, worker_id: str) -> None:
        self.worker_id = worker_id

    def bridge_closed(self, job_id: str) -> None: ...


def brains_of(world: World, findings: Findings, call: Call) -> tuple[Brains, Room]:
    book = CallBook()
    book.call_changed(CallChange(None, None, call))
    watcher = Brains(world, findings, Scene(world, {}), Rows(), book, calm=True)
    return watcher, Room(call.room_name or "", 0, empty_timeout=0, departure_timeout=0, since=0)


@pytest.mark.parametrize(("together_ms", "finding"), [(3_000, None), (3_001, "two_brains")])
def test_two_runners_that_think_for_one_call_are_found(
    world: World, findings: Findings, together_ms: int, finding: str | None
) -> None:
    watcher, room = brains_of(world, findings, thought_for_by("bot#1"))
    watcher.greeted(room, "wss://one", Bot("bot#1"), "job")
    watcher.greeted(room, "wss://two", Bot("bot#2"), "job")
    world.now += together_ms
    watcher.gone("wss://two")
    assert found(findings) == finding


@pytest.mark.parametrize(("holder", "finding"), [("bot#1", None), ("bot#2", "brain_without_place")])
def test_a_runner_that_thinks_for_a_call_whose_place_is_anothers_is_found(
    world: World, findings: Findings, holder: str, finding: str | None
) -> None:
    watcher, room = brains_of(world, findings, thought_for_by(holder))
    watcher.greeted(room, "wss://one", Bot("bot#1"), "job")
    world.now += 5_001
    watcher.gone("wss://one")
    assert found(findings) == finding


def test_a_phone_that_rings_before_a_runner_thinks_for_its_call_is_found(world: World, findings: Findings) -> None:
    call = thought_for_by("bot#1")
    watcher, room = brains_of(world, findings, call)
    leg = Leg(call, make_plan(1).calls[0], "PA_1", "SCL_1")
    watcher.greeted(room, "wss://one", Bot("bot#1"), "job")
    watcher.invited(leg)
    assert found(findings) is None
    brains_of(world, findings, call)[0].invited(leg)
    assert found(findings) == "rang_without_brain"
