"""Calls in trouble: each has an account, a phone and a webhook server of its own, so that what it rings, holds and
tells is counted for it alone while others are in trouble beside it."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from local.stack.record import Stack
from local.trips.webhook_listener import Listener, Received, listening
from ringline.calls.model.call import Call
from tests.stack.callers import (
    PATIENCE_S,
    Customer,
    a_callee,
    a_customer,
    a_number,
    emulator_client,
    eventually,
    rung,
    sweep_now,
)

SWEPT_WITHIN_S = 300.0
"""How long a test waits for what only a sweep finds out, and for what waits behind that. On a busy machine it may be
minutes; what has been promised is asserted."""

_THIRD_TRY_WITHIN_S = 450.0


@dataclass(frozen=True, slots=True)
class Ending:
    """How a call ended and what it left behind: the reasons of all the call_end webhooks received for it, how often its
    phone was called, how many lines its account still holds."""

    status: str
    end_reason: str
    told: tuple[str, ...]
    invites: int = 1
    in_use: int = 0


def right_ending(status: str, end_reason: str) -> Ending:
    """One end, told once; one call to the phone; the line given back."""
    return Ending(status, end_reason, told=(end_reason,))


@dataclass(slots=True)
class TroubledCall:
    """One call from its creation on. `heard` are its account's webhooks so far, with the moment each came in."""

    stack: Stack
    customer: Customer
    listener: Listener
    number: str
    call_id: str = ""
    heard: list[tuple[float, Received]] = field(default_factory=list)

    async def create(self, **asks: Any) -> None:
        body = {"pipe_id": self.customer.pipe_id, "to_number": self.number, **asks}
        self.call_id = (await self._api("POST", "/v1/calls", body))["call_id"]

    async def hears(self, event_type: str, within_s: float = PATIENCE_S) -> float:
        """When the customer got the first webhook of that type (Unix seconds), as soon as it has. Raises TimeoutError
        naming it."""
        ends_at = time.monotonic() + within_s
        while (found := self._first(event_type)) is None:
            try:
                self.heard.append(await self._next_webhook(ends_at - time.monotonic()))
            except TimeoutError:
                raise TimeoutError(f"no {event_type} within {within_s:.0f} s: {await self.shown()}") from None
        return found

    def _first(self, event_type: str) -> float | None:
        return next((at for at, got in self.heard if got.event_type == event_type), None)

    async def _next_webhook(self, within_s: float) -> tuple[float, Received]:
        async with asyncio.timeout(within_s):
            got = await self.listener.received.get()
        return time.time(), got

    async def shown(self) -> dict[str, Any]:
        """The call as the API shows it."""
        shown: dict[str, Any] = await self._api("GET", f"/v1/calls/{self.call_id}")
        return shown

    def record(self) -> Call:
        """The call as the table holds it."""
        record = self.customer.store.get(self.customer.account_id, self.call_id)
        assert record is not None
        return record

    async def phone(self) -> dict[str, Any]:
        """The call as the phone saw it, as soon as it was dialled: on a busy machine its dialer may take a while to
        start."""
        return (await eventually(lambda: rung(self.stack, self.number)))[0]

    async def rings(self) -> bool:
        return (await self.phone())["rang_at"] is not None

    async def leg_is_over(self) -> bool:
        return (await self.phone())["ended_at"] is not None

    async def ending(self) -> Ending:
        while not self.listener.received.empty():
            self.heard.append((time.time(), self.listener.received.get_nowait()))
        shown = await self.shown()
        ends = [got.body["data"] for _, got in self.heard if got.event_type == "call_end"]
        return Ending(
            shown["status"],
            shown["end_reason"],
            told=tuple(end["end_reason"] for end in ends),
            invites=len(await rung(self.stack, self.number)),
            in_use=self.customer.gate().in_use,
        )

    async def _api(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {self.customer.api_key}"}
        async with (
            aiohttp.ClientSession(headers=headers) as web,
            web.request(method, self.stack.base_url + path, json=body) as answer,
        ):
            assert answer.status < 300, await answer.text()
            return await answer.json()


class TroubledCalls:
    """Places calls on a stack; their webhook servers stay until the block ends."""

    def __init__(self, stack: Stack, servers: AsyncExitStack) -> None:
        self._stack = stack
        self._servers = servers

    async def place(self, does: Mapping[str, Any], listener: Listener | None = None, **asks: Any) -> TroubledCall:
        """A call to a phone that does as told, by an account of its own that hears of every step. `asks` is the rest of
        the request."""
        listener = await self._servers.enter_async_context(listening(listener))
        customer = a_customer(self._stack, webhook_url=listener.url)
        listener.secret = customer.webhook_secret
        number = await a_callee(self._stack, a_number(), **does)
        call = TroubledCall(self._stack, customer, listener, number)
        await call.create(**asks)
        return call

    async def come_to_rest(self) -> None:
        """Returns when whatever could still be told has been: a sweep has run, a call made after it has been told of,
        and no webhook waits for its delivery."""
        await asyncio.to_thread(sweep_now, self._stack)
        marker = await self.place({"rings_after_s": None, "refusal": 486})
        await marker.hears("call_end")
        sqs = emulator_client(self._stack, "sqs")
        # Those that are to be tried again soon are delayed.
        waits = ("", "NotVisible", "Delayed")
        names = [f"ApproximateNumberOfMessages{each}" for each in waits]

        async def all_delivered() -> bool:
            answer = sqs.get_queue_attributes(QueueUrl=self._stack.delivery_queue_url, AttributeNames=names)
            return all(answer["Attributes"][name] == "0" for name in names)

        # A delivery whose second try failed as well is tried again after five minutes, with jitter.
        await eventually(all_delivered, within_s=_THIRD_TRY_WITHIN_S)


@asynccontextmanager
async def troubled_calls(stack: Stack) -> AsyncIterator[TroubledCalls]:
    async with AsyncExitStack() as servers:
        yield TroubledCalls(stack, servers)
