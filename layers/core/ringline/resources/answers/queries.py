"""What may stand behind the question mark: a model for each list. tests/unit/local/pages/test_openapi.py holds them
against the names that the lists know."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

_SEVERAL = "One, or several with commas between"


class Query(BaseModel):
    """Parameters of a list; all of them may be left out."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Paged(Query):
    """A page of a list."""

    limit: Annotated[int, Field(ge=1, le=200, description="How many rows a page has at most")] = 50
    cursor: str | None = Field(None, description="`pagination.next_cursor` of the page before")


class CallFilters(Paged):
    """The calls that have all of what is given, newest first."""

    status: str | None = Field(None, description=f"Our word or the SDK's for how calls stand. {_SEVERAL}")
    call_status: str | None = Field(None, description="The SDK's name of `status`")
    pipe_id: str | None = Field(None, description="Calls of that pipe")
    agent_id: str | None = Field(None, description="Calls of that agent")
    direction: Literal["outbound", "inbound"] | None = Field(None, description="Who called whom")
    end_reason: str | None = Field(None, description=f"Why calls ended (docs/end-reasons.md). {_SEVERAL}")
    to_number: str | None = Field(None, description="Who was called, as people write it")
    from_number: str | None = Field(None, description="Who called, as people write it")
    metadata: dict[str, str] | None = Field(
        None, description="What the call's metadata has at its top: `metadata[key]=value`, or `metadata.key=value`"
    )
    created_after: str | None = Field(None, description="ISO 8601 with its offset; that moment is within")
    created_before: str | None = Field(None, description="ISO 8601 with its offset; that moment is not within")


class TranscriptFilters(CallFilters):
    """As the calls' filters."""

    limit: Annotated[int, Field(ge=1, le=50, description="How many rows a page has at most")] = 50


class RecordingFilters(CallFilters):
    """As the calls' filters, or the one call's recording."""

    call_id: str | None = Field(None, description="The recording of that call or session, beside no other filter")


class DeliveryFilters(Paged):
    """The deliveries that have all of what is given, of the newest event first."""

    endpoint_id: str | None = Field(None, description="To that endpoint; without it, to all that there are")
    status: str | None = Field(None, description=f"`failing`, `delivered`, `gave_up`. {_SEVERAL}")
    type: str | None = Field(None, description=f"Of that event, by either of its names. {_SEVERAL}")
    call_id: str | None = Field(None, description="Of events of that call")
    since: str | None = Field(None, description="Of events since then: ISO 8601 with its offset")
    until: str | None = Field(None, description="Of events before then")


class EventFilters(Query):
    """The events behind a number that have all of what is given, the oldest first."""

    after: Annotated[int, Field(ge=0, lt=10**15, description="Only events with a greater `sequence`")] = 0
    limit: Annotated[int, Field(ge=1, le=200, description="How many events a page looks at")] = 50
    type: str | None = Field(None, description=f"Of that type, by either of its names, `call.*` or `*`. {_SEVERAL}")
    call_id: str | None = Field(None, description="Of that call")


class AuditFilters(Paged):
    """The changes that have all of what is given, newest first."""

    resource: str | None = Field(None, description="Of that thing, `pipes/pipe_1`, or of things of a kind, `pipes`")
    key_id: str | None = Field(None, description="With that API key")
    outcome: Literal["begun", "done", "refused", "failed"] | None = Field(None, description="What became of it")
    since: str | None = Field(None, description="ISO 8601 with its offset; that moment is within")
    until: str | None = Field(None, description="ISO 8601 with its offset; that moment is not within")


class RunnerFilters(Query):
    """The runners of one agent, or all."""

    agent_id: str | None = Field(None, description="Runners of that agent")


class WorkerFilters(Query):
    """The workers of one kind, or all."""

    kind: Literal["media", "brain", "all"] = Field("all", description="Speech workers, runners, or both")


class VoiceFilters(Query):
    """The voices of one language, or all."""

    language: str | None = Field(None, description="As `en` or `en-US`; `en` also finds `en-US`")


class NumberFilters(Query):
    """The numbers that have all of what is given."""

    status: str | None = Field(None, max_length=400, description="available or assigned")
    status_filter: str | None = Field(None, max_length=400, description="The SDK's name of `status` in direct mode")
    country: str | None = Field(None, max_length=400, description="Two letters")
    trunk_type: str | None = Field(None, max_length=400, description="livekit or byo")


class PlatformNumberFilters(Query):
    """What the SDK says, and what is always so: the numbers that are assigned are listed too."""

    include_assigned: str | None = Field(None, max_length=400, description="Of no effect")
