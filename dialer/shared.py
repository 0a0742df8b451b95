"""One `DialNext`, and with it one client of LiveKit, for all runs of a process that lives for weeks."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from ringline.calls.outbound.dial_next import DialNext
from ringline.runtime.clock import Clock
from ringline.runtime.vault.kept import KEPT_MS


@dataclass(slots=True)
class _Opened:
    """A dialer that is open, since when, and how many runs use it."""

    manager: AbstractAsyncContextManager[DialNext]
    dial_next: DialNext
    since: int
    users: int = 0


class SharedDialer:
    """Opens a dialer for the first run and anew once it is KEPT_MS old, because its client signs with the key that
    LiveKit had when it was opened. One that is replaced is closed when its last run is over."""

    def __init__(self, open_dialer: Callable[[], AbstractAsyncContextManager[DialNext]], clock: Clock) -> None:
        self._open_dialer = open_dialer
        self._clock = clock
        self._current: _Opened | None = None
        self._opening = asyncio.Lock()

    @asynccontextmanager
    async def lease(self) -> AsyncIterator[DialNext]:
        """The dialer, for one run."""
        async with self._opening:
            opened = await self._fresh()
            opened.users += 1
        try:
            yield opened.dial_next
        finally:
            opened.users -= 1
            if opened is not self._current:
                await self._close_unused(opened)

    async def close(self) -> None:
        """Closes the dialer. Whoever still uses it meets a client that is closed."""
        opened, self._current = self._current, None
        if opened is not None:
            await opened.manager.__aexit__(None, None, None)

    async def _fresh(self) -> _Opened:
        old, now = self._current, self._clock()
        if old is not None and now < old.since + KEPT_MS:
            return old
        manager = self._open_dialer()
        self._current = _Opened(manager, await manager.__aenter__(), now)
        if old is not None:
            await self._close_unused(old)
        return self._current

    async def _close_unused(self, opened: _Opened) -> None:
        if opened.users == 0:
            await opened.manager.__aexit__(None, None, None)
