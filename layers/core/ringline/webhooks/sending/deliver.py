"""One try of one delivery, decided on its record and not on the message: SQS hands a message out at least once.

message -> over, or not due yet: drop -> POST -> one write: delivered, or failing with the next moment
        -> its endpoint takes no     '-- a crash here: the message comes back and the POST is repeated
           more, or fails: held back, comes again by itself
failing -> for waits that SQS can take a delayed message, and the sweep in case it is lost; for longer ones the sweep
"""

from collections.abc import Callable, Mapping
from copy import replace
from dataclasses import dataclass
from typing import Protocol

from ringline.runtime.clock import MS_PER_S, Clock
from ringline.webhooks.model.delivery import (
    AtHand,
    Attempt,
    Delivery,
    DeliveryId,
    DeliveryStatus,
    record_of,
    untried,
    without_answers,
)
from ringline.webhooks.model.endpoint import Endpoint
from ringline.webhooks.model.event import Event
from ringline.webhooks.model.pace import HeldBack, Turn
from ringline.webhooks.model.schedule import LOST_MESSAGE_MS, Accepted, Stop, TryAgain, retry_after_in_s, verdict
from ringline.webhooks.sending.attempts import attempt_of, with_attempt
from ringline.webhooks.sending.client import Answered, Unanswered
from ringline.webhooks.sending.queue import (
    LONGEST_DELAY_MS,
    AnyMessage,
    DeliveryMessage,
    DeliveryQueue,
    FormerMessage,
)
from ringline.webhooks.sending.signing import signature_headers

USER_AGENT = "Ringline-Webhooks/1"

EARLY_MS = 1000
"""How much before its moment a try may be made: the clocks of two functions differ by less."""


@dataclass(frozen=True, slots=True)
class Delivered:
    attempts: int


@dataclass(frozen=True, slots=True)
class WillRetry:
    attempts: int
    wait_ms: int
    why: str


@dataclass(frozen=True, slots=True)
class GaveUp:
    attempts: int
    why: str


@dataclass(frozen=True, slots=True)
class AlreadyDone:
    """Delivered, given up, or tried by another one meanwhile who planned what comes next."""


@dataclass(frozen=True, slots=True)
class EndpointGone:
    """Deleted or disabled since the event."""


@dataclass(frozen=True, slots=True)
class NotYetDue:
    """The moment of its next try is to come; the sweep will see to it."""


@dataclass(frozen=True, slots=True)
class EventNotKept:
    """The event has expired before its delivery was over: whatever its schedule says, there are no more tries."""

    attempts: int


type Outcome = Delivered | WillRetry | GaveUp | AlreadyDone | EndpointGone | NotYetDue | EventNotKept | HeldBack


class Endpoints(Protocol):
    def endpoint(self, account_id: str, endpoint_id: str) -> Endpoint | None: ...


class Turns(Protocol):
    def admit(self, delivery: Delivery, endpoint: Endpoint, turn_at: int | None, address: str) -> Turn | HeldBack:
        """Whether the endpoint is to be tried now. What is held back comes again by itself."""

    def leave(self, delivery_id: DeliveryId, endpoint: Endpoint, turn: Turn) -> None: ...


class Health(Protocol):
    def worked(self, account_id: str, endpoint: Endpoint) -> None: ...

    def failed(self, account_id: str, endpoint: Endpoint, gone: str | None = None) -> None: ...


class Deliveries(Protocol):
    def delivery(self, delivery_id: DeliveryId) -> Delivery | None: ...

    def record_delivered(self, delivery: Delivery, now: int) -> bool: ...

    def record_failed(self, delivery: Delivery, attempts_read: int, now: int) -> bool: ...

    def note_attempt(self, delivery_id: DeliveryId, attempt: Attempt) -> None: ...


class Secrets(Protocol):
    def opened(self, account_id: str, endpoint: Endpoint) -> Endpoint:
        """The endpoint with its secrets and its headers as they are used."""


class Events(Protocol):
    def at(self, account_id: str, sequence: int) -> Event | None:
        """None if the event is not kept any more."""


class TakesOver(Protocol):
    def run(self, message: FormerMessage) -> DeliveryMessage | None:
        """The message that goes on for one of the release before; None where that is over."""


class Client(Protocol):
    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answered | Unanswered: ...


