"""Several calls' changes in one transaction: as if each had been committed by itself, one behind the other.

A transaction names each item once, so what several calls write to one same item becomes one write of it: they step it
together, and each must find room behind those before it. DynamoDB does not calculate in conditions. So the item is read
first, and with a limit that was read as L and k calls the condition is

    limit >= L AND count <= L - k        whatever both are by now: the call in place i finds count + i < L <= limit

which never lets in too many. It may refuse what would just fit, where the item was changed since; then fewer are tried.
Where k calls give back what they held, each must find it there behind those before it: the count is k above its floor.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ringline.calls.tables.writes.counting import Bound, Companion
from ringline.calls.tables.writes.transactions import Transactions, was_refused
from ringline.record import Record
from ringline.runtime.items import Item, from_item, to_item

MOST_WRITES = 100
"""Items that DynamoDB changes in one transaction."""

type Key = tuple[str, str]
type Rows = Mapping[Key, Mapping[str, Any]]
"""Items as they were read, by their keys; one that is not there has no attributes."""


class Writes(Record):
    """What one call's change writes: its `own` row and all that changes with it."""

    own: dict[str, Any]
    companions: Sequence[Companion]


class Together:
    def __init__(self, dynamodb: Any, table_name: str, transactions: Transactions) -> None:
        self._db = dynamodb
        self._table = table_name
        self._transactions = transactions

    def write(self, changes: Sequence[Writes], *, once: bool = False) -> int:
        """Writes the first so many of the changes in one transaction, two of them at least, and returns how many; 0
        where nothing was written, and the first is to be written by itself to learn why. Raises TableContended, `once`
        at the first who are met."""
        rows = self._read(_stepped_together(changes))
        several = _fitting(changes, rows)
        while several > 1:
            writes, members = _merged(changes[:several], rows)
            refusals = self._transactions.run(writes, once=once)
            if refusals is None:
                return several
            several = _fewer(several, members, refusals)
        return 0

    def _read(self, keys: Sequence[Key]) -> Rows:
        found: dict[Key, Mapping[str, Any]] = {}
        wanted = [to_item({"pk": pk, "sk": sk}) for pk, sk in keys]
        while wanted:
            answer = self._db.batch_get_item(RequestItems={self._table: {"Keys": wanted, "ConsistentRead": True}})
            for item in map(from_item, answer["Responses"].get(self._table, [])):
                found[item["pk"], item["sk"]] = item
            wanted = answer.get("UnprocessedKeys", {}).get(self._table, {}).get("Keys", [])
        return found


def _stepped_together(changes: Sequence[Writes]) -> list[Key]:
    """The items that more than one change writes to, where what is there says how many find room."""
    seen: set[Key] = set()
    again: dict[Key, None] = {}
    for change in changes:
        for companion in change.companions:
            if companion.stepping is None or not companion.stepping.bounds:
                continue
            key = _key_of(companion.write)
            if key in seen:
                again[key] = None
            seen.add(key)
    return list(again)


def _fitting(changes: Sequence[Writes], rows: Rows) -> int:
    """How many of the changes, from the first on, go into one transaction and find room by what was read."""
    stepped: dict[Key, list[Companion]] = {}
    calls: set[Key] = set()
    writes = 0
    for place, change in enumerate(changes):
        if (own := _key_of(change.own)) in calls:
            # By itself the second change of one call is refused: the first has written it.
            return place
        calls.add(own)
        writes += 1
        for companion in change.companions:
            key = _key_of(companion.write)
            before = stepped.setdefault(key, [])
            writes += not before
            before.append(companion)
            if len(before) > 1 and not (_are_alike(before[0], companion) and _have_room(before, rows.get(key, {}))):
                return place
        if writes > MOST_WRITES:
            return place
    return len(changes)


def _are_alike(one: Companion, other: Companion) -> bool:
    """Whether both step one same item in the same way, so that one write stands for both."""
    if one.stepping is None or one.stepping != other.stepping:
        return False
    own = {*one.stepping.adds, *one.stepping.last}
    return _without(one, own) == _without(other, own)


