"""Who can serve a voice profile, and how each field is called there. The one table; docs/speech-worker.md shows it.

Read in the plugins of livekit-agents 1.8.9 and held to them by a test that makes each engine of the table.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from speech.worker.voices.profile import BACKGROUNDS, ProfileError, VoiceProfile

type Part = Literal["stt", "tts"]

INFERENCE = "livekit"
"""LiveKit Inference: one key for many providers' models. The model is written `<provider>/<model>`."""
LOCAL_PROVIDER = "local"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What one provider's plugin takes. Each field of a profile has the name of its argument, or None where the
    provider has nothing like it: then the profile is refused instead of sounding different from what was asked for."""

    key: str | None
    model: str | None = "model"
    language: str | None = None
    voice: str | None = None
    speed: str | None = None
    temperature: str | None = None
    prompt: str | None = None
    needs: tuple[str, ...] = ()
    only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


TABLE: Mapping[Part, Mapping[str, Offer]] = {
    "stt": {
        "deepgram": Offer(key="DEEPGRAM_API_KEY", language="language"),
        "cartesia": Offer(key="CARTESIA_API_KEY", language="language"),
        "openai": Offer(key="OPENAI_API_KEY", language="language"),
        "elevenlabs": Offer(key="ELEVEN_API_KEY", language="language_code"),
        "sarvam": Offer(key="SARVAM_API_KEY", language="language"),
        INFERENCE: Offer(key="LIVEKIT_INFERENCE_API_KEY", language="language", needs=("model",)),
        LOCAL_PROVIDER: Offer(key=None, language="language", only={"model": ("tiny.en",), "language": ("en", "en-US")}),
    },
    "tts": {
        # Deepgram's model is its voice: aura-2-andromeda-en.
        "deepgram": Offer(key="DEEPGRAM_API_KEY", model=None, voice="model", speed="speed"),
        "cartesia": Offer(key="CARTESIA_API_KEY", language="language", voice="voice", speed="speed"),
        "openai": Offer(key="OPENAI_API_KEY", voice="voice", speed="speed", prompt="instructions"),
        "elevenlabs": Offer(key="ELEVEN_API_KEY", language="language", voice="voice_id"),
        "sarvam": Offer(
            key="SARVAM_API_KEY",
            language="target_language_code",
            voice="speaker",
            speed="pace",
            temperature="temperature",
        ),
        INFERENCE: Offer(key="LIVEKIT_INFERENCE_API_KEY", language="language", voice="voice", needs=("model",)),
        LOCAL_PROVIDER: Offer(
            key=None,
            language="language",
            voice="voice",
            speed="speed",
            only={"model": ("piper",), "voice": ("joe",), "language": ("en", "en-US")},
        ),
    },
}
_INFERENCE_PROVIDERS: Mapping[Part, frozenset[str]] = {
    "stt": frozenset({"deepgram", "cartesia", "assemblyai", "speechmatics", "xai", "inworld", "google", "openai"}),
    "tts": frozenset({"cartesia", "deepgram", "rime", "inworld", "xai", "fishaudio"}),
}
"""What LiveKit Inference lists in 1.8.9. It takes any string and then fails in the call."""
_LANGUAGE_SPOKEN_ANYWAY: frozenset[tuple[Part, str]] = frozenset({("tts", "deepgram"), ("tts", "openai")})
"""The voice or the text decides over the language: a profile that tells it is not refused for that."""


@dataclass(frozen=True, slots=True)
class Engine:
    """One part of a voice that can be served: whose it is, and what to make it with."""

    part: Part
    provider: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class VoicePlan:
    """A profile that can be served."""

    profile: VoiceProfile
    stt: Engine
    tts: Engine


def plan(profile: VoiceProfile, environment: Mapping[str, str]) -> VoicePlan:
    """How the profile is served with the keys that the environment has. Raises ProfileError, which names every field
    that cannot be."""
    refusals = _background_refusals(profile)
    engines: dict[Part, Engine] = {}
    parts: tuple[Part, ...] = ("stt", "tts")
    for part in parts:
        provider = _provider_of(profile, part)
        offer = TABLE[part].get(provider)
        if offer is None:
            served = ", ".join(TABLE[part])
            refusals.append((f"{part}_provider", f"{provider or 'nobody'} is not served here: {served}"))
            continue
        asked = _asked(profile, part)
        refusals += _refusals(part, provider, offer, asked, environment)
        engines[part] = Engine(part, provider, _arguments(offer, asked))
    if refusals:
        name = profile.profile_id or "voice_profile"
        raise ProfileError("\n".join(f"{name}.{field_name}: {why}" for field_name, why in refusals))
    return VoicePlan(profile, engines["stt"], engines["tts"])


def _provider_of(profile: VoiceProfile, part: Part) -> str:
    return (profile.stt_provider if part == "stt" else profile.tts_provider).strip().lower()


def _asked(profile: VoiceProfile, part: Part) -> dict[str, Any]:
    """What the profile says about the part, by the names of `Offer`. What it leaves open is not in it."""
    language = profile.language_of(part)
    if part == "stt":
        asked: dict[str, Any] = {"model": profile.stt_model, "language": language}
    else:
        asked = {
            "model": profile.tts_model,
            "language": language,
            "voice": profile.tts_voice,
            "speed": None if profile.voice_speed == 1 else profile.voice_speed,
            "temperature": profile.voice_temperature,
            "prompt": profile.voice_prompt,
        }
    return {name: value for name, value in asked.items() if value not in ("", None)}


def _arguments(offer: Offer, asked: Mapping[str, Any]) -> dict[str, Any]:
    named = {name: getattr(offer, name) for name in asked}
    return {argument: asked[name] for name, argument in named.items() if argument is not None}


_FIELDS: Mapping[Part, Mapping[str, str]] = {
    "stt": {"model": "stt_model", "language": "stt_languages"},
    "tts": {
        "model": "tts_model",
        "language": "tts_language",
        "voice": "tts_voice",
        "speed": "voice_speed",
        "temperature": "voice_temperature",
        "prompt": "voice_prompt",
    },
}


def _refusals(
    part: Part, provider: str, offer: Offer, asked: Mapping[str, Any], environment: Mapping[str, str]
) -> list[tuple[str, str]]:
    fields = _FIELDS[part]
    wrong = []
    for name, value in asked.items():
        if getattr(offer, name) is None and not (name == "language" and (part, provider) in _LANGUAGE_SPOKEN_ANYWAY):
            wrong.append((fields[name], f"{provider} has nothing like it"))
        if name in offer.only and value not in offer.only[name]:
            wrong.append((fields[name], f"{provider} has only {', '.join(offer.only[name])}"))
    wrong += [(fields[name], f"{provider} needs it") for name in offer.needs if name not in asked]
    if provider == INFERENCE and "model" in asked and not _is_listed(part, str(asked["model"])):
        listed = ", ".join(sorted(_INFERENCE_PROVIDERS[part]))
        wrong.append((fields["model"], f"must be <provider>/<model> of one of {listed}"))
    if offer.key is not None and not _has_key(provider, offer.key, environment):
        wrong.append((f"{part}_provider", f"{provider} needs {offer.key}"))
    return wrong


def _is_listed(part: Part, model: str) -> bool:
    provider, slash, name = model.partition("/")
    return bool(slash and name) and provider in _INFERENCE_PROVIDERS[part]


def _has_key(provider: str, key: str, environment: Mapping[str, str]) -> bool:
    """LiveKit Inference also takes the key of LiveKit itself, if that is LiveKit Cloud's."""
    if environment.get(key):
        return True
    host = urlsplit(environment.get("LIVEKIT_URL", "")).hostname or ""
    return provider == INFERENCE and host.endswith(".livekit.cloud")


def _background_refusals(profile: VoiceProfile) -> list[tuple[str, str]]:
    wrong = []
    if profile.noise_cancellation:
        wrong.append(("noise_cancellation", "is LiveKit Cloud's own, and not served by this worker"))
    sound = profile.background_sound
    if sound and profile.background_sound_enabled and sound not in BACKGROUNDS:
        wrong.append(("background_sound", f"must be one of {', '.join(BACKGROUNDS)}"))
    return wrong
