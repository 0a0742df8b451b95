"""Watchers of the simulation: each finds what breaks its promise, and nothing in what keeps it. No world runs here."""

from copy import replace
from itertools import pairwise
from typing import Any

import pytest

from ringline.calls.model.call import Call, Direction, State
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.timing import ANSWER_MARGIN_S, DIAL_OUTCOME_MARGIN_S
from ringline.runtime.items import to_item
from ringline.runtime.table import GATE_SK, calls_pk, events_pk, gate_pk, queue_sk, sequence_sk
from ringline.webhooks.model.event_type import EventType
from simulation.actors.scene import Agent, Colleague, Leg, Room, Scene
from simulation.aws.rows import Rows
from simulation.kernel.chance import Chance, Faults
from simulation.kernel.world import World
from simulation.plan.drawing import make_plan
from simulation.plan.mortality import MORTALITY
from simulation.plan.runners import AGENT
from simulation.watch.book import CallBook, CallChange
from simulation.watch.calls.alone import NotLeftAlone
from simulation.watch.calls.callers import CallersAnswered
from simulation.watch.calls.company import Company
from simulation.watch.calls.ends import Ends
from simulation.watch.calls.mending import Mending, SweepRun
from simulation.watch.findings import Findings
from simulation.watch.lines.event_logs import EventLogs
from simulation.watch.lines.gates import Gates
from simulation.watch.lines.own_account import OwnAccountOnly
from simulation.watch.lines.paces import Paces
from simulation.watch.lines.places import Places
from tests.builders import a_call

ENDED: dict[str, Any] = {"end_reason": EndReason.USER_HUNG_UP_IN_CALL, "ended_at": 9_000}


@pytest.fixture
def world() -> World:
    chance = Chance(1)
    return World(chance, Faults(chance, 0, None), MORTALITY)


@pytest.fixture
def findings(world: World) -> Findings:
    return Findings(world)


def found(findings: Findings) -> str | None:
    return None if findings.first is None else findings.first.name


def a_change(before: Call | None, after: Call) -> CallChange:
    return CallChange(None, before, after)


@pytest.mark.parametrize(("in_use", "finding"), [(1, None), (0, "gate_inexact"), (2, "gate_inexact")])
def test_a_gate_counts_exactly_the_calls_on_a_line(findings: Findings, in_use: int, finding: str | None) -> None:
    rows, book, call = Rows(), CallBook(), a_call(State.ACTIVE)
    book.call_changed(a_change(None, call))
    key = gate_pk(call.account_id), GATE_SK
    rows.put(key, None, to_item({"pk": key[0], "sk": key[1], "in_use": in_use, "cap": 5}))
    Gates(findings, rows, book).accounts_changed([call.account_id])
    assert found(findings) == finding


@pytest.mark.parametrize(("was", "is_now", "finding"), [(2, 3, "over_cap"), (4, 3, None), (1, 2, None)])
def test_a_gate_lets_nobody_in_beyond_its_cap_but_may_be_over_one_that_sank(
    findings: Findings, was: int, is_now: int, finding: str | None
) -> None:
    before, after = (to_item({"in_use": in_use, "cap": 2}) for in_use in (was, is_now))
    Gates(findings, Rows(), CallBook()).gate_changed("acc_0", before, after)
    assert found(findings) == finding


@pytest.mark.parametrize(
    ("moments", "finding"),
    [
        ((0, 5_000, 5_500), None),
        ((0, 5_000, 5_100), "too_many_requests"),
        ((0, 5_000, 4_500), None),
        ((0, 5_000, 4_500, 4_000), "too_many_requests"),
        ((0, 5_000, 4_000), "too_many_requests"),
    ],
)
def test_livekits_turns_are_apart_and_only_one_that_was_taken_is_given_back(
    world: World, findings: Findings, moments: tuple[int, ...], finding: str | None
) -> None:
    requests_per_minute = 800
    paces = Paces(world, findings, Rows(), (), requests_per_minute)
    for was, now in pairwise(moments):
        before, after = (to_item({"next_at": at}) for at in (was, now))
        paces.livekits_turn_taken(None, before, after)
    assert found(findings) == finding


def test_a_queued_call_without_its_place_is_found(findings: Findings) -> None:
    call = a_call(State.QUEUED, due_at=5_000)
    places = Places(findings, Rows(), CallBook())
    places.place_changed(call.account_id, queue_sk(call.eligible_at, call.call_id), {})
    places.call_written(a_change(None, call))
    assert found(findings) is None
    places.call_written(a_change(call, replace(call, eligible_at=call.eligible_at + 1)))
    assert found(findings) == "not_in_queue"


