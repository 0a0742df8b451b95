"""A line for a call that is run in another process than the hub, over one WebSocket on loopback.

    hub -> job    {"is": "dialled", "bridge", "job_id", "worker_id"} · {"is": "closed", "bridge", "code"}
                  a frame of the runner: "<bridge>:" and the frame as it came
    job -> hub    {"is": "close", "bridge", "code"} · {"is": "pass_over", "job_id"}
                  a frame for the runner: "<bridge>:" and the frame

The job closes with 1000 when its call is over, and with 1011 when it has failed in it. That, and any other end of the
socket, is a job that died: the runner's bridge is closed (1011), so that the runner does not talk to nobody, and
whoever runs the hub is told.
"""

import asyncio
import hmac
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import WSMsgType, web

from speech.bridge.hub import CLOSE_WITHIN_S, JOB_DIED, NORMAL, PING_EVERY_S, Hub
from speech.bridge.line import Line, LineLost, LineTaken, checked
from speech.bridge.model.events import LineEvent, RunnerClosed, RunnerDialled, RunnerFrame
from speech.bridge.model.frames import MOST_BYTES_OF_A_FRAME
from speech.bridge.sockets import Writer

HUB_CLOSES, ALREADY_ATTACHED = 1001, 4009
_MOST_BYTES = 2 * MOST_BYTES_OF_A_FRAME


class AttachPoint:
    """The hub's side. `routes()` go into an application on loopback only; `secret` is this process's own and is handed
    to its jobs. `on_job_lost(call_id, dispatch)` is called for a job that died."""

    def __init__(self, hub: Hub, *, secret: str, on_job_lost: Callable[[str, int | None], None]) -> None:
        self._hub = hub
        self._secret = secret
        self._on_job_lost = on_job_lost

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/attach/{call_id}", self._attach)]

    async def _attach(self, request: web.Request) -> web.WebSocketResponse:
        given = request.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {self._secret}".encode()):
            raise web.HTTPUnauthorized
        call_id = request.match_info["call_id"]
        job = web.WebSocketResponse(heartbeat=PING_EVERY_S, max_msg_size=_MOST_BYTES, compress=False)
        await job.prepare(request)
        dispatch = _number_in(request, "dispatch")
        try:
            line = self._hub.open(call_id, _number_in(request, "attempt"), dispatch)
        except LineTaken:
            await job.close(code=ALREADY_ATTACHED, message=b"another job has this line")
            return job
        await self._carry(job, line, call_id, dispatch)
        return job

    async def _carry(self, job: web.WebSocketResponse, line: Line, call_id: str, dispatch: int | None) -> None:
        writer = Writer(job)
        live = _Bridge()
        telling = asyncio.create_task(_tell_job(line, writer, live))
        try:
            async for message in job:
                if message.type is WSMsgType.TEXT:
                    _do_for_job(line, message.data)
        finally:
            telling.cancel()
            if _has_died(job):
                line.close_bridge(live.number, JOB_DIED)
                self._on_job_lost(call_id, dispatch)
            await asyncio.gather(asyncio.wait({telling}), writer.finished(CLOSE_WITHIN_S), line.close())


def _number_in(request: web.Request, name: str) -> int | None:
    told = request.query.get(name)
    return int(told) if told is not None and told.isdecimal() else None


def _has_died(job: web.WebSocketResponse) -> bool:
    return job.close_code not in {NORMAL, HUB_CLOSES}


class _Bridge:
    """The one that dialled in last."""

    number = 0


async def _tell_job(line: Line, writer: Writer, live: _Bridge) -> None:
    while True:
        try:
            event = await line.next()
        except LineLost:
            writer.close(HUB_CLOSES)
            return
        match event:
            case RunnerDialled(bridge, job_id, worker_id):
                live.number = bridge
                writer.send(_told(is_="dialled", bridge=bridge, job_id=job_id, worker_id=worker_id))
            case RunnerFrame(bridge, text):
                writer.send(f"{bridge}:{text}")
            case RunnerClosed(bridge, code):
                writer.send(_told(is_="closed", bridge=bridge, code=code))


def _do_for_job(line: Line, message: str) -> None:
    if not message.startswith("{"):
        bridge, _, frame = message.partition(":")
        line.send(int(bridge), frame)
        return
    match json.loads(message):
        case {"is": "close", "bridge": int(number), "code": int(code)}:
            line.close_bridge(number, code)
        case {"is": "pass_over", "job_id": str(job_id)}:
            line.pass_over(job_id)


def _told(is_: str, **fields: Any) -> str:
    return json.dumps({"is": is_, **fields})


# ---------------------------------------------------------------- the job's side


@asynccontextmanager
async def attached(
    http: aiohttp.ClientSession,
    hub_url: str,
    call_id: str,
    secret: str,
    attempt: int | None = None,
    dispatch: int | None = None,
) -> AsyncIterator[Line]:
    """The call's line while the block lasts, as `Hub.open` gives it. `hub_url`: `http://127.0.0.1:<port>` of the attach
    point. A block that ends by an exception is a job that died, unless its line was closed before. Raises
    aiohttp.ClientError where the hub is not there or does not take the secret. A line that somebody else has is lost
    from the beginning."""
    socket = await http.ws_connect(
        f"{hub_url}/attach/{call_id}",
        params={name: str(told) for name, told in (("attempt", attempt), ("dispatch", dispatch)) if told is not None},
        headers={"Authorization": f"Bearer {secret}"},
        heartbeat=PING_EVERY_S,
        max_msg_size=_MOST_BYTES,
    )
    line = _AttachedLine(socket)
    try:
        yield line
    except Exception:
        await line.close(is_lost=True)
        raise
    finally:
        await line.close()


class _AttachedLine:
    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._writer = Writer(socket)

    async def next(self) -> LineEvent:
        while True:
            message = await self._socket.receive()
            if message.type is not WSMsgType.TEXT:
                raise LineLost("the hub is gone")
            event = _event(message.data)
            if event is not None:
                return event

    def send(self, bridge: int, text: str) -> None:
        self._writer.send(f"{bridge}:{checked(text)}")

    def close_bridge(self, bridge: int, code: int) -> None:
        self._writer.send(_told(is_="close", bridge=bridge, code=code))

    def pass_over(self, job_id: str) -> None:
        self._writer.send(_told(is_="pass_over", job_id=job_id))

    async def close(self, *, is_lost: bool = False) -> None:
        self._writer.close(JOB_DIED if is_lost else NORMAL)
        await self._writer.finished(CLOSE_WITHIN_S)


def _event(message: str) -> LineEvent | None:
    """None for what a later hub may say."""
    if not message.startswith("{"):
        bridge, _, frame = message.partition(":")
        return RunnerFrame(int(bridge), frame)
    told: Mapping[str, Any] = json.loads(message)
    match told:
        case {"is": "dialled", "bridge": int(number), "job_id": str(job_id), "worker_id": str(worker_id)}:
            return RunnerDialled(number, job_id, worker_id)
        case {"is": "closed", "bridge": int(number), "code": int(code)}:
            return RunnerClosed(number, code)
    return None
