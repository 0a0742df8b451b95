"""Functions that handle the same at once: one assignment goes out, and the call holds one place."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from tests.builders import ACCOUNT
from tests.component.agents.plane import AGENT, Plane, a_plane
from tests.component.one_table import LocalAws

AT_ONCE = 16


@pytest.fixture
def plane(local: LocalAws) -> Plane:
    return a_plane(local)


def all_at_once[T](act: Callable[[], T]) -> list[T]:
    together = Barrier(AT_ONCE)

    def act_together(_: int) -> T:
        together.wait()
        return act()

    with ThreadPoolExecutor(AT_ONCE) as threads:
        return list(threads.map(act_together, range(AT_ONCE)))


def in_use(plane: Plane) -> int:
    return sum(each.in_use for each in plane.registry.runners(ACCOUNT, AGENT))


@pytest.mark.parametrize("holder", ["bot#1", None], ids=["claimed with a place", "without one"])
def test_a_request_that_is_handled_many_times_at_once_is_one_assignment(plane: Plane, holder: str | None) -> None:
    for number in range(3):
        plane.joins(f"bot#{number}")
    plane.claimed(holder)
    answers: list[dict[str, Any]] = all_at_once(lambda: plane.asks(number=1))
    ((_, frame),) = plane.assigned
    assert Counter(answer["job_id"] for answer in answers) == {frame["job_id"]: AT_ONCE}
    assert in_use(plane) == 1


def test_a_refusal_that_is_heard_many_times_at_once_is_one_assignment_more(plane: Plane) -> None:
    for number in range(5):
        plane.joins(f"bot#{number}")
    plane.claimed("bot#0")
    plane.asks(number=1)
    refused = plane.assigned[0][1]
    all_at_once(lambda: plane.answers(refused, "of bot#0", accepted=False))
    assert len(plane.assigned) == 2
    assert len({frame["job_id"] for _, frame in plane.assigned}) == 2
    assert in_use(plane) == 1


def test_a_runner_that_registers_many_times_at_once_is_there_once(plane: Plane) -> None:
    plane.listen.connect("c1", ACCOUNT)
    all_at_once(lambda: plane.register("bot#1", "c1"))
    (runner,) = plane.registry.runners(ACCOUNT, AGENT)
    assert (runner.worker_id, runner.in_use) == ("bot#1", 0)
