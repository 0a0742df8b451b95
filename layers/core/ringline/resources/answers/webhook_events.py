"""What webhooks tell: `ringline.webhooks.model.event.Event.body_as`, with a call as `ringline.calls.views` shows it."""

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, Field

from ringline.resources.answers.base import Moment, Shown
from ringline.resources.answers.calls import AcceptedCall, ShownTransfer
from ringline.webhooks.model.event_type import EventType


class CallOfEvent(AcceptedCall):
    """The call as it was at that moment."""

    sequence: int = Field(description="The event's place among all changes of its call")


class CallOfTransferEvent(CallOfEvent):
    """The call, and the one of its transfers that the event is about."""

    transfer: ShownTransfer


class CallEventBody(Shown):
    """An event of a call. `timestamp` is when it happened, and the same at every try."""

    type: Literal[
        "call.created",
        "call.queued",
        "call.ringing",
        "call.answered",
        "call.active",
        "call.attempt_failed",
        "call.deferred",
        "call.ended",
        "call.canceled",
        "recording.ready",
        "recording.failed",
        "transcript.ready",
        "call_ringing",
        "call_active",
        "call_end",
    ]
    id: str = Field(description="The event, in every post of it to every endpoint")
    timestamp: Moment
    sequence: int = Field(description="Its place among all events of the account, from 1 and without a gap")
    data: CallOfEvent


class TransferEventBody(Shown):
    """An event of a transfer. `timestamp` is when it happened, and the same at every try."""

    type: Literal[
        "call_transfer_requested",
        "call_transfer_ringing",
        "call_transfer_joined",
        "call_transfer_completed",
        "call_transfer_failed",
        "call.transfer.requested",
        "call.transfer.ringing",
        "call.transfer.joined",
        "call.transfer.completed",
        "call.transfer.failed",
    ]
    id: str = Field(description="The event, in every post of it to every endpoint")
    timestamp: Moment
    sequence: int = Field(description="Its place among all events of the account, from 1 and without a gap")
    data: CallOfTransferEvent


class DisabledEndpoint(Shown):
    """The endpoint that is sent nothing any more, and why. `failing_since` is null where it said 410."""

    endpoint_id: str
    url: str
    disabled_reason: str
    failing_since: Moment | None


class EndpointEventBody(Shown):
    """An event of an endpoint, told to the account's others."""

    type: Literal["endpoint.disabled"]
    id: str = Field(description="The event, in every post of it to every endpoint")
    timestamp: Moment
    sequence: int = Field(description="Its place among all events of the account, from 1 and without a gap")
    data: DisabledEndpoint


class FailingEndpointOfEvent(Shown):
    """The endpoint that takes nothing any more. `percent` is the share of the five days that is over, and `disabled_at`
    when the rest of them is: with the next failure from then on it is disabled."""

    endpoint_id: str
    url: str
    failing_since: Moment
    percent: Literal[50, 70, 90]
    disabled_at: Moment


class FailingEndpointBody(Shown):
    """A notice that an endpoint will be disabled: each share is told once, until it has taken something again."""

    type: Literal["endpoint.failing"]
    id: str = Field(description="The event, in every post of it to every endpoint")
    timestamp: Moment
    sequence: int = Field(description="Its place among all events of the account, from 1 and without a gap")
    data: FailingEndpointOfEvent


class LimitOfEvent(Shown):
    """The limit, and the window in which it is told this once: a day (UTC), and of waiting calls an hour."""

    limit: Literal["waiting_calls", "daily_calls", "daily_minutes", "daily_new_numbers"]
    cap: float
    window_began_at: Moment
    window_ends_at: Moment


class LimitReachedBody(Shown):
    """The account has met one of its limits: calls are refused, or wait for the next day."""

    type: Literal["account.limit_reached"]
    id: str = Field(description="The event, in every post of it to every endpoint")
    timestamp: Moment
    sequence: int = Field(description="Its place among all events of the account, from 1 and without a gap")
    data: LimitOfEvent


class PingedEndpoint(Shown):
    """The endpoint that is tried."""

    endpoint_id: str


class PingBody(Shown):
    """An event that nothing has happened for: somebody asked whether it arrives."""

    type: Literal["test.ping"]
    id: str = Field(description="The event")
    timestamp: Moment
    sequence: int = Field(description="Its place among all events of the account, from 1 and without a gap")
    data: PingedEndpoint


EVENTS: Mapping[EventType, tuple[str, type[BaseModel]]] = {
    EventType.CALL_CREATED: ("A call was taken on: asked for, rung in, or from a browser", CallEventBody),
    EventType.CALL_QUEUED: ("A call waits for its turn, at first or again", CallEventBody),
    EventType.CALL_ANSWERED: ("Somebody, or something, has picked up", CallEventBody),
    EventType.CALL_ATTEMPT_FAILED: ("An attempt is over, and its retry policy wants another", CallEventBody),
    EventType.CALL_DEFERRED: ("A dial came to nothing before anybody was rung, and is made again", CallEventBody),
    EventType.CALL_CANCELED: ("A call was ended before it was connected", CallEventBody),
    EventType.RECORDING_READY: ("A file of a call's recording is there", CallEventBody),
    EventType.RECORDING_FAILED: ("A call could not be recorded", CallEventBody),
    EventType.TRANSCRIPT_READY: ("What was said is kept, whole", CallEventBody),
    EventType.CALL_RINGING: ("A phone rings, or somebody rings in", CallEventBody),
    EventType.CALL_ACTIVE: ("Somebody talks with the agent", CallEventBody),
    EventType.CALL_ENDED: ("A call is over, and will not be tried again", CallEventBody),
    EventType.CALL_TRANSFER_REQUESTED: ("Somebody else is to have a call", TransferEventBody),
    EventType.CALL_TRANSFER_RINGING: ("The target's phone rings", TransferEventBody),
    EventType.CALL_TRANSFER_JOINED: ("The target is in the call", TransferEventBody),
    EventType.CALL_TRANSFER_COMPLETED: ("The call is the target's", TransferEventBody),
    EventType.CALL_TRANSFER_FAILED: ("The target did not come, or not for long", TransferEventBody),
    EventType.ENDPOINT_DISABLED: ("An endpoint is sent nothing any more", EndpointEventBody),
    EventType.ENDPOINT_FAILING: ("An endpoint takes nothing, and will be disabled", FailingEndpointBody),
    EventType.ACCOUNT_LIMIT_REACHED: ("The account has met one of its limits", LimitReachedBody),
    EventType.TEST_PING: ("Somebody tries an endpoint", PingBody),
}
"""What each event means, and its body."""
