"""Caps that are set on an agent, a pipe or a number (items: `writes/counting.py`).

A cap that is set or taken off moves the version of the account's gate on, in one transaction with the counter. A claim
that was decided on before is refused then, and asked anew: so every call that is claimed after a cap was set counts,
and none before it.

    set      counter: max_calls, calls_per_day       gate: caps_version +1
    claim    counter: in_use +1 if it has room       gate: in_use +1 if caps_version is as it was read
"""

import time
from collections.abc import Callable, Iterable
from typing import Any

from ringline.calls.capacity.counters import NO_COUNTER, Counter, Kind, counter_name, day_of
from ringline.calls.tables.writes.companions import gate_key
from ringline.calls.tables.writes.counting import counter_key, day_attribute
from ringline.calls.tables.writes.transactions import Transactions
from ringline.runtime.clock import Clock, now_ms
from ringline.runtime.items import Item, from_item, to_item

# Named condition.
ACCOUNT_IS_THERE = "attribute_exists(pk)"

_READ_AT_ONCE = 100


class Counters:
    def __init__(
        self, dynamodb: Any, table_name: str, clock: Clock = now_ms, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._db = dynamodb
        self._table = table_name
        self._clock = clock
        self._transactions = Transactions(dynamodb, pause)

    def look(self, account_id: str, name: str) -> Counter:
        """The counter of this name as it is now."""
        answer = self._db.get_item(TableName=self._table, Key=counter_key(account_id, name), ConsistentRead=True)
        return self._counter(answer.get("Item"))

    def look_at(self, account_id: str, names: Iterable[str]) -> dict[str, Counter]:
        """Several counters as they are now."""
        asked = list(dict.fromkeys(names))
        found: dict[str, Counter] = {}
        for place in range(0, len(asked), _READ_AT_ONCE):
            wanted = [counter_key(account_id, name) for name in asked[place : place + _READ_AT_ONCE]]
            while wanted:
                answer = self._db.batch_get_item(RequestItems={self._table: {"Keys": wanted, "ConsistentRead": True}})
                found |= {from_item(item)["sk"]: self._counter(item) for item in answer["Responses"][self._table]}
                wanted = answer.get("UnprocessedKeys", {}).get(self._table, {}).get("Keys", [])
        return {name: found.get(name, NO_COUNTER) for name in asked}

    def set_cap(
        self, account_id: str, kind: Kind, of: str, max_calls: int | None, calls_per_day: int | None = None
    ) -> None:
        """How many calls at once the thing may have from now on, and for a number how many dials a day; None for as
        many as want to. A lower cap drains; calls that wait may go now that could not before, so whoever sets it rings
        the doorbell. Raises TableContended, and LookupError for an account that is not there."""
        name = counter_name(kind, of)
        before = self.look(account_id, name)
        if (before.max_calls, before.calls_per_day) == (max_calls, calls_per_day):
            return
        given = {"max_calls": max_calls, "calls_per_day": calls_per_day}
        sets = {each: value for each, value in given.items() if value is not None}
        removed = [each for each in given if each not in sets]
        changes = [f"SET {', '.join(f'{each} = :{each}' for each in sets)}"] if sets else []
        changes += [f"REMOVE {', '.join(removed)}"] if removed else []
        counter: dict[str, Any] = {
            "TableName": self._table,
            "Key": counter_key(account_id, name),
            "UpdateExpression": " ".join(changes),
        }
        if sets:
            counter["ExpressionAttributeValues"] = to_item({f":{each}": value for each, value in sets.items()})
        gate = {
            "TableName": self._table,
            "Key": gate_key(account_id),
            "UpdateExpression": "ADD caps_version :one",
            "ConditionExpression": ACCOUNT_IS_THERE,
            "ExpressionAttributeValues": to_item({":one": 1}),
        }
        if self._transactions.run([{"Update": counter}, {"Update": gate}]) is not None:
            raise LookupError(account_id)

    def _counter(self, item: Item | None) -> Counter:
        if item is None:
            return NO_COUNTER
        kept = from_item(item)
        return Counter(
            in_use=kept.get("in_use", 0),
            max_calls=kept.get("max_calls"),
            calls_per_day=kept.get("calls_per_day"),
            today=kept.get(day_attribute(day_of(self._clock())), 0),
            rests_until=kept.get("rests_until", 0),
            rests_for=kept.get("rests_for"),
        )
