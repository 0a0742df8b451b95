"""Bodies of an agent's reports, checked field by field. Unknown fields, types and abilities are ignored: newer agents
may tell more.

A report that cannot be read keeps no other of its request from being taken, above all no wish to end the call.

Texts and usage are bounded because they lie in rows of the table, which hold 400 KB. Turns have the bucket, and are
bounded by the answer that shows them.
"""

import json
from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidatorFunctionWrapHandler,
    field_validator,
)

from ringline.calls.model.events import (
    AgentHangsUp,
    AgentReady,
    DtmfSent,
    Event,
    RecordingPaused,
    RecordingResumed,
    SilenceHeard,
    Transferred,
    UserSpoke,
    VoicemailHeard,
)
from ringline.calls.outcomes.outcome import AgentOutcome
from ringline.calls.signals.agent_reports import Report
from ringline.calls.signals.agent_words import meant_by
from ringline.calls.signals.report_turns import TurnBody, epoch_moment
from ringline.calls.tables.transcripts import Transcript, Turn
from ringline.runtime.web.answer_size import MOST_TRANSCRIPT_BYTES, sent_bytes
from ringline.runtime.web.bodies import read_body
from ringline.runtime.web.problems import FieldError, Problem

MOST_REPORTS = 100
MOST_SUMMARY = 32_768
MOST_REASON = 80
MOST_USAGE_BYTES = 64 * 1024
MOST_OUTCOME_BYTES = 16 * 1024
MOST_OUTCOME_SUMMARY = 4096
LONGEST_SILENCE_S = 24 * 3600
MOST_DISPATCHES = 10_000
"""Far more agents than are ever sent to one attempt; DynamoDB refuses numbers of more than 38 digits."""

_MOST_ERRORS = 50
"""A transcript may be wrong in every turn; the answer must stay one that can be sent."""

type ShortText = Annotated[str, StringConstraints(max_length=80)]


class AnyReport(BaseModel):
    """One thing that an agent tells. A type that is not known here is passed over."""

    # Each is made ready with the first of its kind: most agents tell four kinds of what there is.
    model_config = ConfigDict(extra="ignore", defer_build=True)

    type: Annotated[str, StringConstraints(min_length=1, max_length=80)]
    at: AwareDatetime | None = None

    @field_validator("at", mode="before")
    @classmethod
    def _may_be_an_epoch(cls, told: Any) -> Any:
        return epoch_moment(told) or told

    def report(self) -> Report:
        return Report(self.type, self._at_ms(), event=self._event_of())

    def _at_ms(self) -> int | None:
        return None if self.at is None else int(self.at.timestamp() * 1000)

    def _event_of(self) -> Callable[[int, int], Event] | None:
        """Makes the event of a moment and an attempt; None where the type is not known."""
        return None


class ReadyReport(AnyReport):
    """The agent is there and hears."""

    _ABILITIES: ClassVar = ("user_spoke", "silence", "voicemail", "transcript", "dtmf")

    type: Literal["ready"]
    can_report: Annotated[list[ShortText], Field(max_length=100)] = Field(default_factory=list)
    worker_id: ShortText | None = None
    dispatch: Annotated[int, Field(ge=1, le=MOST_DISPATCHES)] | None = None

    def _event_of(self) -> Callable[[int, int], Event]:
        # Others change no verdict, and a row must not grow with whatever an agent lists.
        known = tuple(ability for ability in self._ABILITIES if ability in self.can_report)
        return lambda at, attempt: AgentReady(at, attempt, known, self.worker_id, self.dispatch)


class UserSpokeReport(AnyReport):
    """Somebody speaks."""

    type: Literal["user_spoke"]

    def _event_of(self) -> Callable[[int, int], Event]:
        return UserSpoke


class SilenceReport(AnyReport):
    """Nobody has been heard for so long."""

    type: Literal["silence"]
    silent_s: Annotated[float, Field(ge=0, le=LONGEST_SILENCE_S)]

    def _event_of(self) -> Callable[[int, int], Event]:
        return lambda at, attempt: SilenceHeard(at, attempt, self.silent_s)


