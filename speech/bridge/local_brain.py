"""A brain that is no runner (an endpoint, a prompt), served in this process by the frames of a runner.

Whoever serves it gets a socket as the SDK's own sessions have one: `recv`, `send`, `close`. So a conversation knows one
kind of brain only, and `unpod.connectivity.bridge_server.handle_bridge_connection` may serve one.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from speech.bridge.model.events import LineEvent, RunnerClosed, RunnerDialled, RunnerFrame, Served

_NORMAL, _FAILED = 1000, 1011

_log = logging.getLogger(__name__)


class LocalBridgeClosed(ConnectionError):
    """The call's side has closed the bridge."""


class LocalBridge:
    """The brain's end. What it sends is told as a runner's frame, under a negative number: no socket has one."""

    def __init__(self, number: int, tell: Callable[[LineEvent], None]) -> None:
        self.number = number
        self._tell = tell
        self._frames: asyncio.Queue[str | None] = asyncio.Queue()
        self._is_closed = False

    async def recv(self) -> str:
        """The next frame. Raises LocalBridgeClosed."""
        frame = None if self._is_closed and self._frames.empty() else await self._frames.get()
        if frame is None:
            raise LocalBridgeClosed("the call is over")
        return frame

    async def send(self, frame: str) -> None:
        if self._is_closed:
            raise LocalBridgeClosed("the call is over")
        self._tell(RunnerFrame(self.number, frame))

    async def close(self) -> None:
        """The brain has done its part."""
        self.end(_NORMAL)

    def end(self, code: int) -> None:
        if not self._is_closed:
            self._is_closed = True
            self._tell(RunnerClosed(self.number, code))

    def give(self, frame: str) -> None:
        """From the call's side: a frame for the brain."""
        self._frames.put_nowait(frame)

    def shut(self) -> None:
        """From the call's side: after what was given nothing comes."""
        self._is_closed = True
        self._frames.put_nowait(None)


type ServeBrainOf = Callable[[Served, LocalBridge], Awaitable[None]]
"""Serves one call's brain until its bridge is closed. An exception is a brain that was lost: it is served again."""


class LocalBrains:
    """The local brains of one call, one after another."""

    def __init__(self, tell: Callable[[LineEvent], None], serve: ServeBrainOf) -> None:
        self._tell = tell
        self._serve_brain = serve
        self._count = 0
        self._live: LocalBridge | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, brain: Served) -> None:
        self._count += 1
        bridge = self._live = LocalBridge(-self._count, self._tell)
        self._tell(RunnerDialled(bridge.number, f"{brain.kind}-{self._count}", brain.kind))
        self._tasks.add(asyncio.create_task(self._serve(brain, bridge)))

    def give(self, bridge: int, frame: str) -> None:
        if self._live is not None and self._live.number == bridge:
            self._live.give(frame)

    def shut(self, bridge: int) -> None:
        if self._live is not None and self._live.number == bridge:
            self._live.shut()
            self._live = None

    async def close(self, within_s: float) -> None:
        """Lets what was served end by itself, and cancels it if it does not."""
        if self._live is not None:
            self.shut(self._live.number)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=within_s)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, brain: Served, bridge: LocalBridge) -> None:
        try:
            await self._serve_brain(brain, bridge)
        except LocalBridgeClosed:
            bridge.end(_NORMAL)
        except Exception:
            _log.exception("a brain of this process failed", extra={"kind": brain.kind})
            bridge.end(_FAILED)
        else:
            bridge.end(_NORMAL)
