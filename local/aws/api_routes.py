"""Makes an HTTP API's routes where the emulator has not: SAM writes them into an OpenAPI body that the emulator passes
over, so that every request would be answered 404. On AWS API Gateway reads the same body."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_ACCOUNT_ID = "000000000000"
_ANY_METHOD = "x-amazon-apigateway-any-method"
_INTEGRATION = "x-amazon-apigateway-integration"
_ARN_OF = re.compile(r"\$\{(\w+)\.Arn\}")


@dataclass(frozen=True, slots=True)
class _Route:
    """One route of the body: its key (`POST /v1/calls`, `$default`), its function and its authorizer's name, if any."""

    key: str
    function: str
    payload_version: str
    authorizer: str | None


def make(stack_name: str, names: Mapping[str, str], cloudformation: Any, gateway: Any) -> int:
    """Makes the authorizers, integrations and routes of a deployed stack's HttpApi anew and returns the number of
    routes it then has. `names` maps logical ids to the deployed names."""
    body = _body(stack_name, cloudformation)
    api_id = names["HttpApi"]
    _clear(api_id, gateway)
    authorizers = {
        name: _make_authorizer(api_id, name, scheme["x-amazon-apigateway-authorizer"], names, gateway)
        for name, scheme in body.get("components", {}).get("securitySchemes", {}).items()
    }
    integrations: dict[tuple[str, str], str] = {}
    for route in _routes(body):
        target = (route.function, route.payload_version)
        if target not in integrations:
            integrations[target] = _make_integration(api_id, *target, names, gateway)
        secured = (
            {"AuthorizationType": "CUSTOM", "AuthorizerId": authorizers[route.authorizer]} if route.authorizer else {}
        )
        gateway.create_route(ApiId=api_id, RouteKey=route.key, Target=f"integrations/{integrations[target]}", **secured)
    return len(gateway.get_routes(ApiId=api_id)["Items"])


def _body(stack_name: str, cloudformation: Any) -> dict[str, Any]:
    processed = cloudformation.get_template(StackName=stack_name, TemplateStage="Processed")["TemplateBody"]
    template = processed if isinstance(processed, dict) else json.loads(processed)
    body: dict[str, Any] = template["Resources"]["HttpApi"]["Properties"]["Body"]
    return body


def _routes(body: Mapping[str, Any]) -> list[_Route]:
    return [
        _Route(
            key=path if path == "$default" else f"{'ANY' if method == _ANY_METHOD else method.upper()} {path}",
            function=_function_of(operation[_INTEGRATION]["uri"]),
            payload_version=operation[_INTEGRATION]["payloadFormatVersion"],
            authorizer=next((name for each in operation.get("security", []) for name in each if name != "NONE"), None),
        )
        for path, operations in body["paths"].items()
        for method, operation in operations.items()
    ]


def _function_of(uri: Mapping[str, Any]) -> str:
    """The logical id of the function that a URI invokes, in either form that SAM writes it."""
    substituted = uri["Fn::Sub"]
    if isinstance(substituted, list):
        return str(substituted[1]["__FunctionArn__"]["Fn::GetAtt"][0])
    found = _ARN_OF.search(substituted)
    if found is None:
        raise ValueError(f"no function in {substituted}")
    return found[1]


def _function_arn(function: str, names: Mapping[str, str], gateway: Any) -> str:
    return f"arn:aws:lambda:{gateway.meta.region_name}:{_ACCOUNT_ID}:function:{names[function]}"


def _make_authorizer(api_id: str, name: str, scheme: Mapping[str, Any], names: Mapping[str, str], gateway: Any) -> str:
    made = gateway.create_authorizer(
        ApiId=api_id,
        Name=name,
        AuthorizerType="REQUEST",
        AuthorizerUri=_function_arn(_function_of(scheme["authorizerUri"]), names, gateway),
        AuthorizerPayloadFormatVersion=scheme["authorizerPayloadFormatVersion"],
        AuthorizerResultTtlInSeconds=scheme.get("authorizerResultTtlInSeconds", 0),
        EnableSimpleResponses=scheme.get("enableSimpleResponses", False),
        IdentitySource=scheme.get("identitySource", []),
    )
    return str(made["AuthorizerId"])


def _make_integration(api_id: str, function: str, version: str, names: Mapping[str, str], gateway: Any) -> str:
    made = gateway.create_integration(
        ApiId=api_id,
        IntegrationType="AWS_PROXY",
        IntegrationUri=_function_arn(function, names, gateway),
        PayloadFormatVersion=version,
    )
    return str(made["IntegrationId"])


def _clear(api_id: str, gateway: Any) -> None:
    for route in gateway.get_routes(ApiId=api_id)["Items"]:
        gateway.delete_route(ApiId=api_id, RouteId=route["RouteId"])
    for integration in gateway.get_integrations(ApiId=api_id)["Items"]:
        gateway.delete_integration(ApiId=api_id, IntegrationId=integration["IntegrationId"])
    for authorizer in gateway.get_authorizers(ApiId=api_id)["Items"]:
        gateway.delete_authorizer(ApiId=api_id, AuthorizerId=authorizer["AuthorizerId"])
