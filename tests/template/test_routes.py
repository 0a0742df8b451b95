"""Which function API Gateway sends a request to. What `ManageFunction` makes of it is told by its own router, which
tests/component/api/test_manage_routes.py holds against a list."""

import pytest

from local.aws.template import events_of, read_template
from local.tools.places import TEMPLATE
from ringline.runtime.web.api import PLATFORM_PREFIX, SDK_PREFIXES

ROUTES = {
    "POST /v1/calls": "CreateCallFunction",
    "POST /platform/v1/calls": "CreateCallFunction",
    "POST /api/v2/platform/speech/v1/calls": "CreateCallFunction",
    "POST /v1/calls/{call_id}/agent-events": "ReceiveAgentEventFunction",
    "POST /v1/calls/{call_id}/agent-transfers": "ReceiveAgentEventFunction",
    "GET /v1/calls/{call_id}/agent-transfers/{transfer_id}": "ReceiveAgentEventFunction",
    "POST /v1/calls/{call_id}/brain": "AssignBrainFunction",
    "POST /hooks/livekit": "ReceiveLivekitEventFunction",
    "POST /hooks/sip/{provider}": "ReceiveSipEventFunction",
    "ANY /v1/{proxy+}": "ManageFunction",
    "ANY /platform/v1/{proxy+}": "ManageFunction",
    "ANY /orchestrator/v1/{proxy+}": "ManageFunction",
    "ANY /api/v2/platform/speech/v1/{proxy+}": "ManageFunction",
    "ANY /api/v2/platform/{proxy+}": "ManageFunction",
    "$default": "ManageFunction",
}
_NOT_GREEDY = ("/calls", "/agent-events", "/agent-transfers", "/agent-transfers/{transfer_id}", "/brain")
TOLERATES_A_SLASH = {route for route in ROUTES if route.endswith(_NOT_GREEDY)}
"""API Gateway takes a path with a slash at its end for another one, where the path is not greedy. It makes no such
routes of the template, neither, for it keeps none that differ by that slash alone; the emulator does. On AWS such a
request comes to `ManageFunction`, which sends it on (tests/component/api/test_manage_routes.py)."""


def routes_of_the_template() -> dict[str, str]:
    return {
        f"{properties['Method']} {properties['Path']}" if "Path" in properties else "$default": function
        for function, properties in events_of(read_template(TEMPLATE), "HttpApi")
    }


def test_the_routes_are_those_of_the_list() -> None:
    with_slash = {f"{route}/": ROUTES[route] for route in TOLERATES_A_SLASH}
    assert routes_of_the_template() == ROUTES | with_slash


@pytest.mark.parametrize("prefix", ["", *map(str, SDK_PREFIXES)])
def test_each_prefix_that_the_router_knows_leads_to_management(prefix: str) -> None:
    greedy = f"{prefix}/{{proxy+}}" if prefix == PLATFORM_PREFIX else f"{prefix}/v1/{{proxy+}}"
    assert routes_of_the_template()[f"ANY {greedy}"] == "ManageFunction"
