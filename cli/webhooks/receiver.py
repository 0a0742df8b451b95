"""A receiver on this machine, behind whatever leads to it from the internet: verifies, hands on, answers."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from threading import Thread
from typing import Any

from cli.model.failures import Usage
from cli.webhooks.forward import WITHIN_S, Forward
from cli.webhooks.heard import Heard
from cli.webhooks.verified import fault

_MOST_BYTES = 1024 * 1024
"""More than any event of Ringline's has."""

_NOT_HANDED_ON = frozenset({"host", "connection", "content-length", "transfer-encoding"})


@contextmanager
def receiving(
    port: int, secret: "Future[str]", clock: Callable[[], int], forward: Forward | None
) -> "Iterator[tuple[int, Queue[Heard]]]":
    """The port that is listened on, 0 for any, and what is heard there. A delivery may come before the answer that
    tells the secret: it waits for it. What the server behind answers is the answer. Raises Usage where the port is
    taken."""
    heard: Queue[Heard] = Queue()

    class Handler(BaseHTTPRequestHandler):
        timeout = 30

        def do_POST(self) -> None:
            length = self.headers.get("content-length", "")
            if not length.isdecimal() or int(length) > _MOST_BYTES:
                self._answer(413)
                return
            body = self.rfile.read(int(length))
            headers = {name.lower(): value for name, value in self.headers.items()}
            refused = fault(secret.result(WITHIN_S), headers, body, clock() // 1000)
            if refused is not None:
                self._answer(400)
                heard.put(Heard(_document(body), refused=refused))
                return
            answer = forward.post(_handed_on(headers), body) if forward else None
            self._answer(204 if answer is None else answer.status_code or 502)
            heard.put(Heard(_document(body), answer))

        def _answer(self, status: int) -> None:
            self.send_response(status)
            self.send_header("content-length", "0")
            self.send_header("connection", "close")
            self.end_headers()
            self.close_connection = True

        def log_message(self, *_arguments: Any) -> None:
            """Said by the command, in its own words."""

    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    except (OSError, OverflowError) as error:
        raise Usage(f"The port {port} cannot be listened on: {error}", "--port") from None
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield server.server_address[1], heard
    finally:
        server.shutdown()
        server.server_close()


def _handed_on(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name not in _NOT_HANDED_ON}


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    return document if isinstance(document, dict) else {"type": "unreadable"}
