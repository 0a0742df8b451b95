"""Agents and their voices through the API."""

from typing import Any

import pytest

from ringline.routing.records import Agent, Number
from ringline.runtime.vault.sealed import is_sealed
from tests.component.setup.api import ACCOUNT, OTHER, SetupApi

URL = "https://brain.example.com/v1"
ENDPOINT = {
    "type": "endpoint",
    "ref": URL,
    "cfg": {"model": "gpt-4.1-mini", "api_key": "sk-of-the-brain"},
}


def test_an_agent_is_made_with_its_first_voice(api: SetupApi) -> None:
    made = api.made("/v1/agents", {"agent_id": "desk", "brain": {"type": "runner"}, "voice_profile": "local-en"})
    assert (made["name"], made["voice_profile_id"], made["voice_profile_name"]) == ("desk", "local-en", "Joe")
    assert (made["is_default"], made["max_concurrent"], made["brain_execution"]) == (True, 1, "bridge")
    read = api.ask("GET", "/v1/agents/desk")
    assert read.headers["etag"] == '"1"'
    assert [each["voice_profile_id"] for each in read.body["voices"]] == ["local-en"]
    assert api.ask("GET", "/v1/agents").body["data"] == [read.body]


def test_an_agent_is_made_once(api: SetupApi) -> None:
    api.made("/v1/agents", {"agent_id": "desk", "brain": {"type": "runner"}})
    refused = api.ask("POST", "/v1/agents", {"agent_id": "desk", "brain": {"type": "runner"}})
    assert (refused.status, refused.code) == (409, "agent_exists")


def test_the_key_of_an_endpoint_is_never_shown(api: SetupApi) -> None:
    made = api.made("/v1/agents", {"agent_id": "desk", "brain": ENDPOINT})
    shown = [made, api.ask("GET", "/v1/agents/desk").body, api.ask("GET", "/v1/agents").body]
    pipe = api.made("/v1/pipes", {"name": "p", "agent_id": "desk"})
    assert "sk-of-the-brain" not in str([*shown, pipe])
    assert made["brain"]["cfg"] == {"model": "gpt-4.1-mini", "kind": "chat", "has_api_key": True}
    agent = api.rows.agent(ACCOUNT, "desk")
    assert agent is not None
    assert agent.endpoint_key is not None and is_sealed(agent.endpoint_key)
    assert "sk-of-the-brain" not in str(api.local.items())


def test_the_same_key_again_changes_nothing_and_another_one_does(api: SetupApi) -> None:
    api.made("/v1/agents", {"agent_id": "desk", "brain": ENDPOINT})
    revisions = [
        api.ask("PATCH", "/v1/agents/desk", {"endpoint_key": key}).headers["etag"]
        for key in ("sk-of-the-brain", "sk-another", "sk-another", "sealed1.of-their-own")
    ]
    assert revisions == ['"1"', '"2"', '"2"', '"3"']


def test_a_key_of_a_release_that_sealed_none_is_sealed_with_the_next_change(api: SetupApi) -> None:
    plain = Agent(agent_id="desk", name="Desk", brain="endpoint", endpoint_url=URL, endpoint_key="sk-of-before")
    api.rows.put_agent(ACCOUNT, plain)
    assert api.ask("PATCH", "/v1/agents/desk", {"endpoint_key": "sk-of-before"}).headers["etag"] == '"1"'
    assert api.ask("PATCH", "/v1/agents/desk", {"name": "Front desk"}).status == 200
    assert "sk-of-before" not in str(api.local.items())


def test_a_key_stays_with_its_url_alone(api: SetupApi) -> None:
    made = api.made("/v1/agents", {"agent_id": "desk", "brain": ENDPOINT})
    same = api.ask("PUT", "/v1/agents/desk", {"brain": made["brain"]}).body
    assert same["brain"] == made["brain"]
    moved = api.ask("PUT", "/v1/agents/desk", {"brain": {"type": "endpoint", "ref": "https://other.example.com"}}).body
    assert moved["brain"]["cfg"]["has_api_key"] is False


