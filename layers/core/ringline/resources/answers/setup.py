"""Pipes, agents and voice profiles as they are shown: `ringline.setup.views`."""

from typing import Any, Literal

from ringline.resources.answers.base import Listing, Moment, Shown

type ShownBackground = Literal["office", "city", "forest", "crowded_room"]


class ShownBrain(Shown):
    """Who thinks for an agent: `ref` is an endpoint's URL or a prompt's text, `cfg` what else there is to it. A key is
    never shown, only that there is one."""

    type: str
    ref: str | None
    cfg: dict[str, Any]


class ShownWindows(Shown):
    """When an end looks like voicemail, in seconds; what is null is as usual."""

    ring_min_s: float | None
    ring_max_s: float | None
    greeting_min_s: float | None
    greeting_max_s: float | None


class _Sounding(Shown):
    greeting: str | None
    first_speaker: Literal["agent", "user"] | None
    background_sound: ShownBackground | None
    background_sound_enabled: bool
    background_sound_volume: float | None
    noise_cancellation: str | None
    domain: None


class ShownFallback(Shown):
    """Whom a failed transfer goes on to."""

    type: Literal["sip", "agent"]
    config: dict[str, str]


class ShownPipe(_Sounding):
    """How calls are made: by whom, from which number, within which limits."""

    pipe_id: str
    project_id: str
    name: str
    voice_profile_id: str | None
    agent_id: str
    agent_endpoint: str | None
    prompt: str | None
    playbook_id: None
    brain: ShownBrain
    recording: bool
    max_call_duration_s: int
    number_id: str | None
    number: str | None
    trunk_id: str | None
    status: Literal["active", "disabled"]
    max_calls: int | None
    caller_ids: list[str]
    caller_id_policy: str | None
    fillers: dict[str, Any]
    ring_timeout_s: int | None
    agent_join_timeout_s: int | None
    agent_first: bool
    voicemail: ShownWindows
    voicemail_policy: str | None
    unique_to: str | None
    webhook_url: str | None
    fallback_agent_id: str | None
    fallback_number: str | None
    transfer_allowed_numbers: list[str] | None
    transfer_allowed_prefixes: list[str] | None
    transfer_fallback: list[ShownFallback | Literal["end"]] | None
    revision: int
    created: Moment | None
    modified: Moment | None


class PipeList(Listing[ShownPipe]):
    """Every pipe of the account, on one page."""


class ShownAgentVoice(_Sounding):
    """One voice of an agent, with what all of its voices have in common."""

    agent_id: str
    voice_profile_id: str | None
    voice_profile_name: str | None
    name: str
    brain: ShownBrain
    brain_execution: Literal["bridge"]
    is_default: bool
    recording: bool
    max_call_duration_s: int
    max_concurrent: int
    revision: int


class ShownAgent(_Sounding):
    """Who speaks: a brain, and every voice that it speaks with."""

    agent_id: str
    project_id: str
    name: str
    brain: ShownBrain
    brain_execution: Literal["bridge"]
    voices: list[ShownAgentVoice]
    cache_mode: None
    max_calls: int | None
    recording: bool
    max_call_duration_s: int
    max_concurrent: int
    number: str | None
    number_id: str | None
    trunk_id: str | None
    llm_model: str | None
    endpoint_kind: str | None
    analytics_schema: dict[str, Any] | None
    of_pipe: str | None
    revision: int
    created: Moment | None
    modified: Moment | None


class AgentList(Listing[ShownAgent]):
    """Every agent of the account, on one page."""


class ShownVoiceProfile(Shown):
    """A voice to choose: who hears, who speaks, in which languages."""

    profile_id: str
    project_id: None
    name: str
    description: str | None
    gender: str | None
    quality: str | None
    languages: list[str]
    language: str | None
    stt_provider: str
    stt_model: str | None
    stt_languages: list[str]
    tts_provider: str
    tts_model: str | None
    tts_voice: str | None
    tts_language: str | None
    voice_temperature: float | None
    voice_speed: float | None
    voice_prompt: str | None
    greeting_message: str | None
    estimated_cost_per_min_usd: float | None
    latency_ms: int | None
    revision: int
    created: Moment | None
    modified: Moment | None


class VoiceProfileList(Listing[ShownVoiceProfile]):
    """The catalogue, or what of it is of the language that was asked for."""
