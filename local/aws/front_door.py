"""The front door: gives the API a host root of its own, `http://127.0.0.1:8787/v1/...`, because SDKs drop the base path
under which the emulator serves it. Requests and answers pass through byte for byte; LiveKit's webhooks are signed over
their bytes.

    python -m local.aws.front_door --fd N --target URL --runners URL

serves an already listening socket and prints `ready <url>`. WebSockets of `/v1/internal/workers` go to the URL of
`--runners` (`runner_door.py`), so that one base URL leads an SDK to both.

It answers only `GET /healthz` itself, and 502, 504 or 413 as a problem document when the emulator does not answer or
the body is larger than API Gateway takes.
"""

import argparse
import asyncio
import json
import logging
import signal
import socket
import sys
from collections.abc import AsyncIterator

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector, web
from multidict import CIMultiDict
from yarl import URL

from local.aws import runner_door
from local.aws.runner_door import RUNNERS_PATH

# API Gateway's own limits: it waits 30 s for a function, and takes 10 MB.
_ANSWER_WITHIN_S = 30.0
_MAX_BODY_BYTES = 10 * 1024 * 1024
_MAX_CONNECTIONS = 256

# These headers belong to one connection (RFC 9110 7.6.1). Host is not passed on either: the emulator chooses services
# by its own.
_HOP_BY_HOP = {
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization",
    "te", "trailer", "transfer-encoding", "upgrade",
}  # fmt: skip
_NOT_FORWARDED = _HOP_BY_HOP | {"host", "content-length", "expect"}
_NOT_RETURNED = _HOP_BY_HOP | {"content-length", "date", "server"}
_NOT_INVENTED = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
_STOPS_WITHIN_S = 1.0
_HOOKS = "/hooks/"

_TARGET = web.AppKey("target", str)
_SESSION = web.AppKey("session", ClientSession)

logger = logging.getLogger("front_door")


def _problem(status: int, code: str, title: str) -> web.Response:
    document = {"type": f"urn:ringline:problem:{code}", "title": title, "status": status, "code": code, "detail": code}
    return web.Response(status=status, body=json.dumps(document).encode(), content_type="application/problem+json")


async def _answer(request: web.Request) -> web.StreamResponse:
    if request.path == RUNNERS_PATH and runner_door.is_upgrade(request):
        return await runner_door.pass_on(request, request.app[_SESSION]) or _problem(
            502, "stack_unavailable", "The stack behind the front door does not answer"
        )
    return await _pass_on(request)


async def _healthz(_request: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


async def _pass_on(request: web.Request) -> web.StreamResponse:
    if not request.raw_path.startswith("/"):
        return _problem(400, "unreadable_target", "The request names a whole URL and not a path")
    try:
        body = await request.read()
    except web.HTTPRequestEntityTooLarge:
        return _problem(413, "body_too_large", f"The body is larger than {_MAX_BODY_BYTES} bytes")
    try:
        answer = await _ask(request, body)
    except TimeoutError:
        logger.warning("%s %s: no answer", request.method, request.path)
        return _problem(504, "stack_timeout", f"The stack did not answer within {_ANSWER_WITHIN_S:.0f} s")
    except ClientError as error:
        logger.warning("%s %s: %s", request.method, request.path, error)
        return _problem(502, "stack_unavailable", "The stack behind the front door does not answer")
    logger.info("%s %s %d", request.method, request.path, answer.status)
    if not request.path.startswith(_HOOKS):
        # The SDK's blocking client runs each call in an event loop of its own and fails on a connection kept from the
        # last.
        answer.force_close()
    return answer


async def _ask(request: web.Request, body: bytes) -> web.Response:
    headers = CIMultiDict(pair for pair in request.headers.items() if pair[0].lower() not in _NOT_FORWARDED)
    headers.extend({"x-forwarded-for": request.remote or "", "x-forwarded-proto": "http"})
    # The path goes on as it was sent, so that `+` and `%2B` stay what they are.
    url = URL(request.app[_TARGET] + request.raw_path, encoded=True)
    async with request.app[_SESSION].request(
        request.method, url, headers=headers, data=body or None, allow_redirects=False, skip_auto_headers=_NOT_INVENTED
    ) as answer:
        returned = CIMultiDict(pair for pair in answer.headers.items() if pair[0].lower() not in _NOT_RETURNED)
        return web.Response(status=answer.status, headers=returned, body=await answer.read())


def make_app(target: str, runners: str = "") -> web.Application:
    """The proxy in front of `target`, the API's URL at the emulator without a trailing slash, and of `runners`, where
    control sockets end there; without it there are none."""
    app = web.Application(client_max_size=_MAX_BODY_BYTES)
    app[_TARGET] = target
    runner_door.open_in(app, runners)

    async def hold_session(app: web.Application) -> AsyncIterator[None]:
        connector = TCPConnector(limit=_MAX_CONNECTIONS, keepalive_timeout=60)
        timeout = ClientTimeout(total=_ANSWER_WITHIN_S, connect=5)
        # Content codings and cookies are the caller's affair.
        session = ClientSession(
            connector=connector, timeout=timeout, auto_decompress=False, cookie_jar=DummyCookieJar(), trust_env=False
        )
        async with session:
            app[_SESSION] = session
            yield

    app.cleanup_ctx.append(hold_session)
    app.router.add_get("/healthz", _healthz)
    app.router.add_route("*", r"/{path:[\s\S]*}", _answer)
    return app


async def serve(listening: socket.socket, target: str, runners: str) -> None:
    """Serves until SIGTERM or SIGINT."""
    app = make_app(target, runners)
    runner = web.AppRunner(
        app, access_log=None, auto_decompress=False, shutdown_timeout=_STOPS_WITHIN_S, handle_signals=False
    )
    await runner.setup()
    await web.SockSite(runner, listening).start()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    host, port = listening.getsockname()[:2]
    print(f"ready http://{host}:{port}", flush=True)
    await stopped.wait()
    await runner.cleanup()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m local.aws.front_door")
    parser.add_argument("--fd", type=int, required=True, help="a listening socket, inherited from the caller")
    parser.add_argument("--target", required=True, help="the API's URL at the emulator")
    parser.add_argument("--runners", default="", help="where runners' control sockets end at the emulator")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    asyncio.run(serve(socket.socket(fileno=arguments.fd), arguments.target.rstrip("/"), arguments.runners.rstrip("/")))
    return 0


if __name__ == "__main__":
    sys.exit(main())
