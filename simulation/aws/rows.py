"""The items of the table as they are at this moment: what the table reads and writes, and what those who check look
into."""

from bisect import bisect_left, bisect_right, insort

from ringline.runtime.items import Item

type Key = tuple[str, str]
type Change = tuple[Key, Item | None, Item | None]
"""A key with its item before and after."""


class Rows:
    def __init__(self) -> None:
        self._items: dict[str, dict[str, Item]] = {}
        self._sorted: dict[str, list[str]] = {}
        self.writes = 0
        """How often anything was written: a transaction counts as one."""

    def item(self, pk: str, sk: str) -> Item | None:
        return self._items.get(pk, {}).get(sk)

    def partition(
        self, pk: str, *, before_sk: str | None = None, after_sk: str | None = None, limit: int
    ) -> list[Item]:
        """The first items of a partition in the order of their keys, of those behind `after_sk` and before `before_sk`
        if they are given."""
        keys = self._sorted.get(pk, [])
        start = 0 if after_sk is None else bisect_right(keys, after_sk)
        end = len(keys) if before_sk is None else bisect_left(keys, before_sk)
        items = self._items.get(pk, {})
        return [items[sk] for sk in keys[start : min(end, start + limit)]]

    def put(self, key: Key, before: Item | None, after: Item | None) -> None:
        """Sets an item or, where there is none after, removes it."""
        pk, sk = key
        if before is None and after is not None:
            insort(self._sorted.setdefault(pk, []), sk)
        elif before is not None and after is None:
            keys = self._sorted[pk]
            del keys[bisect_left(keys, sk)]
        items = self._items.setdefault(pk, {})
        if after is None:
            items.pop(sk, None)
        else:
            items[sk] = after
