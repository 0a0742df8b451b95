"""The function of the sweep audits the gates by itself, with each tenth run and after its own work."""

import json
from math import inf
from types import ModuleType
from typing import Any

import pytest

from ringline.accounts.account import Account
from ringline.accounts.store import AccountStore
from ringline.calls.mending.gate_audit import GateAudit
from ringline.calls.tables.watchlist import Watchlist
from ringline.runtime import metrics
from ringline.runtime.clock import now_ms
from ringline.runtime.items import to_item
from ringline.runtime.table import GATE_SK, gate_pk
from tests.builders import NOW
from tests.component.one_table import LocalAws, load_handler
from tests.fakes import CONTEXT
from tests.sample_events import event_of

TENTH = NOW // 600_000 * 600_000


@pytest.fixture
def sweep(local: LocalAws, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The handler, where nobody is at LiveKit's address: calls in flight are left alone, and all else is done."""
    monkeypatch.setattr(metrics, "NAMESPACE", "ringline-prod")
    monkeypatch.delenv("POWERTOOLS_METRICS_DISABLED")
    AccountStore(local.dynamodb, local.table_name).create_account(Account("acme", "Acme", "acme", 5))
    Watchlist(local.dynamodb, local.table_name).mark_waiting("acme", now_ms())
    queues = dict.fromkeys(("DOORBELL_QUEUE_URL", "LOOK_QUEUE_URL", "DELIVERY_QUEUE_URL"), local.queue_url)
    livekit = {"LIVEKIT_URL": "http://127.0.0.1:9", "LIVEKIT_API_KEY": "devkey", "LIVEKIT_API_SECRET": "s" * 40}
    return load_handler("sweep", {**queues, **livekit, "AGENT_NAME": "ringline-agent"})


def loses_a_line(local: LocalAws) -> None:
    local.dynamodb.update_item(
        TableName=local.table_name,
        Key=to_item({"pk": gate_pk("acme"), "sk": GATE_SK}),
        UpdateExpression="SET in_use = :one",
        ExpressionAttributeValues=to_item({":one": 1}),
    )


def told(
    sweep: ModuleType,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    at_ms: int,
    audit_within_ms: float = inf,
) -> Any:
    """What a run at that moment measures of the gates. The audit has a clock of its own, which is years ahead."""
    monkeypatch.setattr(sweep, "now_ms", lambda: at_ms)
    monkeypatch.setattr(sweep, "_AUDIT_UNTIL_MS", audit_within_ms)
    monkeypatch.setattr("ringline.calls.mending.gate_audit.LOOK_AGAIN_S", (0, 0))
    capsys.readouterr()
    sweep.lambda_handler(event_of("sweep", "scheduled"), CONTEXT)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    measured = {name: value for line in lines if "_aws" in line for name, value in line.items() if "Gate" in name}
    assert any("Swept" in line for line in lines)
    return measured


def test_a_lost_line_is_told_with_the_tenth_run(
    sweep: ModuleType,
    local: LocalAws,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert told(sweep, capsys, monkeypatch, TENTH) == {"GateDiffers": [0.0]}
    loses_a_line(local)
    assert told(sweep, capsys, monkeypatch, TENTH + 60_000) == {}
    assert told(sweep, capsys, monkeypatch, TENTH) == {"GateDiffers": [1.0]}
    (said,) = [each.__dict__ for each in caplog.records if each.message == "gate differs"]
    assert (said["account_id"], said["in_use"], said["calls"]) == ("acme", 1, 0)


def test_a_run_that_took_long_is_not_made_longer(
    sweep: ModuleType, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_self: GateAudit, _until: int) -> None:
        raise RuntimeError("no answer")

    monkeypatch.setattr(GateAudit, "run", broken)
    assert told(sweep, capsys, monkeypatch, TENTH) == {}, "the run itself ended well"
    monkeypatch.undo()
    moments = iter((TENTH, TENTH + 26_000))
    monkeypatch.setattr(sweep, "now_ms", lambda: next(moments))
    monkeypatch.setattr(GateAudit, "run", lambda *_: pytest.fail("it audits"))
    sweep.audit_gates(None, sweep.now_ms())


def test_an_audit_that_comes_to_no_end_in_time_is_told_as_none(
    sweep: ModuleType,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert told(sweep, capsys, monkeypatch, TENTH, audit_within_ms=0) == {}
    (said,) = [each.__dict__ for each in caplog.records if each.message == "gates not audited"]
    assert said["why"] == "it would have taken too long"
