"""The front door leads runners' control sockets on: credentials inwards, frames and close codes both ways."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import websockets
from aiohttp import WSMsgType, web
from websockets.exceptions import ConnectionClosed, InvalidStatus

from local.aws.front_door import make_app
from tests.stack.callers import PATIENCE_S
from tests.stack.test_front_door import served

PATH = "/v1/internal/workers"
HEADERS = {"Authorization": "Token sk_key", "Org-Handle": "acme"}

type Serving = Callable[[web.WebSocketResponse], Awaitable[None]]


class Emulator:
    """What stands behind the door: one WebSocket, served as told, or refused."""

    def __init__(self, serving: Serving | None = None, refusal: int = 0) -> None:
        self.serving = serving
        self.refusal = refusal
        self.headers: dict[str, str] = {}
        self.path = ""
        self.closed_with: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()

    async def take(self, request: web.Request) -> web.StreamResponse:
        self.headers, self.path = {name.lower(): value for name, value in request.headers.items()}, request.path
        if self.refusal:
            return web.Response(status=self.refusal)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await (self.serving or echo)(socket)
        async for _ in socket:
            pass
        self.closed_with.set_result(socket.close_code)
        return socket


async def echo(socket: web.WebSocketResponse) -> None:
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            await socket.send_str(f"heard {message.data}")


@asynccontextmanager
async def a_door(emulator: Emulator) -> AsyncIterator[str]:
    behind = web.Application()
    behind.router.add_get("/{path:.*}", emulator.take)
    async with served(web.AppRunner(behind)) as target:
        door = web.AppRunner(make_app(f"http://{target}/api", f"http://{target}/sockets/live"), shutdown_timeout=1)
        async with served(door) as address:
            yield f"ws://{address}{PATH}"


def run(go: Callable[[], Awaitable[Any]]) -> Any:
    async def within() -> Any:
        async with asyncio.timeout(PATIENCE_S):
            return await go()

    return asyncio.run(within())


async def closed(socket: Any) -> int:
    """The code that the door closed with."""
    with pytest.raises(ConnectionClosed) as error:
        await socket.recv()
    assert error.value.rcvd is not None
    return int(error.value.rcvd.code)


def test_credentials_go_in_and_frames_go_both_ways() -> None:
    async def go() -> None:
        emulator = Emulator()
        async with a_door(emulator) as url, websockets.connect(url, additional_headers=HEADERS) as socket:
            for text in ('{"type": "heartbeat"}', "ä" * 1000):
                await socket.send(text)
                assert await socket.recv() == f"heard {text}"
            assert (emulator.path, emulator.headers["authorization"]) == ("/sockets/live", "Token sk_key")
            assert emulator.headers["org-handle"] == "acme"

    run(go)


def test_pings_are_answered() -> None:
    async def go() -> None:
        async with a_door(Emulator()) as url, websockets.connect(url) as socket:
            await (await socket.ping())

    run(go)


@pytest.mark.parametrize("code", [1000, 1001, 1011, 4001])
def test_a_close_goes_out_with_its_code(code: int) -> None:
    async def close(socket: web.WebSocketResponse) -> None:
        await socket.close(code=code)

    async def go() -> None:
        async with a_door(Emulator(close)) as url, websockets.connect(url) as socket:
            assert await closed(socket) == code

    run(go)


@pytest.mark.parametrize("code", [1000, 1011, 4009])
def test_a_close_goes_in_with_its_code(code: int) -> None:
    async def go() -> None:
        emulator = Emulator()
        async with a_door(emulator) as url, websockets.connect(url) as socket:
            await socket.close(code)
            assert await emulator.closed_with == code

    run(go)


def test_a_runner_that_dies_is_closed_inside() -> None:
    async def go() -> None:
        emulator = Emulator()
        async with a_door(emulator) as url, websockets.connect(url) as socket:
            socket.transport.abort()
            assert await emulator.closed_with is not None

    run(go)


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_credential_closes_with_a_code_at_which_the_sdk_ends(status: int) -> None:
    async def go() -> None:
        async with a_door(Emulator(refusal=status)) as url, websockets.connect(url) as socket:
            assert await closed(socket) == 1008

    run(go)


def test_a_stack_that_fails_is_a_status_at_which_the_sdk_tries_again() -> None:
    async def go() -> int:
        async with a_door(Emulator(refusal=500)) as url:
            with pytest.raises(InvalidStatus) as refused:
                await websockets.connect(url)
            return int(refused.value.response.status_code)

    assert run(go) == 502


def test_a_frame_longer_than_api_gateway_takes_ends_the_connection() -> None:
    async def go() -> int:
        async with a_door(Emulator()) as url, websockets.connect(url) as socket:
            await socket.send("x" * (128 * 1024 + 1))
            return await closed(socket)

    assert run(go) == 1009


def test_a_door_that_is_shut_says_so_to_those_who_are_connected() -> None:
    async def go() -> int:
        async with a_door(Emulator()) as url:
            socket = await websockets.connect(url)
            await socket.send("hello")
            await socket.recv()
        return await closed(socket)

    assert run(go) == 1001


def test_other_paths_and_plain_requests_are_the_apis() -> None:
    async def go() -> None:
        emulator = Emulator(refusal=404)
        async with a_door(emulator) as url:
            with pytest.raises(InvalidStatus):
                await websockets.connect(url.replace(PATH, "/v1/calls"))
            assert emulator.path == "/api/v1/calls"

    run(go)
