"""Measures what more calls mean, and prints one table, as `python -m local.bench` does for the calls themselves.

    python -m local.bench.scale [name of a part ...]

The parts are dollars, claims and peers; all of them where none is named.
"""

import asyncio
import sys
from collections.abc import Callable, Mapping
from functools import partial

from local.bench.claims import claims
from local.bench.dollars import cases
from local.bench.peers import race
from local.bench.report import Section
from local.bench.rig import CAP, rig
from local.bench.run import Tell, run
from local.stack.lifecycle import running_stack
from local.stack.record import Stack
from local.stack.wishes import Wishes
from local.tools.places import LOCAL


async def _measure_way(stack: Stack, way: cases.Way) -> cases.Measured:
    async with rig(stack) as ready:
        return await cases.measure(ready, way)


def _dollars(tell: Tell) -> list[Section]:
    """One stack for each way to wait for a phone."""
    wishes, measured = Wishes(state_dir=LOCAL / "bench", port=0, cap=CAP), {}
    for way in cases.WAYS:
        with running_stack(way.wished(wishes), tell) as stack:
            tell(f"counting what calls cost: {way.name}")
            measured[way.name] = asyncio.run(_measure_way(stack, way))
    return cases.sections(measured)


_PARTS: Mapping[str, Callable[[Tell], list[Section]]] = {
    "dollars": _dollars,
    "claims": claims.measure,
    "peers": race.measure,
}


def _measure(wanted: frozenset[str], tell: Tell) -> list[Section]:
    return [section for name, part in _PARTS.items() if name in wanted for section in part(tell)]


def main() -> int:
    wanted = frozenset(sys.argv[1:]) or frozenset(_PARTS)
    if unknown := wanted - _PARTS.keys():
        print(f"there is no part {', '.join(sorted(unknown))}; there are {', '.join(_PARTS)}")
        return 1
    return run("More calls, measured", partial(_measure, wanted))


if __name__ == "__main__":
    sys.exit(main())
