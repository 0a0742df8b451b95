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
from local.bench.plane.ground import Ground
from local.bench.plane.ledger import answer_gaps_s
from local.bench.report import Reading, Section, at_most, percentile, shown
from local.bench.rig import Noise
from local.phones.speech.talking import ENDPOINT_S, WORDS_PER_S
from local.stack.record import StackRecord
from local.tools.processes import StackError

_FEW, _MANY = 10, 50
_FEW_TALK_S, _MANY_TALK_S, _IDLE_S = 40.0, 20.0, 5.0
_BUDGET_MS = 150
_NUMBER = "+15550100788"
_HEARING_AND_SPEAKING_S = ENDPOINT_S + 1 / WORDS_PER_S


async def measure(ground: Ground) -> list[Section]:
    """The share, and the load. Raises StackError if the calls do not come to talk."""
    async with ground.crowd("crowd", runners=5, places=_MANY):
        floor_ms = await round_trips_ms()
        noise = Noise()
        calls = await ground.talkers(_NUMBER, _FEW)
        await asyncio.sleep(_FEW_TALK_S)
        few_ms = _shares_ms(await _now(ground, calls))
        words = noise.words()
        await ground.hang_up(calls)
        load = await _load(ground)
    return [_share(few_ms, floor_ms, words), load]


async def _now(ground: Ground, calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    wanted = {call["id"] for call in calls}
    return [call for call in await ground.rig.phone_calls(_NUMBER) if call["id"] in wanted]


def _shares_ms(calls: list[dict[str, Any]]) -> list[float]:
    return sorted(1000 * (gap - _HEARING_AND_SPEAKING_S) for call in calls for gap in answer_gaps_s(call))


async def _load(ground: Ground) -> Section:
    network = psutil.Process(_network_pid(ground))
    idle_s = await _processor_s(network, _IDLE_S)
    before_bytes = network.memory_info().rss
    calls = await ground.talkers(_NUMBER, _MANY)
    noise = Noise()
    turns = -_turns(await _now(ground, calls))
    busy_s = await _processor_s(network, _MANY_TALK_S)
    after_bytes = network.memory_info().rss
    now = await _now(ground, calls)
    words = noise.words()
    turns += _turns(now)
    await ground.hang_up(calls)
    per_call_ms = 1000 * (busy_s / _MANY_TALK_S - idle_s / _IDLE_S) / _MANY
    shares_ms = _shares_ms(now)
    return Section(
        f"the phone network's process, which holds the bridges: {_MANY} calls talking at once",
        (
            Reading(
                "processor time per second of a call",
                shown(per_call_ms, " ms"),
                f"{turns / _MANY_TALK_S:.0f} turns a second in all; phones, persons and webhooks included",
            ),
            Reading("of a turn", shown(per_call_ms * _MANY * _MANY_TALK_S / turns, " ms")),
            Reading("of the process without calls", shown(1000 * idle_s / _IDLE_S, " ms"), "a second"),
            Reading(
                "memory per call",
                shown((after_bytes - before_bytes) / _MANY / 1024, " KB"),
                f"{before_bytes / 2**20:.0f} MB before, {after_bytes / 2**20:.0f} MB with them",
            ),
            Reading("last word to first word meanwhile, p50", shown(percentile(shares_ms, 50), " ms")),
            at_most("p99", percentile(shares_ms, 99), _BUDGET_MS, " ms", f"{len(shares_ms)} answers"),
            Reading("noise meanwhile", "", words),
        ),
    )


def _network_pid(ground: Ground) -> int:
    record = StackRecord(Path(ground.rig.stack.log_dir).parent)
    found = [child.pid for child in record.children() if child.name == "phones"]
    if not found:
        raise StackError("the stack has no phone network of its own")
    return found[0]


async def _processor_s(process: psutil.Process, during_s: float) -> float:
    before = process.cpu_times()
    await asyncio.sleep(during_s)
    after = process.cpu_times()
    return float(after.user + after.system - before.user - before.system)


def _turns(calls: list[dict[str, Any]]) -> int:
    return sum(words["who"] == "agent" for call in calls for words in call["words"])


def _share(few_ms: list[float], floor_ms: list[float], noise: str) -> Section:
    usual_ms, slow_ms = percentile(few_ms, 50), percentile(few_ms, 99)
    return Section(
        f"caller's last word to the first word back, without STT, TTS and brain: {_FEW} calls, {len(few_ms)} answers",
        (
            Reading("a frame there and back in one loop, p50", shown(percentile(floor_ms, 50), " ms"), "the floor"),
            Reading("p99", shown(percentile(floor_ms, 99), " ms"), f"{len(floor_ms)} round trips"),
            Reading("last word to first word, p50", shown(usual_ms, " ms"), _ratio(usual_ms, floor_ms, 50)),
            at_most("p99", slow_ms, _BUDGET_MS, " ms", _ratio(slow_ms, floor_ms, 99)),
            Reading("least and most", f"{few_ms[0]:.1f} .. {few_ms[-1]:.1f} ms", "two timers' lateness included"),
            Reading("noise meanwhile", "", noise),
        ),
    )


def _ratio(taken_ms: float, floor_ms: list[float], percent: int) -> str:
    return f"{shown(taken_ms / percentile(floor_ms, percent))}x the floor's"
