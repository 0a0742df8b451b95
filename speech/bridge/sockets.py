"""A WebSocket that is written to without waiting, in order, and closed after what was written."""

import asyncio
from typing import Protocol


class Writable(Protocol):
    async def send_str(self, data: str, compress: int | None = None) -> None: ...

    async def close(self, *, code: int = 1000, message: bytes = b"") -> bool: ...


class Writer:
    def __init__(self, socket: Writable) -> None:
        self._socket = socket
        self._waiting: asyncio.Queue[str | int] = asyncio.Queue()
        self._is_closing = False
        self._task = asyncio.create_task(self._write())

    def send(self, text: str) -> None:
        if not self._is_closing:
            self._waiting.put_nowait(text)

    def close(self, code: int) -> None:
        """After all that was sent. The first code counts."""
        if not self._is_closing:
            self._is_closing = True
            self._waiting.put_nowait(code)

    async def finished(self, within_s: float) -> None:
        """Waits until a socket that is to be closed is closed, and gives up an open one."""
        if self._is_closing:
            await asyncio.wait({self._task}, timeout=within_s)
        self._task.cancel()
        await asyncio.wait({self._task})

    async def _write(self) -> None:
        while True:
            written = await self._waiting.get()
            try:
                if isinstance(written, int):
                    await self._socket.close(code=written)
                    return
                await self._socket.send_str(written)
            except (ConnectionError, RuntimeError):
                return  # The socket is gone, as whoever reads from it learns.
