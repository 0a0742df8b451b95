"""Pipes through the API: made, shown, changed, deleted, and what is refused."""

from typing import Any

import pytest

from ringline.calls.capacity.counters import Kind, counter_name
from ringline.calls.tables.limits.counters import Counters
from ringline.routing.records import Brain, EndpointKind, Number
from ringline.webhooks.tables.endpoints import EndpointStore
from tests.component.setup.api import ACCOUNT, OTHER, SetupApi

BY_AGENT = {"name": "Outbound", "agent_id": "front-desk"}
URL = "https://brain.example.com/turn"


def test_a_pipe_is_shown_as_it_was_made(api: SetupApi) -> None:
    made = api.made("/v1/pipes", {**BY_AGENT, "recording": True, "max_call_duration_s": 600, "ring_timeout_s": 20})
    assert (made["name"], made["agent_id"], made["recording"], made["revision"]) == ("Outbound", "front-desk", True, 1)
    read = api.ask("GET", f"/v1/pipes/{made['pipe_id']}")
    assert (read.status, read.body, read.headers["etag"]) == (200, made, '"1"')
    assert api.ask("GET", "/v1/pipes").body["data"] == [made]


def test_an_agent_that_nobody_made_is_a_runner(api: SetupApi) -> None:
    made = api.made("/v1/pipes", BY_AGENT)
    assert made["brain"]["type"] == Brain.RUNNER
    agent = api.rows.agent(ACCOUNT, "front-desk")
    assert agent is not None
    assert agent.brain == Brain.RUNNER


def test_an_agent_that_is_there_stays_as_it_is(api: SetupApi) -> None:
    api.made("/v1/agents", {"agent_id": "front-desk", "brain": {"type": "livekit"}})
    assert api.made("/v1/pipes", BY_AGENT)["brain"]["type"] == Brain.LIVEKIT


def test_an_endpoint_of_a_pipe_is_an_agent_of_its_own(api: SetupApi) -> None:
    made = api.made("/v1/pipes", {"name": "By URL", "agent_endpoint": URL})
    agent = api.rows.agent(ACCOUNT, made["agent_id"])
    assert (made["agent_endpoint"], made["agent_id"]) == (URL, made["pipe_id"])
    assert agent is not None
    assert (agent.endpoint_kind, agent.of_pipe) == (EndpointKind.TURN, made["pipe_id"])
    changed = api.ask("PATCH", f"/v1/pipes/{made['pipe_id']}", {"agent_endpoint": f"{URL}/2"})
    assert changed.body["agent_endpoint"] == f"{URL}/2"
    assert api.ask("DELETE", f"/v1/pipes/{made['pipe_id']}").status == 204
    assert api.rows.agents(ACCOUNT) == []


def test_a_prompt_of_a_pipe_is_an_agent_of_its_own(api: SetupApi) -> None:
    made = api.made("/v1/agent/voice", {"name": "By prompt", "prompt": "Be brief.", "voice_profile": "local-en"})
    assert (made["prompt"], made["brain"]["type"], made["voice_profile_id"]) == ("Be brief.", "prompt", "local-en")


def test_a_voice_may_be_named_as_people_call_it(api: SetupApi) -> None:
    (named, *_) = [each for each in api.ask("GET", "/v1/voice-profiles").body["data"] if each["name"] == "Jacqueline"]
    made = api.made("/v1/pipes", {**BY_AGENT, "voice_profile": "Jacqueline"})
    assert made["voice_profile_id"] == named["profile_id"]


@pytest.mark.parametrize(
    ("brain", "says"),
    [
        ({}, "exactly one brain"),
        ({"agent_id": "a", "prompt": "Be brief."}, "exactly one brain"),
        ({"playbook": "name: x"}, "playbooks are not served"),
    ],
)
def test_a_pipe_has_exactly_one_brain(api: SetupApi, brain: dict[str, Any], says: str) -> None:
    refused = api.ask("POST", "/v1/pipes", {"name": "x", **brain})
    assert (refused.status, refused.code) == (422, "invalid_request")
    assert says in str(refused.body["errors"])


