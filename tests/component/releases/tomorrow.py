"""Rows as a later release may write them: with attributes, words and a schema number that this one does not know."""

from collections.abc import Mapping
from typing import Any

from ringline.runtime.rows import SCHEMA_NAME
from tests.component.one_table import LocalAws

OF_TOMORROW: dict[str, Any] = {"of_tomorrow": {"M": {"mood": {"S": "calm"}, "level": {"N": "1.5"}}}}
"""An attribute that this release does not know."""

_NESTED = {
    "call": ("carrier", "reports", "recorded", "retry", "attempts", "listeners", "former_recordings", "transfers"),
    "pipe": ("sound", "voicemail"),
    "agent": ("sound", "voices"),
    "delivery": ("attempts",),
}


def rewritten_tomorrow(local: LocalAws, pk: str, sk: str, **words: str) -> dict[str, Any]:
    """The row of this key, as a later release has written it again: with attributes of its own, also in what is nested
    in it, and with `words` in the place of those that it had."""
    key = {"pk": {"S": pk}, "sk": {"S": sk}}
    item: dict[str, Any] = dict(local.dynamodb.get_item(TableName=local.table_name, Key=key)["Item"])
    for name in _NESTED.get(item.get("item_kind", {}).get("S", ""), ()):
        for each in _maps(item.get(name, {})):
            each.update(OF_TOMORROW)
    item |= OF_TOMORROW | {SCHEMA_NAME: {"N": "99"}} | {name: {"S": word} for name, word in words.items()}
    local.dynamodb.put_item(TableName=local.table_name, Item=item)
    return item


def _maps(value: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [each["M"] for each in (value, *value.get("L", [])) if "M" in each]


def row(local: LocalAws, pk: str, sk: str) -> dict[str, Any]:
    """The row as it lies in the table."""
    key = {"pk": {"S": pk}, "sk": {"S": sk}}
    return dict(local.dynamodb.get_item(TableName=local.table_name, Key=key, ConsistentRead=True)["Item"])


def kept_of_tomorrow(item: Mapping[str, Any]) -> int:
    """In how many places the row has what the later release wrote."""
    nested = [each for value in item.values() if isinstance(value, dict) for each in _maps(value)]
    return len([each for each in (item, *nested) if each.get("of_tomorrow") == OF_TOMORROW["of_tomorrow"]])
