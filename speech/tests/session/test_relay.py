"""Many workers behind one address: a runner's dial reaches the worker that holds the call."""

import contextlib
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import WSMsgType, web

from speech.bridge.hub import serving
from speech.worker.relay import Relay, WorkerAddresses
from tests.contract.bridge.rig import eventually

pytestmark = pytest.mark.anyio

ADDRESSES = WorkerAddresses(b"a key of the deployment")


async def holder_of_the_call(request: web.Request) -> web.WebSocketResponse:
    """Echoes frames with the token it was dialled with, and closes as it is told."""
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        if message.type is WSMsgType.TEXT and message.data.startswith("close "):
            await socket.close(code=int(message.data.split()[1]))
        else:
            await socket.send_str(f"{request.query.getall('token')[-1]} {message.data}")
    closed_with.append(socket.close_code)
    return socket


closed_with: list[int | None] = []


async def not_here(_: web.Request) -> web.StreamResponse:
    raise web.HTTPConflict


@contextlib.asynccontextmanager
async def a_holder() -> AsyncIterator[tuple[Relay, int, aiohttp.ClientSession]]:
    """The worker that holds the call, by its port, and what another one passes bridges on with."""
    closed_with.clear()
    async with (
        aiohttp.ClientSession() as http,
        serving([web.get("/bridge/{line}", holder_of_the_call)], "127.0.0.1") as holder,
    ):
        yield Relay(addresses=ADDRESSES, own_address="127.0.0.1:1", own_bridge=not_here, http=http), holder, http


@contextlib.asynccontextmanager
async def two_workers() -> AsyncIterator[tuple[int, int, aiohttp.ClientSession]]:
    """The port of the one that is dialled, and of the one that holds the call."""
    async with a_holder() as (relay, holder, http), serving(relay.routes(), "127.0.0.1") as port:
        yield port, holder, http


async def test_frames_and_the_token_pass_both_ways() -> None:
    async with two_workers() as (port, holder, http):
        url = f"http://127.0.0.1:{port}/at/{ADDRESSES.signed(f'127.0.0.1:{holder}')}/bridge/SCL_1.2?token=a&token=t%2F1"
        async with http.ws_connect(url) as runner:
            for text in ("hello", "again"):
                await runner.send_str(text)
                assert await runner.receive_str() == f"t/1 {text}"


async def test_the_code_of_a_close_is_passed_on_and_a_runner_that_is_gone_is_gone_for_the_holder_too() -> None:
    async with two_workers() as (port, holder, http):
        url = f"http://127.0.0.1:{port}/at/{ADDRESSES.signed(f'127.0.0.1:{holder}')}/bridge/SCL_1.2?token=t"
        async with http.ws_connect(url) as runner:
            await runner.send_str("close 4003")
            assert (await runner.receive()).type is WSMsgType.CLOSE
            assert runner.close_code == 4003
        async with http.ws_connect(url) as runner:
            await runner.close(code=1011)
        await eventually(lambda: len(closed_with) == 2)
        assert closed_with[1] == 1011


async def test_an_address_that_nobody_signed_is_not_dialled() -> None:
    async with two_workers() as (port, holder, http):
        others = WorkerAddresses(b"another key").signed(f"127.0.0.1:{holder}")
        for segment in (others, f"127.0.0.1:{holder}.", f"127.0.0.1:{holder}"):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await http.ws_connect(f"http://127.0.0.1:{port}/at/{segment}/bridge/SCL_1.2?token=t")
            assert refused.value.status == 404


async def test_a_worker_that_is_gone_is_a_bad_gateway_and_its_own_call_is_not_dialled_at_all() -> None:
    async with two_workers() as (port, _, http):
        for address, status in (("127.0.0.1:9", 502), ("127.0.0.1:1", 409)):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await http.ws_connect(f"http://127.0.0.1:{port}/at/{ADDRESSES.signed(address)}/bridge/SCL_1.2")
            assert refused.value.status == status


async def test_what_it_passes_on_is_counted_and_the_holder_hears_at_once_of_its_end() -> None:
    async with a_holder() as (relay, holder, http):
        async with serving(relay.routes(), "127.0.0.1") as port:
            url = f"http://127.0.0.1:{port}/at/{ADDRESSES.signed(f'127.0.0.1:{holder}')}/bridge/SCL_1.2?token=t"
            runner = await http.ws_connect(url)
            await runner.send_str("hello")
            assert await runner.receive_str() == "t hello"
            assert relay.bridges == 1
        # The worker is gone, and its runner's socket with it.
        await eventually(lambda: bool(closed_with))
        assert (closed_with, relay.bridges) == ([1012], 0)
        await runner.close()
