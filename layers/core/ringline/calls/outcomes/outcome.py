"""An outcome: what the agent says came of a conversation, and whether it is as the agent's schema wants it."""

from dataclasses import dataclass
from typing import Any

from ringline.later import StoredWord


@dataclass(frozen=True, slots=True)
class AgentOutcome:
    """An attempt has one of each name: the last that was told."""

    name: str
    data: dict[str, Any] | None = None
    summary: str | None = None
    success: bool | str | None = None


class Fit(StoredWord):
    """The SDK's words for how a result stands."""

    OK = "ok"
    """It fits, or there is no schema to fit."""
    FAILED = "failed"
    """It does not fit, or the schema cannot be used."""
    SKIPPED = "skipped"
    """There is a schema, and the agent told no data."""


@dataclass(frozen=True, slots=True)
class KeptOutcome:
    """An outcome of one of a call's dials, told at `told_at` (ms). `error` is what is wrong with it."""

    dial: int
    outcome: AgentOutcome
    told_at: int
    agent_id: str | None = None
    fit: Fit = Fit.OK
    error: str | None = None
