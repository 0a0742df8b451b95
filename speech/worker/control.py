"""The worker's word to the control plane, where one is named: that it is there, how full it is, which jobs died.

Without it a call whose job died stays silent for the 20 s that LiveKit takes to notice."""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiohttp
from livekit.agents import JobRequest

from speech.bridge.control import Control, Worker, control_url
from speech.worker.settings import Settings

_log = logging.getLogger(__name__)


class ControlLine:
    """One process's. What is told while there is no connection waits for the next."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.worker_id = f"{settings.agent_name}-{secrets.token_hex(4)}"
        self._control: Control | None = None

    async def accept(self, request: JobRequest) -> None:
        """Takes a job, and notes whose call it is: only its dispatch proves that."""
        if self._control is not None:
            self._control.took(request.job.metadata)
        await request.accept()

    def job_lost(self, call_id: str, dispatch: int | None) -> None:
        _log.error("a job died in its call", extra={"call_id": call_id, "dispatch": dispatch})
        if self._control is not None:
            self._control.job_lost(call_id, dispatch)

    @asynccontextmanager
    async def open(self, bridge_base: str, active_jobs: Callable[[], int]) -> AsyncIterator[None]:
        """Keeps the connection while the block lasts, also while the worker drains."""
        if not self._settings.runners_url:
            _log.warning("RUNNERS_URL is not set: the calls of jobs that die wait until LiveKit notices")
            yield
            return
        worker = Worker(self.worker_id, self._settings.agent_name, self._settings.max_calls, bridge_base)
        async with aiohttp.ClientSession() as http:
            self._control = Control(
                http,
                url=control_url(self._settings.runners_url),
                livekit_secret=self._settings.livekit_api_secret,
                worker=worker,
                active_jobs=active_jobs,
            )
            running = asyncio.create_task(self._control.run())
            try:
                yield
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)
