"""The front door passes requests and answers through byte for byte, and says in a problem document when it cannot."""

import asyncio
import hashlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from local.aws.front_door import make_app

BODY = b'{"event": "room_started",\r\n  "n": 1.0, "\xc3\xa9": "\\u00e9"}\n'


class Behind:
    """What stands behind the door in a test: keeps the last request as it came off the wire and answers as told."""

    def __init__(self) -> None:
        self.path = ""
        self.headers: dict[str, str] = {}
        self.body = b""
        self.answer = web.Response(status=200)

    async def take(self, request: web.BaseRequest) -> web.StreamResponse:
        self.path = request.raw_path
        self.headers = {name.lower(): value for name, value in request.headers.items()}
        self.body = await request.read()
        return self.answer


@asynccontextmanager
async def a_door(behind: Behind) -> AsyncIterator[str]:
    """A door in front of it, on the address that is given."""
    async with served(web.ServerRunner(web.Server(behind.take, auto_decompress=False))) as target:
        app = make_app(f"http://{target}/stage")
        async with served(web.AppRunner(app, auto_decompress=False)) as address:
            yield address


@asynccontextmanager
async def served(runner: web.BaseRunner) -> AsyncIterator[str]:
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def sent(address: str, raw: bytes) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the answer to bytes written to the door as they are."""
    host, port = address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(raw)
    await writer.drain()
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    writer.close()
    return int(lines[0].split()[1]), headers, body


def a_request(method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
    fields = {"Host": "api.example", "Content-Length": str(len(body)), **headers}
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body


def through_a_door(raw: bytes, behind: Behind | None = None) -> tuple[Behind, Any]:
    behind = behind or Behind()

    async def go() -> Any:
        async with a_door(behind) as address:
            return await sent(address, raw)

    return behind, asyncio.run(go())


def test_a_signed_webhook_arrives_byte_for_byte() -> None:
    raw = a_request("POST", "/hooks/livekit", BODY, Authorization="eyJ.a.b", Content_Type="application/webhook+json")
    behind, (status, _, _) = through_a_door(raw)
    assert status == 200
    assert hashlib.sha256(behind.body).digest() == hashlib.sha256(BODY).digest()
    assert behind.headers["authorization"] == "eyJ.a.b"
    assert behind.headers["content-type"] == "application/webhook+json"


def test_a_compressed_body_arrives_compressed() -> None:
    squeezed = b"\x1f\x8b\x08\x00not-really-gzip"
    behind, (status, _, _) = through_a_door(a_request("POST", "/v1/calls", squeezed, Content_Encoding="gzip"))
    assert (status, behind.body, behind.headers["content-encoding"]) == (200, squeezed, "gzip")


def test_the_path_arrives_as_it_was_written() -> None:
    path = "/v1/numbers/+1415/attach%2Fx%20y?q=%2B1+2&empty=&q=%c3%a9"
    behind, _ = through_a_door(a_request("GET", path))
    assert behind.path == f"/stage{path}"


def test_dots_in_the_path_do_not_lead_out_of_the_api() -> None:
    behind, _ = through_a_door(a_request("POST", "/../../_ministack/reset"))
    assert behind.path.startswith("/stage/")


def test_nothing_is_invented_that_the_caller_did_not_send() -> None:
    behind, _ = through_a_door(a_request("POST", "/v1/calls", b"{}"))
    assert not {"user-agent", "accept", "accept-encoding", "content-type"} & set(behind.headers)
    assert behind.headers["x-forwarded-for"] == "127.0.0.1"


def test_the_answer_comes_back_as_it_was_given() -> None:
    behind = Behind()
    behind.answer = web.Response(status=429, body=b'{"a": 1}', headers={"Retry-After": "7", "Content-Type": "a/b"})
    _, (status, headers, body) = through_a_door(a_request("DELETE", "/v1/calls/x"), behind)
    assert (status, headers["retry-after"], headers["content-type"], body) == (429, "7", "a/b", b'{"a": 1}')


def test_a_redirect_is_the_callers_to_follow() -> None:
    behind = Behind()
    behind.answer = web.Response(status=302, headers={"Location": "http://elsewhere.example/"})
    _, (status, headers, _) = through_a_door(a_request("GET", "/v1/calls"), behind)
    assert (status, headers["location"]) == (302, "http://elsewhere.example/")


def test_the_door_itself_says_that_it_is_open() -> None:
    behind, (status, _, body) = through_a_door(a_request("GET", "/healthz"))
    assert (status, body, behind.path) == (200, b'{"status": "ok"}', "")


def test_a_body_beyond_api_gateways_limit_is_refused_as_a_problem() -> None:
    raw = a_request("POST", "/v1/calls", b"x" * (10 * 1024 * 1024 + 1))
    behind, (status, headers, body) = through_a_door(raw)
    assert (status, headers["content-type"]) == (413, "application/problem+json")
    assert b'"code": "body_too_large"' in body
    assert behind.path == ""


def test_a_stack_that_is_gone_is_a_problem_and_not_a_hang() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))

        async def go() -> Any:
            app = make_app(f"http://127.0.0.1:{nobody.getsockname()[1]}")
            async with served(web.AppRunner(app)) as address:
                return await sent(address, a_request("GET", "/v1/calls"))

        status, _, body = asyncio.run(go())
    assert status == 502
    assert b'"code": "stack_unavailable"' in body
