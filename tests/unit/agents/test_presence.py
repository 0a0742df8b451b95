"""Who counts as there, and which runner is next."""

from typing import Any

import pytest

from ringline.agents.model.presence import Presence, is_live, last_seen, least_loaded, next_for, presence_of
from ringline.agents.model.records import Runner
from tests.builders import NOW, at


def a_runner(worker_id: str = "bot#1", **fields: Any) -> Runner:
    known: dict[str, Any] = {
        "agent_id": "bot",
        "worker_id": worker_id,
        "pool": "bot",
        "connection_id": "c1",
        "registered_at": NOW,
        "max_concurrent": 2,
        "heard_on": "c1",
        "seen_at": NOW,
    }
    return Runner(**known | fields)


def next_of(*runners: Runner, **wanted: Any) -> str | None:
    found = next_for(runners, at(1), **{"holder": None, "lost": None, "passed_over": ()} | wanted)
    return None if found is None else found.worker_id


@pytest.mark.parametrize(
    ("after_s", "presence"),
    [
        (0, Presence.LIVE),
        (19.999, Presence.LIVE),
        (20, Presence.OVERDUE),
        (29.999, Presence.OVERDUE),
        (30, Presence.GONE),
    ],
)
def test_a_runner_that_is_silent_is_overdue_after_two_beats_and_gone_after_three(
    after_s: float, presence: Presence
) -> None:
    assert presence_of(a_runner(), at(after_s)) is presence
    assert is_live(a_runner(), at(after_s)) is (presence is Presence.LIVE)


def test_a_runner_is_there_on_the_connection_that_it_registered_on() -> None:
    assert presence_of(a_runner(heard_on=None), NOW) is Presence.GONE, "its connection was closed"
    assert presence_of(a_runner(heard_on="c0"), NOW) is Presence.GONE, "it has not been told that it is registered"
    assert presence_of(a_runner(seen_at=None, heard_on=None), NOW) is Presence.GONE


def test_the_runner_is_taken_whose_places_are_least_taken() -> None:
    runners = [
        a_runner("bot#1", in_use=1, max_concurrent=2),
        a_runner("bot#2", in_use=3, max_concurrent=10),
        a_runner("bot#3", in_use=10, max_concurrent=10),
    ]
    found = least_loaded(runners, NOW)
    assert found is not None and found.worker_id == "bot#2"


@pytest.mark.parametrize(
    "fields",
    [{"in_use": 2}, {"max_concurrent": 0}, {"pool": "bot@dev"}, {"seen_at": at(-20)}, {"heard_on": None}],
    ids=str,
)
def test_a_runner_without_a_place_or_in_development_or_not_there_takes_no_call(fields: dict[str, Any]) -> None:
    assert least_loaded([a_runner(**fields)], NOW) is None
    assert next_of(a_runner(**fields | {"seen_at": fields.get("seen_at", at(1))})) is None


def test_the_runner_whose_place_the_call_has_comes_first_though_it_is_full() -> None:
    full, free = a_runner("bot#1", in_use=2), a_runner("bot#2")
    assert next_of(full, free) == "bot#2"
    assert next_of(full, free, holder="bot#1") == "bot#1"
    assert next_of(full, free, holder="bot#1", passed_over={"bot#1"}) == "bot#2"


def test_the_runner_that_was_lost_comes_last_and_is_taken_if_it_is_the_only_one() -> None:
    lost, other = a_runner("bot#1"), a_runner("bot#2", in_use=1)
    assert next_of(lost, other, holder="bot#1", lost="bot#1") == "bot#2"
    assert next_of(lost, holder="bot#1", lost="bot#1") == "bot#1"
    assert next_of(a_runner("bot#1", heard_on=None), holder="bot#1", lost="bot#1") is None


def test_a_busy_runner_was_seen_now_and_one_that_is_gone_when_it_was_heard_last() -> None:
    assert last_seen([], NOW) is None
    assert last_seen([a_runner(pool="bot@dev")], NOW) is None
    assert last_seen([a_runner(max_concurrent=0)], NOW) is None
    assert last_seen([a_runner(in_use=2)], at(5)) == at(5)
    gone = [a_runner(seen_at=at(-90)), a_runner("bot#2", seen_at=at(-60)), a_runner("bot#3", heard_on=None)]
    assert last_seen(gone[:2], NOW) == at(-60)
    assert last_seen(gone, at(40)) == NOW
