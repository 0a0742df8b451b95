"""The API's document: OpenAPI 3.1 of every route, what webhooks tell, and what each refusal means."""

import os
from collections.abc import Iterable
from http import HTTPStatus
from pathlib import Path
from typing import Any

from aws_lambda_powertools import Logger

from local.pages.openapi.examples import Examples
from local.pages.openapi.operations import operation_of, path_of, refusals_of, tag_of
from local.pages.openapi.schemas import Schemas, model_named, schemas_of
from ringline.composition.manage import Settings, compose
from ringline.resources.answers.base import Problem as ProblemDocument
from ringline.resources.answers.webhook_events import EVENTS
from ringline.resources.overview.elsewhere import ELSEWHERE
from ringline.runtime.clock import now_ms
from ringline.runtime.settings import read, variables_of
from ringline.runtime.web.problem_codes import PROBLEMS
from ringline.runtime.web.routes import Described

_DESCRIPTION = """\
Phone calls by voice agents. Every path is also served under the SDK's prefixes: `/api/v2/platform/speech`,
`/platform` and `/orchestrator`, each before `/v1`, and `/api/v2/platform` in the place of `/v1`.

Whatever is refused is answered with a problem document (RFC 9457), whose `code` is stable; `x-problem-codes` lists
them all. API Gateway itself may answer 413, 429 or 503 with a bare `message`. Moments are in UTC; ids and cursors are
opaque."""

_SCHEMES = {
    "ApiKey": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key, `sk_...`. The SDK's schemes `Token` and `JWT` are taken as well, with its header "
        "`Org-Handle`, which must name the key's account where it is sent. "
        'Without the header `Authorization` API Gateway itself answers 401 `{"message":"Unauthorized"}`, and to an '
        'address that goes on sending keys that are none 403 `{"message":"Forbidden"}`: neither is a problem document, '
        "and neither reaches the API.",
    },
    "CallToken": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The token that an agent was dispatched with. It speaks for one attempt of one call.",
    },
    "HookSignature": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "LiveKit's signed token, or a carrier's own signature, which may stand in a header of another "
        "name (docs/carriers.md).",
    },
}


def routes() -> tuple[Described, ...]:
    """Every route of the API, as `compose` of the function that serves most of them has them."""
    # Nothing is asked for: clients are made without a request.
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    names = variables_of(Settings)
    environment = {name: "http://127.0.0.1:9" if name.endswith("_URL") else "1" for name in names}
    composed = compose(
        read(Settings, environment), document=Path("openapi.json"), clock=now_ms, log=Logger(service="openapi")
    )
    return (*composed, *ELSEWHERE)


def document() -> dict[str, Any]:
    """The whole document, in an order that only changes with what it says."""
    described = sorted(routes(), key=lambda route: (tag_of(route), route.path, _rank(route.method)))
    schemas, examples = schemas_of(_models(described)), Examples()
    paths: dict[str, Any] = {}
    for route in described:
        paths.setdefault(path_of(route), {})[route.method.lower()] = operation_of(route, schemas, examples)
    refusals = {name: refusal for route in described for name, refusal in refusals_of(route)}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Ringline", "version": "1", "description": _DESCRIPTION},
        "servers": [{"url": "https://{host}", "variables": {"host": {"default": "api.example.com"}}}],
        "tags": [{"name": name} for name in sorted({tag_of(route) for route in described})],
        "paths": paths,
        "webhooks": _webhooks(schemas, examples),
        "components": {
            "schemas": schemas.components,
            "responses": {name: refusals[name] for name in sorted(refusals)},
            "securitySchemes": _SCHEMES,
        },
        "x-problem-codes": {
            code: {"status": meaning.status, "says": meaning.says} for code, meaning in sorted(PROBLEMS.items())
        },
    }


def _rank(method: str) -> int:
    return ("GET", "POST", "PUT", "PATCH", "DELETE").index(method)


def _models(described: Iterable[Described]) -> Iterable[Any]:
    for route in described:
        yield from (model_named(name) for name in (route.body, route.answer) if name is not None)
    yield from (model for _, model in EVENTS.values())
    yield ProblemDocument


def _webhooks(schemas: Schemas, examples: Examples) -> dict[str, Any]:
    return {
        event_type.value: {
            "post": {
                "operationId": f"told_{event_type.value}",
                "summary": summary,
                "description": "Signed as Standard Webhooks has it. `webhook-id` is the same at every try.",
                "security": [],
                "parameters": [
                    {"name": name, "in": "header", "required": True, "schema": {"type": "string"}}
                    for name in ("webhook-id", "webhook-timestamp", "webhook-signature")
                ],
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {
                            "schema": schemas.of(model),
                            **({"examples": shown} if (shown := examples.of_event(event_type, model)) else {}),
                        }
                    },
                },
                "responses": {
                    "2XX": {"description": "The event is taken, and not sent again"},
                    str(int(HTTPStatus.GONE)): {"description": "The endpoint is disabled"},
                    "default": {"description": "It is sent again, up to nine times in three days"},
                },
            }
        }
        for event_type, (summary, model) in EVENTS.items()
    }
