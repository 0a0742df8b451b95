"""A dialer learns when it is worth looking for the agent that it has dispatched."""

import random

import pytest

from ringline.calls.model.timing import AGENT_FIRST_LOOK_S, AGENT_LOOK_EVERY_S, AGENT_SECOND_LOOK_S, AGENT_SEEN_WITHIN_S
from ringline.calls.outbound.arrivals import Arrivals


def looks_for(arrivals: Arrivals, comes_after_s: float) -> tuple[int, float]:
    """How many looks find an agent that comes after so long, and for how long it was there unseen."""
    looks, waited_s = 1, arrivals.first_look_s
    while waited_s < comes_after_s:
        looks, waited_s = looks + 1, waited_s + (AGENT_SECOND_LOOK_S if looks == 1 else AGENT_LOOK_EVERY_S)
    arrivals.seen(looks, waited_s)
    return looks, waited_s - comes_after_s


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def test_at_first_everybody_is_looked_for_at_the_same_moment() -> None:
    assert Arrivals().first_look_s == AGENT_FIRST_LOOK_S


@pytest.mark.parametrize("usual_s", [(0.25, 0.45), (0.28, 0.38), (0.29, 0.29)])
def test_an_agent_costs_little_more_than_one_look_and_waits_less_than_a_tenth_of_a_second(
    usual_s: tuple[float, float],
) -> None:
    chance, arrivals = random.Random(7), Arrivals()
    found = [looks_for(arrivals, chance.uniform(*usual_s)) for _ in range(1000)][100:]
    assert mean([looks for looks, _ in found]) < 1.3
    assert mean([unseen_s for _, unseen_s in found]) < 0.1


def test_agents_that_take_equally_long_are_never_there_unseen_for_long() -> None:
    arrivals = Arrivals()
    unseen_s = [looks_for(arrivals, 0.29)[1] for _ in range(1000)][100:]
    assert max(unseen_s) <= AGENT_SECOND_LOOK_S + 0.01


def test_without_what_was_learned_an_agent_costs_more() -> None:
    chance = random.Random(7)
    looks = [looks_for(Arrivals(), chance.uniform(0.25, 0.45))[0] for _ in range(1000)]
    assert mean([*map(float, looks)]) > 1.5


def test_agents_that_are_very_slow_say_nothing_of_the_others() -> None:
    arrivals = Arrivals()
    for _ in range(100):
        arrivals.seen(20, 7.4)
    assert arrivals.first_look_s == AGENT_FIRST_LOOK_S


def test_the_first_look_stays_within_its_bounds() -> None:
    soonest, latest = Arrivals(), Arrivals()
    for _ in range(200):
        soonest.seen(1, 0.2)
        latest.seen(2, 0.6)
    assert (soonest.first_look_s, latest.first_look_s) == AGENT_SEEN_WITHIN_S
