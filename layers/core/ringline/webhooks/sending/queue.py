"""The queue of deliveries. A message says which event goes where; what is in it is read when it is sent."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from ringline.runtime.clock import MS_PER_S
from ringline.runtime.sqs import LONGEST_DELAY_S
from ringline.webhooks.model.delivery import DeliveryId
from ringline.webhooks.model.event_type import EventType

LONGEST_DELAY_MS = LONGEST_DELAY_S * MS_PER_S


@dataclass(frozen=True, slots=True)
class DeliveryMessage:
    """`sequence` is the call's own count of its events."""

    delivery_id: DeliveryId
    sequence: int


class DeliveryQueue(Protocol):
    def send(self, message: DeliveryMessage) -> None: ...

    def send_later(self, message: DeliveryMessage, wait_ms: int) -> None:
        """Not before `wait_ms`, at most LONGEST_DELAY_MS."""


class SqsDeliveryQueue:
    def __init__(self, sqs: Callable[[], Any], queue_url: str) -> None:
        self._sqs = sqs
        self._queue_url = queue_url

    def send(self, message: DeliveryMessage) -> None:
        self._sqs().send_message(QueueUrl=self._queue_url, **_entry(message))

    def send_later(self, message: DeliveryMessage, wait_ms: int) -> None:
        delay_s = math.ceil(min(wait_ms, LONGEST_DELAY_MS) / MS_PER_S)
        self._sqs().send_message(QueueUrl=self._queue_url, DelaySeconds=delay_s, **_entry(message))


def _entry(message: DeliveryMessage) -> dict[str, str]:
    # The group makes SQS deal fairly between accounts: a flood of one account's deliveries does not hold up another's.
    return {"MessageBody": body_of(message), "MessageGroupId": message.delivery_id.account_id}


def body_of(message: DeliveryMessage) -> str:
    delivery_id = message.delivery_id
    return json.dumps(
        {
            "account_id": delivery_id.account_id,
            "call_id": delivery_id.call_id,
            "endpoint_id": delivery_id.endpoint_id,
            "type": delivery_id.event_type,
            "occurrence": delivery_id.occurrence,
            "sequence": message.sequence,
        }
    )


def message_in(body: str) -> DeliveryMessage:
    """The message of an SQS body. Raises ValueError for a body that is no message of ours."""
    try:
        fields = json.loads(body)
        delivery_id = DeliveryId(
            account_id=_text(fields["account_id"]),
            call_id=_text(fields["call_id"]),
            endpoint_id=_text(fields["endpoint_id"]),
            event_type=EventType(fields["type"]),
            occurrence=int(fields.get("occurrence", 1)),
        )
        return DeliveryMessage(delivery_id, int(fields["sequence"]))
    except (KeyError, TypeError) as error:
        raise ValueError("not a delivery message") from error


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError
    return value
