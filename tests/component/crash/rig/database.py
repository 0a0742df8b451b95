"""The one table in this process, asked as the client is: moto answers the same, but takes most of a test's time
for it where a function is struck at every step.

It knows the expressions that are asked here and refuses others (`simulation.aws.conditions`). What DynamoDB itself
would refuse, such as a name that is not used, the tests of the stores see.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ringline.runtime.items import Item
from ringline.runtime.table import DUE_INDEX
from simulation.aws.conditions import UnknownExpression, condition
from simulation.aws.rows import Key
from simulation.aws.writes import Write, canceled, key_of, outcome, refusal, refused, shown_if_asked, with_names

_ALONE = {"PutItem": "Put", "UpdateItem": "Update", "DeleteItem": "Delete"}
_BY_KEY = re.compile(r"(\w+) = (:\w+)(?: AND (.+))?")
_OF_THE_RANGE = re.compile(
    r"begins_with\((?P<of>\w+), (?P<prefix>:\w+)\)"
    r"|(?P<between>\w+) BETWEEN (?P<first>:\w+) AND (?P<last>:\w+)"
    r"|(?P<name>\w+) (?P<operator><|<=|>|>=|=) (?P<value>:\w+)"
)
_NOTHING: dict[str, Any] = {"ResponseMetadata": {}}

type _InRange = Callable[[Item], bool]


class Database:
    def __init__(self, table_name: str) -> None:
        self._table = table_name
        self._items: dict[Key, Item] = {}

    def items(self) -> Iterator[Item]:
        """Everything that is there."""
        return iter(self._items.values())

    def item(self, key: Mapping[str, Any]) -> Item | None:
        return self._items.get((key["pk"]["S"], key["sk"]["S"]))

    def answer(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """What DynamoDB answers. Raises ClientError as botocore does, and UnknownExpression."""
        match operation:
            case "GetItem":
                found = self.item(request["Key"])
                return {"Item": _shown(found, request)} if found is not None else dict(_NOTHING)
            case "BatchGetItem":
                keys = request["RequestItems"][self._table]["Keys"]
                items = [found for key in keys if (found := self.item(key)) is not None]
                return {"Responses": {self._table: items}, "UnprocessedKeys": {}}
            case "TransactGetItems":
                found_items = [self.item(each["Get"]["Key"]) for each in request["TransactItems"]]
                return {"Responses": [{} if found is None else {"Item": found} for found in found_items]}
            case "TransactWriteItems":
                return self._transact(request["TransactItems"])
            case "Query":
                return self._query(request)
            case "Scan":
                return {"Items": list(self._items.values()), "Count": len(self._items)}
            case _ if operation in _ALONE:
                return self._write({_ALONE[operation]: request}, request.get("ReturnValues", "NONE"))
            case _:
                raise UnknownExpression(operation)

    # --- writes ------------------------------------------------------------------------------------------------------

    def _write(self, write: Write, told: str) -> dict[str, Any]:
        key = key_of(write)
        before = self._items.get(key)
        after, met = outcome(write, before)
        if not met:
            raise refused("ConditionalCheckFailedException", shown_if_asked(write, before))
        self._put(key, after)
        if told == "NONE" or (told == "ALL_OLD" and before is None):
            return dict(_NOTHING)
        return {"Attributes": _told(told, write, before or {}, after or {})}

    def _transact(self, writes: list[Write]) -> dict[str, Any]:
        keys = [key_of(write) for write in writes]
        if len(set(keys)) < len(keys):
            raise refused("ValidationException")
        found = [self._items.get(key) for key in keys]
        outcomes = [outcome(write, before) for write, before in zip(writes, found, strict=True)]
        if not all(met for _, met in outcomes):
            parts = zip(writes, found, outcomes, strict=True)
            raise canceled([refusal(write, before, met) for write, before, (_, met) in parts])
        for key, (after, _) in zip(keys, outcomes, strict=True):
            self._put(key, after)
        return dict(_NOTHING)

    def _put(self, key: Key, item: Item | None) -> None:
        if item is None:
            self._items.pop(key, None)
        else:
            self._items[key] = item

    # --- queries -----------------------------------------------------------------------------------------------------

    def _query(self, request: Mapping[str, Any]) -> dict[str, Any]:
        names, values = request.get("ExpressionAttributeNames", {}), request["ExpressionAttributeValues"]
        found = _BY_KEY.fullmatch(with_names(request["KeyConditionExpression"], names))
        if found is None:
            raise UnknownExpression(request["KeyConditionExpression"])
        hash_name, hash_value, rest = found.groups()
        of_index = request.get("IndexName") == DUE_INDEX
        is_in_range = _range(rest, values)
        places = sorted(
            (_place(item, of_index=of_index), item)
            for item in self._items.values()
            if item.get(hash_name) == values[hash_value] and (not of_index or "due_at" in item) and is_in_range(item)
        )
        if not request.get("ScanIndexForward", True):
            places.reverse()
        if (start := request.get("ExclusiveStartKey")) is not None:
            begin = _place(start, of_index=of_index)
            forward = request.get("ScanIndexForward", True)
            places = [each for each in places if (each[0] > begin if forward else each[0] < begin)]
        limit = request.get("Limit", len(places))
        items = [_of_index(item) if of_index else item for _, item in places[:limit]]
        last = {"LastEvaluatedKey": _key_in(items[-1], of_index=of_index)} if len(places) > limit else {}
        if "FilterExpression" in request:
            is_wanted = condition(with_names(request["FilterExpression"], names))
            items = [item for item in items if is_wanted(item, values)]
        shown = [_shown(item, request) for item in items]
        return {"Items": shown, "Count": len(shown), **last}


def _range(expression: str | None, values: Item) -> _InRange:
    if expression is None:
        return lambda _item: True
    found = _OF_THE_RANGE.fullmatch(expression)
    if found is None:
        raise UnknownExpression(expression)
    if found["of"]:
        return lambda item: bool(_plain(item, found["of"]).startswith(values[found["prefix"]]["S"]))
    if found["between"]:
        name, first, last = found["between"], _plain(values, found["first"]), _plain(values, found["last"])
        if first > last:
            raise refused("ValidationException")
        return lambda item: bool(first <= _plain(item, name) <= last)
    test = condition(f"{found['name']} {found['operator']} {found['value']}")
    return lambda item: test(item, values)


def _plain(item: Item, name: str) -> Any:
    ((kind, inner),) = item[name].items()
    return int(inner) if kind == "N" else inner


def _place(item: Item, *, of_index: bool) -> tuple[int, str, str]:
    """Where an item stands in its partition, or in the index's."""
    return (int(item["due_at"]["N"]) if of_index else 0, item["pk"]["S"], item["sk"]["S"])


def _of_index(item: Item) -> Item:
    return {name: item[name] for name in ("due_shard", "due_at", "pk", "sk")}


def _key_in(item: Item, *, of_index: bool) -> Item:
    return _of_index(item) if of_index else {name: item[name] for name in ("pk", "sk")}


def _shown(item: Item, request: Mapping[str, Any]) -> Item:
    """The item as far as the request asks for it."""
    if "ProjectionExpression" not in request:
        return item
    wanted = with_names(request["ProjectionExpression"], request.get("ExpressionAttributeNames", {})).split(", ")
    return {name: item[name] for name in wanted if name in item}


def _told(told: str, write: Write, before: Item, after: Item) -> Item:
    """What a write answers of its item."""
    match told:
        case "ALL_OLD":
            return before
        case "ALL_NEW":
            return after
        case "UPDATED_NEW":
            (parts,) = write.values()
            update = with_names(parts["UpdateExpression"], parts.get("ExpressionAttributeNames", {}))
            changed = set(re.findall(r"\w+", update))
            return {name: value for name, value in after.items() if name in changed}
        case _:
            raise UnknownExpression(told)
