"""Getting, listing and ending calls through the API."""

import json
from copy import replace
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pytest
from ulid import ULID

from ringline.accounts.account import Account
from ringline.accounts.store import AccountStore
from ringline.calls.model.call import Direction, State
from ringline.calls.model.reasons import EndReason
from ringline.calls.tables.store import CallStore
from ringline.runtime.clock import now_ms
from tests.builders import NOW, a_call
from tests.component.one_table import LocalAws, load_handler
from tests.fakes import CONTEXT
from tests.sample_events import event_of

ACCOUNT = "acct_demo"
CALL = "call_01JD5Z0000000000000000000A"
NOWHERE = {
    "LIVEKIT_URL": "http://127.0.0.1:9",
    "LIVEKIT_API_KEY": "devkey",
    "LIVEKIT_API_SECRET": "a-secret-of-more-than-32-characters",
}


@pytest.fixture
def store(local: LocalAws) -> CallStore:
    AccountStore(local.dynamodb, local.table_name).create_account(Account(ACCOUNT, "Acme", "acme", 2))
    return CallStore(local.dynamodb, local.table_name)


@pytest.fixture
def manage(local: LocalAws) -> ModuleType:
    return load_handler("manage", {"DOORBELL_QUEUE_URL": local.queue_url, **NOWHERE})


def ask(handler: ModuleType, case: str, **changes: Any) -> tuple[int, Any]:
    answer = handler.lambda_handler({**event_of("manage", case), **changes}, CONTEXT)
    return answer["statusCode"], json.loads(answer["body"])


def test_a_call_is_shown_with_the_sdks_names(manage: ModuleType, store: CallStore) -> None:
    store.create(a_call(State.QUEUED, account_id=ACCOUNT, data={"a": 1.5}))
    status, body = ask(manage, "get_call")
    assert (status, body["call_id"], body["status"], body["data"]) == (200, CALL, "pending", {"a": 1.5})
    assert body["traces"] == {}


@pytest.mark.parametrize("case", ["get_call", "hang_up"])
def test_another_accounts_call_is_not_found(manage: ModuleType, store: CallStore, case: str) -> None:
    store.create(a_call(State.QUEUED, account_id="acct_other"))
    status, body = ask(manage, case)
    assert (status, body["code"]) == (404, "call_not_found")
    other = store.get("acct_other", CALL)
    assert other is not None
    assert other.state is State.QUEUED


@pytest.mark.parametrize("call_id", ["%00", "a b", "x" * 81, "..%2F"])
def test_an_id_that_cannot_be_one_is_not_found(manage: ModuleType, call_id: str) -> None:
    status, body = ask(manage, "get_call", rawPath=f"/v1/calls/{call_id}")
    assert status == 404
    assert body["code"] in {"call_not_found", "no_such_route"}


def test_a_queued_call_is_canceled_and_canceling_again_says_the_same(manage: ModuleType, store: CallStore) -> None:
    store.create(a_call(State.QUEUED, account_id=ACCOUNT))
    for result in ("canceled", "already_over"):
        status, body = ask(manage, "hang_up")
        assert (status, body["status"], body["end_reason"]) == (200, "failed", "CALL_CANCELED")
        assert body["result"] == result
    assert not store.has_queued(ACCOUNT)


def test_a_waiting_call_says_where_it_stands_and_what_it_waits_for(manage: ModuleType, store: CallStore) -> None:
    first = a_call(State.QUEUED, account_id=ACCOUNT, call_id="call_0", created_at=NOW - 9, eligible_at=NOW - 9)
    store.create(first)
    store.create(a_call(State.QUEUED, account_id=ACCOUNT))

    def place() -> Any:
        return ask(manage, "get_call")[1]["queue"]

    before = place()
    assert before.pop("estimated_start_at") is not None, "both lines are free: it starts at once"
    assert before == {"position": 2, "counts_all": True, "blocked_by": "calls_before", "in_use": 0, "cap": 2}
    store.commit(first, replace(first, state=State.CANCELED, version=2))
    assert (place()["position"], place()["blocked_by"]) == (1, "nothing")
    for taken in range(2):
        waiting = a_call(State.QUEUED, account_id=ACCOUNT, call_id=f"call_taken_{taken}")
        store.create(waiting)
        store.commit(waiting, replace(waiting, state=State.DIALING, attempt=1, version=2))
    assert (place()["blocked_by"], place()["estimated_start_at"]) == ("gate", None), "no call has ended yet"


def test_a_scheduled_call_waits_for_its_time(manage: ModuleType, store: CallStore) -> None:
    later = now_ms() + 600_000
    store.create(a_call(State.QUEUED, account_id=ACCOUNT, eligible_at=later, scheduled_at=later))
    assert ask(manage, "get_call")[1]["queue"]["blocked_by"] == "schedule"


def test_a_call_that_does_not_wait_has_no_place(manage: ModuleType, store: CallStore) -> None:
    store.create(a_call(State.ACTIVE, account_id=ACCOUNT))
    assert "queue" not in ask(manage, "get_call")[1]


def test_a_hang_up_is_recorded_although_livekit_cannot_be_reached(manage: ModuleType, store: CallStore) -> None:
    store.create(a_call(State.ACTIVE, account_id=ACCOUNT))
    status, body = ask(manage, "hang_up")
    assert (status, body["status"], body["result"]) == (200, "active", "ending"), "it is still up, and says so"
    call = store.get(ACCOUNT, CALL)
    assert call is not None
    assert call.end_asked_at is not None


