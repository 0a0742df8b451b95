"""Turns of those who append many events of one account at once: pk A#<account>#EVENT_COUNT, sk TURN.

A transaction that loses its place is billed as if it were written, two hundred units where it is full. Whoever is about
to write a large one waits for its turn first, which costs one unit to take, one to give back, and one for each look.

    A takes the turn ... B looks: taken ... A appends ... A gives it back ... B takes it

Nobody's events depend on it: the numbers are kept apart by the conditions of what is appended. Who dies with the turn
holds up others until it lapses, and who has waited for long goes ahead without.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError

from ringline.runtime.clock import MS_PER_S, Clock
from ringline.runtime.ids import new_id
from ringline.runtime.items import condition_failed, to_item
from ringline.runtime.table import EVENT_TURN_SK, event_count_pk

LASTS_MS = 5000
"""Longer than the appends of one batch of the stream take."""

_LOOKS = 60
_SHORTEST_WAIT_S, _LONGEST_WAIT_S = 0.02, 0.1
_KEPT_S = 86_400

_IS_FREE = "attribute_not_exists(pk) OR lapses_at <= :now"
_IS_MINE = "holder = :me"


class EventTurns:
    def __init__(self, dynamodb: Any, table_name: str, clock: Clock, pause: Callable[[float], None]) -> None:
        self._dynamodb = dynamodb
        self._table_name = table_name
        self._clock = clock
        self._pause = pause

    @contextmanager
    def taken(self, account_id: str) -> Iterator[None]:
        """The turn of the account's log, or at least a wait for it, while the block lasts."""
        me = new_id("turn")
        for _ in range(_LOOKS):
            if self._take(account_id, me):
                break
            self._pause(random.uniform(_SHORTEST_WAIT_S, _LONGEST_WAIT_S))  # noqa: S311 - spreads, does not protect
        try:
            yield
        finally:
            self._change(account_id, "SET lapses_at = :none", _IS_MINE, {":none": 0, ":me": me})

    def _take(self, account_id: str, me: str) -> bool:
        now = self._clock()
        values = {":now": now, ":until": now + LASTS_MS, ":me": me, ":ttl": now // MS_PER_S + _KEPT_S}
        return self._change(account_id, "SET lapses_at = :until, holder = :me, ttl_at_s = :ttl", _IS_FREE, values)

    def _change(self, account_id: str, change: str, condition: str, values: dict[str, Any]) -> bool:
        try:
            self._dynamodb.update_item(
                TableName=self._table_name,
                Key=to_item({"pk": event_count_pk(account_id), "sk": EVENT_TURN_SK}),
                UpdateExpression=change,
                ConditionExpression=condition,
                ExpressionAttributeValues=to_item(values),
            )
        except ClientError as error:
            if not condition_failed(error):
                raise
            return False
        return True
