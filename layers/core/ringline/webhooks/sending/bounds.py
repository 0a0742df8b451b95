"""What bounds an exchange with a stranger's server: how long it may take, and how much is taken of what it sends."""

import http.client
import io
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

_AROUND_THE_BODY_BYTES = 60 * 1024
"""Headers and framing. They are bounded with the body, whatever lengths the other side names: one that names a chunk of
-1 bytes would be read to its end, which may never come."""


def response_bounded_to(body_bytes: int) -> type[http.client.HTTPResponse]:
    """An answer of which no more is taken from the network than a body of so many bytes, and what is around it."""

    class BoundedResponse(http.client.HTTPResponse):
        def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:
            super().__init__(sock, *arguments, **options)
            self.fp = io.BufferedReader(_Bounded(self.fp, _AROUND_THE_BODY_BYTES + body_bytes))

    return BoundedResponse


class _Bounded(io.RawIOBase):
    def __init__(self, source: io.BufferedReader, most_bytes: int) -> None:
        self._source = source
        self._left = most_bytes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Raises OSError beyond the bound."""
        if self._left <= 0:
            raise TooMuch
        read = self._source.read1(min(len(buffer), self._left))
        buffer[: len(read)] = read
        self._left -= len(read)
        return len(read)

    def close(self) -> None:
        self._source.close()
        super().close()


class TooMuch(OSError):
    """The other side sends without end."""


class Deadline:
    """Cuts the connection when the time is up. A socket's own time-out starts anew with each byte that drips in."""

    def __init__(self, timeout_s: float) -> None:
        self._ends_at = time.monotonic() + timeout_s
        self._socket: socket.socket | None = None
        self._timer: threading.Timer | None = None

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self._ends_at

    def left_s(self) -> float:
        """Raises TimeoutError when nothing is left."""
        if self.is_over:
            raise TimeoutError
        return self._ends_at - time.monotonic()

    def watch(self, sock: socket.socket) -> None:
        """Bounds all that follows on a connected socket."""
        sock.settimeout(None)
        # The deadline keeps a descriptor of its own: TLS takes the socket over, and the connection must be cut during a
        # handshake, too.
        self._socket = sock.dup()
        self._timer = threading.Timer(max(0.0, self._ends_at - time.monotonic()), self._cut)
        self._timer.daemon = True
        self._timer.start()

    def _cut(self) -> None:
        with suppress(OSError):
            if self._socket is not None:
                self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._socket is not None:
            self._socket.close()


def within[Found](deadline: Deadline, look: Callable[[], Found]) -> Found:
    """What a look finds, if it does before the time is up. One that does not is left behind in its thread: the
    system's resolver cannot be told to stop. Raises TimeoutError, and what the look raises."""
    future: Future[Found] = Future()

    def run() -> None:
        try:
            future.set_result(look())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future.result(timeout=deadline.left_s())
