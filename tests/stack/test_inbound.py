"""Callers on the deployed stack: from the phone network's INVITE to the signed webhook."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from copy import replace
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx
import jwt
import pytest
from unpod import AsyncClient

from local.stack.record import Stack
from local.stack.seed import let_callers_in
from local.trips.webhook_listener import Listener, listening
from ringline.routing.records import Number
from ringline.routing.store import RoutingStore
from tests.stack.callers import (
    PATIENCE_S,
    TERMINAL,
    Customer,
    a_customer,
    emulator_client,
    eventually,
    phones,
    sweep_now,
    told,
    until,
    until_over,
)

pytestmark = pytest.mark.anyio

_numbers = itertools.count(10)


@dataclass(frozen=True, slots=True)
class Office:
    """A customer who can be called, and the customer's own server."""

    customer: Customer
    client: AsyncClient
    listener: Listener

    def number(self, **attached: Any) -> str:
        """A new number of the customer's, attached as told."""
        number = f"+155501009{next(_numbers):02}"
        routing = RoutingStore(emulator_client(self.customer.stack, "dynamodb"), self.customer.stack.table_name)
        routing.put_number(self.customer.account_id, Number(number=number, number_id=f"num_{number[1:]}", **attached))
        return number

    async def caller_at(self, number: str, **does: Any) -> str:
        """Somebody rings: the call that the customer sees."""
        caller = f"+155501077{next(_numbers):02}"
        await phones(self.customer.stack, "POST", "inbound", {"from": caller, "to": number, **does})

        async def look() -> str | None:
            calls = await self.client.calls.list()
            return next((call.call_id for call in calls if call.from_number == caller), None)

        return await eventually(look)


@asynccontextmanager
async def an_office(stack: Stack) -> AsyncIterator[Office]:
    await let_callers_in(stack.livekit_url, stack.livekit_api_key, stack.livekit_api_secret)
    async with listening() as listener:
        customer = a_customer(stack, webhook_url=listener.url)
        listener.secret = customer.webhook_secret
        async with customer.client() as client:
            yield Office(customer, client, listener)


async def test_a_caller_reaches_the_agent_and_the_customer_is_told_each_step(stack: Stack) -> None:
    async with an_office(stack) as office:
        number = office.number(pipe_id=office.customer.pipe_id)
        call_id = await office.caller_at(number, hang_up_after_s=3)
        call, _ = await until_over(office.client, call_id)
        assert (call.status, call.end_reason, call.direction) == (
            "completed",
            "USER_HUNG_UP_IN_CALL",
            "inbound",
        )
        assert (call.to_number, call.agent_id) == (number, office.customer.agent_id)
        assert call.call_timings["ring_duration_seconds"] < 3 < call.call_timings["talk_duration_seconds"] + 1
        async with asyncio.timeout(PATIENCE_S):
            got = [await office.listener.received.get() for _ in range(3)]
        by_sequence = sorted(got, key=lambda each: each.body["data"]["sequence"])
        assert [each.event_type for each in by_sequence] == ["call_ringing", "call_active", "call_end"]
        assert {each.body["data"]["call_id"] for each in got} == {call_id}
        assert office.listener.refused == 0 and office.listener.received.empty()
        assert office.customer.gate().in_use == 0


async def test_a_number_that_leads_to_no_agent_says_so_and_rings_no_longer(stack: Stack) -> None:
    async with an_office(stack) as office:
        call_id = await office.caller_at(office.number())
        end = await told(office.listener, call_id)
        assert (end.body["data"]["status"], end.body["data"]["end_reason"]) == ("failed", "NUMBER_NOT_ROUTED")
        (phone,) = await phones(stack, "GET", f"calls?{urlencode({'room': end.body['data']['room_name']})}")
        assert (phone["answered_at"], phone["ended_by"]) == (None, "livekit")


async def test_a_number_of_nobodys_leaves_no_call(stack: Stack) -> None:
    async with an_office(stack) as office:
        number = "+15550100999"
        await phones(stack, "POST", "inbound", {"from": "+15550107701", "to": number})

        async def look() -> dict[str, Any] | None:
            calls = await phones(stack, "GET", f"calls?{urlencode({'number': number})}")
            return next((call for call in calls if call["ended_by"] is not None), None)

        assert (await eventually(look))["ended_by"] == "livekit"
        assert await office.client.calls.list() == []


async def test_a_caller_who_gives_up_while_it_rings_is_told_as_that(stack: Stack) -> None:
    async with an_office(stack) as office:
        number = office.number(pipe_id=office.customer.pipe_id)
        await phones(stack, "PUT", f"numbers/{number}", {"agent": {"deed": "absent"}})
        call, _ = await until_over(office.client, await office.caller_at(number, cancel_after_s=2))
        assert (call.status, call.end_reason) == ("failed", "USER_HUNG_UP_RINGING")


