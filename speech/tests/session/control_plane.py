"""The control plane over HTTP, as a job of the worker meets it: the brain's route and the agent's events."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, get_args

from aiohttp import web

from speech.bridge.model.actions import Why
from speech.bridge.model.events import Assigned, NoRunner
from tests.contract.bridge.rig import AGENT, CALL, Control

TOKEN = "token-of-the-call"


def metadata(base_url: str, **fields: Any) -> str:
    """A dispatch's, as docs/agents.md tells it."""
    call_url = f"{base_url}/v1/calls/{CALL}"
    return json.dumps(
        {
            "call_id": CALL,
            "attempt": 1,
            "dispatch": 1,
            "agent_id": AGENT,
            "direction": "outbound",
            "to_number": "+15550100",
            "from_number": "+15550000",
            "data": {},
            "brain": "runner",
            "brain_url": f"{call_url}/brain",
            "agent_events_url": f"{call_url}/agent-events",
            "token": TOKEN,
            **fields,
        }
    )


class ControlPlane:
    """Routes before a `Control`. `served` is the answer for a brain that is no runner."""

    def __init__(self, control: Control, served: Mapping[str, Any] | None = None) -> None:
        self.control = control
        self.served = served
        self.ended: dict[str, Any] = {"status": "active", "end_reason": None}

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post(f"/v1/calls/{CALL}/brain", self._brain),
            web.post(f"/v1/calls/{CALL}/agent-events", self._events),
            *self.control.routes(),
        ]

    async def _brain(self, request: web.Request) -> web.Response:
        _check(request)
        body = await request.json()
        if self.served is not None:
            return web.json_response({"result": "served", **self.served})
        self.control.bridge_url = body["bridge_url"]
        why = body["why"]
        assert why in get_args(Why.__value__)
        match await self.control.ask(body["request"], why):
            case Assigned() as assigned:
                return web.json_response({"brain": "runner", "result": "assigned", **asdict(assigned)})
            case NoRunner() as nobody:
                return web.json_response({"brain": "runner", "result": "none", **asdict(nobody)})
        raise web.HTTPInternalServerError

    async def _events(self, request: web.Request) -> web.Response:
        _check(request)
        events = (await request.json())["events"]
        words = await self.control.report(events)
        results = [{"type": event["type"], "result": word} for event, word in zip(events, words, strict=True)]
        if {"type": "hang_up", "result": "applied"} in results:
            self.ended = {"status": "completed", "end_reason": "AGENT_HUNG_UP"}
        return web.json_response({"results": results, **self.ended})


def _check(request: web.Request) -> None:
    if request.headers.get("Authorization") != f"Bearer {TOKEN}":
        raise web.HTTPUnauthorized
