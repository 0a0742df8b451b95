"""Measures what the design has budgets for, and prints one table. Nothing is asserted: the exit code is 0 whatever the
numbers are, and 1 only if something could not be measured at all. docs/benchmarks.md says how to read it.

    python -m local.bench
"""

import asyncio
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from local.aws import build
from local.bench import fairness, handoff, imports, wire
from local.bench.report import Section, show
from local.bench.rig import CAP, Noise, rig
from local.stack.lifecycle import running_stack
from local.stack.record import Stack
from local.stack.wishes import Wishes
from local.tools.places import LOCAL
from local.tools.processes import StackError


async def _measure_calls(stack: Stack, tell: Callable[[str], None]) -> list[Section]:
    async with rig(stack) as ready:
        tell(f"{handoff.SAMPLES} hand-offs on {CAP} lines")
        drained = await handoff.measure(ready)
        tell("counting what one call costs")
        return [await wire.measure(ready), drained]


async def _measure_fairness(stack: Stack, tell: Callable[[str], None]) -> Section:
    """Measures on a stack of its own, because ten thousand calls stay in its queue, and because counting what a
    call costs leaves the functions with an address that is gone."""
    async with rig(stack) as ready:
        tell(f"first calls beside {fairness.WAITING} waiting ones")
        return await fairness.measure(ready)


def _bench(console: Console) -> None:
    began, noise = time.monotonic(), Noise()
    with console.status("building what has changed"):
        built = build.build_all()
    with console.status("importing every handler, many times"):
        imported = imports.measure(built)
    with console.status("bringing up the stack") as status:
        wishes = Wishes(state_dir=LOCAL / "bench", port=0, cap=CAP)
        with running_stack(wishes, status.update) as stack:
            calls = asyncio.run(_measure_calls(stack, status.update))
        with running_stack(wishes, status.update) as stack:
            calls.append(asyncio.run(_measure_fairness(stack, status.update)))
    caption = (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, Python {sys.version.split()[0]}, {sys.platform}; "
        f"{time.monotonic() - began:.0f} s in all; {noise.words()}"
    )
    show(console, "Ringline's budgets, measured", caption, [imported, *calls])


def main() -> int:
    # A terminated benchmark takes its stack down, like an interrupted one.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=150)  # a log or a file: nothing to fit into
    try:
        _bench(console)
    except (StackError, BotoCoreError, ClientError, TimeoutError) as error:
        console.print(f"[bold red]Not measured:[/] {error}")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