async def test_a_caller_without_an_agent_is_let_go_at_the_ring_limit_without_waiting_for_the_sweep(
    stack: Stack,
) -> None:
    async with an_office(stack) as office:
        number = office.number(pipe_id=office.customer.pipe_id)
        _limit_ringing(office.customer, ring_timeout_s=5)
        await phones(stack, "PUT", f"numbers/{number}", {"agent": {"deed": "absent"}})
        call, _ = await until_over(office.client, await office.caller_at(number))
        assert (call.status, call.end_reason) == ("failed", "AGENT_DID_NOT_JOIN")
        assert 5 <= call.call_timings["ring_duration_seconds"] < 15


async def test_the_api_hangs_up_on_a_caller(stack: Stack) -> None:
    async with an_office(stack) as office:
        call_id = await office.caller_at(office.number(pipe_id=office.customer.pipe_id))
        await until(office.client, call_id, lambda call: call.status == "active")
        ended = await office.client.calls.hangup(call_id)
        assert (ended.status, ended.end_reason) == ("completed", "API_HUNG_UP")


async def test_a_caller_whose_goodbye_gets_lost_is_settled_by_the_sweep(stack: Stack) -> None:
    async with an_office(stack) as office:
        number = office.number(pipe_id=office.customer.pipe_id)
        await phones(
            stack,
            "POST",
            "faults",
            {"kind": "drop_hooks", "names": ["participant_left", "room_finished"], "room": "in_*"},
        )
        try:
            call_id = await office.caller_at(number, hang_up_after_s=1)
            await until(office.client, call_id, lambda call: call.status == "active")

            async def room_is_gone() -> bool:
                sweep_now(stack)
                return (await office.client.calls.get(call_id)).status in TERMINAL

            await eventually(room_is_gone)
        finally:
            await phones(stack, "DELETE", "faults")
        call = await office.client.calls.get(call_id)
        assert (call.status, call.end_reason) == ("completed", "IDLE_TIMEOUT")


def _limit_ringing(customer: Customer, ring_timeout_s: int) -> None:
    routing = RoutingStore(emulator_client(customer.stack, "dynamodb"), customer.stack.table_name)
    pipe = routing.pipe(customer.account_id, customer.pipe_id)
    assert pipe is not None
    routing.put_pipe(customer.account_id, replace(pipe, ring_timeout_s=ring_timeout_s))


async def test_a_browser_talks_with_the_agent_is_recorded_around_a_pause_and_leaves(stack: Stack) -> None:
    async with an_office(stack) as office:
        customer = office.customer
        routing = RoutingStore(emulator_client(stack, "dynamodb"), stack.table_name)
        pipe = routing.pipe(customer.account_id, customer.pipe_id)
        assert pipe is not None
        routing.put_pipe(customer.account_id, replace(pipe, recording=True))
        made = await office.client.sessions.create_token(customer.pipe_id, metadata={"user": "u"})
        call_id = jwt.decode(made.token, options={"verify_signature": False})["sub"].removeprefix("web-")
        visit = await phones(stack, "POST", "web", {"token": made.token})

        async def begun() -> Any:
            return next((call for call in await office.client.calls.list() if call.call_id == call_id), None)

        await eventually(begun)
        await until(office.client, call_id, lambda call: call.status == "active")
        path = f"{stack.api_url}/v1/calls/{call_id}"
        async with httpx.AsyncClient(
            headers={"authorization": f"Bearer {customer.api_key}"}, timeout=PATIENCE_S
        ) as api:

            async def recording_is(status: str) -> dict[str, Any]:
                async def look() -> dict[str, Any] | None:
                    shown: dict[str, Any] = (await api.get(path)).json()
                    return shown if shown["recording_status"] == status else None

                return await eventually(look)

            await recording_is("started")
            paused = await api.post(f"{path}/recording/pause", json={"reason": "card number"})
            assert (paused.status_code, paused.json()["result"]) == (200, "paused")
            resumed = await api.post(f"{path}/recording/resume")
            assert (resumed.status_code, resumed.json()["result"]) == (200, "resumed")
            assert [each["segment"] for each in (await recording_is("started"))["recording_segments"]] == [1, 2]
        await phones(stack, "POST", f"calls/{visit['id']}/hangup", {})
        call, _ = await until_over(office.client, call_id)
        assert (call.status, call.end_reason, call.direction) == ("completed", "USER_HUNG_UP_IN_CALL", "web")
        assert (await told(office.listener, call_id)).body["data"]["metadata"] == {"user": "u"}
