"""A speech worker's connection to the control plane: what it tells, and how it comes back."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from speech.bridge.control import FIRST_PAUSE_S, LONGEST_PAUSE_S, Control, Worker, control_url
from speech.bridge.hub import serving

pytestmark = pytest.mark.anyio

REGISTERED = {"type": "registered", "heartbeat_interval_s": 10, "transport_ack": "dial_out"}
WORKER = Worker("speech#1", "ringline-speech", 2, "ws://10.0.0.4:8081")
METADATA = json.dumps({"call_id": "call_1", "attempt": 1, "dispatch": 2, "token": "of the dispatch"})


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass
class ControlPlane:
    """Answers each registration with `answer`, or refuses the upgrade with `status`."""

    answer: dict[str, Any] = field(default_factory=lambda: dict(REGISTERED))
    status: int = 0
    heard: "asyncio.Queue[dict[str, Any]]" = field(default_factory=asyncio.Queue)
    credentials: list[str] = field(default_factory=list)
    sockets: list[web.WebSocketResponse] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.credentials.append(request.headers["Authorization"])
        if self.status:
            return web.Response(status=self.status)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        async for message in socket:
            frame = json.loads(message.data)
            self.heard.put_nowait(frame)
            if frame["type"] == "register":
                await socket.send_json(self.answer)
        return socket

    async def hears(self, *types: str) -> list[dict[str, Any]]:
        async with asyncio.timeout(10):
            frames = [await self.heard.get() for _ in types]
        assert [frame["type"] for frame in frames] == list(types)
        return frames


@dataclass
class Rig:
    plane: ControlPlane
    control: Control
    jobs: list[str]
    pauses_s: list[float]
    paused: asyncio.Event


@asynccontextmanager
async def a_worker(plane: ControlPlane) -> AsyncIterator[Rig]:
    jobs: list[str] = []
    pauses_s: list[float] = []
    paused = asyncio.Event()

    async def sleep(pause_s: float) -> None:
        pauses_s.append(pause_s)
        if len(pauses_s) == 12:
            paused.set()
            await asyncio.Event().wait()

    async with serving([web.get("/v1/internal/workers", plane.handle)], "127.0.0.1") as port:
        async with aiohttp.ClientSession() as http:
            control = Control(
                http,
                url=control_url(f"http://127.0.0.1:{port}/"),
                livekit_secret="a-secret-of-more-than-32-characters",
                worker=WORKER,
                active_jobs=lambda: len(jobs),
                sleep=sleep,
            )
            task = asyncio.create_task(control.run())
            try:
                yield Rig(plane, control, jobs, pauses_s, paused)
            finally:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task


async def test_it_registers_with_its_places_and_beats_at_once() -> None:
    async with a_worker(ControlPlane()) as rig:
        register, beat = await rig.plane.hears("register", "heartbeat")
        assert register == {
            "type": "register",
            "worker_id": "speech#1",
            "kind": "media",
            "pool": "ringline-speech",
            "capabilities": {"max_concurrent": 2, "kind": "media", "bridge_base": "ws://10.0.0.4:8081"},
        }
        assert beat == {"type": "heartbeat", "worker_id": "speech#1", "active_jobs": 0}
        assert rig.plane.credentials[0].startswith("Worker ey")
        assert rig.control.registered.is_set()


async def test_it_tells_at_once_that_it_is_full_and_that_it_has_room_again() -> None:
    async with a_worker(ControlPlane()) as rig:
        await rig.plane.hears("register", "heartbeat")
        rig.jobs += ["a", "b"]
        assert (await rig.plane.hears("heartbeat"))[0]["active_jobs"] == 2
        rig.jobs.pop()
        assert (await rig.plane.hears("heartbeat"))[0]["active_jobs"] == 1


async def test_a_lost_job_is_told_with_the_token_of_its_dispatch_and_once() -> None:
    async with a_worker(ControlPlane()) as rig:
        await rig.plane.hears("register", "heartbeat")
        rig.control.took(METADATA)
        rig.control.took(json.dumps(json.loads(METADATA) | {"dispatch": 3, "token": "of another"}))
        rig.control.job_lost("call_1", 2)
        rig.control.job_lost("call_1", 2)
        rig.control.job_lost("nobodys", 1)
        told = await rig.plane.hears("job_lost")
        assert told == [{"type": "job_lost", "call": "call_1", "attempt": 1, "dispatch": 2, "token": "of the dispatch"}]
        rig.jobs += ["a", "b"]
        await rig.plane.hears("heartbeat")


@pytest.mark.parametrize("metadata", ["", "{}", "[]", "null", '{"call_id": "call_1", "token": "x"}'])
async def test_a_job_of_somebody_else_is_passed_over(metadata: str) -> None:
    async with a_worker(ControlPlane()) as rig:
        await rig.plane.hears("register", "heartbeat")
        rig.control.took(metadata)
        rig.control.job_lost("call_1", 1)
        rig.jobs += ["a", "b"]
        await rig.plane.hears("heartbeat")


async def test_what_was_lost_without_a_connection_is_told_on_the_next_one() -> None:
    async with a_worker(ControlPlane()) as rig:
        await rig.plane.hears("register", "heartbeat")
        rig.control.took(METADATA)
        await rig.plane.sockets[0].close()
        rig.control.job_lost("call_1", 2)
        frames = await rig.plane.hears("register", "job_lost", "heartbeat")
        assert frames[0]["worker_id"] == "speech#1", "it is the same worker to the control plane"
        assert 0.8 * FIRST_PAUSE_S <= rig.pauses_s[0] <= 1.2 * FIRST_PAUSE_S


@pytest.mark.parametrize(
    "plane",
    [ControlPlane(status=401), ControlPlane(answer={"type": "registered", "transport_ack": "refused", "detail": "no"})],
)
async def test_a_worker_that_is_refused_tries_again_ever_less_often(plane: ControlPlane) -> None:
    async with a_worker(plane) as rig:
        async with asyncio.timeout(10):
            await rig.paused.wait()
        assert rig.pauses_s[0] <= 2 * 1.2 * FIRST_PAUSE_S
        assert rig.pauses_s[-1] >= 0.8 * LONGEST_PAUSE_S
        assert max(rig.pauses_s) <= 1.2 * LONGEST_PAUSE_S
        assert not rig.control.registered.is_set()
