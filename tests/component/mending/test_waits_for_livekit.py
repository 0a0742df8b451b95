"""A call that waits for LiveKit's budget is not one that nobody serves: the sweep's function tells it so."""

import json
from types import ModuleType
from typing import Any

import pytest

from ringline.accounts.account import Account
from ringline.accounts.store import AccountStore
from ringline.calls.model.timing import LIVEKIT_LULL_S
from ringline.calls.tables.limits.livekit_budget import LivekitBudget
from ringline.calls.tables.store import CallStore
from ringline.calls.tables.watchlist import Watchlist
from ringline.runtime import metrics
from ringline.runtime.clock import MS_PER_S, now_ms
from tests.builders import a_call
from tests.component.one_table import LocalAws, load_handler
from tests.fakes import CONTEXT
from tests.sample_events import event_of

WAITED_MS = 600_000


@pytest.fixture
def sweep(local: LocalAws, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A call has waited for ten minutes, and its account has lines free."""
    monkeypatch.setattr(metrics, "NAMESPACE", "ringline-prod")
    monkeypatch.delenv("POWERTOOLS_METRICS_DISABLED")
    AccountStore(local.dynamodb, local.table_name).create_account(Account("acme", "Acme", "acme", 5))
    since = now_ms() - WAITED_MS
    CallStore(local.dynamodb, local.table_name).create(
        a_call(account_id="acme", created_at=since, eligible_at=since, expires_at=since + 10 * WAITED_MS)
    )
    Watchlist(local.dynamodb, local.table_name).mark_waiting("acme", since)
    queues = dict.fromkeys(("DOORBELL_QUEUE_URL", "LOOK_QUEUE_URL", "DELIVERY_QUEUE_URL"), local.queue_url)
    livekit = {"LIVEKIT_URL": "http://127.0.0.1:9", "LIVEKIT_API_KEY": "devkey", "LIVEKIT_API_SECRET": "s" * 40}
    return load_handler("sweep", {**queues, **livekit, "AGENT_NAME": "ringline-agent"})


def told(sweep: ModuleType, capsys: pytest.CaptureFixture[str]) -> dict[str, float]:
    capsys.readouterr()
    sweep.lambda_handler(event_of("sweep", "scheduled"), CONTEXT)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    return {
        name: value[0]
        for line in lines
        if "_aws" in line
        for name, value in line.items()
        if name in ("OldestWaiting", "OldestUnserved")
    }


def turns_are_taken(local: LocalAws, worth_s: float) -> None:
    """Dialers have taken so many turns that the next one is so far ahead."""
    budget = LivekitBudget(local.dynamodb, local.table_name, 80)
    until = now_ms() + worth_s * MS_PER_S
    moment = now_ms() - LIVEKIT_LULL_S * MS_PER_S
    while moment < until:
        moment += budget.interval_ms
        budget.take(moment - budget.interval_ms)


def test_a_call_that_nobody_dials_is_told_as_unserved(sweep: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    found = told(sweep, capsys)
    assert min(found.values()) >= WAITED_MS


def test_a_call_that_waits_for_livekits_budget_only_waits(
    sweep: ModuleType, local: LocalAws, capsys: pytest.CaptureFixture[str]
) -> None:
    turns_are_taken(local, LIVEKIT_LULL_S + 60)
    found = told(sweep, capsys)
    assert found["OldestWaiting"] >= WAITED_MS
    assert found["OldestUnserved"] == 0


def test_a_dialer_that_has_taken_a_turn_of_late_is_no_excuse(
    sweep: ModuleType, local: LocalAws, capsys: pytest.CaptureFixture[str]
) -> None:
    turns_are_taken(local, 1)
    assert told(sweep, capsys)["OldestUnserved"] >= WAITED_MS


def test_a_budget_that_cannot_be_read_hides_nothing(
    sweep: ModuleType, local: LocalAws, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("no answer")

    turns_are_taken(local, LIVEKIT_LULL_S + 60)
    monkeypatch.setattr(LivekitBudget, "is_used_up", broken)
    assert told(sweep, capsys)["OldestUnserved"] >= WAITED_MS
