"""A control plane that stands in for ours where thousands of calls are to be heard: it gives each call to the runner
that was given the fewest, takes reports, and keeps nothing. What is tried with it is the bridge, the rules of the
conversation and the SDK.

GET  /v1/internal/workers             runners register here, as with the real one
POST /v1/calls/{call_id}/brain        the call gets a runner, by the first one that is asked
POST /v1/calls/{call_id}/agent-events reports; a call is over when its transcript is final
"""

import asyncio
import itertools
import json
import time
from collections import Counter
from typing import Any

import jwt
from aiohttp import WSMsgType, web

from speech.bridge.tokens import AUDIENCE, bridge_key

_HEARTBEAT_S = 10
_TOKEN_LIVES_S = 3600
_DIAL_WITHIN_S = 10.0


class StandIn:
    """`routes()` go into an aiohttp application. `why_asked` counts the speech worker's requests by their reason,
    `refusals` the assignments that a runner did not accept."""

    def __init__(self, livekit_secret: str) -> None:
        self._key = bridge_key(livekit_secret)
        self._sockets: dict[str, web.WebSocketResponse] = {}
        self._given: Counter[str] = Counter()
        self._numbers = itertools.count(1)
        self._ready: dict[str, asyncio.Event] = {}
        self.why_asked: Counter[str] = Counter()
        self.refusals = 0

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/v1/internal/workers", self._serve_runner),
            web.post("/v1/calls/{call_id}/brain", self._give_brain),
            web.post("/v1/calls/{call_id}/agent-events", self._take_reports),
        ]

    @property
    def runners(self) -> int:
        return len(self._sockets)

    def ready(self, call_id: str) -> asyncio.Event:
        """Set when the call's speech agent has said that it is ready."""
        return self._ready.setdefault(call_id, asyncio.Event())

    async def _serve_runner(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        worker_id = ""
        async for message in socket:
            frame = json.loads(message.data) if message.type is WSMsgType.TEXT else {}
            if frame.get("type") == "register":
                worker_id = str(frame["worker_id"])
                told = {"type": "registered", "heartbeat_interval_s": _HEARTBEAT_S, "transport_ack": "dial_out"}
                await socket.send_str(json.dumps(told))
                self._sockets[worker_id] = socket
            elif frame.get("type") == "job.ack" and not frame["accepted"]:
                self.refusals += 1
        self._sockets.pop(worker_id, None)
        return socket

    async def _give_brain(self, request: web.Request) -> web.Response:
        call_id, asked = request.match_info["call_id"], await request.json()
        self.why_asked[asked["why"]] += 1
        if not self._sockets:
            return web.json_response({"brain": "runner", "result": "none", "why": "no_runner", "again_in_s": 0.5})
        worker_id = min(self._sockets, key=lambda each: self._given[each])
        self._given[worker_id] += 1
        job_id = f"{call_id}.1.{next(self._numbers)}"
        assign = {
            "type": "job.assign", "job_id": job_id, "call_id": call_id, "agent_id": worker_id.partition("#")[0],
            "bridge_url": asked["bridge_url"], "call_token": self._token(call_id, job_id, worker_id),
            "assign_id": f"as_{job_id}",
        }  # fmt: skip
        await self._sockets[worker_id].send_str(json.dumps(assign))
        return web.json_response(
            {
                "brain": "runner",
                "result": "assigned",
                "job_id": job_id,
                "assign_id": assign["assign_id"],
                "worker_id": worker_id,
                "dial_within_s": _DIAL_WITHIN_S,
            }
        )

    def _token(self, call_id: str, job_id: str, worker_id: str) -> str:
        claims = {
            "aud": AUDIENCE, "sub": call_id, "acc": "acct_bench", "att": 1, "job": job_id, "wid": worker_id,
            "exp": int(time.time()) + _TOKEN_LIVES_S,
        }  # fmt: skip
        return jwt.encode(claims, self._key, algorithm="HS256")

    async def _take_reports(self, request: web.Request) -> web.Response:
        told = await request.json()
        events: list[dict[str, Any]] = told.get("events", [told])
        if any(event.get("type") == "ready" for event in events):
            self.ready(request.match_info["call_id"]).set()
        # Only an agent whose call is over asks without telling anything.
        over = {"end_reason": "USER_HUNG_UP_IN_CALL", "status": "completed"}
        asks = {"end_reason": None, "status": "active"} if events else over
        return web.json_response({"results": [{"result": "applied"} for _ in events], **asks})
