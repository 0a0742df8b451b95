"""API keys through the API: made, listed, ended, and replaced while the old one goes on."""

from typing import Any

import pytest

from ringline.accounts.authorize import Authorize, Authorized, Refusal, Verdict
from ringline.accounts.last_use import LastUse
from ringline.accounts.manage import MOST_KEYS, ManageKeys
from ringline.accounts.store import AccountStore
from ringline.accounts.tables.key_uses import KeyUses
from ringline.runtime.clock import iso, now_ms
from ringline.runtime.table import KEY_PREFIX, account_pk, keys_pk
from ringline.runtime.web.problems import Problem
from tests.component.one_table import LocalAws
from tests.component.setup.api import ACCOUNT, OTHER, SetupApi, setup_api

LATER_MS = 3_600_000
YEAR_MS = 365 * 24 * 3600 * 1000


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
    in_nine_years = now_ms() + 9 * YEAR_MS
    made = api.made("/v1/api-keys", {"name": "x", "expires_at": iso(in_nine_years)})
    assert made["expires_at"] == iso(in_nine_years)
    assert verdict(api, made["raw_key"]) == Authorized(ACCOUNT, made["key_id"])
    assert verdict(api, made["raw_key"], 10 * YEAR_MS) is Refusal.INVALID_KEY


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("expires_at", "2020-01-01T00:00:00Z"),
        ("expires_at", "0001-01-01T00:00:00+14:00"),
        ("expires_at", "2099-01-01T00:00:00Z"),
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


def test_a_key_does_what_its_scopes_say_and_no_more(api: SetupApi) -> None:
    assert api.ask("GET", "/v1/pipes", scopes="setup:read calls:read").status == 200
    for method, path, scopes in [
        ("GET", "/v1/pipes", "calls:read calls:write keys"),
        ("POST", "/v1/pipes", "setup:read"),
        ("GET", "/v1/calls", "setup:read setup:write"),
        ("POST", "/v1/calls/call_1/hangup", "calls:read calls:listen"),
        ("POST", "/v1/calls/call_1/monitor", "calls:read calls:write"),
        ("GET", "/v1/account", "runners"),
        ("GET", "/v1/api-keys", "setup:read setup:write calls:read calls:write calls:listen runners"),
    ]:
        refused = api.ask(method, path, {} if method == "POST" else None, scopes=scopes)
        assert (refused.status, refused.code) == (403, "scope_missing"), (method, path)


def test_a_key_gives_and_ends_no_more_than_it_has(api: SetupApi) -> None:
    everything = api.made("/v1/api-keys", {"name": "the first"})
    mine = "keys calls:read"
    for asked in ({"name": "x", "scopes": ["calls:write"]}, {"name": "x", "scopes": ["keys", "setup:write"]}):
        refused = api.ask("POST", "/v1/api-keys", asked, scopes=mine)
        assert (refused.status, refused.code) == (403, "scope_missing")
    for method, path in (("POST", "/rotate"), ("DELETE", "")):
        body: dict[str, Any] | None = {} if method == "POST" else None
        refused = api.ask(method, f"/v1/api-keys/{everything['key_id']}{path}", body, scopes=mine)
        assert (refused.status, refused.code) == (403, "scope_missing")
    like_mine = api.ask("POST", "/v1/api-keys", {"name": "x"}, scopes=mine)
    assert (like_mine.status, like_mine.body["scopes"]) == (201, ["calls:read", "keys"])
    assert api.ask("DELETE", f"/v1/api-keys/{like_mine.body['key_id']}", scopes=mine).status == 204
    assert [each["status"] for each in api.ask("GET", "/v1/api-keys").body["data"]] == ["active", "revoked"]


def test_a_revoked_key_is_over_from_the_next_request_on(api: SetupApi) -> None:
    made = api.made("/v1/api-keys", {"name": "x"})
    for _ in range(2):
        assert api.ask("DELETE", f"/v1/api-keys/{made['key_id']}").status == 204
    assert verdict(api, made["raw_key"]) is Refusal.INVALID_KEY
    (shown,) = api.ask("GET", "/v1/api-keys").body["data"]
    assert shown["status"] == "revoked"
    refused = api.ask("POST", f"/v1/api-keys/{made['key_id']}/rotate", {"overlap_s": 60})
    assert (refused.status, refused.code) == (409, "key_is_over")