def _without(companion: Companion, own: set[str]) -> dict[str, Any]:
    update: dict[str, Any] = companion.write["Update"]
    values = update["ExpressionAttributeValues"]
    return update | {"ExpressionAttributeValues": {name: values[name] for name in values if name not in own}}


def _have_room(companions: Sequence[Companion], row: Mapping[str, Any]) -> bool:
    stepping = companions[0].stepping
    assert stepping is not None
    names = companions[0].write["Update"].get("ExpressionAttributeNames", {})
    for bound in stepping.bounds:
        limit = _limit(bound, row)
        if limit is not None and _count(bound, row, names) + len(companions) > limit:
            return False
    return True


def _merged(changes: Sequence[Writes], rows: Rows) -> tuple[list[dict[str, Any]], list[list[int]]]:
    """The writes of the transaction, and for each the places of the changes that it is of."""
    stepped: dict[Key, list[Companion]] = {}
    members: dict[Key, list[int]] = {}
    for place, change in enumerate(changes):
        key = _key_of(change.own)
        stepped[key], members[key] = [Companion(change.own)], [place]
        for companion in change.companions:
            stepped.setdefault(key := _key_of(companion.write), []).append(companion)
            members.setdefault(key, []).append(place)
    writes = [
        each[0].write if len(each) == 1 else _one_for_all(each, rows.get(key, {})) for key, each in stepped.items()
    ]
    return writes, list(members.values())


def _one_for_all(companions: Sequence[Companion], row: Mapping[str, Any]) -> dict[str, Any]:
    """The write that stands for all of these."""
    stepping, update = companions[0].stepping, dict(companions[0].write["Update"])
    assert stepping is not None
    each = [companion.write["Update"]["ExpressionAttributeValues"] for companion in companions]
    values: Item = each[-1] | {name: _sum([one[name] for one in each]) for name in stepping.adds}
    values |= to_item({name: int(each[0][name]["N"]) + len(each) - 1 for name in stepping.floors})
    conditions = [update["ConditionExpression"]] if "ConditionExpression" in update else []
    for place, bound in enumerate(stepping.bounds):
        limit = _limit(bound, row)
        if limit is None:
            conditions.append(f"attribute_not_exists({bound.limit})")
            continue
        if isinstance(bound.limit, str):
            conditions.append(f"{bound.limit} >= :limit{place}")
            values |= to_item({f":limit{place}": limit})
        count = f"size({bound.count})" if bound.is_set else bound.count
        conditions.append(f"(attribute_not_exists({bound.count}) OR {count} <= :room{place})")
        values |= to_item({f":room{place}": limit - len(companions)})
    if conditions:
        update["ConditionExpression"] = " AND ".join(conditions)
    return {"Update": update | {"ExpressionAttributeValues": values}}


def _sum(values: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Numbers in all, or sets in one."""
    if "SS" in values[0]:
        return {"SS": sorted({each for value in values for each in value["SS"]})}
    return {"N": str(sum(int(value["N"]) for value in values))}


def _limit(bound: Bound, row: Mapping[str, Any]) -> int | None:
    limit: int | None = row.get(bound.limit) if isinstance(bound.limit, str) else bound.limit
    return limit


def _count(bound: Bound, row: Mapping[str, Any], names: Mapping[str, str]) -> int:
    """What is counted by now. A count below none is none: by the time of the write there may be nothing that counts."""
    counted = row.get(names.get(bound.count, bound.count))
    if bound.is_set:
        return len(counted or ())
    return max(0, counted or 0)


def _fewer(several: int, members: Sequence[list[int]], refusals: Sequence[dict[str, Any]]) -> int:
    """How many to try now: those before the first that was refused for something of its own; half of them where it was
    for what they share."""
    refused = [of for of, refusal in zip(members, refusals, strict=True) if was_refused(refusal)]
    return min(of[0] if len(of) == 1 else several // 2 for of in refused)


def _key_of(write: Mapping[str, Any]) -> Key:
    ((_, parts),) = write.items()
    key = parts["Item"] if "Item" in parts else parts["Key"]
    return key["pk"]["S"], key["sk"]["S"]
