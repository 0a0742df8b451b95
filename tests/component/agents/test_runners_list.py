"""GET /v1/runners: who is there, and for how many calls."""

import json
from typing import Any

import pytest

from ringline.resources.runners import Runners
from ringline.runtime.clock import iso
from ringline.runtime.web.problems import Problem
from ringline.runtime.web.routes import Request
from tests.builders import ACCOUNT, NOW
from tests.component.agents.plane import AGENT, Plane, a_plane
from tests.component.one_table import LocalAws


@pytest.fixture
def plane(local: LocalAws) -> Plane:
    return a_plane(local)


def listed(plane: Plane, account_id: str = ACCOUNT, **query: str) -> list[dict[str, Any]]:
    answer = Runners(plane.registry, plane.pages, plane.calls.clock).list_them(Request(account_id, query, {}))
    rows: list[dict[str, Any]] = json.loads(answer.body or "")["data"]
    return rows


def test_a_runner_is_shown_with_its_places_and_its_last_beat(plane: Plane) -> None:
    connection = plane.joins("bot#1", max_concurrent=2, hostname="runner-1", region="eu", deployment="cloud")
    plane.claimed("bot#1")
    plane.beats(connection, active_jobs=1)
    plane.calls.clock.move(3.5)
    assert listed(plane) == [
        {
            "worker_id": "bot#1",
            "agent_id": AGENT,
            "pool": AGENT,
            "kind": "brain",
            "transport": "dial_out",
            "status": "live",
            "draining": False,
            "takes_calls": True,
            "max_concurrent": 2,
            "in_use": 1,
            "active_jobs": 1,
            "load": 0.5,
            "calls": ["call_1"],
            "has_capacity": True,
            "last_heartbeat_age_s": 3.5,
            "registered_at": iso(NOW),
            "hostname": "runner-1",
            "region": "eu",
            "deployment": "cloud",
        }
    ]


def test_a_full_runner_and_one_in_development_have_no_capacity(plane: Plane) -> None:
    plane.joins("bot#1", max_concurrent=1)
    plane.claimed("bot#1")
    plane.joins("bot#2", pool=f"{AGENT}@dev")
    assert [(row["has_capacity"], row["takes_calls"]) for row in listed(plane)] == [(False, True), (False, False)]


def test_a_runner_that_is_silent_drains_and_is_shown_as_long_as_calls_are_with_it(plane: Plane) -> None:
    plane.joins("bot#1")
    plane.joins("bot#2")
    plane.claimed("bot#1")
    seen = []
    for _ in range(2):
        plane.calls.clock.move(20)
        seen.append([(row["worker_id"], row["status"], row["draining"], row["has_capacity"]) for row in listed(plane)])
    assert seen == [
        [("bot#1", "overdue", True, False), ("bot#2", "overdue", True, False)],
        [("bot#1", "gone", True, False)],
    ]


def test_runners_of_one_agent_or_of_another_account_are_told_apart(plane: Plane) -> None:
    plane.joins("bot#1")
    assert len(listed(plane, agent_id=AGENT)) == 1
    assert listed(plane, agent_id="AGENT_11") == []
    assert listed(plane, account_id="acc_2") == []


def test_a_filter_that_means_nothing_is_refused(plane: Plane) -> None:
    with pytest.raises(Problem) as refused:
        listed(plane, agent="AGENT_1")
    assert refused.value.status == 422
