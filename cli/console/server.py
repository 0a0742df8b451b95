"""The server behind the pages. It listens on this machine alone, and answers who knows its token.

A page of another site can make the reader's browser ask this server, but not read the token, which stands in every
address; nor can a name that was made to lead here (DNS rebinding): the Host header must be ours. A form that another
page sends is refused by its Origin as well. Nothing of what is answered is kept by the browser.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hmac import compare_digest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from cli.console.parts.asked import Answer, Asked, go_to
from cli.model.failures import Usage

_MOST_BYTES = 64 * 1024
_FROM_ELSEWHERE = frozenset({"cross-site", "same-site"})
_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self';"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
}
_UNKNOWN, _LET_IN = 404, 303
_REFUSED = "text/plain; charset=utf-8"


class Handler(BaseHTTPRequestHandler):
    """Answers one request of a browser."""

    server: "Server"
    timeout = 30
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        asked = _asked_for(self, {})
        if asked == _UNKNOWN and self.server.lets_in_once(self.path):
            asked = _LET_IN
        self._answer(asked)

    def do_POST(self) -> None:
        length = self.headers.get("content-length", "")
        if not length.isdecimal() or int(length) > _MOST_BYTES:
            self._answer(413)
            return
        body = self.rfile.read(int(length)).decode("utf-8", "replace")
        self._answer(_asked_for(self, dict(parse_qsl(body))))

    def _answer(self, asked: Asked | int) -> None:
        made = self._made(asked)
        self.send_response(made.status)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        if made.location is not None:
            self.send_header("location", f"/{self.server.token}/{made.location}")
        self.send_header("content-type", made.content_type)
        self.send_header("content-length", str(len(made.body)))
        self.send_header("connection", "close")
        self.end_headers()
        self.wfile.write(made.body)
        self.close_connection = True

    def _made(self, asked: Asked | int) -> Answer:
        if asked == _LET_IN:
            return go_to("")
        return Answer(b"refused\n", asked, _REFUSED) if isinstance(asked, int) else self.server.answer(asked)

    def log_message(self, *_arguments: Any) -> None:
        """Nobody reads along, and a line of it would show the token."""


class Server(ThreadingHTTPServer):
    """Listens on this machine alone. Port 0 takes any. Who comes with `once` is led to the token, the first time."""

    def __init__(self, port: int, token: str, answer: Callable[[Asked], Answer], once: str | None = None) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.token = token
        self.answer = answer
        self._once = once
        self.hosts = {f"{name}:{self.server_port}" for name in ("127.0.0.1", "localhost")}

    def lets_in_once(self, path: str) -> bool:
        if self._once is None or not compare_digest(path.strip("/").encode(), self._once.encode()):
            return False
        self._once = None
        return True


@contextmanager
def serving(port: int, token: str, answer: Callable[[Asked], Answer], once: str | None = None) -> Iterator[str]:
    """The address of the pages, with the token, while they are served. Raises Usage where the port is taken."""
    try:
        server = Server(port, token, answer, once)
    except (OSError, OverflowError) as error:
        raise Usage(f"The port {port} cannot be listened on: {error}", "--port") from None
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/{token}/"
    finally:
        server.shutdown()
        server.server_close()


def _asked_for(handler: Handler, form: dict[str, str]) -> Asked | int:
    """What is asked for, or the status of the refusal."""
    server = handler.server
    if handler.headers.get("host", "") not in server.hosts:
        return 421
    address = urlsplit(handler.path)
    said, *path = [unquote(each) for each in address.path.removeprefix("/").split("/")]
    if not compare_digest(said.encode(), server.token.encode()):
        return _UNKNOWN
    if handler.command == "POST" and not _is_ours(handler):
        return 403
    return Asked(handler.command, tuple(path), dict(parse_qsl(address.query)), form)


def _is_ours(handler: Handler) -> bool:
    """Whether a form was sent by a page of ours, as far as the browser says."""
    origin = handler.headers.get("origin")
    from_elsewhere = handler.headers.get("sec-fetch-site") in _FROM_ELSEWHERE
    return not from_elsewhere and (origin is None or origin in {f"http://{host}" for host in handler.server.hosts})
