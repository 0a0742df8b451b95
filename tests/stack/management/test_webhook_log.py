"""The log of webhooks and what is sent again from it, through the deployed stack, with its functions' rights."""

from typing import Any

import pytest

from local.stack.record import Stack
from local.tools.loopback import free_port
from local.trips.webhook_listener import listening
from tests.stack.callers import PATIENCE_S, a_customer, a_quick_callee, asked, eventually, sweep_now, until_over

pytestmark = pytest.mark.anyio


async def test_what_a_dead_endpoint_missed_is_logged_sent_again_and_replayed(stack: Stack) -> None:
    customer = a_customer(stack)
    dead = {"url": f"http://127.0.0.1:{free_port()}/webhooks", "event_types": ["call.ended"]}
    endpoint = await asked(customer, "POST", "/v1/webhook-endpoints", dead)
    path = f"/v1/webhook-endpoints/{endpoint['endpoint_id']}"
    async with customer.client() as client:
        made = await client.calls.create(pipe_id=customer.pipe_id, to_number=await a_quick_callee(stack))
        await until_over(client, made.call_id)

    async def failed() -> Any:
        log = await asked(customer, "GET", f"/v1/webhook-deliveries?endpoint_id={endpoint['endpoint_id']}")
        return next(iter(log["data"]), None)

    delivery = await eventually(failed)
    shown = await asked(customer, "GET", f"/v1/webhook-deliveries/{delivery['delivery_id']}")
    assert (shown["call_id"], shown["attempts"][0]["phase"]) == (made.call_id, "connect")
    sweep_now(stack)  # it reads the list of failed deliveries of the endpoint, and counts the events
    async with listening() as listener:
        listener.secret = endpoint["secret"]
        await asked(customer, "PATCH", path, {"url": listener.url})
        await asked(customer, "POST", f"/v1/webhook-deliveries/{delivery['delivery_id']}/redeliver")
        again = await listener.next("call.ended", PATIENCE_S)
        assert again.body["data"]["call_id"] == made.call_id
        replay = await asked(customer, "POST", f"{path}/replays", {"from_sequence": 1, "only": "all"})
        replayed = await listener.next("call.ended", PATIENCE_S)
        assert (replayed.webhook_id, replayed.body) == (again.webhook_id, again.body)

        async def over() -> Any:
            seen = await asked(customer, "GET", f"{path}/replays/{replay['replay_id']}")
            return seen if seen["status"] != "running" else None

        assert (await eventually(over))["status"] == "done"
        stopped = await asked(customer, "POST", f"{path}/replays", {"from_sequence": 1, "only": "all"})
        await asked(customer, "POST", f"{path}/replays/{stopped['replay_id']}/stop")
    statistics = await asked(customer, "GET", f"{path}/statistics")
    assert statistics["last_day"]["deliveries"]["delivered"] == 1
    events = await asked(customer, "GET", "/v1/events?after=0")
    assert made.call_id in str(events["data"])
    await asked(customer, "DELETE", path)
