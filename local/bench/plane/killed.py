"""How soon a call whose runner is killed has another one: from the kill to the handshake of the next runner's bridge.

The runners that die are a process of their own, killed without a word in the middle of their calls, as by a deploy. The
one that goes on is here, and notes when its entrypoint begins.
"""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

import psutil
from unpod.connectivity.call_context import CallContext

from local.bench.plane.crowd import AtOnce
from local.bench.plane.ground import Ground
from local.bench.report import Reading, Section, at_most, percentile, shown
from local.bench.rig import Noise, call_of, until
from local.trips.runners import a_runner, running

_ROUNDS, _CALLS = 10, 2
_NUMBER = "+15550100789"
_TAKEN_WITHIN_S, _TALK_ON_S = 15.0, 5.0


class _Heir:
    """It notes when it is given a call that another one has lost."""

    def __init__(self) -> None:
        self.took_at: dict[str, float] = {}

    async def answer(self, ctx: CallContext) -> None:
        if ctx.data.get("resumed"):
            self.took_at[str(ctx.call_id)] = time.time()
        ctx.session.dialog_machine = AtOnce()
        await ctx.session.run()


async def measure(ground: Ground) -> Section:
    """Raises StackError if a call is not taken over."""
    noise = Noise()
    rounds = [await _round(ground, turn) for turn in range(_ROUNDS)]
    taken_ms = sorted(each for one in rounds for each in one.taken_ms)
    talked_on = sum(one.talked_on for one in rounds)
    return Section(
        f"runner killed in the call to the next one's handshake: {len(taken_ms)} calls, {_CALLS} lost at once",
        (
            Reading("p50", shown(percentile(taken_ms, 50), " ms"), f"least {shown(taken_ms[0], ' ms')}"),
            Reading("p99", shown(percentile(taken_ms, 99), " ms"), "the slowest; a call is given up after 5 s"),
            at_most("calls lost", len(taken_ms) - talked_on, 0, note=f"{talked_on} were answered again afterwards"),
            Reading("noise meanwhile", "", noise.words()),
        ),
    )


@dataclass(frozen=True, slots=True)
class _Round:
    taken_ms: list[float]
    talked_on: int


async def _round(ground: Ground, turn: int) -> _Round:
    heir, stack = _Heir(), ground.rig.stack
    async with ground.crowd(f"doomed-{turn}", runners=1, places=_CALLS) as doomed:
        calls = await ground.talkers(_NUMBER, _CALLS)
        async with running(stack, a_runner(stack, ground.agent_id, heir.answer)):
            psutil.Process(doomed.pid).kill()
            killed_at = time.time()
            await until("every call's next runner", lambda: len(heir.took_at) == _CALLS, _TAKEN_WITHIN_S)
            await asyncio.sleep(_TALK_ON_S)
            seen = [call for call in await ground.rig.phone_calls(_NUMBER) if call_of(call) in heir.took_at]
            await ground.hang_up(calls)
    return _Round(
        [1000 * (took_at - killed_at) for took_at in heir.took_at.values()],
        sum(_was_answered_since(call, heir.took_at[call_of(call)]) for call in seen),
    )


def _was_answered_since(call: dict[str, Any], moment: float) -> bool:
    """Words that began before the kill are heard to their end: the answer must be to something said since."""
    since = [words["who"] for words in call["words"] if words["at"] > moment]
    return call["ended_at"] is None and "agent" in since[since.index("user") :] if "user" in since else False
