"""Calls of the deployed stack that are handed over, by the official SDK and by its runner."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from unpod import AsyncClient
from unpod.connectivity.call_context import CallContext

from local.stack.record import Stack
from local.trips.runners import a_runner, running
from ringline.routing.records import Pipe
from ringline.routing.store import RoutingStore
from ringline.runtime.ids import new_id
from tests.stack.callers import (
    PATIENCE_S,
    Customer,
    a_callee,
    a_customer,
    a_number,
    emulator_client,
    eventually,
    phones,
    rung,
    until,
    until_over,
)
from tests.stack.runners.runner_calls import Agent, a_talker, until_said

pytestmark = pytest.mark.anyio


async def stays_on(stack: Stack, **does: Any) -> str:
    return await a_callee(stack, a_number(), **{"answers_after_s": 0.2, "hangs_up_after_s": None} | does)


async def talking(client: AsyncClient, customer: Customer, number: str, **fields: Any) -> str:
    made = await client.calls.create(**{"pipe_id": customer.pipe_id, "to_number": number} | fields)
    await until(client, made.call_id, lambda call: call.status == "active")
    return str(made.call_id)


async def until_transfer(client: AsyncClient, call_id: str, is_so: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The call's last transfer as soon as it is as wanted."""

    def transfer_of(call: Any) -> dict[str, Any]:
        transfers: list[dict[str, Any]] = (call.model_extra or {})["transfers"]
        return transfers[-1] if transfers else {"state": None}

    return transfer_of(await until(client, call_id, lambda call: is_so(transfer_of(call))))


async def hung_up(stack: Stack, number: str) -> None:
    """Whoever has that number hangs up."""
    (call,) = await rung(stack, number)
    await phones(stack, "POST", f"calls/{call['id']}/hangup")


def is_over(transfer: dict[str, Any]) -> bool:
    return transfer["state"] in {"completed", "failed"}


async def test_a_cold_transfer_ends_the_call_as_transferred(stack: Stack) -> None:
    customer = a_customer(stack)
    number, target = await stays_on(stack), await stays_on(stack)
    async with customer.client() as client:
        call_id = await talking(client, customer, number)
        asked = await client.sessions.transfer(call_id, "sip", {"number": target})
        assert (asked.mode, asked.added_participant_id) == ("cold", target)
        call, _ = await until_over(client, call_id)
        done = await until_transfer(client, call_id, is_over)
    assert (call.end_reason, done["state"]) == ("CALL_TRANSFERRED", "completed")


async def test_a_refused_transfer_leaves_the_call_with_its_agent(stack: Stack) -> None:
    customer = a_customer(stack)
    number = await stays_on(stack)
    async with customer.client() as client:
        call_id = await talking(client, customer, number)
        await client.sessions.transfer(call_id, "sip", {"number": "+15550101486"})
        failed = await until_transfer(client, call_id, is_over)
        assert (failed["state"], failed["reason"], failed["sip_code"]) == ("failed", "USER_BUSY", 486)
        assert (await client.calls.get(call_id)).status == "active"
        await client.calls.hangup(call_id)
        call, _ = await until_over(client, call_id)
    assert call.end_reason == "API_HUNG_UP"


async def test_a_warm_transfer_leaves_caller_and_target_together_without_the_agent(stack: Stack) -> None:
    customer = a_customer(stack)
    number, target = await stays_on(stack), await stays_on(stack)
    async with customer.client() as client:
        call_id = await talking(client, customer, number)
        asked = await client.sessions.transfer(call_id, "sip", {"number": target}, mode="warm", warm_handoff_ms=500)
        done = await until_transfer(client, call_id, is_over)
        assert (done["state"], done["participant_id"]) == ("completed", asked.added_participant_id)
        assert (await client.calls.get(call_id)).status == "active"
        await hung_up(stack, number)
        call, _ = await until_over(client, call_id)
    assert call.end_reason == "CALL_TRANSFERRED"

    async def is_let_go() -> bool:
        (called_in,) = await rung(stack, target)
        return called_in["ended_at"] is not None

    # Whoever was brought in is not left alone on the line: the room is closed as soon as the end is relayed.
    await eventually(is_let_go)


