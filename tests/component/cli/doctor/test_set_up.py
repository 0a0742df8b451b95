"""What the doctor finds of what an account has set up: pipes, and the numbers that they call from or are called by."""

from typing import Any

import httpx
import pytest

from cli.doctor.check import Finding, Result, run_all
from cli.doctor.of_api import checks_of_api
from cli.reach.api import open_api

NOBODYS = {"number": "+15550100001", "connection_state": "LINKED"}
NOT_LINKED = {"number": "+15550100002", "agent_id": "desk", "connection_state": "ERROR"}
PIPE = {"pipe_id": "support", "agent_id": "desk"}
AGENT = {"agent_id": "desk"}


def found(name: str, **lists: list[dict[str, Any]]) -> Finding:
    """What one check finds where the API lists this."""

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"data": lists.get(request.url.path.removeprefix("/v1/"), [])})

    api = open_api("https://api.example.com", "sk_1", httpx.MockTransport(answer), lambda _seconds: None)
    (finding,) = run_all([each for each in checks_of_api(api, lambda: 0) if each.name == name])
    return finding


def test_a_number_that_leads_to_nobody_hides_none_that_livekit_refuses() -> None:
    finding = found("numbers", numbers=[NOBODYS, NOT_LINKED])
    assert finding.result is Result.FAIL and "+15550100002" in finding.says and "number sync" in finding.remedy
    assert found("numbers", numbers=[NOBODYS]).result is Result.WARN


@pytest.mark.parametrize(
    ("pipe", "agent", "result"),
    [
        (PIPE, AGENT, Result.WARN),
        (PIPE, {"agent_id": "another", "number": "+15550100003"}, Result.WARN),
        (PIPE, AGENT | {"number": "+15550100003"}, Result.OK),
        (PIPE | {"number": "+15550100003"}, AGENT, Result.OK),
        (PIPE | {"caller_ids": ["+15550100003"]}, AGENT, Result.OK),
    ],
)
def test_a_pipe_whose_agent_has_a_number_calls_from_it(
    pipe: dict[str, Any], agent: dict[str, Any], result: Result
) -> None:
    finding = found("pipes", pipes=[pipe], agents=[agent])
    assert finding.result is result
    if result is Result.WARN:
        assert "their calls may have to name one" in finding.says
