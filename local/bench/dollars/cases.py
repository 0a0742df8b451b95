"""Dollars of a million calls, case by case: who waits for the phone, how the call ends, how long its instructions are,
and whether its customer polls.

Everything but the wait is counted on the one-machine stack, with phones that answer at once; the wait is that of phones
on the network. Each case is the last of three calls, so that cold starts are in none.
"""

import asyncio
import math
from collections.abc import Mapping, Sequence
from copy import replace
from dataclasses import dataclass, field
from typing import Any

from local.bench.dollars.meter import Counted, Meter
from local.bench.dollars.prices import (
    PRICED_ON,
    REGION,
    Usage,
    by_service,
    computing_s,
    container_month,
    per_million,
)
from local.bench.report import Reading, Section, at_most, counts_of, shown
from local.bench.rig import SILENT_AGENT, TEXT_KB, Rig, some_text, until
from local.bench.wire import Recorder, recording
from local.stack.wishes import CONTAINER, FUNCTION, Wishes

_WARM_UPS = 2
_OVER_WITHIN_S = 120.0
_QUIET_S = 2.0
_POLLS = 20
POLLED_FOR_S = 60
"""How long a customer asks once a second for a call that takes so long."""

_ANSWERED, _BUSY, _NO_ANSWER = "answered", "busy", "no answer"
RINGS_FOR_S = {_ANSWERED: 15.0, _BUSY: 3.0, _NO_ANSWER: 30.0}
"""From the dial to what comes of it, on the network: phones that are picked up ring for some 15 s, a refusal takes the
way through the carriers, and 30 s is the ring time-out where nobody says otherwise."""
AGENT_COMES_S = 0.4
"""Before the dial; no dialer dials before its agent is there."""
MIX = {_ANSWERED: 0.55, _NO_ANSWER: 0.35, _BUSY: 0.10}
"""What a million calls are made of where one number is shown for all."""

_CALLEE = "+15550100781"
_MANNERS: Mapping[str, Mapping[str, Any]] = {
    _ANSWERED: {"rings_after_s": 0.1, "answers_after_s": 0.5, "hangs_up_after_s": 2.0},
    _BUSY: {"rings_after_s": None, "refusal": 486},
    _NO_ANSWER: {"rings_after_s": 0.1, "answers_after_s": None},
}
_SHORTEST_RING_S = 5
_BUDGETS = {"carrier tells": 66.0, "container": 50.0}

_TASKS, _TASK_VCPU, _TASK_GB = 2, 0.5, 1.0
"""The containers that the template makes without another word."""


@dataclass(frozen=True, slots=True)
class Way:
    """Who waits for the phone, as a stack is told, and for how long a function does at the most."""

    name: str
    dialer: str
    answer_from: str
    function_waits_s: float = math.inf

    def wished(self, wishes: Wishes) -> Wishes:
        return replace(wishes, dialer=self.dialer, answer_from=self.answer_from)


WAYS = (
    Way("dialer waits", FUNCTION, "dialer"),
    Way("carrier tells", FUNCTION, "carrier", function_waits_s=AGENT_COMES_S),
    Way("container", CONTAINER, "dialer", function_waits_s=0.0),
)


@dataclass(slots=True)
class Measured:
    """What calls of one way used: by how they ended, by the KB of their instructions, and one poll."""

    ends: dict[str, Counted] = field(default_factory=dict)
    with_text: dict[int, Usage] = field(default_factory=dict)
    poll: Usage = field(default_factory=Usage)


async def measure(rig: Rig, way: Way) -> Measured:
    """Raises StackError if a call does not come to its end."""
    measured = Measured()
    async with recording(rig.stack) as recorder:
        for end in RINGS_FOR_S:
            counted = await _counted(rig, recorder, end)
            held_s = min(AGENT_COMES_S + RINGS_FOR_S[end], way.function_waits_s)
            measured.ends[end] = Counted(counted.usage.plus(Usage(held_s=held_s)), counted.logged)
        if way is WAYS[0]:
            for kb in TEXT_KB:
                usage = (await _counted(rig, recorder, _ANSWERED, instructions=some_text(kb))).usage
                measured.with_text[kb] = usage.plus(Usage(held_s=measured.ends[_ANSWERED].usage.held_s))
            measured.poll = await _one_poll(rig, recorder)
    return measured


