"""Measures what the design has budgets for, and prints one table. Nothing is asserted: the exit code is 0 whatever the
numbers are, and 1 only if something could not be measured at all. docs/benchmarks.md says how to read it.

    python -m local.bench
"""

import asyncio
import sys
from copy import replace

from local.aws import build
from local.bench import fairness, handoff, imports, wire
from local.bench.report import Section
from local.bench.rig import CAP, rig
from local.bench.run import Tell, run
from local.stack.carrier_secrets import sandbox_secrets
from local.stack.lifecycle import running_stack
from local.stack.record import Stack
from local.stack.wishes import Wishes
from local.tools.places import LOCAL


async def _measure_calls(stack: Stack, tell: Tell) -> list[Section]:
    async with rig(stack) as ready:
        tell(f"{handoff.SAMPLES} hand-offs on {CAP} lines")
        drained = await handoff.measure(ready)
        tell("counting what one call costs")
        return [await wire.measure(ready), drained]


async def _measure_fairness(stack: Stack, tell: Tell) -> Section:
    """Measures on a stack of its own, because ten thousand calls stay in its queue, and because counting what a
    call costs leaves the functions with an address that is gone."""
    async with rig(stack) as ready:
        tell(f"first calls beside {fairness.WAITING} waiting ones")
        return await fairness.measure(ready)


def _measure(tell: Tell) -> list[Section]:
    tell("building what has changed")
    built = build.build_all()
    tell("importing every handler, many times")
    imported = imports.measure(built)
    tell("bringing up the stack")
    # Where Twilio reports without the call's name, it costs a request to LiveKit more (docs/scale.md).
    carriers = replace(sandbox_secrets(), twilio_auth_token="")
    wishes = Wishes(state_dir=LOCAL / "bench", port=0, cap=CAP, carrier_secrets=carriers)
    with running_stack(wishes, tell) as stack:
        calls = asyncio.run(_measure_calls(stack, tell))
    with running_stack(wishes, tell) as stack:
        return [imported, *calls, asyncio.run(_measure_fairness(stack, tell))]


if __name__ == "__main__":
    sys.exit(run("Ringline's budgets, measured", _measure))
