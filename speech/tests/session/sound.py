"""Ears and mouths that need no model, and a telephone line that is a pair of queues."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import numpy
from livekit import rtc
from livekit.agents import APIConnectOptions, APIStatusError, stt, tts, utils
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, NOT_GIVEN, NotGivenOr
from livekit.agents.voice import io

from speech.worker.voices import local

HZ = 16_000
FRAME_MS = 20
LETTERS_A_S = 15
"""How fast the tone mouth speaks."""


class FixedEar(stt.STT[Any]):
    """Hears these texts, one an utterance, whatever was said."""

    def __init__(self, texts: list[str]) -> None:
        super().__init__(capabilities=stt.STTCapabilities(streaming=False, interim_results=False))
        self._texts = texts

    async def _recognize_impl(
        self,
        buffer: utils.AudioBuffer,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions,
    ) -> stt.SpeechEvent:
        text = self._texts.pop(0) if self._texts else ""
        heard = stt.SpeechData(language="en", text=text)  # type: ignore[arg-type]
        return stt.SpeechEvent(type=stt.SpeechEventType.FINAL_TRANSCRIPT, alternatives=[heard])


class ToneMouth(tts.TTS[Any]):
    """Speaks a tone as long as the text would take."""

    def __init__(self) -> None:
        super().__init__(capabilities=tts.TTSCapabilities(streaming=False), sample_rate=HZ, num_channels=1)

    def synthesize(
        self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.ChunkedStream:
        return _Tone(tts=self, input_text=text, conn_options=conn_options)


class BrokenMouth(ToneMouth):
    """A provider that refuses its key."""

    def synthesize(
        self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.ChunkedStream:
        return _NoSound(tts=self, input_text=text, conn_options=conn_options)


class _Tone(tts.ChunkedStream):
    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        output_emitter.initialize(request_id="tone", sample_rate=HZ, num_channels=1, mime_type="audio/pcm")
        output_emitter.push(a_tone(len(self.input_text) / LETTERS_A_S))
        output_emitter.flush()


class _NoSound(tts.ChunkedStream):
    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        raise APIStatusError("no such key", status_code=401)


def a_tone(seconds: float, hertz: float = 440) -> bytes:
    """16-bit samples."""
    times = numpy.arange(int(seconds * HZ)) / HZ
    return bytes((numpy.sin(2 * numpy.pi * hertz * times) * 8000).astype(numpy.int16).tobytes())


def spoken(text: str) -> bytes:
    """The local voice says it. 16-bit samples."""
    mouth = local.mouth()
    assert isinstance(mouth, local.PiperMouth)
    resampler = rtc.AudioResampler(mouth.sample_rate, HZ)
    frames = []
    for sentence in mouth.voice.synthesize(text):
        sound = sentence.audio_int16_bytes
        frames += resampler.push(rtc.AudioFrame(sound, mouth.sample_rate, 1, len(sound) // 2))
    frames += resampler.flush()
    return b"".join(bytes(frame.data) for frame in frames)


class Speaks(io.AudioInput):
    """The other side's microphone: silence, until it is told to speak."""

    def __init__(self) -> None:
        super().__init__(label="telephone")
        self._samples = bytearray()
        self._next_at: float | None = None
        self.fell_silent_at: float | None = None

    def speak(self, samples: bytes) -> None:
        self._samples += samples

    async def __anext__(self) -> rtc.AudioFrame:
        self._next_at = (self._next_at or time.monotonic()) + FRAME_MS / 1000
        await asyncio.sleep(max(0.0, self._next_at - time.monotonic()))
        size = HZ * FRAME_MS // 1000 * 2
        chunk = bytes(self._samples[:size])
        del self._samples[:size]
        if chunk and not self._samples:
            self.fell_silent_at = time.monotonic()
        return rtc.AudioFrame(chunk.ljust(size, b"\0"), HZ, 1, size // 2)


class Hears(io.AudioOutput):
    """The other side's ear: plays at the pace of speech, and remembers when the first sound of each came."""

    def __init__(self, on_sound: Callable[[], None] = lambda: None) -> None:
        super().__init__(label="ear", capabilities=io.AudioOutputCapabilities(pause=False), sample_rate=HZ)
        self._on_sound = on_sound
        self._began_at: float | None = None
        self._queued_s = 0.0
        self._ends: asyncio.TimerHandle | None = None
        self.sounds_at: list[float] = []

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        await super().capture_frame(frame)
        if self._began_at is None:
            self._began_at = time.monotonic()
            self.sounds_at.append(self._began_at)
            self.on_playback_started(created_at=time.time())
            self._on_sound()
        self._queued_s += frame.duration

    def flush(self) -> None:
        super().flush()
        if self._began_at is not None and self._ends is None:
            left_s = self._began_at + self._queued_s - time.monotonic()
            self._ends = asyncio.get_running_loop().call_later(max(0.0, left_s), self._finish, False)

    def clear_buffer(self) -> None:
        if self._began_at is not None:
            self._finish(True)

    def _finish(self, interrupted: bool) -> None:
        if self._ends is not None:
            self._ends.cancel()
        if self._began_at is None:
            return
        played_s = min(self._queued_s, time.monotonic() - self._began_at)
        self._began_at, self._queued_s, self._ends = None, 0.0, None
        self.on_playback_finished(playback_position=played_s, interrupted=interrupted)


class Reads(io.TextOutput):
    """What is shown of the agent's speech, as it is spoken."""

    def __init__(self) -> None:
        super().__init__(label="screen", next_in_chain=None)
        self.text = ""

    async def capture_text(self, text: str) -> None:
        self.text += text

    def flush(self) -> None:
        self.text += "\n"
