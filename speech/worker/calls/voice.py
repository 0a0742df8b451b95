"""The voice of a call: a livekit-agents session, as the bridge wants it.

    speak, speak, end_of_reply --> one utterance --> session.say(stream) --> played(turn)
                                                       |-- the other side speaks into it --> interrupted(what was heard)
    session: turn completed ------------------------------------------------------------> user_said(text) -> turn

The session never answers by itself. An utterance is a stream of words that grows while it is spoken.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol

from livekit.agents import AgentSession, llm
from livekit.agents.voice import SpeechHandle

from speech.bridge.driver import Driver
from speech.bridge.model.actions import Transfer
from speech.bridge.model.events import TransferEnded
from speech.worker.calls.latency import Latencies


class Phone(Protocol):
    """What is done to the call itself."""

    async def hang_up(self, reason: str) -> None: ...

    def leave(self) -> None: ...


class HandsOver(Protocol):
    """Hands the call over, with words for whoever comes."""

    async def run(self, transfer: Transfer, announce: Callable[[str], Awaitable[None]]) -> TransferEnded: ...


class _Words:
    """Pieces of text, as they come."""

    def __init__(self) -> None:
        self._pieces: asyncio.Queue[str | None] = asyncio.Queue()

    def add(self, piece: str) -> None:
        self._pieces.put_nowait(piece)

    def end(self) -> None:
        self._pieces.put_nowait(None)

    async def __aiter__(self) -> AsyncIterator[str]:
        while (piece := await self._pieces.get()) is not None:
            yield piece


class _Utterance:
    def __init__(self, turn: int | None, words: _Words, handle: SpeechHandle) -> None:
        self.turn = turn
        """None: words of the worker's own, of which the conversation knows nothing."""
        self.words = words
        self.handle = handle
        self.is_dropped = False


class SessionVoice:
    """Implements `speech.bridge.voice.Voice`. `bind` it before the session starts."""

    def __init__(
        self, session: AgentSession[None], phone: Phone, handover: HandsOver, clock_ms: Callable[[], int]
    ) -> None:
        self._session = session
        self._phone = phone
        self._handover = handover
        self._clock_ms = clock_ms
        self._driver: Driver | None = None
        self._live: list[_Utterance] = []
        self._awaited: set[int] = set()
        self._dropped: set[int] = set()
        self._is_closed = False
        self.latencies = Latencies()

    def bind(self, driver: Driver) -> None:
        self._driver = driver

    def close(self) -> None:
        """The session is gone: nothing is spoken any more, and nobody is to wait for it."""
        self._is_closed = True

    @property
    def driver(self) -> Driver:
        assert self._driver is not None, "a voice is bound before it hears"
        return self._driver

    @property
    def is_busy(self) -> bool:
        """It speaks, or a reply is awaited."""
        return bool(self._live or self._awaited)

    # ------------------------------------------------------------ what the conversation wants

    def speak(self, turn: int, text: str) -> None:
        if turn in self._dropped or self._is_closed:
            return
        self.latencies.first_word(turn, self._clock_ms())
        (self._of(turn) or self._begin(turn)).words.add(text)

    def end_of_reply(self, turn: int) -> None:
        self._awaited.discard(turn)
        utterance = self._of(turn)
        if utterance is not None:
            utterance.words.end()
        elif self._is_closed:
            self.driver.played(turn)

    def say(self, turn: int, text: str, *, filler: bool) -> None:
        if self._is_closed:
            self.driver.played(turn)
            return
        utterance = self._begin(turn)
        utterance.words.add(text)
        utterance.words.end()

    def say_for_itself(self, text: str) -> None:
        """Words of the worker's own."""
        if self._is_closed:
            return
        utterance = self._begin(None)
        utterance.words.add(text)
        utterance.words.end()

    def stop(self) -> None:
        self._drop_all()

    def pause_recording(self, reason: str) -> None:
        """The control plane, which is told of it beside this, has LiveKit's egress stop."""

    def resume_recording(self) -> None:
        """See `pause_recording`."""

    async def transfer(self, transfer: Transfer) -> TransferEnded:
        return await self._handover.run(transfer, self._announce)

    async def _announce(self, text: str) -> None:
        """Returns when it was heard, or somebody has spoken into it."""
        if self._is_closed:
            return
        utterance = self._begin(None)
        utterance.words.add(text)
        utterance.words.end()
        await utterance.handle.wait_for_playout()

    async def hang_up(self, reason: str) -> None:
        await self._phone.hang_up(reason)

    def leave(self) -> None:
        self._phone.leave()

    # ------------------------------------------------------------ what the session hears

    async def heard(self, text: str, language: str | None = None, stopped_ms: int | None = None) -> None:
        """A turn of the other side is complete. What the agent was still at is outdated by it: the new turn is told
        after the interruption."""
        await self._fall_silent()
        if self._awaited:
            self._dropped |= self._awaited
            self._awaited.clear()
            self.driver.interrupted("")
        now_ms = self._clock_ms()
        turn = self.driver.user_said(text, language, now_ms)
        self._awaited.add(turn)
        self.latencies.said(turn, stopped_ms, now_ms)

    def sounds(self) -> None:
        """The first sound of an utterance has gone out."""
        if self._live and (turn := self._live[0].turn) is not None:
            measured = self.latencies.first_sound(turn, self._clock_ms())
            if measured is not None:
                self.driver.measured(measured)

    # ------------------------------------------------------------ utterances

    def _of(self, turn: int) -> _Utterance | None:
        return next((utterance for utterance in self._live if utterance.turn == turn), None)

    def _begin(self, turn: int | None) -> _Utterance:
        words = _Words()
        utterance = _Utterance(turn, words, self._session.say(words))
        self._live.append(utterance)
        utterance.handle.add_done_callback(lambda _: self._ended(utterance))
        return utterance

    def _ended(self, utterance: _Utterance) -> None:
        self._live.remove(utterance)
        if utterance.is_dropped:
            return
        if not utterance.handle.interrupted:
            if utterance.turn is not None:
                self.driver.played(utterance.turn)
            return
        told = [utterance, *self._live]
        self._drop_all()
        if utterance.turn is not None:
            self._dropped.add(utterance.turn)
            self._awaited.discard(utterance.turn)
        if any(each.turn is not None for each in told):
            # With what was spoken the reply that is still thought of is interrupted: nobody waits for it any more.
            self._dropped |= self._awaited
            self._awaited.clear()
            # What was heard of the worker's own words was nothing of the agent's.
            self.driver.interrupted("" if utterance.turn is None else heard_of(utterance.handle))

    def _drop_all(self) -> None:
        for utterance in self._live:
            utterance.is_dropped = True
            utterance.words.end()
            if utterance.turn is not None:
                self._dropped.add(utterance.turn)
                self._awaited.discard(utterance.turn)
            utterance.handle.interrupt(force=True)

    async def _fall_silent(self) -> None:
        """As if the other side had spoken into it: the framework stops only the speech that it is at."""
        live = list(self._live)
        if live:
            live[0].handle.interrupt(force=True)
        for utterance in live:
            await utterance.handle.wait_for_playout()


def heard_of(handle: SpeechHandle) -> str:
    """What the other side heard of a speech that is over."""
    messages = (item for item in handle.chat_items if isinstance(item, llm.ChatMessage) and item.role == "assistant")
    return " ".join(text for message in messages if (text := message.text_content)).strip()