def test_a_voice_that_was_named_is_the_profiles_once_our_worker_speaks(api: SetupApi) -> None:
    """A worker of the customer's own has voices of its own, which may be called as one of ours is."""
    profile = next(
        each for each in api.ask("GET", "/v1/voice-profiles").body["data"] if each["name"] != each["profile_id"]
    )
    api.made("/v1/agents", {"agent_id": "desk", "voice_profile": profile["name"]})
    changed = api.ask("PUT", "/v1/agents/desk", {"brain": {"type": "prompt", "ref": "Be brief."}})
    assert changed.status == 200
    agent = api.rows.agent("acct_1", "desk")
    assert agent is not None
    assert [voice.voice_profile_id for voice in agent.voices] == [profile["profile_id"]]


def test_a_brain_of_ours_is_refused_while_a_pipe_names_a_voice_that_is_none(api: SetupApi) -> None:
    api.made("/v1/agents", {"agent_id": "desk"})
    api.made("/v1/pipes", {"name": "p", "pipe_id": "pipe_1", "agent_id": "desk", "voice_profile": "my-own-voice"})
    refused = api.ask("PUT", "/v1/agents/desk", {"brain": {"type": "prompt", "ref": "Be brief."}})
    assert (refused.status, refused.code) == (422, "voice_profile_not_found")


def test_a_change_of_brain_leaves_nothing_of_the_old_one(api: SetupApi) -> None:
    api.made("/v1/agents", {"agent_id": "desk", "brain": ENDPOINT})
    changed = api.ask("PATCH", "/v1/agents/desk", {"brain": {"type": "prompt", "ref": "Be brief."}}).body
    assert changed["brain"] == {"type": "prompt", "ref": "Be brief.", "cfg": {}}
    agent = api.rows.agent(ACCOUNT, "desk")
    assert agent is not None
    assert (agent.endpoint_url, agent.endpoint_key, agent.model) == (None, None, None)


@pytest.mark.parametrize(
    ("brain", "field"),
    [
        ({"type": "playbook", "ref": "PB_1"}, "brain.type"),
        ({"type": "oracle"}, "brain.type"),
        ({"type": "endpoint"}, "brain.ref"),
        ({"type": "prompt"}, "brain.ref"),
        ({"type": "runner", "ref": "another"}, "brain.ref"),
        ({"type": "livekit", "ref": "ringline-speech"}, "brain.ref"),
        ({"type": "livekit", "ref": "two words"}, "brain.ref"),
        ({"type": "endpoint", "ref": "https://169.254.169.254/"}, "brain.ref"),
        ({"type": "endpoint", "ref": "https://x.example.com", "cfg": {"headers": {"a": "b"}}}, "brain.cfg.headers"),
        ({"type": "endpoint", "ref": "https://x.example.com", "cfg": {"temperature": 1}}, "brain.cfg.temperature"),
        ({"type": "endpoint", "ref": "https://x.example.com", "cfg": {"kind": "smoke"}}, "brain.cfg.kind"),
        ({"type": "runner", "cfg": {"model": "m"}}, "brain.cfg.model"),
    ],
)
def test_a_brain_that_cannot_be_served_is_refused_by_its_field(
    api: SetupApi, brain: dict[str, Any], field: str
) -> None:
    refused = api.ask("POST", "/v1/agents", {"agent_id": "desk", "brain": brain})
    assert (refused.status, refused.fields) == (422, [field])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("tools", {"handover": {"numbers": ["+15550100200"]}}),
        ("cache_mode", "active"),
        ("brain_execution", "inline"),
        ("mute_until_first_bot_complete", True),
        ("domain", "banking"),
        ("llm_model", "openai/gpt-4.1-mini"),
        ("endpoint_kind", "turn"),
        ("max_concurrent", 0),
        ("analytics_schema", {"type": "no type"}),
        ("moustache", True),
    ],
)
def test_what_an_agent_cannot_do_is_refused_by_its_name(api: SetupApi, field: str, value: Any) -> None:
    refused = api.ask("POST", "/v1/agents", {"agent_id": "desk", "brain": {"type": "runner"}, field: value})
    assert (refused.status, refused.fields) == (422, [field])


def test_what_the_sdk_says_of_every_agent_and_is_so_anyway_is_taken(api: SetupApi) -> None:
    said = {"cache_mode": "off", "brain_execution": "bridge", "mute_until_first_bot_complete": False, "domain": ""}
    assert api.made("/v1/agents", {"agent_id": "desk", "brain": {"type": "runner"}, **said})["domain"] is None