async def _counted(rig: Rig, recorder: Recorder, end: str, **asks: Any) -> Counted:
    await rig.phones("PUT", f"/numbers/{_CALLEE}", {**_MANNERS[end], **SILENT_AGENT})
    if end == _NO_ANSWER:
        asks["ring_timeout_s"] = _SHORTEST_RING_S
    for _ in range(_WARM_UPS):
        await _one_call(rig, recorder, asks)
    meter = await asyncio.to_thread(Meter, rig.stack, recorder)
    await _one_call(rig, recorder, asks)
    return await meter.read()


async def _one_call(rig: Rig, recorder: Recorder, asks: Mapping[str, Any]) -> None:
    call_id = await rig.create_call(_CALLEE, **asks)
    await until(f"the webhook of {call_id}", lambda: call_id in rig.heard_at, _OVER_WITHIN_S)
    await _quiet(recorder)


async def _quiet(recorder: Recorder) -> None:
    loop = asyncio.get_running_loop()
    await until("the wire to be quiet", lambda: loop.time() - recorder.record.last_at_s > _QUIET_S, 60)


async def _one_poll(rig: Rig, recorder: Recorder) -> Usage:
    call_id = await rig.create_call(_CALLEE)
    await until("the call's webhook", lambda: call_id in rig.heard_at, _OVER_WITHIN_S)
    await rig.api("GET", f"/v1/calls/{call_id}", None)
    await _quiet(recorder)
    meter = await asyncio.to_thread(Meter, rig.stack, recorder)
    for _ in range(_POLLS):
        await rig.api("GET", f"/v1/calls/{call_id}", None)
    return (await meter.read()).usage.times(1 / _POLLS)


def sections(by_way: Mapping[str, Measured]) -> list[Section]:
    waits = by_way[WAYS[0].name]
    return [
        Section(
            f"dollars of a million calls on AWS, list prices of {REGION}, {PRICED_ON}",
            tuple(line for name, measured in by_way.items() for line in _of_way(name, measured)),
        ),
        Section(
            "what is longer, and who asks, where the dialer waits for the answer",
            (
                *(
                    Reading(
                        f"answered, {kb} KB of instructions",
                        _dollars(usage),
                        f"{shown(usage.write_units)} write units; {_of_what(usage)}",
                    )
                    for kb, usage in waits.with_text.items()
                ),
                Reading(
                    f"polled each second for {POLLED_FOR_S} s, more",
                    _dollars(waits.poll.times(POLLED_FOR_S)),
                    _of_what(waits.poll.times(POLLED_FOR_S)),
                ),
            ),
        ),
    ]


def _of_way(name: str, measured: Measured) -> Sequence[Reading]:
    usages = {end: counted.usage for end, counted in measured.ends.items()}
    mixed = Usage()
    for end, share in MIX.items():
        mixed = mixed.plus(usages[end].times(share))
    lines = [Reading(f"{name}, {end}", _dollars(usage), _of_what(usage)) for end, usage in usages.items()]
    logged, usage = measured.ends[_ANSWERED].logged, usages[_ANSWERED]
    runs = {function.removesuffix("Function"): count for function, count in logged.runs.items()}
    lines.append(Reading("  runs of an answered call", shown(logged.runs.total()), counts_of(runs)))
    lines.append(
        Reading(
            "  log bytes of it",
            shown(logged.all_bytes),
            f"{logged.own_bytes} our own; processor {1000 * usage.cpu_s:.0f} ms, computing {computing_s(usage):.2f} s",
        )
    )
    what = f"{name}, " + ", ".join(f"{share:.0%} {end}" for end, share in MIX.items())
    if name in _BUDGETS:
        lines.append(at_most(what, per_million(mixed), _BUDGETS[name], "", _of_what(mixed)))
    else:
        lines.append(Reading(what, _dollars(mixed), _of_what(mixed)))
    if usage.container_cpu_s:
        month = container_month(_TASKS, _TASK_VCPU, _TASK_GB)
        lines.append(
            Reading(
                "  and its containers",
                f"${month:.0f} a month",
                f"{_TASKS} of {_TASK_VCPU} vCPU; processor {1000 * usage.container_cpu_s:.0f} ms an answered call: "
                f"{_TASKS * _TASK_VCPU / usage.container_cpu_s:.0f} calls/s at the most",
            )
        )
    return lines


def _dollars(usage: Usage) -> str:
    return f"${per_million(usage):.0f}"


def _of_what(usage: Usage) -> str:
    return counts_of({name: round(dollars, 1) for name, dollars in by_service(usage).items()})
