"""Single runs of the sweep over such a table, each measured for itself."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

from aws_lambda_powertools import Logger

from local.bench.sweep.load import NOW, Livekit, Load
from ringline.calls.mending.left_rooms import LeftRooms
from ringline.calls.mending.mend import Swept
from ringline.calls.mending.shares import Sizes
from ringline.calls.mending.sweep import Sweep
from ringline.calls.model.ports import Share
from ringline.calls.progress.progress import Progress
from ringline.calls.tables.inbound_rooms import InboundRooms
from ringline.calls.tables.store import CallStore
from ringline.calls.tables.watchlist import Watchlist
from ringline.runtime.clock import Clock

SLOWER = 1769 / 512
"""How many times as long a function of 512 MB takes for what takes a processor: it has that share of one."""

_LOG = Logger(service="bench", level="CRITICAL")


@dataclass(slots=True)
class Hints:
    """The doorbell and the queue of looks: what was rung and handed out, and when."""

    rung_at: dict[str, float] = field(default_factory=dict)
    shares: list[Share] = field(default_factory=list)

    def ring(self, account_id: str, after_s: int = 0) -> None:
        time.sleep(0.005)
        self.rung_at.setdefault(account_id, time.monotonic())

    def hand_out(self, share: Share) -> None:
        time.sleep(0.005)
        self.shares.append(share)

    def look_again(self, account_id: str, call_id: str, after_s: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Ran:
    """One run: for how long the function would, and what it mended when, in seconds from its begin."""

    took_s: float
    read_units: float
    livekit_requests: int
    swept: Swept
    ended_s: dict[str, float]
    rung_s: dict[str, float]
    shares: list[Share]


def own_run(load: Load, sizes: Sizes, *, in_shards: bool) -> Ran:
    """A minute's run."""
    return _measured(load, sizes, lambda sweep: sweep.run(), in_shards=in_shards)


def run_of(load: Load, shares: list[Share], sizes: Sizes, *, in_shards: bool) -> Ran:
    """A run that works on what one has handed out."""
    return _measured(load, sizes, lambda sweep: sweep.work_on(shares), in_shards=in_shards)


def _measured(load: Load, sizes: Sizes, work: Callable[[Sweep], Awaitable[Swept]], *, in_shards: bool) -> Ran:
    hints, livekit, slept = Hints(), Livekit(load.rooms), 0.0

    def clock() -> int:
        return NOW + round((time.monotonic() - begun + slept) * 1000)

    sweep = _sweep(load, livekit, hints, sizes, clock, in_shards=in_shards)
    units, known = load.table.read_units, set(load.table.ended_at)

    async def sleeps(seconds: float) -> None:
        nonlocal slept
        slept += seconds

    async def run() -> Swept:
        # What waits is not waited for here, but counted.
        with mock.patch.object(asyncio, "sleep", sleeps):
            return await work(sweep)

    begun, processor = time.monotonic(), time.process_time()
    swept = asyncio.run(run())
    wall_s, processor_s = time.monotonic() - begun, time.process_time() - processor
    # Other processes of this machine take their share of the time in which it does not wait: that is not counted.
    stretched = (wall_s + processor_s * (SLOWER - 1)) / wall_s

    def moments(at: dict[str, float]) -> dict[str, float]:
        return {name: (moment - begun) * stretched + slept for name, moment in at.items() if name not in known}

    return Ran(
        took_s=wall_s * stretched + slept,
        read_units=load.table.read_units - units,
        livekit_requests=livekit.requests,
        swept=swept,
        ended_s=moments(load.table.ended_at),
        rung_s=moments(hints.rung_at),
        shares=hints.shares,
    )


def _sweep(load: Load, livekit: Livekit, hints: Hints, sizes: Sizes, clock: Clock, *, in_shards: bool) -> Sweep:
    table: Any = load.table
    telephony: Any = livekit
    awaited: Any = None
    """Asked for calls that expire: none does here."""

    store = CallStore(table, "busy", in_shards=in_shards)
    return Sweep(
        store=store,
        watchlist=Watchlist(table, "busy", in_shards=in_shards),
        progress=Progress(store, hints, clock, _LOG),
        telephony=telephony,
        left_rooms=LeftRooms(store, InboundRooms(table, "busy"), telephony, _LOG),
        doorbell=hints,
        looks=hints,
        resend=lambda _: 0,
        awaited=awaited,
        tell_end=lambda _: None,
        sizes=sizes,
        clock=clock,
        log=_LOG,
    )
