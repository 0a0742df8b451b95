"""The main job on the deployed stack: from the official SDK through gate, dialler and phone to the signed webhook."""

import asyncio
import json

import aiohttp
import httpx
import pytest
from livekit import api
from unpod import BearerAuth, Client

from local.stack.record import Stack
from local.trips.webhook_listener import listening
from tests.stack.callers import (
    PATIENCE_S,
    Customer,
    a_callee,
    a_customer,
    a_number,
    a_quick_callee,
    all_over,
    eventually,
    rung,
    told,
    until,
    until_over,
)

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("mode", ["bearer", "token", "jwt"])
async def test_a_call_goes_from_pending_to_completed_and_its_webhook_is_signed(stack: Stack, mode: str) -> None:
    async with listening() as listener:
        customer = a_customer(stack, webhook_url=listener.url)
        listener.secret = customer.webhook_secret
        number = await a_quick_callee(stack, answers_after_s=1.0)
        async with customer.client(mode=mode) as client:
            made = await client.calls.create(pipe_id=customer.pipe_id, to_number=number, data={"customer": "C1"})
            assert made.status == "pending"
            call, seen = await until_over(client, made.call_id)
            assert (seen[-1], call.end_reason) == ("completed", "USER_HUNG_UP_IN_CALL")
            assert ("ringing" in seen, call.session_id is not None) == (True, True)
            assert call.call_timings["talk_duration_seconds"] == call.duration_s > 0.3
            assert [each.call_id for each in await client.calls.list(status="completed")] == [made.call_id]
            assert await client.calls.list(status="pending") == []
        end = await told(listener, made.call_id)
        assert end.body["data"]["end_reason"] == "USER_HUNG_UP_IN_CALL"
        assert end.body["data"]["data"] == {"customer": "C1"}
        assert listener.refused == 0
        assert len(await rung(stack, number)) == 1, "the phone rang once"
        assert customer.gate().in_use == 0


async def test_each_step_is_announced_once_and_in_order(stack: Stack) -> None:
    async with listening() as listener:
        customer = a_customer(stack, webhook_url=listener.url)
        listener.secret = customer.webhook_secret
        async with customer.client() as client:
            made = await client.calls.create(pipe_id=customer.pipe_id, to_number=await a_quick_callee(stack))
            await until_over(client, made.call_id)
        async with asyncio.timeout(PATIENCE_S):
            got = [await listener.received.get() for _ in range(3)]
        assert {each.event_type for each in got} == {"call_ringing", "call_active", "call_end"}
        # A phone that is picked up at once has one change for both: then their moments tell.
        in_order = sorted(got, key=lambda each: (each.body["data"]["sequence"], each.body["timestamp"]))
        assert [each.event_type for each in in_order] == ["call_ringing", "call_active", "call_end"]
        assert len({each.webhook_id for each in got}) == 3
        assert listener.received.empty()


def test_the_blocking_client_works_too(stack: Stack) -> None:
    customer = a_customer(stack)
    with Client(auth=BearerAuth(customer.api_key), base_url=f"{stack.base_url}/platform") as client:
        made = client.calls.create(agent_id=customer.agent_id, to_number="+15550100000", instructions="Say hello.")
        assert client.calls.get(made.call_id).instructions == "Say hello."
        assert [call.call_id for call in client.calls.list()] == [made.call_id]
        ended = client.calls.hangup(made.call_id)
        assert (ended.status, ended.end_reason) == ("failed", "CALL_CANCELED")


@pytest.mark.parametrize(
    ("number", "reason", "sip_code"),
    [
        ("+15550101486", "USER_BUSY", 486),
        ("+15550102486", "USER_HUNG_UP_RINGING", 486),
        ("+15550102603", "USER_HUNG_UP_RINGING", 603),
        ("+15550101404", "SIP_FAILED_WRONG_NUMBER", 404),
        ("+15550101403", "SIP_FAILED_NUMBER_BLOCKED", 403),
        ("+15550100603", "SIP_FAILED_NUMBER_BLOCKED", 603),
        ("+15550102480", "VOICEMAIL_DETECTED_PRECONNECT", 480),
        ("+15550101503", "SIP_FAILED_TRUNK", 503),
        ("+15550101401", "SIP_FAILED_TRUNK", None),
    ],
)
async def test_a_phone_that_does_not_answer_says_why(
    stack: Stack, number: str, reason: str, sip_code: int | None
) -> None:
    customer = a_customer(stack)
    async with customer.client() as client:
        made = await client.calls.create(pipe_id=customer.pipe_id, to_number=number)
        call, _ = await until_over(client, made.call_id)
    assert (call.status, call.end_reason, call.sip_code) == ("failed", reason, sip_code)
    assert customer.gate().in_use == 0


