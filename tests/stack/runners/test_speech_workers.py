"""A speech worker's control connection on the deployed stack: shown, heard, and missed."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp
import httpx
import pytest

from local.stack.record import Stack
from local.trips.runners import a_runner, running
from ringline.agents.model.records import DEPLOYMENT
from ringline.calls.model.call import State
from ringline.runtime.items import to_item
from ringline.runtime.table import beat_sk, runner_sk, runners_pk
from ringline.telephony.agent_dispatch import call_token
from speech.bridge.control import Control, Worker, control_url
from tests.stack.callers import (
    PATIENCE_S,
    Customer,
    a_callee,
    a_customer,
    a_number,
    emulator_client,
    eventually,
    token_secret_of,
    until_over,
)
from tests.stack.runners.runner_calls import TALKER, Agent

pytestmark = pytest.mark.anyio

CRASHES_AFTER_S = 3.0
WORKER = Worker("speech#stack", "ringline-speech", 5, "ws://10.0.0.4:8081")


@asynccontextmanager
async def registered(stack: Stack) -> AsyncIterator[Control]:
    """A speech worker beside the one of the phone network, which keeps no control connection. It is
    forgotten afterwards: calls would wait for it."""
    async with aiohttp.ClientSession() as http:
        url, secret = control_url(stack.base_url), stack.livekit_api_secret
        control = Control(http, url=url, livekit_secret=secret, worker=WORKER, active_jobs=lambda: 1)
        task = asyncio.create_task(control.run())
        try:
            async with asyncio.timeout(PATIENCE_S):
                await control.registered.wait()
            yield control
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            table, pk = emulator_client(stack, "dynamodb"), runners_pk(DEPLOYMENT)
            for sk in (runner_sk(WORKER.pool, WORKER.worker_id), beat_sk(WORKER.pool, WORKER.worker_id)):
                table.delete_item(TableName=stack.table_name, Key=to_item({"pk": pk, "sk": sk}))


async def media_workers(customer: Customer) -> list[dict[str, Any]]:
    headers = {"Authorization": f"Bearer {customer.api_key}"}
    async with httpx.AsyncClient(base_url=customer.base_url, headers=headers, timeout=PATIENCE_S) as http:
        rows: list[dict[str, Any]] = (await http.get("/v1/workers", params={"kind": "media"})).json()["data"]
        return rows


async def test_a_job_that_is_lost_in_its_call_is_followed_by_another_workers(stack: Stack) -> None:
    customer, agent = a_customer(stack), Agent()
    number = await a_callee(stack, a_number(), **TALKER, agent={"deed": "crash", "after_s": CRASHES_AFTER_S})
    runner = a_runner(customer, customer.runner_agent_id, agent.answer)
    async with registered(stack) as control, running(customer, runner), customer.client() as client:

        async def is_shown() -> dict[str, Any] | None:
            return next((row for row in await media_workers(customer) if row["active_jobs"] == 1), None)

        row = await eventually(is_shown)
        assert (row["worker_id"], row["has_capacity"], row["bridge_base"]) == (
            "speech#stack",
            True,
            "ws://10.0.0.4:8081",
        )
        made = await client.calls.create(pipe_id=customer.runner_pipe_id, to_number=number)
        # The job is dead, and its runner's bridge with it. LiveKit shows its agent for 20 s more.
        await agent.next_end()
        call = customer.store.get(customer.account_id, made.call_id)
        assert call is not None and call.state is State.ACTIVE
        token = call_token(call, token_secret_of(stack))
        control.took(json.dumps({"call_id": call.call_id, "attempt": call.attempt, "token": token}))
        control.job_lost(call.call_id, 1)

        async def has_successor() -> bool:
            now = customer.store.get(customer.account_id, made.call_id)
            return now is not None and now.agent_left_at is None and now.agent_sid != call.agent_sid

        await eventually(has_successor)

        async def goes_on() -> bool:
            return len(agent.contexts) == 2

        await eventually(goes_on)
        before = [turn["content"] for turn in agent.contexts[1].data["turns"]]
        assert agent.contexts[1].data["resumed"] is True
        assert before[0] == agent.asked[0], "the successor knows what was said"
        await client.calls.hangup(made.call_id)
        ended, _ = await until_over(client, made.call_id)
        assert (ended.status, ended.end_reason) == ("completed", "API_HUNG_UP")
        over = customer.store.get(customer.account_id, made.call_id)
        assert over is not None and over.dispatches >= 2
        assert any("speech_worker_lost" in note.what for note in over.notes)
