"""A call in its room, bound together: leg, session, voice, conversation, and their common end."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp
from livekit.agents import AgentSession, BackgroundAudioPlayer, BuiltinAudioClip, JobContext
from livekit.agents.voice.background_audio import AudioConfig

from speech.bridge.brain import Brain
from speech.bridge.driver import Driver, steady_clock_ms
from speech.bridge.handover import Handover
from speech.bridge.line import Line
from speech.bridge.local_brain import LocalBridge
from speech.bridge.model.actions import Done, Why
from speech.bridge.model.events import BrainAnswer, Served
from speech.bridge.model.outcome import presumed
from speech.worker.answering.answering import Answering
from speech.worker.brains.replies import replies_of
from speech.worker.brains.served import ServedBrain
from speech.worker.calls.dispatch import Dispatch
from speech.worker.calls.kept import Kept
from speech.worker.calls.leg import Leg
from speech.worker.calls.listening import Listener
from speech.worker.calls.outcome import told
from speech.worker.calls.quiet import Quiet
from speech.worker.calls.session import a_session, join
from speech.worker.calls.told import Told
from speech.worker.calls.voice import SessionVoice
from speech.worker.settings import Settings
from speech.worker.voices.engines import ear, mouth
from speech.worker.voices.table import VoicePlan

END_IS_TOLD_WITHIN_S = 10.0
"""For the last frames and reports. The framework waits 15 s for a job whose room is gone."""
BACKGROUND_VOLUME = 0.3

_log = logging.getLogger(__name__)


class ReadyInRoom:
    """A brain client that tells of `ready` only when the worker is in the room too: the handshake may be faster, and
    then nobody is to be rung yet."""

    def __init__(self, brain: Brain, joined: asyncio.Event) -> None:
        self._brain = brain
        self._joined = joined

    async def ask(self, request: int, why: Why) -> BrainAnswer:
        return await self._brain.ask(request, why)

    async def report(self, events: Sequence[Mapping[str, Any]]) -> Sequence[str]:
        if any(event["type"] == "ready" for event in events):
            await self._joined.wait()
        return await self._brain.report(events)


class CallInRoom:
    """`run` it once."""

    def __init__(
        self, ctx: JobContext, settings: Settings, dispatch: Dispatch, plan: VoicePlan, http: aiohttp.ClientSession
    ) -> None:
        self._ctx = ctx
        self._http = http
        self._settings = settings
        self._dispatch = dispatch
        self._plan = plan
        self._clock_ms = steady_clock_ms()
        self._leg = Leg(ctx, dispatch)
        self._joined = asyncio.Event()
        self._session: AgentSession[None] = a_session(ear(plan.stt), mouth(plan.tts))
        self._handover = Handover(http, events_url=dispatch.events_url, token=dispatch.token)
        self._voice = SessionVoice(self._session, self._leg, self._handover, self._clock_ms)
        self._greeting = plan.profile.greeting_message

    async def run(self, line: Line, brain: Brain) -> None:
        """Returns when the call is over and all of it is told."""

        async def serve(served: Served, bridge: LocalBridge) -> None:
            await ServedBrain(bridge, replies_of(served, self._http, self._settings), self._greeting).run()

        driver = Driver(
            call=self._dispatch.facts,
            line=line,
            brain=ReadyInRoom(brain, self._joined) if self._dispatch.is_outbound else brain,
            voice=self._voice,
            clock_ms=self._clock_ms,
            serve_brain=serve,
            keep_turns=Kept(self._ctx.room, self._joined).tell,
        )
        self._voice.bind(driver)
        answering = Answering(driver, time.monotonic)
        quiet = Quiet(self._voice, driver, self._settings, time.monotonic, answering, self._has_company)
        listener = Listener(self._session, self._voice, driver, quiet, answering)
        talk = asyncio.create_task(driver.run())
        living = asyncio.create_task(self._live(driver, quiet, listener, answering))
        try:
            watched: set[asyncio.Future[Any]] = {talk, living, self._leg.gone}
            await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
            if living.done():
                living.result()
            await self._tell_end(driver, talk)
        except Exception:
            if not self._leg.gone.done():
                # The other side is still there, and is to have another agent at once.
                await line.close(is_lost=True)
            raise
        finally:
            for task in (living, talk):
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            await self._session.aclose()
        if not self._is_put_out or driver.has_heard:
            await self._report_usage(brain)

    async def _live(self, driver: Driver, quiet: Quiet, listener: Listener, answering: Answering) -> None:
        """Joins, waits for the other side, and lets both hear each other. Returns only by being cancelled."""
        self._leg.watch()
        # Nobody listens to what is heard before the answer: ringing, announcements of the carrier.
        self._session.input.set_audio_enabled(False)
        if not self._dispatch.is_outbound:
            # LiveKit answers a caller as soon as there is a voice in the room: not before there is a brain.
            await driver.ready.wait()
        await join(self._ctx, self._session, listener, self._dispatch.leg_identity)
        Told(self._ctx.room, driver).watch()
        # Who was in the room before this worker is announced by nobody.
        self._leg.look()
        self._joined.set()
        await self._leg.answered.wait()
        self._session.input.set_audio_enabled(True)
        driver.answered()
        if self._dispatch.is_outbound and not self._dispatch.was_answered:
            answering.answered()
        async with self._background():
            await quiet.run()

    async def _tell_end(self, driver: Driver, talk: asyncio.Task[Done]) -> None:
        if self._leg.gone.done():
            gone = self._leg.gone.result()
            if self._is_put_out and not talk.done():
                if not await self._tell_of_handing_over(driver):
                    return
            else:
                await driver.other_side_left()
                known = await told(self._http, self._dispatch.events_url, self._dispatch.token)
                outcome = known or presumed(
                    gone,
                    was_answered=self._leg.answered.is_set(),
                    hung_up_for=self._leg.hung_up_for,
                    was_transferred=self._handover.is_under_way,
                )
                driver.over(outcome.end_reason, outcome.status)
        async with asyncio.timeout(END_IS_TOLD_WITHIN_S):
            await asyncio.shield(talk)

    @property
    def _is_put_out(self) -> bool:
        """At somebody else's wish: this agent has handed nobody over."""
        return self._leg.was_put_out and not self._handover.is_under_way

    async def _tell_of_handing_over(self, driver: Driver) -> bool:
        """What was said to an agent that is put out is told by nobody else, and the call is not ended by it any more.
        Whether it is known to whom it was handed over: to another person. With another agent this one may have been
        superfluous, or taken for lost: that one tells the rest."""
        if not driver.has_heard:
            _log.info("put out of the room: another agent talks", extra={"why": self._leg.gone.result()})
            return False
        await driver.other_side_left(is_final=self._leg.is_with_person)
        if self._leg.is_with_person:
            driver.over("CALL_TRANSFERRED", "completed")
        return self._leg.is_with_person

    async def _report_usage(self, brain: Brain) -> None:
        """What the engines were used for, and how long the turns took."""
        usage = {
            "models": [used.model_dump(exclude_none=True) for used in self._session.usage.model_usage],
            "latency": self._voice.latencies.report(),
        }
        await brain.report([{"type": "usage", "usage": usage}])

    def _has_company(self) -> bool:
        return self._handover.is_under_way or self._leg.has_company

    @asynccontextmanager
    async def _background(self) -> AsyncIterator[None]:
        """What is heard behind the agent. A call goes on without it."""
        background = None
        try:
            background = self._background_player()
            if background is not None:
                await background.start(room=self._ctx.room, agent_session=self._session)
        except Exception:
            _log.exception("the background sound failed")
        try:
            yield
        finally:
            if background is not None:
                try:
                    await background.aclose()
                except Exception:
                    _log.exception("the background sound did not end")

    def _background_player(self) -> BackgroundAudioPlayer | None:
        profile = self._plan.profile
        if not profile.background_sound or not profile.background_sound_enabled or self._ctx.is_fake_job():
            return None
        volume = BACKGROUND_VOLUME if profile.background_sound_volume is None else profile.background_sound_volume
        clip = BuiltinAudioClip(f"{profile.background_sound}.ogg")
        return BackgroundAudioPlayer(ambient_sound=AudioConfig(clip, volume=volume))