def test_an_end_is_announced_once_and_not_before_it_came(findings: Findings) -> None:
    book = CallBook()
    ends, active = Ends(findings, book), a_call(State.ACTIVE)
    ended = replace(active, state=State.ENDED, **ENDED)
    book.call_changed(a_change(active, ended))
    ends.call_changed(a_change(active, ended))
    key = ended.account_id, ended.call_id
    ends.announced(key, EventType.CALL_ENDED, "msg_1")
    ends.announced(key, EventType.CALL_ENDED, "msg_1")
    told = replace(ended, due_at=None)
    book.call_changed(a_change(ended, told))
    ends.call_changed(a_change(ended, told))
    ends.at_the_end()
    assert found(findings) is None
    ends.announced(key, EventType.CALL_ENDED, "msg_2")
    ends.at_the_end()
    assert found(findings) == "not_announced"


@pytest.mark.parametrize(
    ("log", "finding"),
    [
        (["call.created", "call.ended"], None),
        (["call.ended", "", "call.active"], "event_log_gap"),
        (["call.ended", "call.ended"], "event_twice"),
        (["call.created"], "end_not_in_log"),
    ],
)
def test_an_end_is_one_event_in_a_log_without_gap(findings: Findings, log: list[str], finding: str | None) -> None:
    ended, book, rows = a_call(State.ENDED, **ENDED), CallBook(), Rows()
    book.call_changed(a_change(None, ended))
    for number, event_type in enumerate(log, start=1):
        key, named = (events_pk(ended.account_id), sequence_sk(number)), f"evt_{event_type}"
        row = {"pk": key[0], "sk": key[1], "event_id": named, "event_type": event_type, "call_id": ended.call_id}
        rows.put(key, None, to_item(row) if event_type else None)
    EventLogs(findings, rows, book).at_the_end()
    assert found(findings) == finding


def test_an_end_without_a_mark_before_it_is_announced_is_found(findings: Findings) -> None:
    active = a_call(State.ACTIVE)
    ended = replace(active, state=State.ENDED, **ENDED)
    ends = Ends(findings, CallBook())
    ends.call_changed(a_change(active, ended))
    assert found(findings) is None
    ends.call_changed(a_change(ended, replace(ended, due_at=None)))
    assert found(findings) == "mark_lost"


def test_a_call_that_ends_without_a_mark_is_found(findings: Findings) -> None:
    active = a_call(State.ACTIVE)
    Ends(findings, CallBook()).call_changed(a_change(active, replace(active, state=State.ENDED, **ENDED, due_at=None)))
    assert found(findings) == "end_unmarked"


def test_a_mark_that_is_left_behind_is_found(findings: Findings) -> None:
    book = CallBook()
    ends, active = Ends(findings, book), a_call(State.ACTIVE)
    ended = replace(active, state=State.ENDED, **ENDED)
    book.call_changed(a_change(active, ended))
    ends.call_changed(a_change(active, ended))
    ends.announced((ended.account_id, ended.call_id), EventType.CALL_ENDED, "msg_1")
    ends.at_the_end()
    assert found(findings) == "mark_left"


def test_an_end_that_changes_is_found(findings: Findings) -> None:
    ended = a_call(State.ENDED, **ENDED)
    ends = Ends(findings, CallBook())
    ends.call_changed(a_change(ended, replace(ended, version=ended.version + 1)))
    assert found(findings) is None
    ends.call_changed(a_change(ended, replace(ended, ended_at=9_001)))
    assert found(findings) == "end_changed"


def test_whoever_acts_for_an_account_touches_no_other(world: World, findings: Findings) -> None:
    watcher = OwnAccountOnly(world, findings)
    world.spawn("hook", "site", lambda: True, lambda _process, _well: None, account_id="acc_1")
    (world.current,) = world.living
    watcher.touched(calls_pk("acc_1"), "call_1")
    assert found(findings) is None
    watcher.touched(calls_pk("acc_11"), "call_1")
    assert found(findings) == "foreign_account"


def test_the_first_finding_is_kept(findings: Findings) -> None:
    findings.fail("first", "this")
    findings.fail("second", "that")
    assert found(findings) == "first"


def a_room(scene: Scene, call: Call, *agents: str) -> Room:
    name = call.room_name or ""
    room = scene.rooms[name] = Room(name, 0, empty_timeout=0, departure_timeout=0, since=0)
    for sid in agents:
        room.join(Agent(sid, 0, f"agent-{sid}"))
    return room


