"""What the template keeps from a flood at the API: other functions' concurrency, and functions from junk."""

import pytest

from tests.template.test_rights import transformed
from tests.template.test_template import FUNCTIONS, PARAMETERS, RESOURCES

API = RESOURCES["HttpApi"]["Properties"]
OPEN_TO_ALL = {
    "/hooks/livekit",
    "/hooks/sip/{provider}",
    "/v1/calls/{call_id}/agent-events",
    "/v1/calls/{call_id}/agent-transfers",
    "/v1/calls/{call_id}/agent-transfers/{transfer_id}",
    "/v1/calls/{call_id}/brain",
}
"""Proven by signatures and tokens of their own, and read by functions of their own."""
RESERVED = {
    "ReceiveLivekitEventFunction": "CallersReservedConcurrency",
    "ReceiveSipEventFunction": "HooksReservedConcurrency",
    "DialNextFunction": "DialerReservedConcurrency",
}


def test_a_request_without_a_key_costs_no_function() -> None:
    identity = API["Auth"]["Authorizers"]["ApiKeyAuthorizer"]["Identity"]
    assert identity == {"Headers": ["Authorization"], "ReauthorizeEvery": 0}, "and a revoked key is refused at once"


def test_who_has_no_good_key_is_refused_by_the_authorizer_and_reaches_no_other_function() -> None:
    """As SAM transforms the template: a verdict of false ends the request there, and none is kept for the next."""
    (api,) = [
        each["Properties"]["Body"]
        for each in transformed().values()
        if each["Type"] == "AWS::ApiGatewayV2::Api"
        if each["Properties"].get("Body")
    ]
    told = api["components"]["securitySchemes"]["ApiKeyAuthorizer"]["x-amazon-apigateway-authorizer"]
    assert (told["type"], told["authorizerPayloadFormatVersion"]) == ("request", "2.0")
    assert told["enableSimpleResponses"] is True
    assert told["authorizerResultTtlInSeconds"] == 0, "a key that is revoked is refused from the next request on"
    assert told["identitySource"] == ["$request.header.Authorization"]
    open_to_all = set()
    for path, operations in api["paths"].items():
        for operation in operations.values():
            security = operation.get("security")
            assert security in ([{"ApiKeyAuthorizer": []}], [{"NONE": []}], None), path
            if security != [{"ApiKeyAuthorizer": []}]:
                open_to_all.add(path.rstrip("/"))
    assert open_to_all == OPEN_TO_ALL


def test_the_api_is_throttled_and_hooks_by_a_limit_of_their_own() -> None:
    assert API["DefaultRouteSettings"] == {
        "ThrottlingRateLimit": {"Ref": "ApiRequestsPerSecond"},
        "ThrottlingBurstLimit": {"Ref": "ApiBurst"},
    }
    hooks = {
        f"{event['Properties']['Method']} {event['Properties']['Path']}"
        for function in FUNCTIONS.values()
        for event in function["Properties"].get("Events", {}).values()
        if event["Type"] == "HttpApi" and event["Properties"].get("Path", "").startswith("/hooks/")
    }
    assert set(API["RouteSettings"]) == hooks
    own = {"ThrottlingRateLimit": {"Ref": "HooksPerSecond"}, "ThrottlingBurstLimit": {"Ref": "HooksBurst"}}
    assert all(settings == own for settings in API["RouteSettings"].values())


@pytest.mark.parametrize(("function", "parameter"), RESERVED.items())
def test_concurrency_is_kept_where_the_operator_says_so_and_a_new_account_deploys(
    function: str, parameter: str
) -> None:
    _, kept, else_none = FUNCTIONS[function]["Properties"]["ReservedConcurrentExecutions"]["Fn::If"]
    assert (kept, else_none) == ({"Ref": parameter}, {"Ref": "AWS::NoValue"})
    assert PARAMETERS[parameter]["Default"] == 0
