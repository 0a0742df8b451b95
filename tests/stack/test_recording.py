"""Recordings on the deployed stack: from a pipe's wish to a link that plays."""

from typing import Any

import httpx
import pytest

from local.stack.record import Stack
from tests.stack.callers import PATIENCE_S, Customer, a_customer, a_number, a_quick_callee, phones, until, until_over

pytestmark = pytest.mark.anyio


async def a_recorded_call(http: httpx.AsyncClient, customer: Customer, number: str) -> str:
    body = {"pipe_id": customer.pipe_id, "to_number": number, "recording": True}
    made = await http.post("/v1/calls", json=body, headers={"Authorization": f"Bearer {customer.api_key}"})
    assert made.status_code == 201
    return str(made.json()["call_id"])


def status_of(call: Any) -> str | None:
    status: str | None = call.model_extra["recording_status"]
    return status


async def test_a_recorded_call_ends_with_a_link_to_what_was_said(stack: Stack) -> None:
    customer = a_customer(stack)
    number = await a_quick_callee(stack, hangs_up_after_s=2.5)
    async with httpx.AsyncClient(base_url=stack.base_url, timeout=PATIENCE_S) as http, customer.client() as client:
        call_id = await a_recorded_call(http, customer, number)
        active = await until(client, call_id, lambda call: status_of(call) == "started")
        assert active.recording_url is None, "there is no file yet"
        over, _ = await until_over(client, call_id)
        assert (over.status, over.end_reason) == ("completed", "USER_HUNG_UP_IN_CALL")
        call = await until(client, call_id, lambda call: call.recording_url is not None)
        assert status_of(call) == "ended"
        (row,) = await client.calls.list()
        assert row.recording_url is not None
        file = await http.get(str(call.recording_url))
        assert (file.status_code, file.headers["content-type"]) == (200, "audio/ogg")
        assert file.content.startswith(b"OggS")
        unsigned = await http.get(str(call.recording_url).split("?")[0])
        assert unsigned.status_code == 403, "the file is nobody's without the link's signature"
    assert customer.gate().in_use == 0


async def test_a_recording_that_fails_does_not_harm_its_call(stack: Stack) -> None:
    customer = a_customer(stack)
    number = a_number()
    does = {"answers_after_s": 0.2, "hangs_up_after_s": 4, "egress": "fails"}
    await phones(stack, "PUT", f"numbers/{number}", does)
    async with httpx.AsyncClient(base_url=stack.base_url, timeout=PATIENCE_S) as http, customer.client() as client:
        call_id = await a_recorded_call(http, customer, number)
        failed = await until(client, call_id, lambda call: status_of(call) == "failed")
        assert failed.status == "active"
        over, _ = await until_over(client, call_id)
        assert (over.status, over.end_reason, over.recording_url) == ("completed", "USER_HUNG_UP_IN_CALL", None)


async def test_a_call_that_nobody_wants_recorded_is_not(stack: Stack) -> None:
    customer = a_customer(stack)
    async with customer.client() as client:
        made = await client.calls.create(pipe_id=customer.pipe_id, to_number=await a_quick_callee(stack))
        over, _ = await until_over(client, made.call_id)
    assert (status_of(over), over.recording_url) == (None, None)
