"""Placing, following, listing and ending calls from the command line, against the API's own functions."""

import csv
import io
import json
from copy import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from ulid import ULID

from cli.calling import calls
from ringline.calls.model.call import Call, State
from ringline.calls.model.reasons import EndReason
from ringline.calls.tables.pages import CallPages
from ringline.calls.tables.store import CallStore
from ringline.calls.tables.wanted import Wanted
from ringline.runtime.clock import now_ms
from tests.builders import ACCOUNT, a_call
from tests.component.cli.terminal import CALLEE, Terminal


def store_of(terminal: Terminal) -> CallStore:
    return CallStore(terminal.local.dynamodb, terminal.local.table_name)


def the_call(terminal: Terminal) -> Call:
    pages = CallPages(terminal.local.dynamodb, terminal.local.table_name)
    (call,) = pages.newest(ACCOUNT, limit=2, cursor=None, wanted=Wanted()).calls
    return call


def change(terminal: Terminal, **changes: Any) -> None:
    call = the_call(terminal)
    store_of(terminal).commit(call, replace(call, **changes, version=call.version + 1))


def test_a_call_is_placed_and_shown(terminal: Terminal) -> None:
    placed = terminal.document(
        "call", CALLEE, "--pipe", "support", "--no-follow", "--data", '{"customer": "C1"}', "--ring-timeout-s", "20",
        "--no-agent-first", "--set", "metadata.order=17",
    )  # fmt: skip
    call = the_call(terminal)
    assert placed["call_id"] == call.call_id and placed["status"] == "pending"
    assert (call.to_number, call.data, call.metadata) == (CALLEE, {"customer": "C1"}, {"order": 17})
    assert (call.ring_timeout_s, call.agent_first) == (20, False)


def test_a_call_is_followed_to_its_end_with_what_happens_to_it(terminal: Terminal) -> None:
    def it_goes_on(_seconds: float) -> None:
        now = now_ms()
        steps: dict[int, dict[str, Any]] = {
            1: {"state": State.DIALING, "attempt": 1, "dialed_at": now},
            2: {"state": State.ACTIVE, "answered_at": now, "agent_joined_at": now},
            3: {"state": State.ENDED, "ended_at": now, "end_reason": EndReason.AGENT_HUNG_UP},
        }
        change(terminal, **steps[terminal.waits])

    terminal.while_waiting = it_goes_on
    lines = terminal.done("call", CALLEE, "--pipe", "support").splitlines()
    assert [line.split(maxsplit=1)[1].partition(":")[0] for line in lines[1:-2]] == [
        "accepted", "dialled", "answered", "the agent joined", "ended",
    ]  # fmt: skip
    assert lines[-2].startswith("completed  AGENT_HUNG_UP")
    assert lines[-1] == "The agent ended the conversation."


def test_a_followed_call_that_fails_has_an_exit_code_of_its_own(terminal: Terminal) -> None:
    def it_fails(_seconds: float) -> None:
        change(terminal, state=State.CANCELED, ended_at=now_ms(), end_reason=EndReason.EXPIRED_IN_QUEUE)

    terminal.while_waiting = it_fails
    told = terminal.type("--json", "call", CALLEE, "--pipe", "support")
    assert (told.exit_code, told.err) == (4, "")
    assert told.document["end_reason"] == "EXPIRED_IN_QUEUE"
    assert [event["what"] for event in told.document["events"]] == ["accepted", "ended"]


def test_an_interrupted_command_leaves_the_call_running_and_says_how_to_end_it(terminal: Terminal) -> None:
    def ctrl_c(_seconds: float) -> None:
        raise KeyboardInterrupt

    terminal.while_waiting = ctrl_c
    told = terminal.type("call", CALLEE, "--pipe", "support")
    call = the_call(terminal)
    assert told.exit_code == 130
    assert f"`ringline call hang-up {call.call_id}` ends it" in told.err
    assert call.state is State.QUEUED


