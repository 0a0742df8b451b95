"""Tells one customer's server about one event of a call, or plans the next try (SQS, partial failures)."""

import random
from typing import Any

from ringline.calls.views.payload import CallPayloads
from ringline.runtime.aws import dynamodb, sqs
from ringline.runtime.clock import now_ms
from ringline.runtime.logging import make_logger
from ringline.runtime.settings import flag, required, required_url
from ringline.webhooks.sending.client import WebhookClient
from ringline.webhooks.sending.deliver import Deliver, Outcome
from ringline.webhooks.sending.queue import DeliveryMessage, SqsDeliveryQueue, message_in
from ringline.webhooks.store import DeliveryStore, EndpointStore

TABLE_NAME = required("TABLE_NAME")

logger = make_logger("deliver_webhook")
deliver = Deliver(
    endpoints=EndpointStore(dynamodb(), TABLE_NAME),
    deliveries=DeliveryStore(dynamodb(), TABLE_NAME),
    payloads=CallPayloads(dynamodb(), TABLE_NAME),
    client=WebhookClient(allow_private=flag("ALLOW_PRIVATE_WEBHOOKS")),
    queue=SqsDeliveryQueue(sqs, required_url("DELIVERY_QUEUE_URL")),
    clock=now_ms,
    randomness=random.random,
)


def lambda_handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    failed: list[dict[str, str]] = []
    for record in event["Records"]:
        try:
            message = message_in(record["body"])
            _log(message, deliver.run(message))
        except Exception:
            # Ours, not the endpoint's: the message comes back, and ends in the dead-letter queue if that does not help.
            logger.exception("webhook delivery broke off", extra={"message_id": record["messageId"]})
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}


def _log(message: DeliveryMessage, outcome: Outcome) -> None:
    names = message.delivery_id
    logger.info(
        "webhook delivery",
        extra={
            "account_id": names.account_id,
            "call_id": names.call_id,
            "endpoint_id": names.endpoint_id,
            "event_type": names.event_type,
            "outcome": type(outcome).__name__,
            **{name: getattr(outcome, name) for name in outcome.__slots__},
        },
    )
