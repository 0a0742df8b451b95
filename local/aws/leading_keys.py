"""Which partitions a request of DynamoDB is about, as IAM sees it: its leading keys. Standard library alone: the
emulator reads it in an environment of its own."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

PARTITION = "pk"

IN_TRANSACTIONS = {
    "ConditionCheck": "ConditionCheckItem",
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "Get": "GetItem",
}
"""Members of a transaction's items, and the action that each is allowed as."""

_BY_KEY = re.compile(r"\s*#?\w+\s*=\s*(:\w+)")


def asked(operation: str, request: Mapping[str, Any]) -> Iterator[tuple[str, str | None]]:
    """Actions without `dynamodb:`, each with a leading key; None where the request names none, as a scan does."""
    if "TransactItems" in request:
        for item in request["TransactItems"]:
            for member, detail in item.items():
                yield IN_TRANSACTIONS[member], next(iter(leading_keys(detail)), None)
        return
    keys: list[str | None] = [*leading_keys(request)]
    yield from ((operation, key) for key in keys or [None])


def leading_keys(request: Mapping[str, Any]) -> list[str]:
    """Of what is no transaction. A query of an index has the index's own key."""
    if "RequestItems" in request:
        wanted = [each["Keys"] if isinstance(each, Mapping) else each for each in request["RequestItems"].values()]
        return [key for items in wanted for item in items for key in _of_batch(item)]
    if (found := _BY_KEY.match(request.get("KeyConditionExpression", ""))) is not None:
        return [str(request["ExpressionAttributeValues"][found[1]]["S"])]
    return _of_key(request.get("Key") or request.get("Item") or {})


def _of_batch(item: Mapping[str, Any]) -> list[str]:
    """A key, or a write that has one."""
    if PARTITION in item:
        return _of_key(item)
    return [key for write in item.values() for key in leading_keys(write)]


def _of_key(key: Mapping[str, Any]) -> list[str]:
    return [str(key[PARTITION]["S"])] if PARTITION in key else []
