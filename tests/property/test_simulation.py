"""The simulation: clean worlds stay clean, every planted bug is caught, and a seed tells one story only."""

from collections import Counter
from copy import replace
from itertools import islice
from operator import attrgetter

import pytest

from simulation.aws import table
from simulation.aws.conditions import UnknownExpression, condition, updated
from simulation.plan.drawing import HOUR_MS, make_plan, plain_plan
from simulation.run.command import main
from simulation.run.episode import run_world
from simulation.run.shrink import shrunk
from tests.property.planted_worlds import BUGS, KINDS, shown, worlds, worlds_with, worlds_with_runners

_WORLDS = 12


def test_worlds_full_of_faults_break_no_invariant() -> None:
    calls, counts = 0, Counter[str]()
    for plan in islice(worlds(7), _WORLDS):
        ran = run_world(plan)
        assert ran.violation is None, f"world {plan.seed}: {ran.violation}"
        calls += ran.accepted
        counts += ran.counts
    assert calls > 1_000
    # What must have happened for the invariants to have been asked anything.
    assert all(counts[name] > 10 for name in ("crashes", "retries", "deferrals", "refused_for_room", "rests", "looks"))


@pytest.mark.parametrize(
    "world",
    [
        708632209066, 644746141533, 811824153935,
        853160905773, 65241891621, 929207660285, 205841224669, 315792620892, 622006594595,
        1061416532069, 507345083811, 253964352050, 780034753064,
        102991309591,
    ],
)  # fmt: skip
def test_a_world_that_once_broke_an_invariant_breaks_none(world: int) -> None:
    assert run_world(plain_plan(world)).violation is None


@pytest.mark.parametrize(
    "world",
    [
        519421236847, 88735778943, 857460715322, 189214220065, 520374386326, 891366041639,
        659621480257, 1088211543244, 953513415591, 644625310883, 820468438016,
        558451046403, 869536943220, 814799410053, 400699392512, 1012931420112, 31806806050,
        815052757879, 613769978589, 1025662326607, 841434994793,
        905196688936, 511920295564, 66535759783, 204086488971, 833744836304,
    ],
)  # fmt: skip
def test_a_world_of_today_that_once_broke_an_invariant_breaks_none(world: int) -> None:
    assert run_world(make_plan(world)).violation is None


@pytest.mark.parametrize("world", [338766066165, 831317896121, 801131470582, 178956890292])
def test_a_calm_world_with_runners_that_once_broke_an_invariant_breaks_none(world: int) -> None:
    assert run_world(replace(make_plan(world), scale=0.0, outages=())).violation is None