class VoicemailReport(AnyReport):
    """A voicemail answered."""

    type: Literal["voicemail"]
    why: Annotated[str, StringConstraints(max_length=200)] | None = None

    def _event_of(self) -> Callable[[int, int], Event]:
        return lambda at, attempt: VoicemailHeard(at, attempt, self.why)


class HangUpReport(AnyReport):
    """The call is to end, and Ringline ends it."""

    type: Literal["hang_up"]
    reason: ShortText | None = None

    @field_validator("reason", mode="before")
    @classmethod
    def _may_be_anything(cls, reason: Any) -> Any:
        """A call is not kept up for want of a shorter reason, or of one in words, nor for a moment that nobody can
        read."""
        return reason[:MOST_REASON] if isinstance(reason, str) else None

    @field_validator("at", mode="wrap")
    @classmethod
    def _or_else_now(cls, told: Any, read: ValidatorFunctionWrapHandler) -> Any:
        try:
            return read(told)
        except ValueError:
            return None

    def _event_of(self) -> Callable[[int, int], Event]:
        return lambda at, attempt: AgentHangsUp(at, attempt, meant_by(self.reason), self.reason)


class TransferReport(AnyReport):
    """The agent hands the call over."""

    type: Literal["transfer"]
    to: ShortText | None = None
    status: Literal["started", "completed", "failed"] = "completed"

    def _event_of(self) -> Callable[[int, int], Event]:
        failed, only_started = self.status == "failed", self.status == "started"
        return lambda at, attempt: Transferred(at, attempt, self.to, failed=failed, only_started=only_started)


class RecordingReport(AnyReport):
    """The agent wants its call's recording to be paused, or to go on. It is answered once LiveKit has stopped."""

    type: Literal["recording"]
    do: Literal["pause", "resume"]
    reason: ShortText | None = None

    def _event_of(self) -> Callable[[int, int], Event]:
        if self.do == "resume":
            return RecordingResumed
        return lambda at, attempt: RecordingPaused(at, attempt, self.reason)


class DtmfReport(AnyReport):
    """The agent has sent the tones that it was asked for, or could not."""

    type: Literal["dtmf"]
    dtmf_id: ShortText
    error: ShortText | None = None

    def _event_of(self) -> Callable[[int, int], Event]:
        return lambda at, attempt: DtmfSent(at, attempt, self.dtmf_id, self.error)


def _fits_in_a_row(usage: dict[str, Any]) -> dict[str, Any]:
    if len(json.dumps(usage, ensure_ascii=False).encode()) > MOST_USAGE_BYTES:
        raise ValueError(f"is larger than {MOST_USAGE_BYTES} bytes")
    return usage


type Usage = Annotated[dict[str, Any], AfterValidator(_fits_in_a_row)]


class UsageReport(AnyReport):
    """What the talk used: models' tokens and the like."""

    type: Literal["usage"]
    usage: Usage

    def report(self) -> Report:
        return Report(self.type, self._at_ms(), transcript=Transcript(usage=self.usage))


class TranscriptReport(AnyReport):
    """What was said."""

    type: Literal["transcript"]
    turns: list[TurnBody] = Field(default_factory=list)
    summary: Annotated[str, StringConstraints(max_length=MOST_SUMMARY)] | None = None
    usage: Usage = Field(default_factory=dict)
    final: bool = False

    @field_validator("turns")
    @classmethod
    def _can_be_shown_whole(cls, turns: list[TurnBody]) -> list[TurnBody]:
        if sent_bytes([turn.model_dump() for turn in turns if turn.is_said]) > MOST_TRANSCRIPT_BYTES:
            raise ValueError(f"would take more than {MOST_TRANSCRIPT_BYTES} bytes of the answer that shows them")
        return turns

    @field_validator("usage", mode="before")
    @classmethod
    def _null_means_none_given(cls, usage: Any) -> Any:
        return {} if usage is None else usage

    def report(self) -> Report:
        turns = tuple(Turn(turn.role or "", turn.content or "", turn.timestamp) for turn in self.turns if turn.is_said)
        words = Transcript(turns, self.summary, self.usage)
        skipped = len(self.turns) - len(turns)
        return Report(self.type, self._at_ms(), transcript=words, is_final=self.final, skipped_turns=skipped)


