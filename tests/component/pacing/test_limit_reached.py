"""An account meets a limit: one row the first time in a window, and one event of it, whoever meets it and however often
the stream tells."""

import json
from types import ModuleType
from typing import Any

import pytest
from aws_lambda_powertools import Logger

from ringline.accounts.account import Account
from ringline.accounts.store import AccountStore
from ringline.accounts.tables.allowances import Allowances
from ringline.calls.capacity.days import Daily, Use, cap_attribute
from ringline.calls.capacity.limits import Limit, reached
from ringline.calls.outbound.admit import NoneAdmitted
from ringline.calls.progress.limits_met import LimitsMet
from ringline.calls.tables.limits.reached import ReachedLimits, limit_from
from ringline.runtime.items import to_item
from ringline.webhooks.tables.endpoints import EndpointStore
from ringline.webhooks.tables.events import EventStore
from tests.builders import ACCOUNT, NOW
from tests.component.calls_room import calls_room
from tests.component.one_table import LocalAws, load_handler
from tests.fakes import CONTEXT, HandClock
from tests.unit.webhooks.webhook_fakes import an_endpoint

HOUR_MS = 3600 * 1000


def rows(local: LocalAws) -> list[dict[str, Any]]:
    return [item for item in local.items() if item.get("item_kind") == "limit_reached"]


def test_a_limit_is_noted_once_in_its_window_whichever_container_meets_it(local: LocalAws) -> None:
    at = (local.dynamodb, local.table_name)
    clock = HandClock()
    clock.now -= clock.now % (24 * HOUR_MS)
    for _ in range(2):
        met = LimitsMet(ReachedLimits(*at), clock, Logger(service="test", level="CRITICAL"))
        for _ in range(3):
            met.queue_is_full(ACCOUNT, 10_000)
            met.is_spent(ACCOUNT, Use.TALK_MS, Daily({cap_attribute(Use.TALK_MS): 90_000}))
    assert sorted((row["limit"], row["cap"]) for row in rows(local)) == [
        ("daily_minutes", 1.5),
        ("waiting_calls", 10_000),
    ]
    clock.now += HOUR_MS
    met.queue_is_full(ACCOUNT, 10_000)
    met.is_spent(ACCOUNT, Use.TALK_MS, Daily({cap_attribute(Use.TALK_MS): 90_000}))
    assert sorted(row["limit"] for row in rows(local)) == ["daily_minutes", "waiting_calls", "waiting_calls"]


def test_a_row_is_read_as_it_was_written(local: LocalAws) -> None:
    met = reached(ACCOUNT, Limit.DAILY_CALLS, 50, NOW)
    ReachedLimits(local.dynamodb, local.table_name).note(met)
    (row,) = rows(local)
    assert limit_from(to_item(row)) == met
    assert row["ttl_at_s"] * 1000 > met.window_ends_at


def test_whoever_cannot_note_it_refuses_all_the_same(local: LocalAws) -> None:
    class Broken:
        def note(self, met: object) -> None:
            raise OSError

    LimitsMet(Broken(), HandClock(), Logger(service="test", level="CRITICAL")).queue_is_full(ACCOUNT, 1)


def test_a_dialer_that_finds_the_day_spent_notes_it(local: LocalAws) -> None:
    room = calls_room(local)
    Allowances(local.dynamodb, local.table_name).set(ACCOUNT, {cap_attribute(Use.CALLS): 0})
    room.queued("call_1")
    for _ in range(3):
        assert room.next_call(ACCOUNT) is NoneAdmitted.DAY_SPENT
    (row,) = rows(local)
    assert (row["limit"], row["cap"], row["account_id"]) == ("daily_calls", 0, ACCOUNT)


@pytest.fixture
def relay(local: LocalAws) -> ModuleType:
    AccountStore(local.dynamodb, local.table_name).create_account(Account(ACCOUNT, "Acme", "acme", 2))
    environment = {
        "DOORBELL_QUEUE_URL": local.queue_url,
        "DELIVERY_QUEUE_URL": local.queue_url,
        "LIVEKIT_URL": "http://127.0.0.1:9",
        "LIVEKIT_API_KEY": "devkey",
        "LIVEKIT_API_SECRET": "a-secret-of-more-than-32-characters",
    }
    return load_handler("relay_call_changes", environment)


def of_the_stream(local: LocalAws) -> dict[str, Any]:
    (row,) = rows(local)
    image = to_item(row)
    keys = {name: image[name] for name in ("pk", "sk")}
    return {"Records": [{"eventName": "INSERT", "dynamodb": {"SequenceNumber": "7", "Keys": keys, "NewImage": image}}]}


def test_the_stream_makes_it_one_event_however_often_it_is_given(relay: ModuleType, local: LocalAws) -> None:
    told = an_endpoint(event_types=("account.limit_reached",))
    EndpointStore(local.dynamodb, local.table_name).add(ACCOUNT, told)
    ReachedLimits(local.dynamodb, local.table_name).note(reached(ACCOUNT, Limit.WAITING_CALLS, 10_000, NOW))
    for _ in range(2):
        assert relay.lambda_handler(of_the_stream(local), CONTEXT) == {"batchItemFailures": []}
    (event,) = EventStore(local.dynamodb, local.table_name).page(ACCOUNT, 0, 10)
    assert event.event_type == "account.limit_reached"
    assert event.data == {
        "limit": "waiting_calls",
        "cap": 10_000,
        "window_began_at": "2026-11-21T01:00:00.000Z",
        "window_ends_at": "2026-11-21T02:00:00.000Z",
    }
    bodies = [json.loads(message["Body"]) for message in local.messages()]
    assert bodies == [{"account_id": ACCOUNT, "endpoint_id": "ep_1", "sequence": 1}] * 2


def test_one_that_cannot_be_announced_is_given_again(relay: ModuleType, local: LocalAws) -> None:
    EndpointStore(local.dynamodb, local.table_name).add(ACCOUNT, an_endpoint(event_types=("*",)))
    ReachedLimits(local.dynamodb, local.table_name).note(reached(ACCOUNT, Limit.WAITING_CALLS, 10_000, NOW))
    event = of_the_stream(local)
    local.sqs.delete_queue(QueueUrl=local.queue_url)
    assert relay.lambda_handler(event, CONTEXT) == {"batchItemFailures": [{"itemIdentifier": "7"}]}