async def test_the_fallback_follows_where_nobody_picks_up(stack: Stack) -> None:
    customer = a_customer(stack)
    number, target = await stays_on(stack), await stays_on(stack)
    async with customer.client() as client, httpx.AsyncClient(base_url=customer.base_url, timeout=PATIENCE_S) as http:
        call_id = await talking(client, customer, number)
        body = {
            "to": {"type": "sip", "config": {"number": "+15550101486"}},
            "mode": "warm",
            "fallback": [{"type": "sip", "config": {"number": target}}],
        }
        key = {"Authorization": f"Bearer {customer.api_key}"}
        answers = [await http.post(f"/v1/calls/{call_id}/transfers", json=body, headers=key) for _ in range(2)]
        assert {answer.status_code for answer in answers} == {202}
        done = await until_transfer(client, call_id, lambda transfer: transfer["state"] == "completed")
        shown = (await http.get(f"/v1/calls/{call_id}/transfers", headers=key)).json()["data"]
        await client.calls.hangup(call_id)
    assert [(each["state"], each["reason"]) for each in shown] == [("failed", "USER_BUSY"), ("completed", None)]
    assert done["follows"] == shown[0]["transfer_id"]


async def test_another_agent_takes_the_call_and_the_first_one_leaves(stack: Stack) -> None:
    customer, agent = a_customer(stack), Agent()
    number = await a_talker(stack, hangs_up=False)
    async with (
        running(customer, a_runner(customer, customer.runner_agent_id, agent.answer)),
        customer.client() as client,
    ):
        call_id = await talking(client, customer, number)
        await client.sessions.transfer(call_id, "agent", {"agent_id": customer.runner_agent_id})
        await until_transfer(client, call_id, lambda transfer: transfer["state"] == "completed")
        call = await client.calls.get(call_id)
        assert (call.agent_id, call.status) == (customer.runner_agent_id, "active")
        await until_said(stack, number, "You said: ")
        await client.calls.hangup(call_id)
        await until_over(client, call_id)
        assert (await agent.next_end())[0] == call_id


def a_pipe(stack: Stack, customer: Customer, allowed: str) -> str:
    """A pipe of the customer's runner that allows one number."""
    pipe_id = new_id("pipe")
    pipe = Pipe(
        pipe_id=pipe_id,
        name="One number",
        agent_id=customer.runner_agent_id,
        number=customer.from_number,
        transfer_allowed_numbers=(allowed,),
    )
    RoutingStore(emulator_client(stack, "dynamodb"), stack.table_name).put_pipe(customer.account_id, pipe)
    return pipe_id


async def test_a_runner_hands_over_warmly_to_whom_its_pipe_allows_and_to_nobody_else(stack: Stack) -> None:
    customer, agent = a_customer(stack), Agent()
    number, target = await a_talker(stack, hangs_up=False), await stays_on(stack)
    pipe_id, forbidden = a_pipe(stack, customer, target), a_number()
    results: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def answer(ctx: CallContext) -> None:
        @ctx.session.on("state")
        async def on_state(event: Any) -> None:
            told = (event.model_extra or {}).get("transfer_result")
            if told is not None:
                results.put_nowait(told)

        asked = False

        @ctx.session.on("user_turn")
        async def on_turn(_text: str) -> None:
            nonlocal asked
            if not asked:
                asked = True
                await ctx.session.transfer(forbidden)
                await ctx.session.transfer(target, mode="warm", announcement="Here is somebody for you.")

        await agent.answer(ctx)

    async with running(customer, a_runner(customer, customer.runner_agent_id, answer)), customer.client() as client:
        call_id = await talking(client, customer, number, pipe_id=pipe_id)
        refused = await asyncio.wait_for(results.get(), PATIENCE_S)
        assert (refused["target"], refused["why"]) == (forbidden, "not_allowed")
        done = await until_transfer(client, call_id, lambda transfer: transfer["state"] == "completed")
        assert (done["asked_by"], done["mode"], done["to"]["config"]["number"]) == ("agent", "warm", target)

        async def both_are_there() -> bool:
            return bool((await rung(stack, target))[0]["answered_at"])

        await eventually(both_are_there)
        assert await rung(stack, forbidden) == []
        await hung_up(stack, number)
        call, _ = await until_over(client, call_id)
    assert call.end_reason == "CALL_TRANSFERRED"