@pytest.mark.parametrize(
    "url", ["http://brain.example.com", "https://10.0.0.1/", "https://localhost/x", "ftp://x.example"]
)
def test_an_endpoint_leads_where_webhooks_may_lead(api: SetupApi, url: str) -> None:
    refused = api.ask("POST", "/v1/pipes", {"name": "x", "agent_endpoint": url})
    assert (refused.status, refused.fields) == (422, ["agent_endpoint"])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("domain", "banking"),
        ("noise_cancellation", "krisp"),
        ("background_sound", "beach"),
        ("background_sound_volume", 30),
        ("fillers", {"en": ["hm"]}),
        ("tools", {"handover": {}}),
        ("dtmf", "1"),
        ("ring_timeout_s", 4),
        ("ring_timeout_s", 61),
        ("agent_join_timeout_s", 31),
        ("max_call_duration_s", 0),
        ("unique_to", "caller"),
        ("voicemail_policy", "shout"),
        ("transfer_allowed_numbers", ["12"]),
        ("transfer_allowed_prefixes", ["0049"]),
        ("status", "asleep"),
    ],
)
def test_what_cannot_be_done_is_refused_by_its_name(api: SetupApi, field: str, value: Any) -> None:
    refused = api.ask("POST", "/v1/pipes", {**BY_AGENT, field: value})
    assert refused.status == 422
    assert refused.fields[0].split(".")[0] == field
    assert api.ask("GET", "/v1/pipes").body["data"] == []


def test_nulls_say_nothing_of_a_new_pipe(api: SetupApi) -> None:
    nulls = dict.fromkeys(("recording", "voicemail", "number", "domain", "agent_first", "background_sound_enabled"))
    made = api.made("/v1/pipes", {**BY_AGENT, **nulls})
    assert (made["recording"], made["agent_first"], made["background_sound_enabled"]) == (False, True, True)


def test_everything_of_a_pipe_can_be_said_and_taken_back(api: SetupApi) -> None:
    api.made("/v1/agents", {"agent_id": "night", "brain": {"type": "runner"}})
    said = {
        "ring_timeout_s": 25,
        "agent_join_timeout_s": 20,
        "agent_first": False,
        "voicemail": {"ring_min_s": 2.5, "ring_max_s": 18, "greeting_min_s": 1, "greeting_max_s": 12},
        "voicemail_policy": "leave_message",
        "unique_to": "number",
        "fallback_agent_id": "night",
        "transfer_allowed_numbers": ["+1 555 010 0200"],
        "transfer_allowed_prefixes": ["+1212"],
        "greeting": "Hello!",
        "first_speaker": "agent",
        "background_sound": "office",
        "background_sound_volume": 0.2,
        "background_sound_enabled": False,
        "project_id": "p",
        "status": "disabled",
        "recording": True,
        "max_call_duration_s": 60,
    }
    made = api.made("/v1/pipes", {**BY_AGENT, **said})
    assert {name: made[name] for name in said} == said | {"transfer_allowed_numbers": ["+15550100200"]}
    usual = api.made("/v1/pipes", BY_AGENT)
    taken_back = api.ask("PATCH", f"/v1/pipes/{made['pipe_id']}", dict.fromkeys(said)).body
    assert {name: taken_back[name] for name in said} == {name: usual[name] for name in said}


def test_a_change_leaves_what_it_does_not_name(api: SetupApi) -> None:
    made = api.made("/v1/pipes", {**BY_AGENT, "voicemail": {"ring_min_s": 2}})
    changed = api.ask("PATCH", f"/v1/pipes/{made['pipe_id']}", {"voicemail": {"ring_max_s": 9}}).body
    moment = changed.pop("modified")
    assert moment >= made.pop("modified")
    windows = {**made["voicemail"], "ring_max_s": 9.0}
    assert changed == made | {"revision": 2, "voicemail": windows}


def test_fractions_are_kept_to_three_digits(api: SetupApi) -> None:
    """The table has no place for the smallest ones."""
    made = api.made("/v1/pipes", {**BY_AGENT, "voicemail": {"ring_min_s": 1e-200}, "background_sound_volume": 0.12345})
    assert (made["voicemail"]["ring_min_s"], made["background_sound_volume"]) == (0, 0.123)


