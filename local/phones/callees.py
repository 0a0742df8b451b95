"""What a callee, the agent and the lines between them can do in a call. Pure: nothing here waits or speaks to anyone.

All durations are seconds of the network's own time.
"""

from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any, Self

from local.phones import timings


class HookTrouble(StrEnum):
    """What happens to the webhooks of the call's room."""

    NONE = "none"
    LAST_LOST = "last_lost"  # participant_left and room_finished are never sent
    ALL_LOST = "all_lost"
    DOUBLED = "doubled"
    REORDERED = "reordered"
    LATE = "late"


class DialTrouble(StrEnum):
    """What happens to the HTTP call that dials."""

    NONE = "none"
    CONNECTION_DROPPED = "connection_dropped"  # after the INVITE: the phone goes on
    BAD_GATEWAY = "bad_gateway"  # likewise, as a proxy would put it
    HANGS = "hangs"  # after the INVITE nothing is heard any more: the client's own time-out ends the request
    NO_BRIDGE_AT_FIRST = "no_bridge_at_first"  # twice "no response from servers", then it works
    NO_BRIDGE = "no_bridge"


class LineTrouble(StrEnum):
    """What breaks between LiveKit and the phone."""

    NONE = "none"
    BRIDGE_DIES_RINGING = "bridge_dies_ringing"
    BRIDGE_DIES_ACTIVE = "bridge_dies_active"
    SERVER_RESTARTS_ACTIVE = "server_restarts_active"


class AgentDeed(StrEnum):
    """What the dispatched agent does, besides leaving when the caller left."""

    STAY = "stay"
    ABSENT = "absent"  # no worker takes the job
    LEAVE = "leave"
    CRASH = "crash"  # nothing is seen for 20 s, then CONNECTION_TIMEOUT
    HANG_UP = "hang_up"  # deletes the room


@dataclass(frozen=True, slots=True)
class AgentScript:
    """When an agent joins, counted from its dispatch, and what it does, counted from the answer or its joining."""

    deed: AgentDeed = AgentDeed.STAY
    after_s: float = 0.0
    since_answer: bool = True
    joins_after_s: float = timings.AGENT_JOIN_S


@dataclass(frozen=True, slots=True)
class Refusal:
    """A final SIP response other than 200. `text` is what the carrier adds in a header of its own."""

    sip_code: int
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Callee:
    """One phone's manners.

    Ringing is counted from the INVITE, an answer or a refusal from ringing, a hang-up from the answer. With
    `refuses_times`, that many dials in a row are refused at once, the next one rings and is answered, and so on.
    """

    rings_after_s: float | None = 0.3
    answers_after_s: float | None = None
    hangs_up_after_s: float | None = None
    refusal: Refusal | None = None
    refuses_after_s: float = 0.0
    refuses_times: int | None = None
    silent: bool = False  # not even 100 Trying
    wants_credentials: bool = False
    hooks: HookTrouble = HookTrouble.NONE
    dial: DialTrouble = DialTrouble.NONE
    line: LineTrouble = LineTrouble.NONE
    agent: AgentScript = AgentScript()

    def at_dial(self, turn: int) -> Self:
        """What it does the `turn`-th time that it is dialled, counted from 1."""
        if self.refuses_times is None:
            return self
        if turn % (self.refuses_times + 1) == 0:
            return replace(self, refusal=None)
        return replace(self, rings_after_s=None)

    def with_changes(self, changes: dict[str, Any]) -> Self:
        """This callee with fields from a JSON object. Raises ValueError naming a field that does not exist."""
        known = {field.name for field in fields(self)}
        if unknown := sorted(set(changes) - known):
            raise ValueError(f"a callee has no {', '.join(unknown)}; it has {', '.join(sorted(known))}")
        typed = dict(changes)
        for name, kind in (("hooks", HookTrouble), ("dial", DialTrouble), ("line", LineTrouble)):
            if name in typed:
                typed[name] = kind(typed[name])
        if (refusal := typed.get("refusal")) is not None:
            typed["refusal"] = Refusal(int(refusal)) if isinstance(refusal, int) else Refusal(**refusal)
        if (agent := typed.get("agent")) is not None:
            typed["agent"] = AgentScript(**{**agent, "deed": AgentDeed(agent.get("deed", "stay"))})
        return replace(self, **typed)
