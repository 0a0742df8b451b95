"""From the number that a caller dialled to who takes the call."""

from typing import Any

import pytest

from ringline.routing.records import Agent, Brain, Number
from ringline.routing.resolve import InboundRouting, Route
from tests.unit.routing.test_resolve import ACCOUNT, NUMBER, RecordsInMemory, a_pipe, records

SALES = Agent(agent_id="sales", name="Sales", max_call_duration_s=90)


def attached(**to: Any) -> tuple[Number, ...]:
    return (Number(number=NUMBER, number_id="num_1", **to),)


def resolved(known: RecordsInMemory) -> Route | None:
    return InboundRouting(known).resolve(ACCOUNT, NUMBER)


def test_a_number_leads_to_its_pipes_agent_in_three_reads() -> None:
    known = records(a_pipe(ring_timeout_s=25, recording=True), numbers=attached(pipe_id="pipe_1"))
    route = resolved(known)
    assert route is not None
    assert (route.pipe_id, route.agent_id, route.from_number) == ("pipe_1", "front-desk", NUMBER)
    assert (route.ring_timeout_s, route.recording) == (25, True)
    assert known.reads == [f"number {NUMBER}", "pipe pipe_1", "agent front-desk"]


def test_a_caller_is_taken_by_the_brain_of_the_agent() -> None:
    runner = Agent(agent_id="front-desk", name="Front desk", brain=Brain.RUNNER)
    route = resolved(records(a_pipe(), agents=(runner,), numbers=attached(pipe_id="pipe_1")))
    assert route is not None
    assert route.brain == "runner"


def test_the_numbers_own_agent_speaks_with_the_pipes_limits() -> None:
    known = records(
        a_pipe(max_call_duration_s=60), agents=(SALES,), numbers=attached(pipe_id="pipe_1", agent_id="sales")
    )
    route = resolved(known)
    assert route is not None
    assert (route.pipe_id, route.agent_id, route.max_call_duration_s) == ("pipe_1", "sales", 60)


def test_a_number_of_an_agent_is_taken_through_the_agents_pipe() -> None:
    sales = a_pipe("pipe_2", agent_id="sales", voice_profile_id="VP_2")
    route = resolved(records(a_pipe(), sales, agents=(SALES,), numbers=attached(agent_id="sales")))
    assert route is not None
    assert (route.pipe_id, route.agent_id, route.voice_profile_id) == ("pipe_2", "sales", "VP_2")


def test_an_agent_without_a_pipe_takes_calls_with_its_own_limits() -> None:
    route = resolved(records(agents=(SALES,), numbers=attached(agent_id="sales")))
    assert route is not None
    assert (route.pipe_id, route.agent_id, route.max_call_duration_s) == (None, "sales", 90)


def test_a_pipe_that_is_gone_leaves_the_numbers_agent() -> None:
    route = resolved(records(agents=(SALES,), numbers=attached(pipe_id="pipe_9", agent_id="sales")))
    assert route is not None
    assert (route.pipe_id, route.agent_id) == (None, "sales")


@pytest.mark.parametrize(
    "numbers",
    [
        (),
        attached(),
        attached(pipe_id="pipe_9"),
        attached(agent_id="nobody"),
        attached(pipe_id="pipe_1", agent_id="nobody"),
    ],
    ids=["unknown", "attached to nothing", "pipe is gone", "agent is gone", "agent is gone, pipe is there"],
)
def test_a_number_may_lead_nowhere(numbers: tuple[Number, ...]) -> None:
    assert resolved(records(a_pipe(), numbers=numbers)) is None


def test_a_pipe_names_who_takes_its_callers_if_its_agent_does_not_come() -> None:
    pipe = a_pipe(fallback_agent_id="sales")
    route = resolved(records(pipe, agents=(SALES,), numbers=attached(pipe_id="pipe_1")))
    assert route is not None
    assert route.fallback == SALES


@pytest.mark.parametrize("named", ["front-desk", "nobody"])
def test_a_fallback_that_is_the_agent_itself_or_nobody_is_none(named: str) -> None:
    route = resolved(records(a_pipe(fallback_agent_id=named), numbers=attached(pipe_id="pipe_1")))
    assert route is not None
    assert route.fallback is None