async def test_a_phone_that_rings_out_was_not_picked_up(stack: Stack) -> None:
    customer = a_customer(stack)
    async with (
        httpx.AsyncClient(base_url=stack.base_url, headers=_bearer(customer), timeout=PATIENCE_S) as http,
        customer.client() as client,
    ):
        body = {"pipe_id": customer.pipe_id, "to_number": "+15550100000", "ring_timeout_s": 5}
        made = (await http.post("/v1/calls", json=body)).json()
        call, _ = await until_over(client, made["call_id"])
    assert (call.status, call.end_reason) == ("failed", "USER_DID_NOT_PICK_UP")
    assert 4 < call.call_timings["ring_duration_seconds"] < 8


async def test_a_call_that_reaches_its_limit_is_ended_for_that_reason(stack: Stack) -> None:
    customer = a_customer(stack)
    number = await a_quick_callee(stack, hangs_up_after_s=60)
    async with (
        httpx.AsyncClient(base_url=stack.base_url, headers=_bearer(customer), timeout=PATIENCE_S) as http,
        customer.client() as client,
    ):
        body = {
            "pipe_id": customer.pipe_id,
            "to_number": number,
            "ring_timeout_s": 5,
            "max_call_duration_s": 3,
        }
        made = (await http.post("/v1/calls", json=body)).json()
        call, _ = await until_over(client, made["call_id"])
    assert (call.status, call.end_reason) == ("completed", "MAX_DURATION_REACHED")


async def test_ten_calls_on_two_lines_all_complete_in_order_and_never_three_at_once(stack: Stack) -> None:
    customer = a_customer(stack, cap=2)
    number = await a_quick_callee(stack)
    over_the_cap: list[int] = []
    async with customer.client() as client:
        made = [await client.calls.create(pipe_id=customer.pipe_id, to_number=number) for _ in range(10)]

        async def watch_the_gate() -> None:
            while True:
                in_use = await asyncio.to_thread(lambda: customer.gate().in_use)
                if in_use > 2:
                    over_the_cap.append(in_use)
                await asyncio.sleep(0.05)

        watch = asyncio.create_task(watch_the_gate())
        ended = await all_over(client, len(made))
        watch.cancel()
    assert [(call.status, call.end_reason) for call in ended] == [("completed", "USER_HUNG_UP_IN_CALL")] * 10
    assert over_the_cap == []
    assert customer.gate().in_use == 0

    seen = await rung(stack, number)
    dialled = [call["room"].split(".")[1] for call in seen]
    assert sorted(dialled) == sorted(call.call_id for call in made), "each rang once"
    # Two lines are dialled side by side: neighbours may ring in either order, nobody overtakes more than a neighbour.
    places = {call.call_id: place for place, call in enumerate(made)}
    assert all(abs(places[call_id] - place) <= 1 for place, call_id in enumerate(dialled)), dialled
    for call in seen:
        others = [each for each in seen if each["invited_at"] <= call["invited_at"] < each["ended_at"]]
        assert len(others) <= 2, "never more than two phones at once"


async def test_calls_are_claimed_in_the_order_they_were_created(stack: Stack) -> None:
    customer = a_customer(stack, cap=1)
    number = await a_quick_callee(stack)
    async with customer.client() as client:
        made = [await client.calls.create(pipe_id=customer.pipe_id, to_number=number) for _ in range(4)]
        await all_over(client, len(made))
    assert [call["room"].split(".")[1] for call in await rung(stack, number)] == [call.call_id for call in made]


async def test_a_waiting_call_is_canceled_and_never_rings(stack: Stack) -> None:
    customer = a_customer(stack, cap=1)
    talking, never = await a_quick_callee(stack, hangs_up_after_s=20), await a_quick_callee(stack)
    async with customer.client() as client:
        first = await client.calls.create(pipe_id=customer.pipe_id, to_number=talking)
        await until(client, first.call_id, lambda call: call.status == "active")
        second = await client.calls.create(pipe_id=customer.pipe_id, to_number=never)
        canceled = await client.calls.hangup(second.call_id)
        assert (canceled.status, canceled.end_reason) == ("failed", "CALL_CANCELED")
        ended = await client.calls.hangup(first.call_id)
        assert (ended.status, ended.end_reason) == ("completed", "API_HUNG_UP")
        again = await client.calls.hangup(first.call_id)
        assert (again.status, again.end_reason, again.ended_at) == ("completed", "API_HUNG_UP", ended.ended_at)
    assert await rung(stack, never) == []
    assert customer.gate().in_use == 0


async def test_a_ringing_phone_stops_ringing_when_its_call_is_canceled(stack: Stack) -> None:
    customer = a_customer(stack, cap=1)
    number = await a_callee(stack, a_number(), answers_after_s=20)
    async with customer.client() as client:
        made = await client.calls.create(pipe_id=customer.pipe_id, to_number=number)
        await eventually(lambda: rung(stack, number))
        canceled = await client.calls.hangup(made.call_id)
        assert (canceled.status, canceled.end_reason) == ("failed", "CALL_CANCELED")
    (call,) = await rung(stack, number)
    assert call["answered_at"] is None
    assert call["ended_at"] is not None
    assert customer.gate().in_use == 0


