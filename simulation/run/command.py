"""The command: many worlds, spread over processes; numbers for the reader, a trace for a violation."""

# ruff: noqa: T201 - a command line tool: it prints.

import argparse
import gc
import multiprocessing
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from simulation.kernel.chance import Chance
from simulation.plan.drawing import CALLS, make_plan
from simulation.run.episode import Ran, run_world
from simulation.run.shrink import shrunk

_LONGEST_TRACE = 200


@dataclass(slots=True)
class Totals:
    """What all worlds together showed."""

    worlds: int = 0
    calls: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    slot_back_after_ms: list[int] = field(default_factory=list)
    mended_late_ms: list[int] = field(default_factory=list)
    alone_ms: list[int] = field(default_factory=list)
    most_over_cap: int = 0
    broken: list[Ran] = field(default_factory=list)

    def add(self, ran: Ran) -> None:
        self.worlds += 1
        self.calls += ran.accepted
        self.counts += ran.counts
        self.slot_back_after_ms += ran.slot_back_after_ms
        self.mended_late_ms += ran.mended_late_ms
        self.alone_ms += ran.alone_ms
        self.most_over_cap = max(self.most_over_cap, ran.most_over_cap)
        if ran.violation is not None:
            self.broken.append(ran)


def world_seeds(seed: int, calls: int) -> Iterator[int]:
    chance = Chance(seed)
    for number in range(-(-calls // CALLS)):
        yield int(chance.keyed(f"world {number}") * (1 << 40))


def _run_seed(world_seed: int) -> Ran:
    warnings.filterwarnings("ignore", category=RuntimeWarning, message="coroutine .* was never awaited")
    return run_world(make_plan(world_seed))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="simulation", description=__doc__)
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--world", type=int, help="run this one world, and print its trace if it breaks")
    options = parser.parse_args(arguments)
    seeds = [options.world] if options.world is not None else list(world_seeds(options.seed, options.calls))
    begun, totals = time.monotonic(), Totals()
    for ran in _all(seeds, options.workers):
        totals.add(ran)
        if len(totals.broken) >= 5:
            break
    _print(totals, time.monotonic() - begun, options.seed)
    if not totals.broken:
        return 0
    _print_shortest(totals.broken[0], options.seed)
    return 1


def _all(seeds: list[int], workers: int) -> Iterator[Ran]:
    if workers == 1:
        yield from map(_run_seed, seeds)
        return
    # Frozen: what a worker begins with stays, and the collector need not look at it behind each world.
    with multiprocessing.Pool(workers, gc.freeze) as pool:
        yield from pool.imap_unordered(_run_seed, seeds, chunksize=4)


def _print(totals: Totals, took_s: float, seed: int) -> None:
    counts = totals.counts
    print(f"seed={seed} worlds={totals.worlds} took={took_s:.0f}s calls_a_second={totals.calls / took_s:.0f}")
    faults = ("conflict", "throttled", "livekit_restart", "bridge_killed", "redelivered")
    print(" ".join(f"{_PLURALS.get(name, name)}={counts[name]}" for name in faults))
    others = sorted(name for name in counts if name not in {*faults, "events", "crashes", "crash"})
    print(" ".join(f"{name}={counts[name]}" for name in others))
    print(f"line back after the leg's end: {_spread(totals.slot_back_after_ms)}")
    print(f"alone without an agent until the call was over: {_spread(totals.alone_ms)}")
    print(f"ended by a sweep after its deadline: {_spread(totals.mended_late_ms)}")
    print(f"phones beyond the lines in use, at most: {totals.most_over_cap}")
    for ran in totals.broken:
        print(f"world {ran.plan.seed}: {ran.violation}")
    names = Counter(ran.violation.name for ran in totals.broken if ran.violation is not None)
    promises = " ".join(f"{promise}={sum(names[name] for name in broken)}" for promise, broken in _PROMISES.items())
    numbers = f"calls={totals.calls} events={counts['events']} crashes={counts['crashes']}"
    print(f"{numbers} {promises} violations={len(totals.broken)}")


_PROMISES = {
    "lost": ("lost",),
    "double_dialled": ("rang_twice", "rang_again"),
    "over_cap": ("over_cap", "phones_over_gate"),
    "leaked": ("slot_leaked", "gate_inexact"),
}
"""The promises that are counted by name, each with the invariants that keep it. `violations` counts them all."""

_PLURALS = {"conflict": "conflicts", "livekit_restart": "livekit_restarts", "bridge_killed": "bridges_killed"}


def _spread(times_ms: list[int]) -> str:
    if not times_ms:
        return "none"
    ordered = sorted(times_ms)
    marks = ((0.5, "p50"), (0.99, "p99"), (0.999, "p99.9"))
    shown = [f"{name}={ordered[int(share * (len(ordered) - 1))] / 1000:.2f}s" for share, name in marks]
    return f"n={len(ordered)} {' '.join(shown)} max={ordered[-1] / 1000:.1f}s"


def _print_shortest(ran: Ran, seed: int) -> None:
    print(f"\nlooking for the shortest trace of world {ran.plan.seed} (seed {seed})", file=sys.stderr)
    shortest = shrunk(ran.plan, ran)
    print(f"\nseed={seed} world={ran.plan.seed} {shortest.violation or ran.violation}")
    print(f"calls: {shortest.accepted}; faults: {', '.join(shortest.fired) or 'none'}")
    if len(shortest.trace) > _LONGEST_TRACE:
        print(f"... {len(shortest.trace) - _LONGEST_TRACE} lines before")
    for line in shortest.trace[-_LONGEST_TRACE:]:
        print(line)
