"""The doorbells of the queue, as one process hears many of them at once."""

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from ringline.calls.tables.queues import account_rung_for
from ringline.runtime.aws import LONG_POLL_S

HIDDEN_S = 60
"""For so long a doorbell is hidden from other dialers, from its receipt or the last time that it was kept: what a
killed dialer had heard is heard again after it, and not after the queue's own time, which a function's run sets."""

_A_REQUEST = 10
"""Messages that SQS takes or gives in one request."""


@dataclass(frozen=True, slots=True)
class Bell:
    """One doorbell that was heard. `account_id` is None where the message is none."""

    receipt: str
    account_id: str | None


class Bells(Protocol):
    """Where doorbells come from. Every method may raise what a client of AWS raises."""

    def hear(self) -> list[Bell]:
        """The next doorbells, as soon as there is one; none where nobody rang for LONG_POLL_S."""

    def keep(self, bells: Iterable[Bell]) -> None:
        """Hides them for another HIDDEN_S. One that was answered meanwhile is left alone."""

    def give_back(self, bells: Iterable[Bell]) -> None:
        """Lets another dialer hear them at once."""

    def answered(self, bell: Bell) -> None:
        """It is not heard again."""


class SqsBells:
    """Implements `Bells`. `sqs` waits for messages longer than other clients wait for an answer."""

    def __init__(self, sqs: Callable[[], Any], queue_url: str) -> None:
        self._sqs = sqs
        self._queue_url = queue_url

    def hear(self) -> list[Bell]:
        answer = self._sqs().receive_message(
            QueueUrl=self._queue_url,
            MaxNumberOfMessages=_A_REQUEST,
            WaitTimeSeconds=LONG_POLL_S,
            VisibilityTimeout=HIDDEN_S,
        )
        return [Bell(each["ReceiptHandle"], account_rung_for(each["Body"])) for each in answer.get("Messages", [])]

    def keep(self, bells: Iterable[Bell]) -> None:
        self._hide(bells, HIDDEN_S)

    def give_back(self, bells: Iterable[Bell]) -> None:
        self._hide(bells, 0)

    def answered(self, bell: Bell) -> None:
        self._sqs().delete_message(QueueUrl=self._queue_url, ReceiptHandle=bell.receipt)

    def _hide(self, bells: Iterable[Bell], seconds: int) -> None:
        for some in itertools.batched(bells, _A_REQUEST, strict=False):
            entries = [
                {"Id": str(place), "ReceiptHandle": bell.receipt, "VisibilityTimeout": seconds}
                for place, bell in enumerate(some)
            ]
            self._sqs().change_message_visibility_batch(QueueUrl=self._queue_url, Entries=entries)
