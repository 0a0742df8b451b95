"""A delivery: one event on its way to one endpoint, with every try that was made."""

from copy import replace
from dataclasses import field

from ringline.later import Carried, StoredWord
from ringline.record import stored
from ringline.webhooks.model.endpoint import Endpoint
from ringline.webhooks.model.event import Event
from ringline.webhooks.model.event_type import EventType

KEPT_ATTEMPTS = 20
"""Attempts a record remembers, the latest ones: the schedule makes ten, redelivering by hand may add more."""

ASKED_BY_CUSTOMER = "redeliver"
"""Who has opened a delivery that no replay has."""


class DeliveryStatus(StoredWord):
    FAILING = "failing"
    DELIVERED = "delivered"
    GAVE_UP = "gave_up"


class Phase(StoredWord):
    """How far a POST had come when it failed without an answer."""

    URL = "url"
    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    WRITE = "write"
    READ = "read"


@stored(kw_only=True)
class DeliveryId:
    """Names a delivery: the event at this place of its account's, and where it goes."""

    account_id: str
    endpoint_id: str
    sequence: int


@stored
class Attempt:
    """One POST: the status code it was answered with, or the name of what went wrong before there was one, and in which
    phase. `answer` is the beginning of the answer's body as text, without what is secret."""

    at: int
    duration_ms: int
    status_code: int | None = None
    error: str | None = None
    phase: Phase | None = None
    answer: str | None = None
    carried: Carried = field(default=(), compare=False, repr=False)


@stored(kw_only=True)
class Delivery:
    """The record of a delivery that was tried at least once.

    `told_as` is the name by which the endpoint was told of the event at the first try, and is at all that follow.
    `next_attempt_at` is the moment of the next try. `due_at` is when the sweep looks after it: a bit later where a
    delayed message is under way, so that the two do not both try. One that was sent again (`reopened_at`) by somebody
    (`reopened_by`: a replay, or the customer) has its whole schedule once more, behind the `tries_before`.
    """

    id: DeliveryId
    event_id: str
    event_type: EventType
    told_as: str
    status: DeliveryStatus
    call_id: str | None = None
    webhook_id: str
    """The event's, but where the release before events were rows has tried it by an id of its own."""
    attempts: tuple[Attempt, ...] = ()
    attempt_count: int = 0
    next_attempt_at: int | None = None
    due_at: int | None = None
    reopened_at: int | None = None
    reopened_by: str | None = None
    tries_before: int = 0
    carried: Carried = field(default=(), compare=False, repr=False)

    @property
    def is_over(self) -> bool:
        """What a later release has made of it is that release's to go on with."""
        return self.status is not DeliveryStatus.FAILING

    @property
    def is_delivered(self) -> bool:
        return self.status is DeliveryStatus.DELIVERED

    @property
    def tries_of_schedule(self) -> int:
        """How many of its schedule's tries were made."""
        return self.attempt_count - self.tries_before


@stored
class AtHand:
    """What a try is decided on, as it was just read: None of what is not there."""

    delivery: Delivery | None
    endpoint: Endpoint | None
    event: Event | None


def untried(event: Event, endpoint_id: str, told_as: str) -> Delivery:
    """The delivery of an event that nobody has tried to make."""
    return Delivery(
        id=DeliveryId(account_id=event.account_id, endpoint_id=endpoint_id, sequence=event.sequence),
        event_id=event.event_id,
        event_type=event.event_type,
        told_as=told_as,
        status=DeliveryStatus.FAILING,
        call_id=event.call_id,
        webhook_id=event.event_id,
    )


def record_of(event: Event, known: Delivery | None) -> Delivery | None:
    """What is known of the event's delivery: nothing where the record is of a former event that had its number."""
    return known if known is not None and known.event_id == event.event_id else None


def without_answers(delivery: Delivery) -> Delivery:
    """The record of a delivery whose event's content is erased: receivers echo what they are sent."""
    return replace(delivery, attempts=tuple(replace(attempt, answer=None) for attempt in delivery.attempts))
