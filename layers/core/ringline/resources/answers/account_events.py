"""Events as the log shows them: as endpoints were told them, `ringline.webhooks.model.event.Event.body`."""

from typing import Any

from pydantic import Field

from ringline.resources.answers.base import Listing, Moment, Shown


class ShownEvent(Shown):
    """An event, in the words of its deliveries. `data` is what it was at that moment: of a call's event the call."""

    type: str = Field(examples=["call.ended"])
    id: str = Field(description="The `webhook-id` of every delivery of it")
    timestamp: Moment
    sequence: int = Field(description="Its place among all events of the account, from 1 and without a gap")
    data: dict[str, Any]


class EventList(Listing[ShownEvent]):
    """Events, the oldest first. `pagination.next_cursor` is the number to ask behind (`after`). A page may be short,
    and the list yet go on, where few of many are wanted."""
