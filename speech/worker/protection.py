"""On ECS: a task with calls is not stopped for a deployment or a smaller service. Elsewhere this does nothing.

Fargate kills a task 120 s after SIGTERM at the latest. A task that is protected is not told to stop before its
protection ends, which is when its last call has ended.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

import aiohttp

_log = logging.getLogger(__name__)

AGENT_URI = "ECS_AGENT_URI"
LOOKS_EVERY_S = 2.0
RENEWED_EVERY_S = 300.0
EXPIRES_IN_MINUTES = 15
"""So long a task stays protected whose worker hangs."""


class TaskProtection:
    """`run` it beside the worker. `calls` tells how many there are."""

    def __init__(self, agent_uri: str, http: aiohttp.ClientSession, calls: Callable[[], int]) -> None:
        self._url = f"{agent_uri}/task-protection/v1/state"
        self._http = http
        self._calls = calls
        self._is_protected = False
        self._renews_at = 0.0

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self.look(loop.time())
            await asyncio.sleep(LOOKS_EVERY_S)

    async def look(self, now: float) -> None:
        """Asks for what is needed now, if it is not so already. A refusal is logged and tried again at the next
        look."""
        wanted = self._calls() > 0
        if wanted == self._is_protected and (not wanted or now < self._renews_at):
            return
        body: Mapping[str, Any] = {"ProtectionEnabled": wanted}
        if wanted:
            body = {**body, "ExpiresInMinutes": EXPIRES_IN_MINUTES}
        try:
            async with self._http.put(self._url, json=body, timeout=aiohttp.ClientTimeout(total=5)) as answer:
                told = await answer.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            _log.warning("task protection not set", extra={"error": type(error).__name__})
            return
        if answer.status != 200 or "protection" not in told:
            _log.warning("task protection refused", extra={"status": answer.status})
            return
        self._is_protected, self._renews_at = wanted, now + RENEWED_EVERY_S
