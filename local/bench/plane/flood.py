"""Two hundred runners and two thousand calls, and whether a frame is lost: every line that is said at a phone must be
answered there exactly once, and in order.

The phone network's time is made shorter. Each call says lines of its own, so that an answer at another one's phone
would be seen.
"""

import asyncio
import time
from pathlib import Path
from typing import Any

from local.bench.plane.lab import Lab, Size, lab
from local.bench.plane.ledger import Tally, tally
from local.bench.report import Reading, Section, at_most, counts_of, shown
from local.bench.rig import Noise
from local.tools.processes import StackError

RUNNERS, CALLS = 200, 2_000
_SIZE = Size(runners=RUNNERS, processes=4, places=20, time_scale=0.5)
_AT_ONCE = 500
_ENDS_WITHIN_S, _ALL_WITHIN_S = 120.0, 600.0
_LOOK_EVERY_S = 1.0
_MANNERS: dict[str, Any] = {"rings_after_s": 0.1, "answers_after_s": 0.1, "hangs_up_after_s": None}


async def measure(log_dir: Path) -> Section:
    """Ends by itself, ten minutes at most after it began. Raises StackError if network or runners do not come."""
    noise, began_s = Noise(), time.monotonic()
    async with lab(_SIZE, log_dir) as ready:
        registered_s = time.monotonic() - began_s
        began_s, ended = time.monotonic(), 0
        places = asyncio.Semaphore(_AT_ONCE)
        calls = [asyncio.create_task(_one(ready, places, turn)) for turn in range(CALLS)]
        done, late = await asyncio.wait(calls, timeout=_ALL_WITHIN_S)
        for call in late:
            call.cancel()
        ended = sum(call.result() for call in done)
        taken_s = time.monotonic() - began_s
        counted = Tally()
        for turn in range(CALLS):
            counted += tally(await ready.seen(_number(turn)), _lines(turn))
        asked = {why: count for why, count in ready.stand_in.why_asked.items() if why != "join"}
        refusals = ready.stand_in.refusals
    return Section(
        f"{RUNNERS} runners in {_SIZE.processes} processes, {CALLS} calls, {_AT_ONCE} at once: is a frame lost?",
        (
            Reading("lines said at phones", str(CALLS * len(_lines(0))), f"{len(_lines(0))} a call"),
            Reading("answered there once and in order", str(counted.answered)),
            at_most("lines without their answer", CALLS * len(_lines(0)) - counted.answered, 0),
            at_most("answers too many, or out of order", counted.astray, 0),
            at_most("calls that did not come to their end", CALLS - ended, 0),
            at_most("runners lost or not dialling", sum(asked.values()), 0, note=counts_of(asked)),
            at_most("assignments refused", refusals, 0),
            Reading("taken", shown(taken_s, " s"), f"after {registered_s:.1f} s until every runner was registered"),
            Reading("noise meanwhile", "", noise.words()),
        ),
    )


async def _one(ready: Lab, places: asyncio.Semaphore, turn: int) -> bool:
    """Whether the call came to its end: the person says their lines, hears the answers and hangs up."""
    async with places:
        try:
            person = {"lines": _lines(turn), "hangs_up": True}
            room = await ready.call(_number(turn), _MANNERS | {"person": person})
        except StackError:
            return False
        ends_at = time.monotonic() + _ENDS_WITHIN_S
        while time.monotonic() < ends_at:
            await asyncio.sleep(_LOOK_EVERY_S)
            if await ready.is_over(room):
                return True
        return False


def _lines(turn: int) -> list[str]:
    """What is said in one call, and in no other."""
    return [f"{word}-{turn}" for word in ("one", "two", "three")]


def _number(turn: int) -> str:
    return f"+15557{turn:06d}"
