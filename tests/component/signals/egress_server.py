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
    """`refuses` is the Twirp code it answers a start with. While `slow` it answers no start before it is let go. Its
    list holds what it was asked to start behind what was `before`, `page` of them at a time."""

    refuses: str | None = None
    slow: bool = False
    before: list[egress.EgressInfo] = field(default_factory=list)
    page: int = 100
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
            return 200, self._list(egress.ListEgressRequest.FromString(body)).SerializeToString()
        assert method == "StartRoomCompositeEgress"
        if self.slow:
            self.let_go.wait(10)
        if self.refuses is not None:
            return 404, json.dumps({"code": self.refuses, "msg": "requested room does not exist"}).encode()
        request = egress.RoomCompositeEgressRequest.FromString(body)
        self.started.append(request)
        return 200, self._info(request).SerializeToString()

    def _info(self, request: egress.RoomCompositeEgressRequest) -> egress.EgressInfo:
        return egress.EgressInfo(
            egress_id=f"EG_{request.room_name}", room_name=request.room_name, room_composite=request
        )

    def _list(self, request: egress.ListEgressRequest) -> egress.ListEgressResponse:
        known = [*self.before, *map(self._info, self.started)]
        items = [info for info in known if info.room_name == request.room_name]
        begin = int(request.page_token.token or 0)
        end = begin + self.page
        answer = egress.ListEgressResponse(items=items[begin:end])
        if end < len(items):
            answer.next_page_token.token = str(end)
        return answer


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

    class Server(http.server.ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """Says nothing: a client that hangs up early is part of the test."""

    listener = Server(("127.0.0.1", 0), Handler)
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
