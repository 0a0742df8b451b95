"""Deliveries whose next try is due while no message is under way for them: after long waits, and where a message got
lost."""

from collections.abc import Iterable
from itertools import islice
from typing import Protocol

from ringline.runtime.clock import Clock, now_ms
from ringline.webhooks.model.delivery import Delivery
from ringline.webhooks.sending.queue import DeliveryMessage, DeliveryQueue

DUE_AGAIN_MS = 180_000
"""How long after being sent again a delivery is looked at again: after the queue's visibility time-out SQS itself has
repeated the message."""

MOST_AT_ONCE = 500
"""Sent in one run, some seconds' work: the sweep has calls to mend, too. The rest is still due a minute later."""


class OverdueDeliveries(Protocol):
    def claim_overdue(self, pk: str, sk: str, due_at: int, due_again_at: int) -> Delivery | None: ...


class DueKey(Protocol):
    """An entry of DueIndex."""

    @property
    def pk(self) -> str: ...

    @property
    def sk(self) -> str: ...

    @property
    def due_at(self) -> int: ...


class Overdue:
    def __init__(self, deliveries: OverdueDeliveries, queue: DeliveryQueue, clock: Clock = now_ms) -> None:
        self._deliveries = deliveries
        self._queue = queue
        self._clock = clock

    def resend(self, keys: Iterable[DueKey]) -> int:
        """Sends the deliveries of these DueIndex entries to the queue and says how many there were.

        Each is claimed first, so two sweeps at once do not both send it.
        """
        sent = 0
        for key in islice(keys, MOST_AT_ONCE):
            delivery = self._deliveries.claim_overdue(key.pk, key.sk, key.due_at, self._clock() + DUE_AGAIN_MS)
            if delivery is not None:
                self._queue.send(DeliveryMessage(delivery.id, delivery.sequence))
                sent += 1
        return sent
