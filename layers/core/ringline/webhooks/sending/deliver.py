"""One try of one delivery, decided on its record and not on the message: SQS hands a message out at least once.

message -> over, or not due yet: drop -> POST -> one write: delivered, or failing with the next moment
                                              '-- a crash here: the message comes back and the POST is repeated
failing -> for waits that SQS can take a delayed message, and the sweep in case it is lost; for longer ones the sweep
"""

import json
from collections.abc import Callable, Mapping
from copy import replace
from dataclasses import dataclass
from typing import Any, Protocol

from ringline.runtime.clock import MS_PER_S, Clock
from ringline.webhooks.model.delivery import KEPT_ATTEMPTS, Attempt, Delivery, DeliveryId, DeliveryStatus
from ringline.webhooks.model.endpoint import Endpoint
from ringline.webhooks.model.event_type import EventType
from ringline.webhooks.model.schedule import Accepted, Stop, TryAgain, retry_after_in_s, verdict
from ringline.webhooks.sending.client import Answered, Unanswered
from ringline.webhooks.sending.queue import LONGEST_DELAY_MS, DeliveryMessage, DeliveryQueue
from ringline.webhooks.sending.signing import signature_headers

USER_AGENT = "Ringline-Webhooks/1"

EARLY_MS = 1000
"""How much before its moment a try may be made: the clocks of two functions differ by less."""

LOST_MESSAGE_MS = 60_000
"""How long after its moment a delayed message counts as lost, and the sweep takes over."""


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
class NothingToSend:
    """The call is no longer kept."""


type Outcome = Delivered | WillRetry | GaveUp | AlreadyDone | EndpointGone | NotYetDue | NothingToSend


class Endpoints(Protocol):
    def endpoint(self, account_id: str, endpoint_id: str) -> Endpoint | None: ...

    def disable(self, account_id: str, endpoint_id: str, at: int, reason: str) -> None: ...


class Deliveries(Protocol):
    def delivery(self, delivery_id: DeliveryId) -> Delivery | None: ...

    def record_delivered(self, delivery: Delivery, now: int) -> bool: ...

    def record_failed(self, delivery: Delivery, attempts_read: int, now: int) -> bool: ...


class Payload(Protocol):
    """The event's own moment in ISO 8601, the same at every try, and the call as the API shows it."""

    @property
    def timestamp(self) -> str: ...

    @property
    def data(self) -> Mapping[str, Any]: ...


class Payloads(Protocol):
    def payload(self, account_id: str, call_id: str, event_type: str, occurrence: int) -> Payload | None:
        """None if the call is not kept any more."""


class Client(Protocol):
    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answered | Unanswered: ...


