"""What the session hears, and what becomes of it."""

from collections.abc import AsyncIterable, AsyncIterator

from livekit import rtc
from livekit.agents import AgentSession, APIError, ModelSettings, llm, stt
from livekit.agents.voice import Agent
from livekit.agents.voice.events import (
    AgentStateChangedEvent,
    CloseEvent,
    ErrorEvent,
    UserInputTranscribedEvent,
    UserStateChangedEvent,
)

from speech.bridge.driver import Driver
from speech.worker.answering.answering import Answering
from speech.worker.calls.quiet import Quiet
from speech.worker.calls.voice import SessionVoice

SPEECH_FAILED = "failed: speech"
"""Speech to text or text to speech is not to be had: the call's end is AGENT_FAILED."""
_NO_INSTRUCTIONS = "The words are the brain's, on the other side of the bridge."


class Listener(Agent):
    """The session's agent. It has no words of its own: a turn of the other side goes to the voice when it is
    complete."""

    def __init__(
        self, session: AgentSession[None], voice: SessionVoice, driver: Driver, quiet: Quiet, answering: Answering
    ) -> None:
        super().__init__(instructions=_NO_INSTRUCTIONS)
        self._voice = voice
        self._driver = driver
        self._quiet = quiet
        self._answering = answering
        self._language: str | None = None
        session.on("user_state_changed", self._user_state)
        session.on("agent_state_changed", self._agent_state)
        session.on("user_input_transcribed", self._transcribed)
        session.on("error", self._failed)
        session.on("close", self._closed)

    async def on_user_turn_completed(self, turn_ctx: llm.ChatContext, new_message: llm.ChatMessage) -> None:
        text = (new_message.text_content or "").strip()
        stopped_at = new_message.metrics.get("stopped_speaking_at")
        if text:
            self._answering.said(text)
            await self._voice.heard(text, self._language, None if stopped_at is None else round(stopped_at * 1000))

    async def stt_node(
        self, audio: AsyncIterable[rtc.AudioFrame], model_settings: ModelSettings
    ) -> AsyncIterator[stt.SpeechEvent | str]:
        """As usual; all sound is heard on its way to the ears."""
        async for event in Agent.default.stt_node(self, self._heard(audio), model_settings):
            yield event

    async def _heard(self, audio: AsyncIterable[rtc.AudioFrame]) -> AsyncIterator[rtc.AudioFrame]:
        async for frame in audio:
            self._answering.hear(frame)
            yield frame

    def _user_state(self, event: UserStateChangedEvent) -> None:
        speaks = event.new_state == "speaking"
        self._quiet.user_speaks(speaks)
        self._answering.user_speaks(speaks)
        if speaks:
            self._driver.user_spoke()

    def _agent_state(self, event: AgentStateChangedEvent) -> None:
        if event.new_state == "speaking":
            self._voice.sounds()

    def _transcribed(self, event: UserInputTranscribedEvent) -> None:
        if event.is_final and event.language:
            self._language = str(event.language)

    def _failed(self, event: ErrorEvent) -> None:
        """livekit-agents begins anew after an error of its own kind. Any other one ends the listening for good, and
        counts once: the session would never close."""
        error = event.error
        if isinstance(error, stt.STTError) and not error.recoverable and not isinstance(error.error, APIError):
            self._driver.end(SPEECH_FAILED)

    def _closed(self, event: CloseEvent) -> None:
        self._voice.close()
        if event.error is not None:
            self._driver.end(SPEECH_FAILED)
