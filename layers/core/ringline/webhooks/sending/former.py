"""Goes on with what the release before events were rows has begun: its messages, and its deliveries that fail."""

from typing import Protocol

from ringline.runtime.clock import Clock
from ringline.webhooks.model.delivery import Delivery, DeliveryId, DeliveryStatus
from ringline.webhooks.model.event import Event, EventDraft
from ringline.webhooks.model.event_type import EventType
from ringline.webhooks.model.former import FormerDelivery, FormerId
from ringline.webhooks.sending.queue import DeliveryMessage, FormerMessage


class Events(Protocol):
    def append(self, draft: EventDraft) -> Event: ...


class FormerDeliveries(Protocol):
    def former(self, former_id: FormerId) -> FormerDelivery | None: ...

    def take_over(self, former: FormerDelivery, delivery: Delivery, now: int) -> None: ...

    def forget(self, former_id: FormerId) -> None: ...


class Drafts(Protocol):
    def draft(self, account_id: str, call_id: str, event_type: EventType, occurrence: int) -> EventDraft | None:
        """The event of a call as it is now; None if the call is not kept any more."""


class TakeOver:
    def __init__(self, deliveries: FormerDeliveries, events: Events, drafts: Drafts, clock: Clock) -> None:
        self._deliveries = deliveries
        self._events = events
        self._drafts = drafts
        self._clock = clock

    def run(self, message: FormerMessage) -> DeliveryMessage | None:
        """The message that goes on for it, once its event is written and its tries are kept under the new id; None
        where there is nothing to go on with: it is over, or its call is gone."""
        former_id = message.former_id
        tried = self._deliveries.former(former_id)
        if tried is not None and tried.status is not DeliveryStatus.FAILING:
            return None
        draft = self._drafts.draft(former_id.account_id, former_id.call_id, former_id.event_type, former_id.occurrence)
        if draft is None:
            self._deliveries.forget(former_id)
            return None
        event = self._events.append(draft)
        delivery_id = DeliveryId(
            account_id=former_id.account_id, endpoint_id=former_id.endpoint_id, sequence=event.sequence
        )
        if tried is not None:
            self._deliveries.take_over(tried, _under_new_id(tried, delivery_id, event), self._clock())
        return DeliveryMessage(delivery_id)


def _under_new_id(tried: FormerDelivery, delivery_id: DeliveryId, event: Event) -> Delivery:
    return Delivery(
        id=delivery_id,
        event_id=event.event_id,
        event_type=event.event_type,
        told_as=tried.id.told_as,
        status=tried.status,
        call_id=event.call_id,
        webhook_id=tried.id.webhook_id,
        attempts=tried.attempts,
        attempt_count=tried.attempt_count,
        next_attempt_at=tried.next_attempt_at,
        due_at=tried.due_at,
    )
