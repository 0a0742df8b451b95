"""Counts what LiveKit is asked, and how long it takes to answer. It listens to the HTTP session that LiveKit's client
uses, so that no request is left out.

| metric          | counts
|-----------------|--------------------------------------------------------------------------------------------------
| LivekitRequests | requests; the line says which
| LivekitLag      | ms until the answer began, of all that do not wait for a phone
| LivekitRefused  | requests that came beyond what LiveKit takes, and those that it did not answer at all

What is told is a line of the log for each session, and for each 50 requests of a session that goes on: no request is
made for it.
"""

import time
from collections import Counter
from types import SimpleNamespace
from typing import Any

import aiohttp

from ringline.runtime.clock import MS_PER_S
from ringline.runtime.metrics import Measure, Unit, tell

_AT_ONCE = 50
"""A line holds a hundred values of a metric."""

_WAITS_FOR_A_PHONE = {"CreateSIPParticipant", "TransferSIPParticipant"}
_TOO_MANY_REQUESTS = 429


class RequestMeter:
    """Of one session. What was noted and not told yet is told with the last `tell`."""

    def __init__(self) -> None:
        self._asked: Counter[str] = Counter()
        self._lags_ms: list[int] = []
        self._refused = 0

    def listener(self) -> aiohttp.TraceConfig:
        """To be given to the session."""
        trace = aiohttp.TraceConfig()
        trace.on_request_start.append(self._begins)
        trace.on_request_end.append(self._ends)
        trace.on_request_exception.append(self._fails)
        return trace

    def note(self, request: str, lag_s: float, status: int | None) -> None:
        """A request by its method (`CreateRoom`), and the answer's status; None where none came."""
        self._asked[request] += 1
        if request not in _WAITS_FOR_A_PHONE:
            self._lags_ms.append(round(lag_s * MS_PER_S))
            self._refused += status is None or status == _TOO_MANY_REQUESTS
        if self._asked.total() >= _AT_ONCE:
            self.tell()

    def tell(self) -> None:
        """Tells what was noted since it last did."""
        if not self._asked:
            return
        asked, lags_ms, refused = dict(self._asked), self._lags_ms, self._refused
        self._asked, self._lags_ms, self._refused = Counter(), [], 0
        measures = [Measure("LivekitRequests", sum(asked.values()), said={"requests": asked})]
        measures += [Measure("LivekitLag", each, Unit.MILLISECONDS, said={"requests": asked}) for each in lags_ms]
        if refused:
            measures.append(Measure("LivekitRefused", refused, said={"requests": asked}))
        tell(measures)

    # --- what the session says ---------------------------------------------------------------------------------------

    async def _begins(self, _session: Any, request: SimpleNamespace, _begun: aiohttp.TraceRequestStartParams) -> None:
        request.began_at = time.monotonic()

    async def _ends(self, _session: Any, request: SimpleNamespace, ended: aiohttp.TraceRequestEndParams) -> None:
        self.note(ended.url.name, time.monotonic() - request.began_at, ended.response.status)

    async def _fails(
        self, _session: Any, request: SimpleNamespace, failed: aiohttp.TraceRequestExceptionParams
    ) -> None:
        self.note(failed.url.name, time.monotonic() - request.began_at, None)
