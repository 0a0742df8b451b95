"""A test event goes where it is sent, whatever the endpoint has subscribed to."""

import json
from types import ModuleType
from typing import Any

import pytest

from ringline.accounts.account import Account
from ringline.accounts.store import AccountStore
from ringline.runtime.clock import now_ms
from ringline.webhooks.model.endpoint import Endpoint
from ringline.webhooks.tables.endpoints import EndpointStore
from ringline.webhooks.tables.events import EventStore
from tests.builders import NOW
from tests.component.one_table import LocalAws, load_handler
from tests.fakes import CONTEXT
from tests.sample_events import event_of

ACCOUNT = "acct_demo"


@pytest.fixture
def manage(local: LocalAws) -> ModuleType:
    AccountStore(local.dynamodb, local.table_name).create_account(Account(ACCOUNT, "Acme", "acme", 2))
    endpoint = Endpoint(
        endpoint_id="ep_1",
        url="https://example.com/hook",
        secrets=("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",),
        created_at=NOW,
    )
    EndpointStore(local.dynamodb, local.table_name).add(ACCOUNT, endpoint)
    return load_manage(local)


def load_manage(local: LocalAws, **variables: str) -> ModuleType:
    nowhere = {"LIVEKIT_URL": "http://127.0.0.1:9", "LIVEKIT_API_KEY": "devkey", "LIVEKIT_API_SECRET": "s" * 36}
    queues = {"DOORBELL_QUEUE_URL": local.queue_url, "DELIVERY_QUEUE_URL": local.queue_url}
    return load_handler("manage", queues | nowhere | variables)


def ping(manage: ModuleType, endpoint_id: str = "ep_1") -> tuple[int, Any]:
    event = event_of("manage", "get_call")
    path = f"/v1/webhook-endpoints/{endpoint_id}/test"
    event["rawPath"] = event["requestContext"]["http"]["path"] = path
    event["requestContext"]["http"]["method"] = "POST"
    answer = manage.lambda_handler(event, CONTEXT)
    return answer["statusCode"], json.loads(answer["body"])


def test_each_test_is_an_event_of_its_own_on_its_way_to_that_endpoint(local: LocalAws, manage: ModuleType) -> None:
    told = [ping(manage) for _ in range(2)]
    assert [(status, answer["delivery_id"]) for status, answer in told] == [(202, "dlv_ep_1_1"), (202, "dlv_ep_1_2")]
    events = EventStore(local.dynamodb, local.table_name).page(ACCOUNT, 0, 10)
    assert [event.event_id for event in events] == [answer["event_id"] for _, answer in told]
    assert {event.body["type"] for event in events} == {"test.ping"}
    sent = [json.loads(message["Body"]) for message in local.messages()]
    assert {(each["endpoint_id"], each["sequence"]) for each in sent} == {("ep_1", 1), ("ep_1", 2)}


@pytest.mark.parametrize("days", [3, 60])
def test_a_test_is_kept_for_as_long_as_other_events(local: LocalAws, manage: ModuleType, days: int) -> None:
    ping(load_manage(local, EVENTS_KEPT_DAYS=str(days)))
    kept_until = [item["ttl_at_s"] for item in local.items() if item.get("item_kind") == "event"]
    assert [round((until - now_ms() // 1000) / 86_400) for until in kept_until] == [days]


def test_an_endpoint_that_is_not_there_or_disabled_is_sent_nothing(local: LocalAws, manage: ModuleType) -> None:
    assert ping(manage, "ep_2")[1]["code"] == "endpoint_not_found"
    endpoints = EndpointStore(local.dynamodb, local.table_name)
    (endpoint,) = endpoints.endpoints(ACCOUNT)
    endpoints.disable(ACCOUNT, endpoint, NOW, "by the API")
    status, problem = ping(manage)
    assert (status, problem["code"]) == (409, "endpoint_disabled")
    assert local.messages() == []


def test_a_test_that_others_hold_up_is_asked_for_again(manage: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def always_too_late(*_: Any) -> list[dict[str, Any]]:
        return [{"Code": "None"}, {"Code": "None"}, {"Code": "TransactionConflict"}]

    monkeypatch.setattr(EventStore, "_put", always_too_late)
    monkeypatch.setattr("time.sleep", lambda _: None)
    monkeypatch.setattr("ringline.webhooks.tables.events._TRIES", 2)
    status, problem = ping(manage)
    assert (status, problem["code"]) == (503, "contended")