def test_following_outlives_an_api_that_is_away_for_a_while(terminal: Terminal) -> None:
    over = {"end_reason": EndReason.USER_BUSY, "ended_at": now_ms()}
    store_of(terminal).create(a_call(State.NOT_CONNECTED, account_id=ACCOUNT, **over))
    call_id = the_call(terminal).call_id
    terminal.api.answers_first = [httpx.ConnectError("refused"), httpx.ReadTimeout("slow")]
    assert "USER_BUSY" in terminal.type("follow", call_id).out
    terminal.api.answers_first = [httpx.ConnectError("refused")] * 30
    told = terminal.type("follow", call_id)
    assert (told.exit_code, told.out) == (3, "")
    assert "is not reached" in told.err


def test_what_is_wrong_with_a_call_is_told_by_its_field(terminal: Terminal) -> None:
    assert "pipe_id: must be given, or agent_id" in terminal.refused("call", CALLEE)
    error = terminal.refused("call", "12", "--pipe", "support")
    assert "to_number: " in error
    problem = terminal.type("call", "12", "--pipe", "support", "--json").problem
    assert (problem["status"], problem["errors"][0]["field"]) == (422, "to_number")


def test_a_call_that_waits_is_canceled(terminal: Terminal) -> None:
    placed = terminal.document("call", CALLEE, "--pipe", "support", "--no-follow")
    assert terminal.done("hangup", placed["call_id"]) == f"{placed['call_id']}: canceled\n"
    assert terminal.document("hangup", placed["call_id"])["result"] == "already_over"
    assert "no such call" in terminal.refused("hangup", "call_nobody")


def test_a_transfer_is_followed_to_its_end_over_its_fallback(terminal: Terminal) -> None:
    to = {"type": "sip", "config": {"number": CALLEE}}
    asked = {
        "transfer_id": "t1",
        "state": "requested",
        "mode": "warm",
        "to": to,
        "requested_at": "2026-11-21T02:09:00Z",
    }
    failed = asked | {"state": "failed", "reason": "USER_BUSY", "sip_code": 486, "followed_by": "t2"}
    second = asked | {
        "transfer_id": "t2",
        "to": {"type": "agent", "config": {"agent_id": "desk"}},
        "state": "completed",
    }
    desk = httpx.Response(200, json={"agent_id": "desk"})
    terminal.api.answers_first = [
        desk,
        httpx.Response(202, json=asked),
        *(httpx.Response(200, json=each) for each in (failed, second)),
    ]
    words = ("transfer", "call_1", "--number", CALLEE, "--mode", "warm", "--fallback", "desk", "--fallback", "end")
    lines = terminal.done(*words).splitlines()
    assert [line.split("  ", 1)[1] for line in lines] == [
        f"warm to {CALLEE}  requested", f"warm to {CALLEE}  failed: USER_BUSY (SIP 486)", "warm to desk  completed",
    ]  # fmt: skip
    assert terminal.api.requests == [
        "GET /v1/agents/desk",
        "POST /v1/calls/call_1/transfers", "GET /v1/calls/call_1/transfers/t1", "GET /v1/calls/call_1/transfers/t2",
    ]  # fmt: skip
    terminal.api.answers_first = [desk, httpx.Response(202, json=failed | {"followed_by": None})]
    assert terminal.type("transfer", "call_1", "--agent", "desk").exit_code == 4


def test_a_transfer_needs_one_target(terminal: Terminal) -> None:
    assert "TARGET" in terminal.refused("transfer", "call_1", exit_code=2)
    both = ("--number", CALLEE, "--agent", "front-desk")
    assert "--agent" in terminal.refused("transfer", "call_1", *both, exit_code=2)


# ---------------------------------------------------------------- lists


