"""The webhooks room without AWS and without a network: table, queue and receiver in memory, a clock set by hand."""

from collections.abc import Callable, Mapping, Sequence
from copy import replace
from dataclasses import dataclass, field
from typing import Any

from ringline.runtime.clock import iso
from ringline.webhooks.model.delivery import Attempt, Delivery, DeliveryId, DeliveryStatus
from ringline.webhooks.model.endpoint import Endpoint
from ringline.webhooks.model.event import Event, EventDraft, written
from ringline.webhooks.model.event_type import EventType
from ringline.webhooks.model.pace import Limits, NoTurn, Turn
from ringline.webhooks.pacing.health import Health
from ringline.webhooks.pacing.turns import Turns
from ringline.webhooks.sending.announce import Announcer
from ringline.webhooks.sending.client import Answered, Failure, Unanswered
from ringline.webhooks.sending.deliver import Deliver
from ringline.webhooks.sending.queue import AnyMessage, DeliveryMessage, FormerMessage
from tests.builders import NOW
from tests.fakes import HandClock

SECRET = "whsec_" + "c2VjcmV0" * 4
DELIVERY_ID = DeliveryId(account_id="acct_1", endpoint_id="ep_1", sequence=7)
MESSAGE = DeliveryMessage(DELIVERY_ID)


def a_draft(**fields: Any) -> EventDraft:
    usual = EventDraft(
        account_id="acct_1",
        event_type=EventType.CALL_ENDED,
        call_id="call_1",
        occurred_at=NOW,
        data={"call_id": "call_1", "status": "completed", "sequence": 5},
    )
    return replace(usual, **fields)


EVENT = written(a_draft(), 7, "2026-11-21T01:34:31.000Z", NOW)


def a_delivery(**fields: Any) -> Delivery:
    """One that fails, of the usual event."""
    usual = Delivery(
        id=DELIVERY_ID,
        event_id=EVENT.event_id,
        event_type=EVENT.event_type,
        told_as="call_end",
        status=DeliveryStatus.FAILING,
        call_id="call_1",
        webhook_id=EVENT.event_id,
    )
    return replace(usual, **fields)


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

    def disable(
        self, account_id: str, judged: Endpoint, at: int, reason: str, *, failing_since: int | None = None
    ) -> None:
        self.steps.step()
        endpoint = self.kept_endpoints[judged.endpoint_id]
        if endpoint.url == judged.url and failing_since in {None, endpoint.failing_since}:
            self._change(judged.endpoint_id, disabled_at=at, paused_at=at, disabled_reason=reason)

    def note_failure(self, account_id: str, endpoint_id: str, at: int) -> int:
        endpoint = self.kept_endpoints[endpoint_id]
        if endpoint.probe_at is not None:
            return 0
        since = endpoint.failing_since or at
        self._change(endpoint_id, failing_since=since, failures=endpoint.failures + 1)
        return endpoint.failures + 1

    def open_circuit(self, account_id: str, endpoint_id: str, probe_at: int) -> None:
        if self.kept_endpoints[endpoint_id].probe_at is None:
            self._change(endpoint_id, probe_at=probe_at, probes=0)

    def claim_probe(self, account_id: str, endpoint_id: str, probe_at: int, probes: int, next_at: int) -> bool:
        if self.kept_endpoints[endpoint_id].probe_at != probe_at:
            return False
        self._change(endpoint_id, probe_at=next_at, probes=probes)
        return True

    def note_noticed(self, account_id: str, endpoint_id: str, failing_since: int, percent: int) -> None:
        self._change(endpoint_id, noticed_percent=percent)

    def note_slow(self, account_id: str, endpoint_id: str, until: int, unless_after: int) -> None:
        self._change(endpoint_id, slow_until=until)

    def note_working(self, account_id: str, endpoint_id: str, failing_since: int) -> None:
        self.kept_endpoints[endpoint_id] = self.kept_endpoints[endpoint_id].mended()

    def _change(self, endpoint_id: str, **fields: Any) -> None:
        self.kept_endpoints[endpoint_id] = replace(self.kept_endpoints[endpoint_id], **fields)

    def delivery(self, delivery_id: DeliveryId) -> Delivery | None:
        self.steps.step()
        return self.kept_deliveries.get(delivery_id)

    def _kept(self, delivery: Delivery) -> Delivery | None:
        """The record, unless it is of another event that had its number."""
        kept = self.kept_deliveries.get(delivery.id)
        return kept if kept is not None and kept.event_id == delivery.event_id else None

    def record_delivered(self, delivery: Delivery, now: int) -> bool:
        self.steps.step()
        kept = self._kept(delivery)
        if kept is not None and kept.status is DeliveryStatus.DELIVERED:
            return False
        self.kept_deliveries[delivery.id] = delivery
        return True

    def record_failed(self, delivery: Delivery, attempts_seen: int, now: int) -> bool:
        self.steps.step()
        kept = self._kept(delivery)
        if kept is not None and (kept.is_over or kept.attempt_count != attempts_seen):
            return False
        if kept is None and attempts_seen:
            return False
        self.kept_deliveries[delivery.id] = delivery
        return True

    def note_attempt(self, delivery_id: DeliveryId, attempt: Attempt) -> None:
        self.steps.step()
        kept = self.kept_deliveries.get(delivery_id)
        if kept is not None:
            self.kept_deliveries[delivery_id] = replace(kept, attempts=(*kept.attempts, attempt))


