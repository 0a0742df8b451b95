"""What is done to a conversation from outside, and what is known of one, from the command line."""

import json
from typing import Any

import httpx
import pytest

from ringline.webhooks.model.endpoint import new_webhook_secret
from tests.component.cli.terminal import CALLEE, Terminal

ONE = "/v1/calls/call_1"


@pytest.mark.parametrize(
    ("words", "asked", "body", "answer", "says"),
    [
        (("dtmf", "call_1", "12w#"), f"POST {ONE}/dtmf", {"digits": "12w#"}, {"result": "accepted"}, "accepted"),
        (
            ("message", "call_1", "A VIP", "--data", '{"tier": 1}'),
            f"POST {ONE}/messages",
            {"text": "A VIP", "data": {"tier": 1}},
            {"message_id": "m1", "result": "sent", "agents": 1},
            "m1: sent to 1 agents",
        ),
        (
            ("pause-recording", "call_1", "--reason", "card"),
            f"POST {ONE}/recording/pause",
            {"reason": "card"},
            {"call_id": "call_1", "result": "paused"},
            "call_1: paused",
        ),
        (
            ("resume-recording", "call_1"),
            f"POST {ONE}/recording/resume",
            None,
            {"call_id": "call_1", "result": "resumed"},
            "call_1: resumed",
        ),
        (
            ("monitor", "call_1"),
            f"POST {ONE}/monitor",
            {"mode": "listen"},
            {"url": "wss://livekit.example", "token": "t0ken", "mode": "listen"},
            "t0ken",
        ),
        (("monitor", "call_1", "--barge"), f"POST {ONE}/monitor", {"mode": "barge"}, {"token": "t"}, "t"),
        (("hang-up", "call_1"), f"POST {ONE}/hangup", None, {"call_id": "call_1", "result": "ended"}, "call_1: ended"),
    ],
)
def test_a_conversation_is_told_what_to_do(
    terminal: Terminal, words: tuple[str, ...], asked: str, body: Any, answer: Any, says: str
) -> None:
    terminal.api.answers_first = [httpx.Response(200, json=answer)]
    assert says in terminal.done("call", *words)
    assert terminal.api.requests == [asked]
    assert json.loads(terminal.api.bodies[0] or "null") == body
    terminal.api.answers_first = [httpx.Response(200, json=answer)]
    assert terminal.document("call", *words) == answer


def test_a_call_that_is_not_there_or_over_is_told_in_the_words_of_the_api(terminal: Terminal) -> None:
    placed = terminal.document("call", CALLEE, "--pipe", "support", "--no-follow")
    assert "no such call" in terminal.refused("call", "message", "call_nobody", "hello")
    assert "digits: " in terminal.refused("call", "dtmf", placed["call_id"], "one")
    assert terminal.document("call", "show", placed["call_id"])["to_number"] == CALLEE
    assert terminal.done("call", "transcript", placed["call_id"]) == "nothing was written down\n"
    assert terminal.done("call", "transfers", placed["call_id"]) == "no transfers\n"
    assert terminal.done("call", "outcomes", placed["call_id"]) == "no outcomes\n"
    assert terminal.done("recordings") == "no recordings\n"


def test_a_call_is_handed_over_to_whoever_is_named(terminal: Terminal) -> None:
    for target, to in ((CALLEE, {"type": "sip", "config": {"number": CALLEE}}), ("Front desk", None)):
        terminal.api.bodies.clear()
        told = terminal.type("call", "transfer", "call_nobody", target, "--no-follow")
        assert "no such call" in told.err
        asked = json.loads(terminal.api.bodies[-1])["to"]
        assert asked == (to or {"type": "agent", "config": {"agent_id": "front-desk"}})


def test_a_number_needs_no_word_before_it_and_a_word_is_a_command(terminal: Terminal) -> None:
    for words in (("call", CALLEE), ("call", "place", CALLEE), ("call", "--json", CALLEE)):
        assert terminal.document(*words, "--pipe", "support", "--no-follow")["to_number"] == CALLEE
    assert terminal.document("call", "--pipe", "support", "--no-follow", CALLEE)["to_number"] == CALLEE
    assert "Did you mean 'dtmf'?" in terminal.refused("call", "dtfm", "call_1", "1", exit_code=2)


class Server(httpx.BaseTransport):
    """A customer's server, beside the API."""

    def __init__(self, api: httpx.BaseTransport, status_code: int | None) -> None:
        self._api, self._status_code = api, status_code
        self.posted: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.host != "hooks.example":
            return self._api.handle_request(request)
        self.posted.append(request)
        if self._status_code is None:
            raise httpx.ConnectError("refused")
        return httpx.Response(self._status_code, text="so be it")


@pytest.mark.parametrize(("status_code", "exit_code"), [(204, 0), (500, 1)])
def test_a_webhook_is_tested_with_a_signed_sample(terminal: Terminal, status_code: int, exit_code: int) -> None:
    from standardwebhooks import Webhook

    made = terminal.document("webhook", "create", "https://hooks.example/calls")
    server = Server(terminal.api, status_code)
    terminal.transport = server
    told = terminal.type("webhook", "test", made["endpoint_id"], "--secret", made["secret"])
    assert (told.exit_code, told.err) == (exit_code, "") and f"answered {status_code}" in told.out
    (posted,) = server.posted
    event = Webhook(made["secret"]).verify(posted.content, dict(posted.headers))
    assert (event["type"], event["data"]["end_reason"]) == ("call_end", "USER_HUNG_UP_IN_CALL")


def test_a_webhook_is_not_tested_with_what_is_no_secret_or_where_nobody_is(terminal: Terminal) -> None:
    made = terminal.document("webhook", "create", "https://hooks.example/calls")
    assert "--secret" in terminal.refused("webhook", "test", made["endpoint_id"], "--secret", "whsec_%%%", exit_code=2)
    terminal.transport = Server(terminal.api, None)
    words = ("webhook", "test", made["endpoint_id"], "--secret", new_webhook_secret())
    assert "https://hooks.example/calls is not reached" in terminal.refused(*words, exit_code=3)
