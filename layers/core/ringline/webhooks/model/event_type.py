"""The events that customers can subscribe to, and for how long they are kept. `calls.views` decides when one has
happened, `webhooks` tells it."""

from collections.abc import Iterable, Mapping

from ringline.later import StoredWord

EVENTS_KEPT_S = 30 * 24 * 3600
"""How long events are kept where nothing else is said."""

LEAST_KEPT_S = 24 * 3600
"""The shortest time that may be set. Between two looks at its count an account's events must not expire, and the sweep
may be hours late."""

COUNT_LOOKED_AT_S = LEAST_KEPT_S // 2
"""How long after one look at an account's count the next one is, however long events are kept: that time may be set to
the shortest one at any moment, and from then on new events expire by it, the former ones behind them."""


class EventType(StoredWord):
    """What happened. Names do not change once they are told."""

    CALL_CREATED = "call.created"
    CALL_QUEUED = "call.queued"
    CALL_RINGING = "call.ringing"
    CALL_ANSWERED = "call.answered"
    CALL_ACTIVE = "call.active"
    CALL_ATTEMPT_FAILED = "call.attempt_failed"
    CALL_DEFERRED = "call.deferred"
    CALL_ENDED = "call.ended"
    CALL_CANCELED = "call.canceled"
    CALL_TRANSFER_REQUESTED = "call.transfer.requested"
    CALL_TRANSFER_RINGING = "call.transfer.ringing"
    CALL_TRANSFER_JOINED = "call.transfer.joined"
    CALL_TRANSFER_COMPLETED = "call.transfer.completed"
    CALL_TRANSFER_FAILED = "call.transfer.failed"
    RECORDING_READY = "recording.ready"
    RECORDING_FAILED = "recording.failed"
    TRANSCRIPT_READY = "transcript.ready"
    ENDPOINT_FAILING = "endpoint.failing"
    ENDPOINT_DISABLED = "endpoint.disabled"
    ACCOUNT_LIMIT_REACHED = "account.limit_reached"
    TEST_PING = "test.ping"


class FormerName(StoredWord):
    """The names of events before they were dotted. Whoever has subscribed to one is told by it."""

    CALL_RINGING = "call_ringing"
    CALL_ACTIVE = "call_active"
    CALL_END = "call_end"
    CALL_TRANSFER_REQUESTED = "call_transfer_requested"
    CALL_TRANSFER_RINGING = "call_transfer_ringing"
    CALL_TRANSFER_JOINED = "call_transfer_joined"
    CALL_TRANSFER_COMPLETED = "call_transfer_completed"
    CALL_TRANSFER_FAILED = "call_transfer_failed"


MEANT_BY: Mapping[str, EventType] = {
    FormerName.CALL_RINGING: EventType.CALL_RINGING,
    FormerName.CALL_ACTIVE: EventType.CALL_ACTIVE,
    FormerName.CALL_END: EventType.CALL_ENDED,
    FormerName.CALL_TRANSFER_REQUESTED: EventType.CALL_TRANSFER_REQUESTED,
    FormerName.CALL_TRANSFER_RINGING: EventType.CALL_TRANSFER_RINGING,
    FormerName.CALL_TRANSFER_JOINED: EventType.CALL_TRANSFER_JOINED,
    FormerName.CALL_TRANSFER_COMPLETED: EventType.CALL_TRANSFER_COMPLETED,
    FormerName.CALL_TRANSFER_FAILED: EventType.CALL_TRANSFER_FAILED,
}
"""Which event each former name is of."""

DEFAULT_SUBSCRIPTION: tuple[str, ...] = (FormerName.CALL_END,)

EVERYTHING, EVERYTHING_OF_CALLS = "*", "call.*"

SUBSCRIPTIONS: tuple[str, ...] = (*EventType, *FormerName, EVERYTHING, EVERYTHING_OF_CALLS)
"""What an endpoint may subscribe to."""


def told_as(subscriptions: Iterable[str], event_type: EventType) -> str | None:
    """The name by which an endpoint with these subscriptions is told of an event; None if it does not want it. Of two
    that cover it the first one counts."""
    for subscription in subscriptions:
        if subscription == event_type or MEANT_BY.get(subscription) == event_type:
            return str(subscription)
        is_of_call = subscription == EVERYTHING_OF_CALLS and event_type.startswith("call.")
        if is_of_call or subscription == EVERYTHING:
            return str(event_type)
    return None


def type_kept(name: str) -> EventType:
    """The event that a row or a message names, by today's name or the former one."""
    return MEANT_BY.get(name) or EventType.kept(name)
