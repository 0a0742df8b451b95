"""Measures what one account feels of another's floods, and prints one table, as `python -m local.bench` does.

    python -m local.bench.abuse [--samples 30] [--within 300] [name of a flood ...]

With each flood and without it by turns, so that whatever else the machine does falls on both. All floods where none is
named. Each takes `--within` seconds at most, and a turn more: on a busy machine there are fewer samples, and the table
says how many. Nothing is asserted.
"""

import argparse
import asyncio
import math
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from copy import replace
from dataclasses import dataclass, field
from functools import partial

from local.bench.abuse.floods import A_SECOND, Send, Sent, dead_endpoints, drained, flooded, floods_of
from local.bench.abuse.victim import HEARD_WITHIN_S, Felt, feel, get_ready
from local.bench.report import Reading, Section, percentile, shown
from local.bench.rig import CAP, Noise, Rig, rig
from local.bench.run import Tell, run
from local.stack.lifecycle import running_stack
from local.stack.record import Stack
from local.stack.seed import seed
from local.stack.wishes import Wishes
from local.tools.places import LOCAL

_A_TURN = 5
"""Samples between two changes from with to without."""
_BEGINS_WITHIN_S, _RESTS_S = 1.0, 2.0
_WARM_UP = 4
_FELT: Sequence[tuple[str, Callable[[Felt], float | None]]] = (
    ("request for a call answered", lambda felt: felt.request),
    ("call: request to INVITE", lambda felt: felt.call),
    ("hook of LiveKit's answered", lambda felt: felt.hook),
    ("webhook: end to call_end", lambda felt: felt.webhook),
)


@dataclass(slots=True)
class _Samples:
    """`lost` are those that the stack did not answer."""

    felt: list[Felt] = field(default_factory=list)
    lost: int = 0

    async def take(self, victim: Rig, samples: int, until: float = math.inf) -> None:
        """So many samples, or fewer where the moment (of time.monotonic) comes before."""
        for _ in range(samples):
            if time.monotonic() > until:
                return
            if (felt := await feel(victim)) is None:
                self.lost += 1
            else:
                self.felt.append(felt)


async def _beside(name: str, send: Send, victim: Rig, flooder: Rig, samples: int, within_s: float) -> Section:
    noise, sent = Noise(), Sent()
    without, beside = _Samples(), _Samples()
    until, left = time.monotonic() + within_s, 0
    for _ in range(-(-samples // _A_TURN)):
        # Half of the time for each, so that there is never one without the other.
        now = time.monotonic()
        await without.take(victim, _A_TURN, now + (until - now) / 2)
        dead: AbstractAsyncContextManager[None] = nullcontext()
        if name == "dead endpoints":
            dead = dead_endpoints(flooder)
        async with dead, flooded(send, sent):
            await asyncio.sleep(_BEGINS_WITHIN_S)
            await beside.take(victim, _A_TURN, until)
        left = await drained(flooder)
        if time.monotonic() > until:
            break
        await asyncio.sleep(_RESTS_S)
    readings = [_reading(what, _sorted(without, of), _sorted(beside, of)) for what, of in _FELT]
    lost = Reading("samples that were not answered in time", f"{without.lost} -> {beside.lost}")
    late = Reading(f"webhooks not heard within {HEARD_WITHIN_S:.0f} s", f"{_late(without)} -> {_late(beside)}")
    if left:
        readings.append(Reading("calls of the flooder that waited on", str(left)))
    noted = Reading("noise meanwhile", "", noise.words())
    return Section(
        f"beside {name}, {A_SECOND} a second ({len(beside.felt)} samples with, {len(without.felt)} without)",
        (*readings, late, lost, Reading("the flood was answered", str(sent.answers.total()), sent.words), noted),
    )


def _sorted(samples: _Samples, of: Callable[[Felt], float | None]) -> list[float]:
    return sorted(ms for felt in samples.felt if (ms := of(felt)) is not None)


def _late(samples: _Samples) -> int:
    return sum(felt.webhook is None for felt in samples.felt)


def _reading(what: str, without_ms: list[float], beside_ms: list[float]) -> Reading:
    if not without_ms or not beside_ms:
        said = (shown(round(percentile(each, 99))) if each else "none" for each in (without_ms, beside_ms))
        return Reading(f"{what}, p99", f"{' -> '.join(said)} ms", "not to be compared")
    usual, beside = (percentile(each, 99) for each in (without_ms, beside_ms))
    medians = (percentile(each, 50) for each in (without_ms, beside_ms))
    p50s = " -> ".join(shown(round(each), " ms") for each in medians)
    return Reading(f"{what}, p99", f"{usual:.0f} -> {beside:.0f} ms", f"x {beside / usual:.2f}; p50 {p50s}")


async def _measure_on(stack: Stack, wanted: Sequence[str], samples: int, within_s: float, tell: Tell) -> list[Section]:
    async with rig(stack) as victim:
        made = await asyncio.to_thread(seed, stack.table_name, stack.emulator_url, CAP)
        theirs = replace(
            stack,
            api_key=str(made["api_key"]),
            account_id=str(made["account_id"]),
            org_handle=str(made["org_handle"]),
            pipe_id=str(made["pipe_id"]),
        )
        flooder = replace(victim, stack=theirs)
        await get_ready(victim)
        floods = await floods_of(flooder)
        await _Samples().take(victim, _WARM_UP)
        sections = []
        for name in wanted or floods:
            tell(f"beside {name}")
            sections.append(await _beside(name, floods[name], victim, flooder, samples, within_s))
        return sections


def _measure(wanted: Sequence[str], samples: int, within_s: float, tell: Tell) -> list[Section]:
    tell("bringing up the stack")
    with running_stack(Wishes(state_dir=LOCAL / "bench", port=0, cap=CAP), tell) as stack:
        return asyncio.run(_measure_on(stack, wanted, samples, within_s, tell))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m local.bench.abuse", description="Another account's floods.")
    parser.add_argument("--samples", type=int, default=30, help="of each flood, with it and without it")
    parser.add_argument("--within", type=float, default=300.0, metavar="S", help="for each flood, at most")
    parser.add_argument("floods", nargs="*", metavar="FLOOD")
    asked = parser.parse_args()
    return run(
        "What an account feels of another's floods", partial(_measure, asked.floods, asked.samples, asked.within)
    )


if __name__ == "__main__":
    sys.exit(main())
