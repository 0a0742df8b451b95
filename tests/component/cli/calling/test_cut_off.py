"""A list that is not all there is says so, and what matters most in it is there."""

from copy import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from ulid import ULID

from cli.calling import unfinished, watch
from ringline.accounts.store import AccountStore
from ringline.calls.model.call import State
from ringline.calls.tables.store import CallStore
from tests.builders import ACCOUNT, a_call
from tests.component.cli.console.browsing import Browsing
from tests.component.cli.terminal import Terminal


def waits_since(terminal: Terminal, minutes: float) -> str:
    """A call that has waited for so long."""
    made_at = terminal.now_ms - round(minutes * 60_000)
    call_id = f"call_{ULID.from_timestamp(made_at / 1000)}"
    call = a_call(State.QUEUED, account_id=ACCOUNT, call_id=call_id, created_at=made_at, eligible_at=made_at)
    CallStore(terminal.local.dynamodb, terminal.local.table_name).create(call)
    return call_id


def is_on_a_line(terminal: Terminal) -> None:
    now = terminal.now_ms
    call_id = f"call_{ULID.from_timestamp(now / 1000)}"
    waiting = a_call(State.QUEUED, account_id=ACCOUNT, call_id=call_id, created_at=now, eligible_at=now)
    store = CallStore(terminal.local.dynamodb, terminal.local.table_name)
    store.create(waiting)
    begun: dict[str, Any] = {"attempt": 1, "dialed_at": now, "due_at": now + 60_000, "version": 2}
    store.commit(waiting, replace(waiting, state=State.DIALING, **begun))


@pytest.fixture
def few_rows_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unfinished, "PAGE_ROWS", 2)
    monkeypatch.setattr(unfinished, "_PAGES_AT_A_GLANCE", dict.fromkeys(unfinished._KINDS, 2))
    monkeypatch.setattr(watch, "MOST_CALLS", 2)


@pytest.mark.usefixtures("few_rows_a_page")
def test_the_oldest_of_many_calls_that_wait_is_seen_to_be_stuck(terminal: Terminal) -> None:
    stuck = [waits_since(terminal, minutes) for minutes in (60, 40, 30, 20, 10)]
    for minutes in (2.5, 2, 1.5, 1, 0.5):
        waits_since(terminal, minutes)
    assert [each["call_id"] for each in terminal.document("calls", "--stuck")["data"]] == stuck
    assert terminal.document("calls", "--stuck", "--until", "35m")["data"][0]["call_id"] == stuck[0]
    assert len(terminal.document("calls", "--stuck", "--until", "35m")["data"]) == 2


@pytest.mark.usefixtures("few_rows_a_page")
def test_the_console_shows_stuck_calls_behind_many_that_are_not(terminal: Terminal) -> None:
    stuck = waits_since(terminal, 60)
    for minutes in (2.5, 2, 1.5, 1, 0.5):
        waits_since(terminal, minutes)
    for page in ("now", "calls"):
        assert stuck in Browsing(terminal).get(page).text
    assert "Not over (3+)" in Browsing(terminal).get("calls").text
    for minutes in (50, 40, 30, 20, 10):
        waits_since(terminal, minutes)
    assert "4+ calls are stuck" in Browsing(terminal).get("now").text


@pytest.mark.usefixtures("few_rows_a_page")
def test_more_calls_on_a_line_than_are_shown_are_counted_as_more(terminal: Terminal) -> None:
    AccountStore(terminal.local.dynamodb, terminal.local.table_name).set_cap(ACCOUNT, 3)
    for _ in range(2):
        is_on_a_line(terminal)
    assert "calls on a line (2)" in terminal.done("watch", "--once")
    is_on_a_line(terminal)
    assert "calls on a line (2+)" in terminal.done("watch", "--once")
    assert terminal.document("watch")["more"] == ["calls"]
    assert "On a line (2+)" in Browsing(terminal).get("now").text


def test_stuck_calls_are_not_exported_as_if_they_were_all(terminal: Terminal, tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    told = terminal.refused("calls", "--stuck", "--export", "csv", "-o", str(path), exit_code=2)
    assert "--stuck" in told and not path.exists()


def test_a_page_that_holds_nothing_yet_is_not_the_end(terminal: Terminal) -> None:
    empty = httpx.Response(200, json={"data": [], "pagination": {"next_cursor": "2"}})
    none = httpx.Response(200, json={"data": [], "pagination": {"next_cursor": None}})
    call = {"call_id": "call_1", "status": "pending", "created": "2020-01-01T00:00:00Z"}
    terminal.api.answers_first = [
        none, empty, httpx.Response(200, json={"data": [call], "pagination": {"next_cursor": None}}),
    ]  # fmt: skip
    assert [each["call_id"] for each in terminal.document("calls", "--stuck")["data"]] == ["call_1"]
