"""A call whose session has no room: the worker's own session, voice, listener and silence watch, with the bridge and
the official AgentRunner, in one loop. The other side is a microphone and an ear of `sound`, or text alone."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from livekit.agents import AgentSession, tts
from livekit.agents.voice.transcription.synchronizer import TranscriptSynchronizer
from unpod.connectivity.runner import AgentRunner

from speech.bridge.driver import Driver, steady_clock_ms
from speech.bridge.hub import Hub, serving
from speech.bridge.local_brain import ServeBrainOf
from speech.bridge.model.actions import Done, Transfer
from speech.bridge.model.call import CallFacts
from speech.bridge.model.events import TransferEnded
from speech.tests.session.sound import FixedEar, Hears, Reads, Speaks, ToneMouth
from speech.worker.answering.answering import Answering
from speech.worker.calls.dispatch import CAN_REPORT
from speech.worker.calls.listening import Listener
from speech.worker.calls.quiet import Quiet
from speech.worker.calls.session import a_session
from speech.worker.calls.voice import SessionVoice
from speech.worker.settings import Settings
from tests.contract.bridge.rig import AGENT, CALL, KEY, WITHIN_S, Control, Entrypoint

FACTS = CallFacts(CALL, AGENT, user_number="+15550100", room_id="room", can_report=CAN_REPORT)


def settings(**variables: str) -> Settings:
    needed = {"LIVEKIT_URL": "ws://127.0.0.1:7880", "LIVEKIT_API_KEY": "key", "LIVEKIT_API_SECRET": "secret"}
    return Settings.read(needed | variables)


@dataclass
class TestPhone:
    """Whose end the call's own end is."""

    __test__ = False
    hung_up_for: str | None = None
    transfers: list[Transfer] = field(default_factory=list)
    driver: Driver | None = None
    is_handing_over: bool = False

    async def run(self, transfer: Transfer, _announce: Any) -> TransferEnded:
        """Hands nobody over."""
        self.transfers.append(transfer)
        return TransferEnded(False, "busy")

    async def hang_up(self, reason: str) -> None:
        self.hung_up_for = reason
        assert self.driver is not None
        self.driver.over("AGENT_HUNG_UP", "completed")

    def leave(self) -> None:
        raise AssertionError("nobody else has this call")


@dataclass
class SessionRig:
    control: Control
    session: AgentSession[None]
    voice: SessionVoice
    driver: Driver
    quiet: Quiet
    answering: Answering
    phone: TestPhone
    talk: asyncio.Task[Done]
    speaks: Speaks
    hears: Hears
    reads: Reads

    async def over(self) -> Done:
        async with asyncio.timeout(WITHIN_S):
            return await self.talk


@contextlib.asynccontextmanager
async def a_session_with(
    *entrypoints: Entrypoint,
    hears: list[str] | None = None,
    mouth: tts.TTS[Any] | None = None,
    with_sound: bool = True,
    serve_brain: ServeBrainOf | None = None,
    control: Control | None = None,
    **variables: str,
) -> AsyncIterator[SessionRig]:
    control, hub, phone = control or Control(), Hub(key=KEY, clock_s=time.time), TestPhone()
    async with serving([*control.routes(), *hub.routes()], "127.0.0.1") as port:
        control.bridge_url = f"ws://127.0.0.1:{port}/bridge/{CALL}"
        runners, running = await _runners(control, port, entrypoints)
        clock_ms = steady_clock_ms()
        session = a_session(FixedEar(hears or []), mouth or ToneMouth())
        voice = SessionVoice(session, phone, phone, clock_ms)
        driver = Driver(
            call=FACTS,
            line=hub.open(CALL),
            brain=control,
            voice=voice,
            clock_ms=clock_ms,
            serve_brain=serve_brain,
        )
        voice.bind(driver)
        phone.driver = driver
        answering = Answering(driver, time.monotonic)
        quiet = Quiet(voice, driver, settings(**variables), time.monotonic, answering, lambda: phone.is_handing_over)
        speaks, ear, reads = Speaks(), Hears(), Reads()
        if with_sound:
            synchronizer = TranscriptSynchronizer(next_in_chain_audio=ear, next_in_chain_text=reads)
            session.input.audio = speaks
            session.output.audio = synchronizer.audio_output
            session.output.transcription = synchronizer.text_output
        else:
            session.output.transcription = reads
        talk = asyncio.create_task(driver.run())
        await session.start(Listener(session, voice, driver, quiet, answering))
        try:
            yield SessionRig(control, session, voice, driver, quiet, answering, phone, talk, speaks, ear, reads)
        finally:
            running.extend([talk, *(job for runner in runners for job in runner._jobs.values())])
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            await session.aclose()
            if with_sound:
                await synchronizer.aclose()
            await hub.close()


async def _runners(
    control: Control, port: int, entrypoints: tuple[Entrypoint, ...]
) -> tuple[list[AgentRunner], list[asyncio.Task[Any]]]:
    runners = [
        AgentRunner(entrypoint, AGENT, platform_token="t", org_handle="o", base_url=f"ws://127.0.0.1:{port}")
        for entrypoint in entrypoints
    ]
    running = []
    for count, runner in enumerate(runners, 1):
        running.append(asyncio.create_task(runner.run()))
        await control.registered(count)
    return runners, running