class OutcomeReport(AnyReport):
    """What came of the conversation: `data` is held against the agent's `analytics_schema`, if it has one."""

    type: Literal["outcome"]
    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,80}$")] = "outcome"
    data: dict[str, Any] | None = None
    summary: Annotated[str, StringConstraints(max_length=MOST_OUTCOME_SUMMARY)] | None = None
    success: bool | ShortText | None = None

    @field_validator("data")
    @classmethod
    def _fits_in_a_row(cls, data: dict[str, Any] | None) -> dict[str, Any] | None:
        if data is not None and len(json.dumps(data, ensure_ascii=False).encode()) > MOST_OUTCOME_BYTES:
            raise ValueError(f"is larger than {MOST_OUTCOME_BYTES} bytes")
        return data

    def report(self) -> Report:
        outcome = AgentOutcome(self.name, self.data, self.summary, self.success)
        return Report(self.type, self._at_ms(), outcome=outcome)


_BODIES: dict[str, type[AnyReport]] = {
    "ready": ReadyReport,
    "user_spoke": UserSpokeReport,
    "silence": SilenceReport,
    "voicemail": VoicemailReport,
    "hang_up": HangUpReport,
    "transfer": TransferReport,
    "transcript": TranscriptReport,
    "usage": UsageReport,
    "outcome": OutcomeReport,
    "recording": RecordingReport,
    "dtmf": DtmfReport,
}


def read_reports(body: dict[str, Any]) -> tuple[Report, ...]:
    """The reports of a request: one by itself, or up to 100 as `events`. One that cannot be read has `errors`, which
    name each wrong field as `events.3.turns.0.content`, and keeps no other from being taken. An empty list merely asks
    how the call stands. Raises Problem 422 where none can be read."""
    if "events" not in body:
        return (_read(body),)
    events = body["events"]
    if not isinstance(events, list):
        raise _wrong((_TOO_MANY,))
    if not events:
        return ()
    # More than are taken: all but the wish to end the call is told again.
    is_taken = [len(events) <= MOST_REPORTS or _kind_of(event) == "hang_up" for event in events]
    if not any(is_taken):
        raise _wrong((_TOO_MANY,))
    reports: list[Report] = []
    errors: list[FieldError] = []
    for place, event in enumerate(events):
        try:
            reports.append(_read(event) if is_taken[place] else Report(_kind_of(event), errors=(_TOO_MANY,)))
        except Problem as problem:
            wrong = [
                FieldError(".".join(filter(None, ("events", str(place), each.field))), each.message)
                for each in problem.errors[: max(1, _MOST_ERRORS - len(errors))]
            ]
            errors += wrong
            reports.append(Report(_kind_of(event), errors=tuple(wrong)))
    if all(report.errors for report in reports):
        raise _wrong(tuple(errors))
    return tuple(reports)


_TOO_MANY = FieldError("events", f"is not a list of up to {MOST_REPORTS} events")


def _kind_of(event: Any) -> str:
    kind = event.get("type") if isinstance(event, dict) else None
    return kind if isinstance(kind, str) and len(kind) <= 80 else ""


def _read(event: Any) -> Report:
    if not isinstance(event, dict):
        raise _wrong((FieldError("", "is not an object"),))
    kind = event.get("type")
    try:
        return read_body(_BODIES.get(kind, AnyReport) if isinstance(kind, str) else AnyReport, event).report()
    except Problem as problem:
        raise _wrong(problem.errors) from None


def _wrong(errors: tuple[FieldError, ...]) -> Problem:
    return Problem(422, "invalid_request", "The request was not accepted", errors[:_MOST_ERRORS])
