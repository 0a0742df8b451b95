"""The server side of all bridges of one process. It holds sockets, and nothing of what is said through them.

GET /bridge/{call_id}.{dispatch}?token=...    accepted, and then
    4003   the call is not here or over, or the token is bad, expired, or of a job that was passed over
    4009   another socket of this line is live

A line is one speech worker's, by the dispatch that brought it: of two in one call, as in a transfer from one agent to
another, each has its own.
    else   RunnerDialled, and every text frame from there on, until RunnerClosed
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager

from aiohttp import WSMsgType, web

from speech.bridge.line import Line, LineLost, LineTaken, checked
from speech.bridge.model.events import LineEvent, RunnerClosed, RunnerDialled, RunnerFrame
from speech.bridge.model.frames import MOST_BYTES_OF_A_FRAME
from speech.bridge.sockets import Writer
from speech.bridge.tokens import BridgeClaims, TokenRefused, read_bridge_token

PING_EVERY_S = 20.0
"""A runner that answers no ping for half as long again is gone (1006)."""
CLOSE_WITHIN_S = 3.0
MOST_UNREAD = 1024
"""Frames of one runner. Beyond that its socket is not read until some were taken."""

NORMAL, ABNORMAL, JOB_DIED, REFUSED, TAKEN = 1000, 1006, 1011, 4003, 4009

_log = logging.getLogger(__name__)


class Hub:
    """`routes()` go into an aiohttp application that the runners can reach. `clock_s`: seconds since 1970."""

    def __init__(self, *, key: bytes, clock_s: Callable[[], float]) -> None:
        self._key = key
        self._clock_s = clock_s
        self._lines: dict[str, _HubLine] = {}

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/bridge/{line}", self.bridge)]

    def open(self, call_id: str, attempt: int | None = None, dispatch: int | None = None) -> Line:
        """From now on a runner may dial in at `path_of` the call and the dispatch, and where an attempt is named only
        one that was assigned to it. Raises LineTaken while that line is open."""
        name = path_of(call_id, dispatch)
        if name in self._lines:
            raise LineTaken(name)
        line = self._lines[name] = _HubLine(attempt, lambda: self._lines.pop(name, None))
        return line

    def is_open(self, call_id: str, dispatch: int | None = None) -> bool:
        return path_of(call_id, dispatch) in self._lines

    async def close(self) -> None:
        """Closes every line, and with it every bridge."""
        await asyncio.gather(*(line.close() for line in [*self._lines.values()]))

    async def bridge(self, request: web.Request) -> web.WebSocketResponse:
        """A runner dials."""
        socket = web.WebSocketResponse(heartbeat=PING_EVERY_S, max_msg_size=MOST_BYTES_OF_A_FRAME, compress=False)
        await socket.prepare(request)
        name = request.match_info["line"]
        call_id, _, _ = name.partition(".")
        line = self._lines.get(name)
        # The SDK appends its token to whatever the URL has: the last one is the one that was meant.
        tokens = request.query.getall("token", [])
        claims = read_bridge_token(tokens[-1] if tokens else None, call_id, self._key, self._clock_s())
        why: tuple[int, str] | None
        if line is None:
            why = (REFUSED, "no such call here")
        elif isinstance(claims, TokenRefused):
            why = (REFUSED, claims.why)
        else:
            why = line.refusal(claims)
            if why is None:
                await line.carry(socket, claims)
                return socket
        _log.info("bridge refused", extra={"call_id": call_id, "close_code": why[0], "why": why[1]})
        await socket.close(code=why[0], message=why[1].encode())
        return socket


def path_of(call_id: str, dispatch: int | None = None) -> str:
    """Where a runner dials, behind `/bridge/`. One segment: workers of the release before pass it on as it is."""
    return call_id if dispatch is None else f"{call_id}.{dispatch}"


class _Live:
    """A runner's socket that is the one of its call."""

    def __init__(self, bridge: int, socket: web.WebSocketResponse) -> None:
        self.bridge = bridge
        self.writer = Writer(socket)


class _HubLine:
    def __init__(self, attempt: int | None, forget: Callable[[], object]) -> None:
        self._attempt = attempt
        self._forget = forget
        self._events: asyncio.Queue[LineEvent] = asyncio.Queue(MOST_UNREAD)
        self._passed_over: set[str] = set()
        self._bridges = 0
        self._live: _Live | None = None
        self._closing: set[_Live] = set()
        self._is_closed = False

    # ------------------------------------------------------------ the runner's side

    def refusal(self, claims: BridgeClaims) -> tuple[int, str] | None:
        """Why a runner with this token is not let in: the code of the close and a word."""
        if self._attempt not in {None, claims.attempt}:
            return REFUSED, "another attempt of this call"
        if claims.job_id in self._passed_over:
            return REFUSED, "the call was given to another runner"
        return None if self._live is None else (TAKEN, "another bridge of this line is live")

    async def carry(self, socket: web.WebSocketResponse, claims: BridgeClaims) -> None:
        """Reads the runner's socket until it is closed, from either side."""
        self._bridges += 1
        live = self._live = _Live(self._bridges, socket)
        try:
            await self._events.put(RunnerDialled(live.bridge, claims.job_id, claims.worker_id))
            async for message in socket:
                if message.type is WSMsgType.TEXT and self._live is live:
                    await self._events.put(RunnerFrame(live.bridge, message.data))
        finally:
            await live.writer.finished(CLOSE_WITHIN_S)
            self._closing.discard(live)
            if self._live is live:
                self._live = None
                await self._events.put(RunnerClosed(live.bridge, socket.close_code or ABNORMAL))

    # ------------------------------------------------------------ the call's side

    async def next(self) -> LineEvent:
        if self._is_closed and self._events.empty():
            raise LineLost("the line is closed")
        return await self._events.get()

    def send(self, bridge: int, text: str) -> None:
        if self._live is not None and self._live.bridge == bridge:
            self._live.writer.send(checked(text))

    def close_bridge(self, bridge: int, code: int) -> None:
        live = self._live
        if live is not None and live.bridge == bridge:
            live.writer.close(code)
            self._closing.add(live)
            self._live = None

    def pass_over(self, job_id: str) -> None:
        self._passed_over.add(job_id)

    async def close(self, *, is_lost: bool = False) -> None:
        self._is_closed = True
        self._forget()
        if self._live is not None:
            self.close_bridge(self._live.bridge, JOB_DIED if is_lost else NORMAL)
        while not self._events.empty():
            self._events.get_nowait()  # A reader that waits for room goes on, and sees that its socket is closed.
        await asyncio.gather(*(live.writer.finished(CLOSE_WITHIN_S) for live in [*self._closing]))


@asynccontextmanager
async def serving(routes: Iterable[web.RouteDef], host: str, port: int = 0) -> AsyncIterator[int]:
    """Serves the routes while the block lasts; gives the port, which the system chooses for 0."""
    application = web.Application()
    application.add_routes(routes)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=CLOSE_WITHIN_S)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
