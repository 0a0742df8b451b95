"""An account's events, an endpoint, and what sends them again: the real tables, a queue and a receiver in memory, a
clock set by hand, and power that can be cut at any write."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ringline.webhooks.model.delivery import DeliveryId
from ringline.webhooks.model.endpoint import Endpoint
from ringline.webhooks.model.event import Event
from ringline.webhooks.model.event_type import EventType
from ringline.webhooks.model.replay import Replay
from ringline.webhooks.pacing.health import Health
from ringline.webhooks.pacing.lists import PacedLists
from ringline.webhooks.pacing.turns import Turns
from ringline.webhooks.replaying.overdue import OverdueReplays
from ringline.webhooks.replaying.reopening import Reopen
from ringline.webhooks.replaying.steps import ReplayStep, step_of
from ringline.webhooks.replays import Replays, Wanted
from ringline.webhooks.sending.deliver import Deliver
from ringline.webhooks.sending.overdue import Overdue
from ringline.webhooks.sending.queue import AnyMessage, DeliveryMessage, ReplayMessage
from ringline.webhooks.tables.deliveries import DeliveryStore
from ringline.webhooks.tables.delivery_pages import DeliveryPages
from ringline.webhooks.tables.endpoints import EndpointStore
from ringline.webhooks.tables.events import EventStore
from ringline.webhooks.tables.failing import FailingEndpoints
from ringline.webhooks.tables.replays import ReplayStore
from ringline.webhooks.tables.turns import TurnStore
from tests.component.one_table import LocalAws
from tests.fakes import HandClock
from tests.unit.webhooks.test_overdue import NoCounts
from tests.unit.webhooks.webhook_fakes import (
    NothingOfBefore,
    PlainSecrets,
    PowerCut,
    Receiver,
    Steps,
    a_draft,
    an_endpoint,
    answered,
)

ACCOUNT, ENDPOINT = "acct_1", "ep_1"

_WRITES = {"put_item", "update_item", "delete_item", "transact_write_items"}


@dataclass
class Cut:
    """A client of the table whose power is cut before one of its writes, and so behind the one before it."""

    client: Any
    steps: Steps

    def __getattr__(self, name: str) -> Any:
        request = getattr(self.client, name)
        if name not in _WRITES:
            return request

        def write(**details: Any) -> Any:
            self.steps.step()
            return request(**details)

        return write


@dataclass
class Queue:
    """Messages with the moment from which each may be taken."""

    clock: HandClock
    steps: Steps
    waiting: deque[tuple[int, AnyMessage | ReplayMessage]] = field(default_factory=deque)

    def send(self, message: AnyMessage) -> None:
        self._put(message, 0)

    def send_later(self, message: AnyMessage, wait_ms: int) -> None:
        self._put(message, wait_ms)

    def send_in_background(self, message: DeliveryMessage | ReplayMessage, wait_ms: int = 0) -> None:
        self._put(message, wait_ms)

    def _put(self, message: AnyMessage | ReplayMessage, wait_ms: int) -> None:
        self.steps.step()
        self.waiting.append((self.clock() + wait_ms, message))

    def take(self) -> AnyMessage | ReplayMessage | None:
        """The next one whose moment has come."""
        for entry in self.waiting:
            if entry[0] <= self.clock():
                self.waiting.remove(entry)
                return entry[1]
        return None


class ReplayWorld:
    def __init__(self, aws: LocalAws, *, events: int, types: tuple[EventType, ...] = (EventType.CALL_ENDED,)) -> None:
        self.clock, self.steps = HandClock(), Steps()
        self.queue = Queue(self.clock, self.steps)
        self.receiver = Receiver([answered(200)], self.clock, took_ms=0)
        at = (Cut(aws.dynamodb, self.steps), aws.table_name)
        self.endpoints, self.rows = EndpointStore(*at), ReplayStore(*at)
        self.deliveries, self.pages = DeliveryStore(*at), DeliveryPages(*at)
        self.events = EventStore(*at, self.clock)
        self.reopen = Reopen(self.deliveries, self.clock)
        self.replays = Replays(
            self.rows, self.events, lambda replay: self.queue.send_in_background(step_of(replay)), self.clock
        )
        self.step = ReplayStep(
            replays=self.rows,
            endpoints=self.endpoints,
            events=self.events,
            deliveries=self.pages,
            reopen=self.reopen,
            queue=self.queue,
            clock=self.clock,
        )
        turns = Turns(
            rows=TurnStore(*at),
            endpoints=self.endpoints,
            deliveries=self.deliveries,
            send_later=lambda named, turn_at, wait_ms: self.queue.send_later(DeliveryMessage(named, turn_at), wait_ms),
            clock=self.clock,
        )
        self.deliver = Deliver(
            endpoints=self.endpoints,
            deliveries=self.deliveries,
            secrets=PlainSecrets(),
            events=self.events,
            take_over=NothingOfBefore(),
            turns=turns,
            health=Health(self.endpoints, lambda _draft: 0, self.clock),
            client=self.receiver,
            queue=self.queue,
            clock=self.clock,
            randomness=lambda: 0.0,
        )
        self.overdue = Overdue(
            self.deliveries, PacedLists(FailingEndpoints(*at), self.endpoints), self.queue, NoCounts(), self.clock
        )
        self.overdue_replays = OverdueReplays(self.rows, self.queue, self.clock)
        self.endpoints.add(ACCOUNT, an_endpoint(event_types=("*",)))
        for number in range(events):
            self.happen(types[number % len(types)])
            self.clock.move(1)

    def happen(self, event_type: EventType = EventType.CALL_ENDED) -> Event:
        return self.events.append(
            a_draft(event_type=event_type, occurrence=self.events.last_number(ACCOUNT) + 1, occurred_at=self.clock())
        )

    def change(self, **fields: Any) -> None:
        endpoint = self.endpoint
        self.endpoints.delete(ACCOUNT, ENDPOINT)
        self.endpoints.add(ACCOUNT, an_endpoint(event_types=endpoint.event_types, **fields))

    @property
    def endpoint(self) -> Endpoint:
        endpoint = self.endpoints.endpoint(ACCOUNT, ENDPOINT)
        assert endpoint is not None
        return endpoint

    def tell(self, *sequences: int) -> None:
        """Delivers these events as they are told live."""
        for sequence in sequences:
            self.deliver.run(DeliveryMessage(self.named(sequence)))

    def named(self, sequence: int) -> DeliveryId:
        return DeliveryId(account_id=ACCOUNT, endpoint_id=ENDPOINT, sequence=sequence)

    def start(self, **wanted: Any) -> Replay:
        return self.replays.start(ACCOUNT, ENDPOINT, Wanted(**{"from_sequence": 1} | wanted))

    def replay(self, replay: Replay) -> Replay:
        return self.replays.get(ACCOUNT, ENDPOINT, replay.replay_id)

    def work(self, seconds: int = 600) -> None:
        """Takes what is in the queue as its moments come, with a sweep each minute. A function whose power is cut gets
        its message again three minutes later."""
        for second in range(seconds):
            if not self.queue.waiting and second % 60 != 59:
                self.clock.move(1)
                continue
            while (message := self.queue.take()) is not None:
                try:
                    self.take(message)
                except PowerCut:
                    self.steps.cut_after = None
                    self.queue.waiting.append((self.clock() + 180_000, message))
            if second % 60 == 59:
                try:
                    self.sweep()
                except PowerCut:
                    self.steps.cut_after = None
            self.clock.move(1)

    def sweep(self) -> None:
        self.overdue.resend()
        self.overdue_replays.resend()

    def take(self, message: AnyMessage | ReplayMessage) -> object:
        if isinstance(message, ReplayMessage):
            return self.step.run(message)
        return self.deliver.run(message)

    @property
    def told(self) -> list[str]:
        """The webhook-ids that were posted, in their order."""
        return [post.headers["webhook-id"] for post in self.receiver.posts]

    def ids(self, *sequences: int) -> list[str]:
        found: Mapping[int, Event] = {event.sequence: event for event in self.events.page(ACCOUNT, 0, 1000)}
        return [found[sequence].event_id for sequence in sequences]
