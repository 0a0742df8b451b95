"""The table's stream. It delivers at least once, repeats from the first failure on, and never overtakes itself within a
call."""

from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from typing import Any
from zlib import crc32

from ringline.calls.model.call import Call
from ringline.calls.tables.records import ITEM_KIND
from ringline.calls.views.relay import Change
from simulation.aws.reading import call_from_item
from simulation.aws.rows import Change as RowChange
from simulation.kernel.chance import Odds
from simulation.kernel.processes import Process
from simulation.kernel.world import World

_DELIVERY_ODDS: Odds = (("stream_late", 0.02), ("stream_twice", 0.02))
_SHARDS = 4
TRIES = 10

type Relay = Callable[[list[Change]], Coroutine[Any, Any, bool]]

type HearsGivingUp = Callable[[Sequence[Change]], None]
"""Hears of changes that were never relayed, however often they were tried."""


class Stream:
    """Changes of calls, in shards; one call's changes always in the same one. Whoever watches sees each change once,
    the relay at least once."""

    def __init__(self, world: World, relay: Relay, gave_up: HearsGivingUp) -> None:
        self._world = world
        self._relay = relay
        self._gave_up = gave_up
        self._shards: list[deque[Change]] = [deque() for _ in range(_SHARDS)]
        self._running = [False] * _SHARDS
        self._numbers = 0
        self._latest: dict[str, Call] = {}

    def record(self, changes: list[RowChange]) -> None:
        for (_, sk), _, after in changes:
            if after is None or "item_kind" not in after or after["item_kind"]["S"] != ITEM_KIND:
                continue
            self._numbers += 1
            change = Change(str(self._numbers), self._latest.get(sk), call_from_item(after))
            self._latest[sk] = change.after
            shard = crc32(sk.encode()) % _SHARDS
            self._shards[shard].append(change)
            if not self._running[shard]:
                self._running[shard] = True
                self._world.after(self._world.chance.between("stream", 20, 300), self._deliver, shard, 0)

    def _deliver(self, shard: int, tries: int) -> None:
        fault = self._world.faults.one_of("stream", _DELIVERY_ODDS)
        if fault == "stream_late":
            self._world.after(self._world.chance.between("stream late", 1_000, 40_000), self._deliver, shard, tries)
            return
        waiting = self._shards[shard]
        batch = [waiting[n] for n in range(min(len(waiting), self._world.chance.between("batch", 1, 10)))]
        work = self._relay

        def ended(process: Process, well: bool) -> None:
            if well and fault != "stream_twice":
                for _ in batch:
                    waiting.popleft()
                if waiting:
                    self._world.after(self._world.chance.between("stream", 5, 60), self._deliver, shard, 0)
                else:
                    self._running[shard] = False
                return
            if not well:
                self._world.counts["stream_retries"] += 1
                if tries >= TRIES:
                    self._gave_up(batch)
                    return
            self._world.after(200 * 2 ** min(tries, 6), self._deliver, shard, tries + (not well))

        self._world.spawn("relay", str(shard), lambda: work(batch), ended)
