"""From pipe, agent and number of a request to the route of a call."""

from copy import replace
from dataclasses import dataclass, field
from typing import Any

import pytest

from ringline.routing.records import Agent, Brain, Number, Pipe, VoicemailWindows
from ringline.routing.resolve import OutboundRouting
from ringline.runtime.web.problems import Problem

ACCOUNT = "acct_1"
NUMBER = "+15550100000"
OTHER_NUMBER = "+15550100001"


@dataclass
class RecordsInMemory:
    """What one account has set up, and every read that was made."""

    pipes_by_id: dict[str, Pipe] = field(default_factory=dict)
    agents_by_id: dict[str, Agent] = field(default_factory=dict)
    numbers_by_e164: dict[str, Number] = field(default_factory=dict)
    reads: list[str] = field(default_factory=list)
    usual: str | None = None

    def pipe(self, account_id: str, pipe_id: str) -> Pipe | None:
        self.reads.append(f"pipe {pipe_id}")
        return self.pipes_by_id.get(pipe_id) if account_id == ACCOUNT else None

    def pipes(self, account_id: str, agent_id: str | None = None) -> list[Pipe]:
        self.reads.append(f"pipes of {agent_id}")
        mine = self.pipes_by_id.values() if account_id == ACCOUNT else []
        return [pipe for pipe in mine if agent_id in (None, pipe.agent_id)]

    def agent(self, account_id: str, agent_id: str) -> Agent | None:
        self.reads.append(f"agent {agent_id}")
        return self.agents_by_id.get(agent_id) if account_id == ACCOUNT else None

    def number(self, account_id: str, number: str) -> Number | None:
        self.reads.append(f"number {number}")
        return self.numbers_by_e164.get(number) if account_id == ACCOUNT else None

    def default_number(self, account_id: str) -> str | None:
        self.reads.append("default number")
        return self.usual if account_id == ACCOUNT else None

    def numbers(self, account_id: str) -> list[Number]:
        self.reads.append("numbers")
        return list(self.numbers_by_e164.values()) if account_id == ACCOUNT else []


def a_pipe(pipe_id: str = "pipe_1", **fields: Any) -> Pipe:
    usual = Pipe(pipe_id=pipe_id, name=pipe_id, agent_id="front-desk", number=NUMBER)
    return replace(usual, **fields)


def records(*pipes: Pipe, agents: tuple[Agent, ...] = (), numbers: tuple[Number, ...] = ()) -> RecordsInMemory:
    """With a row for each number that a pipe or an agent calls from."""
    callers: tuple[Pipe | Agent, ...] = (*pipes, *agents)
    called_from = [each.number for each in callers if each.number is not None]
    return RecordsInMemory(
        {pipe.pipe_id: pipe for pipe in pipes},
        {agent.agent_id: agent for agent in agents},
        {each: Number(number=each, number_id="num") for each in called_from}
        | {number.number: number for number in numbers},
    )


def test_no_call_goes_out_from_a_number_that_was_given_up() -> None:
    known = records(a_pipe())
    known.numbers_by_e164.clear()
    assert refused(known, pipe_id="pipe_1") == (422, "no_from_number", "from_number")
    assert refused(known, pipe_id="pipe_1", from_number=NUMBER) == (422, "unknown_from_number", "from_number")


def refused(records: RecordsInMemory, **request: str) -> tuple[int, str, str]:
    with pytest.raises(Problem) as problem:
        OutboundRouting(records).resolve(ACCOUNT, **request)
    return problem.value.status, problem.value.code, problem.value.errors[0].field