async def test_the_agent_hanging_up_ends_the_call(stack: Stack) -> None:
    customer = a_customer(stack)
    async with customer.client() as client:
        made = await client.calls.create(pipe_id=customer.pipe_id, to_number="+15550100334")
        call, _ = await until_over(client, made.call_id)
    assert (call.status, call.end_reason, call.ended_by) == ("completed", "AGENT_HUNG_UP", "agent")


def _bearer(customer: Customer) -> dict[str, str]:
    return {"Authorization": f"Bearer {customer.api_key}"}


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Authorization": "Bearer sk_wrong"}, 401, "invalid_api_key"),
        ({"Authorization": "Basic abc"}, 401, "invalid_api_key"),
        ({"Authorization": "Token {key}", "Org-Handle": "someone-else"}, 403, "org_mismatch"),
    ],
)
async def test_a_wrong_key_is_a_problem_and_dials_nothing(
    stack: Stack, headers: dict[str, str], status: int, code: str
) -> None:
    customer = a_customer(stack)
    number = await a_quick_callee(stack)
    sent = {name: value.format(key=customer.api_key) for name, value in headers.items()}
    async with httpx.AsyncClient(base_url=stack.base_url, headers=sent, timeout=PATIENCE_S) as http:
        answer = await http.post("/v1/calls", json={"pipe_id": customer.pipe_id, "to_number": number})
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert answer.headers["content-type"] == "application/problem+json"
    assert await rung(stack, number) == []


async def test_another_accounts_call_is_not_found(stack: Stack) -> None:
    mine, theirs = a_customer(stack), a_customer(stack, org_handle="globex")
    async with theirs.client() as client:
        made = await client.calls.create(pipe_id=theirs.pipe_id, to_number=await a_quick_callee(stack))
    async with httpx.AsyncClient(base_url=stack.base_url, headers=_bearer(mine), timeout=PATIENCE_S) as http:
        for method, path in (("GET", made.call_id), ("POST", f"{made.call_id}/hangup")):
            answer = await http.request(method, f"/v1/calls/{path}")
            assert (answer.status_code, answer.json()["code"]) == (404, "call_not_found")
        assert (await http.get("/v1/calls/")).json()["data"] == []


@pytest.mark.parametrize("body", [b"not json", b"x" * 70_000, json.dumps({"to_number": "5"}).encode()])
async def test_a_bad_body_is_a_problem_through_the_whole_stack(stack: Stack, body: bytes) -> None:
    customer = a_customer(stack)
    async with httpx.AsyncClient(base_url=stack.base_url, headers=_bearer(customer), timeout=PATIENCE_S) as http:
        answer = await http.post("/api/v2/platform/speech/v1/calls", content=body)
        assert answer.status_code in {400, 413, 422}
        assert answer.headers["content-type"] == "application/problem+json"
        assert (await http.get("/v1/calls")).json()["data"] == []


async def test_a_forged_livekit_webhook_changes_nothing(stack: Stack) -> None:
    customer = a_customer(stack)
    number = await a_quick_callee(stack, hangs_up_after_s=3)
    async with customer.client() as client, aiohttp.ClientSession() as session:
        made = await client.calls.create(pipe_id=customer.pipe_id, to_number=number)
        call = await until(client, made.call_id, lambda call: call.status == "active")
        forged = {"event": "room_finished", "id": "EV_forged", "room": {"name": call.room_name}}
        headers = {"Authorization": "eyJhbGciOiJub25lIn0.e30.", "Content-Type": "application/webhook+json"}
        async with session.post(stack.hooks_url, data=json.dumps(forged), headers=headers) as answer:
            assert answer.status == 401
        ended, _ = await until_over(client, made.call_id)
    assert ended.end_reason == "USER_HUNG_UP_IN_CALL"


async def test_the_room_of_a_call_that_is_over_is_closed(stack: Stack) -> None:
    """No agent stays alone in a room: LiveKit itself would keep it open for seconds."""
    customer = a_customer(stack)
    async with customer.client() as client:
        made = await client.calls.create(pipe_id=customer.pipe_id, to_number=await a_quick_callee(stack))
        call, _ = await until_over(client, made.call_id)
    async with api.LiveKitAPI(stack.livekit_url, stack.livekit_api_key, stack.livekit_api_secret) as livekit:

        async def is_closed() -> bool:
            return not (await livekit.room.list_rooms(api.ListRoomsRequest(names=[call.room_name]))).rooms

        await eventually(is_closed, within_s=3)
