"""Calls on the deployed stack whose agent is a runner on the official SDK."""

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import AbstractAsyncContextManager, ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.stack.record import Stack
from local.stack.seed import RUNNER_NUMBER
from local.tools.places import ROOT
from local.tools.processes import Child
from local.trips.runners import a_runner, runner_process, running, until_runners
from tests.stack.callers import PATIENCE_S, Customer, a_customer, eventually, phones, rung, until, until_over
from tests.stack.runners.runner_calls import LINES, Agent, a_talker, said_at

START_EVERY_S = 1.0
"""The calls of a crowd begin one after the other, and with them the functions' processes."""

pytestmark = pytest.mark.anyio


def of(customer: Customer) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=customer.base_url, headers={"Authorization": f"Bearer {customer.api_key}"}, timeout=PATIENCE_S
    )


def answering(whose: Customer | Stack, agent: Agent) -> AbstractAsyncContextManager[object]:
    """The agent's runner, registered."""
    return running(whose, a_runner(whose, whose.runner_agent_id, agent.answer))


async def warm(http: httpx.AsyncClient, *routes: str) -> None:
    """Has ten processes of each of the routes' functions start, as a stack has that was busy: one that starts takes
    seconds on a machine that has other things to do, and a lost call waits five for its next runner."""
    paths = [f"/v1/calls/call_0/{route}" for route in routes for _ in range(10)]
    answers = await asyncio.gather(*(http.post(path, timeout=PATIENCE_S) for path in paths))
    assert {answer.status_code for answer in answers} == {401}


async def all_talk(stack: Stack, number: str, calls: int) -> bool:
    talks = await said_at(stack, number)
    return len(talks) == calls and all(talks)


async def all_over(http: httpx.AsyncClient) -> list[dict[str, Any]] | None:
    """The account's calls once all are over. One look in a second tells of all of them."""
    await asyncio.sleep(1)
    calls: list[dict[str, Any]] = (await http.get("/v1/calls")).json()["data"]
    return calls if all(call["end_reason"] for call in calls) else None


def whole_talk(lines: tuple[str, ...] = LINES) -> list[tuple[str, str]]:
    return [said for line in lines for said in (("user", line), ("agent", f"You said: {line}"))]


async def test_a_call_talks_three_turns_with_the_official_runner(stack: Stack) -> None:
    customer, agent = a_customer(stack), Agent()
    number = await a_talker(stack)
    async with (
        answering(customer, agent),
        customer.client() as client,
    ):
        made = await client.calls.create(
            pipe_id=customer.runner_pipe_id, to_number=number, data={"customer": "C1"}, instructions="Be kind."
        )
        call, _ = await until_over(client, made.call_id)
        assert await agent.next_end() == (made.call_id, "USER_HUNG_UP_IN_CALL")
        (ctx,) = agent.contexts
        assert (await client.calls.get(ctx.call_id)).call_id == made.call_id
    assert (call.status, call.end_reason) == ("completed", "USER_HUNG_UP_IN_CALL")
    assert (ctx.agent_id, ctx.user_number, ctx.direction) == (customer.runner_agent_id, number, "outbound")
    assert (ctx.data["customer"], ctx.instructions) == ("C1", "Be kind.")
    assert await said_at(stack, number) == [whole_talk()]


async def test_who_interrupts_is_heard_and_the_runner_learns_what_they_had_heard(stack: Stack) -> None:
    customer, agent = a_customer(stack), Agent()
    number = await a_talker(stack, lines=["What do you have to say to me?"], interrupts_after_words=3)
    async with (
        answering(customer, agent),
        customer.client() as client,
    ):
        made = await client.calls.create(pipe_id=customer.runner_pipe_id, to_number=number)
        await until_over(client, made.call_id)
        await agent.next_end()
    (heard,) = agent.adapter.heard
    assert heard is not None
    assert "You said: What do you have to say to me?".startswith(heard.strip())
    assert agent.asked == ["What do you have to say to me?", "Wait, one moment."]


async def test_without_a_runner_nobody_is_rung_and_the_call_goes_as_soon_as_one_registers(stack: Stack) -> None:
    customer, agent = a_customer(stack), Agent()
    number = await a_talker(stack)
    async with customer.client() as client, of(customer) as http:
        made = await client.calls.create(pipe_id=customer.runner_pipe_id, to_number=number)

        async def is_blocked() -> bool:
            shown: dict[str, Any] = (await http.get(f"/v1/calls/{made.call_id}")).json()
            return bool(shown["queue"]["blocked_by"] == "agent")

        await eventually(is_blocked)
        assert await rung(stack, number) == []
        async with answering(customer, agent):
            await until(client, made.call_id, lambda call: call.status in ("ringing", "active"), within_s=30)
            call, _ = await until_over(client, made.call_id)
            assert (await agent.next_end())[1] == call.end_reason == "USER_HUNG_UP_IN_CALL"
    assert await said_at(stack, number) == [whole_talk()]


