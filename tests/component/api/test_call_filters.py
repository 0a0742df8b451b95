"""Lists of calls by whom they went to, and by what their customer noted with them."""

import json
from types import ModuleType
from typing import Any

import pytest

from ringline.accounts.account import Account
from ringline.accounts.store import AccountStore
from ringline.calls.model.call import State
from ringline.calls.tables.store import CallStore
from ringline.calls.tables.wanted import MetadataIs, Wanted
from tests.builders import a_call
from tests.component.one_table import LocalAws, load_handler
from tests.fakes import CONTEXT
from tests.sample_events import event_of

ACCOUNT = "acct_demo"

CALLS: list[tuple[str, dict[str, Any]]] = [
    ("1", {"to_number": "+15550100201", "metadata": {"customer": "C1", "tries": 3, "vip": True}}),
    ("2", {"to_number": "+15550100202", "metadata": {"customer": "C2", "tries": 3.0, "note": '"customer":"C1"'}}),
    ("3", {"from_number": "+4930123456", "metadata": {"customer": "3", "deep": {"customer": "C1"}}}),
    ("4", {"metadata": {'odd "key"': "é", "customer": None, "vip": "true"}}),
]


@pytest.fixture(params=[{}, {"noted": "x" * 600}], ids=["in the row", "in a row of its own"])
def manage(local: LocalAws, request: pytest.FixtureRequest) -> ModuleType:
    """The same calls, whose metadata is short or long."""
    accounts = AccountStore(local.dynamodb, local.table_name)
    accounts.create_account(Account(ACCOUNT, "Acme", "acme", 2, country="DE"))
    store = CallStore(local.dynamodb, local.table_name, asked_apart=True)
    for number, fields in CALLS:
        more = {"metadata": fields["metadata"] | request.param}
        store.create(a_call(State.QUEUED, account_id=ACCOUNT, call_id=f"call_{number}", **fields | more))
    apart = [item for item in local.items() if item["pk"].endswith("#ASKED")]
    assert len(apart) == (len(CALLS) if request.param else 0)
    environment = {
        "DOORBELL_QUEUE_URL": local.queue_url,
        "LIVEKIT_URL": "http://127.0.0.1:9",
        "LIVEKIT_API_KEY": "devkey",
        "LIVEKIT_API_SECRET": "a-secret-of-more-than-32-characters",
    }
    return load_handler("manage", environment)


def ask(manage: ModuleType, query: dict[str, str]) -> tuple[int, Any]:
    answer = manage.lambda_handler(event_of("manage", "list_calls") | {"queryStringParameters": query}, CONTEXT)
    return answer["statusCode"], json.loads(answer["body"])


@pytest.mark.parametrize(
    ("query", "which"),
    [
        ({"to_number": "+15550100202"}, "2"),
        ({"to_number": "+1 (555) 010-0202"}, "2"),
        ({"to_number": " 15550100202"}, "2"),
        ({"from_number": "030 123456"}, "3"),
        ({"metadata.customer": "C1"}, "1"),
        ({"metadata[customer]": "C1"}, "1"),
        ({"metadata.customer": "3"}, "3"),
        ({"metadata.tries": "3"}, "12"),
        ({"metadata.vip": "true"}, "14"),
        ({"metadata.vip": "true", "to_number": "+15550100201"}, "1"),
        ({'metadata[odd "key"]': "é"}, "4"),
        ({"metadata.nothing": "C1"}, ""),
        ({"metadata.customer": ""}, "1234"),
    ],
)
def test_calls_are_found(manage: ModuleType, query: dict[str, str], which: str) -> None:
    status, body = ask(manage, query)
    assert status == 200
    assert sorted(row["call_id"].removeprefix("call_") for row in body["data"]) == list(which)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"to_number": "nobody"}, "to_number"),
        ({"from_number": "sip:me@example.com"}, "from_number"),
        ({"metadata": "C1"}, "metadata"),
        ({f"metadata.{name}": "1" for name in "abcdef"}, "metadata"),
    ],
)
def test_a_wrong_filter_is_named(manage: ModuleType, query: dict[str, str], field: str) -> None:
    status, body = ask(manage, query)
    assert (status, [each["field"] for each in body["errors"]]) == (422, [field])


def test_pages_of_filtered_calls_lead_to_all_of_them(manage: ModuleType) -> None:
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        _, body = ask(manage, {"metadata.tries": "3", "limit": "1", "cursor": cursor})
        found += [row["call_id"] for row in body["data"]]
        cursor = body["pagination"]["next_cursor"]
    assert found == ["call_2", "call_1"]


def test_calls_on_a_line_are_filtered_as_well() -> None:
    wanted = Wanted(metadata=(MetadataIs("tries", "3"),))
    assert wanted.fits(a_call(State.ACTIVE, metadata={"tries": 3}))
    assert not wanted.fits(a_call(State.ACTIVE, metadata={"tries": [3]}))
    assert not wanted.fits(a_call(State.ACTIVE, metadata={"tries": True}))
