"""Turns at adding to a list: so that the most a list may have holds however many add to it at once.

Whoever adds reads the list's turn, then the list, and writes what is added together with the next turn. Of several who
read the same turn one is written, and the others look again. What is taken off a list needs no turn.
"""

import random
import time
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from ringline.runtime.items import from_item, refusal_reasons, to_item
from ringline.runtime.table import LIST_PREFIX, account_pk

_TRIES = 60
"""Each lost turn means that somebody else has added something: so many in a row are more than any list may have at
once, but for a few that a transaction of another request met."""

_LONGEST_WAIT_S = 0.05

_IS_NEXT = "turn = :read"
_IS_FIRST = "attribute_not_exists(turn)"


class ListContended(Exception):
    """Too many others add to the list at this moment."""


class ListTurns:
    def __init__(self, dynamodb: Any, table_name: str, name: str, *, pause: Callable[[], None] | None = None) -> None:
        self._dynamodb = dynamodb
        self._pause = pause or _a_moment
        self._table_name = table_name
        self._name = name

    def add[Made](self, account_id: str, make: Callable[[], tuple[Made, list[dict[str, Any]]]]) -> Made | None:
        """What `make` made, with its writes and the list's next turn in one transaction. `make` reads the list and
        refuses what is too much; it is asked again where somebody else added something meanwhile. None where a
        condition of its own writes does not hold. Raises what `make` raises, and ListContended while too many add."""
        for _ in range(_TRIES):
            read = self._turn(account_id)
            made, writes = make()
            try:
                self._dynamodb.transact_write_items(TransactItems=[self._next(account_id, read), *writes])
            except ClientError as error:
                reasons = refusal_reasons(error)
                if reasons is None:
                    raise
                if any(reason.get("Code") == "ConditionalCheckFailed" for reason in reasons[1:]):
                    return None
                self._pause()
            else:
                return made
        raise ListContended

    def _turn(self, account_id: str) -> int:
        answer = self._dynamodb.get_item(TableName=self._table_name, Key=self._key(account_id), ConsistentRead=True)
        return int(from_item(answer["Item"])["turn"]) if "Item" in answer else 0

    def _next(self, account_id: str, read: int) -> dict[str, Any]:
        values = {":one": 1} | ({":read": read} if read else {})
        return {
            "Update": {
                "TableName": self._table_name,
                "Key": self._key(account_id),
                "UpdateExpression": "ADD turn :one",
                "ConditionExpression": _IS_NEXT if read else _IS_FIRST,
                "ExpressionAttributeValues": to_item(values),
            }
        }

    def _key(self, account_id: str) -> Any:
        return to_item({"pk": account_pk(account_id), "sk": LIST_PREFIX + self._name})


def _a_moment() -> None:
    time.sleep(random.uniform(0, _LONGEST_WAIT_S))  # noqa: S311 - so that two do not meet again
