"""The question to a customer's server: signed, guarded, and never a reason to fail."""

import json
from collections.abc import Mapping
from typing import Any, cast

import pytest
from standardwebhooks import Webhook

from ringline.runtime.clock import now_ms
from ringline.webhooks.sending.client import Answered, Failure, Unanswered, WebhookClient
from ringline.webhooks.sending.decision import READ_BYTES, WITHIN_S, AskServer
from tests.component.webhooks.receivers import Receiver, listening

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
URL = "https://decide.example/calls"


class Line:
    def __init__(self, answer: Answered | Unanswered) -> None:
        self.answer = answer
        self.posts: list[tuple[str, Mapping[str, str], bytes]] = []

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answered | Unanswered:
        self.posts.append((url, headers, body))
        return self.answer


def asked(answer: Answered | Unanswered) -> tuple[Line, dict[str, Any] | None]:
    line = Line(answer)
    server = AskServer(allow_private=False, clock=now_ms, client=cast(WebhookClient, line))
    return line, server.ask(URL, SECRET, "call_1", {"type": "call_decision"})


def test_the_question_is_signed_as_a_webhook_is() -> None:
    line, told = asked(Answered(200, body=b'{"decision": "accept"}'))
    assert told == {"decision": "accept"}
    ((url, headers, body),) = line.posts
    assert url == URL
    assert Webhook(SECRET).verify(body, dict(headers)) == json.loads(body)
    assert headers["webhook-id"] == "call_1"


@pytest.mark.parametrize(
    "answer",
    [
        Unanswered(Failure.TIMED_OUT),
        Unanswered(Failure.ADDRESS_REFUSED),
        Answered(500, body=b'{"decision": "accept"}'),
        Answered(204),
        Answered(200, body=b"accept"),
        Answered(200, body=b'["accept"]'),
        Answered(200, body=b"\xff"),
    ],
)
def test_what_is_no_answer_decides_nothing(answer: Answered | Unanswered) -> None:
    assert asked(answer)[1] is None


def told_by_a_server(body: bytes) -> dict[str, Any] | None:
    with listening(Receiver(body=body)) as server:
        return AskServer(allow_private=True, clock=now_ms).ask(server.url(), SECRET, "call_1", {})


@pytest.mark.parametrize("instructions", ["x" * 5000, "я" * 32_768])
def test_a_decision_with_long_instructions_is_read_to_its_end(instructions: str) -> None:
    decided = {"decision": "accept", "instructions": instructions}
    assert told_by_a_server(json.dumps(decided).encode()) == decided


def test_a_decision_is_not_read_without_end() -> None:
    assert told_by_a_server(json.dumps({"decision": "accept", "instructions": "x" * READ_BYTES}).encode()) is None


def test_a_private_address_is_not_asked_and_a_second_is_all_there_is() -> None:
    server = AskServer(allow_private=False, clock=now_ms)
    assert server.ask("https://169.254.169.254/", SECRET, "call_1", {}) is None
    assert WITHIN_S <= 1.0
