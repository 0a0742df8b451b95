"""What webhooks tell: `ringline.webhooks.sending.deliver.body_of`, with a call as `ringline.calls.views` shows it."""

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, Field

from ringline.resources.answers.base import Moment, Shown
from ringline.resources.answers.calls import AcceptedCall
from ringline.webhooks.model.event_type import EventType


class CallOfEvent(AcceptedCall):
    """The call as it was when this was sent, which may be later than the event."""

    sequence: int = Field(description="The event's place among all changes of its call")


class CallEventBody(Shown):
    """An event of a call. `timestamp` is when it happened, and the same at every try."""

    type: Literal["call_ringing", "call_active", "call_end"]
    timestamp: Moment
    data: CallOfEvent


EVENTS: Mapping[EventType, tuple[str, type[BaseModel]]] = {
    EventType.CALL_RINGING: ("A phone rings, or somebody rings in", CallEventBody),
    EventType.CALL_ACTIVE: ("Somebody talks with the agent", CallEventBody),
    EventType.CALL_END: ("A call is over, and will not be tried again", CallEventBody),
}
"""What each event means, and its body."""
