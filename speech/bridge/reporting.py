"""Agent events, posted in their order while the call goes on. What waits together goes together."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from speech.bridge.brain import Brain

MOST_AT_ONCE = 100
"""As many as one request may hold (docs/agents.md)."""
TRANSFER_UNDER_WAY = "transfer_under_way"
"""The word for a hang-up that was refused: who waits for somebody is not hung up on for their silence."""
HANDED_OVER = "handed_over"
"""The word for what an agent tells of a call that is another agent's by now: nothing of it is done."""


@dataclass(slots=True)
class Reported:
    """An event on its way, and the control plane's word on it: None before it has come, and where none was read."""

    event: Mapping[str, Any]
    word: str | None = None


class Reporting:
    def __init__(self, brain: Brain) -> None:
        self._brain = brain
        self._waiting: asyncio.Queue[Reported] = asyncio.Queue()

    def add(self, event: Mapping[str, Any]) -> Reported:
        reported = Reported(event)
        self._waiting.put_nowait(reported)
        return reported

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            together = [await self._waiting.get()]
            while len(together) < MOST_AT_ONCE and not self._waiting.empty():
                together.append(self._waiting.get_nowait())
            try:
                await self._post(together)
            finally:
                for _ in together:
                    self._waiting.task_done()

    async def _post(self, together: Sequence[Reported]) -> None:
        words = await self._brain.report([reported.event for reported in together])
        # There is a word on each of them, or none at all.
        for reported, word in zip(together, words, strict=False):
            reported.word = word

    async def caught_up(self, within_s: float) -> None:
        """Returns when all events were posted, or were tried, or the time is over."""
        try:
            async with asyncio.timeout(within_s):
                await self._waiting.join()
        except TimeoutError:
            pass
