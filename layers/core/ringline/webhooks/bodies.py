"""Bodies of the webhook endpoints' API. No foreign SDK sends them, so an unknown field is a mistake."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from ringline.webhooks.model.event_type import EventType


def _without_doubles(event_types: tuple[EventType, ...]) -> tuple[EventType, ...]:
    return tuple(dict.fromkeys(event_types))


type EventTypes = Annotated[tuple[EventType, ...], Field(min_length=1, max_length=20), AfterValidator(_without_doubles)]
type Description = Annotated[str, StringConstraints(max_length=200)]


class EndpointRequest(BaseModel):
    """A new endpoint. Without `event_types` it receives the end of each call."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str
    event_types: EventTypes = (EventType.CALL_END,)
    description: Description | None = None


class EndpointChange(BaseModel):
    """A change to an endpoint; what is not named stays. A null `description` removes it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str | None = None
    event_types: EventTypes | None = None
    description: Description | None = None
    disabled: bool | None = None
