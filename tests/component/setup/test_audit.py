"""Who changed what: every change that is asked of the API leaves an entry, whatever becomes of it."""

import re
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ringline.audit import log as audit_log
from ringline.audit.entry import Entry, Outcome
from ringline.audit.log import KEPT_DAYS, AuditLog, Wanted
from ringline.audit.serving import is_audited
from ringline.routing.records import Number
from ringline.runtime.clock import MS_PER_S, iso, now_ms
from ringline.runtime.web.problems import Problem
from ringline.webhooks.manage import ManageEndpoints
from tests.component.one_table import log_of
from tests.component.setup.api import ACCOUNT, OTHER, SetupApi

HOOK = "https://hooks.example.com/ringline"
PIPE = {"name": "Sales", "agent_id": "front-desk"}
NOT_AUDITED = {
    "POST /v1/calls/<call_id>/cancel",
    "POST /v1/calls/<call_id>/dtmf",
    "POST /v1/calls/<call_id>/hangup",
    "POST /v1/calls/<call_id>/messages",
    "POST /v1/calls/<call_id>/monitor",
    "POST /v1/calls/<call_id>/recording/pause",
    "POST /v1/calls/<call_id>/recording/resume",
    "POST /v1/calls/<call_id>/transfers",
    "POST /v1/sessions/<session_id>/end",
    "POST /v1/sessions/<session_id>/transfer",
    "POST /v1/sessions/token",
}
"""What happens in calls stands in their timelines."""


def entries(api: SetupApi, query: str = "", account_id: str = ACCOUNT) -> list[dict[str, Any]]:
    answered = api.ask("GET", f"/v1/audit{query}", account_id=account_id)
    assert answered.status == 200, answered.body
    rows: list[dict[str, Any]] = answered.body["data"]
    return rows


