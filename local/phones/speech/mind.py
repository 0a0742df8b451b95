"""The mind of a speech agent: it hears and speaks words, and a brain elsewhere, at the end of a bridge, thinks."""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import aiohttp
from livekit.protocol.models import DisconnectReason

from local.phones.agents.presence import Presence
from local.phones.agents.reports import Reports
from local.phones.calls.exchange import Exchange
from local.phones.rooms.participant import Phone
from local.phones.speech.endings import why_it_ended
from local.phones.speech.mouth import Mouth
from local.phones.speech.people import People
from local.phones.speech.person import Person
from local.phones.speech.silence import Silence
from local.phones.speech.told import hear
from local.phones.speech.voice import TextVoice
from speech.bridge.brain import BrainClient
from speech.bridge.driver import Driver
from speech.bridge.handover import Handover
from speech.bridge.hub import Hub, path_of
from speech.bridge.kept_turns import TURNS_ATTRIBUTE
from speech.bridge.line import Line, LineTaken
from speech.bridge.local_brain import LocalBridge
from speech.bridge.model.actions import Done
from speech.bridge.model.call import CallFacts
from speech.bridge.model.events import Served
from speech.worker.brains.replies import replies_of
from speech.worker.brains.served import ServedBrain
from speech.worker.settings import Settings

_log = logging.getLogger("phones.mind")
_CAN_REPORT = ("user_spoke", "silence", "transcript", "dtmf")
_CLOSED_WITHIN_S = 20.0
"""How long a bridge takes to say goodbye, at most. Real seconds, as everything between the worker and other servers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechWorks:
    """What all agents of the speech worker share. `bridges_url` tells where their runners dial in; brains that are no
    runner are asked as the `settings` say."""

    hub: Hub
    people: People
    http: Callable[[], aiohttp.ClientSession]
    bridges_url: Callable[[], str]
    settings: Callable[[], Settings]

    def mind(self, exchange: Exchange, presence: Presence, reports: Reports | None) -> "BrainMind":
        """The mind of one agent."""
        return BrainMind(self, exchange, presence, reports)


class BrainMind:
    """Asks for its brain as soon as it has its job, and joins when it has one, for nobody is to answer a phone, or to
    have one rung, without. The bridge holds what the brain says until both sides can hear each other."""

    def __init__(self, works: SpeechWorks, exchange: Exchange, presence: Presence, reports: Reports | None) -> None:
        self._works = works
        self._exchange = exchange
        self._presence = presence
        self._reports = reports
        self._driver: Driver | None = None
        self._running: asyncio.Task[Done] | None = None
        self._has_all_it_needs = asyncio.Event()

    async def may_join(self) -> None:
        await self._has_all_it_needs.wait()

    async def attend(self) -> None:
        """Talks until the agent is gone. One that its dispatch does not tell where to find a brain listens only. The
        bridge of one that has crashed, or that never came into the room, is closed at once: the next agent of its call
        needs it."""
        try:
            await self._converse()
        finally:
            has_to_part = self._presence.joined.is_set() and not self._presence.crashed.is_set()
            if self._running is not None and not has_to_part:
                self._running.cancel()

    async def _converse(self) -> None:
        told = _told(self._presence.dispatch.metadata)
        if told is None:
            _log.warning("a speech agent was dispatched without a brain")
            self._has_all_it_needs.set()
            return
        try:
            line = self._works.hub.open(told["call_id"], told.get("attempt"), told.get("dispatch", 1))
        except LineTaken:
            # One dispatch came twice: the later one is too many, and has no brain to come with.
            self._presence.leave(DisconnectReason.CLIENT_INITIATED)
            return
        mouth = Mouth(self._exchange.pace)
        self._driver = driver = self._bound(told, line, mouth)
        mouth.played = driver.played
        self._presence.hears = partial(hear, self._presence, driver)
        self._running = self._exchange.tasks.start(driver.run())
        self._running.add_done_callback(self._bridge_is_over)
        await driver.ready.wait()
        self._has_all_it_needs.set()
        await self._presence.answered.wait()
        if (leg := self._presence.leg) is not None and leg.phone is not None:
            await self._talk(leg.phone, mouth, driver)

    def _bound(self, told: dict[str, Any], line: Line, mouth: Mouth) -> Driver:
        brain = BrainClient(
            self._works.http(),
            brain_url=told["brain_url"],
            events_url=told["agent_events_url"],
            token=told["token"],
            bridge_url=f"{self._works.bridges_url()}/{path_of(told['call_id'], told.get('dispatch', 1))}",
            dispatch=told.get("dispatch", 1),
        )
        handover = Handover(self._works.http(), events_url=told["agent_events_url"], token=told["token"])
        return Driver(
            call=CallFacts.of_dispatch(told, self._presence.room.name, _CAN_REPORT),
            line=line,
            brain=brain,
            voice=TextVoice(self._exchange, self._presence, mouth, handover),
            serve_brain=partial(self._serve, greeting_of(told)),
            keep_turns=lambda turns: self._presence.tell({TURNS_ATTRIBUTE: turns}),
        )

    async def _serve(self, greeting: str, served: Served, bridge: LocalBridge) -> None:
        await ServedBrain(bridge, replies_of(served, self._works.http(), self._works.settings()), greeting).run()

    async def _talk(self, phone: Phone, mouth: Mouth, driver: Driver) -> None:
        mouth.call = phone.call
        silence = Silence(self._exchange.pace, mouth, driver)
        person = Person(self._exchange.pace, self._exchange.tasks, phone, mouth, silence)
        self._works.people.enter(phone.call.id, person)
        driver.answered()
        try:
            async with asyncio.TaskGroup() as together:
                together.create_task(mouth.play())
                together.create_task(person.live())
                together.create_task(silence.watch(person))
        finally:
            mouth.stop()
            self._works.people.leave(phone.call.id)

    def _bridge_is_over(self, running: asyncio.Task[Done]) -> None:
        """A conversation that nobody ended from here: there is no brain, or no call, and so nothing to stay for."""
        if not self._presence.gone.is_set() and not self._presence.crashed.is_set():
            self._presence.leave(DisconnectReason.CLIENT_INITIATED)

    async def conclude(self) -> None:
        """Tells the brain why the call ended, and waits until its bridge is closed."""
        if self._driver is None or self._running is None:
            return
        if not self._presence.crashed.is_set() and not self._running.done():
            await self._driver.other_side_left()
            ending = await why_it_ended(self._presence, self._reports)
            self._driver.over(ending.end_reason, ending.status)
            await asyncio.wait((self._running,), timeout=_CLOSED_WITHIN_S)
        self._running.cancel()


def greeting_of(told: Mapping[str, Any]) -> str:
    """What a brain that is no runner says first; a runner greets by itself."""
    voice = told.get("voice")
    if not isinstance(voice, Mapping) or voice.get("first_speaker") == "user":
        return ""
    return str(voice.get("greeting") or "")


def _told(metadata: str) -> dict[str, Any] | None:
    """What the dispatch says of the call; None where it names no brain."""
    try:
        told = json.loads(metadata)
        named = [told[name] for name in ("call_id", "brain_url", "agent_events_url", "token")]
    except (ValueError, KeyError, TypeError):
        return None
    return told if all(isinstance(each, str) for each in named) else None
