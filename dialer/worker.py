"""Hears doorbells and has the accounts' calls dialled, thousands side by side, until it is told to stop.

    poll --> serve: DialNext.run, which claims and dials --> doorbell answered
      ^        |  meanwhile the doorbell is kept hidden
      +--------+  as long as there is room

A process that dies answers no doorbell: it is heard again, and what was claimed is not claimed twice. The sweep settles
dials that died with it, by looking at their rooms.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from aws_lambda_powertools import Logger

from dialer.bells import HIDDEN_S, Bell, Bells
from dialer.shared import SharedDialer
from ringline.runtime.aws import AWS_FAILS
from ringline.runtime.metrics import count_failure

RUNS_AT_ONCE = 2000
"""Doorbells that are served at once. Each may dial up to DIAL_BATCH calls, of which each takes some 30 KB and, while
it waits, no processor time to speak of."""

DRAIN_S = 105
"""How long calls under way are waited for once the process was told to stop, after the polls under way: Fargate kills
it after 120 s at most. What takes longer is the sweep's, as after a crash."""

POLLERS = 2
"""Polls at once: each brings ten doorbells, some 15 ms apart where there are many."""

KEEP_EVERY_S = HIDDEN_S / 3
"""Two of three tries to keep doorbells hidden may fail."""

_POLLED_AGAIN_AFTER_S = 1.0
_ROOM_LOOK_S = 0.1
_BELL_THREADS = POLLERS + 4


class Worker:
    """Serves until `stopping` is set. `told_alive` is called with each beat, every KEEP_EVERY_S, for whoever watches
    that the loop turns."""

    def __init__(
        self,
        bells: Bells,
        dialer: SharedDialer,
        log: Logger,
        *,
        stopping: asyncio.Event,
        told_alive: Callable[[], None] = lambda: None,
        runs_at_once: int = RUNS_AT_ONCE,
    ) -> None:
        self._bells = bells
        self._dialer = dialer
        self._log = log
        self._told_alive = told_alive
        self._runs_at_once = runs_at_once
        self._stopping = stopping
        self._under_way: dict[asyncio.Task[None], Bell] = {}
        # Polls wait for seconds: they take no thread from what claims and settles.
        self._threads = ThreadPoolExecutor(_BELL_THREADS, thread_name_prefix="bells")

    def stop(self) -> None:
        """Nothing more is claimed from now on. `run` returns when what is under way is over."""
        self._log.info("stopping", extra={"under_way": len(self._under_way)})
        self._stopping.set()

    async def run(self, drain_s: float = DRAIN_S) -> int:
        """Serves until `stop`, and then waits for the dials under way for `drain_s`. Returns how many runs are left
        over."""
        keeping = asyncio.create_task(self._keep_hidden())
        try:
            await asyncio.gather(*(self._poll() for _ in range(POLLERS)))
            if self._under_way:
                await asyncio.wait(self._under_way, timeout=drain_s)
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
            self._threads.shutdown(wait=False)
        return len(self._under_way)

    async def _poll(self) -> None:
        while not self._stopping.is_set():
            if len(self._under_way) >= self._runs_at_once:
                await asyncio.sleep(_ROOM_LOOK_S)
                continue
            try:
                heard = await self._asked(self._bells.hear)
                if self._stopping.is_set():
                    await self._asked(partial(self._bells.give_back, heard))
                    return
            except AWS_FAILS:
                self._log.exception("doorbells not heard")
                count_failure(self._log)
                await self._unless_stopped(_POLLED_AGAIN_AFTER_S)
                continue
            for bell in heard:
                task = asyncio.create_task(self._serve(bell))
                self._under_way[task] = bell
                task.add_done_callback(self._under_way.pop)

    async def _serve(self, bell: Bell) -> None:
        """Answers the doorbell once its account's calls are dialled. One that could not be served is heard again."""
        try:
            if bell.account_id is not None:
                async with self._dialer.lease() as dial_next:
                    await dial_next.run(bell.account_id)
            await self._asked(partial(self._bells.answered, bell))
        except Exception:
            self._log.exception("account not served", extra={"account_id": bell.account_id})
            count_failure(self._log)

    async def _keep_hidden(self) -> None:
        while True:
            self._told_alive()
            await asyncio.sleep(KEEP_EVERY_S)
            kept = list(self._under_way.values())
            try:
                await self._asked(partial(self._bells.keep, kept))
            except AWS_FAILS:
                # Heard a second time, a doorbell finds the calls claimed.
                self._log.exception("doorbells not kept hidden")

    async def _unless_stopped(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return

    async def _asked[T](self, ask: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, ask)
