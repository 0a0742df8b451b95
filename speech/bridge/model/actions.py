"""What a conversation wants done."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from speech.bridge.model.events import Served

type Why = Literal["join", "no_dial", "lost"]
"""Why a brain is asked for: the call begins, the chosen runner did not dial in, or it was lost."""


@dataclass(frozen=True, slots=True)
class SendFrame:
    bridge: int
    text: str


@dataclass(frozen=True, slots=True)
class CloseBridge:
    """Close the runner's socket after what was sent before. Nothing of it is heard of any more."""

    bridge: int
    code: int


@dataclass(frozen=True, slots=True)
class PassOver:
    """A dial with a token of this job is refused from now on (4003)."""

    job_id: str


@dataclass(frozen=True, slots=True)
class AskForBrain:
    """POST /v1/calls/{id}/brain; `request` counts this attempt's requests from 1."""

    request: int
    why: Why


@dataclass(frozen=True, slots=True)
class ServeBrain:
    """Serve the brain that is no runner, as if it had dialled in."""

    brain: Served


@dataclass(frozen=True, slots=True)
class Speak:
    """A piece of the reply to a turn, to be spoken after all that was given before."""

    turn: int
    text: str


@dataclass(frozen=True, slots=True)
class EndOfReply:
    """The reply to this turn is complete, also if it has no words."""

    turn: int


@dataclass(frozen=True, slots=True)
class Say:
    """Words of the agent's own, which are no reply. A filler bridges a brain's thinking and is no part of the talk."""

    turn: int
    text: str
    filler: bool = False


@dataclass(frozen=True, slots=True)
class StopSpeaking:
    """Fall silent now and forget what was still to be spoken."""


@dataclass(frozen=True, slots=True)
class PauseRecording:
    reason: str


@dataclass(frozen=True, slots=True)
class ResumeRecording:
    pass


@dataclass(frozen=True, slots=True)
class Transfer:
    """Hand the call over. `kind` is "number", "agent" or "human", `mode` "cold" or "warm". The target has passed the
    call's allow-list."""

    kind: str
    target: str
    mode: str
    announcement: str


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call: all words have been heard. Comes after the `Report` of it, at most once unless it is refused
    (`HangUpRefused`)."""

    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """An agent event (docs/agents.md), to be posted in order."""

    event: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class WakeAt:
    """Handle a `Tick` at this moment, unless another event comes first. Ends each list of actions that leaves a
    reason to wait."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class Note:
    """Something worth a line in the log. No words of anybody, no numbers."""

    what: str
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Done:
    """The conversation is over; nothing comes after it."""

    end_reason: str | None
    status: str | None


type Action = (
    SendFrame
    | CloseBridge
    | PassOver
    | AskForBrain
    | ServeBrain
    | Speak
    | EndOfReply
    | Say
    | StopSpeaking
    | PauseRecording
    | ResumeRecording
    | Transfer
    | HangUp
    | Report
    | WakeAt
    | Note
    | Done
)
