"""A phone network in the test's own event loop, and a server that records its webhooks and plays the product."""

import asyncio
import base64
import inspect
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web
from livekit.api import LiveKitAPI, TokenVerifier, WebhookReceiver
from livekit.protocol import agent_dispatch, sip
from livekit.protocol import room as room_messages
from livekit.protocol.models import ParticipantInfo

from local.phones.carrier.forms import CarrierSecrets
from local.phones.network import NetworkConfig, PhoneNetwork
from speech.bridge.reporting import TRANSFER_UNDER_WAY

API_KEY, API_SECRET = "devkey", "a-secret-that-is-long-enough-for-hs256"
AGENT_NAME = "lab-agent"
ROOM = "call-1"
LEG = "leg-a1"
ANSWERS, STAYS_ON, RINGS_OUT = "+15550100200", "+15550100201", "+15550100000"
CARRIER_SECRETS = CarrierSecrets(
    generic="whsec_" + base64.b64encode(b"a secret of the carrier's").decode(),
    telnyx_key=base64.b64encode(bytes(range(32))).decode(),
    twilio_token="a-token-of-twilios",
)


@dataclass(frozen=True, slots=True)
class Hook:
    """One webhook as it came in. `at_s` is in the network's own seconds."""

    at_s: float
    body: dict[str, Any]
    content_type: str
    signature_ok: bool

    @property
    def event(self) -> str:
        return str(self.body["event"])

    @property
    def room(self) -> str:
        return str(self.body["room"]["name"])


@dataclass(slots=True)
class HookRecorder:
    """Answers every webhook with `status` after keeping it, and checks its signature as a product would."""

    time_scale: float
    status: int = 200
    hooks: list[Hook] = field(default_factory=list)
    url: str = ""
    handler: Callable[[web.Request], Awaitable[web.Response]] | None = None
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def of_room(self, room: str) -> list[Hook]:
        return [hook for hook in self.hooks if hook.room == room]

    def events(self, room: str) -> list[str]:
        return [hook.event for hook in self.of_room(room)]

    async def until(self, condition: Callable[["HookRecorder"], object], timeout_s: float = 10.0) -> None:
        """Waits until `condition` holds of what was recorded. Real seconds."""
        async with asyncio.timeout(timeout_s):
            while not condition(self):
                self._news.clear()
                await self._news.wait()

    async def answer(self, request: web.Request) -> web.Response:
        """The endpoint: `receive`, unless a test put a handler in its place."""
        return await (self.handler or self.receive)(request)

    async def receive(self, request: web.Request) -> web.Response:
        body = await request.text()
        receiver = WebhookReceiver(TokenVerifier(API_KEY, API_SECRET))
        event = receiver.receive(body, request.headers["Authorization"])
        parsed = json.loads(body)
        at_s = time.monotonic() / self.time_scale
        self.hooks.append(Hook(at_s, parsed, request.content_type, event.event == parsed["event"]))
        self._news.set()
        return web.Response(status=self.status)


@dataclass(frozen=True, slots=True)
class Posted:
    """One request to the product. `at_s` is in the network's own seconds."""

    at_s: float
    method: str
    url: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def events(self) -> list[dict[str, Any]]:
        """The agent events in it."""
        parsed = self.json
        return list(parsed["events"]) if "events" in parsed else [parsed]


BRAIN_ENDPOINT = "/a-brain-of-the-customers"
"""Somebody's URL that is asked at each turn. The lab's one server serves it, too."""


async def nobody_is_handed_over(_asked: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"transfer_id": "transfer_1", "state": "failed", "reason": "USER_BUSY"}


@dataclass(slots=True)
class Product:
    """Keeps what agents, carriers and recorders send. `statuses` are for the first requests, 200 is for the others.
    Agents are told that their call is as `status` and `end_reason` say; `brain` answers who asks for its brain."""

    time_scale: float
    url: str = ""
    policy: str = "hang_up"
    status: str = "active"
    end_reason: str | None = None
    is_handing_over: bool = False
    """Whether a hang-up is answered as while a transfer is under way."""
    transfer: Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any]]] = nobody_is_handed_over
    brain: Callable[[Mapping[str, Any]], Mapping[str, Any]] = lambda _asked: {"result": "none", "why": "no_runner"}
    statuses: list[int] = field(default_factory=list)
    posted: list[Posted] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def agent_events(self) -> list[dict[str, Any]]:
        """What agents told, in the order in which it came."""
        return [event for each in self.posted if each.path.endswith("/agent-events") for event in each.events]

    def told(self) -> list[str]:
        return [event["type"] for event in self.agent_events]

    def from_carrier(self, form: str) -> list[Posted]:
        return [each for each in self.posted if each.path == f"/hooks/sip/{form}"]

    async def until(self, condition: Callable[["Product"], object], timeout_s: float = 10.0) -> None:
        """Waits until `condition` holds of what was posted. Real seconds."""
        async with asyncio.timeout(timeout_s):
            while not condition(self):
                self._news.clear()
                await self._news.wait()

    async def receive(self, request: web.Request) -> web.Response:
        body = await request.read()
        at_s = time.monotonic() / self.time_scale
        self.posted.append(Posted(at_s, request.method, str(request.url), request.path, dict(request.headers), body))
        self._news.set()
        status = self.statuses.pop(0) if self.statuses else 200
        if request.path.endswith("/agent-transfers"):
            return web.json_response(await self.transfer(json.loads(body)), status=202)
        if request.path.endswith("/brain"):
            return web.json_response(self.brain(json.loads(body)), status=status)
        if request.path == BRAIN_ENDPOINT:
            return web.json_response({"text": f"You said: {json.loads(body)['text']}"})
        told: dict[str, Any] = {
            "results": self._results() if self.is_handing_over else [],
            "status": self.status,
            "end_reason": self.end_reason,
            "voicemail_policy": self.policy,
        }
        return web.json_response(told, status=status)

    def _results(self) -> list[dict[str, str]]:
        kinds = (str(event["type"]) for event in self.posted[-1].events)
        return [{"type": kind, "result": TRANSFER_UNDER_WAY if kind == "hang_up" else "applied"} for kind in kinds]


