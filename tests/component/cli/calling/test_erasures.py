"""`erase-number` says what is not erased, and what is, however it ends."""

import httpx
import pytest

from tests.component.cli.terminal import CALLEE, Terminal

FIRST = {"calls": 5, "events": 40, "left": [], "next_cursor": "to:2"}
LAST = {"calls": 1, "events": 3, "left": ["call_7"], "next_cursor": None}


def answered(*bodies: object) -> list[httpx.Response | BaseException]:
    return [each if isinstance(each, BaseException) else httpx.Response(200, json=each) for each in bodies]


def test_calls_that_were_left_are_told_and_are_no_success(terminal: Terminal) -> None:
    terminal.api.answers_first = answered(FIRST, LAST)
    told = terminal.type("erase-number", CALLEE)
    assert told.exit_code == 1
    assert "call_7" in told.out and "6" in told.out
    assert "must end first" in told.err and "Ask again" in told.err
    terminal.api.answers_first = answered(FIRST, LAST)
    told = terminal.type("--json", "erase-number", CALLEE)
    assert (told.exit_code, told.document) == (1, {"calls": 6, "events": 43, "left": ["call_7"]})


def test_a_number_that_is_gone_from_every_call_is_a_success(terminal: Terminal) -> None:
    terminal.api.answers_first = answered(FIRST, LAST | {"left": []})
    assert terminal.document("erase-number", CALLEE) == {"calls": 6, "events": 43, "left": []}


@pytest.mark.parametrize(("broke", "exit_code"), [(httpx.ConnectError("refused"), 3), (KeyboardInterrupt(), 130)])
def test_an_erasure_that_breaks_off_tells_what_was_erased_by_then(
    terminal: Terminal, broke: BaseException, exit_code: int
) -> None:
    terminal.api.answers_first = answered(FIRST, broke)
    told = terminal.type("--json", "erase-number", CALLEE)
    assert (told.exit_code, told.document) == (exit_code, {"calls": 5, "events": 40, "left": []})
    assert "ask again" in told.problem["advice"].lower()


def test_an_erasure_that_never_began_tells_no_totals(terminal: Terminal) -> None:
    terminal.api.answers_first = answered(httpx.ConnectError("refused"))
    terminal.refused("erase-number", CALLEE, exit_code=3)
