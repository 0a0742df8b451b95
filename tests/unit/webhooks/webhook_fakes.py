"""The webhooks room without AWS and without a network: table, queue and receiver in memory, a clock set by hand."""

from collections.abc import Callable, Mapping
from copy import replace
from dataclasses import dataclass, field
from typing import Any

from ringline.webhooks.model.delivery import Delivery, DeliveryId, DeliveryStatus
from ringline.webhooks.model.endpoint import Endpoint
from ringline.webhooks.model.event_type import EventType
from ringline.webhooks.sending.client import Answered, Failure, Unanswered
from ringline.webhooks.sending.deliver import Deliver
from ringline.webhooks.sending.queue import DeliveryMessage
from tests.builders import NOW
from tests.fakes import HandClock

SECRET = "whsec_" + "c2VjcmV0" * 4
DELIVERY_ID = DeliveryId(account_id="acct_1", call_id="call_1", endpoint_id="ep_1", event_type=EventType.CALL_END)
MESSAGE = DeliveryMessage(DELIVERY_ID, sequence=5)


class PowerCut(Exception):
    """The function died here."""


def an_endpoint(**fields: Any) -> Endpoint:
    usual = Endpoint(endpoint_id="ep_1", url="https://hooks.example.com/x", secrets=(SECRET,), created_at=NOW)
    return replace(usual, **fields)


@dataclass
class Steps:
    """Counts what crosses the border to AWS and cuts the power after the k-th step."""

    cut_after: int | None = None
    taken: int = 0

    def step(self) -> None:
        if self.taken == self.cut_after:
            raise PowerCut
        self.taken += 1


@dataclass
class TableInMemory:
    """Endpoints and deliveries with the conditions of the real store."""

    steps: Steps
    kept_endpoints: dict[str, Endpoint] = field(default_factory=dict)
    kept_deliveries: dict[DeliveryId, Delivery] = field(default_factory=dict)

    def endpoint(self, account_id: str, endpoint_id: str) -> Endpoint | None:
        self.steps.step()
        return self.kept_endpoints.get(endpoint_id)

    def endpoints(self, account_id: str) -> list[Endpoint]:
        self.steps.step()
        return list(self.kept_endpoints.values())

    def disable(self, account_id: str, endpoint_id: str, at: int, reason: str) -> None:
        self.steps.step()
        endpoint = self.kept_endpoints[endpoint_id]
        self.kept_endpoints[endpoint_id] = replace(endpoint, disabled_at=at, disabled_reason=reason)

    def delivery(self, delivery_id: DeliveryId) -> Delivery | None:
        self.steps.step()
        return self.kept_deliveries.get(delivery_id)

    def record_delivered(self, delivery: Delivery, now: int) -> bool:
        self.steps.step()
        kept = self.kept_deliveries.get(delivery.id)
        if kept is not None and kept.status is DeliveryStatus.DELIVERED:
            return False
        self.kept_deliveries[delivery.id] = delivery
        return True

    def record_failed(self, delivery: Delivery, attempts_seen: int, now: int) -> bool:
        self.steps.step()
        kept = self.kept_deliveries.get(delivery.id)
        if kept is not None and (kept.is_over or kept.attempt_count != attempts_seen):
            return False
        if kept is None and attempts_seen:
            return False
        self.kept_deliveries[delivery.id] = delivery
        return True


@dataclass
class QueueInMemory:
    steps: Steps
    sent: list[DeliveryMessage] = field(default_factory=list)
    sent_later: list[tuple[DeliveryMessage, int]] = field(default_factory=list)

    def send(self, message: DeliveryMessage) -> None:
        self.steps.step()
        self.sent.append(message)

    def send_later(self, message: DeliveryMessage, wait_ms: int) -> None:
        self.steps.step()
        self.sent_later.append((message, wait_ms))


@dataclass(frozen=True)
class Posted:
    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Receiver:
    """A customer's server that answers what it is told to: the last answer again and again. What happens `meanwhile`
    has happened before it answers."""

    answers: list[Answered | Unanswered]
    clock: HandClock
    took_ms: int = 40
    posts: list[Posted] = field(default_factory=list)
    meanwhile: Callable[[], object] = lambda: None

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answered | Unanswered:
        self.meanwhile()
        self.posts.append(Posted(url, headers, body))
        self.clock.now += self.took_ms
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@dataclass(frozen=True)
class CallEnded:
    timestamp: str = "2026-11-21T01:34:31.000Z"
    data: Mapping[str, Any] = field(default_factory=lambda: {"call_id": "call_1", "status": "completed"})


@dataclass
class PayloadsInMemory:
    payloads: dict[str, CallEnded]

    def payload(self, account_id: str, call_id: str, event_type: str, occurrence: int) -> CallEnded | None:
        return self.payloads.get(call_id)


@dataclass
class World:
    """One endpoint, one ended call, and the use case between them."""

    receiver: Receiver
    clock: HandClock
    steps: Steps
    table: TableInMemory
    queue: QueueInMemory
    payloads: PayloadsInMemory
    deliver: Deliver

    @property
    def record(self) -> Delivery | None:
        return self.table.kept_deliveries.get(DELIVERY_ID)


def a_world(
    *answers: int | Failure | Answered, endpoint: Endpoint | None = None, randomness: Callable[[], float] = lambda: 0.0
) -> World:
    """A receiver that gives these answers in turn: a status code, a failure, or a whole answer."""
    clock, steps = HandClock(), Steps()
    receiver = Receiver([_answer(answer) for answer in answers or (200,)], clock)
    table = TableInMemory(steps, {"ep_1": endpoint or an_endpoint()})
    queue = QueueInMemory(steps)
    payloads = PayloadsInMemory({"call_1": CallEnded()})
    deliver = Deliver(
        endpoints=table,
        deliveries=table,
        payloads=payloads,
        client=receiver,
        queue=queue,
        clock=clock,
        randomness=randomness,
    )
    return World(receiver, clock, steps, table, queue, payloads, deliver)


def _answer(answer: int | Failure | Answered) -> Answered | Unanswered:
    if isinstance(answer, Failure):
        return Unanswered(answer)
    return answer if isinstance(answer, Answered) else Answered(answer)
