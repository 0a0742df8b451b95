"""Work that goes on after a request was answered: calls, agents, deliveries."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

_log = logging.getLogger("phones")


class Tasks:
    """Keeps tasks alive, says when one dies of an error, and ends them all."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("a task of the phone network failed", exc_info=error)

    async def stop(self) -> None:
        """Cancels what still runs and waits until it has ended."""
        while self._running:
            running = list(self._running)
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