def test_an_end_is_for_good(api: SetupApi) -> None:
    end = iso(now_ms() + 3_600_000)
    mine = key_in_use(api, expires_at=end, scopes=["keys"])
    endless = key_in_use(api, scopes=["keys"])
    asking = {"key_id": mine, "scopes": "keys"}
    made = api.ask("POST", "/v1/api-keys", {"name": "y"}, **asking)
    assert (made.status, made.body["expires_at"]) == (201, end)
    rotated = api.ask("POST", f"/v1/api-keys/{mine}/rotate", {"overlap_s": 600}, **asking).body
    assert rotated["expires_at"] == end
    later = {"name": "z", "expires_at": iso(now_ms() + 7_200_000)}
    for path, body in (("/v1/api-keys", later), (f"/v1/api-keys/{endless}/rotate", {})):
        refused = api.ask("POST", path, body, **asking)
        assert (refused.status, refused.code) == (403, "beyond_own_end"), path
    assert api.ask("POST", "/v1/api-keys", {"name": "y"}, **asking).body["expires_at"] == end, "rotated, and still good"


def test_a_rotated_key_goes_on_until_its_overlap_is_over(api: SetupApi) -> None:
    old = api.made("/v1/api-keys", {"name": "x", "scopes": ["keys"]})
    new = api.made(f"/v1/api-keys/{old['key_id']}/rotate", {"overlap_s": 600})
    assert (new["name"], new["scopes"], new["expires_at"]) == ("x", ["keys"], None)
    assert [verdict(api, each["raw_key"]) for each in (old, new)] == [
        Authorized(ACCOUNT, old["key_id"], ("keys",)),
        Authorized(ACCOUNT, new["key_id"], ("keys",)),
    ]
    assert verdict(api, old["raw_key"], LATER_MS) is Refusal.INVALID_KEY
    assert verdict(api, new["raw_key"], LATER_MS) == Authorized(ACCOUNT, new["key_id"], ("keys",))
    again = api.ask("POST", f"/v1/api-keys/{old['key_id']}/rotate", {})
    assert (again.status, again.code) == (409, "key_is_over")


def test_without_an_overlap_the_old_key_is_over_at_once(api: SetupApi) -> None:
    old = api.made("/v1/api-keys", {"name": "x"})
    new = api.made(f"/v1/api-keys/{old['key_id']}/rotate", {})
    assert verdict(api, old["raw_key"], 1) is Refusal.INVALID_KEY
    assert verdict(api, new["raw_key"]) == Authorized(ACCOUNT, new["key_id"])


@pytest.mark.parametrize(
    "asked",
    [("DELETE", "", None), ("POST", "/rotate", {}), ("GET", "", None), ("PATCH", "", {"allowed_ip_ranges": ["::1"]})],
)
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
        ManageKeys(accounts, KeyUses(api.local.dynamodb, api.local.table_name), now_ms).create(
            ACCOUNT, KeyRequest(name="one more", org_id=None, project_id=None)
        )
    assert refused.value.code == "too_many_keys"


def test_a_key_of_another_century_is_refused_and_breaks_no_list(api: SetupApi) -> None:
    refused = api.ask("POST", "/v1/api-keys", {"name": "late", "expires_at": "9999-12-31T23:59:59-12:00"})
    assert (refused.status, refused.code) == (422, "invalid_request")
    assert api.ask("GET", "/v1/api-keys").status == 200


OFFICE = ["203.0.113.0/24", "2001:db8::/48"]
AT_THE_OFFICE, AT_HOME = "203.0.113.9", "198.51.100.7"


def key_in_use(api: SetupApi, **fields: Any) -> str:
    """The id of a new key."""
    return str(api.made("/v1/api-keys", {"name": "x"} | fields)["key_id"])


def test_from_where_a_key_is_good_is_kept_in_one_form_and_shown(api: SetupApi) -> None:
    key_id = key_in_use(api, allowed_ip_ranges=["2001:DB8::/48", "203.0.113.128/25", "203.0.113.0/25"])
    assert api.ask("GET", f"/v1/api-keys/{key_id}").body["allowed_ip_ranges"] == OFFICE
    for said, kept in ((["192.0.2.1"], ["192.0.2.1/32"]), (None, None)):
        changed = api.ask("PATCH", f"/v1/api-keys/{key_id}", {"allowed_ip_ranges": said})
        assert (changed.status, changed.body["allowed_ip_ranges"]) == (200, kept)
    assert api.ask("GET", "/v1/api-keys").body["data"][0]["allowed_ip_ranges"] is None


