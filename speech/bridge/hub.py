"""The server side of all bridges of one process."""

from collections.abc import Callable

from aiohttp import web

from speech.bridge.line import Line


class Hub:
    """Add `routes()` to an aiohttp application, or `await start(host, port)`. Holds sockets and no protocol state."""

    def __init__(self, *, key: bytes, clock_s: Callable[[], float], attach_secret: str | None = None) -> None:
        raise NotImplementedError

    def routes(self) -> list[web.RouteDef]:
        """`GET /bridge/{call_id}` and, with an attach secret, `GET /attach/{call_id}`."""
        raise NotImplementedError

    def open(self, call_id: str) -> Line:
        """From now on a runner of this call may dial in. Raises LineTaken while another line of the call is open."""
        raise NotImplementedError
