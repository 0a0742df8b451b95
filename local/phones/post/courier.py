"""What the network sends to servers that do not belong to LiveKit: the product's API, its hooks, a bucket.

A request is tried four times at most, 0.5, 1 and 2 s apart, while nobody answers it in 5 s, or with 408, 429 or 5xx.
These are real seconds: the other side's time is not the network's. A request that nobody took is logged, and no more.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

import aiohttp

from local.phones.kernel.tasks import Tasks

_log = logging.getLogger("phones.courier")
_ANSWERED_WITHIN_S = 5.0
_WAITS_S = (0.5, 1.0, 2.0)
_TRY_AGAIN = (408, 429)


@dataclass(frozen=True, slots=True)
class Parcel:
    """One request: the same bytes and headers on every try. `what` names it in the log."""

    what: str
    url: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "POST"


class Courier:
    """Carries parcels between `start()` and `stop()`."""

    def __init__(self, tasks: Tasks) -> None:
        self._tasks = tasks
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=_ANSWERED_WITHIN_S), connector=aiohttp.TCPConnector(limit=0)
        )

    async def stop(self) -> None:
        if self._session is not None:
            await self._session.close()

    def session(self) -> aiohttp.ClientSession:
        """The client that carries, for whoever asks by themselves."""
        assert self._session is not None, "there is a client between start() and stop()"
        return self._session

    def line(self) -> "Line":
        """A line of its own for parcels that keep their order."""
        return Line(self, self._tasks)

    async def carry(self, parcel: Parcel) -> bytes | None:
        """The body of the answer that took the parcel; None if nobody did."""
        for wait_s in (*_WAITS_S, None):
            status, body = await self._try(parcel)
            if 200 <= status < 300:
                return body
            if 300 <= status < 500 and status not in _TRY_AGAIN:
                _log.warning("%s was refused with %d: %s", parcel.what, status, body[:200].decode(errors="replace"))
                return None
            if wait_s is not None:
                await asyncio.sleep(wait_s)
        _log.warning("gave up on %s", parcel.what)
        return None

    async def _try(self, parcel: Parcel) -> tuple[int, bytes]:
        """Status and body; 0 if there was no answer."""
        try:
            async with self.session().request(
                parcel.method, parcel.url, data=parcel.body, headers=dict(parcel.headers), allow_redirects=False
            ) as answer:
                return answer.status, await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            _log.info("%s: %s", parcel.what, type(error).__name__)
            return 0, b""


class Line:
    """Parcels that go out one after the other, each once the one before it was taken or given up."""

    def __init__(self, courier: Courier, tasks: Tasks) -> None:
        self._courier = courier
        self._tasks = tasks
        self._last: asyncio.Task[bytes | None] | None = None

    def send(self, parcel: Parcel) -> asyncio.Task[bytes | None]:
        """Queues the parcel; the task ends with the answer's body, or None."""
        self._last = self._tasks.start(self._after(self._last, parcel))
        return self._last

    async def _after(self, before: asyncio.Task[bytes | None] | None, parcel: Parcel) -> bytes | None:
        if before is not None:
            await asyncio.wait((before,))
        return await self._courier.carry(parcel)