def test_a_changed_range_holds_from_the_next_request_on(api: SetupApi) -> None:
    made = api.made("/v1/api-keys", {"name": "x"})
    accounts = AccountStore(api.local.dynamodb, api.local.table_name)
    asking = {"authorization": f"Bearer {made['raw_key']}"}
    assert Authorize(accounts).verdict(asking, AT_HOME) == Authorized(ACCOUNT, made["key_id"])
    api.ask("PATCH", f"/v1/api-keys/{made['key_id']}", {"allowed_ip_ranges": OFFICE})
    assert Authorize(accounts).verdict(asking, AT_HOME) is Refusal.ADDRESS_NOT_ALLOWED
    assert Authorize(accounts).verdict(asking, AT_THE_OFFICE) == Authorized(ACCOUNT, made["key_id"])


@pytest.mark.parametrize(
    "ranges", [["203.0.113.7/24"], ["nowhere"], [], ["10.0.0.0/8"] * 51, "203.0.113.0/24", [7], ["::ffff:10.0.0.0/104"]]
)
def test_what_is_no_list_of_ranges_is_refused(api: SetupApi, ranges: Any) -> None:
    key_id = key_in_use(api)
    for method, path in (("POST", "/v1/api-keys"), ("PATCH", f"/v1/api-keys/{key_id}")):
        body = {"allowed_ip_ranges": ranges} | ({"name": "y"} if method == "POST" else {})
        refused = api.ask(method, path, body)
        assert (refused.status, refused.fields[0].split(".")[0]) == (422, "allowed_ip_ranges")


def test_nobody_locks_themselves_out_without_saying_so(api: SetupApi) -> None:
    mine, other = key_in_use(api), key_in_use(api)
    path, said = f"/v1/api-keys/{mine}", {"allowed_ip_ranges": OFFICE}
    refused = api.ask("PATCH", path, said, key_id=mine, source_ip=AT_HOME)
    assert (refused.status, refused.code) == (409, "would_lock_out")
    assert AT_HOME in refused.body["title"]
    assert api.ask("GET", path).body["allowed_ip_ranges"] is None
    assert api.ask("PATCH", path, said, key_id=mine, source_ip=AT_THE_OFFICE).status == 200
    assert api.ask("PATCH", path, {"allowed_ip_ranges": None}, key_id=other, source_ip=AT_HOME).status == 200
    assert api.ask("PATCH", path, said, key_id=other, source_ip=AT_HOME).status == 200, "the server's key, from a desk"
    api.ask("PATCH", path, {"allowed_ip_ranges": None}, key_id=other)
    assert api.ask("PATCH", path, said | {"force": True}, key_id=mine, source_ip=AT_HOME).status == 200


def test_a_key_of_some_addresses_gives_none_that_is_good_elsewhere(api: SetupApi) -> None:
    """Whoever has such a key, and its network for a moment, is not to take another one home."""
    mine, free = key_in_use(api, allowed_ip_ranges=OFFICE), key_in_use(api)
    asking: dict[str, Any] = {"key_id": mine, "source_ip": AT_THE_OFFICE}
    made = api.ask("POST", "/v1/api-keys", {"name": "as mine"}, **asking)
    assert (made.status, made.body["allowed_ip_ranges"]) == (201, OFFICE)
    narrower = {"name": "narrower", "allowed_ip_ranges": ["203.0.113.64/26"]}
    assert api.ask("POST", "/v1/api-keys", narrower, **asking).status == 201
    for method, path, body in [
        ("POST", "/v1/api-keys", {"name": "x", "allowed_ip_ranges": ["0.0.0.0/0"]}),
        ("PATCH", f"/v1/api-keys/{mine}", {"allowed_ip_ranges": None}),
        ("PATCH", f"/v1/api-keys/{free}", {"allowed_ip_ranges": [AT_HOME]}),
        ("POST", f"/v1/api-keys/{free}/rotate", {}),
    ]:
        refused = api.ask(method, path, body, **asking)
        assert (refused.status, refused.code) == (403, "beyond_own_ranges"), (method, path)
    assert api.ask("POST", f"/v1/api-keys/{mine}/rotate", {}, **asking).body["allowed_ip_ranges"] == OFFICE


