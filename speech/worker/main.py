"""The main process: it holds the hub, registers with LiveKit, starts a process for each call, and drains.

SIGTERM -> no new calls (LiveKit is told) -> calls go on to their end, drain_s at most, and so do the bridges that are
           passed on to other workers -> hub closed -> exit
a second signal -> at once
"""

import asyncio
import logging
import os
import secrets
import signal
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from aiohttp import web
from livekit.agents import JobRequest

from speech.bridge.attach import AttachPoint
from speech.bridge.hub import Hub, serving
from speech.bridge.tokens import bridge_key
from speech.worker.calls.job import BRIDGE_BASE, HUB_SECRET, HUB_URL, WORKER_ID, entrypoint, warm_up
from speech.worker.control import ControlLine
from speech.worker.places import PlacesServer
from speech.worker.protection import AGENT_URI, TaskProtection
from speech.worker.relay import Relay, WorkerAddresses
from speech.worker.settings import Settings
from speech.worker.voices.engines import missing_packages
from speech.worker.voices.profile import ProfileError, VoiceProfile, read_profiles
from speech.worker.voices.table import VoicePlan, plan

_log = logging.getLogger(__name__)

type JobLost = Callable[[str, int | None], None]
"""Hears of a job that died: its call and its dispatch."""

LOOPBACK = "127.0.0.1"
HEALTHY_PATH = "/health"
PROCESS_WARM_WITHIN_S = 60.0
"""Imports take 2 s, local models one more; a machine whose cores are all taken needs longer for both."""
_LOOKS_EVERY_S = 0.5
_ANY_PUBLIC_ADDRESS = ("192.0.2.1", 9)
"""Of a network for documents (RFC 5737). Nothing is sent to it: it only makes the system choose its way out."""


def checked_profiles(settings: Settings) -> dict[str, VoiceProfile]:
    """The worker's profiles, all of which it can serve. Raises ProfileError, which names every field that is wrong in
    any of them."""
    profiles = read_profiles(settings.voices)
    wrong = []
    for profile in profiles.values():
        try:
            _check_installed(plan(profile, os.environ))
        except ProfileError as error:
            wrong.append(str(error))
    if settings.default_voice and settings.default_voice not in profiles:
        wrong.append(f"SPEECH_DEFAULT_VOICE: {settings.default_voice} is none of {', '.join(profiles)}")
    if wrong:
        raise ProfileError("\n".join(wrong))
    return profiles


def _check_installed(voice_plan: VoicePlan) -> None:
    for engine in (voice_plan.stt, voice_plan.tts):
        missing = missing_packages(engine.provider)
        if missing:
            raise ProfileError(
                f"{voice_plan.profile.profile_id}.{engine.part}_provider: {engine.provider} needs "
                f"requirements/speech-local.txt, which is not in the container ({', '.join(missing)})"
            )


def a_server(settings: Settings, accept: Callable[[JobRequest], Awaitable[None]] | None = None) -> PlacesServer:
    """Registers nothing yet. `accept` takes a job that is offered."""
    server = PlacesServer(
        places=settings.max_calls,
        num_idle_processes=min(settings.idle_processes, settings.max_calls),
        drain_timeout=settings.drain_s,
        ws_url=settings.livekit_url,
        api_key=settings.livekit_api_key,
        api_secret=settings.livekit_api_secret,
        port=settings.health_port,
        initialize_process_timeout=PROCESS_WARM_WITHIN_S,
        setup_fnc=warm_up,
        preload_modules=[entrypoint.__module__],
    )
    server.rtc_session(entrypoint, agent_name=settings.agent_name, on_request=accept)
    return server


@dataclass(frozen=True, slots=True)
class Reached:
    """How runners reach this worker: the `base` of its `bridge_url`s, and how many bridges it `passes_on` to others."""

    base: str
    passes_on: Callable[[], int]


@asynccontextmanager
async def bridges(settings: Settings, server: PlacesServer, on_job_lost: JobLost) -> AsyncIterator[Reached]:
    """Runners can dial in while the block lasts, and jobs attach to their lines. What the jobs need is left in the
    environment that they inherit."""
    hub = Hub(key=bridge_key(settings.livekit_api_secret), clock_s=time.time)
    secret = secrets.token_urlsafe(32)
    attach = AttachPoint(hub, secret=secret, on_job_lost=on_job_lost)
    async with (
        aiohttp.ClientSession() as http,
        serving(attach.routes(), LOOPBACK) as attach_port,
        _public(settings, server, hub, http) as reached,
    ):
        os.environ[HUB_URL] = f"http://{LOOPBACK}:{attach_port}"
        os.environ[HUB_SECRET] = secret
        os.environ[BRIDGE_BASE] = reached.base
        try:
            yield reached
        finally:
            await hub.close()


