"""Voice profiles as customers see them, with the fields of the SDK 0.5.0, and those that every deployment has."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from ringline.later import Carried
from ringline.runtime.rows import known_to

HEARING = ("deepgram", "cartesia", "openai", "elevenlabs", "sarvam", "livekit", "local")
SPEAKING = HEARING
"""Whom the speech worker can hear and speak with: `speech.worker.voices.table`, which a test holds these to."""

_CATALOGUE = Path(__file__).with_name("catalogue.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceProfile:
    """Who hears, who speaks, in which languages. Prices are of the providers, in US dollars a minute of talk."""

    profile_id: str
    name: str = ""
    description: str | None = None
    gender: str | None = None
    quality: str | None = None
    languages: tuple[str, ...] = ()
    language: str | None = None
    stt_provider: str = ""
    stt_model: str | None = None
    stt_languages: tuple[str, ...] = ()
    tts_provider: str = ""
    tts_model: str | None = None
    tts_voice: str | None = None
    tts_language: str | None = None
    voice_temperature: float | None = None
    voice_speed: float | None = None
    voice_prompt: str | None = None
    greeting_message: str | None = None
    estimated_cost_per_min_usd: float | None = None
    latency_ms: int | None = None
    revision: int = 1
    created_at: int | None = None
    modified_at: int | None = None
    carried: Carried = field(default=(), compare=False, repr=False)

    @property
    def is_served(self) -> bool:
        """Whether there is a plugin for it at all. Whether a worker has the keys is known to the worker alone."""
        return self.stt_provider in HEARING and self.tts_provider in SPEAKING

    def speaks(self, language: str) -> bool:
        """Whether it is of this language: `en` fits `en-US`, and `en-US` fits a profile that only says `en`."""
        wanted = language.replace("_", "-").lower()
        return any(_fit(wanted, each.replace("_", "-").lower()) for each in self._languages())

    def _languages(self) -> Iterable[str]:
        return (*self.languages, *self.stt_languages, *filter(None, (self.language, self.tts_language)))


def _fit(wanted: str, spoken: str) -> bool:
    return wanted == spoken or spoken.startswith(f"{wanted}-") or wanted.startswith(f"{spoken}-")


def profile_from(profile_id: str, told: Mapping[str, Any]) -> VoiceProfile:
    """A profile of plain fields, with those of a later release carried along."""
    known = {name: value for name, value in known_to(VoiceProfile, told).items() if value is not None}
    for name in ("languages", "stt_languages"):
        if name in known:
            known[name] = tuple(known[name])
    return VoiceProfile(**{**known, "profile_id": profile_id})


@cache
def seeded() -> Mapping[str, VoiceProfile]:
    """What every deployment begins with, by their ids."""
    return {name: profile_from(name, told) for name, told in json.loads(_CATALOGUE.read_text()).items()}
