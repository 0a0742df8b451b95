"""Calls to look at again soon: an SQS message that names one, heard by the sweep's function."""

import json
from collections.abc import Callable
from typing import Any

LONGEST_WAIT_S = 900
"""What SQS holds a message back for at most. A look that comes early finds the call fine."""


class SqsLookQueue:
    def __init__(self, sqs: Callable[[], Any], queue_url: str) -> None:
        self._sqs = sqs
        self._queue_url = queue_url

    def look_again(self, account_id: str, call_id: str, after_s: int) -> None:
        body = json.dumps({"account_id": account_id, "call_id": call_id})
        self._sqs().send_message(QueueUrl=self._queue_url, MessageBody=body, DelaySeconds=min(after_s, LONGEST_WAIT_S))


def call_to_look_at(body: str) -> tuple[str, str] | None:
    """Account and call of a message; None for one that is none of ours, which is dropped."""
    try:
        message = json.loads(body)
        account_id, call_id = message["account_id"], message["call_id"]
    except (ValueError, KeyError, TypeError):
        return None
    return (account_id, call_id) if isinstance(account_id, str) and isinstance(call_id, str) else None