@pytest.mark.parametrize(("together_ms", "finding"), [(3_000, None), (3_001, "two_talked")])
def test_two_agents_in_one_room_are_found_where_nothing_goes_wrong(
    world: World, findings: Findings, together_ms: int, finding: str | None
) -> None:
    scene = Scene(world, {})
    room = a_room(scene, a_call(State.ACTIVE), "PA_1", "PA_2")
    scene.agents_changed(room)
    world.now += together_ms
    room.forget(room.agents[-1])
    scene.agents_changed(room)
    Company(findings, scene, calm=True).at_the_end()
    assert found(findings) == finding


@pytest.mark.parametrize(("is_there", "finding"), [(False, None), (True, "cut_off")])
def test_who_talks_with_a_colleague_is_not_ended_for_want_of_an_agent(
    world: World, findings: Findings, is_there: bool, finding: str | None
) -> None:
    scene, talking = Scene(world, {}), a_call(State.ACTIVE, agent_left_at=20_000)
    room = a_room(scene, talking)
    room.colleague = Colleague("PA_colleague") if is_there else None
    asked = replace(talking, end_asked_at=26_000, end_asked_reason=EndReason.AGENT_FAILED, version=4)
    Company(findings, scene, calm=False).call_changed(a_change(talking, asked))
    assert found(findings) == finding


@pytest.mark.parametrize(
    ("answered_at", "runners_agent", "finding"),
    [
        (9_000, None, None),
        (12_001, None, "caller_not_answered"),
        (None, None, "caller_not_answered"),
        (None, AGENT, None),
    ],
    ids=["soon", "late", "never", "for the runners to say"],
)
def test_a_caller_for_whom_there_is_an_agent_is_answered(
    world: World, findings: Findings, answered_at: int | None, runners_agent: str | None, finding: str | None
) -> None:
    scene = Scene(world, {})
    there = next(call for call in make_plan(3).calls if call.agent == "there")
    plan = replace(there, runners_agent=runners_agent)
    call = a_call(State.RINGING, created_at=0, inbound_room="in_1")
    scene.callers["in_1"] = Leg(call, plan, "PA_1", "SCL_1", answered_at=answered_at, over_at=60_000)
    CallersAnswered(findings, scene, CallBook(), calm=True).at_the_end()
    assert found(findings) == finding


def test_who_has_had_nobody_to_talk_to_for_long_is_found(world: World, findings: Findings) -> None:
    scene = Scene(world, {})
    talking = a_call(State.ACTIVE, direction=Direction.INBOUND, inbound_room="in_1", agent_left_at=0)
    plan = make_plan(3).calls[0]
    scene.callers["in_1"] = Leg(talking, plan, "PA_1", "SCL_1")
    scene.alone_since["in_1"] = 0
    world.now = 10_001
    ended = replace(talking, state=State.ENDED, **ENDED)
    NotLeftAlone(world, findings, scene, calm=True).call_changed(a_change(talking, ended))
    assert found(findings) == "left_alone"


def a_mending(world: World, findings: Findings, call: Call) -> tuple[Mending, CallBook]:
    book = CallBook()
    book.call_changed(a_change(None, call))
    return Mending(world, findings, Scene(world, {}), book), book


def well_ended(world: World, run: SweepRun) -> None:
    world.spawn("sweep", "sweep", lambda: True, run.ended)
    world.run(world.now + 1)


@pytest.mark.parametrize(("after_s", "finding"), [(89, None), (91, "mended_late")])
def test_a_call_is_late_that_is_mended_late_however_long_its_sweep_looks_after_others(
    world: World, findings: Findings, after_s: int, finding: str | None
) -> None:
    dialing = a_call(State.DIALING, dialed_at=world.now, ring_timeout_s=30)
    deadline = world.now + (30 + ANSWER_MARGIN_S + DIAL_OUTCOME_MARGIN_S) * 1000
    mending, book = a_mending(world, findings, dialing)
    world.now = deadline + 60_000
    run = mending.sweep_begins()
    world.now = deadline + after_s * 1000
    change = a_change(dialing, replace(dialing, state=State.NOT_CONNECTED, **ENDED))
    book.call_changed(change)
    mending.call_changed(change)
    world.now = deadline + 200_000
    well_ended(world, run)
    assert (found(findings), mending.late_ms) == (finding, [after_s * 1000])


@pytest.mark.parametrize(("after_s", "finding"), [(29, None), (31, "not_mended")])
def test_a_call_whose_phone_waits_for_the_agent_is_owed_its_end_when_the_agents_time_is_over(
    world: World, findings: Findings, after_s: int, finding: str | None
) -> None:
    since = world.now + 5_000
    waiting = a_call(State.DIALING, dialed_at=world.now, ring_timeout_s=5, awaits_agent_since=since)
    mending, _ = a_mending(world, findings, waiting)
    world.now = since + after_s * 1000
    well_ended(world, mending.sweep_begins())
    assert found(findings) == finding
