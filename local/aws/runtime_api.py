"""Lambda's Runtime API for one invocation: the small HTTP service from which AWS's own runtime client takes an event
and to which it hands the answer (AWS: "Using the Lambda runtime API for custom runtimes")."""

import json
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_NEXT = "/2018-06-01/runtime/invocation/next"
_INIT_ERROR = "/2018-06-01/runtime/init/error"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the handler returned, or what it raised (`failed`): then the body is Lambda's error document."""

    body: Any
    failed: bool


class Invocation:
    """One event on its way through the runtime client. `address` is what AWS_LAMBDA_RUNTIME_API must say."""

    def __init__(self, event: bytes, function_arn: str, timeout_s: float, address: str) -> None:
        self.event = event
        self.function_arn = function_arn
        self.request_id = str(uuid.uuid4())
        self.deadline_at_ms = int((time.time() + timeout_s) * 1000)
        self.address = address
        self._answer: Answer | None = None
        self._answered = threading.Event()
        self._taken = threading.Lock()
        self._over = threading.Event()

    def take(self) -> bool:
        """Whether this is the one time that the event is handed out."""
        return self._taken.acquire(blocking=False)

    def end(self) -> None:
        """Lets go whoever waits for another event."""
        self._over.set()

    def wait_for_end(self) -> None:
        self._over.wait()

    def settle(self, body: bytes, *, failed: bool) -> None:
        self._answer = Answer(json.loads(body or b"null"), failed)
        self._answered.set()

    def answer_within(self, seconds: float) -> Answer | None:
        """The answer, or None if there is none after this time."""
        self._answered.wait(seconds)
        return self._answer


@contextmanager
def serving(event: bytes, function_arn: str, timeout_s: float) -> Iterator[Invocation]:
    """Serves one invocation on a loopback port while the `with` lasts."""
    server = _Server(("127.0.0.1", 0), _Handler)
    invocation = server.invocation = Invocation(event, function_arn, timeout_s, f"127.0.0.1:{server.server_address[1]}")
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield invocation
    finally:
        invocation.end()
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    invocation: Invocation

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was ended while it waited for a next event breaks its connection: that is how it ends."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def _invocation(self) -> Invocation:
        assert isinstance(self.server, _Server)
        return self.server.invocation

    def do_GET(self) -> None:
        if self.path != _NEXT:
            self.send_error(404)
            return
        if not self._invocation.take():
            # There is no other event: like Lambda, keep the client waiting for one until its time is over.
            self._invocation.wait_for_end()
            self.close_connection = True
            return
        self.send_response(200)
        # The client reads each of these headers, also the trace id of an untraced function.
        self.send_header("Lambda-Runtime-Aws-Request-Id", self._invocation.request_id)
        self.send_header("Lambda-Runtime-Deadline-Ms", str(self._invocation.deadline_at_ms))
        self.send_header("Lambda-Runtime-Invoked-Function-Arn", self._invocation.function_arn)
        self.send_header("Lambda-Runtime-Trace-Id", "Root=1-00000000-000000000000000000000000;Sampled=0")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(self._invocation.event)))
        self.end_headers()
        self.wfile.write(self._invocation.event)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()
        self._invocation.settle(body, failed=self.path == _INIT_ERROR or self.path.endswith("/error"))

    def log_message(self, format: str, *args: Any) -> None:
        """Logs nothing, because the client's requests are not news."""
