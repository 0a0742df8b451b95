"""Makes what hears and what speaks. Plugins register where they are imported, which must be the main thread of a
process, before its first job: so all of them are imported here at once."""

from collections.abc import Callable, Mapping
from typing import Any

from livekit.agents import inference, stt, tts
from livekit.plugins import cartesia, deepgram, elevenlabs, openai, sarvam

from speech.worker.voices.table import INFERENCE, LOCAL_PROVIDER, Engine

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


def _local() -> Any:
    """Imported where it is asked for: its packages are an extra (requirements/speech-local.in)."""
    from speech.worker.voices import local

    return local
