"""What speech workers and hooks ask and are answered: `ringline.agents`, and the functions that receive reports."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel

from ringline.calls.model.call import Status, VoicemailPolicy
from ringline.calls.model.reasons import EndReason
from ringline.calls.signals.report_bodies import (
    MOST_REPORTS,
    AnyReport,
    DtmfReport,
    HangUpReport,
    OutcomeReport,
    ReadyReport,
    RecordingReport,
    SilenceReport,
    TranscriptReport,
    TransferReport,
    UsageReport,
    UserSpokeReport,
    VoicemailReport,
)
from ringline.resources.answers.base import MAY_BE_MISSING, ProblemField, Shown

type Report = (
    ReadyReport
    | UserSpokeReport
    | SilenceReport
    | VoicemailReport
    | HangUpReport
    | TransferReport
    | TranscriptReport
    | UsageReport
    | OutcomeReport
    | RecordingReport
    | DtmfReport
    | AnyReport
)


class SeveralReports(BaseModel):
    """Reports in the order in which they happened."""

    events: Annotated[list[Report], Field(max_length=MOST_REPORTS)]


class Reports(RootModel[SeveralReports | Report]):
    """One report by itself, or several."""


class ReportResult(Shown):
    """What came of a report: `applied`, or in a word why it changed nothing."""

    type: str
    result: str
    skipped_turns: int = MAY_BE_MISSING
    errors: list[ProblemField] = MAY_BE_MISSING


class HeardReports(Shown):
    """What came of each report, and how the call stands: `end_reason` is why this attempt of it is over."""

    results: list[ReportResult]
    status: Status | None
    end_reason: EndReason | None
    voicemail_policy: VoicemailPolicy | None


class BrainRequest(BaseModel):
    """A speech worker's question for the brain of its call. `request` counts its questions; the same may come twice."""

    model_config = ConfigDict(extra="ignore")

    request: Annotated[int, Field(ge=1, le=1_000_000)]
    why: Literal["join", "no_dial", "lost"]
    bridge_url: Annotated[str, Field(pattern="^wss?://", max_length=2048)]
    dispatch: Annotated[int, Field(ge=1, le=1_000_000)] = 1


class ServedEndpoint(Shown):
    """Whom the speech worker asks at each turn."""

    url: str | None
    api_key: str | None
    model: str | None
    kind: str


class ServedPrompt(Shown):
    """What the model begins with."""

    instructions: str | None
    model: str | None


class BrainAnswer(Shown):
    """What is to think for the call: a runner that was told of it or is about to dial, none yet, or what the speech
    worker runs itself."""

    brain: Literal["runner", "endpoint", "prompt"]
    result: Literal["assigned", "wait", "none", "served"]
    job_id: str = MAY_BE_MISSING
    assign_id: str = MAY_BE_MISSING
    worker_id: str = MAY_BE_MISSING
    dial_within_s: float = MAY_BE_MISSING
    wait_s: float = MAY_BE_MISSING
    why: str = MAY_BE_MISSING
    again_in_s: float = MAY_BE_MISSING
    endpoint: ServedEndpoint = MAY_BE_MISSING
    prompt: ServedPrompt = MAY_BE_MISSING


class HookOutcome(Shown):
    """What came of LiveKit's event, in a word."""

    outcome: str


class HookOutcomes(Shown):
    """What came of each event of the carrier's request, in a word."""

    outcomes: list[str]
