"""Calls on a real LiveKit, followed from their request to their end."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from local.stack.record import Stack
from local.trips.livekit.runner import TripAgent
from local.trips.livekit.scenarios import OUTBOUND, Caller, Scenario
from local.trips.livekit.servers import Servers
from local.trips.livekit.sip_phones import PhoneCall, Phones
from local.trips.runners import a_runner, running

_OVER_WITHIN_S = 75.0
_ANSWERED_WITHIN_S = 20.0
_WRITTEN_WITHIN_S = 15.0
_LOOK_EVERY_S = 0.25
_WORDS_REACH_THE_RUNNER_S = 1.5
_API_WAITS_S = 2.0
_WHEN = {"hangs up while it rings": "ringing", "hangs up in the call": "active"}


@dataclass(slots=True)
class Seen:
    """How a call went: `steps` as the API told it, `phone` as its telephone saw it, `runner_told` as its runner was
    told. `wrong` is what was not as it must be, beside the reason."""

    name: str
    wanted: tuple[str, ...]
    call: dict[str, Any] = field(default_factory=dict)
    steps: list[str] = field(default_factory=list)
    phone: list[str] = field(default_factory=list)
    runner_told: Any = None
    wrong: list[str] = field(default_factory=list)

    @property
    def reason(self) -> str | None:
        return self.call.get("end_reason")

    @property
    def is_right(self) -> bool:
        return not self.wrong and self.reason in self.wanted


@dataclass(slots=True)
class Trip:
    """What the calls need."""

    stack: Stack
    servers: Servers
    phones: Phones
    agent: TripAgent
    web: aiohttp.ClientSession

    async def place(self, number: str, **asks: Any) -> str:
        """The id of a new call to that number."""
        body = {"to_number": number, "pipe_id": self.stack.runner_pipe_id, **asks}
        async with self.web.post("/v1/calls", json=body) as answer:
            answer.raise_for_status()
            return str((await answer.json())["call_id"])

    async def show(self, call_id: str) -> dict[str, Any]:
        async with self.web.get(f"/v1/calls/{call_id}") as answer:
            found: dict[str, Any] = await answer.json()
            return found

    async def dial(self, scenario: Scenario) -> Seen:
        """Calls that phone and follows the call to its end."""
        seen = Seen(scenario.name, scenario.reasons)
        call_id = await self.place(scenario.number, **scenario.asks)
        await self.follow(call_id, seen, scenario)
        rung = self.phones.of(scenario.number)
        seen.phone = [what for call in rung for what in call.seen]
        if len(rung) != 1:
            seen.wrong.append(f"rang {len(rung)} times")
        if scenario.words and not self.agent.heard.get(call_id):
            seen.wrong.append("the agent heard nothing")
        return seen

    async def answered(self, number: str) -> PhoneCall:
        """The phone, once it is in its call."""
        async with asyncio.timeout(_ANSWERED_WITHIN_S):
            while True:
                for call in self.phones.of(number):
                    if call.answered.is_set():
                        return call
                await asyncio.sleep(_LOOK_EVERY_S)

    async def until(self, is_so: Callable[[], Awaitable[bool]], within_s: float) -> bool:
        """Whether it became so in time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while not await is_so():  # noqa: ASYNC110 - another process tells it over HTTP
                    await asyncio.sleep(_LOOK_EVERY_S)
                return True
        return False

    async def follow(self, call_id: str, seen: Seen, scenario: Scenario | None = None) -> None:
        """To its end, and to what its runner is told of that."""
        began, acts = time.monotonic(), scenario.api if scenario is not None else None
        while time.monotonic() - began < _OVER_WITHIN_S:
            seen.call = await self.show(call_id)
            status = str(seen.call.get("status"))
            if not seen.steps or not seen.steps[-1].startswith(f"{status} "):
                seen.steps.append(f"{status} {time.monotonic() - began:.1f} s")
            if seen.reason is not None:
                break
            if acts is not None and status == _WHEN[acts]:
                acts = None
                await asyncio.sleep(_API_WAITS_S)
                async with self.web.post(f"/v1/calls/{call_id}/hangup") as answer:
                    await answer.read()
            await asyncio.sleep(_LOOK_EVERY_S)
        else:
            seen.wrong.append("not over in time")
        await asyncio.sleep(_WORDS_REACH_THE_RUNNER_S)
        seen.runner_told = self.agent.ended.get(call_id)
        if call_id in self.agent.heard and seen.runner_told != seen.reason:
            seen.wrong.append("the runner was told otherwise")

    async def take(self, caller: Caller) -> Seen:
        """A phone calls, and hangs up by itself."""
        seen = Seen(caller.name, caller.reasons)
        number = f"+1555019{time.time_ns() // 1000 % 10_000:04d}"
        phone = await self.phones.ring_in(self.servers.bridge, number, caller.dialled)
        with contextlib.suppress(TimeoutError):
            if caller.waits_for_the_answer:
                await asyncio.wait_for(phone.answered.wait(), _ANSWERED_WITHIN_S)
            await asyncio.wait_for(phone.over.wait(), caller.stays_s)
        if not phone.over.is_set():
            self.phones.hang_up(phone, self.servers.bridge)
        seen.phone = phone.seen
        call_id = await self._call_from(number)
        if call_id is None:
            seen.wrong.append("no call was written")
            return seen
        await self.follow(call_id, seen)
        if caller.waits_for_the_answer and not (phone.sound and phone.sound.loud_packets):
            seen.wrong.append("the caller heard nothing")
        return seen

    async def _call_from(self, number: str) -> str | None:
        found: list[str] = []

        async def written() -> bool:
            async with self.web.get("/v1/calls", params={"limit": "20"}) as answer:
                calls = (await answer.json())["data"]
            found.extend(call["call_id"] for call in calls if call["from_number"] == number)
            return bool(found)

        return found[0] if await self.until(written, _WRITTEN_WITHIN_S) else None


@asynccontextmanager
async def a_trip(stack: Stack, servers: Servers, phones: Phones) -> AsyncIterator[Trip]:
    """With the runner registered, for the time of a `with`."""
    agent = TripAgent({scenario.number: scenario.deed for scenario in OUTBOUND})
    headers = {"Authorization": f"Bearer {stack.api_key}"}
    async with (
        aiohttp.ClientSession(stack.base_url, headers=headers) as web,
        running(stack, a_runner(stack, stack.runner_agent_id, agent.answer)),
    ):
        yield Trip(stack, servers, phones, agent, web)