def test_windows_end_after_they_begin(api: SetupApi) -> None:
    refused = api.ask("POST", "/v1/pipes", {**BY_AGENT, "voicemail": {"ring_min_s": 9, "ring_max_s": 8}})
    assert (refused.status, refused.fields) == (422, ["voicemail"])


def test_a_window_that_a_change_leaves_behind_its_other_side_is_refused(api: SetupApi) -> None:
    made = api.made("/v1/pipes", {**BY_AGENT, "voicemail": {"ring_min_s": 9}})
    refused = api.ask("PATCH", f"/v1/pipes/{made['pipe_id']}", {"voicemail": {"ring_max_s": 8}})
    assert (refused.status, refused.fields) == (422, ["voicemail"])


def test_a_number_to_call_from_is_the_accounts_own(api: SetupApi) -> None:
    api.rows.put_number(OTHER, Number(number="+15550100000", number_id="num_1"))
    refused = api.ask("POST", "/v1/pipes", {**BY_AGENT, "number": "+15550100000"})
    assert (refused.status, refused.code) == (422, "unknown_number")
    api.rows.put_number(ACCOUNT, Number(number="+15550100001", number_id="num_2"))
    made = api.made("/v1/pipes", {**BY_AGENT, "number": "+1 (555) 010-0001"})
    assert (made["number"], made["number_id"]) == ("+15550100001", "num_2")


def test_a_trunk_is_the_accounts_own(api: SetupApi) -> None:
    api.rows.put_number(OTHER, Number(number="+15550100000", number_id="num_1", trunk_id="ST_other"))
    refused = api.ask("POST", "/v1/pipes", {**BY_AGENT, "trunk_id": "ST_other"})
    assert (refused.status, refused.code) == (422, "unknown_trunk")
    api.rows.put_number(ACCOUNT, Number(number="+15550100001", number_id="num_2", trunk_id="ST_own"))
    assert api.made("/v1/pipes", {**BY_AGENT, "trunk_id": "ST_own"})["trunk_id"] == "ST_own"


def test_a_voice_is_one_of_the_catalogue_unless_the_worker_is_the_customers_own(api: SetupApi) -> None:
    refused = api.ask("POST", "/v1/pipes", {**BY_AGENT, "voice_profile": "VP_nobody"})
    assert (refused.status, refused.code) == (422, "voice_profile_not_found")
    api.made("/v1/agents", {"agent_id": "front-desk", "brain": {"type": "livekit"}})
    assert api.made("/v1/pipes", {**BY_AGENT, "voice_profile": "VP_nobody"})["voice_profile_id"] == "VP_nobody"


def test_a_fallback_agent_is_known(api: SetupApi) -> None:
    refused = api.ask("POST", "/v1/pipes", {**BY_AGENT, "fallback_agent_id": "nobody"})
    assert (refused.status, refused.code) == (422, "unknown_agent")


def test_a_fallback_is_an_agent_or_a_number(api: SetupApi) -> None:
    made = api.made("/v1/pipes", {**BY_AGENT, "fallback_number": "+1 555 010 0200"})
    assert made["fallback_number"] == "+15550100200"
    both = {"fallback_agent_id": BY_AGENT["agent_id"]}
    refused = api.ask("PATCH", f"/v1/pipes/{made['pipe_id']}", both)
    assert refused.status == 422 and "fallback_number" in str(refused.body)
    changed = api.ask("PATCH", f"/v1/pipes/{made['pipe_id']}", {**both, "fallback_number": None})
    assert (changed.body["fallback_number"], changed.body["fallback_agent_id"]) == (None, BY_AGENT["agent_id"])