def test_a_schema_of_outcomes_is_shown_as_it_was_given(api: SetupApi) -> None:
    schema = {"type": "object", "properties": {"booked": {"type": "boolean"}}}
    api.made("/v1/agents", {"agent_id": "desk", "brain": {"type": "runner"}, "analytics_schema": schema})
    assert api.ask("GET", "/v1/agents/desk").body["analytics_schema"] == schema
    assert api.ask("PATCH", "/v1/agents/desk", {"analytics_schema": None}).body["analytics_schema"] is None


def test_voices_are_added_and_changed_and_the_default_moves(api: SetupApi) -> None:
    api.made(
        "/v1/agents", {"agent_id": "desk", "brain": {"type": "runner"}, "voice_profile": "local-en", "greeting": "Hi"}
    )
    added = api.ask("POST", "/v1/agents/desk/voices", {"voice_profile": "en-male-deepgram", "greeting": "Hello"})
    assert (added.status, added.body["is_default"], added.body["greeting"]) == (201, False, "Hello")
    changed = api.ask("PATCH", "/v1/agents/desk/voices/en-male-deepgram", {"is_default": True}).body
    assert (changed["is_default"], changed["greeting"]) == (True, "Hello")
    voices = api.ask("GET", "/v1/agents/desk").body["voices"]
    assert [(each["voice_profile_id"], each["is_default"], each["greeting"]) for each in voices] == [
        ("en-male-deepgram", True, "Hello"),
        ("local-en", False, "Hi"),
    ]
    assert api.ask("DELETE", "/v1/agents/desk/voices/en-male-deepgram").status == 204
    (kept,) = api.ask("GET", "/v1/agents/desk").body["voices"]
    assert (kept["voice_profile_id"], kept["is_default"]) == ("local-en", True)


def test_voices_that_are_not_there_or_twice_are_refused(api: SetupApi) -> None:
    api.made("/v1/agents", {"agent_id": "desk", "brain": {"type": "runner"}, "voice_profile": "local-en"})
    asked = [
        api.ask("POST", "/v1/agents/desk/voices", {"voice_profile": "local-en"}),
        api.ask("POST", "/v1/agents/desk/voices", {"voice_profile": "nobody"}),
        api.ask("PATCH", "/v1/agents/desk/voices/nobody", {"greeting": "Hi"}),
        api.ask("DELETE", "/v1/agents/desk/voices/nobody"),
        api.ask("POST", "/v1/agents/nobody/voices", {"voice_profile": "local-en"}),
    ]
    assert [(each.status, each.code) for each in asked] == [
        (409, "voice_exists"),
        (422, "voice_profile_not_found"),
        (404, "voice_not_found"),
        (404, "voice_not_found"),
        (404, "agent_not_found"),
    ]


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_another_accounts_agent_is_not_there(api: SetupApi, method: str) -> None:
    api.made("/v1/agents", {"agent_id": "desk", "brain": {"type": "runner"}})
    body: dict[str, Any] | None = {} if method in {"PUT", "PATCH"} else None
    refused = api.ask(method, "/v1/agents/desk", body, account_id=OTHER)
    assert (refused.status, refused.code) == (404, "agent_not_found")


def test_an_agent_that_pipes_and_numbers_name_is_not_deleted(api: SetupApi) -> None:
    api.made("/v1/agents", {"agent_id": "desk", "brain": {"type": "runner"}})
    first = api.made("/v1/pipes", {"name": "p", "agent_id": "desk"})["pipe_id"]
    second = api.made("/v1/pipes", {"name": "q", "agent_id": "other", "fallback_agent_id": "desk"})["pipe_id"]
    api.rows.put_number(ACCOUNT, Number(number="+15550100000", number_id="num_1", agent_id="desk"))
    refused = api.ask("DELETE", "/v1/agents/desk")
    assert (refused.status, refused.code) == (409, "in_use")
    assert sorted(refused.fields) == sorted([f"pipe:{first}", f"pipe:{second}", "number:+15550100000"])
    for pipe_id in (first, second):
        assert api.ask("DELETE", f"/v1/pipes/{pipe_id}").status == 204
    assert api.rows.delete_number(ACCOUNT, "+15550100000")
    assert api.ask("DELETE", "/v1/agents/desk", if_match='"7"').code == "revision_conflict"
    assert api.ask("DELETE", "/v1/agents/desk").status == 204
    assert api.ask("GET", "/v1/agents/desk").status == 404