class Deliver:
    def __init__(
        self,
        *,
        endpoints: Endpoints,
        deliveries: Deliveries,
        payloads: Payloads,
        client: Client,
        queue: DeliveryQueue,
        clock: Clock,
        randomness: Callable[[], float],
    ) -> None:
        self._endpoints = endpoints
        self._deliveries = deliveries
        self._payloads = payloads
        self._client = client
        self._queue = queue
        self._clock = clock
        self._randomness = randomness

    def run(self, message: DeliveryMessage) -> Outcome:
        """Tries once and records it. Raises what the table or the queue raise; the message then comes back."""
        delivery_id = message.delivery_id
        delivery = self._deliveries.delivery(delivery_id) or _untried(message)
        if delivery.is_over:
            return AlreadyDone()
        endpoint = self._endpoints.endpoint(delivery_id.account_id, delivery_id.endpoint_id)
        if endpoint is None or not endpoint.is_enabled:
            self._close(delivery)
            return EndpointGone()
        if delivery.next_attempt_at is not None and delivery.next_attempt_at > self._clock() + EARLY_MS:
            return NotYetDue()
        payload = self._payloads.payload(
            delivery_id.account_id, delivery_id.call_id, delivery_id.event_type, delivery_id.occurrence
        )
        if payload is None:
            self._close(delivery)
            return NothingToSend()
        return self._try(delivery, endpoint, body_of(delivery_id.event_type, payload, delivery.sequence))

    def _try(self, before: Delivery, endpoint: Endpoint, body: bytes) -> Outcome:
        started_at = self._clock()
        signature = signature_headers(endpoint.secrets, before.id.webhook_id, started_at // MS_PER_S, body)
        headers = {"content-type": "application/json", "user-agent": USER_AGENT, **signature}
        answer = self._client.post(endpoint.url, headers, body)
        now = self._clock()
        delivery = _with_attempt(before, _attempt(answer, started_at, now - started_at))
        retry_after = answer.retry_after if isinstance(answer, Answered) else None
        status_code = answer.status_code if isinstance(answer, Answered) else None
        match verdict(delivery.attempt_count, status_code, retry_after_in_s(retry_after, now), self._randomness()):
            case Accepted():
                self._deliveries.record_delivered(replace(delivery, status=DeliveryStatus.DELIVERED), now)
                return Delivered(delivery.attempt_count)
            case Stop(endpoint_gone):
                return self._give_up(delivery, endpoint_gone, _why(answer), now)
            case TryAgain(wait_ms):
                return self._plan(delivery, wait_ms, _why(answer), now)

    def _give_up(self, delivery: Delivery, endpoint_gone: bool, why: str, now: int) -> Outcome:
        if endpoint_gone:
            self._endpoints.disable(delivery.id.account_id, delivery.id.endpoint_id, now, "answered 410 Gone")
        over = replace(delivery, status=DeliveryStatus.GAVE_UP)
        if not self._deliveries.record_failed(over, delivery.attempt_count - 1, now):
            return AlreadyDone()
        return GaveUp(delivery.attempt_count, why)

    def _plan(self, delivery: Delivery, wait_ms: int, why: str, now: int) -> Outcome:
        next_attempt_at = now + wait_ms
        by_message = wait_ms <= LONGEST_DELAY_MS
        due_at = next_attempt_at + LOST_MESSAGE_MS if by_message else next_attempt_at
        failing = replace(delivery, next_attempt_at=next_attempt_at, due_at=due_at)
        if not self._deliveries.record_failed(failing, delivery.attempt_count - 1, now):
            return AlreadyDone()
        if by_message:
            self._queue.send_later(DeliveryMessage(delivery.id, delivery.sequence), wait_ms)
        return WillRetry(delivery.attempt_count, wait_ms, why)

    def _close(self, delivery: Delivery) -> None:
        """Takes a delivery that can go nowhere off the sweep's list. One that was never tried, or whose only try was
        not written down because the function died, gets its record here."""
        over = replace(delivery, status=DeliveryStatus.GAVE_UP, next_attempt_at=None, due_at=None)
        self._deliveries.record_failed(over, delivery.attempt_count, self._clock())


def body_of(event_type: EventType, payload: Payload, sequence: int) -> bytes:
    """`sequence` is the event's place among all changes of its call: the data may be of a later one."""
    document = {"type": event_type, "timestamp": payload.timestamp, "data": {**payload.data, "sequence": sequence}}
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def _untried(message: DeliveryMessage) -> Delivery:
    return Delivery(id=message.delivery_id, sequence=message.sequence, status=DeliveryStatus.FAILING)


def _with_attempt(delivery: Delivery, attempt: Attempt) -> Delivery:
    return replace(
        delivery,
        attempts=(*delivery.attempts, attempt)[-KEPT_ATTEMPTS:],
        attempt_count=delivery.attempt_count + 1,
        next_attempt_at=None,
        due_at=None,
    )


def _attempt(answer: Answered | Unanswered, at: int, duration_ms: int) -> Attempt:
    if isinstance(answer, Answered):
        return Attempt(at, duration_ms, status_code=answer.status_code)
    return Attempt(at, duration_ms, error=answer.error)


def _why(answer: Answered | Unanswered) -> str:
    return f"status {answer.status_code}" if isinstance(answer, Answered) else answer.error.value
