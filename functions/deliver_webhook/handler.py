"""Tells customers' servers of events, or plans the next tries; makes the steps of replays (SQS, partial failures)."""

from collections.abc import Callable
from typing import Any

from ringline.composition.deliver_webhook import Settings, compose
from ringline.runtime.clock import now_ms
from ringline.runtime.logging import make_logger
from ringline.runtime.metrics import count, count_failure
from ringline.runtime.settings import read
from ringline.webhooks.sending.deliver import Delivered, EventNotKept, GaveUp, Outcome, WillRetry
from ringline.webhooks.sending.together import Step, Took, Try

logger = make_logger("deliver_webhook")
together = compose(read(Settings), clock=now_ms)


def lambda_handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    failed: list[dict[str, str]] = []
    for record in event["Records"]:
        took = together.run(record["body"])
        for each in took:
            _tell(each, record["messageId"])
        if any(isinstance(each, Exception) for each in took):
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}


def _tell(took: Took, message_id: str) -> None:
    match took:
        case Exception():
            # Ours, not the endpoint's: the message comes back, and ends in the dead-letter queue if that does not help.
            logger.error("webhook delivery broke off", exc_info=took, extra={"message_id": message_id})
            count_failure(logger)
        case Step(names, outcome):
            _log(logger.info, "webhook replay", names, outcome)
        case Try(names, outcome):
            # Events are kept for too short a time, or the queue was behind for as long.
            level = logger.warning if isinstance(outcome, EventNotKept) else logger.info
            _log(level, "webhook delivery", names, outcome)
            _count(outcome)


def _log(level: Callable[..., None], what: str, names: Any, outcome: Any) -> None:
    level(
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
        case GaveUp() | EventNotKept():
            became = "gave_up"
        case _:
            return
    count("Webhooks", ("outcome", became))
