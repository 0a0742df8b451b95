"""The account on one page: why nothing rings, and what the page does not know."""

import ast
import json
import re
from copy import replace
from types import ModuleType
from typing import Any

import pytest

from local.tools.places import ROOT
from ringline.accounts.account import Account
from ringline.accounts.store import AccountStore
from ringline.calls.capacity.counters import Kind
from ringline.calls.model.call import Call, Direction, State
from ringline.calls.tables.agent_rests import AgentRests
from ringline.calls.tables.limits.counters import Counters
from ringline.calls.tables.livekit_rest import LivekitRest
from ringline.calls.tables.paces import TrunkPaces
from ringline.calls.tables.store import CallStore
from ringline.resources.overview import account as account_page
from ringline.runtime.clock import iso, now_ms
from ringline.runtime.web.problem_codes import PROBLEMS
from ringline.webhooks.model.endpoint import DISABLED_AFTER_MS
from ringline.webhooks.tables.endpoints import EndpointStore
from tests.builders import a_call
from tests.component.one_table import LocalAws, load_handler
from tests.fakes import CONTEXT
from tests.sample_events import event_of
from tests.unit.webhooks.webhook_fakes import an_endpoint

ACCOUNT = "acct_demo"
CAP = 2


class Page:
    def __init__(self, local: LocalAws) -> None:
        self.local = local
        self.now = now_ms()
        self.store = CallStore(local.dynamodb, local.table_name)
        self.paces = TrunkPaces(local.dynamodb, local.table_name)
        accounts = AccountStore(local.dynamodb, local.table_name)
        accounts.create_account(Account(ACCOUNT, "Acme", "acme", CAP, country="US"))
        self.manage: ModuleType = load_handler(
            "manage",
            {
                "DOORBELL_QUEUE_URL": local.queue_url,
                "LIVEKIT_URL": "http://127.0.0.1:9",
                "LIVEKIT_API_KEY": "devkey",
                "LIVEKIT_API_SECRET": "a-secret-of-more-than-32-characters",
                "SIP_TRUNK_ID": "ST_usual",
            },
        )

    def waits(self, call_id: str, since_s: int = 10, **fields: Any) -> Call:
        moment = self.now - since_s * 1000
        call = a_call(
            State.QUEUED, account_id=ACCOUNT, call_id=call_id, created_at=moment, eligible_at=moment, **fields
        )
        self.store.create(call)
        return call

    def talks(self, call_id: str) -> None:
        call = self.waits(call_id)
        self.store.commit(call, replace(call, state=State.DIALING, attempt=1, dialed_at=self.now, version=2))

    def read(self, account_id: str = ACCOUNT) -> tuple[int, Any]:
        event = event_of("manage", "list_calls") | {"rawPath": "/v1/account", "queryStringParameters": {}}
        event["requestContext"]["authorizer"]["lambda"]["account_id"] = account_id
        answer = self.manage.lambda_handler(event, CONTEXT)
        return answer["statusCode"], json.loads(answer["body"])

    def blocked(self) -> dict[str, int]:
        status, body = self.read()
        assert status == 200
        return {each["what"]: each["calls"] for each in body["blocked_by"]}


@pytest.fixture
def page(local: LocalAws) -> Page:
    return Page(local)


def test_an_account_at_rest(page: Page) -> None:
    status, body = page.read()
    assert status == 200
    assert (body["account_id"], body["name"], body["org_handle"], body["country"]) == (ACCOUNT, "Acme", "acme", "US")
    assert body["lines"] == {"cap": CAP, "in_use": 0, "free": CAP, "mean_line_s": None}
    assert body["waiting"]["calls"] == 0
    assert body["waiting"]["next_start_at"] is None
    assert (body["blocked_by"], body["agents"], body["livekit"]["is_away"]) == ([], [], False)
    assert [each["trunk_id"] for each in body["trunks"]] == ["ST_usual"]
    assert body["callers"] == {"on_a_line": 0, "counts_all": True}
    assert body["limits"]["lines"] == CAP
    assert body["limits"]["requests_per_minute"] == 6000
    assert body["limits"]["waiting_calls"] == 10_000
    assert body["daily"]["calls"] == {"used": 0, "cap": None, "own_cap": None}
    assert body["failing_endpoints"] == []


