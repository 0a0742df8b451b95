"""Every route of the API has a command that asks it, or a reason why it has none."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpx
import pytest

from cli.frame.surroundings import Surroundings
from cli.model.profiles import Profile
from local.tools.places import ROOT
from tests.typed_commands import typed

COMMANDS = {
    "GET /v1/account": "account show",
    "PATCH /v1/account": "account limit --calls-per-day 5",
    "GET /v1/audit": "audit",
    "GET /v1/agents": "agent list",
    "POST /v1/agents": "agent create a1",
    "GET /v1/agents/{agent_id}": "agent show a1",
    "PATCH /v1/agents/{agent_id}": "agent set a1 --name A",
    "DELETE /v1/agents/{agent_id}": "agent delete a1",
    "POST /v1/agents/{agent_id}/voices": "agent add-voice a1 v1",
    "PATCH /v1/agents/{agent_id}/voices/{voice_profile_id}": "agent set-voice a1 v1 --default",
    "DELETE /v1/agents/{agent_id}/voices/{voice_profile_id}": "agent remove-voice a1 v1",
    "GET /v1/api-keys": "key list",
    "POST /v1/api-keys": "key create",
    "GET /v1/api-keys/{key_id}": "key show k1",
    "PATCH /v1/api-keys/{key_id}": "key restrict k1 --anywhere",
    "DELETE /v1/api-keys/{key_id}": "key revoke k1",
    "POST /v1/api-keys/{key_id}/rotate": "key rotate k1",
    "GET /v1/calls": "calls",
    "POST /v1/calls": "call +15550100200 --no-follow",
    "GET /v1/calls/{call_id}": "call show c1",
    "GET /v1/calls/{call_id}/analytics": "call outcomes c1",
    "DELETE /v1/calls/{call_id}/content": "call erase c1",
    "POST /v1/erasures": "erase-number +15550100200",
    "POST /v1/calls/{call_id}/dtmf": "call dtmf c1 12",
    "GET /v1/calls/{call_id}/events": "call follow c1",
    "POST /v1/calls/{call_id}/hangup": "call hang-up c1",
    "POST /v1/calls/{call_id}/messages": "call message c1 hello",
    "POST /v1/calls/{call_id}/monitor": "call monitor c1",
    "POST /v1/calls/{call_id}/recording/pause": "call pause-recording c1",
    "POST /v1/calls/{call_id}/recording/resume": "call resume-recording c1",
    "GET /v1/calls/{call_id}/transfers": "call transfers c1",
    "POST /v1/calls/{call_id}/transfers": "call transfer c1 +15550100200",
    "GET /v1/calls/{call_id}/transfers/{transfer_id}": "call transfer c1 +15550100200",
    "GET /v1/health": "doctor",
    "GET /v1/numbers": "number list",
    "POST /v1/numbers": "number add +15550100777",
    "GET /v1/numbers/{number_id}": "number show n1",
    "PATCH /v1/numbers/{number_id}": "number set n1 --country US",
    "DELETE /v1/numbers/{number_id}": "number delete n1",
    "POST /v1/numbers/{number_id}/attach": "number attach n1 --agent a1",
    "DELETE /v1/numbers/{number_id}/attach": "number detach n1",
    "POST /v1/numbers/{number_id}/decision-secret/rotate": "number rotate-decision-secret n1",
    "POST /v1/numbers/sync": "number sync",
    "GET /v1/pipes": "pipe list",
    "POST /v1/pipes": "pipe create Sales --agent a1",
    "GET /v1/pipes/{pipe_id}": "pipe show p1",
    "PATCH /v1/pipes/{pipe_id}": "pipe set p1 --name P",
    "DELETE /v1/pipes/{pipe_id}": "pipe delete p1",
    "GET /v1/recordings": "recordings",
    "GET /v1/runners": "runners",
    "GET /v1/trunks": "trunk list",
    "POST /v1/trunks": "trunk create lab",
    "GET /v1/trunks/{trunk_id}": "trunk show t1",
    "PATCH /v1/trunks/{trunk_id}": "trunk set t1 --name T",
    "DELETE /v1/trunks/{trunk_id}": "trunk delete t1",
    "GET /v1/voice-profiles": "voice list",
    "GET /v1/voice-profiles/{profile_id}": "voice show v1",
    "GET /v1/webhook-endpoints": "webhook list",
    "POST /v1/webhook-endpoints": "webhook create https://example.com/hook",
    "GET /v1/webhook-endpoints/{endpoint_id}": "webhook show e1",
    "PATCH /v1/webhook-endpoints/{endpoint_id}": "webhook set e1 --disabled",
    "DELETE /v1/webhook-endpoints/{endpoint_id}": "webhook delete e1",
    "POST /v1/webhook-endpoints/{endpoint_id}/secret/rotate": "webhook rotate e1",
    "POST /v1/webhook-endpoints/{endpoint_id}/replays": "webhook replay e1 --from-sequence 1",
    "GET /v1/webhook-endpoints/{endpoint_id}/replays": "webhook replays e1",
    "GET /v1/webhook-endpoints/{endpoint_id}/replays/{replay_id}": "webhook replay-status e1 r1",
    "POST /v1/webhook-endpoints/{endpoint_id}/replays/{replay_id}/stop": "webhook stop-replay e1 r1",
    "GET /v1/webhook-endpoints/{endpoint_id}/statistics": "webhook statistics e1",
    "POST /v1/webhook-endpoints/{endpoint_id}/test": "webhook ping e1",
    "GET /v1/events": "webhook events",
    "GET /v1/events/{event_id}": "webhook event evt_1",
    "GET /v1/webhook-deliveries": "webhook deliveries",
    "GET /v1/webhook-deliveries/{delivery_id}": "webhook delivery d1",
    "POST /v1/webhook-deliveries/{delivery_id}/redeliver": "webhook redeliver d1",
    "GET /v1/workers": "workers",
    "GET /openapi.json": "webhook test e1 --secret whsec_c2VjcmV0",
}
"""The words that ask each route."""

_OUT_OF_SCOPE = "answers 501: it is out of the product's scope"
_SDKS = "the SDK's name for what another route does, which has a command"
_AGENTS = "asked by agents, with the token of their call"
_SIGNALS = "told by LiveKit or a carrier, signed"
WITHOUT = {
    r".* /v1/(analytics-blocks|analytics-results|custom-tools|domain-dictionaries|playbooks|tools)\b.*": _OUT_OF_SCOPE,
    r"POST /v1/sessions/merge": _OUT_OF_SCOPE,
    r".* /v1/telephony/.*": f"{_SDKS}: `number`, `trunk`, `account show`",
    r"GET /v1/sessions(/\{session_id\}(/analytics)?)?": f"{_SDKS}: `calls`, `call show`, `call outcomes`",
    r"POST /v1/sessions/\{session_id\}/(end|transfer)": f"{_SDKS}: `call hang-up`, `call transfer`",
    r"POST /v1/sessions/token": "asked by a customer's server for a browser that joins within a minute",
    r"GET /v1/transcripts": "`call transcript` shows a call's; `calls --export jsonl` names the calls",
    r"POST /v1/calls/\{call_id\}/cancel": "`call hang-up` cancels a call that waits, too",
    r"POST /v1/agent/voice": f"{_SDKS}: `agent create --voice-profile`, `agent add-voice`",
    r"PUT /v1/agents/\{agent_id\}": f"{_SDKS}: `agent set`",
    r"PUT /v1/numbers/\{number_id\}/attach": f"{_SDKS}: `number set --agent`",
    r"POST /v1/calls/\{call_id\}/(agent-events|agent-transfers|brain)": _AGENTS,
    r"GET /v1/calls/\{call_id\}/agent-transfers/\{transfer_id\}": _AGENTS,
    r"POST /hooks/.*": _SIGNALS,
}
"""Why a route has no command."""


def routes() -> list[str]:
    document = json.loads((ROOT / "functions/manage/openapi.json").read_text())
    return [f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods]


def reasons_of(route: str) -> list[str]:
    return [reason for pattern, reason in WITHOUT.items() if re.fullmatch(pattern, route)]


def test_every_route_has_a_command_or_a_reason() -> None:
    assert [each for each in routes() if each not in COMMANDS and len(reasons_of(each)) != 1] == []
    assert [each for each in COMMANDS if each not in routes() or reasons_of(each)] == []
    assert [pattern for pattern in WITHOUT if not any(re.fullmatch(pattern, each) for each in routes())] == []


class Anything(httpx.BaseTransport):
    """An API that takes whatever is asked, and says what was."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(f"{request.method} {request.url.path}")
        ids = {
            f"{each}_id": f"{each[0]}1" for each in ("agent", "pipe", "key", "number", "trunk", "endpoint", "profile")
        }
        state = "completed" if request.method == "GET" else "requested"
        return httpx.Response(200, json={**ids, **_CALL, "state": state})


