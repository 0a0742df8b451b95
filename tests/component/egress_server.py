"""LiveKit's egress service, as far as the start of a recording needs it: a real server on 127.0.0.1."""

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from livekit.protocol import egress


@dataclass
class EgressServer:
    """`refuses` is the Twirp code it answers a start with. While `slow` it answers no start before
    it is let go."""

    refuses: str | None = None
    slow: bool = False
    started: list[egress.RoomCompositeEgressRequest] = field(default_factory=list)
    port: int = 0
    let_go: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def rooms(self) -> list[str]:
        return [request.room_name for request in self.started]

    def answer(self, method: str, body: bytes) -> tuple[int, bytes]:
        if method == "ListEgress":
            room = egress.ListEgressRequest.FromString(body).room_name
            items = [egress.EgressInfo(egress_id=f"EG_{room}", room_name=room)] if room in self.rooms else []
            return 200, egress.ListEgressResponse(items=items).SerializeToString()
        assert method == "StartRoomCompositeEgress"
        if self.slow:
            self.let_go.wait(10)
        if self.refuses is not None:
            return 404, json.dumps({"code": self.refuses, "msg": "requested room does not exist"}).encode()
        request = egress.RoomCompositeEgressRequest.FromString(body)
        self.started.append(request)
        return 200, egress.EgressInfo(egress_id=f"EG_{request.room_name}").SerializeToString()


@contextmanager
def listening(server: EgressServer) -> Iterator[EgressServer]:
    """The server on a free port, until the block ends."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            service, method = self.path.removeprefix("/twirp/livekit.").split("/")
            assert service == "Egress"
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            status, answer = server.answer(method, body)
            self.send_response(status)
            self.send_header("content-type", "application/protobuf" if status == 200 else "application/json")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing: the test looks at what was started."""

    listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listener.handle_error = lambda request, client_address: None  # type: ignore[method-assign]
    server.port = listener.server_address[1]
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.let_go.set()
        listener.shutdown()
        listener.server_close()
        thread.join()
