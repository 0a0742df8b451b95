"""What an account lets itself use up on one day, beside what its operator lets it."""

import json
from typing import Any

import pytest

from ringline.accounts.tables.allowances import Allowances
from ringline.calls.capacity.days import MS_A_MINUTE, Use, cap_attribute
from ringline.calls.tables.store import CallStore
from tests.component.setup.api import ACCOUNT, OTHER, SetupApi

USES = {"calls_per_day": "calls", "minutes_per_day": "minutes", "new_numbers_per_day": "new_numbers"}


def rung(api: SetupApi) -> list[str]:
    """The accounts that were rung for since this was asked last."""
    return [json.loads(each["Body"])["account_id"] for each in api.local.messages()]


def caps(api: SetupApi, account_id: str = ACCOUNT) -> dict[str, tuple[float | None, float | None]]:
    """The cap that holds, and the account's own."""
    daily = api.ask("GET", "/v1/account", account_id=account_id).body["daily"]
    return {field: (daily[use]["cap"], daily[use]["own_cap"]) for field, use in USES.items()}


def operator_allows(api: SetupApi, use: Use, cap: int | None) -> None:
    Allowances(api.local.dynamodb, api.local.table_name).set(ACCOUNT, {cap_attribute(use): cap})


def test_an_account_caps_its_own_day_and_takes_it_back(api: SetupApi) -> None:
    said = {"calls_per_day": 500, "minutes_per_day": 60}
    shown = api.ask("PATCH", "/v1/account", said)
    assert (shown.status, shown.body["daily"]["minutes"]) == (200, {"used": 0, "cap": 60, "own_cap": 60})
    assert caps(api) == {
        "calls_per_day": (500, 500),
        "minutes_per_day": (60, 60),
        "new_numbers_per_day": (None, None),
    }
    assert caps(api, OTHER) == dict.fromkeys(USES, (None, None)), "of another account nothing changed"
    daily = CallStore(api.local.dynamodb, api.local.table_name).gate(ACCOUNT).daily
    assert daily.cap(Use.TALK_MS) == 60 * MS_A_MINUTE, "in the units that a claim is held to"
    assert api.ask("PATCH", "/v1/account", {"calls_per_day": None}).status == 200
    assert caps(api)["calls_per_day"] == (None, None)
    assert caps(api)["minutes_per_day"] == (60, 60), "what was not named stays"
    assert rung(api) == [ACCOUNT, ACCOUNT], "who waited may go now"


def test_a_cap_above_the_operators_is_refused_and_nothing_is_written(api: SetupApi) -> None:
    operator_allows(api, Use.CALLS, 100)
    operator_allows(api, Use.TALK_MS, 30 * MS_A_MINUTE)
    said = {"calls_per_day": 101, "minutes_per_day": 31, "new_numbers_per_day": 5}
    refused = api.ask("PATCH", "/v1/account", said)
    assert (refused.status, refused.fields) == (422, ["calls_per_day", "minutes_per_day"])
    assert caps(api)["new_numbers_per_day"] == (None, None)
    assert rung(api) == []
    assert api.ask("PATCH", "/v1/account", {"calls_per_day": 100, "minutes_per_day": 0}).status == 200
    assert caps(api)["minutes_per_day"] == (0, 0), "none at all"


def test_an_operator_who_lowers_their_cap_later_lowers_what_holds(api: SetupApi) -> None:
    api.ask("PATCH", "/v1/account", {"calls_per_day": 100})
    operator_allows(api, Use.CALLS, 50)
    assert caps(api)["calls_per_day"] == (50, 100)
    operator_allows(api, Use.CALLS, None)
    assert caps(api)["calls_per_day"] == (100, 100)


@pytest.mark.parametrize(
    ("field", "value"),
    [("calls_per_day", -1), ("calls_per_day", "5"), ("minutes_per_day", 1.5), ("lines", 5), ("calls_per_day", True)],
)
def test_what_is_no_cap_is_refused_by_its_name(api: SetupApi, field: str, value: Any) -> None:
    refused = api.ask("PATCH", "/v1/account", {field: value})
    assert (refused.status, refused.fields) == (422, [field])


def test_a_key_with_scopes_needs_admin_for_it(api: SetupApi) -> None:
    for scopes, status in (("calls:write setup:write keys calls:read", 403), ("admin calls:read", 200)):
        assert api.ask("PATCH", "/v1/account", {"calls_per_day": 9}, scopes=scopes).status == status
    assert api.ask("GET", "/v1/account", scopes="admin").status == 403