SHOWN_AS = {
    "rate_limited": "limits.requests_per_minute",
    "queue_full": "limits.waiting_calls",
    "daily_cap_reached": "daily.calls.cap",
    "destination_not_allowed": "allowed_prefixes",
    "too_many_transfers": "limits.transfers_of_a_call",
    "too_many_segments": "limits.recording_pauses_of_a_call",
    "too_many_reports": "limits.reported_changes_of_a_dial",
    "too_many_outcomes": "limits.outcomes_of_a_dial",
    "too_many_keys": "limits.api_keys",
    "too_many_voices": "limits.voices_of_an_agent",
    "too_many_endpoints": "limits.webhook_endpoints",
    "too_many_secrets": "limits.secrets_of_an_endpoint",
    "body_too_large": "limits.body_bytes",
}
"""By the code that says that there are too many: where the page says how many there may be."""


def test_every_limit_that_a_request_can_meet_is_shown_before(page: Page) -> None:
    """A new `too_many_...`, or a new 429, fails here until the page says how many there may be."""
    words = {
        each.value
        for path in (ROOT / "layers" / "core").rglob("*.py")
        for each in ast.walk(ast.parse(path.read_text()))
        if isinstance(each, ast.Constant) and isinstance(each.value, str)
    }
    met = {each for each in words if re.fullmatch(r"too_many_[a-z]+", each)}
    met |= {code for code, meaning in PROBLEMS.items() if meaning.status in {413, 429}}
    assert met <= set(SHOWN_AS)
    _, body = page.read()
    for place in SHOWN_AS.values():
        shown: Any = body
        for name in place.split("."):
            assert name in shown, place
            shown = shown[name]
    assert all(isinstance(each, int) and each > 0 for each in body["limits"].values())


def test_endpoints_that_fail_are_shown_with_the_moment_they_will_be_disabled(page: Page) -> None:
    endpoints = EndpointStore(page.local.dynamodb, page.local.table_name)
    since = page.now - 3600_000
    for endpoint_id, fields in {
        "ep_works": {},
        "ep_late": {"failing_since": since},
        "ep_first": {"failing_since": since - 1000, "probe_at": page.now},
        "ep_off": {"failing_since": since, "disabled_at": page.now},
    }.items():
        endpoints.add(ACCOUNT, an_endpoint(endpoint_id=endpoint_id, **fields))
    first, late = page.read()[1]["failing_endpoints"]
    assert first == {
        "endpoint_id": "ep_first",
        "url": "https://hooks.example.com/x",
        "failing_since": iso(since - 1000),
        "disabled_at": iso(since - 1000 + DISABLED_AFTER_MS),
        "probe_at": iso(page.now),
    }
    assert (late["endpoint_id"], late["probe_at"]) == ("ep_late", None)


def test_an_account_that_is_gone_is_not_found(page: Page) -> None:
    status, body = page.read("acct_gone")
    assert (status, body["code"]) == (404, "account_not_found")


def test_free_lines_are_taken_in_order(page: Page) -> None:
    for n in range(3):
        page.waits(f"call_{n}", since_s=60 - n)
    assert page.blocked() == {"nothing": 2, "calls_before": 1}
    body = page.read()[1]["waiting"]
    assert (body["calls"], body["due"], body["first_call_id"], body["counts_all"]) == (3, 3, "call_0", True)
    assert body["longest_wait_s"] >= 60
    assert body["next_start_at"] is not None


def test_a_full_gate_stops_all_and_nobody_knows_for_how_long(page: Page) -> None:
    for n in range(CAP):
        page.talks(f"call_talks_{n}")
    page.waits("call_waits")
    assert page.blocked() == {"gate": 1}
    body = page.read()[1]
    assert (body["lines"]["free"], body["waiting"]["next_start_at"]) == (0, None)
    assert any("line falls free" in words for words in body["not_known"])


def test_what_is_to_come_waits_for_its_time(page: Page) -> None:
    page.waits("call_later", since_s=-600)
    (block,) = page.read()[1]["blocked_by"]
    assert (block["what"], block["calls"]) == ("schedule", 1)
    assert block["until"] == page.read()[1]["waiting"]["next_start_at"]
    assert page.read()[1]["waiting"]["longest_wait_s"] is None


