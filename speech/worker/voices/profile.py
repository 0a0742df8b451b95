"""A voice profile, with the fields of the SDK 0.5.0: who hears, who speaks, in which language."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError


class ProfileError(ValueError):
    """A profile cannot be read or served. Each line of the message is `<profile>.<field>: <why>`."""


def _nothing_for_null(value: Any) -> Any:
    return "" if value is None else value


def _none_for_null(value: Any) -> Any:
    return () if value is None else value


type _Text = Annotated[str, BeforeValidator(_nothing_for_null)]
type _Texts = Annotated[tuple[str, ...], BeforeValidator(_none_for_null)]

BACKGROUNDS = ("city-ambience", "forest-ambience", "office-ambience", "crowded-room", "hold_music")
"""What livekit-agents 1.8.9 brings to be heard behind the agent."""


class VoiceProfile(BaseModel):
    """What is read of a profile. Fields that say nothing about speech (names, prices) are left out; a field of a later
    version does no harm."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    profile_id: _Text = Field("", validation_alias=AliasChoices("profile_id", "id", "agent_profile_id"))
    language: _Text = ""
    languages: _Texts = ()
    stt_provider: _Text = ""
    stt_model: _Text = ""
    stt_languages: _Texts = ()
    tts_provider: _Text = ""
    tts_model: _Text = ""
    tts_voice: _Text = ""
    tts_language: _Text = ""
    voice_temperature: float | None = Field(None, ge=0, le=2)
    voice_speed: float | None = Field(None, gt=0, le=4)
    voice_prompt: _Text = ""
    greeting_message: _Text = ""
    background_sound: _Text = ""
    background_sound_enabled: bool = True
    background_sound_volume: float | None = Field(None, ge=0, le=1)
    noise_cancellation: bool | str | None = None

    def language_of(self, part: Literal["stt", "tts"]) -> str:
        """The language that one part is told: its own field, or the profile's."""
        own = (self.stt_languages[0] if self.stt_languages else "") if part == "stt" else self.tts_language
        return own or self.language or (self.languages[0] if self.languages else "")


LOCAL = VoiceProfile.model_validate({"profile_id": "local", "stt_provider": "local", "tts_provider": "local"})
"""Speech without any key: what is there where nothing else was set."""


def read_profile(name: str, told: Mapping[str, Any]) -> VoiceProfile:
    """Raises ProfileError."""
    try:
        return VoiceProfile.model_validate({"profile_id": name, **told})
    except ValidationError as error:
        raise ProfileError(
            "\n".join(f"{name}.{'.'.join(map(str, wrong['loc']))}: {wrong['msg']}" for wrong in error.errors())
        ) from None


def read_profiles(setting: str) -> dict[str, VoiceProfile]:
    """The profiles of `SPEECH_VOICES`: JSON, or the path of a file of JSON. Raises ProfileError."""
    if not setting.strip():
        return {LOCAL.profile_id: LOCAL}
    try:
        text = setting if setting.lstrip().startswith("{") else Path(setting).read_text()
        told = json.loads(text)
    except (OSError, ValueError) as error:
        raise ProfileError(f"SPEECH_VOICES: {error}") from None
    if not isinstance(told, dict) or not all(isinstance(profile, dict) for profile in told.values()):
        raise ProfileError("SPEECH_VOICES: must be an object of profiles by their id")
    return {name: read_profile(name, profile) for name, profile in told.items()}


def chosen(
    profiles: Mapping[str, VoiceProfile], default: str, voice_profile_id: str | None, told: Mapping[str, Any] | None
) -> VoiceProfile:
    """The profile of one call: the one that its dispatch carries, the one that it names, or the default. Raises
    ProfileError, which names the field."""
    if told is not None:
        return read_profile(str(voice_profile_id or "voice_profile"), told)
    if voice_profile_id:
        try:
            return profiles[voice_profile_id]
        except KeyError:
            raise ProfileError(f"{voice_profile_id}.voice_profile_id: is no profile of this worker") from None
    if default:
        return profiles[default]
    return next(iter(profiles.values()))


_ROOMS = {
    "office": "office-ambience",
    "city": "city-ambience",
    "forest": "forest-ambience",
    "crowded_room": "crowded-room",
}
"""The SDK's words for the room behind an agent."""


def sounding(profile: VoiceProfile, told: Mapping[str, Any]) -> VoiceProfile:
    """The profile as one call wants it, with its own greeting and room. Raises ProfileError."""
    changes: dict[str, Any] = {}
    if told.get("greeting"):
        changes["greeting_message"] = told["greeting"]
    if told.get("first_speaker") == "user":
        changes["greeting_message"] = ""
    if told.get("background_sound"):
        changes["background_sound"] = _ROOMS.get(told["background_sound"], told["background_sound"])
    for name in ("background_sound_enabled", "background_sound_volume"):
        if told.get(name) is not None:
            changes[name] = told[name]
    return read_profile(profile.profile_id, profile.model_dump() | changes) if changes else profile
