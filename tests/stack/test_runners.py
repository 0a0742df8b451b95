"""The official AgentRunner on the deployed stack: it registers through the front door, is shown, and gets calls."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from copy import replace
from typing import Any

import aiohttp
import pytest
import websockets
from unpod.connectivity.runner import AgentRunner, RunnerAuthError, _TransportRejected
from websockets.exceptions import InvalidStatus

from local.stack.record import Stack
from ringline.agents.model.presence import is_live
from ringline.agents.tables.registry import Registry
from ringline.calls.model.call import Call, State
from ringline.calls.model.events import Claimed
from ringline.calls.model.results import Moved
from ringline.calls.rules.lifecycle import apply
from ringline.routing.records import Agent
from ringline.routing.store import RoutingStore
from ringline.runtime.clock import MS_PER_S, now_ms
from ringline.runtime.ids import new_id
from ringline.telephony.agent_dispatch import call_token
from tests.builders import a_call
from tests.stack.callers import PATIENCE_S, Customer, a_customer, emulator_client, eventually, token_secret_of

pytestmark = pytest.mark.anyio

AGENT = "bot"


@pytest.fixture
def customer(stack: Stack) -> Customer:
    """A customer with an agent that has runners, and one that has none."""
    customer = a_customer(stack)
    routing = RoutingStore(emulator_client(stack, "dynamodb"), stack.table_name)
    routing.put_agent(customer.account_id, Agent(agent_id=AGENT, name="Bot", brain="runner"))
    return customer


def a_runner(customer: Customer, agent_id: str = AGENT, **options: Any) -> AgentRunner:
    """As a developer makes it, with the stack's one base URL in UNPOD_BASE_URL."""

    async def entrypoint(context: Any) -> None:
        await context.session.run()

    known = {"platform_token": customer.api_key, "org_handle": customer.org_handle}
    return AgentRunner(entrypoint, agent_id, **known | options)


