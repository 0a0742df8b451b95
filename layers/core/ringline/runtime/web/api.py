"""The one router's front doors: the SDK's prefixes and our own short one lead to the same routes, and every refusal is
a problem document."""

import json
import re
from collections.abc import Mapping
from re import Pattern
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response

from ringline.runtime.items import Contended
from ringline.runtime.metrics import count_failure
from ringline.runtime.web.http import context_in
from ringline.runtime.web.problems import Problem
from ringline.runtime.web.rate_limit import rate_headers

PLATFORM_PREFIX = "/api/v2/platform"
"""What stands before the SDK's paths of voice profiles and telephony, which have no `/v1`: a route of ours has one."""

# What stands before `/v1/...` in the SDK's paths, the longer of two first; older SDKs used the third (docs/sdk.md).
SDK_PREFIXES: list[str | Pattern[str]] = [
    f"{PLATFORM_PREFIX}/speech",
    PLATFORM_PREFIX,
    "/platform",
    "/orchestrator",
]
_WITHOUT_VERSION = re.compile(rf"{PLATFORM_PREFIX}/(?=(?:voice-profiles|telephony)(?:/|$))")


def json_response(status: int, body: Any, headers: Mapping[str, str] | None = None) -> Response[str]:
    return Response(status, "application/json", _dumped(body), dict(headers or {}))


def problem_response(problem: Problem) -> Response[str]:
    return Response(problem.status, "application/problem+json", _dumped(problem.body()), dict(problem.headers))


def _dumped(body: Any) -> str:
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False)


def make_api(logger: Logger) -> APIGatewayHttpResolver:
    """A resolver that answers Problem as its document and anything unforeseen as a 500 that names nothing inside."""
    api = APIGatewayHttpResolver(strip_prefixes=SDK_PREFIXES)

    def refuse(problem: Problem) -> Response[str]:
        logger.info("request refused", extra={"code": problem.code, "status": problem.status})
        return problem_response(problem)

    def fail(_error: Exception) -> Response[str]:
        logger.exception("request failed")
        count_failure(logger)
        return problem_response(
            Problem(500, "internal_error", "Something failed on our side; the request can be sent again")
        )

    def contended(_error: Exception) -> Response[str]:
        return refuse(Problem(503, "contended", "Too many changes came at once; ask again"))

    def unrouted(_error: Exception) -> Response[str]:
        return problem_response(Problem(404, "no_such_route", "There is nothing at this path"))

    api.exception_handler(Exception)(fail)
    api.exception_handler(Problem)(refuse)
    api.exception_handler(Contended)(contended)
    api.not_found(unrouted)
    return api


def serve(api: APIGatewayHttpResolver, event: dict[str, Any], context: Any) -> dict[str, Any]:
    """The answer to one API Gateway event, with what is left of its key's requests. A slash at the end of its path is
    tolerated, and so are the SDK's paths without a version."""
    answer = api.resolve({**event, "rawPath": versioned(event.get("rawPath") or "/")}, context)
    # An answer without a body has an empty one: not everything that stands for API Gateway takes a null.
    headers = rate_headers(context_in(event)) | answer.get("headers", {})
    return answer | {"headers": headers, "body": answer.get("body") or ""}


def versioned(path: str) -> str:
    """A path with its version, and without a slash at its end."""
    return _WITHOUT_VERSION.sub(f"{PLATFORM_PREFIX}/v1/", path).rstrip("/") or "/"