@asynccontextmanager
async def _public(
    settings: Settings, server: PlacesServer, hub: Hub, http: aiohttp.ClientSession
) -> AsyncIterator[Reached]:
    """The side that runners reach: directly, or through a balancer that may choose any worker."""
    sock = socket.create_server((settings.bridge_host, settings.bridge_port), reuse_port=False)
    port = sock.getsockname()[1]
    own_address = f"{settings.own_address or _way_out(settings.bridge_host)}:{port}"
    addresses = WorkerAddresses(bridge_key(settings.livekit_api_secret))
    relay = Relay(addresses=addresses, own_address=own_address, own_bridge=hub.bridge, http=http)

    async def health(_: web.Request) -> web.Response:
        return _health(server)

    app = web.Application()
    app.add_routes([*hub.routes(), *relay.routes(), web.get(HEALTHY_PATH, health)])
    runner = web.AppRunner(app, access_log=None, handle_signals=False)
    await runner.setup()
    await web.SockSite(runner, sock).start()
    behind_balancer = f"{settings.bridge_url}/at/{addresses.signed(own_address)}"
    try:
        yield Reached(behind_balancer if settings.bridge_url else f"ws://{own_address}", lambda: relay.bridges)
    finally:
        await runner.cleanup()


def _health(server: PlacesServer) -> web.Response:
    """Healthy as long as it serves bridges: a draining worker still has calls whose runner may change."""
    return web.json_response(
        {
            "status": "draining" if server.draining else "ok",
            "places": server.places,
            "in_use": server.calls,
        }
    )


def _way_out(bridge_host: str) -> str:
    """The address under which other machines see this one."""
    if bridge_host not in {"", "0.0.0.0", "::"}:  # noqa: S104 - compared, not listened on
        return bridge_host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_ANY_PUBLIC_ADDRESS)
            return str(probe.getsockname()[0])
        except OSError:
            return LOOPBACK


async def serve(settings: Settings) -> None:
    """Serves until a signal comes. Raises ProfileError before anything is started."""
    profiles = checked_profiles(settings)
    # The end-of-turn model is not used here, and would take 244 MB in every worker.
    os.environ.setdefault("LIVEKIT_AGENTS_PRELOAD_LOCAL_INFERENCE", "0")
    _let_jobs_import(Path(__file__).parents[2])
    control = ControlLine(settings)
    server = a_server(settings, control.accept)
    async with (
        bridges(settings, server, control.job_lost) as reached,
        control.open(reached.base, lambda: server.taken),
    ):
        os.environ[WORKER_ID] = control.worker_id
        _log.info(
            "speech worker begins",
            extra={
                "agent_name": settings.agent_name,
                "places": settings.max_calls,
                "voices": [*profiles],
                "bridge": reached.base,
            },
        )
        running = asyncio.create_task(server.run())
        protecting = asyncio.create_task(_protected(server, running))
        ending = asyncio.create_task(_drained_at_signal(server, settings.drain_s, reached.passes_on))
        await asyncio.wait({running, ending}, return_when=asyncio.FIRST_COMPLETED)
        await server.aclose()
        ending.cancel()
        protecting.cancel()
        await running


async def _protected(server: PlacesServer, running: asyncio.Task[None]) -> None:
    if AGENT_URI in os.environ:
        async with aiohttp.ClientSession() as http:
            await TaskProtection(os.environ[AGENT_URI], http, lambda: 0 if running.done() else server.calls).run()


async def _drained_at_signal(server: PlacesServer, drain_s: int, passes_on: Callable[[], int]) -> None:
    """Returns when the worker may go: after its last call and the last bridge of another worker's, or at the second
    signal."""
    first, second = asyncio.Event(), asyncio.Event()

    def signalled() -> None:
        (second if first.is_set() else first).set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, signalled)
    await first.wait()
    _log.info("draining", extra={"calls": server.calls, "passes_on": passes_on(), "drain_s": drain_s})
    draining = asyncio.create_task(_drained(server, drain_s, passes_on))
    impatient = asyncio.create_task(second.wait())
    await asyncio.wait({draining, impatient}, return_when=asyncio.FIRST_COMPLETED)
    impatient.cancel()
    draining.cancel()
    try:
        await draining
    except asyncio.CancelledError:
        _log.warning("told to end at once", extra={"calls": server.calls})
    except TimeoutError:
        _log.warning("calls are cut off: they lasted longer than the drain", extra={"calls": server.calls})


async def _drained(server: PlacesServer, drain_s: int, passes_on: Callable[[], int]) -> None:
    """Raises TimeoutError where it lasts longer than `drain_s`."""
    async with asyncio.timeout(drain_s or None):
        await server.drain(timeout=drain_s)
        while passes_on():  # noqa: ASYNC110 - many places count them, and nobody is in a hurry
            await asyncio.sleep(_LOOKS_EVERY_S)


def _let_jobs_import(root: Path) -> None:
    """Job processes start from a server of their own, which knows the environment and not this process's paths."""
    paths = [str(root), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(paths))
