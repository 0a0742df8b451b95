"""Each kind of brain takes a call on the deployed stack."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from local.stack.record import Stack
from local.trips.runners import a_runner, running
from ringline.routing.records import Agent as AgentRecord
from ringline.routing.records import Pipe
from ringline.routing.store import RoutingStore
from ringline.runtime.ids import new_id
from tests.stack.callers import Customer, a_customer, a_quick_callee, emulator_client, until_over
from tests.stack.runners.runner_calls import LINES, Agent, a_talker, said_at

pytestmark = pytest.mark.anyio

REPLIES = [f"You said: {line}" for line in LINES]


@asynccontextmanager
async def an_endpoint() -> AsyncIterator[str]:
    """A customer's own, asked once a turn."""

    async def answer(request: web.Request) -> web.Response:
        return web.json_response({"text": f"You said: {(await request.json())['text']}"})

    application = web.Application()
    application.router.add_post("/turn", answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/turn"
    finally:
        await runner.cleanup()


def a_pipe(customer: Customer, **brain: Any) -> str:
    """A pipe with an agent of the brain. It calls from the stack's number, which a stack's first account owns."""
    routing = RoutingStore(emulator_client(customer.stack, "dynamodb"), customer.stack.table_name)
    agent_id = brain["brain"]
    routing.put_agent(customer.account_id, AgentRecord(agent_id=agent_id, name=agent_id, **brain))
    pipe = Pipe(pipe_id=new_id("pipe"), name=agent_id, agent_id=agent_id, number=customer.from_number)
    routing.put_pipe(customer.account_id, pipe)
    return pipe.pipe_id


async def test_each_kind_of_brain_takes_a_call(stack: Stack) -> None:
    customer, agent = a_customer(stack), Agent()
    runner = a_runner(customer, customer.runner_agent_id, agent.answer)
    async with (
        an_endpoint() as url,
        running(customer, runner),
        customer.client() as client,
    ):
        pipes = {
            "livekit": customer.pipe_id,
            "runner": customer.runner_pipe_id,
            "endpoint": a_pipe(customer, brain="endpoint", endpoint_url=url, endpoint_kind="turn"),
            "prompt": a_pipe(customer, brain="prompt", prompt="Be kind."),
        }
        numbers = {kind: await a_talker(stack) for kind in pipes}
        # An agent of one's own speaks sound, and so not to a person of text.
        numbers["livekit"] = await a_quick_callee(stack)
        made = {
            kind: await client.calls.create(pipe_id=pipe_id, to_number=numbers[kind]) for kind, pipe_id in pipes.items()
        }
        ended = {kind: (await until_over(client, call.call_id))[0] for kind, call in made.items()}
        await agent.next_end()
    assert {kind: (call.status, call.end_reason) for kind, call in ended.items()} == dict.fromkeys(
        pipes, ("completed", "USER_HUNG_UP_IN_CALL")
    )
    for kind in ("runner", "endpoint", "prompt"):
        (talk,) = await said_at(stack, numbers[kind])
        assert [text for who, text in talk if who == "agent"] == REPLIES, kind
