"""Tells one customer's server about one event, or plans the next try; makes the steps of replays (SQS, partial
failures)."""

from typing import Any

from ringline.composition.deliver_webhook import Settings, compose, compose_steps
from ringline.runtime.clock import now_ms
from ringline.runtime.logging import make_logger
from ringline.runtime.metrics import count
from ringline.runtime.settings import read
from ringline.webhooks.sending.deliver import Delivered, GaveUp, Outcome, WillRetry
from ringline.webhooks.sending.queue import DeliveryMessage, message_in, step_in

logger = make_logger("deliver_webhook")
deliver = compose(read(Settings), clock=now_ms)
replays = compose_steps(read(Settings), clock=now_ms)


def lambda_handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    failed: list[dict[str, str]] = []
    for record in event["Records"]:
        try:
            _take(record["body"])
        except Exception:
            # Ours, not the endpoint's: the message comes back, and ends in the dead-letter queue if that does not help.
            logger.exception("webhook delivery broke off", extra={"message_id": record["messageId"]})
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}


def _take(body: str) -> None:
    step = step_in(body)
    if step is not None:
        _log("webhook replay", step, replays.run(step))
        return
    message = message_in(body)
    names = message.delivery_id if isinstance(message, DeliveryMessage) else message.former_id
    outcome = deliver.run(message)
    _log("webhook delivery", names, outcome)
    _count(outcome)


def _log(what: str, names: Any, outcome: Any) -> None:
    logger.info(
        what,
        extra={
            **{name: getattr(names, name) for name in names.__slots__},
            "outcome": type(outcome).__name__,
            **{name: getattr(outcome, name) for name in outcome.__slots__},
        },
    )


def _count(outcome: Outcome) -> None:
    """A try is counted; a message that led to none is not."""
    match outcome:
        case Delivered(attempts=1):
            became = "first_try"
        case Delivered():
            became = "later_try"
        case WillRetry():
            became = "failed_try"
        case GaveUp():
            became = "gave_up"
        case _:
            return
    count("Webhooks", ("outcome", became))
