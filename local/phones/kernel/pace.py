"""How the network waits: with a scale of 0.1 a call of a minute takes six seconds."""

import asyncio
import time
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """The network's own seconds. `scale` is how many real seconds one of them takes."""

    scale: float = 1.0

    def now_s(self) -> float:
        """Seconds that only go forward, in the network's own time."""
        return time.monotonic() / self.scale

    async def sleep(self, duration_s: float) -> None:
        await asyncio.sleep(duration_s * self.scale)

    def timeout(self, duration_s: float) -> AbstractAsyncContextManager[object]:
        """As `asyncio.timeout`, in the network's own seconds."""
        return asyncio.timeout(duration_s * self.scale)
