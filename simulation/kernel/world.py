"""The scheduler: one clock, one heap of moments, and whoever acts at present.

Interleaving: an operation takes time, and while it passes the world goes on inside it. So between any two operations
of a synchronous use case everything due in the meantime happens, without a thread.
"""

from asyncio import events
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Any

from simulation.kernel.chance import Chance, Faults
from simulation.kernel.processes import Crashed, Process, Work

START = 1_795_224_871_000
"""A moment in 2026, in milliseconds, at which every world begins."""

MACHINE_SKEW_MS = 15
"""How far the clock of a machine may be from the world's; two machines' may differ by twice that."""

_DEPTH = 5
"""How many operations may be under way inside each other. Deeper ones take no time."""

_LONGEST_HOLD_MS = 1_000
"""By how much an operation may outlast its time because others are under way inside it: those take no more time then.
Whoever waits for it is no machine that stands still."""

type HearsFailure = Callable[[Process, Exception], None]
"""Hears of an invocation that raised, or of an error that one swallowed."""


@dataclass(frozen=True, slots=True)
class Mortality:
    """How a kind of process dies: how likely it is to be born with its death planned, among how many effects that may
    fall, and after how long it is killed, if ever."""

    likely: float
    effects: int
    timeout_s: int | None = None


class World:
    """`mortality` has a word on each kind of process."""

    def __init__(
        self, chance: Chance, faults: Faults, mortality: Mapping[str, Mortality], *, tracing: bool = False
    ) -> None:
        self.now = START
        self.chance = chance
        self.faults = faults
        self.counts: Counter[str] = Counter()
        self.events = 0
        self.current: Process | None = None
        self.living: set[Process] = set()
        self.lines: list[str] = []
        self._mortality = mortality
        self._tracing = tracing
        self._hear_failure: list[HearsFailure] = []
        self._heap: list[tuple[int, int, int, Callable[..., Any], tuple[Any, ...]]] = []
        self._pushed = 0
        self._depth = 0
        self._held_until = 0
        self._numbers = 0

    # --- moments -----------------------------------------------------------------------------------------------------

    def at(self, moment: int, action: Callable[..., Any], *arguments: Any) -> None:
        """Does something at a moment. What falls on the same millisecond happens in any order."""
        self._pushed = pushed = self._pushed + 1
        now = self.now
        order = pushed * 0x9E3779B1 & 0xFFFF
        heappush(self._heap, (moment if moment > now else now, order, pushed, action, arguments))

    def after(self, ms: int, action: Callable[..., Any], *arguments: Any) -> None:
        self._pushed = pushed = self._pushed + 1
        order = pushed * 0x9E3779B1 & 0xFFFF
        heappush(self._heap, (self.now + ms, order, pushed, action, arguments))

    def run(self, until: int) -> None:
        """Lets everything happen that is due by then. Whoever acts in it need not tidy up behind itself."""
        heap, acting, loop = self._heap, self.current, events._get_running_loop()
        try:
            while heap and heap[0][0] <= until:
                moment, _, _, action, arguments = heappop(heap)
                if moment > self.now:
                    self.now = moment
                self.events += 1
                self.current = acting
                try:
                    action(*arguments)
                except Crashed:
                    pass
        finally:
            self.current = acting
            events._set_running_loop(loop)
        if until > self.now:
            self.now = until

    def pass_time(self, ms: int) -> None:
        """Time passes inside an operation, and the world goes on in it."""
        until = self.now + ms
        if self._depth == 0:
            self._held_until = until + _LONGEST_HOLD_MS
        until = max(self.now, min(until, self._held_until))
        if self._depth >= _DEPTH or not self._heap or self._heap[0][0] > until:
            if self._depth < _DEPTH:
                self.now = until
            return
        self._depth += 1
        try:
            self.run(until)
        finally:
            self._depth -= 1

    # --- processes ---------------------------------------------------------------------------------------------------

    def spawn(
        self,
        kind: str,
        site: str,
        work: Work,
        on_end: Callable[[Process, bool], None],
        *,
        account_id: str | None = None,
    ) -> Process:
        """Starts an invocation. `work` says whether it went well; a raised exception or a death say that it did not."""
        process = Process(self, kind, site, on_end)
        process.account_id = account_id
        self.after(0, process.start, work)
        timeout_s = self._mortality[kind].timeout_s
        if timeout_s is not None:
            self.after(timeout_s * 1000, process.kill, "of its time-out")
        return process

    def acting(self) -> Process:
        """Whoever performs the present operation. Raises Crashed if that process is dead."""
        if self.current is None:
            raise RuntimeError("an operation outside of any process")
        if self.current.dead:
            raise Crashed
        return self.current

    def planned_crash(self, kind: str, site: str) -> tuple[int, bool]:
        mortality = self._mortality[kind]
        if not self.faults.strikes("crash", f"crash/{kind}/{site}", mortality.likely):
            return 0, False
        effect = self.chance.between(f"k/{kind}/{site}", 1, mortality.effects)
        return effect, self.chance.draw(f"kb/{kind}/{site}") < 0.5

    def on_failure(self, hear: HearsFailure) -> None:
        """From now on `hear` is told of every failure."""
        self._hear_failure.append(hear)

    def failed(self, process: Process, error: Exception) -> None:
        for hear in self._hear_failure:
            hear(process, error)

    def number(self) -> int:
        self._numbers += 1
        return self._numbers

    # --- the trace ---------------------------------------------------------------------------------------------------

    def trace(self, line: str) -> None:
        if self._tracing:
            actor = "" if self.current is None else f" [{self.current.name}]"
            self.lines.append(f"{(self.now - START) / 1000:9.3f}{actor} {line}")