@dataclass(frozen=True, slots=True)
class Lab:
    """A network, a client for it, a client for its control interface, the recorder of its webhooks, and the product
    its agents and carriers report to."""

    network: PhoneNetwork
    livekit: LiveKitAPI
    recorder: HookRecorder
    product: Product
    http: aiohttp.ClientSession

    async def control(self, verb: str, path: str, **arguments: Any) -> Any:
        """A request to /phones; the parsed answer. Raises for a status of 400 or more."""
        async with self.http.request(verb, f"{self.network.url}/phones/{path}", **arguments) as answer:
            answer.raise_for_status()
            return await answer.json() if answer.content_type == "application/json" else None

    async def calls(self, **wanted: str) -> list[dict[str, Any]]:
        calls: list[dict[str, Any]] = await self.control("GET", "calls", params=wanted)
        return calls


@asynccontextmanager
async def a_lab(time_scale: float = 1.0, hooks_status: int = 200) -> AsyncIterator[Lab]:
    """A network whose seconds take `time_scale` real ones."""
    recorder = HookRecorder(time_scale, hooks_status)
    product = Product(time_scale)
    application = web.Application(client_max_size=10 * 1024 * 1024)
    application.router.add_post("/hooks", recorder.answer)
    application.router.add_route("*", "/{path:.*}", product.receive)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    product.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    recorder.url = f"{product.url}/hooks"
    config = NetworkConfig(
        hooks_urls=(recorder.url,),
        api_key=API_KEY,
        api_secret=API_SECRET,
        agent_name=AGENT_NAME,
        time_scale=time_scale,
        carrier_hooks_url=product.url,
        carrier_secrets=CARRIER_SECRETS,
    )
    try:
        async with (
            PhoneNetwork(config) as network,
            LiveKitAPI(network.url, API_KEY, API_SECRET, failover=False) as livekit,
            aiohttp.ClientSession() as http,
        ):
            yield Lab(network, livekit, recorder, product, http)
    finally:
        await runner.cleanup()


def in_a_lab(time_scale: float = 0.1, hooks_status: int = 200) -> Callable[[Callable[..., Awaitable[None]]], Any]:
    """Runs an async test, whose first argument is a lab, in an event loop of its own."""

    def decorate(test: Callable[..., Awaitable[None]]) -> Any:
        async def in_the_lab(*arguments: Any) -> None:
            async with a_lab(time_scale, hooks_status) as lab:
                await test(lab, *arguments)

        def run_test() -> None:
            asyncio.run(in_the_lab())

        def run_case(case: Any) -> None:
            asyncio.run(in_the_lab(case))

        run = run_case if "case" in inspect.signature(test).parameters else run_test
        run.__name__, run.__doc__ = test.__name__, test.__doc__
        return run

    return decorate


async def open_room(
    lab: Lab, name: str = ROOM, agent: str | None = None, metadata: str = "", agent_metadata: str = ""
) -> None:
    agents = [agent_dispatch.RoomAgentDispatch(agent_name=agent, metadata=agent_metadata)] if agent else []
    request = room_messages.CreateRoomRequest(
        name=name, empty_timeout=30, departure_timeout=2, agents=agents, metadata=metadata
    )
    await lab.livekit.room.create_room(request)


async def dial(
    lab: Lab, number: str, *, room: str = ROOM, wait: bool = True, ring_s: int = 30, headers: bool = False
) -> Any:
    """Dials as the product does; with `headers` the INVITE names the call."""
    request = sip.CreateSIPParticipantRequest(
        sip_trunk_id="ST_sandbox",
        sip_call_to=number,
        room_name=room,
        participant_identity=LEG,
        wait_until_answered=wait,
        headers={"X-Ringline-Call": room} if headers else {},
    )
    request.ringing_timeout.seconds = ring_s
    return await lab.livekit.sip.create_sip_participant(request)


async def the_leg(lab: Lab, room: str = ROOM) -> ParticipantInfo:
    return await lab.livekit.room.get_participant(room_messages.RoomParticipantIdentity(room=room, identity=LEG))


async def finished(lab: Lab, room: str = ROOM) -> None:
    await lab.recorder.until(lambda seen: "room_finished" in seen.events(room))


def leavers(recorder: HookRecorder) -> dict[str, str]:
    """Why each participant left, by kind of participant."""
    left = [hook.body["participant"] for hook in recorder.hooks if hook.event == "participant_left"]
    return {each["kind"]: each["disconnectReason"] for each in left}
