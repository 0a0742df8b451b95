"""What strangers say is printed as text: no character of it is a command to the terminal."""

import csv
import io
import json
from typing import Any

import httpx
import pytest

from cli.webhooks.heard import Heard, shown
from tests.component.cli.terminal import CALLEE, Terminal

TITLE, CLEARED, BY_C1 = "\x1b]0;owned\x07", "\x1b[2J", "\x9b2J"
NASTY = f"a{TITLE}b{CLEARED}c{BY_C1}d\r\x7f"
CALL = {
    "call_id": "call_1", "status": "completed", "state": "ended", "direction": "inbound", "from_number": NASTY,
    "to_number": CALLEE, "end_reason": NASTY, "ended_by": NASTY, "metadata": {"name": NASTY}, "sip_code": 486,
    "sip_status": NASTY, "transcript": [{"role": "user", "text": f"first line\nsecond{NASTY}"}],
}  # fmt: skip


def is_harmless(text: str) -> bool:
    return all(char in "\n\t" or not (ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0) for char in text)


def answers(terminal: Terminal, status: int, document: Any) -> None:
    terminal.api.answers_first = [httpx.Response(status, json=document)]


@pytest.mark.parametrize("words", [("call", "show", "call_1"), ("why", "call_1"), ("call", "transcript", "call_1")])
@pytest.mark.parametrize("as_json", [True, False])
def test_what_a_call_tells_moves_no_cursor(terminal: Terminal, words: tuple[str, ...], as_json: bool) -> None:
    answers(terminal, 200, CALL)
    told = terminal.done(*words, *(["--json"] if as_json else []))
    assert is_harmless(told) and "owned" in told
    if as_json:
        assert json.dumps(NASTY)[1:-1] in json.dumps(json.loads(told)), "JSON loses nothing"


def test_lists_refusals_and_exports_move_no_cursor(terminal: Terminal) -> None:
    rows = {"data": [CALL], "pagination": {"next_cursor": None}}
    answers(terminal, 200, rows)
    assert is_harmless(terminal.done("calls"))
    answers(terminal, 200, rows)
    exported = terminal.done("calls", "--export", "csv", "--columns", "call_id,from_number")
    assert is_harmless(exported.replace("\r\n", "\n")) and len(list(csv.reader(io.StringIO(exported)))) == 2
    answers(terminal, 409, {"title": NASTY, "status": 409, "errors": [{"field": "x", "message": NASTY}]})
    assert is_harmless(terminal.refused("calls"))


def test_of_a_request_that_is_not_signed_nothing_is_shown() -> None:
    forged = {"type": "call.ended", "id": "evt_1", "timestamp": "2026-11-29T01:00:00Z", "data": {"call_id": "call_666"}}
    heard = Heard(forged, refused="it is not signed")
    assert str(shown(heard, whole=True)) == "a request  refused: it is not signed"
    assert heard.as_json() == {"event": None, "verified": False, "refused": "it is not signed"}
