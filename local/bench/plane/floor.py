"""The least that an answer over a bridge can take: one frame there and one back, on loopback, both ends in one event
loop, and nobody in between."""

import json
import time

import websockets
from aiohttp import WSMsgType, web

from speech.bridge.hub import serving

_ROUNDS = 500
_WARM_UP = 50
_ASKED = json.dumps({"event": "user.text", "text": "Hello", "is_final": True})
_ANSWERED = json.dumps({"event": "agent.text.delta", "text": "Hello"})


async def round_trips_ms() -> list[float]:
    """How long each took, in ms, sorted."""
    async with serving([web.get("/", _answer)], "127.0.0.1") as port:
        async with websockets.connect(f"ws://127.0.0.1:{port}/", proxy=None) as runner:
            taken_ms = [await _round_trip_ms(runner) for _ in range(_WARM_UP + _ROUNDS)]
    return sorted(taken_ms[_WARM_UP:])


async def _round_trip_ms(runner: websockets.ClientConnection) -> float:
    began_s = time.perf_counter()
    await runner.send(_ASKED)
    json.loads(await runner.recv())
    return 1000 * (time.perf_counter() - began_s)


async def _answer(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse(compress=False)
    await socket.prepare(request)
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            json.loads(message.data)
            await socket.send_str(_ANSWERED)
    return socket
