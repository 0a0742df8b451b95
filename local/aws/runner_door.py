"""The front door's WebSockets: a runner's control socket is led to the emulator's, with its credentials, frames and
close codes.

On AWS a refused credential is refused at the upgrade, at which a runner tries again ever less often. Here it is told
by a close of 1008, at which SDK 0.5.0 ends with a clear error: whoever develops on one machine wants to see it.
"""

import asyncio
import logging

from aiohttp import (
    ClientError,
    ClientSession,
    ClientWebSocketResponse,
    WSCloseCode,
    WSMsgType,
    WSServerHandshakeError,
    web,
)

RUNNERS_PATH = "/v1/internal/workers"

# API Gateway's own limit on a message; a longer one closes the connection with 1009.
_LONGEST_MESSAGE = 128 * 1024
_PASSED_ON = ("Authorization", "Org-Handle", "User-Agent")
_REFUSED = frozenset({401, 403})
_NO_STATUS = 1005
_BROKEN = 1006

_TARGET = web.AppKey("runners", str)
_OPEN = web.AppKey("open_sockets", set[web.WebSocketResponse])

logger = logging.getLogger("front_door")


def open_in(app: web.Application, target: str) -> None:
    """Has the door lead control sockets to this URL, and close those that are open when it is shut."""
    app[_TARGET] = target
    app[_OPEN] = set()

    async def close_all(app: web.Application) -> None:
        still_open = app[_OPEN]
        for socket in list(still_open):
            await socket.close(code=WSCloseCode.GOING_AWAY)

    app.on_shutdown.append(close_all)


def is_upgrade(request: web.Request) -> bool:
    return bool(request.app[_TARGET]) and request.headers.get("Upgrade", "").lower() == "websocket"


async def pass_on(request: web.Request, session: ClientSession) -> web.WebSocketResponse | None:
    """Passes frames both ways until one side closes. None, and nothing was answered, where the emulator does not."""
    headers = {name: request.headers[name] for name in _PASSED_ON if name in request.headers}
    outside = web.WebSocketResponse(max_msg_size=_LONGEST_MESSAGE)
    try:
        inside = await session.ws_connect(request.app[_TARGET], headers=headers, max_msg_size=_LONGEST_MESSAGE)
    except WSServerHandshakeError as error:
        if error.status not in _REFUSED:
            logger.warning("runner: %s", error)
            return None
        logger.info("runner refused: %d", error.status)
        await outside.prepare(request)
        await outside.close(code=WSCloseCode.POLICY_VIOLATION)
        return outside
    except (ClientError, TimeoutError) as error:
        logger.warning("runner: %s", error)
        return None
    async with inside:
        await outside.prepare(request)
        request.app[_OPEN].add(outside)
        logger.info("runner connected")
        try:
            await _between(outside, inside)
        finally:
            request.app[_OPEN].discard(outside)
    return outside


async def _between(outside: web.WebSocketResponse, inside: ClientWebSocketResponse) -> None:
    inwards = asyncio.create_task(_copy(outside, inside))
    outwards = asyncio.create_task(_copy(inside, outside))
    done, _ = await asyncio.wait({inwards, outwards}, return_when=asyncio.FIRST_COMPLETED)
    if inwards in done:
        await inside.close(code=_told(outside.close_code))
    else:
        await outside.close(code=_told(inside.close_code))
    for task in (inwards, outwards):
        task.cancel()
    await asyncio.gather(inwards, outwards, return_exceptions=True)


async def _copy(
    source: web.WebSocketResponse | ClientWebSocketResponse, target: web.WebSocketResponse | ClientWebSocketResponse
) -> None:
    """Returns when the source is closed. It answers pings by itself."""
    async for message in source:
        if message.type is WSMsgType.TEXT:
            await target.send_str(message.data)
        elif message.type is WSMsgType.BINARY:
            await target.send_bytes(message.data)


def _told(code: int | None) -> int:
    """A close code as it may be sent on: that a connection broke cannot be said in a frame."""
    return WSCloseCode.GOING_AWAY if code in {None, _NO_STATUS, _BROKEN} else int(code or WSCloseCode.OK)