def test_a_revoked_key_is_not_restricted_any_more(api: SetupApi) -> None:
    key_id = key_in_use(api)
    api.ask("DELETE", f"/v1/api-keys/{key_id}")
    refused = api.ask("PATCH", f"/v1/api-keys/{key_id}", {"allowed_ip_ranges": OFFICE})
    assert (refused.status, refused.code) == (409, "key_is_over")


def test_when_a_key_was_used_last_is_shown_beside_it(api: SetupApi) -> None:
    used, unused = key_in_use(api), key_in_use(api)
    uses = KeyUses(api.local.dynamodb, api.local.table_name)
    uses.note(ACCOUNT, used, LastUse(LATER_MS, AT_HOME), 0)
    uses.note(ACCOUNT, used, LastUse(LATER_MS + 5, AT_THE_OFFICE), LATER_MS)
    shown = {each["key_id"]: (each["last_used_at"], each["last_used_from"]) for each in listed(api)}
    assert shown == {used: (iso(LATER_MS), AT_HOME), unused: (None, None)}
    assert [each["last_used_at"] for each in listed(api, OTHER)] == []


def listed(api: SetupApi, account_id: str = ACCOUNT) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = api.ask("GET", "/v1/api-keys", account_id=account_id).body["data"]
    return rows


def test_a_key_that_is_bound_while_it_is_rotated_keeps_its_ranges(
    api: SetupApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    key_id = key_in_use(api)
    rotate, waiting = AccountStore.rotate, [OFFICE]

    def bound_before(self: AccountStore, *asked: Any, **more: Any) -> Any:
        if waiting:
            said = {"allowed_ip_ranges": waiting.pop()}
            assert api.ask("PATCH", f"/v1/api-keys/{key_id}", said).status == 200
        return rotate(self, *asked, **more)

    monkeypatch.setattr(AccountStore, "rotate", bound_before)
    rotated = api.ask("POST", f"/v1/api-keys/{key_id}/rotate", {})
    assert (rotated.status, rotated.body["allowed_ip_ranges"]) == (201, OFFICE)
    assert len(api.ask("GET", "/v1/api-keys").body["data"]) == 2


def test_a_key_that_is_freed_while_it_is_rotated_gives_none_that_is_good_elsewhere(
    api: SetupApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, other = key_in_use(api, allowed_ip_ranges=OFFICE), key_in_use(api, allowed_ip_ranges=OFFICE)
    rotate, waiting = AccountStore.rotate, [None]

    def freed_before(self: AccountStore, *asked: Any, **more: Any) -> Any:
        if waiting:
            assert api.ask("PATCH", f"/v1/api-keys/{other}", {"allowed_ip_ranges": waiting.pop()}).status == 200
        return rotate(self, *asked, **more)

    monkeypatch.setattr(AccountStore, "rotate", freed_before)
    asking: dict[str, Any] = {"key_id": mine, "source_ip": AT_THE_OFFICE}
    refused = api.ask("POST", f"/v1/api-keys/{other}/rotate", {}, **asking)
    assert (refused.status, refused.code) == (403, "beyond_own_ranges")


def test_keys_are_kept_apart_where_the_deployment_says_so_beside_those_of_before(local: LocalAws) -> None:
    api = setup_api(local, {"KEYS_APART": "true"})
    _, key = AccountStore(local.dynamodb, local.table_name).add_known_key(ACCOUNT, "of before")
    made = api.made("/v1/api-keys", {"name": "laptop"})
    stand_in = {row["key_id"]: row["pk"] for row in local.items() if row["sk"].startswith(KEY_PREFIX)}
    assert stand_in == {key.key_id: account_pk(ACCOUNT), made["key_id"]: keys_pk(ACCOUNT)}
    assert [each["key_id"] for each in listed(api)] == sorted(stand_in)
    for key_id in stand_in:
        assert api.ask("PATCH", f"/v1/api-keys/{key_id}", {"allowed_ip_ranges": ["192.0.2.7"]}).status == 200
        assert api.ask("POST", f"/v1/api-keys/{key_id}/rotate", {"overlap_s": 60}).status == 201
        assert api.ask("DELETE", f"/v1/api-keys/{key_id}").status == 204
        assert api.ask("GET", f"/v1/api-keys/{key_id}").body["status"] == "revoked"