def test_the_kind_of_an_endpoint_is_a_word(api: SetupApi) -> None:
    brain = {"type": "endpoint", "ref": "https://brain.example.com", "cfg": {"kind": ["chat"]}}
    refused = api.ask("POST", "/v1/agents", {"agent_id": "listed", "brain": brain})
    assert (refused.status, refused.code) == (422, "invalid_request")


OWN = {"type": "livekit", "ref": "acme-desk"}


def test_a_worker_of_ones_own_is_dispatched_under_its_own_name(api: SetupApi) -> None:
    made = api.made("/v1/agents", {"agent_id": "desk", "brain": OWN})
    assert made["brain"] == OWN | {"cfg": {}} and api.rows.dispatch_name(ACCOUNT, "desk") == "acme-desk"
    assert api.ask("PATCH", "/v1/agents/desk", {"brain": {"type": "livekit"}}).body["brain"]["ref"] == "acme-desk"
    for brain in ({"type": "livekit", "ref": ""}, {"type": "runner"}):
        assert api.ask("PATCH", "/v1/agents/desk", {"brain": OWN}).status == 200
        assert api.ask("PATCH", "/v1/agents/desk", {"brain": brain}).body["brain"]["ref"] is None
        assert api.rows.dispatch_name(ACCOUNT, "desk") is None


@pytest.mark.parametrize("name", ["house-agent", "house-speech", "ringline-agent"])
def test_the_deployments_own_names_are_nobodys(api: SetupApi, name: str) -> None:
    brain = {"type": "livekit", "ref": name}
    for refused in (
        api.ask("POST", "/v1/agents", {"agent_id": "desk", "brain": brain}),
        api.ask("PATCH", f"/v1/agents/{api.made('/v1/agents', {'agent_id': 'sales'})['agent_id']}", {"brain": brain}),
    ):
        assert (refused.status, refused.fields) == (422, ["brain.ref"])


def test_nobody_has_their_calls_taken_by_another_accounts_workers(api: SetupApi) -> None:
    for agent_id in ("desk", "sales"):
        api.made("/v1/agents", {"agent_id": agent_id, "brain": OWN})

    def theirs() -> int:
        refused = api.ask("POST", "/v1/agents", {"agent_id": "desk", "brain": OWN}, account_id=OTHER)
        assert refused.status == 201 or refused.code == "agent_name_taken"
        return refused.status

    assert theirs() == 409
    assert api.ask("DELETE", "/v1/agents/desk").status == 204
    assert theirs() == 409
    assert api.ask("PATCH", "/v1/agents/sales", {"brain": {"type": "runner"}}).status == 200
    assert theirs() == 201
    assert api.ask("PATCH", "/v1/agents/sales", {"brain": OWN}).code == "agent_name_taken"


def test_a_long_key_stays_where_something_else_of_the_brain_is_changed(api: SetupApi) -> None:
    brain = {"type": "endpoint", "ref": "https://brain.example.com/v1", "cfg": {"api_key": "k" * 500}}
    assert api.ask("POST", "/v1/agents", {"agent_id": "desk", "name": "Desk", "brain": brain}).status == 201
    change = {"brain": {"type": "endpoint", "cfg": {"model": "other"}}}
    assert api.ask("PATCH", "/v1/agents/desk", change).status == 200


@pytest.mark.parametrize(("name", "in_path"), [("Anna Meier", "Anna%20Meier"), ("Zoé 100%", "Zo%C3%A9%20100%25")])
def test_a_voice_is_changed_and_removed_by_any_name_that_it_may_have(api: SetupApi, name: str, in_path: str) -> None:
    """A worker of the customer's own has voices of its own."""
    api.made("/v1/agents", {"agent_id": "desk", "voice_profile": "first"})
    api.made("/v1/agents/desk/voices", {"voice_profile": name})
    changed = api.ask("PATCH", f"/v1/agents/desk/voices/{in_path}", {"greeting": "Hello"})
    assert (changed.status, changed.body["voice_profile_id"], changed.body["greeting"]) == (200, name, "Hello")
    assert api.ask("DELETE", f"/v1/agents/desk/voices/{in_path}").status == 204


def test_a_voice_has_no_name_that_no_path_can_say(api: SetupApi) -> None:
    api.made("/v1/agents", {"agent_id": "desk"})
    refused = api.ask("POST", "/v1/agents/desk/voices", {"voice_profile": "a/b"})
    assert (refused.status, refused.fields) == (422, ["voice_profile"])
