"""Every route of the function that serves the API: what is listed here is served, and nothing else.

To add a route, add it to this list first.
"""

import json
import re
from types import ModuleType
from typing import Any

import pytest

from local.tools.places import ROOT
from ringline.resources.setup.not_served import NOT_SERVED
from tests.component.one_table import LocalAws, load_handler
from tests.fakes import CONTEXT
from tests.sample_events import event_of
from tests.template.test_routes import ROUTES, TOLERATES_A_SLASH

SERVED = {
    ("GET", "/v1/account"),
    ("PATCH", "/v1/account"),
    ("GET", "/v1/audit"),
    ("GET", "/v1/calls"),
    ("GET", "/v1/calls/<call_id>"),
    ("GET", "/v1/calls/<call_id>/events"),
    ("POST", "/v1/calls/<call_id>/cancel"),
    ("POST", "/v1/calls/<call_id>/hangup"),
    ("DELETE", "/v1/calls/<call_id>/content"),
    ("POST", "/v1/erasures"),
    ("POST", "/v1/webhook-endpoints/<endpoint_id>/secret/rotate"),
    ("POST", "/v1/webhook-endpoints/<endpoint_id>/test"),
    ("GET", "/v1/sessions"),
    ("GET", "/v1/sessions/<session_id>"),
    ("POST", "/v1/sessions/token"),
    ("POST", "/v1/calls/<call_id>/recording/pause"),
    ("POST", "/v1/calls/<call_id>/recording/resume"),
    ("POST", "/v1/calls/<call_id>/dtmf"),
    ("POST", "/v1/calls/<call_id>/messages"),
    ("POST", "/v1/calls/<call_id>/monitor"),
    ("POST", "/v1/sessions/<session_id>/end"),
    ("POST", "/v1/sessions/<session_id>/transfer"),
    ("POST", "/v1/calls/<call_id>/transfers"),
    ("GET", "/v1/calls/<call_id>/transfers"),
    ("GET", "/v1/calls/<call_id>/transfers/<transfer_id>"),
    ("GET", "/v1/calls/<call_id>/analytics"),
    ("GET", "/v1/sessions/<session_id>/analytics"),
    ("GET", "/v1/transcripts"),
    ("GET", "/v1/recordings"),
    ("GET", "/v1/runners"),
    ("GET", "/v1/workers"),
    ("GET", "/openapi.json"),
    ("GET", "/v1/health"),
    ("GET", "/v1/numbers"),
    ("POST", "/v1/numbers"),
    ("POST", "/v1/numbers/sync"),
    ("GET", "/v1/numbers/<number_id>"),
    ("PATCH", "/v1/numbers/<number_id>"),
    ("DELETE", "/v1/numbers/<number_id>"),
    ("POST", "/v1/numbers/<number_id>/attach"),
    ("PUT", "/v1/numbers/<number_id>/attach"),
    ("DELETE", "/v1/numbers/<number_id>/attach"),
    ("POST", "/v1/numbers/<number_id>/decision-secret/rotate"),
    ("GET", "/v1/trunks"),
    ("POST", "/v1/trunks"),
    ("GET", "/v1/trunks/<trunk_id>"),
    ("PATCH", "/v1/trunks/<trunk_id>"),
    ("DELETE", "/v1/trunks/<trunk_id>"),
    ("GET", "/v1/telephony/numbers"),
    ("POST", "/v1/telephony/numbers/attach"),
    ("POST", "/v1/telephony/numbers/detach"),
    ("GET", "/v1/telephony/overview"),
    ("GET", "/v1/telephony/trunks"),
    ("POST", "/v1/telephony/trunks"),
    ("GET", "/v1/telephony/trunks/<trunk_id>"),
    ("DELETE", "/v1/telephony/trunks/<trunk_id>"),
    ("POST", "/v1/telephony/trunks/<trunk_id>/attach-numbers"),
    ("POST", "/v1/telephony/trunks/<trunk_id>/detach-numbers"),
    ("GET", "/v1/webhook-endpoints"),
    ("POST", "/v1/webhook-endpoints"),
    ("GET", "/v1/webhook-endpoints/<endpoint_id>"),
    ("PATCH", "/v1/webhook-endpoints/<endpoint_id>"),
    ("DELETE", "/v1/webhook-endpoints/<endpoint_id>"),
    ("POST", "/v1/webhook-endpoints/<endpoint_id>/replays"),
    ("GET", "/v1/webhook-endpoints/<endpoint_id>/replays"),
    ("GET", "/v1/webhook-endpoints/<endpoint_id>/replays/<replay_id>"),
    ("POST", "/v1/webhook-endpoints/<endpoint_id>/replays/<replay_id>/stop"),
    ("GET", "/v1/webhook-endpoints/<endpoint_id>/statistics"),
    ("GET", "/v1/events"),
    ("GET", "/v1/events/<event_id>"),
    ("GET", "/v1/webhook-deliveries"),
    ("GET", "/v1/webhook-deliveries/<delivery_id>"),
    ("POST", "/v1/webhook-deliveries/<delivery_id>/redeliver"),
    ("GET", "/v1/pipes"),
    ("POST", "/v1/pipes"),
    ("GET", "/v1/pipes/<pipe_id>"),
    ("PATCH", "/v1/pipes/<pipe_id>"),
    ("DELETE", "/v1/pipes/<pipe_id>"),
    ("POST", "/v1/agent/voice"),
    ("GET", "/v1/agents"),
    ("POST", "/v1/agents"),
    ("GET", "/v1/agents/<agent_id>"),
    ("PUT", "/v1/agents/<agent_id>"),
    ("PATCH", "/v1/agents/<agent_id>"),
    ("DELETE", "/v1/agents/<agent_id>"),
    ("POST", "/v1/agents/<agent_id>/voices"),
    ("PATCH", "/v1/agents/<agent_id>/voices/<voice_profile_id>"),
    ("DELETE", "/v1/agents/<agent_id>/voices/<voice_profile_id>"),
    ("GET", "/v1/voice-profiles"),
    ("GET", "/v1/voice-profiles/<profile_id>"),
    ("GET", "/v1/api-keys"),
    ("POST", "/v1/api-keys"),
    ("DELETE", "/v1/api-keys/<key_id>"),
    ("GET", "/v1/api-keys/<key_id>"),
    ("PATCH", "/v1/api-keys/<key_id>"),
    ("POST", "/v1/api-keys/<key_id>/rotate"),
}
"""`POST /v1/calls`, the hooks and the agents' reports have functions of their own (tests/template/test_routes.py)."""