def changes(entry: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {each["field"]: (each["before"], each["after"]) for each in entry["changes"]}


def test_every_route_that_changes_what_is_set_up_is_audited(api: SetupApi) -> None:
    """A new route that changes something is audited without a word, or must be named above."""
    routes = [route for route in api.handler.routes if route.method != "GET" and "not_served" not in route.problems]
    assert {f"{route.method} {route.path}" for route in routes if not is_audited(route)} == NOT_AUDITED
    assert len(routes) > 40


def test_a_change_says_who_made_it_from_where_and_what_it_was_before(api: SetupApi) -> None:
    key = api.made("/v1/api-keys", {"name": "deploys"})
    pipe_id = api.made("/v1/pipes", PIPE)["pipe_id"]
    asking: dict[str, Any] = {"key_id": key["key_id"], "source_ip": "203.0.113.9"}
    assert api.ask("PATCH", f"/v1/pipes/{pipe_id}", {"name": "Support", "recording": True}, **asking).status == 200
    entry = entries(api)[0]
    assert changes(entry) == {"name": ("Sales", "Support"), "recording": (False, True)}
    told = {name: entry[name] for name in ("action", "resource", "outcome", "status", "who", "key_name", "source_ip")}
    assert told == {
        "action": "pipes.change",
        "resource": f"pipes/{pipe_id}",
        "outcome": "done",
        "status": 200,
        "who": key["key_id"],
        "key_name": "deploys",
        "source_ip": "203.0.113.9",
    }


def test_what_is_made_and_deleted_is_told_with_its_id_and_its_fields(api: SetupApi) -> None:
    pipe_id = api.made("/v1/pipes", PIPE)["pipe_id"]
    api.ask("DELETE", f"/v1/pipes/{pipe_id}")
    deleted, created = (each for each in entries(api, "?resource=pipes"))
    assert (created["action"], created["resource"]) == ("pipes.create", f"pipes/{pipe_id}")
    assert changes(created)["name"] == (None, "Sales")
    assert (deleted["action"], deleted["resource"]) == ("pipes.delete", f"pipes/{pipe_id}")
    assert changes(deleted)["name"] == ("Sales", None)


def test_no_secret_stands_in_an_entry(api: SetupApi) -> None:
    key = api.made("/v1/api-keys", {"name": "x"})
    new = api.made(f"/v1/api-keys/{key['key_id']}/rotate", {})
    endpoint = api.made("/v1/webhook-endpoints", {"url": HOOK, "headers": {"x-house": "open-sesame"}})
    rotated = api.ask("POST", f"/v1/webhook-endpoints/{endpoint['endpoint_id']}/secret/rotate", {})
    trunk = {"name": "T", "address": "sip.example.com", "username": "acme", "password": "hunter2-hunter2"}
    api.ask("POST", "/v1/trunks", trunk)
    kept = [row for row in api.local.items() if str(row["pk"]).endswith("#AUDIT")]
    assert len(kept) == 5
    for secret in (
        key["raw_key"],
        new["raw_key"],
        endpoint["secret"],
        rotated.body["secret"],
        "open-sesame",
        "hunter2",
    ):
        assert secret not in str(kept)


def test_a_long_text_is_told_by_its_length_and_hash(api: SetupApi) -> None:
    prompt = "You are the front desk." * 40
    api.made("/v1/agents", {"agent_id": "desk", "name": "Desk", "brain": {"type": "prompt", "ref": prompt}})
    (entry,) = entries(api, "?resource=agents/desk")
    (told,) = [after for field, (_, after) in changes(entry).items() if field == "brain.ref"]
    assert told["characters"] == len(prompt)
    assert re.fullmatch("[0-9a-f]{64}", told["sha256"])


def test_a_pipe_made_as_the_sdk_makes_it_is_told_as_that_pipe(api: SetupApi) -> None:
    pipe_id = api.made("/v1/agent/voice", PIPE)["pipe_id"]
    (entry,) = entries(api, f"?resource=pipes/{pipe_id}")
    assert changes(entry)["name"] == (None, "Sales")


def test_many_numbers_are_told_one_by_one_with_who_has_their_callers(api: SetupApi) -> None:
    api.made("/v1/agents", {"agent_id": "desk", "brain": {"type": "runner"}})
    for last in (1, 2):
        api.rows.put_number(ACCOUNT, Number(number=f"+1555010077{last}", number_id=f"num_{last}"))
    numbers = ["+15550100771", "+15550100772"]
    assert api.ask("POST", "/v1/telephony/numbers/attach", {"numbers": numbers, "agent_id": "desk"}).status == 201
    assert changes(entries(api)[0]) == dict.fromkeys(numbers, (None, "desk"))
    assert api.ask("POST", "/v1/telephony/numbers/detach", {"numbers": numbers}).status == 200
    assert changes(entries(api)[0]) == dict.fromkeys(numbers, (None, "nobody"))


def test_a_change_that_was_made_and_then_refused_is_told_as_made(
    api: SetupApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = api.made("/v1/webhook-endpoints", {"url": HOOK})
    path = f"/v1/webhook-endpoints/{endpoint['endpoint_id']}"
    api.ask("PATCH", path, {"disabled": True})

    def running(*_: Any, **__: Any) -> None:
        raise Problem(409, "replay_running", "The endpoint has a replay already")

    monkeypatch.setattr(ManageEndpoints, "resume", running)
    elsewhere = "https://elsewhere.example.com/hook"
    refused = api.ask("PATCH", path, {"url": elsewhere, "disabled": False, "resume_from": "now"})
    assert refused.status == 409
    assert api.ask("GET", path).body["url"] == elsewhere
    entry = entries(api)[0]
    assert (entry["outcome"], changes(entry)["url"]) == ("failed", (HOOK, elsewhere))


def test_what_is_refused_leaves_an_entry_too(api: SetupApi) -> None:
    api.ask("POST", "/v1/pipes", {"name": ""}, source_ip="198.51.100.7")
    (entry,) = entries(api)
    told = (entry["outcome"], entry["status"], entry["code"], entry["source_ip"], entry["changes"])
    assert told == ("refused", 422, "invalid_request", "198.51.100.7", [])


def test_an_accounts_own_caps_are_told_and_nothing_else_of_its_page(api: SetupApi) -> None:
    api.ask("PATCH", "/v1/account", {"calls_per_day": 5})
    assert changes(entries(api)[0]) == {"calls_per_day": (None, 5)}


@pytest.mark.parametrize("asked_for", ["+15550100777", "%2B15550100777", "num_1"])
def test_a_number_has_one_name_however_it_was_asked_for(api: SetupApi, asked_for: str) -> None:
    api.rows.put_number(ACCOUNT, Number(number="+15550100777", number_id="num_1"))
    assert api.ask("PATCH", f"/v1/numbers/{asked_for}", {"max_calls": 3}).status == 200
    assert api.ask("DELETE", f"/v1/numbers/{asked_for}").status == 204
    assert [each["action"] for each in entries(api, "?resource=numbers/num_1")] == ["numbers.delete", "numbers.change"]
    assert api.ask("DELETE", f"/v1/numbers/{asked_for}").status == 404
    assert entries(api)[0]["outcome"] == "refused", "of what is not there, the name is what was asked for"


def test_an_erasure_is_told_without_the_number_that_was_erased(api: SetupApi) -> None:
    assert api.ask("POST", "/v1/erasures", {"number": "+15550100200"}).status == 200
    (entry,) = entries(api)
    assert (entry["action"], entry["outcome"]) == ("erasures.create", "done")
    assert "5550100200" not in str([row for row in api.local.items() if str(row["pk"]).endswith("#AUDIT")])


def test_nothing_is_changed_where_no_entry_can_be_written(api: SetupApi) -> None:
    def fail(params: dict[str, Any], **_named: Any) -> None:
        if "#AUDIT" in str(params["Item"].get("pk")):
            raise ClientError({"Error": {"Code": "ProvisionedThroughputExceededException"}}, "PutItem")

    events = api.local.dynamodb.meta.events
    events.register("provide-client-params.dynamodb.PutItem", fail)
    assert api.ask("POST", "/v1/pipes", PIPE).status == 500
    events.unregister("provide-client-params.dynamodb.PutItem", fail)
    assert api.ask("GET", "/v1/pipes").body["data"] == []


def test_an_entry_that_cannot_be_ended_stays_begun_and_the_change_is_answered(api: SetupApi) -> None:
    writes = 0

    def fail_second(params: dict[str, Any], **_named: Any) -> None:
        nonlocal writes
        writes += "#AUDIT" in str(params["Item"].get("pk"))
        if writes == 2:
            raise ClientError({"Error": {"Code": "InternalServerError"}}, "PutItem")

    api.local.dynamodb.meta.events.register("provide-client-params.dynamodb.PutItem", fail_second)
    with log_of("manage") as lines:
        assert api.ask("POST", "/v1/pipes", PIPE).status == 201
    api.local.dynamodb.meta.events.unregister("provide-client-params.dynamodb.PutItem", fail_second)
    assert "audit entry not ended" in lines.getvalue()
    (entry,) = entries(api)
    assert (entry["outcome"], entry["action"], entry["status"]) == ("begun", "pipes.create", None)


def a_log(api: SetupApi, count: int) -> list[int]:
    """The moments of so many entries, newest first."""
    log, now = AuditLog(api.local.dynamodb, api.local.table_name), now_ms()
    moments = [now - 1000 * each for each in range(count)]
    for place, at in enumerate(moments):
        kind = "pipes" if place % 3 else "agents"
        log.write(Entry(f"aud_{place:04d}", ACCOUNT, at, f"{kind}.change", f"{kind}/x{place % 2}", f"key_{place % 5}"))
    return moments


@pytest.mark.parametrize("query", ["", "&resource=agents", "&resource=agents/x1", "&key_id=key_2", "&outcome=begun"])
def test_pages_hold_each_entry_once_newest_first(api: SetupApi, query: str, monkeypatch: pytest.MonkeyPatch) -> None:
    a_log(api, 60)
    whole = entries(api, f"?limit=200{query}")
    monkeypatch.setattr(audit_log, "_READ_AT_ONCE", 11)
    monkeypatch.setattr(audit_log, "_MOST_READ", 25)
    found, cursor = [], ""
    while True:
        body = api.ask("GET", f"/v1/audit?limit=7{query}{cursor}").body
        found += body["data"]
        if not body["pagination"]["has_more"]:
            break
        cursor = f"&cursor={body['pagination']['next_cursor']}"
    assert found == whole
    assert len({each["audit_id"] for each in found}) == len(found)
    assert [each["at"] for each in found] == sorted((each["at"] for each in found), reverse=True)
    wanted = {"": 60, "&resource=agents": 20, "&resource=agents/x1": 10, "&key_id=key_2": 12, "&outcome=begun": 60}
    assert len(found) == wanted[query]


def test_a_span_of_time_has_its_begin_within_and_its_end_without(api: SetupApi) -> None:
    moments = a_log(api, 10)
    span = f"?since={iso(moments[6])}&until={iso(moments[2])}".replace("+", "%2B")
    assert [each["at"] for each in entries(api, span)] == [iso(each) for each in moments[3:7]]


@pytest.mark.parametrize(
    "query", ["?cursor=elsewhere", "?since=today", "?outcome=maybe", "?limit=0", "?colour=red", "?until=2026-01-01"]
)
def test_what_the_list_does_not_know_is_refused(api: SetupApi, query: str) -> None:
    assert api.ask("GET", f"/v1/audit{query}").status == 422


def test_the_log_is_the_accounts_own_and_for_keys_of_admin(api: SetupApi) -> None:
    api.made("/v1/pipes", PIPE)
    assert entries(api, account_id=OTHER) == []
    assert api.ask("GET", "/v1/audit", scopes="setup:read setup:write keys").status == 403
    assert api.ask("GET", "/v1/audit", scopes="admin").status == 200


def test_entries_go_after_thirteen_months(api: SetupApi) -> None:
    api.made("/v1/pipes", PIPE)
    (row,) = [row for row in api.local.items() if str(row["pk"]).endswith("#AUDIT")]
    assert row["ttl_at_s"] - row["at"] // MS_PER_S == KEPT_DAYS * 24 * 3600


def test_an_entry_of_a_later_release_is_shown(api: SetupApi) -> None:
    log = AuditLog(api.local.dynamodb, api.local.table_name)
    log.write(Entry("aud_1", ACCOUNT, now_ms(), "pipes.paint", "pipes/x", "key_1", outcome=Outcome.kept("postponed")))
    (entry,) = log.page(ACCOUNT, Wanted(), 5, None).entries
    assert (entry.outcome, entry.outcome.is_known) == ("postponed", False)


def test_a_thing_that_cannot_be_read_after_its_change_is_answered_all_the_same(api: SetupApi) -> None:
    asked = 0

    def fail(params: dict[str, Any], **_named: Any) -> None:
        nonlocal asked
        values = params.get("ExpressionAttributeValues", {})
        if ":prefix" in values and "KEY#" in str(values):
            asked += 1
            if asked >= 7:  # each list of keys is three queries
                raise ClientError({"Error": {"Code": "InternalServerError"}}, "Query")

    api.local.dynamodb.meta.events.register("provide-client-params.dynamodb.Query", fail)
    made = api.ask("POST", "/v1/api-keys", {"name": "x"})
    api.local.dynamodb.meta.events.unregister("provide-client-params.dynamodb.Query", fail)
    assert asked >= 7 and made.status == 201 and made.body["raw_key"]


@pytest.mark.parametrize("number", [1e200, -1e-200, 10**39, 1.5e300])
def test_a_number_that_the_table_refuses_is_told_as_text(api: SetupApi, number: float) -> None:
    schema = {"type": "object", "properties": {"paid": {"type": "number", "maximum": number, "enum": [number]}}}
    api.made("/v1/agents", {"agent_id": "desk", "analytics_schema": schema})
    (entry,) = entries(api)
    assert entry["outcome"] == "done"
    told = changes(entry)
    assert told["analytics_schema.properties.paid.maximum"] == (None, str(number))
    assert told["analytics_schema.properties.paid.enum"] == (None, [str(number)])
