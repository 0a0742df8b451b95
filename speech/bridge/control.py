"""A speech worker's own connection to the control plane: it says that it is there, how full it is, and which jobs died.

LiveKit shows a job that was killed as a running agent for 20 s; the worker's main process knows within moments. What it
tells here gives the call to another worker at once. So does the loss of this connection, two seconds later, unless the
worker is back: it tries again after half a second, and its calls notice nothing.

    async with aiohttp.ClientSession() as http:
        control = Control(http, url=..., livekit_secret=..., worker=Worker(...), active_jobs=lambda: server.calls)
        task = asyncio.create_task(control.run())
        control.took(job.metadata)       # for each job that is accepted
        control.job_lost(call_id, dispatch)    # for each that died
"""

import asyncio
import hashlib
import hmac
import json
import logging
import random
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
import jwt

AUDIENCE = "workers"
_LABEL = b"ringline/worker"
TOKEN_LASTS_S = 60
PATH = "/v1/internal/workers"
MEDIA = "media"

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
ANSWER_WITHIN_S = 10.0
USUAL_BEAT_S = 10.0
ROOM_LOOKED_AT_EVERY_S = 0.5
"""How soon it is told that a worker has become full, or has room again. In between the beats say so."""
PING_EVERY_S = 20.0
MOST_JOBS_KNOWN = 10_000

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Worker:
    """Who registers. `worker_id` is this process's own, `pool` the agent name under which LiveKit dispatches it, and
    `bridge_base` where runners dial it."""

    worker_id: str
    pool: str
    places: int
    bridge_base: str


@dataclass(frozen=True, slots=True)
class _Job:
    token: str
    attempt: int
    dispatch: int


def worker_token(livekit_secret: str, worker_id: str, now_s: float) -> str:
    """The credential of one connection, good for a minute."""
    key = hmac.new(livekit_secret.encode(), _LABEL, hashlib.sha256).digest()
    claims = {"aud": AUDIENCE, "sub": worker_id, "exp": int(now_s) + TOKEN_LASTS_S}
    return jwt.encode(claims, key, algorithm="HS256")


def control_url(base_url: str) -> str:
    """Where a worker connects: the API's URL with the path behind it, or the URL of the WebSocket API as the stack
    gives it out for runners, which takes the path in its query."""
    return base_url.rstrip("/") + PATH


class Control:
    """`run` keeps the connection until it is cancelled. The other methods return at once; what they tell waits while
    there is no connection. `active_jobs` is asked for with each beat: how many of the worker's places are taken."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        *,
        url: str,
        livekit_secret: str,
        worker: Worker,
        active_jobs: Callable[[], int],
        clock_s: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.registered = asyncio.Event()
        """Set while the control plane knows of this worker."""
        self._http = http
        self._url = url
        self._secret = livekit_secret
        self._worker = worker
        self._active_jobs = active_jobs
        self._clock_s = clock_s
        self._sleep = sleep
        self._jobs: OrderedDict[tuple[str, int], _Job] = OrderedDict()
        self._untold: list[str] = []
        self._has_news = asyncio.Event()

    def took(self, metadata: str) -> None:
        """Notes a job that was accepted, by the metadata of its dispatch: it holds the proof of whose call it is. Other
        jobs' metadata is passed over."""
        try:
            told = json.loads(metadata)
            job = _Job(str(told["token"]), int(told["attempt"]), int(told.get("dispatch", 1)))
            name = str(told["call_id"]), job.dispatch
        except (ValueError, KeyError, TypeError):
            return
        self._jobs[name] = job
        self._jobs.move_to_end(name)
        if len(self._jobs) > MOST_JOBS_KNOWN:
            self._jobs.popitem(last=False)

    def job_lost(self, call_id: str, dispatch: int | None = None) -> None:
        """The job of that dispatch died in its call. Of one that is not known nothing can be told."""
        job = self._jobs.pop((call_id, dispatch or 1), None)
        if job is None:
            _log.error("a job died whose dispatch is not known", extra={"call_id": call_id, "dispatch": dispatch})
            return
        told = {"call": call_id, "attempt": job.attempt, "dispatch": job.dispatch, "token": job.token}
        self._untold.append(_frame("job_lost", **told))
        self._has_news.set()

    async def run(self) -> None:
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                await self._connected()
                pause_s = FIRST_PAUSE_S
            except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
                _log.warning("control connection failed", extra={"why": f"{type(error).__name__}: {error}"})
            was_registered = self.registered.is_set()
            self.registered.clear()
            pause_s = FIRST_PAUSE_S if was_registered else min(2 * pause_s, LONGEST_PAUSE_S)
            await self._sleep(pause_s * random.uniform(0.8, 1.2))  # noqa: S311 - spreads, does not protect

    async def _connected(self) -> None:
        token = worker_token(self._secret, self._worker.worker_id, self._clock_s())
        headers = {"Authorization": f"Worker {token}"}
        async with self._http.ws_connect(self._url, headers=headers, heartbeat=PING_EVERY_S) as socket:
            await socket.send_str(self._registration())
            beat_every_s = await self._answered(socket)
            self.registered.set()
            _log.info("registered with the control plane", extra={"worker_id": self._worker.worker_id})
            telling = asyncio.create_task(self._tell(socket, beat_every_s))
            try:
                # Nothing else is ever sent to a speech worker: reading shows when the connection ends.
                async for _ in socket:
                    pass
            finally:
                telling.cancel()
                await asyncio.gather(telling, return_exceptions=True)

    async def _answered(self, socket: aiohttp.ClientWebSocketResponse) -> float:
        """How often to beat. Raises TimeoutError, and ValueError for any other answer than that it is registered."""
        answer = await socket.receive(timeout=ANSWER_WITHIN_S)
        if answer.type is not aiohttp.WSMsgType.TEXT:
            raise ValueError(f"closed: {socket.close_code}")
        told = json.loads(answer.data)
        match told:
            case {"type": "registered", "transport_ack": "dial_out"}:
                return max(float(told.get("heartbeat_interval_s") or USUAL_BEAT_S), 1.0)
        raise ValueError(f"not registered: {told.get('detail') if isinstance(told, dict) else 'unreadable'}")

    async def _tell(self, socket: aiohttp.ClientWebSocketResponse, beat_every_s: float) -> None:
        """Beats when it is time, and at once when the worker has become full or has room again."""
        had_room: bool | None = None
        beats_at = 0.0
        while not socket.closed:
            await self._tell_lost(socket)
            jobs, now_s = self._active_jobs(), asyncio.get_running_loop().time()
            has_room = jobs < self._worker.places
            if has_room is not had_room or now_s >= beats_at:
                await socket.send_str(_frame("heartbeat", worker_id=self._worker.worker_id, active_jobs=jobs))
                had_room, beats_at = has_room, now_s + beat_every_s
            await self._wait(min(ROOM_LOOKED_AT_EVERY_S, max(beats_at - now_s, 0.0)))

    async def _tell_lost(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._has_news.clear()
        while self._untold:
            await socket.send_str(self._untold[0])
            del self._untold[0]

    async def _wait(self, within_s: float) -> None:
        try:
            async with asyncio.timeout(within_s):
                await self._has_news.wait()
        except TimeoutError:
            pass

    def _registration(self) -> str:
        worker = self._worker
        capabilities = {"max_concurrent": worker.places, "kind": MEDIA, "bridge_base": worker.bridge_base}
        return _frame("register", worker_id=worker.worker_id, kind=MEDIA, pool=worker.pool, capabilities=capabilities)


def _frame(type_: str, **fields: Any) -> str:
    return json.dumps({"type": type_, **fields}, separators=(",", ":"))
