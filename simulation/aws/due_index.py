"""The index of what is due. It lags: a change shows some milliseconds later, sometimes seconds."""

from bisect import bisect_left, bisect_right, insort
from collections import deque
from typing import Any

from ringline.runtime.items import Item
from simulation.aws.rows import Key
from simulation.kernel.world import World

LONGEST_LAG_MS = 4_000

_PAGE = 25
"""Keys in one page of the index: small, so that reading on is exercised."""


class DueIndex:
    def __init__(self, world: World) -> None:
        self._world = world
        self._due: dict[str, list[tuple[int, str, str]]] = {}
        self._due_of: dict[Key, tuple[str, tuple[int, str, str]]] = {}
        self._coming: deque[tuple[int, Key, tuple[str, int] | None]] = deque()

    def changed(self, key: Key, before: Item | None, after: Item | None) -> None:
        due_before, due_after = _entry_of(before), _entry_of(after)
        if due_before != due_after:
            self._coming.append((self._shown_at(), key, due_after))

    def page(self, shard: str, now: int, limit: int, after: Item | None, *, since: int = 0) -> dict[str, Any]:
        """What was due from `since` to `now`, as far as the index shows it, from behind the key `after` on."""
        self._catch_up()
        of_shard = self._due.get(shard, [])
        start, end = bisect_left(of_shard, (since,)), bisect_left(of_shard, (now + 1,))
        if after is not None:
            start = bisect_right(of_shard, (int(after["due_at"]["N"]), after["pk"]["S"], after["sk"]["S"]))
        due = of_shard[start : min(end, start + min(limit, _PAGE))]
        items = [
            {"due_shard": {"S": shard}, "pk": {"S": pk}, "sk": {"S": sk}, "due_at": {"N": str(at)}}
            for at, pk, sk in due
        ]
        return {"Items": items} | ({"LastEvaluatedKey": items[-1]} if items and start + len(due) < end else {})

    def _shown_at(self) -> int:
        """When the index shows what changes now: changes show in their order."""
        lag = self._world.chance.between("index", 1, 30)
        if self._world.faults.strikes("index_lags", "index", 0.002):
            lag = LONGEST_LAG_MS
        shown = self._world.now + lag
        return max(shown, self._coming[-1][0]) if self._coming else shown

    def _catch_up(self) -> None:
        while self._coming and self._coming[0][0] <= self._world.now:
            _, key, entry = self._coming.popleft()
            old = self._due_of.pop(key, None)
            if old is not None:
                shard, place = old
                del self._due[shard][bisect_left(self._due[shard], place)]
            if entry is not None:
                shard, due_at = entry
                place = (due_at, *key)
                self._due_of[key] = shard, place
                insort(self._due.setdefault(shard, []), place)


def _entry_of(item: Item | None) -> tuple[str, int] | None:
    """In which shard an item stands and for when; None where it is not in the index."""
    if item is None or "due_shard" not in item or "due_at" not in item:
        return None
    return item["due_shard"]["S"], int(item["due_at"]["N"])
