"""Items of the one table: plain values to and from DynamoDB's typed form, and how its refusals are read."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

type Item = dict[str, Any]

_serializer = TypeSerializer()
_deserializer = TypeDeserializer()


def _storable(value: Any) -> Any:
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, dict):
        return {key: _storable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(inner) for inner in value]
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value


def to_item(fields: Mapping[str, Any]) -> Item:
    """Plain fields as a DynamoDB item. None is left out: an absent attribute is how the table says "not yet"."""
    return {name: _serializer.serialize(_storable(value)) for name, value in fields.items() if value is not None}


def from_item(item: Item) -> dict[str, Any]:
    """A DynamoDB item as plain fields, numbers as int or float."""
    return {name: _plain(_deserializer.deserialize(value)) for name, value in item.items()}


def condition_failed(error: ClientError) -> bool:
    """Whether a single write was refused by its condition."""
    return bool(error.response["Error"]["Code"] == "ConditionalCheckFailedException")


def refusal_reasons(error: ClientError) -> list[dict[str, Any]] | None:
    """Why each part of a canceled transaction was refused, in order (`Code`, and `Item` if ALL_OLD was asked); None if another error."""
    if error.response["Error"]["Code"] != "TransactionCanceledException":
        return None
    return list(error.response.get("CancellationReasons", []))
