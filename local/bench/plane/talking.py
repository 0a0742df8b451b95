"""What a conversation in text costs beside its brain: the time between a caller's last word and the first word of the
answer, and the load of the process that holds the bridges.

The brain says back at once what it hears, in a process of its own. The phones say when the last word of each side was
heard. What the sandbox takes on purpose for hearing and speaking is left out: the pause after which a caller is taken
to have finished, and the time that the one word of the answer takes. What is left has the bridge both ways, the runner,
the rules of the conversation, and the lateness of two timers.
"""

import asyncio
from pathlib import Path
from typing import Any

import psutil

from local.bench.plane.floor import round_trips_ms
from local.bench.plane.lab import Lab, Size, lab
from local.bench.plane.ledger import answer_gaps_s
from local.bench.report import Reading, Section, at_most, percentile, shown
from local.bench.rig import Noise
from local.phones.speech.talking import ENDPOINT_S, WORDS_PER_S
from local.tools.processes import StackError

_FEW, _MANY = 10, 50
_SIZE = Size(runners=5, processes=1, places=2 * _MANY)
_FEW_TALK_S, _MANY_TALK_S, _IDLE_S = 40.0, 20.0, 5.0
_BUDGET_MS = 150
_LINES = 200
"""More than anybody gets to say here."""
_MANNERS: dict[str, Any] = {
    "rings_after_s": 0.1,
    "answers_after_s": 0.2,
    "hangs_up_after_s": None,
    "person": {"lines": ["Hello"] * _LINES},
}
_HEARING_AND_SPEAKING_S = ENDPOINT_S + 1 / WORDS_PER_S
_FEWS_NUMBER, _MANYS_NUMBER = "+15550100788", "+15550100789"
_TALKING_WITHIN_S = 60.0


async def measure(log_dir: Path) -> list[Section]:
    """The share, and the load. Raises StackError if the calls do not come to talk."""
    async with lab(_SIZE, log_dir) as ready:
        network = psutil.Process(ready.network.pid)
        idle_s, before_bytes = await _processor_s(network, _IDLE_S), network.memory_info().rss
        share = await _few_talk(ready)
        return [share, await _many_talk(ready, network, idle_s, before_bytes)]


async def _few_talk(ready: Lab) -> Section:
    floor_ms, noise = await round_trips_ms(), Noise()
    await _until_talking(ready, _FEWS_NUMBER, _FEW)
    await asyncio.sleep(_FEW_TALK_S)
    seen, words = await ready.seen(_FEWS_NUMBER), noise.words()
    for call in seen:
        await ready.phones("POST", f"/calls/{call['id']}/hangup")
    taken_ms = _shares_ms(seen)
    usual_ms, slow_ms = percentile(taken_ms, 50), percentile(taken_ms, 99)
    return Section(
        f"caller's last word to the first word back, without STT, TTS and brain: {_FEW} calls, {len(taken_ms)} answers",
        (
            Reading("a frame there and back in one loop, p50", shown(percentile(floor_ms, 50), " ms"), "the floor"),
            Reading("p99", shown(percentile(floor_ms, 99), " ms"), f"{len(floor_ms)} round trips"),
            Reading("last word to first word, p50", shown(usual_ms, " ms"), _ratio(usual_ms, floor_ms, 50)),
            at_most("p99", slow_ms, _BUDGET_MS, " ms", _ratio(slow_ms, floor_ms, 99)),
            Reading("least and most", f"{taken_ms[0]:.1f} .. {taken_ms[-1]:.1f} ms", "two timers' lateness included"),
            Reading("noise meanwhile", "", words),
        ),
    )


async def _many_talk(ready: Lab, network: psutil.Process, idle_s: float, before_bytes: int) -> Section:
    await _until_talking(ready, _MANYS_NUMBER, _MANY)
    noise, turns = Noise(), -_turns(await ready.seen(_MANYS_NUMBER))
    busy_s, after_bytes = await _processor_s(network, _MANY_TALK_S), network.memory_info().rss
    words, seen = noise.words(), await ready.seen(_MANYS_NUMBER)
    turns += _turns(seen)
    per_call_ms = 1000 * (busy_s / _MANY_TALK_S - idle_s / _IDLE_S) / _MANY
    taken_ms = _shares_ms(seen)
    return Section(
        f"the phone network's process, which holds the bridges: {_MANY} calls talking at once",
        (
            Reading(
                "processor time of a second of a call",
                shown(per_call_ms, " ms"),
                f"{turns / _MANY_TALK_S:.0f} turns a second in all; phones and persons included",
            ),
            Reading("of a turn", shown(per_call_ms * _MANY * _MANY_TALK_S / turns, " ms")),
            Reading("of a second without calls", shown(round(1000 * idle_s / _IDLE_S, 3), " ms")),
            Reading(
                "memory of a call",
                shown((after_bytes - before_bytes) / _MANY / 1024, " KB"),
                f"{before_bytes / 2**20:.0f} MB without any, {after_bytes / 2**20:.0f} MB with them",
            ),
            Reading("last word to first word meanwhile, p50", shown(percentile(taken_ms, 50), " ms")),
            at_most("p99", percentile(taken_ms, 99), _BUDGET_MS, " ms", f"{len(taken_ms)} answers"),
            Reading("noise meanwhile", "", words),
        ),
    )


async def _until_talking(ready: Lab, number: str, calls: int) -> None:
    """Places the calls, and returns when each was answered by its agent. Raises StackError."""
    await asyncio.gather(*(ready.call(number, _MANNERS) for _ in range(calls)))
    ends_at = asyncio.get_running_loop().time() + _TALKING_WITHIN_S
    while _answered(await ready.seen(number)) < calls:
        if asyncio.get_running_loop().time() > ends_at:
            raise StackError(f"not all of {calls} calls talked within {_TALKING_WITHIN_S:.0f} s")
        await asyncio.sleep(0.1)


def _answered(calls: list[dict[str, Any]]) -> int:
    return sum(any(words["who"] == "agent" for words in call["words"]) for call in calls)


def _turns(calls: list[dict[str, Any]]) -> int:
    return sum(words["who"] == "agent" for call in calls for words in call["words"])


def _shares_ms(calls: list[dict[str, Any]]) -> list[float]:
    return sorted(1000 * (gap - _HEARING_AND_SPEAKING_S) for call in calls for gap in answer_gaps_s(call))


async def _processor_s(process: psutil.Process, during_s: float) -> float:
    before = process.cpu_times()
    await asyncio.sleep(during_s)
    after = process.cpu_times()
    return float(after.user + after.system - before.user - before.system)


def _ratio(taken_ms: float, floor_ms: list[float], percent: int) -> str:
    return f"{shown(taken_ms / percentile(floor_ms, percent))}x the floor's"