def test_a_pipe_says_everything_but_what_thinks_for_its_agent() -> None:
    pipe = a_pipe(
        trunk_id="ST_1",
        voice_profile_id="VP_1",
        recording=True,
        max_call_duration_s=600,
        ring_timeout_s=25,
        voicemail=VoicemailWindows(ring_min_s=3),
    )
    known = records(pipe)
    route = OutboundRouting(known).resolve(ACCOUNT, pipe_id="pipe_1")
    assert (route.pipe_id, route.agent_id, route.from_number, route.trunk_id) == (
        "pipe_1",
        "front-desk",
        NUMBER,
        "ST_1",
    )
    assert (route.voice_profile_id, route.recording, route.max_call_duration_s) == ("VP_1", True, 600)
    assert (route.ring_timeout_s, route.voicemail.ring_min_s) == (25, 3)
    assert known.reads == ["pipe pipe_1", "agent front-desk"]


@pytest.mark.parametrize("named", [{"pipe_id": "pipe_1"}, {"agent_id": "front-desk"}], ids=str)
def test_the_agents_brain_goes_with_the_call(named: dict[str, str]) -> None:
    agent = Agent(agent_id="front-desk", name="Front desk", brain=Brain.RUNNER)
    assert OutboundRouting(records(a_pipe(), agents=(agent,))).resolve(ACCOUNT, **named).brain == "runner"


def test_an_agent_that_speaks_for_itself_needs_no_brain_of_ours() -> None:
    known = records(a_pipe(), agents=(Agent(agent_id="front-desk", name="Front desk"),))
    assert OutboundRouting(known).resolve(ACCOUNT, pipe_id="pipe_1").brain is None


def test_the_agent_that_is_named_lends_its_brain_and_not_the_pipes() -> None:
    agents = (
        Agent(agent_id="front-desk", name="", brain=Brain.RUNNER),
        Agent(agent_id="sales", name="", brain=Brain.PROMPT),
    )
    route = OutboundRouting(records(a_pipe(), agents=agents)).resolve(ACCOUNT, pipe_id="pipe_1", agent_id="sales")
    assert route.brain == "prompt"


def test_an_agent_alone_speaks_through_its_pipe_found_by_one_query() -> None:
    known = records(a_pipe(), a_pipe("pipe_2", agent_id="sales"))
    route = OutboundRouting(known).resolve(ACCOUNT, agent_id="sales")
    assert (route.pipe_id, route.agent_id) == ("pipe_2", "sales")
    assert known.reads == ["pipes of sales", "agent sales", f"number {NUMBER}"]


def test_of_an_agents_pipes_the_oldest_with_a_number_is_taken() -> None:
    known = records(a_pipe("pipe_1", number=None), a_pipe("pipe_3"), a_pipe("pipe_2"))
    assert OutboundRouting(known).resolve(ACCOUNT, agent_id="front-desk").pipe_id == "pipe_2"


def test_an_agent_beats_the_pipe_which_lends_number_and_limits() -> None:
    known = records(
        a_pipe(max_call_duration_s=60), agents=(Agent(agent_id="sales", name="Sales", number=OTHER_NUMBER),)
    )
    route = OutboundRouting(known).resolve(ACCOUNT, pipe_id="pipe_1", agent_id="sales")
    assert (route.pipe_id, route.agent_id, route.from_number) == ("pipe_1", "sales", NUMBER)
    assert route.max_call_duration_s == 60


def test_naming_the_pipes_own_agent_costs_no_query() -> None:
    known = records(a_pipe())
    assert OutboundRouting(known).resolve(ACCOUNT, pipe_id="pipe_1", agent_id="front-desk").agent_id == "front-desk"
    assert known.reads == ["pipe pipe_1", "agent front-desk", f"number {NUMBER}"]


def test_an_agent_without_a_pipe_calls_from_its_own_number() -> None:
    agent = Agent(agent_id="sales", name="Sales", number=NUMBER, trunk_id="ST_2", max_call_duration_s=90)
    route = OutboundRouting(records(agents=(agent,))).resolve(ACCOUNT, agent_id="sales")
    assert (route.pipe_id, route.agent_id, route.from_number, route.trunk_id) == (None, "sales", NUMBER, "ST_2")
    assert route.max_call_duration_s == 90