def test_a_pipe_of_a_chosen_id_is_made_once(api: SetupApi) -> None:
    assert api.made("/v1/pipes", {**BY_AGENT, "pipe_id": "mine"})["pipe_id"] == "mine"
    refused = api.ask("POST", "/v1/pipes", {**BY_AGENT, "pipe_id": "mine"})
    assert (refused.status, refused.code) == (409, "pipe_exists")


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_another_accounts_pipe_is_not_there(api: SetupApi, method: str) -> None:
    made = api.made("/v1/pipes", BY_AGENT)
    body: dict[str, Any] | None = {} if method == "PATCH" else None
    refused = api.ask(method, f"/v1/pipes/{made['pipe_id']}", body, account_id=OTHER)
    assert (refused.status, refused.code) == (404, "pipe_not_found")
    assert api.ask("GET", "/v1/pipes", account_id=OTHER).body["data"] == []


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_a_change_under_another_revision_is_refused(api: SetupApi, method: str) -> None:
    made = api.made("/v1/pipes", BY_AGENT)
    path = f"/v1/pipes/{made['pipe_id']}"
    assert api.ask("PATCH", path, {"name": "Second"}, if_match='"1"').headers["etag"] == '"2"'
    body = {"name": "Third"} if method == "PATCH" else None
    refused = api.ask(method, path, body, if_match='"1"')
    assert (refused.status, refused.code, refused.headers["etag"]) == (412, "revision_conflict", '"2"')
    assert api.ask("GET", path).body["name"] == "Second"


def test_a_pipe_that_a_number_leads_to_is_not_deleted(api: SetupApi) -> None:
    made = api.made("/v1/pipes", BY_AGENT)
    api.rows.put_number(ACCOUNT, Number(number="+15550100000", number_id="num_1", pipe_id=made["pipe_id"]))
    refused = api.ask("DELETE", f"/v1/pipes/{made['pipe_id']}")
    assert (refused.status, refused.code, refused.fields) == (409, "in_use", ["number:+15550100000"])
    assert api.rows.delete_number(ACCOUNT, "+15550100000")
    assert api.ask("DELETE", f"/v1/pipes/{made['pipe_id']}").status == 204
    assert api.ask("GET", f"/v1/pipes/{made['pipe_id']}").status == 404


def test_a_cap_is_what_claims_are_held_to(api: SetupApi) -> None:
    made = api.made("/v1/pipes", {**BY_AGENT, "max_calls": 3})
    path = f"/v1/pipes/{made['pipe_id']}"
    assert (made["max_calls"], cap_of(api, made["pipe_id"])) == (3, 3)
    assert api.ask("PATCH", path, {"name": "Same cap"}).body["max_calls"] == 3
    assert api.ask("PATCH", path, {"max_calls": None}).body["max_calls"] is None
    assert cap_of(api, made["pipe_id"]) is None
    api.ask("PATCH", path, {"max_calls": 2})
    assert api.ask("DELETE", path).status == 204
    assert cap_of(api, made["pipe_id"]) is None


def cap_of(api: SetupApi, pipe_id: str) -> int | None:
    counters = Counters(api.local.dynamodb, api.local.table_name)
    return counters.look(ACCOUNT, counter_name(Kind.PIPE, pipe_id)).max_calls


def test_caller_ids_are_the_accounts_own_numbers(api: SetupApi) -> None:
    for each, number in enumerate(("+15550100000", "+15550100001")):
        api.rows.put_number(ACCOUNT, Number(number=number, number_id=f"num_{each}"))
    api.rows.put_number(OTHER, Number(number="+15550100009", number_id="num_9"))
    pool = {"caller_ids": ["+1 555 010 0000", "+15550100001", "+15550100000"], "caller_id_policy": "sticky"}
    made = api.made("/v1/pipes", {**BY_AGENT, **pool})
    assert (made["caller_ids"], made["caller_id_policy"]) == (["+15550100000", "+15550100001"], "sticky")
    foreign = api.ask("PATCH", f"/v1/pipes/{made['pipe_id']}", {"caller_ids": ["+15550100009"]})
    assert (foreign.status, foreign.code) == (422, "unknown_number")
    without = api.ask("PATCH", f"/v1/pipes/{made['pipe_id']}", {"caller_ids": []})
    assert (without.status, without.fields) == (422, ["caller_id_policy"])


OWN = {"name": "p", "pipe_id": "line", "prompt": "Be kind"}


