"""An API whose answers get lost, or that is broken for a moment: nobody is rung twice, and what is followed goes on."""

import io
import json
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from ringline.calls.model.call import State
from ringline.calls.model.reasons import EndReason
from ringline.calls.tables.pages import CallPages
from ringline.calls.tables.store import CallStore
from ringline.calls.tables.wanted import Wanted
from ringline.runtime.clock import now_ms
from tests.builders import ACCOUNT, a_call
from tests.component.cli.in_process import InProcess
from tests.component.cli.terminal import CALLEE, Terminal
from tests.typed_commands import typed

PLACE = ("call", CALLEE, "--pipe", "support", "--no-follow")
BROKEN = httpx.Response(503, text="Service Unavailable")


@dataclass
class Lost(httpx.BaseTransport):
    """The API, which does what it is asked, and whose first answers to a POST get lost."""

    api: InProcess
    instead: list[httpx.Response | BaseException]
    keys: list[str | None] = field(default_factory=list)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self.api.handle_request(request)
        if request.method == "POST":
            self.keys.append(request.headers.get("idempotency-key"))
            if self.instead:
                lost = self.instead.pop(0)
                if isinstance(lost, BaseException):
                    raise lost
                return lost
        return answer


def calls_of(terminal: Terminal) -> list[str]:
    pages = CallPages(terminal.local.dynamodb, terminal.local.table_name)
    return [call.call_id for call in pages.newest(ACCOUNT, limit=9, cursor=None, wanted=Wanted()).calls]


@pytest.mark.parametrize("lost", [httpx.ReadTimeout("slow"), httpx.ReadError("reset"), BROKEN])
def test_a_call_whose_answer_got_lost_rings_once(terminal: Terminal, lost: httpx.Response | BaseException) -> None:
    api = terminal.transport = Lost(terminal.api, [lost])
    placed = terminal.document(*PLACE)
    assert calls_of(terminal) == [placed["call_id"]]
    assert len(api.keys) == 2 and api.keys[0] == api.keys[1] is not None


@pytest.mark.parametrize(
    ("lost", "exit_code"), [([httpx.ReadTimeout("slow")] * 2, 3), ([BROKEN] * 2, 1), ([KeyboardInterrupt()], 130)]
)
def test_a_call_that_nobody_knows_of_is_placed_again_by_its_key_and_rings_once(
    terminal: Terminal, lost: list[httpx.Response | BaseException], exit_code: int
) -> None:
    api = terminal.transport = Lost(terminal.api, lost)
    told = terminal.refused(*PLACE, exit_code=exit_code)
    assert f"--idempotency-key {api.keys[0]}`" in told
    again = terminal.document(*PLACE, "--idempotency-key", str(api.keys[0]))
    assert calls_of(terminal) == [again["call_id"]]


def test_a_call_that_is_refused_is_not_asked_for_twice(terminal: Terminal) -> None:
    assert "idempotency" not in terminal.refused("call", "12", "--pipe", "support", "--no-follow")
    used_up = httpx.Response(429, json={"title": "The day is used up", "status": 429})
    terminal.api.answers_first = [httpx.Response(200, json={"pipe_id": "support"}), used_up]
    assert terminal.refused(*PLACE) == "The day is used up"
    assert terminal.api.requests.count("POST /v1/calls") == 2


@pytest.mark.parametrize("key", ["schl\u00fcssel", ""])
def test_an_idempotency_key_that_can_be_none_is_told_by_its_option(terminal: Terminal, key: str) -> None:
    assert "--idempotency-key" in terminal.refused(*PLACE, "--idempotency-key", key, exit_code=2)
    assert "POST /v1/calls" not in terminal.api.requests


def test_following_outlives_a_server_that_is_broken_for_a_moment(terminal: Terminal) -> None:
    over = a_call(State.NOT_CONNECTED, account_id=ACCOUNT, end_reason=EndReason.USER_BUSY, ended_at=now_ms())
    CallStore(terminal.local.dynamodb, terminal.local.table_name).create(over)
    terminal.api.answers_first = [httpx.Response(500, text="oops"), *[httpx.Response(429, text="slow down")] * 3]
    assert "USER_BUSY" in terminal.type("follow", over.call_id).out
    terminal.api.answers_first = [httpx.Response(500, text="oops")] * 30
    assert terminal.type("follow", over.call_id).exit_code == 1
    terminal.api.answers_first = []
    assert "no such call" in terminal.refused("follow", "call_nobody"), "which does not pass"


def test_a_followed_transfer_outlives_an_api_that_is_away_or_broken_for_a_moment(terminal: Terminal) -> None:
    to = {"type": "sip", "config": {"number": CALLEE}}
    asked = {"transfer_id": "t1", "state": "requested", "mode": "cold", "to": to, "requested_at": None}
    done = httpx.Response(200, json=asked | {"state": "completed"})
    terminal.api.answers_first = [
        httpx.Response(202, json=asked), httpx.ConnectError("refused"), httpx.Response(500, text="oops"), done,
    ]  # fmt: skip
    told = terminal.document("transfer", "call_1", "--number", CALLEE)
    assert told["state"] == "completed", json.dumps(told)


def test_listening_outlives_a_server_that_is_broken_for_a_moment(terminal: Terminal) -> None:
    event: dict[str, Any] = {"type": "call.ended", "id": "evt_1", "timestamp": None, "sequence": 1, "data": {}}
    answer = httpx.Response(200, json={"data": [event], "pagination": {"next_cursor": None}})
    terminal.api.answers_first = [httpx.Response(500, text="oops"), answer]
    told = terminal.document("webhook", "listen", "--after", "0", "--count", "1")
    assert [each["event"]["id"] for each in told["data"]] == ["evt_1"]


class Screen(io.StringIO):
    """A stdout that somebody watches."""

    def isatty(self) -> bool:
        return True


def test_watching_outlives_a_server_that_is_broken_for_a_moment(terminal: Terminal) -> None:
    def it_breaks_and_then_ctrl_c(_seconds: float) -> None:
        if terminal.waits > 1:
            raise KeyboardInterrupt
        terminal.api.answers_first = [httpx.Response(500, text="oops")]

    terminal.while_waiting = it_breaks_and_then_ctrl_c
    screen = Screen()
    told = typed(["watch"], terminal.around(), screen)
    assert (told.exit_code, terminal.waits) == (0, 2)
    assert "The API answered 500" in screen.getvalue()
