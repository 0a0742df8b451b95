"""The doorbell: an SQS message that names an account, nothing else. The table is the truth."""

import json
from collections.abc import Callable
from typing import Any

LONGEST_RING_S = 900
"""SQS delays no message longer."""


class SqsDoorbell:
    def __init__(self, sqs: Callable[[], Any], queue_url: str) -> None:
        self._sqs = sqs
        self._queue_url = queue_url

    def ring(self, account_id: str, after_s: int = 0) -> None:
        # The group makes SQS deal fairly between accounts: ten thousand doorbells of one do not stand before
        # another's first.
        self._sqs().send_message(
            QueueUrl=self._queue_url,
            MessageBody=json.dumps({"account_id": account_id}),
            MessageGroupId=account_id,
            DelaySeconds=min(after_s, LONGEST_RING_S),
        )


def account_rung_for(body: str) -> str | None:
    """The account a doorbell names; None for a message that is no doorbell, which is dropped: it can never become
    one."""
    try:
        message = json.loads(body)
    except ValueError:
        return None
    account_id = message.get("account_id") if isinstance(message, dict) else None
    return account_id if isinstance(account_id, str) and account_id else None
