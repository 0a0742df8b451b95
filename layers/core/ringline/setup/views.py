"""Pipes, agents and voices as the API shows them, with the fields of the SDK 0.5.0: a function for each."""

import json
from dataclasses import replace
from typing import Any

from ringline.routing.records import Agent, Brain, Sound, VoiceBinding
from ringline.runtime.clock import iso_or_none
from ringline.runtime.rows import attributes_of
from ringline.setup.brains import brain_view
from ringline.setup.pipes import KnownPipe
from ringline.voices.profiles import VoiceProfile

_BRIDGE = "bridge"
"""How every brain here is asked: the SDK's word."""


def pipe_view(known: KnownPipe) -> dict[str, Any]:
    pipe, agent = known.pipe, known.agent
    own = agent if agent is not None and agent.of_pipe == pipe.pipe_id else None
    return {
        "pipe_id": pipe.pipe_id,
        "project_id": pipe.project_id or "",
        "name": pipe.name,
        "voice_profile_id": pipe.voice_profile_id,
        "agent_id": pipe.agent_id,
        "agent_endpoint": own.endpoint_url if own is not None and own.brain == Brain.ENDPOINT else None,
        "prompt": own.prompt if own is not None and own.brain == Brain.PROMPT else None,
        "playbook_id": None,
        "brain": brain_view(agent or Agent(agent_id=pipe.agent_id, name=pipe.agent_id)),
        "recording": pipe.recording,
        "max_calls": pipe.max_calls,
        "caller_ids": list(pipe.caller_ids),
        "caller_id_policy": pipe.caller_id_policy,
        "max_call_duration_s": pipe.max_call_duration_s,
        "number_id": pipe.number_id,
        "number": pipe.number,
        "trunk_id": pipe.trunk_id,
        "status": pipe.status,
        **_sound(pipe.sound),
        "noise_cancellation": pipe.noise_cancellation,
        "domain": None,
        "fillers": {},
        "ring_timeout_s": pipe.ring_timeout_s,
        "agent_join_timeout_s": pipe.agent_join_timeout_s,
        "agent_first": pipe.agent_first,
        "voicemail": attributes_of(replace(pipe.voicemail, carried=())),
        "voicemail_policy": pipe.voicemail_policy,
        "unique_to": pipe.unique_to,
        "webhook_url": pipe.webhook_url,
        "fallback_agent_id": pipe.fallback_agent_id,
        "fallback_number": pipe.fallback_number,
        "transfer_allowed_numbers": _list(pipe.transfer_allowed_numbers),
        "transfer_allowed_prefixes": _list(pipe.transfer_allowed_prefixes),
        "transfer_fallback": [_fallback_target(each) for each in pipe.transfer_fallback] or None,
        "revision": pipe.revision,
        "created": iso_or_none(pipe.created_at),
        "modified": iso_or_none(pipe.modified_at),
    }


def agent_view(agent: Agent, profiles: dict[str, VoiceProfile]) -> dict[str, Any]:
    """An agent with all its voices. `profiles` are those of the catalogue, by their ids."""
    return {
        "agent_id": agent.agent_id,
        "project_id": agent.project_id or "",
        "name": agent.name,
        "brain": brain_view(agent),
        "brain_execution": _BRIDGE,
        "voices": [voice_view(agent, voice, profiles) for voice in agent.voices],
        **_sound(agent.sound),
        "noise_cancellation": agent.noise_cancellation,
        "domain": None,
        "cache_mode": None,
        "max_calls": agent.max_calls,
        "recording": agent.recording,
        "max_call_duration_s": agent.max_call_duration_s,
        "max_concurrent": agent.max_concurrent,
        "number": agent.number,
        "number_id": agent.number_id,
        "trunk_id": agent.trunk_id,
        "llm_model": agent.model,
        "endpoint_kind": agent.endpoint_kind,
        "analytics_schema": None if agent.analytics_schema is None else json.loads(agent.analytics_schema),
        "of_pipe": agent.of_pipe,
        "revision": agent.revision,
        "created": iso_or_none(agent.created_at),
        "modified": iso_or_none(agent.modified_at),
    }


def voice_view(agent: Agent, voice: VoiceBinding | None, profiles: dict[str, VoiceProfile]) -> dict[str, Any]:
    """One voice of an agent; None for an agent that was made without one."""
    profile_id = None if voice is None else voice.voice_profile_id
    profile = profiles.get(profile_id or "")
    sound = _sound(agent.sound)
    if voice is not None and voice.greeting is not None:
        sound["greeting"] = voice.greeting
    return {
        "agent_id": agent.agent_id,
        "voice_profile_id": profile_id,
        "voice_profile_name": None if profile is None else profile.name,
        "name": agent.name,
        "brain": brain_view(agent),
        "brain_execution": _BRIDGE,
        "is_default": voice is not None and voice == agent.voice,
        "domain": None,
        "noise_cancellation": agent.noise_cancellation,
        **sound,
        "recording": agent.recording,
        "max_call_duration_s": agent.max_call_duration_s,
        "max_concurrent": agent.max_concurrent,
        "revision": agent.revision,
    }


def voice_profile_view(profile: VoiceProfile) -> dict[str, Any]:
    shown = attributes_of(replace(profile, carried=()))
    created, modified = shown.pop("created_at"), shown.pop("modified_at")
    lists = {name: list(shown[name]) for name in ("languages", "stt_languages")}
    return {**shown, **lists, "project_id": None, "created": iso_or_none(created), "modified": iso_or_none(modified)}


def _sound(sound: Sound) -> dict[str, Any]:
    return attributes_of(replace(sound, carried=()))


def _list(allowed: tuple[str, ...] | None) -> list[str] | None:
    return None if allowed is None else list(allowed)


def _fallback_target(kept: str) -> dict[str, Any] | str:
    """As a request for a transfer says it."""
    kind, _, named = kept.partition(":")
    if kind not in {"sip", "agent"}:
        return kept
    return {"type": kind, "config": {"number" if kind == "sip" else "agent_id": named}}
