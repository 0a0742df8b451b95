"""A table in this process, with the requests and conditions that webhooks make: what is left of a delivery when the
emulator is taken away. Conditions are those of the simulation's table, which refuses what it does not know."""

import re
import threading
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from ringline.runtime.items import Item
from simulation.aws.conditions import condition, updated
from simulation.aws.rows import Rows

_NAMES = re.compile(r"#\w+")
_ADDED = re.compile(r"SET (\w+) = \1 \+ (:\w+)")
_FAR = 1 << 30


class MemoryTable:
    """A client of DynamoDB's low-level requests. One request at a time, each whole."""

    def __init__(self) -> None:
        self._rows = Rows()
        self._one_at_a_time = threading.Lock()

    def get_item(self, *, Key: Item, **_: Any) -> dict[str, Any]:
        with self._one_at_a_time:
            item = self._rows.item(*_key(Key))
        return {} if item is None else {"Item": item}

    def batch_get_item(self, *, RequestItems: dict[str, Any]) -> dict[str, Any]:
        ((table, asked),) = RequestItems.items()
        with self._one_at_a_time:
            found = [self._rows.item(*_key(key)) for key in asked["Keys"]]
        return {"Responses": {table: [item for item in found if item is not None]}}

    def query(
        self, *, ExpressionAttributeValues: Item, ScanIndexForward: bool = True, Limit: int = _FAR, **_: Any
    ) -> dict[str, Any]:
        values = {name: next(iter(value.values())) for name, value in ExpressionAttributeValues.items()}
        with self._one_at_a_time:
            first = Limit if ScanIndexForward and ":prefix" not in values else _FAR
            items = self._rows.partition(values[":pk"], after_sk=values.get(":after"), limit=first)
        items = [item for item in items if item["sk"]["S"].startswith(values.get(":prefix", ""))]
        return {"Items": (items if ScanIndexForward else items[::-1])[:Limit]}

    def get_paginator(self, _operation: str) -> "MemoryTable":
        return self

    def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:
        yield self.query(**asked)

    def put_item(self, **asked: Any) -> dict[str, Any]:
        self._write_alone({"Put": asked})
        return {}

    def delete_item(self, **asked: Any) -> dict[str, Any]:
        self._write_alone({"Delete": asked})
        return {}

    def update_item(self, **asked: Any) -> dict[str, Any]:
        return {"Attributes": self._write_alone({"Update": asked})}

    def transact_write_items(self, *, TransactItems: list[dict[str, Any]]) -> dict[str, Any]:
        with self._one_at_a_time:
            changes = [self._change(write) for write in TransactItems]
            if not all(is_met for _, _, _, is_met in changes):
                codes = [{"Code": "None" if is_met else "ConditionalCheckFailed"} for _, _, _, is_met in changes]
                told = {"Error": {"Code": "TransactionCanceledException", "Message": ""}, "CancellationReasons": codes}
                raise ClientError(told, "TransactWriteItems")
            for key, before, after, _ in changes:
                self._rows.put(key, before, after)
        return {}

    def _write_alone(self, write: dict[str, Any]) -> Item | None:
        with self._one_at_a_time:
            key, before, after, is_met = self._change(write)
            if not is_met:
                told = {"Error": {"Code": "ConditionalCheckFailedException", "Message": ""}, "Item": before or {}}
                raise ClientError(told, next(iter(write)))
            self._rows.put(key, before, after)
        return after

    def _change(self, write: dict[str, Any]) -> tuple[tuple[str, str], Item | None, Item | None, bool]:
        """A write's key, its item before and after, and whether its condition is met."""
        ((verb, asked),) = write.items()
        names, values = asked.get("ExpressionAttributeNames", {}), asked.get("ExpressionAttributeValues", {})

        def named(expression: str) -> str:
            return _NAMES.sub(lambda name: names[name[0]], expression)

        key = _key(asked.get("Item") or asked["Key"])
        before = self._rows.item(*key)
        wanted = asked.get("ConditionExpression")
        is_met = wanted is None or condition(named(wanted))(before or {}, values)
        if verb == "Delete" or not is_met:
            return key, before, None, is_met
        if verb == "Put":
            return key, before, asked["Item"], True
        change = _ADDED.sub(r"ADD \1 \2", named(asked["UpdateExpression"]))
        return key, before, updated(before or asked["Key"], change, {}, values), True


def _key(item: Item) -> tuple[str, str]:
    return item["pk"]["S"], item["sk"]["S"]
