"""moto's DynamoDB, which answers as it does, at the cost of what a request is about.

Transactions: for each item that one names moto copies the whole table first, its stream with all that was ever written
too, and puts the copy in the table's place if the transaction is refused: a hundred milliseconds where there are a few
hundred rows. What a transaction may change are the items that it names, so that copying these is enough.

Answers: moto has each value of an item walked through by what serializes the answers of all of its services, which
looks for every possible member of it under every possible name: three quarters of a request's time. Values of items are
in DynamoDB's own form already, and only bytes have another one on the wire.

Queries: moto sorts the whole table for each, and for each comparison asks of both values whether they are numbers,
sets, lists or maps, before it takes them as they are. Keys are text here.

Each request: moto lists the methods of the class that answers, and botocore says with which versions of what it asks.
"""

import base64
import copy
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any
from unittest import mock

from botocore.model import StructureShape
from botocore.useragent import UserAgentString
from moto.core.serialize import BaseJSONSerializer
from moto.core.utils import method_names_from_class
from moto.dynamodb import models
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table

type _Keys = list[tuple[str, DynamoType, DynamoType]]
"""Table, hash key and range key of each item."""


class _Copies:
    """What moto's module calls `copy`."""

    def __init__(self) -> None:
        self._named: _Keys = []

    @contextmanager
    def of_a_transaction(self, items: list[dict[str, Any]], backend: DynamoDBBackend) -> Iterator[None]:
        """Tables are copied for these writes while the block runs. One transaction runs at a time."""
        self._named = [key for item in items for key in _key_of(item, backend)]
        yield
        self._named = []

    def deepcopy[T](self, original: T) -> T:
        return self._table(original) if isinstance(original, Table) else copy.deepcopy(original)

    def _table(self, table: Any) -> Any:
        kept = copy.copy(table)
        kept.items = defaultdict(dict, table.items)
        for name, hash_key, range_key in self._named:
            if name != table.name or hash_key not in table.items:
                continue
            if kept.items[hash_key] is table.items[hash_key]:
                kept.items[hash_key] = dict(table.items[hash_key])
            if range_key in kept.items[hash_key]:
                kept.items[hash_key][range_key] = copy.deepcopy(table.items[hash_key][range_key])
        if table.stream_shard is not None:
            kept.stream_shard = copy.copy(table.stream_shard)
            kept.stream_shard.table, kept.stream_shard.items = kept, list(table.stream_shard.items)
        return kept


def _key_of(item: dict[str, Any], backend: DynamoDBBackend) -> _Keys:
    """None where moto refuses the write before it changes anything."""
    (write,) = item.values()
    table = backend.tables.get(write.get("TableName", ""))
    key = write.get("Key") or write.get("Item") or {}
    if table is None or not {table.hash_key_attr, table.range_key_attr} <= key.keys():
        return []
    return [(table.name, DynamoType(key[table.hash_key_attr]), DynamoType(key[table.range_key_attr]))]


def _on_the_wire(value: Any) -> Any:
    """A value of an item as an answer's JSON has it."""
    ((kind, inner),) = value.items()
    match kind:
        case "B":
            return {kind: base64.b64encode(inner).decode()}
        case "BS":
            return {kind: [base64.b64encode(each).decode() for each in inner]}
        case "M":
            return {kind: {name: _on_the_wire(each) for name, each in inner.items()}}
        case "L":
            return {kind: [_on_the_wire(each) for each in inner]}
        case _:
            return value


@contextmanager
def quick_moto() -> Iterator[None]:
    """While the block runs, moto is quick."""
    copies, transact = _Copies(), DynamoDBBackend.transact_write_items
    serialize = BaseJSONSerializer._serialize_type_structure

    def transact_quickly(backend: DynamoDBBackend, transact_items: list[dict[str, Any]]) -> None:
        with copies.of_a_transaction(transact_items, backend):
            transact(backend, transact_items)

    def serialize_quickly(self: Any, serialized: Any, value: Any, shape: StructureShape, key: str) -> None:
        if shape.name == "AttributeValue" and key and isinstance(value, dict) and len(value) == 1:
            serialized[key] = _on_the_wire(value)
        else:
            serialize(self, serialized, value, shape, key)

    cast = vars(DynamoType)["cast_value"].fget

    def cast_quickly(value: DynamoType) -> Any:
        return value.value if value.type == "S" else cast(value)

    with (
        mock.patch("moto.core.responses.method_names_from_class", cache(method_names_from_class)),
        mock.patch.object(UserAgentString, "to_string", lambda _: "tests"),
        mock.patch.object(DynamoType, "cast_value", property(cast_quickly)),
        mock.patch.object(models, "copy", copies),
        mock.patch.object(DynamoDBBackend, "transact_write_items", transact_quickly),
        mock.patch.object(BaseJSONSerializer, "_serialize_type_structure", serialize_quickly),
    ):
        yield
