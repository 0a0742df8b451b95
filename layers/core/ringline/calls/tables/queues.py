"""The three queues of calls. The doorbell names an account whose next calls may be dialled; the look queue names a call
that somebody should look at again, a speech worker whose calls may have to go to another, or a share of the sweep's
work; the transfer queue names a transfer that somebody has to carry out. The table is the truth:
losing or doubling a message costs nothing."""

import json
from collections.abc import Callable
from typing import Any

from ringline.calls.model.ports import Share
from ringline.runtime.sqs import LONGEST_DELAY_S


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
            DelaySeconds=min(after_s, LONGEST_DELAY_S),
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


class SqsLookQueue:
    def __init__(self, sqs: Callable[[], Any], queue_url: str) -> None:
        self._sqs = sqs
        self._queue_url = queue_url

    def look_again(self, account_id: str, call_id: str, after_s: int) -> None:
        body = json.dumps({"account_id": account_id, "call_id": call_id})
        self._send(body, after_s)

    def look_for_calls_of(self, worker_id: str, after_s: int) -> None:
        """Has somebody look whether this speech worker is back, and at its calls if it is not."""
        self._send(json.dumps({"worker_id": worker_id}), after_s)

    def hand_out(self, share: Share) -> None:
        """Has somebody else work on a share of what the sweep found."""
        places = {"first": share.first, "last": share.last, "found_at": share.found_at}
        self._send(json.dumps({"list": share.list_key, **places}), 0)

    def _send(self, body: str, after_s: int) -> None:
        self._sqs().send_message(QueueUrl=self._queue_url, MessageBody=body, DelaySeconds=min(after_s, LONGEST_DELAY_S))


class SqsTransferQueue:
    def __init__(self, sqs: Callable[[], Any], queue_url: str) -> None:
        self._sqs = sqs
        self._queue_url = queue_url

    def carry_out(self, account_id: str, call_id: str, transfer_id: str) -> None:
        body = json.dumps({"account_id": account_id, "call_id": call_id, "transfer_id": transfer_id})
        self._sqs().send_message(QueueUrl=self._queue_url, MessageBody=body)


def transfer_to_carry_out(body: str) -> tuple[str, str, str] | None:
    """Account, call and transfer of a message; None for one that is none of ours, which is dropped."""
    try:
        message = json.loads(body)
        named = tuple(message[name] for name in ("account_id", "call_id", "transfer_id"))
    except (ValueError, KeyError, TypeError):
        return None
    account_id, call_id, transfer_id = named
    return (account_id, call_id, transfer_id) if all(isinstance(each, str) for each in named) else None


def call_to_look_at(body: str) -> tuple[str, str] | None:
    """Account and call of a message; None for one that is none of ours, which is dropped."""
    try:
        message = json.loads(body)
        account_id, call_id = message["account_id"], message["call_id"]
    except (ValueError, KeyError, TypeError):
        return None
    return (account_id, call_id) if isinstance(account_id, str) and isinstance(call_id, str) else None


def worker_to_look_for(body: str) -> str | None:
    """The speech worker that a message names; None for any other message."""
    try:
        worker_id = json.loads(body)["worker_id"]
    except (ValueError, KeyError, TypeError):
        return None
    return worker_id if isinstance(worker_id, str) and worker_id else None


def share_to_work_on(body: str) -> Share | None:
    """The share of a sweep's work that a message names; None for any other message."""
    try:
        message = json.loads(body)
        list_key, first, last = message["list"], message["first"], message["last"]
    except (ValueError, KeyError, TypeError):
        return None
    are_alike = (isinstance(first, str) and isinstance(last, str)) or (isinstance(first, int) and isinstance(last, int))
    found_at = message.get("found_at")
    if not isinstance(list_key, str) or not are_alike:
        return None
    return Share(list_key, first, last, found_at if isinstance(found_at, int) else None)
