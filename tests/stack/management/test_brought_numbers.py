"""A carrier's trunk and a number are brought by the API alone, and called by the phone network: both ways through the
deployed stack, with its rights and its key."""

import asyncio

import pytest
from livekit import api
from unpod import AsyncClient
from unpod.models import TrunkCreate
from unpod.models.trunk import ByoConfigCreate

from local.stack.record import Stack
from tests.stack.callers import (
    Customer,
    a_customer,
    a_quick_callee,
    asked,
    emulator_client,
    eventually,
    phones,
    rung,
    until_over,
)

pytestmark = pytest.mark.anyio

NUMBER, CALLER = "+15550100781", "+15550107781"
PASSWORD = "correct-horse-battery-staple"
CARRIER = ByoConfigCreate(
    provider="lab", sip_domain="sip.brought.example", auth_username="acme", auth_password=PASSWORD, transport="udp"
)


async def rules_at_livekit(stack: Stack) -> list[str]:
    async with api.LiveKitAPI(stack.livekit_url, stack.livekit_api_key, stack.livekit_api_secret) as livekit:
        rules = (await livekit.sip.list_dispatch_rule(api.ListSIPDispatchRuleRequest())).items
        return [rule.attributes["ringline.number"] for rule in rules if "ringline.number" in rule.attributes]


async def test_a_number_brought_by_the_api_alone_is_called_and_calls(stack: Stack) -> None:
    customer = a_customer(stack)
    async with customer.client() as client:
        trunk = await client.trunks.create(TrunkCreate(name="Lab", type="byo", byo_config=CARRIER))
        brought = {"number": NUMBER, "trunk_id": trunk.trunk_id, "agent_id": customer.agent_id}
        number = await asked(customer, "POST", "/v1/numbers", brought)
        assert number["connection_state"] == "LINKED"
        await a_caller_reaches_the_agent(stack, client)
        await a_call_goes_out_through_the_trunk(stack, customer, client, str(trunk.provider_trunk_id))
        assert await client.numbers.sync() == {"synced": len(await client.numbers.list()), "new": 0, "drift": []}
        await client.numbers.detach(NUMBER)
        assert await rules_at_livekit(stack) == []
        await client.numbers.delete(NUMBER)
        await client.trunks.delete(trunk.trunk_id)
    assert PASSWORD not in await everything_kept(stack)


async def a_caller_reaches_the_agent(stack: Stack, client: AsyncClient) -> None:
    await phones(stack, "POST", "inbound", {"from": CALLER, "to": NUMBER, "hang_up_after_s": 1})

    async def look() -> str | None:
        return next((call.call_id for call in await client.calls.list() if call.from_number == CALLER), None)

    call, seen = await until_over(client, await eventually(look))
    assert (call.direction, call.to_number, call.end_reason) == ("inbound", NUMBER, "USER_HUNG_UP_IN_CALL")
    assert "active" in seen


async def a_call_goes_out_through_the_trunk(
    stack: Stack, customer: Customer, client: AsyncClient, livekit_trunk_id: str
) -> None:
    callee = await a_quick_callee(stack)
    made = await client.calls.create(agent_id=customer.agent_id, to_number=callee, from_number=NUMBER)
    await until_over(client, made.call_id)
    (seen,) = await rung(stack, callee)
    assert (seen["from_number"], seen["trunk_id"]) == (NUMBER, livekit_trunk_id)


async def everything_kept(stack: Stack) -> str:
    dynamodb = emulator_client(stack, "dynamodb")
    pages = dynamodb.get_paginator("scan").paginate(TableName=stack.table_name)
    return await asyncio.to_thread(lambda: str([page["Items"] for page in pages]))