async def test_a_caller_talks_to_the_runner_and_their_hang_up_reaches_its_hook(stack: Stack) -> None:
    agent = Agent()
    caller = {"from": "+15550107777", "to": RUNNER_NUMBER, "person": {"lines": LINES, "hangs_up": True}}
    async with answering(stack, agent):
        await phones(stack, "POST", "inbound", caller)
        call_id, end_reason = await agent.next_end()
        (ctx,) = agent.contexts
    assert (end_reason, ctx.direction, ctx.user_number) == ("USER_HUNG_UP_IN_CALL", "inbound", caller["from"])
    async with httpx.AsyncClient(
        base_url=stack.base_url, headers={"Authorization": f"Bearer {stack.api_key}"}, timeout=PATIENCE_S
    ) as http:
        shown = (await http.get(f"/v1/calls/{call_id}")).json()
    assert (shown["direction"], shown["end_reason"], shown["to_number"]) == ("inbound", end_reason, RUNNER_NUMBER)
    assert agent.asked == [*LINES]


async def test_a_runner_that_is_killed_in_the_middle_of_ten_calls_loses_none(stack: Stack, tmp_path: Path) -> None:
    customer, lines = a_customer(stack, cap=10), [f"This is line {line} of mine." for line in range(8)]
    number = await a_talker(stack, lines=lines)
    command = ["-m", "examples.echo_runner", customer.runner_agent_id]
    with (
        runner_process(customer, "first", command, tmp_path) as first,
        runner_process(customer, "second", command, tmp_path),
    ):
        await until_runners(customer, customer.runner_agent_id, 2)
        async with customer.client() as client, of(customer) as http:
            await warm(http, "brain", "agent-events")
            for _ in range(10):
                await client.calls.create(pipe_id=customer.runner_pipe_id, to_number=number)
                await asyncio.sleep(START_EVERY_S)
            await eventually(lambda: all_talk(stack, number, calls=10))
            os.kill(first.pid, signal.SIGKILL)
            ended = await eventually(lambda: all_over(http), within_s=150)
    assert [(call["status"], call["end_reason"]) for call in ended] == [("completed", "USER_HUNG_UP_IN_CALL")] * 10
    talks = await said_at(stack, number)
    assert len(talks) == 10, "each rang once"
    for talk in talks:
        said = [text for _, text in talk]
        assert [said.count(f"You said: {line}") for line in lines] == [1] * len(lines), said
    taken = [(tmp_path / f"{name}.log").read_text().count("handshake complete") for name in ("first", "second")]
    assert (taken[0] > 0, sum(taken) == 10 + taken[0]) == (True, True), "the second went on with all of the first's"


async def test_a_rolling_restart_of_the_runners_under_load_loses_no_call(stack: Stack, tmp_path: Path) -> None:
    """As a deploy does it: the next one comes, then one of the old is told to end, which ends it at once."""
    customer, lines = a_customer(stack, cap=4), [f"This is line {line} of mine." for line in range(8)]
    number = await a_talker(stack, lines=lines)
    command = ["-m", "examples.echo_runner", customer.runner_agent_id]
    names = ("old-1", "old-2", "new-1", "new-2")
    async with customer.client() as client, of(customer) as http:
        with ExitStack() as running_ones:

            def comes(name: str) -> Child:
                return running_ones.enter_context(runner_process(customer, name, command, tmp_path))

            old = [comes("old-1"), comes("old-2")]
            await until_runners(customer, customer.runner_agent_id, 2)
            await warm(http, "brain", "agent-events")
            for _ in range(4):
                await client.calls.create(pipe_id=customer.runner_pipe_id, to_number=number)
                await asyncio.sleep(START_EVERY_S)
            await eventually(lambda: all_talk(stack, number, calls=4))
            for name, leaving in zip(("new-1", "new-2"), old, strict=True):
                comes(name)
                await until_runners(customer, customer.runner_agent_id, 3)
                os.kill(leaving.pid, signal.SIGTERM)
                await asyncio.sleep(START_EVERY_S)
            ended = await eventually(lambda: all_over(http), within_s=150)
    assert [(call["status"], call["end_reason"]) for call in ended] == [("completed", "USER_HUNG_UP_IN_CALL")] * 4
    talks = await said_at(stack, number)
    assert len(talks) == 4, "each rang once"
    for talk in talks:
        said = [text for _, text in talk]
        assert [said.count(f"You said: {line}") for line in lines] == [1] * len(lines), said
    taken = {name: (tmp_path / f"{name}.log").read_text().count("handshake complete") for name in names}
    assert taken["new-1"] + taken["new-2"] >= 4, f"the new ones have all the calls at the end: {taken}"


async def test_a_call_is_typed_to_a_runner_through_a_pipe(stack: Stack) -> None:
    agent = Agent()
    async with answering(stack, agent):
        talk = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "local.trips.talk"],
            input="Is this a pipe?\n\nGood bye.\n",
            cwd=ROOT,
            env={**os.environ, "RINGLINE_STATE_DIR": str(Path(stack.log_dir).parent)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        _, end_reason = await agent.next_end()
    lines = [line.strip() for line in talk.stdout.splitlines()]
    assert talk.returncode == 0, talk.stderr
    assert [line for line in lines if not line.startswith("(")] == [
        "you: Is this a pipe?",
        "agent: You said: Is this a pipe?",
        "you: Good bye.",
        "agent: You said: Good bye.",
    ]
    assert lines[-1] == f"(completed: {end_reason})" == "(completed: USER_HUNG_UP_IN_CALL)"
