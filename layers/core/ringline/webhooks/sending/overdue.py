"""Deliveries whose next try is due while no message is under way for them: after long waits, and where a message got
lost.

Accounts take turns, and within an account its endpoints: whose backlog is long waits longer, and nobody else does.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from ringline.runtime.clock import Clock, now_ms
from ringline.webhooks.model.delivery import Delivery
from ringline.webhooks.model.failing import FailingEndpoint, FailingKey
from ringline.webhooks.model.former import FormerDelivery
from ringline.webhooks.sending.queue import AnyMessage, DeliveryMessage, DeliveryQueue, FormerMessage

DUE_AGAIN_MS = 180_000
"""How long after being sent again a delivery is looked at again: after the queue's visibility time-out SQS itself has
repeated the message."""

MOST_AT_ONCE = 1000
"""Sent in one run, at most. The rest is still due a minute later."""

MOST_TO_AN_ENDPOINT = 500
"""Of these, to one endpoint: more in a minute than one that was away for long should be met with."""

LONGEST_RUN_MS = 12_000
"""The sweep has calls to mend, too, and ends of calls behind it."""


_MINUTE_MS = 60_000


class OverdueDeliveries(Protocol):
    def claim_overdue(self, pk: str, sk: str, due_at: int, due_again_at: int) -> Delivery | FormerDelivery | None: ...


class EventCounts(Protocol):
    def look(self, pk: str, due_at: int) -> bool:
        """Sees to a count of events; False for an entry that is none."""


class FailingLists(Protocol):
    def all(self) -> list[FailingEndpoint]: ...

    def due(self, endpoint: FailingEndpoint, now: int, limit: int) -> list[FailingKey]: ...

    def clear_if_empty(self, endpoint: FailingEndpoint, now: int) -> None: ...


class DueKey(Protocol):
    """An entry of DueIndex."""

    @property
    def pk(self) -> str: ...

    @property
    def sk(self) -> str: ...

    @property
    def due_at(self) -> int: ...


class Overdue:
    def __init__(
        self,
        deliveries: OverdueDeliveries,
        failing: FailingLists,
        queue: DeliveryQueue,
        counts: EventCounts,
        clock: Clock = now_ms,
    ) -> None:
        self._deliveries = deliveries
        self._failing = failing
        self._counts = counts
        self._queue = queue
        self._clock = clock

    def resend(self, keys: Sequence[DueKey] = ()) -> int:
        """Sends what is overdue to the queue and says how many there were. `keys` are of rows that the release before
        wrote, which stand among the calls in DueIndex: they have their turn like an account.

        Each is claimed first, so two sweeps at once do not both send it. A count of events that is due among them is
        looked at.
        """
        until = self._clock() + LONGEST_RUN_MS
        accounts = self._accounts(until)
        sent = 0
        for key in in_turns([iter(keys), *accounts]):
            if sent == MOST_AT_ONCE or self._clock() > until:
                break
            if self._counts.look(key.pk, key.due_at):
                continue
            delivery = self._deliveries.claim_overdue(key.pk, key.sk, key.due_at, self._clock() + DUE_AGAIN_MS)
            if delivery is not None:
                self._queue.send(_message_of(delivery))
                sent += 1
        return sent

    def _accounts(self, until: int) -> list[Iterator[DueKey]]:
        """What is due of each account, its endpoints taking turns."""
        of_account: dict[str, list[Iterator[DueKey]]] = {}
        for endpoint in self._failing.all():
            of_account.setdefault(endpoint.account_id, []).append(self._of_endpoint(endpoint, until))
        accounts = [in_turns(endpoints) for endpoints in of_account.values()]
        # Who comes first changes with the minute: a run whose time is up does not always leave out the same ones.
        first = self._clock() // _MINUTE_MS % len(accounts) if accounts else 0
        return accounts[first:] + accounts[:first]

    def _of_endpoint(self, endpoint: FailingEndpoint, until: int) -> Iterator[DueKey]:
        """Its list is read when its first turn comes."""
        if self._clock() > until:
            return
        due = self._failing.due(endpoint, self._clock(), MOST_TO_AN_ENDPOINT)
        if not due:
            self._failing.clear_if_empty(endpoint, self._clock())
        yield from due


def in_turns[Key](lists: Iterable[Iterator[Key]]) -> Iterator[Key]:
    """One of each, and again one of each, until all are empty."""
    waiting = deque(lists)
    while waiting:
        first = waiting.popleft()
        for key in first:
            yield key
            waiting.append(first)
            break


def _message_of(delivery: Delivery | FormerDelivery) -> AnyMessage:
    if isinstance(delivery, Delivery):
        return DeliveryMessage(delivery.id)
    # What it was numbered by then is not asked for: its event gets a number of today's.
    return FormerMessage(delivery.id, sequence=0)
