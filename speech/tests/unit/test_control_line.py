"""What the worker tells the control plane of itself, and of jobs that die."""

import asyncio
import json
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiohttp import web
from livekit.agents import JobRequest

from speech.bridge.hub import serving
from speech.worker.control import ControlLine
from speech.worker.settings import Settings

SECRET = "a-secret-of-more-than-32-characters"
METADATA = json.dumps({"call_id": "call_1", "attempt": 1, "dispatch": 2, "token": "of the dispatch"})


def settings(runners_url: str = "") -> Settings:
    return Settings.read(
        {
            "LIVEKIT_URL": "ws://127.0.0.1:7880",
            "LIVEKIT_API_KEY": "devkey",
            "LIVEKIT_API_SECRET": SECRET,
            "RUNNERS_URL": runners_url,
        }
    )


class Offer:
    """A job that LiveKit offers."""

    def __init__(self) -> None:
        self.job = SimpleNamespace(metadata=METADATA)
        self.accepted = False

    async def accept(self) -> None:
        self.accepted = True


def test_a_job_that_died_is_told_with_the_proof_of_whose_call_it_was() -> None:
    heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def plane(request: web.Request) -> web.WebSocketResponse:
        assert request.headers["Authorization"].startswith("Worker ")
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            frame = json.loads(message.data)
            heard.put_nowait(frame)
            if frame["type"] == "register":
                await socket.send_json({"type": "registered", "heartbeat_interval_s": 10, "transport_ack": "dial_out"})
        return socket

    async def scenario() -> None:
        async with serving([web.get("/v1/internal/workers", plane)], "127.0.0.1") as port:
            line = ControlLine(settings(f"http://127.0.0.1:{port}"))
            async with line.open("ws://10.0.0.4:8080", lambda: 1), asyncio.timeout(10):
                register, beat = await heard.get(), await heard.get()
                offer = Offer()
                await line.accept(cast(JobRequest, offer))
                line.job_lost("call_1", 2)
                lost = await heard.get()
        assert (register["type"], register["worker_id"], register["kind"]) == ("register", line.worker_id, "media")
        assert (beat["type"], beat["active_jobs"]) == ("heartbeat", 1)
        assert offer.accepted
        assert lost == {
            "type": "job_lost", "call": "call_1", "attempt": 1, "dispatch": 2, "token": "of the dispatch",
        }  # fmt: skip

    asyncio.run(scenario())


def test_without_a_control_plane_jobs_are_taken_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> Offer:
        line, offer = ControlLine(settings()), Offer()
        async with line.open("ws://10.0.0.4:8080", lambda: 0):
            await line.accept(cast(JobRequest, offer))
            line.job_lost("call_1", 2)
        return offer

    assert asyncio.run(scenario()).accepted
    assert "RUNNERS_URL is not set" in caplog.text
