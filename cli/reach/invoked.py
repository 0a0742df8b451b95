"""The API of any account, asked with an operator's AWS credentials: the functions behind it are invoked as API Gateway
invokes them, and told whose request it is. No key is made for it, and what is deployed answers, with all its checks."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import httpx

from cli.model.failures import NotReachable, Usage
from cli.model.profiles import Profile
from cli.reach.api import Api, Sleep, open_api
from cli.reach.deployment import Deployment

MANAGE, CREATE_CALL = "ManageFunction", "CreateCallFunction"

ASKED_BY = "console"
"""Whose key it is, for the functions' logs."""

_NO_KEY = "none"
"""Stands where a key would: no function looks at the header, only at what the authorizer told."""


@dataclass(frozen=True, slots=True)
class Invoked(httpx.BaseTransport):
    """Carries requests to functions of the deployment, `names` by their logical ids."""

    aws_lambda: Any
    names: Mapping[str, str]
    account_id: str

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        creates = request.method == "POST" and request.url.path == "/v1/calls"
        name = self.names[CREATE_CALL if creates else MANAGE]
        answer = self.aws_lambda.invoke(FunctionName=name, Payload=json.dumps(self._event(request)).encode())
        document = json.loads(answer["Payload"].read() or b"null")
        if "FunctionError" in answer or not isinstance(document, dict):
            raise NotReachable(f"The function {name}", "it failed", "Its log has the error.")
        body = str(document.get("body") or "").encode()
        if document.get("isBase64Encoded"):
            body = base64.b64decode(body)
        several = {each: values[0] for each, values in (document.get("multiValueHeaders") or {}).items()}
        headers = {**(document.get("headers") or {}), **several}
        return httpx.Response(document["statusCode"], headers=headers, content=body)

    def _event(self, request: httpx.Request) -> dict[str, Any]:
        """The request in API Gateway's payload 2.0, with the authorizer's verdict in it."""
        query = request.url.query.decode()
        event: dict[str, Any] = {
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": request.url.path,
            "rawQueryString": query,
            "headers": {name.lower(): value for name, value in request.headers.items()},
            "requestContext": {
                "authorizer": {"lambda": {"account_id": self.account_id, "key_id": ASKED_BY}},
                "http": {"method": request.method, "path": request.url.path, "sourceIp": "127.0.0.1"},
                "stage": "$default",
            },
            "isBase64Encoded": False,
        }
        if query:
            event["queryStringParameters"] = dict(parse_qsl(query))
        if request.content:
            event["body"] = request.content.decode()
        return event


def api_of_account(profile: Profile, deployment: Deployment, account_id: str, sleep: Sleep) -> Api:
    """Raises botocore's errors, and Usage where no function is known."""
    names = _names(profile, deployment)
    carried = Invoked(deployment.client("lambda"), names, account_id)
    return open_api(profile.api_url or deployment.api_url or "https://functions", _NO_KEY, carried, sleep)


def _names(profile: Profile, deployment: Deployment) -> Mapping[str, str]:
    """Functions by their logical ids."""
    if deployment.stack is not None:
        cloudformation = deployment.client("cloudformation")
        return {
            logical_id: cloudformation.describe_stack_resource(
                StackName=deployment.stack, LogicalResourceId=logical_id
            )["StackResourceDetail"]["PhysicalResourceId"]
            for logical_id in (MANAGE, CREATE_CALL)
        }
    functions = profile.on_this_machine.functions if profile.on_this_machine is not None else {}
    if not {MANAGE, CREATE_CALL} <= functions.keys():
        raise Usage("Only the account of the profile's key can be asked here: no function is known", "account")
    return functions
