"""Whether the doctor sees that a gate counts otherwise than there are calls; and which accounts have any."""

from copy import replace
from typing import Any

import pytest

from cli.doctor import of_gate
from cli.doctor.check import Finding, Result
from cli.doctor.of_gate import GateCheck
from cli.reach import busy
from cli.reach.deployment import Deployment
from ringline.accounts.account import Account
from ringline.accounts.store import AccountStore
from ringline.calls.model.call import Call, Direction, State
from ringline.calls.tables.store import CallStore
from ringline.calls.tables.watchlist import Watchlist
from ringline.runtime.items import to_item
from ringline.runtime.table import GATE_SK, gate_pk
from tests.builders import ACCOUNT, a_call
from tests.component.cli.in_process import URL
from tests.component.cli.terminal import CALLEE, Terminal


@pytest.fixture
def on_a_line(terminal: Terminal) -> Call:
    """A call that is being dialled, on one of the account's two lines."""
    store, now = CallStore(terminal.local.dynamodb, terminal.local.table_name), terminal.now_ms
    queued = a_call(account_id=ACCOUNT, created_at=now, eligible_at=now)
    store.create(queued)
    dialed = replace(queued, state=State.DIALING, attempt=1, dialed_at=now, due_at=now + 20_000, version=2)
    store.commit(queued, dialed)
    return dialed


def says_of_the_gate(terminal: Terminal, in_use: int, account_id: str = ACCOUNT) -> None:
    """Has the gate say so many lines, whatever there is."""
    terminal.local.dynamodb.update_item(
        TableName=terminal.local.table_name,
        Key=to_item({"pk": gate_pk(account_id), "sk": GATE_SK}),
        UpdateExpression="SET in_use = :in_use",
        ExpressionAttributeValues=to_item({":in_use": in_use}),
    )


def look(terminal: Terminal, while_waiting: Any = lambda _seconds: None) -> Finding:
    local = terminal.local
    deployment = Deployment(local.dynamodb, local.sqs, local.table_name, local.queue_url, URL)
    (check,) = GateCheck(lambda: deployment, lambda: terminal.now_ms, while_waiting).all()
    return check.look()


def test_a_gate_that_counts_the_calls_is_right(terminal: Terminal, on_a_line: Call) -> None:
    assert look(terminal).result is Result.OK


def test_a_line_that_nobody_gave_back_is_told_by_its_account(terminal: Terminal, on_a_line: Call) -> None:
    says_of_the_gate(terminal, 2)
    finding = look(terminal)
    assert (finding.result, finding.name) == (Result.FAIL, "gate")
    assert f"{ACCOUNT} 2 lines in use, 1 calls" in finding.says and "docs/operating.md#a-gate-counts" in finding.remedy


def test_a_lost_line_of_an_account_whose_calls_wait_is_found_with_no_call_on_a_line(terminal: Terminal) -> None:
    Watchlist(terminal.local.dynamodb, terminal.local.table_name).mark_waiting(ACCOUNT, terminal.now_ms)
    assert look(terminal).result is Result.OK
    says_of_the_gate(terminal, 1)
    assert f"{ACCOUNT} 1 lines in use, 0 calls" in look(terminal).says


def test_a_difference_of_a_moment_is_none(terminal: Terminal, on_a_line: Call) -> None:
    says_of_the_gate(terminal, 2)
    assert look(terminal, lambda _seconds: says_of_the_gate(terminal, 1)).result is Result.OK
    moving = iter(range(2, 9))
    says_of_the_gate(terminal, next(moving))
    assert look(terminal, lambda _seconds: says_of_the_gate(terminal, next(moving))).result is Result.OK


def test_callers_without_a_line_are_not_counted(terminal: Terminal, on_a_line: Call) -> None:
    now = terminal.now_ms
    CallStore(terminal.local.dynamodb, terminal.local.table_name).create(
        replace(
            on_a_line, call_id="call_01JD5Z0000000000000000000B", direction=Direction.INBOUND, state=State.QUEUED,
            attempt=0, dialed_at=None, due_at=now + 1000, version=1,
        )
    )  # fmt: skip
    assert look(terminal).result is Result.OK


def test_more_calls_than_are_counted_are_told_so(
    terminal: Terminal, on_a_line: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of_gate, "MOST_CALLS", 1)
    assert look(terminal).result is Result.SKIPPED


def test_accounts_with_calls_are_listed(terminal: Terminal, on_a_line: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    local = terminal.local
    AccountStore(local.dynamodb, local.table_name).create_account(Account("other", "Other Ltd", "other", 3))
    assert [each["account_id"] for each in terminal.document("account", "list")["data"]] == [ACCOUNT]
    for account_id in ("other", "gone"):
        Watchlist(local.dynamodb, local.table_name).mark_waiting(account_id, terminal.now_ms)
    rows = terminal.document("account", "list")["data"]
    assert [(each["account_id"], each["in_use"], each["cap"], each["waits"]) for each in rows] == [
        (ACCOUNT, 1, 2, False),
        ("other", 0, 3, True),
    ]
    monkeypatch.setattr(busy, "MOST_ACCOUNTS", 1)
    assert "2 more have calls" in terminal.type("account", "list").err


def test_a_quiet_deployment_lists_none(terminal: Terminal) -> None:
    assert terminal.done("account", "list").strip() == "no account has calls under way"


def test_all_accounts_are_listed_with_their_lines_a_page_at_a_time(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(busy, "MOST_ACCOUNTS", 2)
    accounts = AccountStore(terminal.local.dynamodb, terminal.local.table_name)
    for account_id in ("zebra", "bank", "mill"):
        accounts.create_account(Account(account_id, account_id.title(), account_id, 3))
    pages = [
        [each["account_id"] for each in terminal.document("account", "list", "--all", *after)["data"]]
        for after in ((), ("--after", "bank"), ("--after", "mill"))
    ]
    assert pages == [[ACCOUNT, "bank"], ["mill", "zebra"], ["zebra"]]
    goes_on = [terminal.document("account", "list", "--all", *each)["next_after"] for each in ((), ("--after", "bank"))]
    assert goes_on == ["bank", None]
    shown = terminal.type("account", "list", "--all")
    assert "account list --all --after bank" in shown.err
    assert terminal.document("account", "list", "--all", "--after", "mill")["data"][0] == {
        "account_id": "zebra",
        "name": "Zebra",
        "in_use": 0,
        "cap": 3,
        "waits": False,
    }
    assert "goes with --all" in terminal.type("account", "list", "--after", "bank").err


def test_stuck_calls_are_listed_by_themselves(terminal: Terminal) -> None:
    assert terminal.done("calls", "--stuck").strip() == "no call is stuck"
    call_id = terminal.document("call", CALLEE, "--pipe", "support", "--no-follow")["call_id"]
    terminal.now_ms += 290_000
    assert "has waited for 4 min" in terminal.done("calls", "--stuck", "--pipe", "support")
    assert [each["call_id"] for each in terminal.document("calls", "--stuck")["data"]] == [call_id]
    assert terminal.document("calls", "--stuck", "--to", "+15550100999")["data"] == []
