"""Many rows with few requests."""

from collections.abc import Iterable
from itertools import batched
from typing import Any

from ringline.runtime.items import Item

_AT_ONCE = 100
"""As many as one BatchGetItem takes."""


def rows_at(dynamodb: Any, table_name: str, keys: Iterable[Item]) -> list[Item]:
    """The rows of these keys that there are, in any order."""
    found: list[Item] = []
    for share in batched(keys, _AT_ONCE, strict=False):
        left = list(share)
        while left:
            asked = {table_name: {"Keys": left, "ConsistentRead": True}}
            answer = dynamodb.batch_get_item(RequestItems=asked)
            found += answer["Responses"].get(table_name, ())
            left = answer.get("UnprocessedKeys", {}).get(table_name, {}).get("Keys", [])
    return found
