"""What webhooks tell: `ringline.webhooks.sending.deliver.body_of`, with a call as `ringline.calls.views` shows it."""

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, Field

from ringline.resources.answers.base import Moment, Shown
from ringline.resources.answers.calls import AcceptedCall, ShownTransfer
from ringline.webhooks.model.event_type import EventType


class CallOfEvent(AcceptedCall):
    """The call as it was when this was sent, which may be later than the event."""

    sequence: int = Field(description="The event's place among all changes of its call")


class CallOfTransferEvent(CallOfEvent):
    """The call, and the one of its transfers that the event is about."""

    transfer: ShownTransfer


class CallEventBody(Shown):
    """An event of a call. `timestamp` is when it happened, and the same at every try."""

    type: Literal["call_ringing", "call_active", "call_end"]
    timestamp: Moment
    data: CallOfEvent


class TransferEventBody(Shown):
    """An event of a transfer. `timestamp` is when it happened, and the same at every try."""

    type: Literal[
        "call_transfer_requested",
        "call_transfer_ringing",
        "call_transfer_joined",
        "call_transfer_completed",
        "call_transfer_failed",
    ]
    timestamp: Moment
    data: CallOfTransferEvent


EVENTS: Mapping[EventType, tuple[str, type[BaseModel]]] = {
    EventType.CALL_RINGING: ("A phone rings, or somebody rings in", CallEventBody),
    EventType.CALL_ACTIVE: ("Somebody talks with the agent", CallEventBody),
    EventType.CALL_END: ("A call is over, and will not be tried again", CallEventBody),
    EventType.CALL_TRANSFER_REQUESTED: ("Somebody else is to have a call", TransferEventBody),
    EventType.CALL_TRANSFER_RINGING: ("The target's phone rings", TransferEventBody),
    EventType.CALL_TRANSFER_JOINED: ("The target is in the call", TransferEventBody),
    EventType.CALL_TRANSFER_COMPLETED: ("The call is the target's", TransferEventBody),
    EventType.CALL_TRANSFER_FAILED: ("The target did not come, or not for long", TransferEventBody),
}
"""What each event means, and its body."""
