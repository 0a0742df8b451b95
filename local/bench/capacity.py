"""What DynamoDB bills for a request, by AWS's published rules (item sizes, capacity units, index writes). Pure.

item        names and values in UTF-8 bytes; a number takes half a byte per digit and 1; lists and maps 3 and 1 per
            element
write       1 unit per KB of the larger of the item before and after, twice that in a transaction; a refused write
            costs what the item that refused it would have
index       1 unit per KB for an entry that comes or goes, 2 units for one that moves to another key
read        1 unit per 4 KB, half if it may be stale, twice in a transaction; a query counts the sum of its items
"""

import base64
import math
from collections.abc import Mapping, Sequence
from typing import Any

type Item = Mapping[str, Mapping[str, Any]]

_WRITE_UNIT_BYTES = 1024
_READ_UNIT_BYTES = 4096
_CONTAINER_BYTES = 3
_COUNTED_BYTES = 200
"""An item that is counted and not in the answer: a place in the queue, which is all that we have counted."""
_ELEMENT_BYTES = 1


def item_bytes(item: Item) -> int:
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: Mapping[str, Any]) -> int:
    ((kind, inner),) = value.items()
    match kind:
        case "S":
            return len(str(inner).encode())
        case "N":
            digits = str(inner).lstrip("-").replace(".", "").strip("0")
            return math.ceil(len(digits) / 2) + 1 + str(inner).startswith("-")
        case "B":
            # As a client gives it, or as it stands in a request.
            return len(inner if isinstance(inner, bytes) else base64.b64decode(inner))
        case "BOOL" | "NULL":
            return 1
        case "L":
            return _CONTAINER_BYTES + sum(_ELEMENT_BYTES + _value_bytes(each) for each in inner)
        case "M":
            return _CONTAINER_BYTES + len(inner) * _ELEMENT_BYTES + item_bytes(inner)
        case _:
            raise ValueError(f"no rule for the size of {kind}")


def write_units(before: Item, after: Item, *, in_transaction: bool) -> int:
    """What one item's write to the table costs. An item that is absent is an empty one."""
    size = max(item_bytes(before), item_bytes(after))
    return _units(size, _WRITE_UNIT_BYTES) * (2 if in_transaction else 1)


def index_units(before: Item, after: Item, keys: Sequence[str], projected: Sequence[str]) -> int:
    """What one item's write costs in one index. An item without all of the index's keys is not in it. A
    transaction does not double them (docs/benchmarks.md)."""
    old, new = _entry(before, keys, projected), _entry(after, keys, projected)
    if old == new:
        return 0
    units = [_units(item_bytes(entry), _WRITE_UNIT_BYTES) for entry in (old, new) if entry]
    moves = len(units) == 2 and any(old[key] != new[key] for key in keys)
    return sum(units) if moves else max(units)


def _entry(item: Item, keys: Sequence[str], projected: Sequence[str]) -> Item:
    if not all(key in item for key in keys):
        return {}
    return {name: item[name] for name in (*keys, *projected)}


def read_units(operation: str, asked: Mapping[str, Any], answer: Mapping[str, Any]) -> float:
    """What one read request costs. Raises ValueError for one that has no rule here."""
    match operation:
        case "GetItem":
            return _read(item_bytes(answer.get("Item", {})), asked)
        case "Query" | "Scan":
            if asked.get("Select") == "COUNT":
                return _read(answer["Count"] * _COUNTED_BYTES, asked)
            return _read(sum(item_bytes(item) for item in answer["Items"]), asked)
        case "BatchGetItem":
            ((table, wanted),) = asked["RequestItems"].items()
            found = answer["Responses"].get(table, [])
            sizes = [item_bytes(item) for item in found] + [0] * (len(wanted["Keys"]) - len(found))
            return sum(_read(size, wanted) for size in sizes)
        case "TransactGetItems":
            return sum(2 * _units(item_bytes(each.get("Item", {})), _READ_UNIT_BYTES) for each in answer["Responses"])
        case _:
            raise ValueError(f"no rule for the units of {operation}")


def _read(size: int, asked: Mapping[str, Any]) -> float:
    return _units(size, _READ_UNIT_BYTES) * (1.0 if asked.get("ConsistentRead") else 0.5)


def _units(size: int, unit_bytes: int) -> int:
    return max(1, math.ceil(size / unit_bytes))
