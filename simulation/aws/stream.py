"""The table's stream. It delivers at least once, repeats from the first failure on for as long as it keeps a record,
and never overtakes itself within a call."""

from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from typing import Any
from zlib import crc32

from ringline.calls.stream.batch import Record
from ringline.calls.tables.records import ITEM_KIND
from ringline.runtime.items import Item
from simulation.aws.garbled import Garbled
from simulation.aws.rows import Change as RowChange
from simulation.kernel.chance import Odds
from simulation.kernel.processes import Process
from simulation.kernel.world import World

_DELIVERY_ODDS: Odds = (("stream_late", 0.02), ("stream_twice", 0.02), ("stream_lost", 0.004))
_SHARDS = 4
_LONGEST_PAUSE_MS = 102_400
TRIED_FOR_S = 23 * 3600
"""How long a record is tried: an hour less than DynamoDB keeps it."""

type Relay = Callable[[Sequence[Record], list[str]], Coroutine[Any, Any, bool]]
"""Relays a batch, and names the record in the list from which on it is to be given again."""

type HearsGivingUp = Callable[[Sequence[Record]], None]
"""Hears of records that are given up: somebody may look into them, and nobody relays them any more."""


class Stream:
    """Changes of calls, in shards; one call's changes always in the same one. Whoever watches sees each change once,
    the relay at least once."""

    def __init__(
        self, world: World, garbled: Garbled, relay: Relay, gave_up: HearsGivingUp, passes: Callable[[Record], bool]
    ) -> None:
        """The relay is not started for a record that its event source's filter does not let pass."""
        self._world = world
        self._garbled = garbled
        self._relay = relay
        self._gave_up = gave_up
        self._passes = passes
        self._shards: list[deque[Record]] = [deque() for _ in range(_SHARDS)]
        self._running = [False] * _SHARDS
        self._numbers = 0
        self.failing_until = 0
        """Up to which moment the relay's function fails before it has looked at anything."""

    @property
    def is_read(self) -> bool:
        """Whether nothing waits to be relayed."""
        return not any(self._shards)

    def record(self, changes: list[RowChange]) -> None:
        for (_, sk), before, after in changes:
            if after is None or after.get("item_kind") != {"S": ITEM_KIND}:
                continue
            images = {"NewImage": after} | ({} if before is None else {"OldImage": before})
            if not self._passes({"dynamodb": images}):
                self._world.counts["changes_not_relayed"] += 1
                continue
            self._numbers += 1
            numbered = {"SequenceNumber": str(self._numbers), "Keys": {"sk": {"S": sk}}, **images}
            record = {"dynamodb": numbered | {"ApproximateCreationDateTime": self._world.now // 1000}}
            shard = crc32(sk.encode()) % _SHARDS
            self._shards[shard].append(record)
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
        if fault == "stream_lost" or self._is_too_old(batch[0]):
            self._world.counts["dead_lettered"] += 1
            self._gave_up(batch[:1])
            waiting.popleft()
            self._go_on(shard)
            return
        if self._world.now < self.failing_until:
            self._world.counts["relay_failures"] += 1
            self._again(shard, tries + 1)
            return
        self._hand_over(shard, batch, tries, twice=fault == "stream_twice")

    def _hand_over(self, shard: int, batch: list[Record], tries: int, *, twice: bool) -> None:
        work, failed = self._relay, list[str]()
        shown = [self._as_read(record) for record in batch]

        def ended(_process: Process, well: bool) -> None:
            if well and not twice and not failed:
                self._drop(shard, len(batch))
                self._go_on(shard)
                return
            if well and failed:
                self._drop(shard, next(n for n, each in enumerate(batch) if _number(each) == failed[0]))
            if failed or not well:
                self._world.counts["stream_retries"] += 1
            self._again(shard, tries + bool(failed or not well))

        self._world.spawn("relay", str(shard), lambda: work(shown, failed), ended)

    def _drop(self, shard: int, count: int) -> None:
        for _ in range(count):
            self._shards[shard].popleft()

    def _go_on(self, shard: int) -> None:
        if self._shards[shard]:
            self._world.after(self._world.chance.between("stream", 5, 60), self._deliver, shard, 0)
        else:
            self._running[shard] = False

    def _again(self, shard: int, tries: int) -> None:
        self._world.after(min(_LONGEST_PAUSE_MS, 200 * 2 ** min(tries, 10)), self._deliver, shard, tries)

    def _is_too_old(self, record: Record) -> bool:
        written_s: int = record["dynamodb"]["ApproximateCreationDateTime"]
        return self._world.now // 1000 - written_s > TRIED_FOR_S

    def _as_read(self, record: Record) -> Record:
        """With the very rows, but for those that cannot be read at present: what was read of a row is kept with it."""
        images = dict(record["dynamodb"])
        for name in ("NewImage", "OldImage"):
            row: Item | None = images.get(name)
            if row is not None:
                images[name] = self._garbled.as_read(row, self._world.now)
        return {"dynamodb": images}


def _number(record: Record) -> str:
    return str(record["dynamodb"]["SequenceNumber"])
