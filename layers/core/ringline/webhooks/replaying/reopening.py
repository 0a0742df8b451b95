"""A delivery is opened again: tried at once, and by the whole schedule from its beginning if that fails, with the same
the same bytes."""

from copy import replace
from typing import Protocol

from ringline.runtime.clock import Clock
from ringline.webhooks.model.delivery import Delivery, DeliveryStatus, untried, without_answers
from ringline.webhooks.model.endpoint import Endpoint
from ringline.webhooks.model.event import Event
from ringline.webhooks.model.schedule import LOST_MESSAGE_MS


class DeliveryRows(Protocol):
    def reopen(self, before: Delivery | None, opened: Delivery, now: int) -> bool: ...


class Reopen:
    def __init__(self, deliveries: DeliveryRows, clock: Clock) -> None:
        self._deliveries = deliveries
        self._clock = clock

    def run(self, endpoint: Endpoint, event: Event, known: Delivery | None, by: str) -> Delivery | None:
        """The delivery as it is tried from now on. None if somebody has tried or opened it since it was read: then it
        is on its way. `by` says who asked for it."""
        now = self._clock()
        before = known or untried(event, endpoint.endpoint_id, endpoint.name_of(event.event_type))
        before = without_answers(before) if event.is_erased else before
        opened = replace(
            before,
            status=DeliveryStatus.FAILING,
            tries_before=before.attempt_count,
            reopened_at=now,
            reopened_by=by,
            next_attempt_at=now,
            due_at=now + LOST_MESSAGE_MS,
        )
        return opened if self._deliveries.reopen(known, opened, now) else None