@pytest.fixture(autouse=True)
def _base_url(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNPOD_BASE_URL", stack.base_url)
    monkeypatch.delenv("UNPOD_ORCHESTRATOR_URL", raising=False)


@asynccontextmanager
async def running(runner: AgentRunner) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(runner.run())
    try:
        yield task
    finally:
        task.cancel()
        jobs = list(runner._jobs.values())
        for job in jobs:
            job.cancel()
        await asyncio.gather(task, *jobs, return_exceptions=True)


async def shown(customer: Customer) -> list[dict[str, Any]]:
    headers = {"Authorization": f"Bearer {customer.api_key}"}
    async with aiohttp.ClientSession(headers=headers) as http:
        async with http.get(f"{customer.stack.base_url}/v1/runners") as answer:
            assert answer.status == 200
            rows: list[dict[str, Any]] = (await answer.json())["data"]
            return rows


async def registered(customer: Customer, *worker_ids: str) -> list[dict[str, Any]]:
    """The rows of the account's runners, as soon as these are live and no others."""

    async def look() -> tuple[list[dict[str, Any]]] | None:
        rows = await shown(customer)
        return (rows,) if {row["worker_id"] for row in rows if row["status"] == "live"} == set(worker_ids) else None

    (rows,) = await eventually(look)
    return rows


def registry_of(customer: Customer) -> Registry:
    return Registry(emulator_client(customer.stack, "dynamodb"), customer.stack.table_name, now_ms)


async def test_a_runner_registers_is_shown_and_is_gone_when_it_ends(customer: Customer) -> None:
    runner = a_runner(customer, max_concurrent_calls=7)
    async with running(runner):
        (row,) = await registered(customer, runner._worker_id)
        assert (row["agent_id"], row["max_concurrent"], row["has_capacity"]) == (AGENT, 7, True)
        assert row["last_heartbeat_age_s"] < 10
    await registered(customer)


@pytest.mark.parametrize("wrong", [{"platform_token": "sk_nobodys_key_that_is_long_enough"}, {"org_handle": "other"}])
async def test_a_wrong_token_or_organisation_ends_the_runner_with_a_clear_error(
    customer: Customer, wrong: dict[str, str]
) -> None:
    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(RunnerAuthError):
            await a_runner(customer, **wrong).run()


@pytest.mark.parametrize("agent_id", ["nobodys", "front-desk"])
async def test_an_agent_of_somebody_else_or_without_runners_ends_the_runner(customer: Customer, agent_id: str) -> None:
    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(_TransportRejected):
            await a_runner(customer, agent_id).run()
    assert await shown(customer) == []


async def test_a_runner_that_comes_back_replaces_itself(customer: Customer) -> None:
    runner = a_runner(customer)
    async with running(runner):
        await registered(customer, runner._worker_id)
        (before,) = registry_of(customer).runners(customer.account_id)
        emulator_client_of_connections(customer).delete_connection(ConnectionId=before.connection_id)

        async def again() -> bool:
            (now,) = registry_of(customer).runners(customer.account_id)
            return bool(now.connection_id != before.connection_id and is_live(now, now_ms()))

        assert await eventually(again, 15)
        await registered(customer, runner._worker_id)


async def test_a_call_is_assigned_to_the_runner_and_acknowledged(customer: Customer) -> None:
    runner = a_runner(customer)
    async with running(runner), a_bridge() as (url, dialled):
        await registered(customer, runner._worker_id)
        call = claimed(customer, runner._worker_id)
        answer = await ask(customer, call, 1, "join", url)
        assert (answer["result"], answer["worker_id"]) == ("assigned", runner._worker_id)
        token = await asyncio.wait_for(dialled, PATIENCE_S)
        assert token.count(".") == 2, "the runner has dialled with the token of its job"

        async def accepted() -> bool:
            return bool((await ask(customer, call, 2, "no_dial", url))["result"] == "wait")

        assert await eventually(accepted, 10)
        assert (await ask(customer, call, 1, "join", url))["job_id"] == answer["job_id"]
        assert [row["in_use"] for row in await shown(customer)] == [1]


async def test_a_runner_that_has_no_room_is_followed_by_the_next_at_once(customer: Customer) -> None:
    full, free = a_runner(customer), a_runner(customer)
    async with running(full), running(free), a_bridge() as (url, dialled):
        await registered(customer, full._worker_id, free._worker_id)
        full._max_concurrent = 0
        call = claimed(customer, full._worker_id)
        assert (await ask(customer, call, 1, "join", url))["worker_id"] == full._worker_id
        await asyncio.wait_for(dialled, PATIENCE_S)
        assert set(free._jobs) == {f"{call.call_id}.1.2"}
        in_use = {row["worker_id"]: row["in_use"] for row in await shown(customer)}
        assert in_use == {full._worker_id: 0, free._worker_id: 1}


async def test_a_draining_runner_gets_no_frame(customer: Customer) -> None:
    """Its beats have stopped, its socket is open. The official one would end its live calls with the next frame."""
    runner = a_runner(customer)
    async with running(runner), a_bridge() as (url, _):
        await registered(customer, runner._worker_id)
        runner._shutting_down = True

        async def is_silent() -> bool:
            """A beat that was under way has come by now, also on a busy machine."""
            (row,) = await shown(customer)
            return bool(row["last_heartbeat_age_s"] >= 3)

        await eventually(is_silent)
        silence(customer, runner._worker_id, for_s=21)
        call = claimed(customer, runner._worker_id)
        assert await ask(customer, call, 1, "join", url) == {
            "brain": "runner", "result": "none", "why": "no_runner", "again_in_s": 1.0,
        }  # fmt: skip
        (row,) = await shown(customer)
        assert (row["status"], row["draining"], row["has_capacity"]) == ("overdue", True, False)
        assert runner._jobs == {}


async def test_a_runner_without_a_path_of_its_own_gets_the_apis_answer(customer: Customer) -> None:
    key = {"Authorization": f"Bearer {customer.api_key}"}
    with pytest.raises(InvalidStatus) as refused:
        elsewhere = customer.stack.base_url.replace("http", "ws") + "/v1/internal/others"
        await websockets.connect(elsewhere, additional_headers=key)
    assert refused.value.response.status_code == 404


# ---------------------------------------------------------------- what stands around


def emulator_client_of_connections(customer: Customer) -> Any:
    url = emulator_client(customer.stack, "apigatewayv2").get_apis()["Items"]
    (api_id,) = (each["ApiId"] for each in url if each["ProtocolType"] == "WEBSOCKET")
    return emulator_client(
        customer.stack,
        "apigatewaymanagementapi",
        endpoint_url=f"{customer.stack.emulator_url}/_aws/execute-api/{api_id}/live",
    )


@asynccontextmanager
async def a_bridge() -> AsyncIterator[tuple[str, asyncio.Future[str]]]:
    """A bridge that takes a runner's dial and keeps it waiting; with the token that it was dialled with."""
    dialled: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def take(socket: websockets.ServerConnection) -> None:
        assert socket.request is not None
        if not dialled.done():
            dialled.set_result(socket.request.path.rpartition("token=")[2])
        await socket.wait_closed()

    async with websockets.serve(take, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"ws://127.0.0.1:{port}/bridge", dialled


def claimed(customer: Customer, worker_id: str) -> Call:
    """A call that was claimed with a place of the runner, as a dialer leaves it before it opens the room."""
    now = now_ms()
    queued = a_call(
        State.QUEUED,
        account_id=customer.account_id,
        call_id=new_id("call"),
        agent_id=AGENT,
        brain="runner",
        created_at=now,
        # No dialer of the stack takes it meanwhile.
        eligible_at=now + 3600 * MS_PER_S,
    )
    customer.store.create(queued)
    moved = apply(replace(queued, eligible_at=now), Claimed(now, runner_id=worker_id))
    assert isinstance(moved, Moved)
    assert customer.store.commit(queued, moved.call) == "done"
    return moved.call


async def ask(customer: Customer, call: Call, number: int, why: str, bridge_url: str) -> dict[str, Any]:
    """The answer to a speech worker's request."""
    headers = {"Authorization": f"Bearer {call_token(call, token_secret_of(customer.stack))}"}
    body = {"request": number, "why": why, "bridge_url": bridge_url}
    url = f"{customer.stack.base_url}/v1/calls/{call.call_id}/brain"
    async with aiohttp.ClientSession(headers=headers) as http, http.post(url, json=body) as answer:
        assert answer.status == 200, await answer.text()
        told: dict[str, Any] = await answer.json()
        return told


def silence(customer: Customer, worker_id: str, for_s: int) -> None:
    """Makes the runner's last beat lie so far back."""
    from ringline.runtime.items import to_item
    from ringline.runtime.table import beat_sk, runners_pk

    emulator_client(customer.stack, "dynamodb").update_item(
        TableName=customer.stack.table_name,
        Key=to_item({"pk": runners_pk(customer.account_id), "sk": beat_sk(AGENT, worker_id)}),
        UpdateExpression="SET seen_at = :at",
        ExpressionAttributeValues=to_item({":at": now_ms() - for_s * MS_PER_S}),
    )
