"""How writes go to the table: all of a transaction or nothing, after others that are under way."""

import random
import time
from collections.abc import Callable, Sequence
from typing import Any

from botocore.exceptions import ClientError

from ringline.calls.tables.writes.results import Committed, TableContended
from ringline.runtime.items import condition_failed, met_a_transaction, refusal_reasons

CONFLICT_TRIES = 8
"""How often something is written that meets others, each time at the same items."""

_CONFLICT_WAIT_S = 0.02
_PASSING = {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}


class Transactions:
    def __init__(self, dynamodb: Any, pause: Callable[[float], None] = time.sleep) -> None:
        self._db = dynamodb
        self._pause = pause

    def run(self, writes: Sequence[dict[str, Any]], *, once: bool = False) -> list[dict[str, Any]] | None:
        """Runs a transaction; None when it went through, or why each part was refused. Raises TableContended where
        others kept it from being written: `once` at the first who do, for those who had better read again first."""
        for attempt in range(1 if once else CONFLICT_TRIES):
            try:
                self._db.transact_write_items(TransactItems=list(writes))
                return None
            except ClientError as error:
                reasons = refusal_reasons(error)
                if reasons is None:
                    raise
                if any(was_refused(reason) for reason in reasons):
                    return reasons
                if not _PASSING & {reason.get("Code") for reason in reasons}:
                    raise
            if not once:
                self._let_pass(attempt)
        raise TableContended

    def put_alone(self, put: dict[str, Any]) -> Committed:
        """One put that changes nothing else: DONE, or STALE where its condition did not hold. Raises TableContended."""
        for attempt in range(CONFLICT_TRIES):
            try:
                self._db.put_item(**put)
                return Committed.DONE
            except ClientError as error:
                if condition_failed(error):
                    return Committed.STALE
                if not met_a_transaction(error):
                    raise
            self._let_pass(attempt)
        raise TableContended

    def _let_pass(self, attempt: int) -> None:
        self._pause(lets_others_pass_s(attempt))


def lets_others_pass_s(attempt: int, chance: random.Random | None = None) -> float:
    """How long to wait after the conflict of that number, from 0 on. Calls of one account meet at its gate; a full
    jitter lets them pass one by one."""
    return (chance or random).uniform(0, _CONFLICT_WAIT_S * 2**attempt)


def was_refused(reason: dict[str, Any]) -> bool:
    """Whether a part of a transaction was refused for its own condition."""
    return reason.get("Code") == "ConditionalCheckFailed"
