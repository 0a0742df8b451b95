"""One call to a number at a time, where that is asked for: a second create is answered with the one under way."""

import json
from types import ModuleType
from typing import Any

import pytest

from ringline.accounts.account import Account
from ringline.accounts.store import AccountStore
from ringline.calls.model.call import Call
from ringline.calls.model.events import Claimed, DialRefused, EndAsked, Event
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.results import Moved
from ringline.calls.rules.lifecycle import apply
from ringline.calls.tables.records import call_to_item
from ringline.calls.tables.store import CallStore, Committed
from ringline.routing.records import Agent, Number, Pipe
from ringline.routing.store import RoutingStore
from tests.component.one_table import LocalAws, load_handler
from tests.fakes import CONTEXT
from tests.sample_events import event_of

ACCOUNT = "acct_demo"
NUMBER, OTHER = "+15550100200", "+15550100299"


class Customer:
    def __init__(self, local: LocalAws) -> None:
        self.local = local
        self.store = CallStore(local.dynamodb, local.table_name)
        self.handler: ModuleType = load_handler("create_call", {"DOORBELL_QUEUE_URL": local.queue_url})

    def asks(self, key: str | None = None, **fields: Any) -> tuple[int, dict[str, Any], dict[str, str]]:
        event = event_of("create_call", "unique_to_number")
        event["body"] = json.dumps(json.loads(event["body"]) | fields)
        if key is not None:
            event["headers"]["idempotency-key"] = key
        answer = self.handler.lambda_handler(event, CONTEXT)
        return answer["statusCode"], json.loads(answer["body"]), answer["headers"]

    def happens(self, call_id: str, *events: Event) -> Call:
        for event in events:
            call = self.call(call_id)
            moved = apply(call, event)
            assert isinstance(moved, Moved)
            assert self.store.commit(call, moved.call) is Committed.DONE
        return self.call(call_id)

    def call(self, call_id: str) -> Call:
        call = self.store.get(ACCOUNT, call_id)
        assert call is not None
        return call

    @property
    def held(self) -> list[str]:
        return [item["call_id"] for item in self.local.items() if item["pk"].endswith("#UNIQUE")]

    @property
    def rows(self) -> int:
        return len([item for item in self.local.items() if item.get("item_kind") == "call"])


@pytest.fixture
def customer(local: LocalAws) -> Customer:
    AccountStore(local.dynamodb, local.table_name).create_account(Account(ACCOUNT, "Acme", "acme", 5))
    routing = RoutingStore(local.dynamodb, local.table_name)
    routing.put_agent(ACCOUNT, Agent(agent_id="front-desk", name="Front desk"))
    routing.put_number(ACCOUNT, Number(number="+15550100000", number_id="num_1"))
    for pipe_id, unique_to in (("PIPE_1", None), ("PIPE_unique", "number")):
        pipe = Pipe(pipe_id=pipe_id, name="p", agent_id="front-desk", number="+15550100000", unique_to=unique_to)
        routing.put_pipe(ACCOUNT, pipe)
    return Customer(local)


def test_a_second_create_is_answered_with_the_call_that_is_under_way(customer: Customer) -> None:
    status, first, headers = customer.asks()
    assert (status, first["unique_to"], "already_under_way" in first) == (201, "number", False)
    customer.local.messages()
    status, second, headers = customer.asks(to_number="+1 (555) 010-0200")
    assert (status, second["call_id"], second["already_under_way"]) == (200, first["call_id"], True)
    assert headers["call-already-under-way"] == "true"
    assert headers["location"].endswith(first["call_id"])
    assert (customer.rows, customer.local.messages()) == (1, [])
    customer.happens(first["call_id"], Claimed(first_moment(customer, first)))
    assert customer.asks()[0] == 200, "also while it rings"


def first_moment(customer: Customer, shown: dict[str, Any]) -> int:
    return customer.call(shown["call_id"]).created_at


def test_only_calls_to_the_same_number_that_ask_for_it_are_one(customer: Customer) -> None:
    assert customer.asks()[0] == 201
    assert customer.asks(to_number=OTHER)[0] == 201
    assert customer.asks(unique_to=None)[0] == 201
    assert customer.asks(unique_to="none", pipe_id="PIPE_unique")[0] == 201
    assert customer.asks(unique_to=None, pipe_id="PIPE_unique")[0] == 200, "the pipe asks for it"
    assert customer.rows == 4
    assert customer.asks(unique_to="agent")[0] == 422


@pytest.mark.parametrize("is_dialed", [False, True])
def test_the_number_is_given_back_with_the_end(customer: Customer, is_dialed: bool) -> None:
    _, first, _ = customer.asks()
    at = first_moment(customer, first)
    over = DialRefused(at + 2, 1, 486, "Busy Here", None, None) if is_dialed else EndAsked(at, EndReason.API_HUNG_UP)
    ended = customer.happens(first["call_id"], *([Claimed(at + 1)] if is_dialed else []), over)
    assert ended.state.is_terminal
    assert customer.held == []
    status, second, _ = customer.asks()
    assert (status, customer.held) == (201, [second["call_id"]])


def test_a_call_that_is_tried_again_keeps_its_number(customer: Customer) -> None:
    _, first, _ = customer.asks(retry={"max_attempts": 2, "on": ["USER_BUSY"]})
    at = first_moment(customer, first)
    again = customer.happens(first["call_id"], Claimed(at + 1), DialRefused(at + 2, 1, 486, "Busy Here", None, None))
    assert not again.state.is_terminal
    assert customer.asks()[1]["call_id"] == first["call_id"]


def test_a_number_that_a_call_has_which_is_over_is_taken_from_it(customer: Customer) -> None:
    _, first, _ = customer.asks()
    ended = apply(customer.call(first["call_id"]), EndAsked(first_moment(customer, first), EndReason.API_HUNG_UP))
    assert isinstance(ended, Moved)
    # As somebody else's program would leave it: the item stands, the call is over.
    customer.local.dynamodb.put_item(TableName=customer.local.table_name, Item=call_to_item(ended.call))
    status, second, _ = customer.asks()
    assert (status, customer.held) == (201, [second["call_id"]])


def test_a_key_that_was_answered_with_the_call_under_way_stands_for_it_for_good(customer: Customer) -> None:
    _, first, _ = customer.asks(key="a")
    assert customer.asks(key="b")[0] == 200
    customer.happens(first["call_id"], EndAsked(first_moment(customer, first), EndReason.API_HUNG_UP))
    status, again, headers = customer.asks(key="b")
    assert (status, again["call_id"], headers["idempotent-replayed"]) == (200, first["call_id"], "true")
    assert again["already_under_way"] and headers["call-already-under-way"] == "true", "as it was answered then"
    status, again, headers = customer.asks(key="a")
    assert (status, "already_under_way" in again, "call-already-under-way" in headers) == (201, False, False)
    assert customer.rows == 1
    status, problem, _ = customer.asks(key="b", data={"other": 1})
    assert (status, problem["code"]) == (422, "idempotency_key_reused")


def test_calls_that_do_not_ask_for_it_pay_nothing(customer: Customer) -> None:
    customer.asks(unique_to=None)
    assert customer.held == []
    (row,) = [item for item in customer.local.items() if item.get("item_kind") == "call"]
    assert "unique_to" not in row