@pytest.fixture
def many(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """23 calls, a minute between each two, every other one completed, and pages of ten at most."""
    monkeypatch.setattr(calls, "PAGE_ROWS", 10)
    store, now = store_of(terminal), now_ms()
    for number in range(23):
        state, reason = (
            (State.ENDED, EndReason.AGENT_HUNG_UP) if number % 2 else (State.CANCELED, EndReason.CALL_CANCELED)
        )
        made_at = now - 60_000 * number
        call_id = f"call_{ULID.from_timestamp(made_at / 1000)}"
        times = {"created_at": made_at, "eligible_at": made_at}
        store.create(a_call(state, account_id=ACCOUNT, call_id=call_id, end_reason=reason, **times))
    return terminal


def test_calls_are_listed_filtered_and_page_by_page(many: Terminal) -> None:
    first = many.document("calls", "--status", "completed", "--limit", "3")
    assert [row["status"] for row in first["data"]] == ["completed"] * 3
    second = many.document("calls", "--status", "completed", "--limit", "3", "--cursor", first["next_cursor"])
    assert not {row["call_id"] for row in first["data"]} & {row["call_id"] for row in second["data"]}
    told = many.type("calls", "--limit", "2", "--columns", "call_id,status")
    assert told.out.splitlines()[0].split() == ["call_id", "status"]
    assert "--cursor" in told.err


def test_every_call_is_listed_where_all_are_asked_for(many: Terminal) -> None:
    assert len(many.document("calls", "--all")["data"]) == 23
    assert len(many.document("calls", "--all", "--since", "11m", "--until", "2m")["data"]) == 9


def test_calls_are_exported_as_csv_and_jsonl(many: Terminal, tmp_path: Path) -> None:
    told = many.done("calls", "--export", "csv", "--columns", "call_id,end_reason")
    rows = list(csv.DictReader(io.StringIO(told)))
    assert len(rows) == 23 and set(rows[0]) == {"call_id", "end_reason"}
    path = tmp_path / "calls.jsonl"
    assert many.done("calls", "--export", "jsonl", "-o", str(path), "--status", "completed").startswith("11 calls")
    assert {json.loads(line)["status"] for line in path.read_text().splitlines()} == {"completed"}


def test_what_a_list_does_not_understand_is_told(terminal: Terminal) -> None:
    assert "is not one of" in terminal.refused("calls", "--reason", "BOREDOM")
    assert "--since" in terminal.refused("calls", "--since", "yesterday", exit_code=2)
    for long_ago in ("9999999d", "9" * 5000 + "m", "0001-01-01"):
        assert "--since" in terminal.refused("calls", "--since", long_ago, exit_code=2)
    assert "--export" in terminal.refused("calls", "-o", "calls.csv", exit_code=2)
    missing = terminal.refused("calls", "--export", "csv", "-o", "/nowhere/calls.csv")
    assert "/nowhere/calls.csv cannot be written" in missing
    assert terminal.done("calls") == "no calls\n"


AWAY = httpx.ConnectError("refused")


@pytest.mark.parametrize("before", ["what was there\n", None])
def test_an_export_that_breaks_off_leaves_what_was_there_and_says_so(
    many: Terminal, tmp_path: Path, before: str | None
) -> None:
    path = tmp_path / "calls.csv"
    if before is not None:
        path.write_text(before)
    page = {"data": [{"call_id": "call_1"}], "pagination": {"next_cursor": "2"}}
    many.api.answers_first = [httpx.Response(200, json=page), AWAY]
    told = many.refused("calls", "--export", "csv", "-o", str(path), exit_code=3)
    assert "is not reached" in told
    assert (f"{path} stays as it was" if before else f"{path} is not made") in told
    assert (path.read_text() if path.exists() else None) == before
    assert {each.name for each in tmp_path.iterdir()} <= {"calls.csv"}


def test_an_export_that_is_interrupted_says_what_became_of_its_file(many: Terminal, tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    path.write_text("what was there\n")
    many.api.answers_first = [KeyboardInterrupt()]
    told = many.refused("calls", "--export", "jsonl", "-o", str(path), exit_code=130)
    assert f"{path} stays as it was" in told and path.read_text() == "what was there\n"
