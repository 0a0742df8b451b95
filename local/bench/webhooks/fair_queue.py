"""The delivery queue as SQS's fair queues deal it, in memory: the emulator keeps the groups and deals by age alone.

AWS: of a standard queue whose messages name groups, those of groups that have few messages in flight go before those of
a group that has many, which is then the one that waits.
"""

import heapq
import threading
import time
from collections import Counter, defaultdict, deque
from itertools import count

from ringline.webhooks.sending.queue import AnyMessage, DeliveryMessage


class FairQueue:
    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: defaultdict[str, deque[DeliveryMessage]] = defaultdict(deque)
        self._in_flight: Counter[str] = Counter()
        self._later: list[tuple[float, int, DeliveryMessage]] = []
        self._order = count()
        self._is_closed = False

    def send(self, message: AnyMessage) -> None:
        assert isinstance(message, DeliveryMessage), "nothing of the release before is here"
        with self._changed:
            self._waiting[message.delivery_id.endpoint_id].append(message)
            self._changed.notify()

    def send_later(self, message: AnyMessage, wait_ms: int) -> None:
        assert isinstance(message, DeliveryMessage), "nothing of the release before is here"
        with self._changed:
            heapq.heappush(self._later, (time.monotonic() + wait_ms / 1000, next(self._order), message))

    def take(self, most: int) -> list[DeliveryMessage]:
        """The next messages, in flight until they are `done`; none once the queue is closed."""
        with self._changed:
            while not self._is_closed:
                self._wake()
                taken = [message for _ in range(most) if (message := self._next()) is not None]
                if taken:
                    return taken
                self._changed.wait(0.05)
            return []

    def _next(self) -> DeliveryMessage | None:
        groups = [group for group, messages in self._waiting.items() if messages]
        if not groups:
            return None
        quietest = min(groups, key=lambda group: self._in_flight[group])
        self._in_flight[quietest] += 1
        return self._waiting[quietest].popleft()

    def done(self, message: DeliveryMessage) -> None:
        with self._changed:
            self._in_flight[message.delivery_id.endpoint_id] -= 1

    def close(self) -> None:
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def _wake(self) -> None:
        """What was sent for later and is due waits like all others."""
        while self._later and self._later[0][0] <= time.monotonic():
            message = heapq.heappop(self._later)[2]
            self._waiting[message.delivery_id.endpoint_id].append(message)
