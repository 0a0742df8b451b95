"""Measures the agent plane and prints one table, as `python -m local.bench` does for the calls themselves.

    python -m local.bench.plane [name of a part ...]

The parts are handoff, killed, costs, talking and flood; all of them where none is named.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from local.bench.plane import costs, flood, handoff, killed, talking
from local.bench.plane.ground import ground
from local.bench.report import Section
from local.bench.rig import CAP, Rig, rig
from local.bench.run import Tell, run
from local.stack.lifecycle import running_stack
from local.stack.record import Stack
from local.stack.wishes import Wishes
from local.tools.places import LOCAL

_CAP = 10
"""Of the account whose runners die."""


async def _handoff(ready: Rig) -> list[Section]:
    return [await handoff.measure(ready)]


async def _killed(ready: Rig) -> list[Section]:
    return [await killed.measure(await ground(ready, _CAP, "mortal"))]


async def _costs(ready: Rig) -> list[Section]:
    return [await costs.measure(ready)]


# Counting the costs leaves the functions with an address that is gone, so it comes last.
_PARTS: Mapping[str, Callable[[Rig], Awaitable[list[Section]]]] = {
    "handoff": _handoff,
    "killed": _killed,
    "costs": _costs,
}
_TALKING, _FLOOD = "talking", "flood"


async def _on_the_stack(stack: Stack, parts: list[str], tell: Tell) -> list[Section]:
    sections = []
    async with rig(stack) as ready:
        for part in parts:
            tell(f"measuring: {part}")
            sections += await _PARTS[part](ready)
    return sections


def _measure(wanted: frozenset[str], tell: Tell) -> list[Section]:
    wishes, sections = Wishes(state_dir=LOCAL / "bench", port=0, cap=CAP), []
    if parts := [part for part in _PARTS if part in wanted]:
        tell("bringing up the stack")
        with running_stack(wishes, tell) as stack:
            sections += asyncio.run(_on_the_stack(stack, parts, tell))
    if _TALKING in wanted:
        tell("measuring: talking")
        sections += asyncio.run(talking.measure(wishes.state_dir / "lab"))
    if _FLOOD in wanted:
        tell(f"{flood.RUNNERS} runners and {flood.CALLS} calls")
        sections.append(asyncio.run(flood.measure(wishes.state_dir / "lab")))
    return sections


def main() -> int:
    every = frozenset({*_PARTS, _TALKING, _FLOOD})
    wanted = frozenset(sys.argv[1:]) or every
    if unknown := wanted - every:
        print(f"there is no part {', '.join(sorted(unknown))}; there are {', '.join(sorted(every))}")
        return 1
    return run("The agent plane, measured", partial(_measure, wanted))


if __name__ == "__main__":
    sys.exit(main())
