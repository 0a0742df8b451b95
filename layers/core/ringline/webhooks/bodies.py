"""Bodies of the webhook endpoints' API. No foreign SDK sends them, so an unknown field is a mistake."""

from typing import Annotated, Any, Literal, cast

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    StrictBool,
    StrictInt,
    StrictStr,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from ringline.webhooks.headers import MOST_HEADERS, doubled, header_fault
from ringline.webhooks.model.delivery_pages import LAST_OF_ALL
from ringline.webhooks.model.endpoint import MOST_AT_ONCE, Signature
from ringline.webhooks.model.event_type import SUBSCRIPTIONS, FormerName


def _known(name: str) -> str:
    if name not in SUBSCRIPTIONS:
        raise ValueError(f"{name[:64]!r} is no event that there is")
    return name


type Subscription = Annotated[str, Field(json_schema_extra={"enum": list(SUBSCRIPTIONS)}), AfterValidator(_known)]
"""The name of an event, today's or the former one; all of calls; everything."""


def _without_doubles(event_types: tuple[Subscription, ...]) -> tuple[Subscription, ...]:
    return tuple(dict.fromkeys(event_types))


def _sound_headers(headers: dict[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        fault = header_fault(name, value)
        if fault is not None:
            raise ValueError(f"{name[:64]!r} {fault}")
    if (twice := doubled(headers)) is not None:
        raise ValueError(f"{twice!r} is there twice")
    return headers


type EventTypes = Annotated[
    tuple[Subscription, ...], Field(min_length=1, max_length=20), AfterValidator(_without_doubles)
]
type Description = Annotated[str, StringConstraints(max_length=200)]
type Headers = Annotated[dict[str, str], Field(max_length=MOST_HEADERS), AfterValidator(_sound_headers)]
"""Sent with each delivery, beside those of Ringline. Values are never shown again."""


type FilteredId = Annotated[str, StringConstraints(min_length=1, max_length=200)]
type Ids = Annotated[tuple[FilteredId, ...], Field(max_length=50)]
type TagName = Annotated[str, StringConstraints(min_length=1, max_length=200)]
type TagText = Annotated[StrictStr, StringConstraints(max_length=500)]
type TagNumber = Annotated[StrictInt, Field(ge=-(2**53), le=2**53)]
type Tags = Annotated[dict[TagName, TagText | StrictBool | TagNumber], Field(max_length=10)]


class FiltersRequest(BaseModel):
    """Which calls the endpoint is told of. Each that is set must hold: of names any one will do, of `metadata` all
    must be there in the call's `metadata` with the very value."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pipe_ids: Ids = ()
    agent_ids: Ids = ()
    directions: Annotated[tuple[Literal["outbound", "inbound", "web"], ...], Field(max_length=3)] = ()
    metadata: Tags = Field(default_factory=dict)


type PerSecond = Annotated[int, Field(strict=True, ge=1, le=MOST_AT_ONCE)]
"""Posts in any second, at most."""

type Parallel = Annotated[int, Field(strict=True, ge=1, le=MOST_AT_ONCE)]
"""Posts that are under way at once, at most."""


LONGEST_OVERLAP_S = 7 * 24 * 3600
"""How long two secrets may sign: whoever has not taken the new one in a week has forgotten it."""

USUAL_OVERLAP_S = 24 * 3600


class QueueTarget(BaseModel):
    """A queue of SQS that the deployment may send to."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Literal["sqs"]
    queue_arn: str


class BusTarget(BaseModel):
    """A bus of EventBridge that the deployment may send to."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Literal["eventbridge"]
    bus_arn: str


class CallTarget(BaseModel):
    """The `webhook_url` of each call that has one. An account has one such endpoint."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Literal["call"]


type Target = Annotated[QueueTarget | BusTarget | CallTarget, Field(discriminator="type")]


class EndpointRequest(BaseModel):
    """A new endpoint, at a `url` or at another `target`. Without `event_types` it receives the end of each call.
    `signature` says how deliveries are signed: `v1` with a secret that both sides have, `v1a` (ed25519) with a key of
    which you have the public half.

    `max_per_second` and `max_parallel` bound the posts in any second, and those that are under way at once."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str | None = None
    target: Target | None = None
    event_types: EventTypes = (FormerName.CALL_END,)
    description: Description | None = None
    headers: Headers = Field(default_factory=dict)
    filters: FiltersRequest = FiltersRequest()
    max_per_second: PerSecond | None = None
    max_parallel: Parallel | None = None
    signature: Signature = Signature.V1


def _resume_from(said: Any) -> str | int:
    if said in ("now", "pause") or (isinstance(said, int) and not isinstance(said, bool) and 1 <= said <= LAST_OF_ALL):
        return cast("str | int", said)
    raise ValueError("must be now, pause, or the number of an event")


type ResumeFrom = Annotated[
    Any,
    PlainValidator(_resume_from),
    WithJsonSchema({"anyOf": [{"enum": ["now", "pause"]}, {"type": "integer", "minimum": 1}]}),
]


class EndpointChange(BaseModel):
    """A change to an endpoint; what is not named stays. A null `description`, `max_per_second` or `max_parallel`
    removes it, null `headers` or `filters` remove them all; those that are named take the place of all that there were.

    `resume_from` goes with `"disabled": false` and says what is sent of what happened before: nothing (`now`), what
    the endpoint has not taken since it was disabled or was still being tried then (`pause`), or what it has not taken
    from the event of this number on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str | None = None
    target: Target | None = None
    event_types: EventTypes | None = None
    description: Description | None = None
    headers: Headers | None = None
    filters: FiltersRequest | None = None
    max_per_second: PerSecond | None = None
    max_parallel: Parallel | None = None
    disabled: bool | None = None
    resume_from: ResumeFrom = "now"

    @model_validator(mode="after")
    def _resumes_what_is_enabled(self) -> "EndpointChange":
        if "resume_from" in self.model_fields_set and self.disabled is not False:
            raise ValueError('resume_from goes with "disabled": false')
        return self


class SecretRotation(BaseModel):
    """A new secret in the place of the one there is, which goes on signing beside it for `grace_s` seconds; 0 ends it
    at once. With `signature` the new one is of that kind, else of the kind that there is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    grace_s: Annotated[int, Field(strict=True, ge=0, le=LONGEST_OVERLAP_S)] = USUAL_OVERLAP_S
    signature: Signature | None = None