def test_a_pipe_without_a_number_calls_from_its_agents() -> None:
    known = records(a_pipe(number=None), agents=(Agent(agent_id="front-desk", name="", number=OTHER_NUMBER),))
    assert OutboundRouting(known).resolve(ACCOUNT, pipe_id="pipe_1").from_number == OTHER_NUMBER


def test_a_requested_number_of_the_account_goes_out_on_its_own_trunk() -> None:
    known = records(a_pipe(trunk_id="ST_1"), numbers=(Number(number=OTHER_NUMBER, number_id="num_2", trunk_id="ST_2"),))
    route = OutboundRouting(known).resolve(ACCOUNT, pipe_id="pipe_1", from_number=OTHER_NUMBER)
    assert (route.from_number, route.trunk_id) == (OTHER_NUMBER, "ST_2")


def test_a_number_without_a_trunk_goes_out_on_the_pipes() -> None:
    known = records(a_pipe(trunk_id="ST_1"), numbers=(Number(number=OTHER_NUMBER, number_id="num_2"),))
    assert OutboundRouting(known).resolve(ACCOUNT, pipe_id="pipe_1", from_number=OTHER_NUMBER).trunk_id == "ST_1"


def test_requesting_the_number_of_a_pipe_with_a_trunk_needs_no_look_at_the_number() -> None:
    known = records(a_pipe(trunk_id="ST_1"))
    assert OutboundRouting(known).resolve(ACCOUNT, pipe_id="pipe_1", from_number=NUMBER).from_number == NUMBER
    assert known.reads == ["pipe pipe_1", "agent front-desk"]


def test_neither_pipe_nor_agent_is_refused() -> None:
    assert refused(records()) == (422, "no_pipe_or_agent", "pipe_id")


@pytest.mark.parametrize("pipe_id", ["pipe_9", "pipe/1", "", "x" * 200])
def test_an_unknown_pipe_is_refused(pipe_id: str) -> None:
    assert refused(records(a_pipe()), pipe_id=pipe_id) == (422, "unknown_pipe", "pipe_id")


@pytest.mark.parametrize("agent_id", ["nobody", "no body", "", "x" * 200])
def test_an_unknown_agent_is_refused(agent_id: str) -> None:
    assert refused(records(a_pipe()), agent_id=agent_id) == (422, "unknown_agent", "agent_id")


def test_an_unknown_agent_is_refused_even_with_a_good_pipe() -> None:
    assert refused(records(a_pipe()), pipe_id="pipe_1", agent_id="nobody") == (422, "unknown_agent", "agent_id")


@pytest.mark.parametrize("from_number", [OTHER_NUMBER, "5550100000", "", "+1 555 010 0000"])
def test_a_from_number_that_is_none_of_the_accounts_is_refused(from_number: str) -> None:
    request = {"pipe_id": "pipe_1", "from_number": from_number}
    assert refused(records(a_pipe()), **request) == (422, "unknown_from_number", "from_number")


def test_no_number_anywhere_is_refused() -> None:
    assert refused(records(a_pipe(number=None)), pipe_id="pipe_1") == (422, "no_from_number", "from_number")


def test_where_nothing_says_the_accounts_usual_number_calls_while_it_is_the_accounts() -> None:
    usual = records(a_pipe(number=None), a_pipe("pipe_2"), numbers=(Number(number=OTHER_NUMBER, number_id="num_2"),))
    usual.usual = OTHER_NUMBER
    assert OutboundRouting(usual).resolve(ACCOUNT, pipe_id="pipe_1").from_number == OTHER_NUMBER
    # A pipe that names a number calls from that one or not at all.
    del usual.numbers_by_e164[NUMBER]
    assert refused(usual, pipe_id="pipe_2") == (422, "no_from_number", "from_number")
    usual.numbers_by_e164.clear()
    assert refused(usual, pipe_id="pipe_1") == (422, "no_from_number", "from_number")


def test_another_accounts_pipe_is_unknown() -> None:
    with pytest.raises(Problem) as problem:
        OutboundRouting(records(a_pipe())).resolve("acct_2", pipe_id="pipe_1")
    assert problem.value.code == "unknown_pipe"
