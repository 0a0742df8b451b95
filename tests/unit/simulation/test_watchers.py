"""Watchers of the simulation: each finds what breaks its promise, and nothing in what keeps it. No world runs here."""

from copy import replace
from typing import Any

import pytest

from ringline.calls.model.call import Call, State
from ringline.calls.model.reasons import EndReason
from ringline.runtime.items import to_item
from ringline.runtime.table import GATE_SK, calls_pk, gate_pk, queue_sk
from ringline.webhooks.model.event_type import EventType
from simulation.aws.rows import Rows
from simulation.kernel.chance import Chance, Faults
from simulation.kernel.world import World
from simulation.plan.mortality import MORTALITY
from simulation.watch.book import CallBook, CallChange
from simulation.watch.calls.ends import Ends
from simulation.watch.findings import Findings
from simulation.watch.lines.gates import Gates
from simulation.watch.lines.own_account import OwnAccountOnly
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
    ends.announced(key, EventType.CALL_END, "msg_1")
    ends.announced(key, EventType.CALL_END, "msg_1")
    ends.at_the_end()
    assert found(findings) is None
    ends.announced(key, EventType.CALL_END, "msg_2")
    ends.at_the_end()
    assert found(findings) == "not_announced"


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
