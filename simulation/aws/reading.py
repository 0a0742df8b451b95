"""A call's row is read once. Rows never change, so what the stores, the stream and the invariants make of one is the
same each time, and making it is what costs most."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from ringline.calls.model.call import Call
from ringline.calls.stream import batch
from ringline.calls.tables import records, store
from ringline.runtime.items import Item


class CallRow(dict[str, Any]):
    """A row as it was written, and the call it stands for once somebody has read it."""

    __slots__ = ("call",)
    call: Call


def kept(item: Item) -> Item:
    """An item as the table keeps it."""
    return CallRow(item) if "item_kind" in item else item


def call_from_item(item: Item) -> Call:
    """As the product's, and the same object for the same row."""
    if not isinstance(item, CallRow):
        return records.call_from_item(item)
    try:
        return item.call
    except AttributeError:
        item.call = records.call_from_item(item)
        return item.call


@contextmanager
def read_once() -> Iterator[None]:
    """The store and the relay read rows this way, too, for as long as the context lasts."""
    with (
        mock.patch.object(store, "call_from_item", call_from_item),
        mock.patch.object(batch, "call_from_item", call_from_item),
    ):
        yield