def test_an_agent_that_rests_and_a_trunk_that_does_are_named(page: Page) -> None:
    page.waits("call_1", agent_id="AGENT_1")
    page.waits("call_2", agent_id="AGENT_2", trunk_id="ST_full")
    AgentRests(page.local.dynamodb, page.local.table_name).missed(ACCOUNT, "AGENT_1", "call_0#1", page.now)
    page.paces.rest("ST_full", page.now, page.now + 60_000)
    body = page.read()[1]
    blocks = {each["what"]: each for each in body["blocked_by"]}
    assert (blocks["agent"]["names"], blocks["trunk_pace"]["names"]) == (["AGENT_1"], ["ST_full"])
    assert blocks["agent"]["until"] < blocks["trunk_pace"]["until"]
    assert body["waiting"]["next_start_at"] == blocks["agent"]["until"]
    agents = {each["agent_id"]: each for each in body["agents"]}
    assert agents["AGENT_1"]["rests_until"] == blocks["agent"]["until"]
    assert agents["AGENT_2"]["rests_until"] is None
    assert [(each["trunk_id"], each["takes_calls"]) for each in body["trunks"]] == [
        ("ST_usual", True),
        ("ST_full", False),
    ]


def test_the_usual_trunk_is_shown_once_however_it_is_named(page: Page) -> None:
    page.waits("call_1", trunk_id="ST_usual")
    page.waits("call_2")
    assert [each["trunk_id"] for each in page.read()[1]["trunks"]] == ["ST_usual"]


def test_a_call_whose_runners_have_no_place_waits_for_one(page: Page) -> None:
    page.waits("call_1", brain="runner")
    (block,) = page.read()[1]["blocked_by"]
    assert (block["what"], block["names"], block["until"]) == ("agent", ["AGENT_1"], None)
    assert page.read()[1]["waiting"]["next_start_at"] is None
    assert any("runner" in words for words in page.read()[1]["not_known"])


def test_what_has_reached_its_cap_is_named(page: Page) -> None:
    counters = Counters(page.local.dynamodb, page.local.table_name)
    counters.set_cap(ACCOUNT, Kind.AGENT, "AGENT_1", 0)
    page.waits("call_1")
    page.waits("call_2", agent_id="AGENT_2")
    body = page.read()[1]
    blocks = {each["what"]: each for each in body["blocked_by"]}
    assert (blocks["agent_cap"]["names"], blocks["agent_cap"]["until"]) == (["AGENT_1"], None)
    assert blocks["nothing"]["calls"] == 1
    assert any("cap" in words for words in body["not_known"])


def test_a_livekit_that_is_away_stops_all(page: Page) -> None:
    page.waits("call_1")
    livekit = LivekitRest(page.local.dynamodb, page.local.table_name)
    call = a_call(State.DIALING, account_id=ACCOUNT, call_id="call_0")
    for _ in range(2):
        livekit.was_away(call, page.now)
    body = page.read()[1]
    assert (page.blocked(), body["livekit"]["is_away"]) == ({"livekit": 1}, True)
    assert body["waiting"]["next_start_at"] == body["livekit"]["tried_again_at"]


def test_callers_are_counted_unless_that_would_cost_much(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    page.store.create(
        a_call(State.ACTIVE, account_id=ACCOUNT, call_id="call_in", direction=Direction.INBOUND, due_at=page.now)
    )
    page.talks("call_out")
    assert page.read()[1]["callers"] == {"on_a_line": 1, "counts_all": True}
    monkeypatch.setattr(account_page, "MOST_LINES_READ", 0)
    body = page.read()[1]
    assert body["callers"] is None
    assert any("callers" in words for words in body["not_known"])


def test_a_long_queue_is_counted_up_to_a_point(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(5):
        page.waits(f"call_{n}")
    monkeypatch.setattr(account_page, "MOST_COUNTED", 4)
    monkeypatch.setattr(account_page, "LOOKED_AT", 3)
    body = page.read()[1]
    assert (body["waiting"]["calls"], body["waiting"]["counts_all"]) == (4, False)
    assert sum(each["calls"] for each in body["blocked_by"]) == 3
