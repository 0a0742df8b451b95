"""A hall of deliverers under a clock that jumps: each takes a message, posts, and is busy while the receiver takes its
time. Many are under way at once, and each sees what the others have written by then. Messages are taken in the order in
which they came: nothing here deals fairly between endpoints, so whatever delays nobody here delays nobody behind SQS.
"""

import heapq
import math
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count

from ringline.runtime.clock import MS_PER_S
from ringline.webhooks.model.delivery import DeliveryId
from ringline.webhooks.model.endpoint import Endpoint
from ringline.webhooks.pacing.lists import PacedLists
from ringline.webhooks.sending.client import Answered, Unanswered
from ringline.webhooks.sending.overdue import Overdue
from ringline.webhooks.sending.queue import LONGEST_DELAY_MS, AnyMessage, DeliveryMessage
from ringline.webhooks.tables.deliveries import DeliveryStore
from ringline.webhooks.tables.endpoints import EndpointStore
from ringline.webhooks.tables.events import EventStore
from ringline.webhooks.tables.failing import FailingEndpoints
from tests.component.one_table import LocalAws
from tests.component.pacing.deliverers import a_deliverer
from tests.fakes import HandClock
from tests.unit.webhooks.test_overdue import NoCounts
from tests.unit.webhooks.webhook_fakes import a_draft, an_endpoint

ACCOUNT = "acct_1"
_SWEEP_MS = 60_000


@dataclass
class Server:
    """A customer's: what it answers, and after how long. It notes when each post began, and how many were under way."""

    answer: Answered | Unanswered = field(default_factory=lambda: Answered(200))
    takes_ms: int = 50
    began: list[int] = field(default_factory=list)
    webhook_ids: list[str] = field(default_factory=list)
    under_way: int = 0
    most_at_once: int = 0


class Hall:
    def __init__(self, aws: LocalAws, deliverers: int) -> None:
        at = (aws.dynamodb, aws.table_name)
        self.clock = HandClock()
        self.endpoints, self.deliveries = EndpointStore(*at), DeliveryStore(*at)
        self.events = EventStore(*at, self.clock)
        self.servers: dict[str, Server] = {}
        self.written_at: dict[str, int] = {}
        self.waiting_messages: list[tuple[int, int, AnyMessage]] = []
        self._free = deliverers
        self._moments: list[tuple[int, int, Callable[[], None]]] = []
        self._numbers = count()
        self._turn = threading.Event()
        self._failure: BaseException | None = None
        self._deliver = a_deliverer(*at, client=self, queue=self, clock=self.clock)
        lists = PacedLists(FailingEndpoints(*at), self.endpoints)
        self._overdue = Overdue(self.deliveries, lists, self, NoCounts(), self.clock)
        self._at(self.clock.now + _SWEEP_MS, self._sweep)

    def opens(self, endpoint_id: str, server: Server, **limits: int) -> Server:
        url = f"https://{endpoint_id}.example.com/"
        endpoint: Endpoint = an_endpoint(endpoint_id=endpoint_id, url=url, **limits)
        self.endpoints.add(ACCOUNT, endpoint)
        self.servers[url] = server
        return server

    def happens(self, number: int) -> None:
        """An event, which every endpoint is told of."""
        event = self.events.append(a_draft(occurrence=number, occurred_at=self.clock.now))
        self.written_at[event.event_id] = self.clock.now
        for endpoint in self.endpoints.endpoints(ACCOUNT):
            named = DeliveryId(account_id=ACCOUNT, endpoint_id=endpoint.endpoint_id, sequence=event.sequence)
            self.send(DeliveryMessage(named))

    def happens_at(self, after_ms: int, number: int) -> None:
        self._at(self.clock.now + after_ms, lambda: self.happens(number))

    def delays_ms(self, server: Server) -> list[int]:
        """From each event until its first post to that server."""
        first: dict[str, int] = {}
        for webhook_id, began in zip(server.webhook_ids, server.began, strict=True):
            first.setdefault(webhook_id, began)
        return [began - self.written_at[webhook_id] for webhook_id, began in first.items()]

    def run(self, seconds: float) -> None:
        """Lets so much time pass."""
        until = self.clock.now + round(seconds * MS_PER_S)
        while True:
            while self._free and self.waiting_messages and self.waiting_messages[0][0] <= self.clock.now:
                self._begin(heapq.heappop(self.waiting_messages)[2])
            moments = [self._moments[0][0]] if self._moments else []
            if self._free and self.waiting_messages:
                moments.append(self.waiting_messages[0][0])
            if not moments or min(moments) > until:
                self.clock.now = until
                return
            self.clock.now = max(self.clock.now, min(moments))
            while self._moments and self._moments[0][0] <= self.clock.now:
                heapq.heappop(self._moments)[2]()

    # --- the queue

    def send(self, message: AnyMessage) -> None:
        heapq.heappush(self.waiting_messages, (self.clock.now, next(self._numbers), message))

    def send_later(self, message: AnyMessage, wait_ms: int) -> None:
        whole_ms = math.ceil(min(wait_ms, LONGEST_DELAY_MS) / MS_PER_S) * MS_PER_S
        heapq.heappush(self.waiting_messages, (self.clock.now + whole_ms, next(self._numbers), message))

    # --- the receivers

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answered | Unanswered:
        server = self.servers[url]
        server.began.append(self.clock.now)
        server.webhook_ids.append(headers["webhook-id"])
        server.under_way += 1
        server.most_at_once = max(server.most_at_once, server.under_way)
        self._sleep(server.takes_ms)
        server.under_way -= 1
        return server.answer

    # --- the deliverers, of whom one at a time moves

    def _begin(self, message: AnyMessage) -> None:
        self._free -= 1
        self._turn.clear()
        threading.Thread(target=self._work, args=(message,), daemon=True).start()
        self._until_it_rests()

    def _work(self, message: AnyMessage) -> None:
        try:
            self._deliver.run(message)
        except BaseException as error:
            self._failure = error
        self._free += 1
        self._turn.set()

    def _sleep(self, ms: int) -> None:
        woken = threading.Event()

        def wake() -> None:
            self._turn.clear()
            woken.set()
            self._until_it_rests()

        self._at(self.clock.now + ms, wake)
        self._turn.set()
        woken.wait()

    def _until_it_rests(self) -> None:
        self._turn.wait()
        if self._failure is not None:
            raise self._failure

    def _sweep(self) -> None:
        self._overdue.resend()
        self._at(self.clock.now + _SWEEP_MS, self._sweep)

    def _at(self, moment: int, action: Callable[[], None]) -> None:
        heapq.heappush(self._moments, (moment, next(self._numbers), action))
