"""The table of a deployment that is busy, as the sweep asks for it. A call's row is made when it is read: a hundred
thousand of them would take a gigabyte. Each request takes as long as one to DynamoDB, and is counted."""

import math
import time
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ringline.runtime.items import Item, to_item
from ringline.runtime.table import GATE_SK, SWEEP_PK, WAITING_PK

REQUEST_S = 0.005
_PAGE = 8_000
"""Keys of the index in 1 MB, which is a query's most."""
_KEY_BYTES, _UNIT_BYTES = 125, 4096

type Place = tuple[int, str, str]
"""Of a key in the due index: its moment, its partition and its sort key."""


class BusyTable:
    """`due` are the keys of each list, `waiting` the accounts of each list of waiting marks, `row_of` makes a call's
    row from partition and sort key; accounts `with_free_line` have lines to spare, others none."""

    def __init__(
        self,
        due: Mapping[str, list[Place]],
        waiting: Mapping[str, list[str]],
        row_of: Callable[[str, str], Item],
        with_free_line: frozenset[str],
        now: int,
    ) -> None:
        self._due = {name: sorted(places) for name, places in due.items()}
        self._waiting = {name: sorted(accounts) for name, accounts in waiting.items()}
        self._row_of = row_of
        self._free = with_free_line
        self._now = now
        self._rows: dict[tuple[str, str], Item] = {}
        self.read_units = 0.0
        self.requests = 0
        self.ended_at: dict[str, float] = {}
        """When each call was written as over, by the clock of this process."""
        self.kept: dict[tuple[str, str], Item] = {}

    def query(self, *, ExpressionAttributeValues: Item, Limit: int = 1 << 30, **asked: Any) -> dict[str, Any]:
        self._takes_time()
        values = ExpressionAttributeValues
        if "IndexName" in asked:
            return self._of_index(values, min(Limit, _PAGE), asked.get("ExclusiveStartKey"))
        pk = values[":pk"]["S"]
        if pk.startswith(WAITING_PK):
            return self._marks(pk, values)
        # A place in an account's queue: one waits everywhere.
        self.read_units += 1 if asked.get("ConsistentRead") else 0.5
        return {"Items": [to_item({"pk": pk, "sk": f"{self._now - 60_000:015d}#call_waits"})]}

    def get_item(self, *, Key: Item, ConsistentRead: bool = False, **_: Any) -> dict[str, Any]:
        self._takes_time()
        pk, sk = Key["pk"]["S"], Key["sk"]["S"]
        self.read_units += 1 if ConsistentRead else 0.5
        if (pk, sk) in self.kept:
            return {"Item": self.kept[pk, sk]}
        if pk == SWEEP_PK:
            return {}
        if sk == GATE_SK:
            in_use = 9 if pk.split("#")[1] in self._free else 10
            return {"Item": to_item({"pk": pk, "sk": sk, "in_use": in_use, "cap": 10})}
        return {"Item": self._call(pk, sk)}

    def batch_get_item(self, *, RequestItems: dict[str, Any]) -> dict[str, Any]:
        self._takes_time()
        ((table, asked),) = RequestItems.items()
        self.read_units += len(asked["Keys"])
        return {"Responses": {table: [self._call(key["pk"]["S"], key["sk"]["S"]) for key in asked["Keys"]]}}

    def put_item(self, *, Item: Item, **_: Any) -> dict[str, Any]:
        self._takes_time()
        self._keep(Item)
        return {}

    def delete_item(self, *, Key: Item, **_: Any) -> dict[str, Any]:
        self._takes_time()
        self.kept.pop((Key["pk"]["S"], Key["sk"]["S"]), None)
        return {}

    def transact_write_items(self, *, TransactItems: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
        self._takes_time()
        for write in TransactItems:
            if "Put" in write:
                self._keep(write["Put"]["Item"])
        return {}

    def _keep(self, item: Item) -> None:
        pk, sk = item["pk"]["S"], item["sk"]["S"]
        if pk.endswith("#CALLS"):
            self._rows[pk, sk] = item
            if "ended_at" in item:
                self.ended_at.setdefault(f"{pk} {sk}", time.monotonic())
        else:
            self.kept[pk, sk] = item

    def _call(self, pk: str, sk: str) -> Item:
        return self._rows.get((pk, sk)) or self._row_of(pk, sk)

    def _of_index(self, values: Item, limit: int, after: Item | None) -> dict[str, Any]:
        places = self._due.get(values[":shard"]["S"], [])
        first = int(values[":first"]["N"]) if ":first" in values else 0
        last = next((int(values[name]["N"]) for name in (":now", ":last") if name in values), 1 << 60)
        start, end = bisect_left(places, (first, "", "")), bisect_left(places, (last + 1, "", ""))
        if after is not None:
            start = bisect_right(places, (int(after["due_at"]["N"]), after["pk"]["S"], after["sk"]["S"]))
        page = places[start : min(end, start + limit)]
        self._reads_keys(len(page))
        items = [{"pk": {"S": pk}, "sk": {"S": sk}, "due_at": {"N": str(at)}} for at, pk, sk in page]
        is_cut = items and start + len(page) < end
        return {"Items": items} | ({"LastEvaluatedKey": items[-1]} if is_cut else {})

    def _marks(self, pk: str, values: Item) -> dict[str, Any]:
        accounts = self._waiting.get(pk, [])
        if ":first" in values:
            accounts = [each for each in accounts if values[":first"]["S"] <= each <= values[":last"]["S"]]
        self._reads_keys(len(accounts))
        marked_at = {"N": str(self._now)}
        return {"Items": [{"pk": {"S": pk}, "sk": {"S": each}, "marked_at": marked_at} for each in accounts]}

    def _reads_keys(self, count: int) -> None:
        self.read_units += max(1, math.ceil(count * _KEY_BYTES / _UNIT_BYTES)) / 2

    def _takes_time(self) -> None:
        self.requests += 1
        time.sleep(REQUEST_S)


def by_list[T](items: Iterable[tuple[str, T]]) -> dict[str, list[T]]:
    lists: dict[str, list[T]] = defaultdict(list)
    for name, item in items:
        lists[name].append(item)
    return lists