def test_worlds_in_which_calls_are_handed_over_break_no_invariant() -> None:
    counts = Counter[str]()
    for plan in islice(worlds_with(attrgetter("handovers"), 7), _WORLDS // 4):
        ran = run_world(plan)
        assert ran.violation is None, f"world {plan.seed}: {ran.violation}"
        counts += ran.counts
    assert all(counts[name] > 5 for name in ("targets_answered", "phones_sent_away", "agents_sent_for"))


def test_worlds_with_lines_for_callers_and_servers_that_decide_about_them_break_no_invariant() -> None:
    counts = Counter[str]()
    for plan in islice(worlds_with(attrgetter("desk"), 7), _WORLDS // 4):
        ran = run_world(plan)
        assert ran.violation is None, f"world {plan.seed}: {ran.violation}"
        counts += ran.counts
    assert all(counts[name] > 5 for name in ("decisions_asked", "callers_turned_away", "overflows"))


def test_worlds_with_callers_in_browsers_break_no_invariant() -> None:
    counts = Counter[str]()
    for plan in islice(worlds_with(attrgetter("browser"), 7), _WORLDS // 4):
        ran = run_world(plan)
        assert ran.violation is None, f"world {plan.seed}: {ran.violation}"
        counts += ran.counts
    assert all(counts[name] > 3 for name in ("browsers", "tokens_used_again", "browsers_turned_away"))


def test_worlds_with_runners_break_no_invariant() -> None:
    counts = Counter[str]()
    for plan in islice(worlds_with_runners(8), _WORLDS // 2):
        ran = run_world(plan)
        assert ran.violation is None, f"world {plan.seed}: {ran.violation}"
        counts += ran.counts
    assert all(counts[name] > 10 for name in ("bridges", "jobs_refused", "jobs_cancelled"))
    fates = ("runner_drops", "runner_dies", "runner_vanishes", "runner_drains")
    assert all(counts[name] > 0 for name in ("taken_over", *fates))


def test_no_two_planted_bugs_have_one_name() -> None:
    assert len(BUGS) == sum(len(kind.planted) for kind in KINDS.values())


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_caught(name: str) -> None:
    kind, planting = BUGS[name]
    ran = shown(name)
    assert ran is not None and ran.violation is not None, "nobody noticed"
    assert ran.violation.name in kind.planted[planting], ran.violation


@pytest.mark.parametrize(
    ("kind", "length_ms", "shown_by"),
    [
        ("relay_fails", 15 * 60_000, "relay_failures"),
        ("relay_away", HOUR_MS, "relay_failures"),
        ("relay_gone", 26 * HOUR_MS, "dead_lettered"),
        ("rows_unreadable", HOUR_MS, "parked"),
    ],
)
def test_every_end_is_told_once_however_long_nobody_reads_the_stream(kind: str, length_ms: int, shown_by: str) -> None:
    """From the beginning to long after the last end: by then the sweep alone has told of them."""
    plan = next(worlds(19))
    ran = run_world(replace(plan, scale=1.0, outages=((kind, 1, length_ms),)))
    assert ran.violation is None, ran.violation
    assert ran.counts[shown_by] > 10


def test_a_calm_world_ends_every_call_for_its_true_reason() -> None:
    for plan in islice(worlds(13), 3):
        assert run_world(replace(plan, scale=0.0, outages=())).violation is None


def test_a_seed_tells_the_same_story_each_time() -> None:
    plan = next(worlds(17))
    first, second = run_world(plan, tracing=True), run_world(plan, tracing=True)
    assert first.trace == second.trace
    assert len(first.trace) > 1_000


def test_rows_read_each_time_anew_tell_the_same_story(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = next(worlds(17))
    read_once = run_world(plan, tracing=True)
    monkeypatch.setattr(table, "kept", lambda item: item)
    assert run_world(plan, tracing=True).trace == read_once.trace


def test_the_last_line_counts_what_was_promised(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--calls", "120", "--seed", "7"]) == 0
    counts = dict(count.split("=") for count in capsys.readouterr().out.splitlines()[-1].split())
    assert list(counts) == [
        "calls", "events", "crashes", "lost", "double_dialled", "over_cap", "leaked", "violations"
    ]  # fmt: skip
    assert int(counts["calls"]) > 100
    assert int(counts["events"]) > 1_000
    assert all(counts[name] == "0" for name in list(counts)[3:])


def test_a_leaked_line_is_counted_and_its_world_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    _, planting = BUGS["slot_freed_outside_the_transaction"]
    with planting():
        assert main(["--calls", "120", "--seed", "11"]) == 1
    out = capsys.readouterr().out
    assert " leaked=1 violations=1" in out
    assert "gate_inexact" in out


def test_a_violation_is_shrunk_to_a_short_trace_that_shows_it() -> None:
    _, planting = BUGS["dial_repeated"]
    with planting():
        plan, ran = next((plan, ran) for plan in islice(worlds(14), 20) if (ran := run_world(plan)).violation)
        shortest = shrunk(plan, ran)
    assert shortest.violation is not None and shortest.violation.name == "rang_twice"
    assert (shortest.accepted, len(shortest.fired)) == (1, 1)
    assert len(shortest.trace) < 30


def test_a_condition_the_table_does_not_know_is_refused() -> None:
    with pytest.raises(UnknownExpression):
        condition("begins_with(sk, :prefix)")


def test_an_update_does_each_of_its_clauses_and_nothing_unknown() -> None:
    values = {":a": {"N": "-1"}, ":b": {"N": "5"}}
    assert updated({"x": {"N": "3"}}, "ADD x :a, y :b", {}, values) == {"x": {"N": "2"}, "y": {"N": "5"}}
    assert updated({"x": {"N": "3"}}, "SET #y = :b", {"#y": "y"}, values) == {"x": {"N": "3"}, "y": {"N": "5"}}
    assert updated({"x": {"N": "3"}, "z": {"N": "7"}}, "SET #y = :b REMOVE #z", {"#y": "y", "#z": "z"}, values) == {
        "x": {"N": "3"},
        "y": {"N": "5"},
    }
    for there in ({}, {"x": {"N": "5"}}):
        assert updated(there, "SET x = if_not_exists(x, :b)", {}, values) == {"x": {"N": "5"}}
    assert updated({}, "SET y = :b ADD x :a", {}, values) == {"x": {"N": "-1"}, "y": {"N": "5"}}
    first = {"x": {"N": "3"}, "l": {"L": [{"N": "1"}]}}
    assert updated(first, "SET x = #x - :b, y = x", {"#x": "x"}, values) == first | {"x": {"N": "-2"}, "y": {"N": "3"}}
    assert updated({}, "SET x = if_not_exists(y, :b) + :a", {}, values) == {"x": {"N": "4"}}
    more = {":l": {"L": [{"S": "a"}]}}
    assert updated(first, "SET l = list_append(l, :l)", {}, more)["l"] == {"L": [{"N": "1"}, {"S": "a"}]}
    for unknown in ("REMOVE x + y", "SET x = x + :a", "SET x = size(y)", "SET x = :unsaid"):
        with pytest.raises(UnknownExpression):
            updated({}, unknown, {}, values)
