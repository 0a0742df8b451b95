"""An event of a call becomes one message for each endpoint that wants it."""

from typing import Protocol

from ringline.webhooks.model.delivery import DeliveryId
from ringline.webhooks.model.endpoint import Endpoint
from ringline.webhooks.model.event_type import EventType
from ringline.webhooks.sending.queue import DeliveryMessage, DeliveryQueue


class Endpoints(Protocol):
    def endpoints(self, account_id: str) -> list[Endpoint]: ...


class Announcer:
    """Make one for each invocation: it reads an account's endpoints once and would not see one that is made later."""

    def __init__(self, endpoints: Endpoints, queue: DeliveryQueue) -> None:
        self._endpoints = endpoints
        self._queue = queue
        self._read: dict[str, list[Endpoint]] = {}

    def announce(self, account_id: str, call_id: str, event_type: EventType, sequence: int, occurrence: int = 1) -> int:
        """How many endpoints will be told. Announcing again is harmless: it names the same deliveries."""
        if account_id not in self._read:
            self._read[account_id] = self._endpoints.endpoints(account_id)
        wanting = [endpoint for endpoint in self._read[account_id] if endpoint.wants(event_type)]
        for endpoint in wanting:
            delivery_id = DeliveryId(
                account_id=account_id,
                call_id=call_id,
                endpoint_id=endpoint.endpoint_id,
                event_type=event_type,
                occurrence=occurrence,
            )
            self._queue.send(DeliveryMessage(delivery_id, sequence))
        return len(wanting)