_EXAMPLES: dict[str, Any] = {"one": {"value": {}}}
_CALL: dict[str, Any] = {
    "call_id": "c1", "status": "completed", "transfer_id": "x1", "followed_by": None, "data": [],
    "mode": "cold", "to": {"type": "sip", "config": {"number": "+15550100200"}}, "number": "+15550100777",
    "url": "https://example.com/hook",
    "webhooks": {"call.ended": {"post": {"requestBody": {"content": {"application/json": {"examples": _EXAMPLES}}}}}},
}  # fmt: skip


def asked_by(words: str, config: Path) -> list[str]:
    transport, profile = Anything(), Profile(name="one", api_url="https://api.example.com", api_key="sk_1")
    around = Surroundings(
        environ={"RINGLINE_CONFIG": str(config)},
        transport=transport,
        running_stack=lambda _environ: profile,
        sleep=lambda _seconds: None,
    )
    typed(["--json", *words.split()], around)
    return transport.asked


def matches(route: str, asked: Iterable[str]) -> bool:
    pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(route))
    return any(re.fullmatch(pattern, each) for each in asked)


@pytest.mark.parametrize(("route", "words"), COMMANDS.items())
def test_the_command_asks_its_route(route: str, words: str, tmp_path: Path) -> None:
    asked = asked_by(words, tmp_path / "config.toml")
    assert matches(route, asked), asked
