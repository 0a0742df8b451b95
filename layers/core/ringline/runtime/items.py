"""Items of the one table: plain values to and from DynamoDB's typed form, how many are read at once, and how
its refusals are read."""

from collections.abc import Iterable, Mapping
from itertools import batched
from typing import Any

from botocore.exceptions import ClientError

type Item = dict[str, Any]
"""Attribute names to typed values, `{"sk": {"S": "GATE"}}`."""


_AT_ONCE = 100
"""As many as one BatchGetItem takes."""


class Contended(Exception):
    """Others kept changing the same items until our tries were spent; nothing was written."""


def to_item(fields: Mapping[str, Any]) -> Item:
    """Plain fields as a DynamoDB item. None is left out: an absent attribute is how the table says "not yet"."""
    return {name: _typed(value) for name, value in fields.items() if value is not None}


def from_item(item: Item) -> dict[str, Any]:
    """A DynamoDB item as plain fields, numbers as int or float."""
    return {name: _plain(value) for name, value in item.items()}


def _typed(value: Any) -> dict[str, Any]:
    """One value in DynamoDB's typed form, for what JSON can hold. boto3's serializer does more and loads all of boto3,
    which costs every function a tenth of its start."""
    match value:
        case str():
            return {"S": value}
        case bytes():
            return {"B": value}
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case float():
            return {"N": repr(value)}
        case None:
            return {"NULL": True}
        case Mapping():
            return {"M": {str(name): _typed(inner) for name, inner in value.items()}}
        case set() | frozenset() if all(isinstance(inner, str) for inner in value):
            return {"SS": sorted(value)}
        case list() | tuple():
            return {"L": [_typed(inner) for inner in value]}
        case _:
            raise TypeError(f"{type(value).__name__} is not kept in the table")


def _plain(value: dict[str, Any]) -> Any:
    ((kind, inner),) = value.items()
    if kind == "S":
        return inner
    if kind == "N":
        return _number(inner)
    if kind == "M":
        return {name: _plain(each) for name, each in inner.items()}
    if kind == "L":
        return [_plain(each) for each in inner]
    return None if kind == "NULL" else inner


def _number(text: str) -> int | float:
    """Whole numbers as int, also those that DynamoDB writes back as 1E+1."""
    try:
        return int(text)
    except ValueError:
        number = float(text)
        return int(number) if number.is_integer() else number


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


def condition_failed(error: ClientError) -> bool:
    """Whether a single write was refused by its condition."""
    return bool(error.response["Error"]["Code"] == "ConditionalCheckFailedException")


def met_a_transaction(error: ClientError) -> bool:
    """Whether a single write met a running transaction on its item. botocore does not try again by itself."""
    return bool(error.response["Error"]["Code"] == "TransactionConflictException")


def refusal_reasons(error: ClientError) -> list[dict[str, Any]] | None:
    """Why each part of a canceled transaction was refused, in order (`Code`, and `Item` if ALL_OLD was asked); None if
    another error."""
    if error.response["Error"]["Code"] != "TransactionCanceledException":
        return None
    return list(error.response.get("CancellationReasons", []))
