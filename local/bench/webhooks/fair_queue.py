"""The delivery queue as SQS's fair queues deal it, in memory: the emulator keeps the groups and deals by age alone.

AWS: of a standard queue whose messages name groups, those of groups that have few messages in flight go before those of
a group that has many, which is then the one that waits.
"""

import heapq
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Sequence
from itertools import count

from ringline.webhooks.sending.queue import AnyMessage, DeliveriesMessage, DeliveryMessage

type Named = DeliveryMessage | DeliveriesMessage


class FairQueue:
    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: defaultdict[str, deque[Named]] = defaultdict(deque)
        self._in_flight: Counter[str] = Counter()
        self._later: list[tuple[float, int, DeliveryMessage]] = []
        self._order = count()
        self._is_closed = False

    def send(self, message: AnyMessage) -> None:
        assert isinstance(message, DeliveryMessage), "nothing of the release before is here"
        self.send_all([message])

    def send_all(self, messages: Sequence[Named]) -> None:
        with self._changed:
            for message in messages:
                self._waiting[_group(message)].append(message)
            self._changed.notify(len(messages))

    def send_later(self, message: AnyMessage, wait_ms: int) -> None:
        assert isinstance(message, DeliveryMessage), "nothing of the release before is here"
        with self._changed:
            heapq.heappush(self._later, (time.monotonic() + wait_ms / 1000, next(self._order), message))

    def take(self) -> Named | None:
        """The next message, in flight until it is `done`; None once the queue is closed."""
        with self._changed:
            while not self._is_closed:
                self._wake()
                groups = [group for group, messages in self._waiting.items() if messages]
                if groups:
                    quietest = min(groups, key=lambda group: self._in_flight[group])
                    self._in_flight[quietest] += 1
                    return self._waiting[quietest].popleft()
                self._changed.wait(0.05)
            return None

    def done(self, message: Named) -> None:
        with self._changed:
            self._in_flight[_group(message)] -= 1

    def close(self) -> None:
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def _wake(self) -> None:
        """What was sent for later and is due waits like all others."""
        while self._later and self._later[0][0] <= time.monotonic():
            message = heapq.heappop(self._later)[2]
            self._waiting[_group(message)].append(message)


def _group(message: Named) -> str:
    return message.endpoint_id if isinstance(message, DeliveriesMessage) else message.delivery_id.endpoint_id