def test_an_agent_that_a_pipe_brought_along_stays_when_the_pipe_is_bound_to_another_and_goes_with_it(
    api: SetupApi,
) -> None:
    api.made("/v1/pipes", OWN)
    own = api.rows.agent(ACCOUNT, "line")
    assert api.ask("PATCH", "/v1/pipes/line", {"agent_id": "desk"}).status == 200
    assert own is not None and api.rows.agent(ACCOUNT, "line") == own
    assert api.ask("DELETE", "/v1/pipes/line").status == 204
    assert [each.agent_id for each in api.rows.agents(ACCOUNT)] == ["desk"]


def test_a_pipe_is_bound_to_the_agent_that_it_brought_along_again(api: SetupApi) -> None:
    api.made("/v1/pipes", OWN)
    assert api.ask("PATCH", "/v1/pipes/line", {"agent_id": "desk"}).status == 200
    again = api.ask("PATCH", "/v1/pipes/line", {"prompt": "Be short"})
    assert (again.status, again.body["agent_id"], again.body["prompt"]) == (200, "line", "Be short")


def test_it_stays_as_long_as_somebody_uses_it_and_goes_with_its_pipe(api: SetupApi) -> None:
    api.made("/v1/pipes", OWN)
    api.made("/v1/pipes", {"name": "q", "pipe_id": "other", "agent_id": "line"})
    assert api.ask("PATCH", "/v1/pipes/line", {"agent_id": "desk"}).status == 200
    assert api.rows.agent(ACCOUNT, "line") is not None
    assert api.ask("DELETE", "/v1/pipes/other").status == 204
    assert api.ask("DELETE", "/v1/pipes/line").status == 204
    assert [each.agent_id for each in api.rows.agents(ACCOUNT)] == ["desk"]


SALES = {"type": "agent", "config": {"agent_id": "sales"}}
NIGHT = {"type": "sip", "config": {"number": "+1 555 010 0200"}}


def test_a_pipe_says_whom_a_failed_transfer_goes_on_to(api: SetupApi) -> None:
    api.made("/v1/agents", {"agent_id": "sales"})
    made = api.made("/v1/pipes", OWN | {"transfer_fallback": [SALES, NIGHT, "end"]})
    kept = {"type": "sip", "config": {"number": "+15550100200"}}
    assert made["transfer_fallback"] == [SALES, kept, "end"]
    assert api.ask("DELETE", "/v1/agents/sales").code == "in_use"
    assert api.ask("PATCH", "/v1/pipes/line", {"transfer_fallback": "end"}).body["transfer_fallback"] == ["end"]
    assert api.ask("DELETE", "/v1/agents/sales").status == 204
    assert api.ask("PATCH", "/v1/pipes/line", {"transfer_fallback": None}).body["transfer_fallback"] is None


@pytest.mark.parametrize(
    ("fallback", "code"),
    [
        (["end", NIGHT], "invalid_request"),
        ([{"type": "webrtc", "config": {}}], "invalid_request"),
        ([{"type": "sip", "config": {"agent_id": "sales"}}], "invalid_request"),
        ([{"type": "sip", "config": {"number": "12"}}], "invalid_request"),
        ([SALES], "unknown_agent"),
        ([NIGHT], "transfer_not_allowed"),
    ],
)
def test_a_fallback_that_cannot_be_is_refused(api: SetupApi, fallback: list[Any], code: str) -> None:
    refused = api.ask("POST", "/v1/pipes", OWN | {"transfer_allowed_numbers": [], "transfer_fallback": fallback})
    assert (refused.status, refused.code) == (422, code)
    assert refused.fields[0].split(".")[0] == "transfer_fallback"


OF_CALLS = {"target": {"type": "call"}}
HOOK = "https://example.com/hooks?tenant=1"


def test_a_pipe_names_where_the_events_of_its_calls_are_posted(api: SetupApi) -> None:
    api.made("/v1/webhook-endpoints", OF_CALLS)
    made = api.made("/v1/pipes", {**BY_AGENT, "webhook_url": HOOK})
    assert made["webhook_url"] == HOOK
    path = f"/v1/pipes/{made['pipe_id']}"
    assert api.ask("PATCH", path, {"name": "Renamed"}).body["webhook_url"] == HOOK
    assert api.ask("PATCH", path, {"webhook_url": f"{HOOK}2"}).body["webhook_url"] == f"{HOOK}2"
    assert api.ask("PATCH", path, {"webhook_url": None}).body["webhook_url"] is None