class Deliver:
    def __init__(
        self,
        *,
        endpoints: Endpoints,
        deliveries: Deliveries,
        secrets: Secrets,
        events: Events,
        take_over: TakesOver,
        turns: Turns,
        health: Health,
        client: Client,
        queue: DeliveryQueue,
        clock: Clock,
        randomness: Callable[[], float],
    ) -> None:
        self._endpoints = endpoints
        self._deliveries = deliveries
        self._secrets = secrets
        self._events = events
        self._take_over = take_over
        self._turns = turns
        self._health = health
        self._client = client
        self._queue = queue
        self._clock = clock
        self._randomness = randomness

    def run(self, message: AnyMessage, at_hand: AtHand | None = None) -> Outcome:
        """Tries once and records it, on what is `at_hand`, or is read now. Raises what the table or the queue raise:
        the message then comes back."""
        named = self._take_over.run(message) if isinstance(message, FormerMessage) else message
        if named is None:
            return AlreadyDone()
        return self._run(named.delivery_id, named.turn_at, at_hand or self._read(named.delivery_id))

    def _read(self, delivery_id: DeliveryId) -> AtHand:
        return AtHand(
            self._deliveries.delivery(delivery_id),
            self._endpoints.endpoint(delivery_id.account_id, delivery_id.endpoint_id),
            self._events.at(delivery_id.account_id, delivery_id.sequence),
        )

    def _run(self, delivery_id: DeliveryId, turn_at: int | None, at_hand: AtHand) -> Outcome:
        endpoint, event = at_hand.endpoint, at_hand.event
        known = at_hand.delivery if event is None else record_of(event, at_hand.delivery)
        if known is not None and known.is_over:
            return AlreadyDone()
        delivery = known or (None if event is None else _untried(event, delivery_id.endpoint_id, endpoint))
        if endpoint is None or not endpoint.is_enabled:
            self._close(delivery)
            return EndpointGone()
        if delivery is None:
            return EventNotKept(0)
        next_at = delivery.next_attempt_at
        if next_at is not None and next_at != turn_at and next_at > self._clock() + EARLY_MS:
            return NotYetDue()
        if event is None:
            return EventNotKept(delivery.attempt_count) if self._close(delivery) else AlreadyDone()
        # Nobody subscribes for a call that names no URL; of what is sent all the same the log says that it has none.
        address = endpoint.address_for(event) or endpoint.url
        turn = self._turns.admit(delivery, endpoint, turn_at, address)
        if isinstance(turn, HeldBack):
            return turn
        try:
            return self._try(delivery, endpoint, address, event)
        finally:
            # Behind what is written down: where this fails, the message comes back to a try that is known.
            self._turns.leave(delivery.id, endpoint, turn)

    def _try(self, before: Delivery, endpoint: Endpoint, address: str, event: Event) -> Outcome:
        started_at, body = self._clock(), event.body_as(before.told_as)
        endpoint = self._secrets.opened(before.id.account_id, endpoint)
        secrets = [secret for secret, _ in endpoint.signing(started_at)]
        signature = signature_headers(secrets, before.webhook_id, started_at // MS_PER_S, body)
        # Its own headers come first, so that none of them can take the place of ours.
        headers = {**endpoint.headers, "content-type": "application/json", "user-agent": USER_AGENT, **signature}
        answer = self._client.post(address, headers, body)
        now = self._clock()
        attempt = attempt_of(answer, started_at, now - started_at, headers, endpoint.secrets)
        delivery = with_attempt(before, attempt)
        delivery = without_answers(delivery) if event.is_erased else delivery
        retry_after = answer.retry_after if isinstance(answer, Answered) else None
        status_code = answer.status_code if isinstance(answer, Answered) else None
        after_s = retry_after_in_s(retry_after, now)
        match verdict(delivery.tries_of_schedule, status_code, after_s, self._randomness()):
            case Accepted():
                if not self._deliveries.record_delivered(replace(delivery, status=DeliveryStatus.DELIVERED), now):
                    self._note(delivery)
                self._health.worked(before.id.account_id, endpoint)
                return Delivered(delivery.attempt_count)
            case Stop(endpoint_gone):
                self._health.failed(before.id.account_id, endpoint, "answered 410 Gone" if endpoint_gone else None)
                return self._give_up(delivery, _why(answer), now)
            case TryAgain(wait_ms):
                self._health.failed(before.id.account_id, endpoint)
                return self._plan(delivery, wait_ms, _why(answer), now)

    def _give_up(self, delivery: Delivery, why: str, now: int) -> Outcome:
        over = replace(delivery, status=DeliveryStatus.GAVE_UP)
        if not self._deliveries.record_failed(over, delivery.attempt_count - 1, now):
            return self._note(delivery)
        return GaveUp(delivery.attempt_count, why)

    def _plan(self, delivery: Delivery, wait_ms: int, why: str, now: int) -> Outcome:
        next_attempt_at = now + wait_ms
        by_message = wait_ms <= LONGEST_DELAY_MS
        due_at = next_attempt_at + LOST_MESSAGE_MS if by_message else next_attempt_at
        failing = replace(delivery, next_attempt_at=next_attempt_at, due_at=due_at)
        if not self._deliveries.record_failed(failing, delivery.attempt_count - 1, now):
            return self._note(delivery)
        if by_message:
            self._queue.send_later(DeliveryMessage(delivery.id), wait_ms)
        return WillRetry(delivery.attempt_count, wait_ms, why)

    def _note(self, delivery: Delivery) -> AlreadyDone:
        """Another try was recorded while this one was under way, and decides what comes next. The log shows both."""
        self._deliveries.note_attempt(delivery.id, delivery.attempts[-1])
        return AlreadyDone()

    def _close(self, delivery: Delivery | None) -> bool:
        """Takes a delivery that can go nowhere off the sweep's list. One that was never tried, or whose only try was
        not written down because the function died, gets its record here. False if another try was recorded meanwhile,
        or nothing is known of it."""
        if delivery is None:
            return False
        over = replace(delivery, status=DeliveryStatus.GAVE_UP, next_attempt_at=None, due_at=None)
        return self._deliveries.record_failed(over, delivery.attempt_count, self._clock())


def _untried(event: Event, endpoint_id: str, endpoint: Endpoint | None) -> Delivery:
    return untried(event, endpoint_id, event.event_type if endpoint is None else endpoint.name_of(event.event_type))


def _why(answer: Answered | Unanswered) -> str:
    return f"status {answer.status_code}" if isinstance(answer, Answered) else answer.error.value
