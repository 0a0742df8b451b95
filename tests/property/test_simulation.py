"""The simulation: clean worlds stay clean, every planted bug is caught, and a seed tells one story only."""

from dataclasses import replace

import pytest

from simulation.command import world_seeds
from simulation.conditions import UnknownExpression, condition
from simulation.episode import run_world
from simulation.plan import Plan, make_plan
from simulation.planted import PLANTED, Planting
from simulation.shrink import shrunk

_WORLDS = 12
_WORLDS_FOR_A_BUG = 20


def _worlds(seed: int, count: int) -> list[Plan]:
    return [make_plan(world) for world in list(world_seeds(seed, 1_000_000))[:count]]


def test_worlds_full_of_faults_break_no_invariant() -> None:
    calls = 0
    for plan in _worlds(seed=7, count=_WORLDS):
        ran = run_world(plan)
        assert ran.violation is None, f"world {plan.seed}: {ran.violation}"
        calls += ran.accepted
    assert calls > 1_000


@pytest.mark.parametrize("planting", PLANTED, ids=lambda planting: planting.__name__)
def test_a_planted_bug_is_caught(planting: Planting) -> None:
    for plan in _worlds(seed=11, count=_WORLDS_FOR_A_BUG):
        with planting():
            violation = run_world(plan).violation
        if violation is not None:
            assert violation.name in PLANTED[planting], violation
            return
    pytest.fail("nobody noticed")


def test_a_calm_world_ends_every_call_for_its_true_reason() -> None:
    for plan in _worlds(seed=13, count=3):
        assert run_world(replace(plan, scale=0.0, outages=())).violation is None


def test_a_seed_tells_the_same_story_each_time() -> None:
    (plan,) = _worlds(seed=17, count=1)
    first, second = run_world(plan, tracing=True), run_world(plan, tracing=True)
    assert first.trace == second.trace
    assert len(first.trace) > 1_000


def test_a_violation_is_shrunk_to_a_short_trace_that_shows_it() -> None:
    planting = next(each for each in PLANTED if each.__name__ == "dial_repeated")
    with planting():
        plan, ran = next((plan, ran) for plan in _worlds(seed=11, count=20) if (ran := run_world(plan)).violation)
        shortest = shrunk(plan, ran)
    assert shortest.violation is not None and shortest.violation.name == "rang_twice"
    assert (shortest.accepted, len(shortest.fired)) == (1, 1)
    assert len(shortest.trace) < 30


def test_a_condition_the_table_does_not_know_is_refused() -> None:
    with pytest.raises(UnknownExpression):
        condition("begins_with(sk, :prefix)")