@dataclass
class QueueInMemory:
    steps: Steps
    sent: list[AnyMessage] = field(default_factory=list)
    sent_later: list[tuple[AnyMessage, int]] = field(default_factory=list)

    def send(self, message: AnyMessage) -> None:
        self.steps.step()
        self.sent.append(message)

    def send_later(self, message: AnyMessage, wait_ms: int) -> None:
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


@dataclass
class EventsInMemory:
    """The log of one account, and its conditions."""

    steps: Steps
    log: dict[int, Event] = field(default_factory=dict)

    def append(self, draft: EventDraft) -> Event:
        self.steps.step()
        for event in self.log.values():
            if event.event_id == draft.event_id:
                return event
        sequence = max(self.log, default=0) + 1
        self.log[sequence] = written(draft, sequence, iso(draft.occurred_at), NOW)
        return self.log[sequence]

    def append_all(self, drafts: Sequence[EventDraft]) -> list[Event]:
        return [self.append(draft) for draft in drafts]

    def at(self, account_id: str, sequence: int) -> Event | None:
        self.steps.step()
        return self.log.get(sequence)


class NothingOfBefore:
    """No message of the release before comes."""

    def run(self, message: FormerMessage) -> DeliveryMessage | None:
        raise AssertionError(message)


class PlainSecrets:
    """Nothing is sealed here."""

    def opened(self, account_id: str, endpoint: Endpoint) -> Endpoint:
        return endpoint


class NoLimits:
    """Endpoints without limits write no turns."""

    def take(self, account_id: str, endpoint_id: str, limits: Limits, now: int, *, has_waited: bool) -> Turn | NoTurn:
        raise AssertionError(endpoint_id)

    def leave(self, account_id: str, endpoint_id: str, turn: Turn, took_ms: int) -> None:
        raise AssertionError(endpoint_id)

    def wait(self, account_id: str, endpoint_id: str, not_before: int, spacing_ms: int) -> int:
        raise AssertionError(endpoint_id)


@dataclass
class World:
    """One endpoint, one ended call, and the use case between them."""

    receiver: Receiver
    clock: HandClock
    steps: Steps
    table: TableInMemory
    queue: QueueInMemory
    events: EventsInMemory
    deliver: Deliver

    @property
    def record(self) -> Delivery | None:
        return self.table.kept_deliveries.get(DELIVERY_ID)


def a_world(
    *answers: int | Failure | Answered, endpoint: Endpoint | None = None, randomness: Callable[[], float] = lambda: 0.0
) -> World:
    """A receiver that gives these answers in turn: a status code, a failure, or a whole answer."""
    clock, steps = HandClock(), Steps()
    receiver = Receiver([answered(answer) for answer in answers or (200,)], clock)
    table = TableInMemory(steps, {"ep_1": endpoint or an_endpoint()})
    queue = QueueInMemory(steps)
    events = EventsInMemory(steps, {EVENT.sequence: EVENT})
    turns = Turns(
        rows=NoLimits(),
        endpoints=table,
        deliveries=table,
        send_later=lambda delivery_id, turn_at, wait_ms: queue.send_later(
            DeliveryMessage(delivery_id, turn_at), wait_ms
        ),
        clock=clock,
    )
    deliver = Deliver(
        endpoints=table,
        deliveries=table,
        secrets=PlainSecrets(),
        events=events,
        take_over=NothingOfBefore(),
        turns=turns,
        health=Health(table, Announcer(table, events, queue).announce, clock),
        client=receiver,
        queue=queue,
        clock=clock,
        randomness=randomness,
    )
    return World(receiver, clock, steps, table, queue, events, deliver)


def answered(answer: int | Failure | Answered) -> Answered | Unanswered:
    if isinstance(answer, Failure):
        return Unanswered(answer)
    return answer if isinstance(answer, Answered) else Answered(answer)
