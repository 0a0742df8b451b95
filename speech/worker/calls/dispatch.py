"""What a job is dispatched with (docs/agents.md): the call, and where to ask and report with which token."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from speech.bridge.model.call import CallFacts

CAN_REPORT = ("user_spoke", "silence", "voicemail", "transcript", "dtmf")
"""What this worker tells if it happens."""


class DispatchError(ValueError):
    """The metadata is not Ringline's: the job was dispatched by somebody else, or lacks what it needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """One call's dispatch, read."""

    facts: CallFacts
    brain_url: str
    events_url: str
    token: str
    leg_identity: str | None
    number: int
    """The dispatch's number in its attempt, from 1."""
    was_answered: bool
    """The other side could hear already when this agent was dispatched. What the leg's status says may be false then:
    LiveKit begins it anew after a restart."""
    attempt: int | None
    voice_profile: Mapping[str, Any] | None
    voice: Mapping[str, Any] | None
    """What the call's pipe or agent says of the sound: its greeting, who speaks first, the room behind it."""

    @property
    def is_outbound(self) -> bool:
        return self.facts.is_outbound

    @classmethod
    def read(cls, metadata: str, *, room_id: str, ringline_url: str = "") -> Self:
        """Raises DispatchError, which names what is wrong and shows no value."""
        try:
            told = json.loads(metadata)
        except ValueError:
            raise DispatchError("the metadata is no JSON") from None
        if not isinstance(told, dict):
            raise DispatchError("the metadata is no object")
        missing = [name for name in ("call_id", "token") if not isinstance(told.get(name), str) or not told[name]]
        if missing:
            raise DispatchError(f"the metadata lacks {', '.join(missing)}")
        call_url = f"{ringline_url.rstrip('/')}/v1/calls/{told['call_id']}" if ringline_url else None
        brain_url = told.get("brain_url") or (call_url and f"{call_url}/brain")
        events_url = told.get("agent_events_url") or (call_url and f"{call_url}/agent-events")
        if not brain_url or not events_url:
            raise DispatchError("the metadata lacks brain_url or agent_events_url, and RINGLINE_URL is not set")
        profile, voice = told.get("voice_profile"), told.get("voice")
        number = _count(told.get("dispatch")) or 1
        return cls(
            facts=CallFacts.of_dispatch(told, room_id, CAN_REPORT),
            brain_url=brain_url,
            events_url=events_url,
            token=told["token"],
            leg_identity=told.get("leg_identity"),
            number=number,
            # A control plane of an earlier release does not tell: there only the first is known to come before.
            was_answered=bool(told.get("answered", number > 1)),
            attempt=_count(told.get("attempt")),
            voice_profile=profile if isinstance(profile, Mapping) else None,
            voice=voice if isinstance(voice, Mapping) else None,
        )


def _count(told: Any) -> int | None:
    return told if isinstance(told, int) and not isinstance(told, bool) else None
