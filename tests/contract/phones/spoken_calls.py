"""Calls of the phone network in which the official SDK talks: the control plane is the lab's, and gives the call to
runners that dial in as the SDK's own do."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import jwt
import websockets
from livekit.protocol import agent_dispatch
from unpod.connectivity.bridge_dialer import dial_bridge
from unpod.connectivity.call_context import CallContext

from examples.attach_end_reason import attach_end_reason
from examples.echo_runner import Echo
from speech.bridge.tokens import AUDIENCE, bridge_key
from tests.contract.phones.phone_network import API_SECRET, ROOM, Lab, open_room

SPEECH = "ringline-speech"
CALL_ID = "call_1"
AGENT_ID = "concierge"


class Attentive(Echo):
    """An echo that remembers what it was told of interruptions."""

    def __init__(self) -> None:
        self.heard: list[str | None] = []

    def mark_interrupted(self, heard_text: str | None = None) -> None:
        self.heard.append(heard_text)


@dataclass(slots=True)
class Agent:
    """The customer's side of one call, through as many runners as it takes."""

    adapter: Attentive = field(default_factory=Attentive)
    asked: list[str] = field(default_factory=list)
    contexts: list[CallContext] = field(default_factory=list)
    ended: asyncio.Queue[Any] = field(default_factory=asyncio.Queue)
    greeting: str | None = None
    dies_at: str | None = None
    """A line at which its first runner drops dead."""
    does: Mapping[str, Callable[[CallContext], Awaitable[None]]] = field(default_factory=dict)
    """What it does besides when it hears a line."""

    async def answer(self, ctx: CallContext) -> None:
        attach_end_reason(ctx)
        self.contexts.append(ctx)

        @ctx.session.on("user_turn")
        async def on_turn(text: str) -> None:
            self.asked.append(text)
            if text == self.dies_at and len(self.contexts) == 1:
                ctx.session._bridge._ws.transport.abort()
            if (deed := self.does.get(text)) is not None:
                await deed(ctx)

        @ctx.session.on("call_end")
        async def on_end(outcome: str) -> None:
            self.ended.put_nowait(ctx.session.data.get("end_reason"))

        ctx.session.dialog_machine = self.adapter
        if self.greeting is not None and len(self.contexts) == 1:
            await ctx.session.say(self.greeting)
        await ctx.session.run()


@dataclass(slots=True)
class ControlPlane:
    """Gives the call to a new runner as often as it is asked, at most `runners` times."""

    agent: Agent
    runners: int
    asked: list[Mapping[str, Any]] = field(default_factory=list)
    dials: list[asyncio.Task[None]] = field(default_factory=list)

    def brain(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        self.asked.append(asked)
        if len(self.dials) >= self.runners:
            return {"brain": "runner", "result": "none", "why": "no_runner", "again_in_s": 0.2}
        job_id = f"{CALL_ID}.1.{len(self.dials) + 1}"
        self.dials.append(asyncio.create_task(self._dial(str(asked["bridge_url"]), job_id)))
        return {
            "brain": "runner", "result": "assigned", "job_id": job_id, "assign_id": f"as_{job_id}",
            "worker_id": f"{AGENT_ID}#1", "dial_within_s": 2.0,
        }  # fmt: skip

    async def _dial(self, bridge_url: str, job_id: str) -> None:
        claims = {
            "aud": AUDIENCE, "sub": CALL_ID, "acc": "acct_1", "att": 1, "job": job_id, "wid": f"{AGENT_ID}#1",
            "exp": int(time.time()) + 60,
        }  # fmt: skip
        token = jwt.encode(claims, bridge_key(API_SECRET), algorithm="HS256")
        with contextlib.suppress(websockets.ConnectionClosed):
            await dial_bridge(bridge_url, call_token=token, entrypoint=self.agent.answer, agent_id=AGENT_ID)


@asynccontextmanager
async def a_control_plane(lab: Lab, agent: Agent, runners: int = 1) -> AsyncIterator[ControlPlane]:
    plane = ControlPlane(agent, runners)
    lab.product.brain = plane.brain
    lab.product.status, lab.product.end_reason = "completed", "USER_HUNG_UP_IN_CALL"
    try:
        yield plane
    finally:
        for dial in plane.dials:
            dial.cancel()
        await asyncio.gather(*plane.dials, return_exceptions=True)


async def send_speech_agent(lab: Lab, to_number: str, **more: Any) -> None:
    """The speech worker is dispatched to the lab's room, as the product does it."""
    url = f"{lab.product.url}/v1/calls/{CALL_ID}"
    metadata = {
        "call_id": CALL_ID, "agent_id": AGENT_ID, "direction": "outbound", "to_number": to_number, "brain": "runner",
        "brain_url": f"{url}/brain", "agent_events_url": f"{url}/agent-events", "token": "t",
        "data": {"customer": "C1"},
    }  # fmt: skip
    await open_room(lab)
    request = agent_dispatch.CreateAgentDispatchRequest(
        agent_name=SPEECH, room=ROOM, metadata=json.dumps(metadata | more)
    )
    await lab.livekit.agent_dispatch.create_dispatch(request)


async def ready(lab: Lab) -> None:
    await lab.product.until(lambda product: "ready" in product.told())


async def words(lab: Lab) -> list[tuple[str, str, bool]]:
    """What was said on the phone: who, what, and whether they were cut off."""
    (call,) = await lab.calls()
    return [(each["who"], each["text"], each["cut_off"]) for each in call["words"]]


async def until_words(lab: Lab, is_so: Callable[[list[tuple[str, str, bool]]], bool]) -> None:
    """Waits until the words on the phone are as wanted. Raises TimeoutError."""
    async with asyncio.timeout(10):
        while True:
            if is_so(await words(lab)):
                return
            await asyncio.sleep(0.02)
