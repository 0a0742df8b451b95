"""API keys through the API: made, listed, ended, and replaced while the old one goes on."""

from typing import Any

import pytest

from ringline.accounts.authorize import Authorize, Authorized, Refusal, Verdict
from ringline.accounts.manage import MOST_KEYS, ManageKeys
from ringline.accounts.store import AccountStore
from ringline.runtime.clock import now_ms
from ringline.runtime.web.problems import Problem
from tests.component.setup.api import ACCOUNT, OTHER, SetupApi

LATER_MS = 3_600_000


def verdict(api: SetupApi, raw_key: str, after_ms: int = 0) -> Verdict:
    accounts = AccountStore(api.local.dynamodb, api.local.table_name)
    authorize = Authorize(accounts, lambda: now_ms() + after_ms)
    return authorize.verdict({"authorization": f"Bearer {raw_key}"})


def test_a_key_is_shown_once_and_opens_the_account(api: SetupApi) -> None:
    made = api.made("/platform/v1/api-keys", {"name": "laptop", "org_id": ACCOUNT})
    assert (made["org_id"], made["project_id"], made["status"]) == (ACCOUNT, ACCOUNT, "active")
    assert verdict(api, made["raw_key"]) == Authorized(ACCOUNT, made["key_id"])
    listed = api.ask("GET", "/v1/api-keys").body["data"]
    assert listed == [{name: value for name, value in made.items() if name != "raw_key"}]
    assert made["raw_key"] not in str(api.local.items())


@pytest.mark.parametrize("field", ["org_id", "project_id"])
def test_a_key_is_of_the_own_account_alone(api: SetupApi, field: str) -> None:
    refused = api.ask("POST", "/v1/api-keys", {"name": "x", "org_id": ACCOUNT, field: OTHER})
    assert (refused.status, refused.fields) == (422, [field])
    assert api.made("/v1/api-keys", {"name": "x", field: f"org-of-{ACCOUNT}"})["org_id"] == ACCOUNT


def test_a_key_ends_when_it_was_to(api: SetupApi) -> None:
    made = api.made("/v1/api-keys", {"name": "x", "expires_at": "2096-01-01T00:00:00Z"})
    assert made["expires_at"] == "2096-01-01T00:00:00.000Z"
    seventy_years = 70 * 365 * 24 * 3600 * 1000
    assert verdict(api, made["raw_key"]) == Authorized(ACCOUNT, made["key_id"])
    assert verdict(api, made["raw_key"], seventy_years) is Refusal.INVALID_KEY


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("expires_at", "2020-01-01T00:00:00Z"),
        ("expires_at", "2096-01-01T00:00:00"),
        ("scopes", ["everything"]),
        ("name", ""),
        ("colour", "red"),
    ],
)
def test_what_a_key_cannot_be_is_refused(api: SetupApi, field: str, value: Any) -> None:
    refused = api.ask("POST", "/v1/api-keys", {"name": "x", field: value})
    assert (refused.status, refused.fields[0].split(".")[0]) == (422, field)
    assert api.ask("GET", "/v1/api-keys").body["data"] == []


def test_scopes_are_kept_and_shown(api: SetupApi) -> None:
    made = api.made("/v1/api-keys", {"name": "x", "scopes": ["calls:read", "keys", "keys"]})
    assert made["scopes"] == ["calls:read", "keys"]
    assert api.ask("GET", "/v1/api-keys").body["data"][0]["scopes"] == ["calls:read", "keys"]


def test_a_revoked_key_is_over_from_the_next_request_on(api: SetupApi) -> None:
    made = api.made("/v1/api-keys", {"name": "x"})
    for _ in range(2):
        assert api.ask("DELETE", f"/v1/api-keys/{made['key_id']}").status == 204
    assert verdict(api, made["raw_key"]) is Refusal.INVALID_KEY
    (shown,) = api.ask("GET", "/v1/api-keys").body["data"]
    assert shown["status"] == "revoked"
    refused = api.ask("POST", f"/v1/api-keys/{made['key_id']}/rotate", {"overlap_s": 60})
    assert (refused.status, refused.code) == (409, "key_is_over")


def test_a_rotated_key_goes_on_until_its_overlap_is_over(api: SetupApi) -> None:
    old = api.made("/v1/api-keys", {"name": "x", "scopes": ["keys"]})
    new = api.made(f"/v1/api-keys/{old['key_id']}/rotate", {"overlap_s": 600})
    assert (new["name"], new["scopes"], new["expires_at"]) == ("x", ["keys"], None)
    assert [verdict(api, each["raw_key"]) for each in (old, new)] == [
        Authorized(ACCOUNT, old["key_id"]),
        Authorized(ACCOUNT, new["key_id"]),
    ]
    assert verdict(api, old["raw_key"], LATER_MS) is Refusal.INVALID_KEY
    assert verdict(api, new["raw_key"], LATER_MS) == Authorized(ACCOUNT, new["key_id"])
    again = api.ask("POST", f"/v1/api-keys/{old['key_id']}/rotate", {})
    assert (again.status, again.code) == (409, "key_is_over")


def test_without_an_overlap_the_old_key_is_over_at_once(api: SetupApi) -> None:
    old = api.made("/v1/api-keys", {"name": "x"})
    new = api.made(f"/v1/api-keys/{old['key_id']}/rotate", {})
    assert verdict(api, old["raw_key"], 1) is Refusal.INVALID_KEY
    assert verdict(api, new["raw_key"]) == Authorized(ACCOUNT, new["key_id"])


@pytest.mark.parametrize("asked", [("DELETE", "", None), ("POST", "/rotate", {})])
def test_another_accounts_key_is_not_there(api: SetupApi, asked: tuple[str, str, Any]) -> None:
    made = api.made("/v1/api-keys", {"name": "x"})
    method, what, body = asked
    refused = api.ask(method, f"/v1/api-keys/{made['key_id']}{what}", body, account_id=OTHER)
    assert (refused.status, refused.code) == (404, "key_not_found")
    assert verdict(api, made["raw_key"]) == Authorized(ACCOUNT, made["key_id"])


def test_an_account_has_so_many_keys_at_most(api: SetupApi) -> None:
    from ringline.accounts.bodies import KeyRequest

    accounts = AccountStore(api.local.dynamodb, api.local.table_name)
    for each in range(MOST_KEYS):
        accounts.add_key(ACCOUNT, str(each))
    with pytest.raises(Problem) as refused:
        ManageKeys(accounts, now_ms).create(ACCOUNT, KeyRequest(name="one more", org_id=None, project_id=None))
    assert refused.value.code == "too_many_keys"


def test_a_key_of_another_century_is_refused_and_breaks_no_list(api: SetupApi) -> None:
    refused = api.ask("POST", "/v1/api-keys", {"name": "late", "expires_at": "9999-12-31T23:59:59-12:00"})
    assert (refused.status, refused.code) == (422, "invalid_request")
    assert api.ask("GET", "/v1/api-keys").status == 200
