"""Tells one customer's server about one event of a call, or plans the next try (SQS, partial failures)."""

from typing import Any

from ringline.composition.deliver_webhook import Settings, compose
from ringline.runtime.clock import now_ms
from ringline.runtime.logging import make_logger
from ringline.runtime.settings import read
from ringline.webhooks.sending.deliver import Outcome
from ringline.webhooks.sending.queue import DeliveryMessage, message_in

logger = make_logger("deliver_webhook")
deliver = compose(read(Settings), clock=now_ms)


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
