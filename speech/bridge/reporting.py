"""Agent events, posted in their order while the call goes on. What waits together goes together."""

import asyncio
from collections.abc import Mapping
from typing import Any

from speech.bridge.brain import Brain

MOST_AT_ONCE = 100
"""As many as one request may hold (docs/agents.md)."""


class Reporting:
    def __init__(self, brain: Brain) -> None:
        self._brain = brain
        self._waiting: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue()

    def add(self, event: Mapping[str, Any]) -> None:
        self._waiting.put_nowait(event)

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            events = [await self._waiting.get()]
            while len(events) < MOST_AT_ONCE and not self._waiting.empty():
                events.append(self._waiting.get_nowait())
            try:
                await self._brain.report(events)
            finally:
                for _ in events:
                    self._waiting.task_done()

    async def caught_up(self, within_s: float) -> None:
        """Returns when all events were posted, or were tried, or the time is over."""
        try:
            async with asyncio.timeout(within_s):
                await self._waiting.join()
        except TimeoutError:
            pass
