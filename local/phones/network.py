"""The phone network as a whole: its parts, and the one HTTP server in front of them."""

import asyncio
import os
import time
from dataclasses import dataclass, field
from typing import Self

from aiohttp import web
from livekit.protocol import sip

from local.phones.agents.worker import Dispatcher, Worker
from local.phones.api.control import Control
from local.phones.api.dialing import SipApi
from local.phones.api.dispatches import DispatchApi
from local.phones.api.door import TwirpDoor
from local.phones.api.egresses import EgressApi
from local.phones.api.methods import dispatch_methods, egress_methods, room_methods, sip_methods
from local.phones.api.rooms import RoomApi
from local.phones.api.trunks import TrunkApi
from local.phones.calls.exchange import Exchange
from local.phones.carrier.desk import CarrierDesk
from local.phones.carrier.forms import CarrierSecrets
from local.phones.kernel.faults import Faults
from local.phones.kernel.ledger import Ledger
from local.phones.kernel.pace import Pace
from local.phones.kernel.tasks import Tasks
from local.phones.model.post import those_left_out
from local.phones.post.courier import Courier
from local.phones.post.hooks import Hooks
from local.phones.rooms.roster import Roster
from local.phones.speech.mind import SpeechWorks
from local.phones.speech.people import People
from local.phones.speech.stand_in_model import STAND_IN_PATH, complete
from speech.bridge.hub import Hub
from speech.bridge.tokens import bridge_key
from speech.worker.settings import Settings

MODEL_VARIABLES = ("SPEECH_LLM_URL", "SPEECH_LLM_KEY", "SPEECH_LLM_MODEL")
"""In the environment: the language model that answers for agents that are a prompt (docs/speech-worker.md)."""


@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """What a network is started with. Port 0 takes a free one; the outbound trunk `trunk_id` is there at once.

    Workers are registered under `agent_name` and each of the `own_agent_names`, which stand for customers' own: a
    dispatch for a name that nobody has registered finds nobody. Dispatches for `speech_agent_name` find a worker with
    so many `speech_places`, whose agents hear and speak words for a brain elsewhere. Carriers post to
    `<carrier_hooks_url>/hooks/sip/<form>`, in the forms for which there is a secret. `exclude_events` are not posted,
    as by a server whose configuration leaves them out.
    """

    hooks_urls: tuple[str, ...] = ()
    exclude_events: tuple[str, ...] = ()
    api_key: str = "devkey"
    api_secret: str = "secret"
    agent_name: str = "ringline-agent"
    own_agent_names: tuple[str, ...] = ("sandbox-agent",)
    speech_agent_name: str = "ringline-speech"
    speech_places: int = 100
    host: str = "127.0.0.1"
    port: int = 0
    time_scale: float = 1.0
    trunk_id: str = "ST_sandbox"
    trunk_number: str = "+15550100000"
    trunk_address: str = "127.0.0.1:5070"
    carrier_hooks_url: str | None = None
    carrier_secrets: CarrierSecrets = field(default_factory=CarrierSecrets)


class PhoneNetwork:
    """A running phone network: `async with PhoneNetwork(config) as network: network.url`."""

    def __init__(self, config: NetworkConfig) -> None:
        self.config = config
        key = (config.api_key, config.api_secret)
        pace, tasks = Pace(config.time_scale), Tasks()
        faults = Faults(pace)
        left_out = those_left_out(config.exclude_events)
        hooks = Hooks(config.hooks_urls, key, pace=pace, faults=faults, tasks=tasks, left_out=left_out)
        courier = Courier(tasks)
        carriers = CarrierDesk(
            hooks_url=config.carrier_hooks_url, secrets=config.carrier_secrets, courier=courier, tasks=tasks, pace=pace
        )
        self.exchange = Exchange(
            pace=pace,
            tasks=tasks,
            faults=faults,
            hooks=hooks,
            roster=Roster(hooks, pace),
            ledger=Ledger(),
            courier=courier,
            carriers=carriers,
        )
        people = People()
        self._hub = Hub(key=bridge_key(config.api_secret), clock_s=time.time)
        works = SpeechWorks(
            hub=self._hub,
            people=people,
            http=courier.session,
            bridges_url=self._bridges_url,
            settings=self._speech_settings,
        )
        self.speech_worker = Worker(self.exchange, works.mind, config.speech_places)
        workers = {name: Worker(self.exchange) for name in (config.agent_name, *config.own_agent_names)}
        workers[config.speech_agent_name] = self.speech_worker
        dispatcher = Dispatcher(workers)
        trunks = TrunkApi()
        trunks.add_outbound_trunk(
            sip.SIPOutboundTrunkInfo(
                sip_trunk_id=config.trunk_id,
                name="sandbox",
                address=config.trunk_address,
                numbers=[config.trunk_number],
            )
        )
        dialer = SipApi(self.exchange, trunks)
        rooms, dispatches = RoomApi(self.exchange, dispatcher), DispatchApi(self.exchange.roster, dispatcher)
        methods = (
            room_methods(rooms)
            | sip_methods(dialer, trunks)
            | dispatch_methods(dispatches)
            | egress_methods(EgressApi(self.exchange))
        )
        self._door = TwirpDoor(methods, key, self.exchange)
        self.control = Control(self.exchange, self._door, dialer, trunks, dispatcher, people, key)
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listens. `url` is known afterwards."""
        application = web.Application(client_max_size=10 * 1024 * 1024)
        application.router.add_post("/twirp/livekit.{service}/{method}", self._door.serve)
        self.control.add_routes(application.router)
        application.add_routes(self._hub.routes())
        application.router.add_post(f"{STAND_IN_PATH}/chat/completions", complete)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self.exchange.hooks.start()
        await self.exchange.courier.start()
        await self._runner.setup()
        site = web.TCPSite(self._runner, self.config.host, self.config.port)
        await site.start()
        port = self._runner.addresses[0][1]
        self.url = f"http://{self.config.host}:{port}"
        self.exchange.tasks.start(self.exchange.roster.close_idle_rooms())

    def _bridges_url(self) -> str:
        return f"{self.url.replace('http://', 'ws://', 1)}/bridge"

    def _speech_settings(self) -> Settings:
        """The speech worker's own, of which the network needs those of the language model alone: the one that the
        environment names, or else the stand-in."""
        model = {name: os.environ.get(name, "") for name in MODEL_VARIABLES}
        model["SPEECH_LLM_URL"] = model["SPEECH_LLM_URL"] or f"{self.url}{STAND_IN_PATH}"
        livekit = {"LIVEKIT_URL": self.url, "LIVEKIT_API_KEY": self.config.api_key}
        return Settings.read({**model, **livekit, "LIVEKIT_API_SECRET": self.config.api_secret})

    async def stop(self) -> None:
        """Stops at once: calls and undelivered webhooks are gone."""
        await self.exchange.tasks.stop()
        self._door.drop_all()
        if self._runner is not None:
            async with asyncio.timeout(1):
                await self._runner.cleanup()
        await self.exchange.hooks.stop()
        await self.exchange.courier.stop()
