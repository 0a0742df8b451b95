"""The official AgentRunner, a control socket that stands in for the control plane, and the bridge between: one loop."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jwt
from aiohttp import WSMsgType, web
from unpod.connectivity.call_context import CallContext
from unpod.connectivity.runner import AgentRunner

from speech.bridge.driver import Driver
from speech.bridge.hub import Hub, serving
from speech.bridge.model.actions import Done, Transfer, Why
from speech.bridge.model.call import CallFacts
from speech.bridge.model.events import Assigned, BrainAnswer, NoRunner, TransferEnded
from speech.bridge.reporting import TRANSFER_UNDER_WAY
from speech.bridge.tokens import bridge_key

AGENT, CALL = "bot", "SCL_1"
KEY = bridge_key("a-secret-of-more-than-32-characters")
WITHIN_S = 10.0
"""A guard against a test that hangs, and nothing that passes comes near it."""

type Entrypoint = Callable[[CallContext], Awaitable[None]]


def a_token(
    job_id: str, *, call_id: str = CALL, expires_in_s: float = 600, worker_id: str = "w", key: bytes = KEY
) -> str:
    claims = {
        "aud": "bridge",
        "sub": call_id,
        "acc": "acct_demo",
        "att": 1,
        "job": job_id,
        "wid": worker_id,
        "exp": int(time.time() + expires_in_s),
    }
    return jwt.encode(claims, key, algorithm="HS256")


async def eventually(is_so: Callable[[], object]) -> None:
    """Returns when it is so. For what happens inside of the SDK, which tells nobody."""
    for _ in range(round(WITHIN_S / 0.002)):
        if is_so():
            return
        await asyncio.sleep(0.002)
    raise TimeoutError("it did not become so")


class Control:
    """Registers runners and assigns the call to them, one after another."""

    def __init__(self, key: bytes = KEY) -> None:
        self._key = key
        self._runners: dict[str, web.WebSocketResponse] = {}
        self._tried: list[str] = []
        self._jobs = 0
        self.bridge_url = ""
        self.asked: list[tuple[int, Why]] = []
        self.reports: list[Mapping[str, Any]] = []
        self.is_handing_over = False
        """Whether it refuses to hang up for a silence."""

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/v1/internal/workers", self._workers)]

    def give_again(self) -> None:
        """The runners that had the call may have it once more."""
        self._tried.clear()

    async def registered(self, count: int) -> None:
        await eventually(lambda: len(self._runners) == count)

    async def _workers(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                frame = json.loads(message.data)
                if frame["type"] == "register":
                    self._runners[frame["worker_id"]] = socket
                    told = {"type": "registered", "heartbeat_interval_s": 10, "transport_ack": "dial_out"}
                    await socket.send_str(json.dumps(told))
        return socket

    async def ask(self, request: int, why: Why) -> BrainAnswer:
        self.asked.append((request, why))
        free = [worker_id for worker_id in self._runners if worker_id not in self._tried]
        if not free:
            return NoRunner("no_runner", 0.1)
        worker_id = free[0]
        self._tried.append(worker_id)
        self._jobs += 1
        job_id = f"{CALL}.1.{self._jobs}"
        assign = {
            "type": "job.assign",
            "job_id": job_id,
            "call_id": CALL,
            "agent_id": AGENT,
            "bridge_url": self.bridge_url,
            "call_token": a_token(job_id, worker_id=worker_id, key=self._key),
            "assign_id": f"a{self._jobs}",
        }
        await self._runners[worker_id].send_str(json.dumps(assign))
        return Assigned(job_id, worker_id, 2.0)

    async def report(self, events: Sequence[Mapping[str, Any]]) -> Sequence[str]:
        self.reports.extend(events)
        return [self._word_on(event) for event in events]

    def _word_on(self, event: Mapping[str, Any]) -> str:
        is_for_silence = event["type"] == "hang_up" and str(event.get("reason")).startswith("silence")
        return TRANSFER_UNDER_WAY if self.is_handing_over and is_for_silence else "applied"

    def reported(self, kind: str) -> list[Mapping[str, Any]]:
        return [event for event in self.reports if event["type"] == kind]


class Telephone:
    """A voice in text: what is given is heard at once, unless it is told to be slow."""

    def __init__(self) -> None:
        self.driver: Driver
        self.heard: list[str] = []
        self.is_slow = False
        self.speaks: dict[int, str] = {}
        self.hung_up_for: str | None = None
        self.transfers: list[Transfer] = []
        self.recording: list[str] = []
        self._changed = asyncio.Event()

    def speak(self, turn: int, text: str) -> None:
        self.speaks[turn] = self.speaks.get(turn, "") + text
        self._changed.set()

    def end_of_reply(self, turn: int) -> None:
        if not self.is_slow and turn in self.speaks:
            self._play(turn)

    def say(self, turn: int, text: str, *, filler: bool) -> None:
        self.speak(turn, text)
        self.end_of_reply(turn)

    def stop(self) -> None:
        self.speaks.clear()

    def pause_recording(self, reason: str) -> None:
        self.recording.append(f"pause {reason}")

    def resume_recording(self) -> None:
        self.recording.append("resume")

    async def transfer(self, transfer: Transfer) -> TransferEnded:
        self.transfers.append(transfer)
        return TransferEnded(done=False, why="busy")

    async def hang_up(self, reason: str) -> None:
        self.hung_up_for = reason
        self.driver.over("AGENT_HUNG_UP", "completed")

    def leave(self) -> None:
        raise AssertionError("nobody else has this call")

    def _play(self, turn: int) -> None:
        self.heard.append(self.speaks.pop(turn))
        self.driver.played(turn)
        self._changed.set()

    def play_all(self) -> None:
        self.is_slow = False
        for turn in [*self.speaks]:
            self._play(turn)

    async def until(self, has_come: Callable[[], object]) -> None:
        """Returns when something is so, which only ever becomes so by words that are spoken or heard."""
        async with asyncio.timeout(WITHIN_S):
            while not has_come():
                self._changed.clear()
                await self._changed.wait()

    async def hears(self, text: str) -> None:
        await self.until(lambda: text in self.heard)


class Echo:
    """A dialog adapter that answers in two pieces."""

    def __init__(self) -> None:
        self.marked: list[str | None] = []

    async def turn(self, text: str, context: dict[str, Any] | None = None) -> str:
        return f"you said {text}"

    async def stream(
        self, text: str, context: dict[str, Any] | None = None, language: str | None = None
    ) -> AsyncIterator[str]:
        yield "you said "
        yield text

    def assist(self, note: str) -> None:
        """What the SDK tells the model after an interruption."""

    def mark_interrupted(self, heard_prefix: str | None) -> None:
        self.marked.append(heard_prefix)


@dataclass
class Rig:
    control: Control
    hub: Hub
    telephone: Telephone
    driver: Driver
    call: asyncio.Task[Done]

    async def over(self) -> Done:
        async with asyncio.timeout(WITHIN_S):
            return await self.call


@contextlib.asynccontextmanager
async def a_call_with(*entrypoints: Entrypoint, facts: CallFacts | None = None) -> AsyncIterator[Rig]:
    """A call whose control plane gives it to the runners in their order, one for each entrypoint."""
    control, hub, telephone = Control(), Hub(key=KEY, clock_s=time.time), Telephone()
    async with serving([*control.routes(), *hub.routes()], "127.0.0.1") as port, asyncio.timeout(2 * WITHIN_S):
        control.bridge_url = f"ws://127.0.0.1:{port}/bridge/{CALL}"
        runners: list[AgentRunner] = []
        running: list[asyncio.Task[Any]] = []
        for count, entrypoint in enumerate(entrypoints, 1):
            runner = AgentRunner(
                entrypoint, AGENT, platform_token="t", org_handle="o", base_url=f"ws://127.0.0.1:{port}"
            )
            runners.append(runner)
            running.append(asyncio.create_task(runner.run()))
            await control.registered(count)
        call_facts = facts or CallFacts(CALL, AGENT, user_number="+15550100", room_id="room")
        driver = Driver(call=call_facts, line=hub.open(CALL), brain=control, voice=telephone)
        telephone.driver = driver
        rig = Rig(control, hub, telephone, driver, asyncio.create_task(driver.run()))
        try:
            yield rig
        finally:
            running.extend([rig.call, *(job for runner in runners for job in runner._jobs.values())])
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            await hub.close()
