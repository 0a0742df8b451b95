"""Runs the sweep of a deployment that begins a thousand calls a second for ten thousand accounts, as one run did all of
it, and as shares that several runs work on; prints when what is overdue is mended by each.

    python -m local.bench.sweep [--calls-per-second 1000] [--accounts 10000]

Requests to the table take 5 ms and go on side by side as they do in the function; what the function's processor takes
is measured here and counted as 3.5 times as much, because 512 MB have so small a share of one. Runs that go on at the
same time are measured one after the other, and put side by side afterwards.
"""

import argparse
import heapq
import math
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from unittest import mock

from rich.console import Console

from local.bench.report import Reading, Section, percentile, show, shown
from local.bench.sweep.load import CALL_LASTS_S, FREE_ONE_IN, LOST_ONE_IN, Load, busy
from local.bench.sweep.runs import Ran, own_run, run_of
from ringline.calls.mending import sweep
from ringline.calls.mending.shares import USUAL, Sizes
from ringline.runtime.table import DUE_SHARD, shard_for

_AT_ONCE, _A_BATCH = 20, 10
"""Runs that the queue of looks has going at a time, and how many messages come to one: as the template says."""
_HEARD_AFTER_S = 1.0
"""From a share's message to a run that works on it, where a new copy of the function begins."""
_TIMEOUT_S = 50
_NEVER_S = 1e9
_ALL = 1 << 30
_ONE_RUN = Sizes(own_calls=_ALL, calls_a_share=_ALL, own_marks=_ALL, marks_a_share=_ALL)
_MOST_OF_ONE_RUN = 5_000
"""How many keys of what was due one run took on, when one did all of it."""
_INDEX_WRITES_A_CALL = 2
"""A call comes into the list with its claim, and goes from it once its end is told."""
_KEY_TAKES = 1_000
"""Writes a second on one key, by AWS's documentation."""


@dataclass(frozen=True, slots=True)
class Mended:
    """What a minute's work came to, in seconds from its begin."""

    runs: int
    longest_run_s: float
    read_units: float
    livekit_requests: int
    ended_s: list[float]
    rung_s: list[float]


def by_one_run(load: Load) -> Mended:
    """As one run did all of it: so many keys a minute, then the accounts that wait, in their order."""
    with mock.patch.object(sweep, "MAX_DUE", _MOST_OF_ONE_RUN):
        ran = own_run(load, _ONE_RUN, in_shards=False)
    return _together(load, [(0.0, ran)])


def by_shares(load: Load, *, in_shards: bool) -> Mended:
    """As several runs do it, side by side."""
    first = own_run(load, USUAL, in_shards=in_shards)
    batches = [first.shares[start : start + _A_BATCH] for start in range(0, len(first.shares), _A_BATCH)]
    free_at = [_HEARD_AFTER_S] * _AT_ONCE
    runs = [(0.0, first)]
    for batch in batches:
        begins = heapq.heappop(free_at)
        ran = run_of(load, batch, USUAL, in_shards=in_shards)
        heapq.heappush(free_at, begins + ran.took_s)
        runs.append((begins, ran))
    return _together(load, runs)


def _together(load: Load, runs: Sequence[tuple[float, Ran]]) -> Mended:
    ended = [begins + at for begins, ran in runs for key, at in ran.ended_s.items() if key in load.lost]
    first_rung: dict[str, float] = {}
    for begins, ran in runs:
        for account_id, at in ran.rung_s.items():
            if account_id in load.to_ring:
                first_rung[account_id] = min(begins + at, first_rung.get(account_id, _NEVER_S))
    return Mended(
        runs=len(runs),
        longest_run_s=max(ran.took_s for _, ran in runs),
        read_units=sum(ran.read_units for _, ran in runs),
        livekit_requests=sum(ran.livekit_requests for _, ran in runs),
        ended_s=sorted(ended),
        rung_s=sorted(first_rung.values()),
    )


def section(title: str, load: Load, mended: Mended) -> Section:
    each = mended.read_units / (load.due + load.accounts)
    ended, rung = len(mended.ended_s), len(mended.rung_s)
    return Section(
        title,
        (
            Reading(
                "runs of the function",
                f"{mended.runs}",
                f"the longest takes {mended.longest_run_s:.1f} s of {_TIMEOUT_S}",
            ),
            Reading("calls that have lost their end, mended", f"{ended} of {len(load.lost)}", "in this minute"),
            Reading("  after its begin", *_spread(mended.ended_s)),
            Reading("  until all of them are", _until_all(mended, load), "a run a minute, and no more come"),
            Reading("accounts with a lost bell, rung for", f"{rung} of {len(load.to_ring)}", "in this minute"),
            Reading("  after its begin", *_spread(mended.rung_s)),
            Reading("read units", shown(mended.read_units), f"{each:.2f} a call that is due or account that waits"),
            Reading("LiveKit requests", f"{mended.livekit_requests}", "a room that is closed is one"),
        ),
    )


def _until_all(mended: Mended, load: Load) -> str:
    if len(mended.ended_s) == len(load.lost):
        return shown(max(mended.ended_s, default=0), " s")
    minutes = math.ceil(len(load.lost) / max(1, len(mended.ended_s)))
    return f"{minutes} min"


def _spread(seconds: Sequence[float]) -> tuple[str, str]:
    if not seconds:
        return "-", ""
    return f"{percentile(seconds, 50):.1f} s", f"p99 {percentile(seconds, 99):.1f} s, the last {seconds[-1]:.1f} s"


def writes(calls_per_second: int, accounts: Iterable[str]) -> Section:
    """How many writes a second the busiest key of the due index gets, of accounts that call alike."""
    names = list(accounts)
    in_shard = Counter(shard_for(name, DUE_SHARD, in_shards=True) for name in names)
    total = calls_per_second * _INDEX_WRITES_A_CALL
    busiest = total * max(in_shard.values()) / len(names)
    return Section(
        "Writes a second on the busiest key of the due index",
        (
            Reading("one list", shown(total), f"{total / _KEY_TAKES:.1f} times what a key takes"),
            Reading("in shards", shown(busiest), f"of {_KEY_TAKES} that a key takes"),
        ),
    )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="local.bench.sweep", description=__doc__)
    parser.add_argument("--calls-per-second", type=int, default=1_000)
    parser.add_argument("--accounts", type=int, default=10_000)
    asked = parser.parse_args(arguments)
    rate, accounts = asked.calls_per_second, asked.accounts
    sections = []
    for title, in_shards in (
        ("One run for all of it, as it was", None),
        ("Shares, one list", False),
        ("Shares, in shards", True),
    ):
        load = busy(rate, accounts, in_shards=bool(in_shards))
        mended = by_one_run(load) if in_shards is None else by_shares(load, in_shards=in_shards)
        sections.append(section(title, load, mended))
    sections.append(writes(rate, (f"acct_{number:05}" for number in range(accounts))))
    caption = (
        f"{rate} calls a second of {CALL_LASTS_S} s, {load.due} of them due; 1 of {LOST_ONE_IN} has lost its end. "
        f"{accounts} accounts, all with calls that wait; 1 of {FREE_ONE_IN} has a line free and a bell that was lost."
    )
    show(Console(width=150), "The sweep under load", caption, sections)
    return 0


if __name__ == "__main__":
    sys.exit(main())
