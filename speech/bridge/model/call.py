"""What a conversation knows of its call."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class CallFacts:
    """The facts of one call that its runner is told, and the rules that bind the runner.

    `transfer_numbers` and `transfer_prefixes` are the numbers to which the agent may hand the call over: None is no
    rule, an empty list allows none. `can_report` is what the voice tells of (docs/agents.md, `ready`). A call that is
    `resumed` was talked in before, by a speech worker that was lost: `turns` are what was said then, as
    `Conversation.turns_to_keep` told them.
    """

    call_id: str
    agent_id: str
    direction: str = "outbound"
    user_number: str = ""
    instructions: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    voice_profile_id: str | None = None
    room_id: str = ""
    transfer_numbers: tuple[str, ...] | None = None
    transfer_prefixes: tuple[str, ...] | None = None
    can_report: tuple[str, ...] = ("user_spoke", "transcript")
    resumed: bool = False
    turns: tuple[Mapping[str, Any], ...] = ()

    @property
    def is_outbound(self) -> bool:
        """Whether we called. Otherwise somebody rings in, by phone or in a browser."""
        return self.direction == "outbound"

    @classmethod
    def of_dispatch(
        cls, metadata: Mapping[str, Any], room_id: str = "", can_report: tuple[str, ...] = ("user_spoke", "transcript")
    ) -> Self:
        """From the metadata with which the speech worker was dispatched. The other side's number is the dialled one of
        an outbound call and the caller's of an inbound one."""
        direction = str(metadata.get("direction") or "outbound")
        number = metadata.get("to_number" if direction == "outbound" else "from_number")
        data = metadata.get("data")
        return cls(
            call_id=str(metadata["call_id"]),
            agent_id=str(metadata.get("agent_id") or ""),
            direction=direction,
            user_number=str(number or ""),
            instructions=metadata.get("instructions"),
            data=dict(data) if isinstance(data, Mapping) else {},
            voice_profile_id=metadata.get("voice_profile_id"),
            room_id=room_id or str(metadata["call_id"]),
            transfer_numbers=_listed(metadata.get("transfer_allowed_numbers")),
            transfer_prefixes=_listed(metadata.get("transfer_allowed_prefixes")),
            can_report=can_report,
            resumed=metadata.get("resumed") is True,
            turns=_turns(metadata.get("turns")),
        )


def _turns(told: Any) -> tuple[Mapping[str, Any], ...]:
    listed = told if isinstance(told, list) else []
    return tuple(turn for turn in listed if isinstance(turn, Mapping) and isinstance(turn.get("content"), str))


def _listed(allowed: Any) -> tuple[str, ...] | None:
    return None if allowed is None else tuple(str(each) for each in allowed)
