"""`make bench-speech`: what a call costs the worker, and what the worker's own share of the waiting is. Measured, never
asserted; on a machine with other work the numbers are upper bounds."""

import asyncio
import statistics
import time
from collections.abc import Mapping, Sequence
from typing import Any

import psutil
from unpod.connectivity.call_context import CallContext

from speech.tests.session.control_plane import metadata
from speech.tests.session.rig import a_session_with
from speech.tests.session.sound import spoken
from speech.tests.session.whole_worker import Worker, a_worker
from tests.contract.bridge.rig import Control, Echo

CALLS = 5
TURNS = 5
LISTENS_S = 10.0
MB = 2**20


class Timed(Control):
    """Tells when a call is ready."""

    def __init__(self) -> None:
        super().__init__()
        self.ready_at: list[float] = []

    async def report(self, events: Sequence[Mapping[str, Any]]) -> Sequence[str]:
        words = await super().report(events)
        if any(event["type"] == "ready" for event in events):
            self.ready_at.append(time.monotonic())
        return words


def row(what: str, value: str) -> None:
    print(f"{what:<66} {value:>24}", flush=True)


def milliseconds(values: list[float]) -> str:
    ordered = sorted(value * 1000 for value in values)
    return f"{statistics.median(ordered):.0f} (worst {ordered[-1]:.0f}) ms"


async def holds_on(ctx: CallContext) -> None:
    ctx.session.dialog_machine = Echo()
    await ctx.session.run()


async def a_job() -> None:
    """From the job's start to the runner's handshake, one call after another, and what a process weighs in its call."""
    may_end = asyncio.Event()

    async def waits(ctx: CallContext) -> None:
        await may_end.wait()
        await ctx.session.end("done")
        await ctx.session.run()

    control, warm = Timed(), []
    async with a_worker(waits, control=control) as worker:
        await worker.warm()
        for call in range(CALLS):
            may_end.clear()
            control.give_again()
            began_at = time.monotonic()
            await worker.take(metadata(worker.url))
            while len(control.ready_at) <= call:  # noqa: ASYNC110 - another process tells it over HTTP
                await asyncio.sleep(0.002)
            warm.append(control.ready_at[-1] - began_at)
            if call == CALLS - 1:
                weigh(worker)
            may_end.set()
            await worker.idle()
            await worker.warm()
    row(f"job started -> runner's handshake done, warm process (n={CALLS})", milliseconds(warm))


def weigh(worker: Worker) -> None:
    processes = {process.pid: process for process in psutil.Process().children(recursive=True)}
    pool: list[Any] = worker.server._proc_pool.processes
    (in_call,) = [process.pid for process in pool if process.running_job]
    for pid, process in processes.items():
        size = process.memory_full_info().pss / MB
        kind = "job in its call" if pid == in_call else "beside it (fork server, warm process, tracker)"
        if size > 1:
            row(f"memory (PSS), local voice: {kind}", f"{size:.0f} MB")
    own = psutil.Process().memory_full_info().pss / MB
    row("memory (PSS): main process, with this program's runner", f"{own:.0f} MB")


async def turns() -> None:
    """The worker's share of the waiting: a fixed text to hear, a tone to speak, an agent that echoes."""
    question = spoken("please tell me what the time is")
    total, words = [], []
    async with a_session_with(holds_on, hears=["what is the time"] * TURNS) as rig:
        await rig.driver.ready.wait()
        rig.driver.answered()
        for turn in range(TURNS):
            rig.speaks.speak(question)
            while len(rig.hears.sounds_at) <= turn or rig.voice.is_busy:  # noqa: ASYNC110 - sounds tell nobody
                await asyncio.sleep(0.01)
            assert rig.speaks.fell_silent_at is not None
            total.append(rig.hears.sounds_at[turn] - rig.speaks.fell_silent_at)
            words.append(rig.voice.latencies.report())
        process = psutil.Process()
        before, began_at = process.cpu_times(), time.monotonic()
        await asyncio.sleep(LISTENS_S)
        after, lasted_s = process.cpu_times(), time.monotonic() - began_at
    row(f"end of the question's samples -> agent's first sound (n={TURNS})", milliseconds(total))
    row("end of its voice, by the VAD -> its text (0.3 s is the wait for more)", f"{words[-1]['stt_p50_ms']} ms")
    row("its text -> the agent's first word (bridge, echo)", f"{words[-1]['brain_p50_ms']} ms")
    row("the first word -> the first sound", f"{words[-1]['tts_p50_ms']} ms")
    used_s = after.user + after.system - before.user - before.system
    row("a call in which nobody speaks (VAD, resampling), of one core", f"{used_s / lasted_s:.0%}")


async def bench() -> None:
    await turns()
    await a_job()


if __name__ == "__main__":
    asyncio.run(bench())
