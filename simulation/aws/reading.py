"""The row of a call, and of its place in the queue, is read once. Rows never change, so what the stores, the stream and
the invariants make of one is the same each time, and making it is what costs most."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from ringline.calls.model.call import Call
from ringline.calls.stream import batch
from ringline.calls.tables import records, store
from ringline.calls.tables.store import QueueEntry
from ringline.runtime.items import Item
from ringline.runtime.table import queue_pk

_QUEUE = queue_pk("").removeprefix("A#")


class Row(dict[str, Any]):
    """A row as it was written, and what it stands for once somebody has read it."""

    __slots__ = ("call", "entry")
    call: Call
    entry: QueueEntry


_entry_from_item = store.queue_entry


def kept(item: Item) -> Item:
    """An item as the table keeps it."""
    return Row(item) if "item_kind" in item or item["pk"]["S"].endswith(_QUEUE) else item


def call_from_item(item: Item) -> Call:
    """As the product's, and the same object for the same row."""
    if not isinstance(item, Row):
        return records.call_from_item(item)
    try:
        return item.call
    except AttributeError:
        item.call = records.call_from_item(item)
        return item.call


def queue_entry(item: Item) -> QueueEntry:
    """As the product's, and the same object for the same row."""
    if not isinstance(item, Row):
        return _entry_from_item(item)
    try:
        return item.entry
    except AttributeError:
        item.entry = _entry_from_item(item)
        return item.entry


@contextmanager
def read_once() -> Iterator[None]:
    """The store and the relay read rows this way, too, for as long as the context lasts."""
    with (
        mock.patch.object(store, "call_from_item", call_from_item),
        mock.patch.object(store, "queue_entry", queue_entry),
        mock.patch.object(batch, "call_from_item", call_from_item),
    ):
        yield
