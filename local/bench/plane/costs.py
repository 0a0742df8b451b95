"""What a runner's call costs on AWS beside a call whose agent reports the same by itself, and what a runner costs that
waits: counted on the wire, as every other call's cost.

Functions' runs are counted by the emulator's logs, where each run has a stream of its own. A beat of the runner during
a call is none of the call's cost and left out.
"""

import asyncio
from collections import Counter
from copy import replace
from dataclasses import dataclass
from typing import Any

from local.bench.plane.crowd import answer
from local.bench.report import Reading, Section, counts_of, shown
from local.bench.rig import Rig, Runs, SqsDeliveries
from local.bench.wire import BEAT, REPORTED, Record, Recorder, Write, of_call, one_call, recording, total
from local.stack.record import Stack
from local.trips.runners import a_runner, running

_IDLE_S = 60
_SERVES_RUNNERS = "ServeRunnersFunction"


@dataclass(frozen=True, slots=True)
class _Bill:
    """What was counted. `runs` are by function, without those that only took a beat."""

    writes: list[Write]
    beats: list[Write]
    read_units: float
    runs: Counter[str]
    sqs_sent: int
    sqs_batches: int

    @property
    def units(self) -> int:
        return total(self.writes)

    @property
    def sqs_requests(self) -> int:
        return self.sqs_sent + 2 * self.sqs_batches


async def measure(rig: Rig) -> Section:
    """Raises StackError if a call does not come to its webhook."""
    runners_rig = replace(rig, stack=replace(rig.stack, pipe_id=rig.stack.runner_pipe_id))
    async with recording(rig.stack) as recorder:
        own = await _second_call(rig, recorder)
        async with running(rig.stack, a_runner(rig.stack, rig.stack.runner_agent_id, answer)):
            runners = await _second_call(runners_rig, recorder)
            idle = await _count(rig.stack, recorder, lambda: asyncio.sleep(_IDLE_S))
    return _section(own, runners, idle)


async def _second_call(rig: Rig, recorder: Recorder) -> _Bill:
    """The first one starts the functions' processes."""
    await one_call(rig, recorder, REPORTED)
    return await _count(rig.stack, recorder, lambda: one_call(rig, recorder, REPORTED))


async def _count(stack: Stack, recorder: Recorder, happens: Any) -> _Bill:
    runs, deliveries = await asyncio.to_thread(Runs, stack), SqsDeliveries(stack)
    recorder.record = record = Record()
    await happens()
    counted = await asyncio.to_thread(runs.count)
    beats = [write for write in of_call(record) if write.item_kind == BEAT]
    counted[_SERVES_RUNNERS] -= sum(write.function == _SERVES_RUNNERS for write in beats)
    return _Bill(
        writes=[write for write in of_call(record) if write.item_kind != BEAT],
        beats=beats,
        read_units=sum(record.read_units.values()),
        runs=counted,
        sqs_sent=sum(count for name, count in record.requests.items() if name.startswith("AmazonSQS")),
        sqs_batches=deliveries.count().batches,
    )


def _section(own: _Bill, runners: _Bill, idle: _Bill) -> Section:
    return Section(
        "a runner's call beside one whose agent reports the same by itself",
        (
            _beside("write units", own.units, runners.units, _apart(_by_kind(own.writes), _by_kind(runners.writes))),
            _beside("runs of functions", own.runs.total(), runners.runs.total(), _apart(own.runs, runners.runs)),
            _beside("read units", own.read_units, runners.read_units),
            _beside("SQS requests", own.sqs_requests, runners.sqs_requests),
            Reading(
                f"a runner that waits for {_IDLE_S} s, write units",
                shown(total(idle.beats) + idle.units),
                f"{len(idle.beats)} beats; besides {counts_of(_by_kind(idle.writes)) or 'nothing'}",
            ),
            Reading(
                "runs of functions",
                shown(idle.runs.total() + len(idle.beats)),
                f"a run for each beat; besides {_named(idle.runs) or 'nothing'}",
            ),
            Reading("SQS requests, read units", f"{idle.sqs_requests}, {shown(idle.read_units)}"),
        ),
    )


def _beside(what: str, own: float, runners: float, apart: str = "") -> Reading:
    return Reading(what, shown(runners), f"{shown(own)} of the other's call, {shown(runners / own)}x{apart}")


def _apart(own: Counter[str], runners: Counter[str]) -> str:
    more, fewer = _named(runners - own), _named(own - runners)
    return (f"; more: {more}" if more else "") + (f"; fewer: {fewer}" if fewer else "")


def _named(counted: Counter[str]) -> str:
    return counts_of({name.removesuffix("Function"): count for name, count in counted.items()})


def _by_kind(writes: list[Write]) -> Counter[str]:
    units: Counter[str] = Counter()
    for write in writes:
        units[write.item_kind] += write.table_units + write.index_units
    return units
