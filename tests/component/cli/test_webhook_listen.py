"""`webhook listen`: a receiver on this machine, with a server of the customer's behind it that checks by the public
library."""

import json
import socket
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from cli.webhooks.pulled import newest
from ringline.webhooks.sending.client import Answered, WebhookClient
from ringline.webhooks.sending.signing import signature_headers
from ringline.webhooks.tables.endpoints import EndpointStore
from tests.builders import ACCOUNT
from tests.component.cli.terminal import Terminal

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@dataclass
class Server:
    """Answers each POST with `status`, and keeps what is verified."""

    secret: str = SECRET
    status: int = 204
    url: str = ""
    events: list[Any] = field(default_factory=list)


@contextmanager
def a_server(secret: str = SECRET, status: int = 204) -> Iterator[Server]:
    kept = Server(secret, status)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            try:
                kept.events.append(Webhook(kept.secret).verify(body, dict(self.headers.items())))
                self.send_response(kept.status)
            except WebhookVerificationError:
                self.send_response(401)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_arguments: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        kept.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        try:
            yield kept
        finally:
            server.shutdown()


def event_number(number: int, event_type: str = "call.ended") -> dict[str, Any]:
    data = {"call_id": f"call_{number}", "status": "completed"}
    moment = "2026-11-29T01:00:00.000Z"
    return {"type": event_type, "id": f"evt_{number}", "timestamp": moment, "sequence": number, "data": data}


class EventsApi(httpx.BaseTransport):
    """An API that has kept these events. `later` come one with each look that finds nothing new."""

    def __init__(self, kept: list[dict[str, Any]], later: list[dict[str, Any]] | None = None) -> None:
        self.kept, self.later = kept, list(later or [])
        self.away = 0
        self.asked: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(f"{request.method} {request.url.path}")
        if self.away:
            self.away -= 1
            raise httpx.ConnectError("refused")
        if request.url.path != "/v1/events":
            return httpx.Response(200, json={"endpoint_id": "ep_1", "secret": SECRET})
        after, limit = int(request.url.params["after"]), int(request.url.params["limit"])
        rows = [each for each in self.kept if each["sequence"] > after][:limit]
        if not rows and limit > 1 and self.later:
            self.kept.append(self.later.pop(0))
        return httpx.Response(200, json={"data": rows, "pagination": {"next_cursor": None}})


@pytest.fixture
def secret_file(tmp_path: Path) -> str:
    (tmp_path / "secret.txt").write_text(f"{SECRET}\n")
    return f"@{tmp_path / 'secret.txt'}"


def test_what_happens_from_now_on_reaches_a_port_of_this_machine_signed(terminal: Terminal, secret_file: str) -> None:
    api = EventsApi([event_number(each) for each in range(5, 12)], [event_number(12), event_number(13)])
    terminal.transport = api
    with a_server() as server:
        told = terminal.document("webhook", "listen", "--forward", server.url, "--secret", secret_file, "--count", "2")
    assert [each["id"] for each in server.events] == ["evt_12", "evt_13"]
    assert [each["answer"]["status_code"] for each in told["data"]] == [204, 204]


def test_a_secret_that_was_given_is_not_shown_and_one_that_was_made_is(terminal: Terminal, secret_file: str) -> None:
    terminal.transport = EventsApi([event_number(1)])
    words = ("webhook", "listen", "--after", "0", "--count", "1", "--forward", "http://127.0.0.1:9/hook")
    given = terminal.type(*words, "--secret", secret_file)
    assert "signed with the secret that was given" in given.err and "whsec_" not in given.err + given.out
    assert "signed with whsec_" in terminal.type(*words).err


def test_an_event_is_shown_on_a_line_and_whole_where_that_is_asked_for(terminal: Terminal) -> None:
    terminal.transport = EventsApi([event_number(1)])
    told = terminal.type("webhook", "listen", "--after", "0", "--count", "1")
    assert told.exit_code == 0 and "Listening from event 1 on" in told.err
    (line,) = told.out.splitlines()
    assert "call.ended  #1  call_1  completed" in line
    whole = terminal.type("webhook", "listen", "--after", "0", "--count", "1", "--whole").out
    assert json.loads(whole.partition("\n")[2]) == event_number(1)


