"""Numbers in what customers set up: read as the account writes them, kept as E.164."""

from typing import Any

import pytest

from ringline.accounts.store import AccountStore
from ringline.routing.records import Number
from tests.component.setup.api import ACCOUNT, OTHER, SetupApi

OURS, THEIRS = "+15550100000", "+15550100888"
WRITTEN = "(555) 010-0888"
BY_AGENT = {"name": "Outbound", "agent_id": "front-desk"}


@pytest.fixture
def american(api: SetupApi) -> SetupApi:
    AccountStore(api.local.dynamodb, api.local.table_name).set_country(ACCOUNT, "US")
    return api


@pytest.mark.parametrize(
    ("field", "written", "kept"),
    [
        ("fallback_number", WRITTEN, THEIRS),
        ("transfer_allowed_numbers", [WRITTEN, "+1 555 010 0777"], [THEIRS, "+15550100777"]),
        (
            "transfer_fallback",
            [{"type": "sip", "config": {"number": WRITTEN}}, "end"],
            [{"type": "sip", "config": {"number": THEIRS}}, "end"],
        ),
    ],
)
def test_a_pipes_numbers_are_those_of_its_accounts_country(
    american: SetupApi, field: str, written: Any, kept: Any
) -> None:
    made = american.made("/v1/pipes", {**BY_AGENT, field: written})
    assert made[field] == kept
    changed = american.ask("PATCH", f"/v1/pipes/{made['pipe_id']}", {field: written})
    assert (changed.status, changed.body[field]) == (200, kept)


def test_a_pipe_finds_its_line_however_it_is_written(american: SetupApi) -> None:
    american.rows.put_number(ACCOUNT, Number(number=OURS, number_id="num_1"))
    made = american.made("/v1/pipes", {**BY_AGENT, "number": "555-010-0000", "caller_ids": ["1 (555) 010 0000"]})
    assert (made["number"], made["caller_ids"]) == (OURS, [OURS])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"fallback_number": WRITTEN}, "fallback_number"),
        ({"transfer_allowed_numbers": ["+15550100777", WRITTEN]}, "transfer_allowed_numbers.1"),
        ({"transfer_fallback": [{"type": "sip", "config": {"number": WRITTEN}}]}, "transfer_fallback"),
    ],
)
def test_where_the_account_has_no_country_the_field_is_named(
    american: SetupApi, body: dict[str, Any], field: str
) -> None:
    refused = american.ask("POST", "/v1/pipes", {**BY_AGENT, **body}, account_id=OTHER)
    assert (refused.status, refused.fields) == (422, [field])
    assert "does not tell its country" in refused.body["errors"][0]["message"]


def test_a_number_is_brought_as_it_is_written(american: SetupApi) -> None:
    american.rows.put_number(ACCOUNT, Number(number=OURS, number_id="num_1"))
    brought = american.ask("POST", "/v1/numbers", {"number": WRITTEN, "overflow": {"number": "555 010 0000"}})
    assert (brought.status, brought.body["number"], brought.body["overflow"]) == (201, THEIRS, {"number": OURS})
    number = american.rows.number(ACCOUNT, THEIRS)
    assert number is not None
