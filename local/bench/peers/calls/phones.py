"""Phones for the peers: a call is dialled with one request, which is answered when it is over. Whoever hangs up on the
request does not end the call, as killing a dialer ends no conversation."""

import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from local.bench.peers.calls.trace import Dialled, TracedCall


class Phones(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, calls: Sequence[TracedCall]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self._lasts_s = {call.call_id: call.lasts_s for call in calls}
        self._lock = threading.Lock()
        self._up: dict[int, tuple[str, str, float]] = {}
        self._over: list[Dialled] = []
        self.dials = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def talk(self, worker: str, call_id: str) -> None:
        """A worker dials. Returns when the call is over."""
        with self._lock:
            number = self.dials = self.dials + 1
            self._up[number] = (worker, call_id, time.monotonic())
        time.sleep(self._lasts_s[call_id])
        with self._lock:
            _, _, began_at = self._up.pop(number)
            self._over.append(Dialled(call_id, began_at, time.monotonic()))

    def busiest(self) -> str | None:
        """The worker that has most calls up; None where none is."""
        with self._lock:
            workers = Counter(worker for worker, _, _ in self._up.values())
        return max(workers, key=lambda worker: workers[worker], default=None)

    def is_quiet(self) -> bool:
        """Whether no call is up."""
        return not self._up

    def dialled(self) -> list[Dialled]:
        """The calls that are over."""
        with self._lock:
            return list(self._over)

    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever dialled was killed: its answer reaches nobody, and that is no news."""


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Phones)
        worker, call_id = self.path.strip("/").split("/")
        self.server.talk(worker, call_id)
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Logs nothing, because calls are in the ledger."""


@contextmanager
def phones(calls: Sequence[TracedCall]) -> Iterator[Phones]:
    server = Phones(calls)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
