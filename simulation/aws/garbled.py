"""Rows that the code which reads the stream, and the sweep, cannot read for a while: a release that is taken back, or
one that stumbles over something odd. Only calls that are over are so: what is under way has its own watchers."""

from zlib import crc32

from ringline.calls.tables.records import ITEM_KIND
from ringline.runtime.items import Item

_ONE_IN = 3
READERS = frozenset({"relay", "sweep", "look"})
"""The kinds of processes that stumble."""


class Garbled:
    def __init__(self) -> None:
        self.until = 0
        """Up to which moment such rows cannot be read."""

    def as_read(self, item: Item, now: int) -> Item:
        """The item as one of those readers sees it."""
        return item | {"notes": {"L": [{"S": "unreadable"}]}} if self._is_unreadable(item, now) else item

    def _is_unreadable(self, item: Item, now: int) -> bool:
        if now >= self.until or "ended_at" not in item or item.get("item_kind") != {"S": ITEM_KIND}:
            return False
        return crc32(item["sk"]["S"].encode()) % _ONE_IN == 0
