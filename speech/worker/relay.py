"""Many workers behind one address: a runner's dial is passed on to the worker that holds its call.

    runner --wss--> balancer --> any worker --ws--> the worker named in the path --> its hub

The path names the worker by its address, signed: `/at/<address>:<port>.<signature>/bridge/<call_id>.<dispatch>`. So
nothing has to be looked up, and nobody can make a worker dial an address of his choice. The runner's token travels in
the query and is checked by the hub that holds the call.
"""

import asyncio
import base64
import hashlib
import hmac
import logging
from collections.abc import Awaitable, Callable

import aiohttp
from aiohttp import WSMsgType, web

_log = logging.getLogger(__name__)

type Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

MOST_BYTES = 2**20
"""What the SDK's library takes in one frame."""
HEARTBEAT_S = 20
CONNECT_S = 4
"""The runner's own dial gives up after 5 s."""
_NOT_TOLD = {1005, 1006, 1015}
"""Codes that a socket ends with and that no close frame may carry (RFC 6455, 7.4.1)."""
_GOES_AWAY = 1012


class WorkerAddresses:
    """Signs and reads a worker's address. All workers of a deployment share the key."""

    def __init__(self, key: bytes) -> None:
        self._key = hmac.new(key, b"worker-address", hashlib.sha256).digest()

    def signed(self, address: str) -> str:
        """`10.0.3.17:8080` as a segment of a path."""
        return f"{address}.{self._signature(address)}"

    def read(self, segment: str) -> str | None:
        """The address, or None where the segment was not signed by us."""
        address, _, signature = segment.rpartition(".")
        return address if hmac.compare_digest(signature, self._signature(address)) else None

    def _signature(self, address: str) -> str:
        digest = hmac.new(self._key, address.encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest[:18]).decode()


class Relay:
    """The public route of a worker behind a balancer."""

    def __init__(
        self, *, addresses: WorkerAddresses, own_address: str, own_bridge: Handler, http: aiohttp.ClientSession
    ) -> None:
        self._addresses = addresses
        self._own_address = own_address
        self._own_bridge = own_bridge
        self._http = http
        self.bridges = 0
        """How many it passes on at this moment."""

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/at/{worker}/bridge/{line}", self.dialled)]

    async def dialled(self, request: web.Request) -> web.StreamResponse:
        """A runner dials. 404 for an address that we did not sign, 502 for a worker that is gone."""
        address = self._addresses.read(request.match_info["worker"])
        if address is None:
            raise web.HTTPNotFound
        if address == self._own_address:
            return await self._own_bridge(request)
        url = f"http://{address}/bridge/{request.match_info['line']}?{request.rel_url.raw_query_string}"
        try:
            async with asyncio.timeout(CONNECT_S):
                onward = await self._http.ws_connect(url, max_msg_size=MOST_BYTES, heartbeat=HEARTBEAT_S)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            _log.warning("the worker of a call is not reached", extra={"error": type(error).__name__})
            raise web.HTTPBadGateway from None
        runner = web.WebSocketResponse(max_msg_size=MOST_BYTES, heartbeat=HEARTBEAT_S)
        self.bridges += 1
        try:
            await runner.prepare(request)
            await _join(runner, onward)
        finally:
            self.bridges -= 1
            # The worker of the call hears at once that its runner is gone, also where this one is told to end.
            await onward.close(code=_GOES_AWAY)
        return runner


async def _join(runner: web.WebSocketResponse, onward: aiohttp.ClientWebSocketResponse) -> None:
    """Frames go both ways until one side closes; the other is closed with the same code."""
    inward = asyncio.create_task(_pass(runner, onward))
    outward = asyncio.create_task(_pass(onward, runner))
    try:
        await asyncio.wait({inward, outward}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (inward, outward):
            task.cancel()
        await asyncio.gather(inward, outward, return_exceptions=True)


type _Socket = web.WebSocketResponse | aiohttp.ClientWebSocketResponse


async def _pass(source: _Socket, target: _Socket) -> None:
    try:
        async for message in source:
            if message.type is WSMsgType.TEXT:
                await target.send_str(message.data)
    except (ConnectionError, aiohttp.ClientError) as error:
        _log.info("a relayed bridge broke", extra={"error": type(error).__name__})
    code = source.close_code
    await target.close(code=_GOES_AWAY if code is None or code in _NOT_TOLD else code)