def test_a_port_that_refuses_or_is_closed_is_told_and_the_next_event_goes_on(
    terminal: Terminal, secret_file: str
) -> None:
    terminal.transport = EventsApi([event_number(1), event_number(2)])
    words = ("webhook", "listen", "--after", "0", "--count", "2", "--secret", secret_file, "--forward")
    with a_server(status=500) as server:
        assert terminal.type(*words, server.url).out.count("answered 500") == 2
    assert terminal.type(*words, server.url).out.count("no answer: ") == 2


def test_an_api_that_is_away_for_a_moment_loses_no_event(terminal: Terminal) -> None:
    api = EventsApi([event_number(1)])
    terminal.transport = api
    api.away = 5
    told = terminal.document("webhook", "listen", "--after", "0", "--count", "1")
    assert [each["event"]["id"] for each in told["data"]] == ["evt_1"]
    api.away = 100
    assert terminal.type("webhook", "listen", "--after", "0", "--count", "1").exit_code == 3


def test_types_are_kept_while_the_command_runs_and_others_are_passed_over(terminal: Terminal) -> None:
    api = EventsApi([event_number(1, "call.ended"), event_number(2, "call.ringing")])
    terminal.transport = api
    told = terminal.document("webhook", "listen", "--after", "0", "--count", "1", "--event-types", "call.ringing")
    assert [each["event"]["id"] for each in told["data"]] == ["evt_2"]
    assert [each for each in api.asked if "endpoints" in each] == [
        "POST /v1/webhook-endpoints", "PATCH /v1/webhook-endpoints/ep_1", "DELETE /v1/webhook-endpoints/ep_1",
    ]  # fmt: skip


def test_ctrl_c_ends_it_without_a_complaint(terminal: Terminal) -> None:
    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    terminal.transport = EventsApi([])
    terminal.while_waiting = interrupt
    assert terminal.type("webhook", "listen").exit_code == 0


class Overheard(httpx.BaseTransport):
    """The API, whose answer that tells an endpoint's secret is heard before the command hears it."""

    def __init__(self, api: httpx.BaseTransport) -> None:
        self._api = api
        self.secret: Future[str] = Future()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._api.handle_request(request)
        if (request.method, request.url.path) == ("POST", "/v1/webhook-endpoints"):
            self.secret.set_result(json.loads(answer.read())["secret"])
        return answer


def test_behind_a_public_url_deliveries_are_verified_with_the_endpoints_own_secret_and_handed_on(
    terminal: Terminal,
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    endpoints = EndpointStore(terminal.local.dynamodb, terminal.local.table_name)
    api = terminal.transport = Overheard(terminal.api)
    with a_server() as server:
        answers: list[Any] = []

        def deliver() -> None:
            server.secret = api.secret.result(30)
            for secret in (SECRET, server.secret):
                body = json.dumps(event_number(1)).encode()
                signed = signature_headers([secret], "evt_1", terminal.now_ms // 1000, body)
                answers.append(WebhookClient(allow_private=True).post(f"http://127.0.0.1:{port}/", signed, body))

        sender = Thread(target=deliver)
        sender.start()
        told = terminal.document(
            "webhook", "listen", "--public-url", "https://example.com/hook", "--port", str(port), "--count", "2",
            "--forward", server.url,
        )  # fmt: skip
        sender.join()
    assert answers == [Answered(400), Answered(204)]
    assert [each.get("refused") for each in told["data"]] == ["its signature is wrong", None]
    assert [each["id"] for each in server.events] == ["evt_1"]
    assert endpoints.endpoints(ACCOUNT) == []


def test_what_cannot_be_is_told_by_its_option(terminal: Terminal) -> None:
    for words in (("--forward", "here"), ("--secret", "letmein"), ("--public-url", "https://e.com/", "--after", "1")):
        assert words[-2] in terminal.refused("webhook", "listen", *words, exit_code=2)


@pytest.mark.parametrize("last", [1, 2, 3, 9, 64, 1000])
@pytest.mark.parametrize("oldest", [1, 7])
def test_the_newest_number_is_found_in_few_looks(oldest: int, last: int) -> None:
    looks = []

    def is_more_after(number: int) -> bool:
        looks.append(number)
        return number < oldest + last - 1

    assert newest(is_more_after, oldest) == oldest + last - 1
    assert len(looks) <= 2 * last.bit_length() + 2