OUT_OF_SCOPE = {(method, path) for path, (_, methods) in NOT_SERVED.items() for method in methods}
"""Answered 501, with what to use instead."""

PREFIXES = ["", "/api/v2/platform/speech", "/api/v2/platform", "/platform", "/orchestrator"]
"""Our own, that of the SDK, that of its voices and numbers, that of older SDKs, and that of the SDK's orchestrator."""

NOBODYS = [
    ("GET", "/v1/calls/call_1/hangup"),
    ("DELETE", "/v1/calls/call_1"),
    ("GET", "/v2/calls"),
    ("GET", "/"),
]
"""What the SDK or a mistaken client may ask for."""


@pytest.fixture
def manage(local: LocalAws) -> ModuleType:
    environment = {
        "DOORBELL_QUEUE_URL": local.queue_url,
        "LIVEKIT_URL": "http://127.0.0.1:9",
        "LIVEKIT_API_KEY": "devkey",
        "LIVEKIT_API_SECRET": "a-secret-of-more-than-32-characters",
    }
    return load_handler("manage", environment)


def ask(manage: ModuleType, method: str, path: str, query: str = "") -> dict[str, Any]:
    event = event_of("manage", "no_such_route") | {"rawPath": path, "rawQueryString": query}
    event["requestContext"]["http"] |= {"method": method, "path": path}
    answer: dict[str, Any] = manage.lambda_handler(event, CONTEXT)
    return answer


def test_the_routes_are_those_of_the_list(manage: ModuleType) -> None:
    routes = [(route.method, route.path) for route in manage.routes]
    assert sorted(routes) == sorted(SERVED | OUT_OF_SCOPE)


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("slash", ["", "/"])
def test_every_route_is_reached_under_every_prefix(manage: ModuleType, prefix: str, slash: str) -> None:
    for method, path in sorted(SERVED):
        answer = ask(manage, method, prefix + re.sub("<.*?>", "unknown_1", path) + slash)
        body = json.loads(answer["body"])
        # No LiveKit answers here.
        assert answer["statusCode"] in {200, 400, 404, 503}, (method, path, body)
        assert body.get("code") != "no_such_route", f"{method} {path} is not served under {prefix or 'our own prefix'}"


@pytest.mark.parametrize(("method", "path"), sorted(OUT_OF_SCOPE))
def test_what_is_out_of_scope_says_what_to_use_instead(manage: ModuleType, method: str, path: str) -> None:
    answer = ask(manage, method, f"/api/v2/platform/speech{re.sub('<.*?>', 'unknown_1', path)}")
    refused = json.loads(answer["body"])
    assert (answer["statusCode"], refused["code"]) == (501, "not_served")
    page, _, anchor = refused["help"].partition("#")
    assert f"\n## {anchor.replace('-', ' ').capitalize()}\n" in (ROOT / page).read_text()


def test_the_sdks_voices_have_no_version_in_their_path(manage: ModuleType) -> None:
    assert ask(manage, "GET", "/api/v2/platform/voice-profiles/")["statusCode"] == 200


@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_path_that_nobody_serves_is_a_problem_too(manage: ModuleType, prefix: str) -> None:
    for method, path in NOBODYS:
        answer = ask(manage, method, prefix + path)
        assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (404, "no_such_route"), (method, path)


@pytest.mark.parametrize("route", sorted(route for route in ROUTES if ROUTES[route] != "ManageFunction"))
def test_a_path_of_another_function_with_a_slash_is_sent_on_to_it(manage: ModuleType, route: str) -> None:
    """308: a client sends the method and the body again, too."""
    method, _, path = re.sub("{.*?}", "unknown_1", route).partition(" ")
    answer = ask(manage, method, f"{path}/")
    assert (answer["statusCode"], answer["headers"]["location"]) == (308, path)
    assert ask(manage, method, f"{path}/", "a=b")["headers"]["location"] == f"{path}?a=b"


def test_every_path_that_tolerates_a_slash_is_another_functions() -> None:
    assert {ROUTES[route] for route in TOLERATES_A_SLASH} == {
        "CreateCallFunction", "ReceiveAgentEventFunction", "AssignBrainFunction",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/orchestrator/v1/calls/"),
        ("POST", "//example.com/v1/calls/"),
        ("POST", "/v1/calls/a\r\nset-cookie: b/brain/"),
        ("PUT", "/v1/calls/"),
    ],
)
def test_what_nobody_serves_without_its_slash_is_sent_nowhere(manage: ModuleType, method: str, path: str) -> None:
    assert ask(manage, method, path)["statusCode"] == 404
