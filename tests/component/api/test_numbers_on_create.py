"""POST calls with numbers as people write them: kept as E.164, or refused with the reason."""

import json
from types import ModuleType
from typing import Any

import pytest

from ringline.accounts.account import Account
from ringline.accounts.store import AccountStore
from ringline.routing.records import Agent, Number, Pipe
from ringline.routing.store import RoutingStore
from ringline.runtime.web.problems import Problem
from tests.component.one_table import LocalAws, load_handler
from tests.fakes import CONTEXT
from tests.sample_events import event_of

ACCOUNT = "acct_demo"
OURS = "+15550100000"


@pytest.fixture
def accounts(local: LocalAws) -> AccountStore:
    accounts = AccountStore(local.dynamodb, local.table_name)
    accounts.create_account(Account(ACCOUNT, "Acme", "acme", 2))
    routing = RoutingStore(local.dynamodb, local.table_name)
    routing.put_agent(ACCOUNT, Agent(agent_id="front-desk", name="Front desk"))
    routing.put_number(ACCOUNT, Number(number=OURS, number_id="num_1", pipe_id="PIPE_1"))
    routing.put_pipe(ACCOUNT, Pipe(pipe_id="PIPE_1", name="p", agent_id="front-desk", number=OURS))
    return accounts


def create(local: LocalAws, country: str = "", **fields: Any) -> tuple[int, dict[str, Any]]:
    handler: ModuleType = load_handler(
        "create_call", {"DOORBELL_QUEUE_URL": local.queue_url, "DEFAULT_COUNTRY": country}
    )
    event = {**event_of("create_call", "by_pipe"), "body": json.dumps({"pipe_id": "PIPE_1", **fields})}
    answer = handler.lambda_handler(event, CONTEXT)
    return answer["statusCode"], json.loads(answer["body"])


@pytest.mark.parametrize("text", ["+1 (555) 010-0200", "001-555-010-0200", "011 1 555 010 0200", "tel:+1-555-010-0200"])
def test_a_number_with_its_country_is_kept_as_e164(local: LocalAws, accounts: AccountStore, text: str) -> None:
    status, body = create(local, to_number=text, from_number="+1 555 010 0000")
    assert (status, body["to_number"], body["from_number"]) == (201, "+15550100200", OURS)
    (row,) = [item for item in local.items() if item.get("item_kind") == "call"]
    assert (row["to_number"], row["from_number"]) == ("+15550100200", OURS)


def test_a_number_without_its_country_is_one_of_the_accounts_and_else_of_the_deployments(
    local: LocalAws, accounts: AccountStore
) -> None:
    status, problem = create(local, to_number="(555) 010-0200")
    assert (status, problem["code"]) == (422, "invalid_request")
    assert [each["field"] for each in problem["errors"]] == ["to_number"]
    assert "does not tell its country" in problem["errors"][0]["message"]
    assert create(local, "US", to_number="(555) 010-0200")[1]["to_number"] == "+15550100200"
    accounts.set_country(ACCOUNT, "GB")
    accounts.set_allowed_prefixes(ACCOUNT, ("+44",))
    assert create(local, "US", to_number="020 7183 8750")[1]["to_number"] == "+442071838750"
    accounts.set_country(ACCOUNT, None)
    assert create(local, to_number="020 7183 8750")[0] == 422


@pytest.mark.parametrize(
    ("field", "text", "why"),
    [
        ("to_number", "+1 555 010", "fewer digits"),
        ("to_number", "+1555010020", "fewer digits"),
        ("to_number", "+1 555 010 0200 ext. 7", "other signs"),
        ("to_number", "sip:bob@example.com", "SIP address"),
        ("to_number", "", "other signs"),
        ("from_number", "555 010", "does not tell its country"),
    ],
)
def test_what_cannot_be_a_number_is_refused_and_told_why(
    local: LocalAws, accounts: AccountStore, field: str, text: str, why: str
) -> None:
    status, problem = create(local, **{"to_number": "+15550100200", field: text})
    assert (status, [each["field"] for each in problem["errors"]]) == (422, [field])
    assert why in problem["errors"][0]["message"]
    assert [item for item in local.items() if item.get("item_kind") == "call"] == []


def test_only_an_account_has_a_country(accounts: AccountStore) -> None:
    accounts.set_country(ACCOUNT, "DE")
    known = accounts.account(ACCOUNT)
    assert known is not None and (known.country, accounts.country_of(ACCOUNT)) == ("DE", "DE")
    assert accounts.country_of("nobody") is None
    with pytest.raises(Problem):
        accounts.set_country("nobody", "DE")