def test_what_became_of_a_call_is_told_in_order(manage: ModuleType, store: CallStore) -> None:
    store.create(a_call(State.ACTIVE, account_id=ACCOUNT))
    status, body = ask(manage, "get_call", rawPath=f"/v1/calls/{CALL}/events")
    assert (status, [moment["what"] for moment in body["data"]]) == (
        200,
        ["accepted", "dialed", "agent_joined", "answered"],
    )
    assert ask(manage, "get_call", rawPath="/v1/calls/call_nobody/events")[0] == 404


def test_calls_are_listed_as_the_sdk_asks_for_them(manage: ModuleType, store: CallStore) -> None:
    store.create(a_call(State.QUEUED, account_id=ACCOUNT))
    store.create(a_call(State.QUEUED, account_id=ACCOUNT, call_id="call_other_pipe", pipe_id="PIPE_2"))
    status, body = ask(manage, "list_calls")
    assert (status, body["status_code"]) == (200, 200)
    assert [row["call_id"] for row in body["data"]] == [CALL]
    assert body["pagination"] == {"next_cursor": None, "has_more": False}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"call_status": "jolly"}, "call_status"),
        ({"status": "jolly"}, "status"),
        ({"limit": "0"}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"limit": "9" * 5000}, "limit"),
        ({"cursor": "nonsense"}, "cursor"),
        ({"call_status": "active", "cursor": "nonsense"}, "cursor"),
        ({"status": "active,"}, "status"),
        ({"direction": "sideways"}, "direction"),
        ({"end_reason": "USER_BUSY,BOREDOM"}, "end_reason"),
        ({"created_after": "yesterday"}, "created_after"),
        ({"created_after": "2026-11-21T02:09:00"}, "created_after"),
        ({"created_before": "2026-11-21"}, "created_before"),
        ({"end_reasons": "USER_BUSY"}, "end_reasons"),
        ({"call_id": CALL}, "call_id"),
    ],
)
def test_a_wrong_filter_is_named(manage: ModuleType, query: dict[str, str], field: str) -> None:
    status, body = ask(manage, "list_calls", queryStringParameters=query)
    assert (status, [each["field"] for each in body["errors"]]) == (422, [field])


@pytest.mark.parametrize(
    ("query", "which"),
    [
        ({}, "123"),
        ({"agent_id": "AGENT_1"}, "23"),
        ({"agent_id": "", "limit": ""}, "123"),
        ({"direction": "inbound"}, "2"),
        ({"end_reason": "USER_BUSY"}, "3"),
        ({"end_reason": "AGENT_HUNG_UP,USER_BUSY", "direction": "outbound"}, "3"),
        ({"created_after": "2026-11-21T02:00:00Z"}, "23"),
        ({"created_after": "2026-11-21T02:00:00.001Z"}, "3"),
        ({"created_before": "2026-11-21T04:00:00+01:00"}, "12"),
        ({"created_after": "2026-11-21T02:00:00Z", "created_before": "2026-11-21T03:00:00Z"}, "2"),
        ({"created_before": "2026-11-21T03:00:00Z", "call_status": "completed"}, "2"),
    ],
)
def test_calls_are_filtered(manage: ModuleType, store: CallStore, query: dict[str, str], which: str) -> None:
    def hour(n: int) -> dict[str, Any]:
        created_at = round(datetime(2026, 11, 21, n, tzinfo=UTC).timestamp() * 1000)
        return {"account_id": ACCOUNT, "call_id": f"call_{ULID.from_timestamp(created_at)}", "created_at": created_at}

    calls = [
        a_call(State.QUEUED, agent_id="AGENT_2", **hour(1)),
        a_call(State.ENDED, direction=Direction.INBOUND, end_reason=EndReason.USER_HUNG_UP_IN_CALL, **hour(2)),
        a_call(State.NOT_CONNECTED, end_reason=EndReason.USER_BUSY, **hour(3)),
    ]
    for call in calls:
        store.create(call)
    status, body = ask(manage, "list_calls", queryStringParameters=query)
    assert status == 200
    assert [row["call_id"] for row in body["data"]] == [calls[int(n) - 1].call_id for n in reversed(which)]


def test_every_unknown_parameter_is_named(manage: ModuleType) -> None:
    query = {"state": "active", "status": "active", "page": "2"}
    status, body = ask(manage, "list_calls", queryStringParameters=query)
    assert (status, {each["field"] for each in body["errors"]}) == (422, {"state", "page"})


def test_a_page_of_large_calls_ends_where_the_answer_would_grow_too_large(manage: ModuleType, store: CallStore) -> None:
    for n in range(70):
        store.create(a_call(State.QUEUED, account_id=ACCOUNT, call_id=f"call_{n:03}", data={"words": '"' * 30_000}))
    seen, cursor, pages = [], "", 0
    while cursor is not None:
        event = event_of("manage", "list_calls") | {"queryStringParameters": {"limit": "200", "cursor": cursor}}
        answer = manage.lambda_handler(event, CONTEXT)
        assert len(json.dumps(answer, ensure_ascii=False).encode()) < 6_291_556, "Lambda sends no more"
        body = json.loads(answer["body"])
        seen += [row["call_id"] for row in body["data"]]
        cursor = body["pagination"]["next_cursor"]
        pages += 1
    assert seen == [f"call_{n:03}" for n in reversed(range(70))]
    assert pages == 3, "a page is not ended earlier than it must"


def test_an_unknown_path_is_a_problem_too(manage: ModuleType) -> None:
    status, body = ask(manage, "no_such_route")
    assert (status, body["code"]) == (404, "no_such_route")