@pytest.mark.parametrize(
    "url", ["http://example.com/", "https://127.0.0.1/", "https://169.254.169.254/", "https://u:p@example.com/", "x"]
)
def test_a_pipes_webhook_url_leads_where_endpoints_may_lead(api: SetupApi, url: str) -> None:
    api.made("/v1/webhook-endpoints", OF_CALLS)
    refused = api.ask("POST", "/v1/pipes", {**BY_AGENT, "webhook_url": url})
    assert (refused.status, refused.fields) == (422, ["webhook_url"])
    made = api.made("/v1/pipes", BY_AGENT)
    refused = api.ask("PATCH", f"/v1/pipes/{made['pipe_id']}", {"webhook_url": url})
    assert (refused.status, refused.fields) == (422, ["webhook_url"])


def test_a_pipe_names_no_webhook_url_where_nothing_would_sign_what_is_posted_there(api: SetupApi) -> None:
    refused = api.ask("POST", "/v1/pipes", {**BY_AGENT, "webhook_url": HOOK})
    assert (refused.status, refused.code, refused.fields) == (422, "no_endpoint_for_calls", ["webhook_url"])


def test_a_pipe_goes_on_being_changed_when_the_endpoint_of_calls_is_gone(api: SetupApi) -> None:
    """It is deleted under no pipe, but a pipe may get its URL in the moment in which the endpoint goes."""
    endpoint = api.made("/v1/webhook-endpoints", OF_CALLS)
    made = api.made("/v1/pipes", {**BY_AGENT, "webhook_url": HOOK})
    assert api.ask("DELETE", f"/v1/webhook-endpoints/{endpoint['endpoint_id']}").code == "in_use"
    EndpointStore(api.local.dynamodb, api.local.table_name).delete(ACCOUNT, endpoint["endpoint_id"])
    read = api.ask("GET", f"/v1/pipes/{made['pipe_id']}").body
    as_read = {name: read[name] for name in ("name", "webhook_url")} | {"recording": True}
    assert api.ask("PATCH", f"/v1/pipes/{made['pipe_id']}", as_read).body["recording"] is True


@pytest.mark.parametrize(
    ("made_by", "said"),
    [
        ({"prompt": "Be kind."}, {"prompt": None}),
        ({"agent_endpoint": URL}, {"agent_endpoint": ""}),
        ({"agent_endpoint": URL}, {"agent_endpoint": None}),
        ({"agent_id": "front-desk"}, {"name": None}),
        ({"agent_id": "front-desk"}, {"agent_id": None}),
    ],
)
def test_what_a_pipe_cannot_be_without_is_not_taken_back(
    api: SetupApi, made_by: dict[str, str], said: dict[str, str | None]
) -> None:
    made = api.made("/v1/pipes", {"name": "p", **made_by})
    refused = api.ask("PATCH", f"/v1/pipes/{made['pipe_id']}", said)
    assert (refused.status, refused.fields) == (422, [*said])
    assert api.ask("GET", f"/v1/pipes/{made['pipe_id']}").body["revision"] == 1


def test_what_a_pipe_is_without_may_be_null_and_so_may_what_another_brain_replaces(api: SetupApi) -> None:
    pipe_id = api.made("/v1/pipes", {"name": "p", "prompt": "Be kind."})["pipe_id"]
    path = f"/v1/pipes/{pipe_id}"
    assert api.ask("PATCH", path, {"agent_endpoint": None, "name": "q"}).status == 200
    replaced = api.ask("PATCH", path, {"prompt": None, "agent_endpoint": URL})
    assert (replaced.status, replaced.body["agent_endpoint"]) == (200, URL)
    assert api.ask("PATCH", path, {"agent_endpoint": None, "agent_id": "front-desk"}).status == 200
    assert api.ask("PATCH", path, {"agent_endpoint": None, "prompt": None}).status == 200
