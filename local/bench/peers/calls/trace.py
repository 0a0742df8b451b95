"""The calls that everybody gets, and what the phones say of how they were dialled. Pure."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

CAP = 4
CALLS = 36
STRUCK_AT_CALL = 8
"""When so many were dialled, a worker is killed."""
RESTARTED_AFTER_S = 1.0
_AT_ONCE = CALLS // 2
_SPREAD_OVER_S = 12.0
_SHORTEST_S, _LONGEST_S = 1.0, 3.0
_SEED = 7


@dataclass(frozen=True, slots=True)
class TracedCall:
    """A call that is asked for `at_s` after the beginning, and takes `lasts_s` once it is dialled."""

    call_id: str
    at_s: float
    lasts_s: float


@dataclass(frozen=True, slots=True)
class Dialled:
    """A line in use for a call, in seconds of one clock."""

    call_id: str
    began_at: float
    ended_at: float


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of the calls. `most_lines` is how many were in use at once; `idle_share` is that of the lines which
    nobody used while calls waited."""

    lost: int
    doubled: int
    most_lines: int
    idle_share: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one run went. `leaked` lines are held at its end although no phone is up; `note` is for the reader."""

    tally: Tally
    leaked: int
    note: str = ""


def trace() -> list[TracedCall]:
    """The same each time: half of the calls at once, and the others by and by."""
    chance = random.Random(_SEED)
    at_s = [0.0] * _AT_ONCE + sorted(chance.uniform(0, _SPREAD_OVER_S) for _ in range(CALLS - _AT_ONCE))
    return [TracedCall(f"call-{place}", at, chance.uniform(_SHORTEST_S, _LONGEST_S)) for place, at in enumerate(at_s)]


def tally(calls: Sequence[TracedCall], began_at: float, dials: Sequence[Dialled], cap: int = CAP) -> Tally:
    """`began_at` is when the trace began, by the clock of the dials."""
    times = Counter(dial.call_id for dial in dials)
    first = {call_id: min(dial.began_at for dial in dials if dial.call_id == call_id) for call_id in times}
    waits = [(began_at + call.at_s, first[call.call_id]) for call in calls if call.call_id in first]
    moments = sorted(
        {moment for pair in waits for moment in pair} | {m for d in dials for m in (d.began_at, d.ended_at)}
    )
    in_use = [sum(dial.began_at <= moment < dial.ended_at for dial in dials) for moment in moments]
    waited_s = idle_s = 0.0
    for place, (moment, after) in enumerate(pairwise(moments)):
        if any(since <= moment < until for since, until in waits):
            waited_s += (after - moment) * cap
            idle_s += (after - moment) * max(0, cap - in_use[place])
    return Tally(
        lost=sum(call.call_id not in times for call in calls),
        doubled=sum(count - 1 for count in times.values()),
        most_lines=max(in_use, default=0),
        idle_share=idle_s / waited_s if waited_s else 0.0,
    )
