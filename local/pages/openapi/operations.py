"""A route as an operation of the document."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from local.pages.openapi.examples import Examples
from local.pages.openapi.schemas import Schemas, model_named, parameters_of, plain_reference
from ringline.runtime.web.problem_codes import PROBLEMS
from ringline.runtime.web.routes import Described

type Operation = dict[str, Any]

_PARAMETER = re.compile(r"<(\w+)>")

_OF_PROOF: Mapping[str, tuple[str, ...]] = {
    "api_key": (
        "missing_api_key",
        "invalid_api_key",
        "org_mismatch",
        "address_not_allowed",
        "scope_missing",
        "rate_limited",
    ),
    "call_token": ("invalid_token",),
    "livekit": ("not_livekit",),
    "carrier": ("not_the_carrier",),
    "none": (),
}
_SCHEMES: Mapping[str, str] = {
    "api_key": "ApiKey",
    "call_token": "CallToken",
    "livekit": "HookSignature",
    "carrier": "HookSignature",
}
_OF_A_BODY = (
    "unreadable_body",
    "body_not_json",
    "body_not_an_object",
    "body_too_deep",
    "body_too_large",
    "invalid_request",
)
_OF_A_QUERY = ("invalid_request",)

COMMON_CODES = frozenset(
    {*(code for codes in _OF_PROOF.values() for code in codes), *_OF_A_BODY, "no_such_route", "internal_error"}
)
"""What no route needs to name for itself."""

_WORDS_OF_A_PATH = {"call_id": "The call's id", "session_id": "The session's id, or that of its call"}

_WITHOUT_BODY = {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}

_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key with the same body is the same call, for 24 hours",
    "schema": {"type": "string", "pattern": "^[\\x21-\\x7e]{1,255}$"},
}
_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "description": "The revision that is to be changed, as its `ETag` says; refused if it is another by now",
    "schema": {"type": "string", "pattern": '^(\\*|"?[0-9]{1,15}"?)$'},
}
_ETAG = {"ETag": {"description": "The revision, in quotation marks", "schema": {"type": "string"}}}


def path_of(route: Described) -> str:
    return _PARAMETER.sub(r"{\1}", route.path)


def tag_of(route: Described) -> str:
    """What the route is about: the first word of its path that is no version."""
    parts = [part for part in route.path.split("/") if part not in {"", "v1"} and not part.startswith("<")]
    return parts[0].removesuffix(".json")


def operation_id(route: Described) -> str:
    words = re.findall(r"[A-Za-z0-9]+", route.path.removeprefix("/v1/"))
    return "_".join([route.method.lower(), *words])


def codes_of(route: Described) -> list[str]:
    """Every code that the route may refuse with."""
    codes = [*_OF_PROOF[route.proof]]
    codes += _OF_A_BODY if route.body else ()
    codes += _OF_A_QUERY if route.query else ()
    codes += ("no_such_route",) if "<" in route.path else ()
    codes += ("revision_conflict",) if is_conditional(route) else ()
    codes += route.problems
    codes += () if route.proof in {"livekit", "carrier"} else ("internal_error",)
    return list(dict.fromkeys(codes))


def is_conditional(route: Described) -> bool:
    return route.has_revision and route.method in {"PATCH", "PUT", "DELETE"}


def operation_of(route: Described, schemas: Schemas, examples: Examples) -> Operation:
    operation: Operation = {
        "operationId": operation_id(route),
        "tags": [tag_of(route)],
        "summary": route.summary,
        "security": [{_SCHEMES[route.proof]: _roles(route)}] if route.proof in _SCHEMES else [],
    }
    if parameters := [*_path_parameters(route), *_query_parameters(route), *_header_parameters(route)]:
        operation["parameters"] = parameters
    if route.body is not None:
        model = model_named(route.body)
        content: dict[str, Any] = {"schema": schemas.of(model)}
        if bodies := examples.of_body(route, model):
            content["examples"] = bodies
        operation["requestBody"] = {"required": True, "content": {"application/json": content}}
    elif route.proof in {"livekit", "carrier"}:
        operation["requestBody"] = {"required": True, "content": {"*/*": {"schema": {}}}}
    operation["responses"] = _responses(route, schemas, examples)
    return operation


def _roles(route: Described) -> list[str]:
    """What an API key with scopes needs, as roles (OpenAPI 3.1, security requirement object)."""
    return [route.scope.value] if route.proof == "api_key" else []


def _path_parameters(route: Described) -> Iterable[dict[str, Any]]:
    for name in _PARAMETER.findall(route.path):
        description = _WORDS_OF_A_PATH.get(name, f"Which {name.removesuffix('_id').replace('_', ' ')}")
        yield {
            "name": name,
            "in": "path",
            "required": True,
            "description": description,
            "schema": {"type": "string", "minLength": 1},
        }


def _query_parameters(route: Described) -> list[dict[str, Any]]:
    return [] if route.query is None else parameters_of(model_named(route.query))


def _header_parameters(route: Described) -> Iterable[dict[str, Any]]:
    if "idempotency_key_reused" in route.problems:
        yield _IDEMPOTENCY_KEY
    if is_conditional(route):
        yield _IF_MATCH


def _responses(route: Described, schemas: Schemas, examples: Examples) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status in filter(None, (route.status, route.other_status)):
        if status < HTTPStatus.BAD_REQUEST:
            responses[str(status)] = _answer(route, status, schemas, examples)
    for status, codes in _codes_by_status(route):
        responses[str(status)] = {"$ref": f"#/components/responses/{_refusal_name(codes)}"}
    return responses


def refusals_of(route: Described) -> Iterable[tuple[str, dict[str, Any]]]:
    """The refusals that the route refers to, by their names in the document. Many routes share most of theirs."""
    for _, codes in _codes_by_status(route):
        yield _refusal_name(codes), _refusal(codes)


def _codes_by_status(route: Described) -> list[tuple[int, list[str]]]:
    of_status: dict[int, list[str]] = defaultdict(list)
    for code in codes_of(route):
        of_status[PROBLEMS[code].status].append(code)
    return sorted(of_status.items())


def _refusal_name(codes: list[str]) -> str:
    return "-".join(codes)


def _answer(route: Described, status: int, schemas: Schemas, examples: Examples) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": HTTPStatus(status).phrase}
    if route.has_revision and status != HTTPStatus.NO_CONTENT:
        answer["headers"] = _ETAG
    if route.answer is not None:
        model = model_named(route.answer)
        content: dict[str, Any] = {"schema": schemas.of(model)}
        if shown := examples.of_answer(model):
            content["examples"] = shown
        answer["description"] = (model.__doc__ or answer["description"]).strip().replace("\n    ", " ")
        answer["content"] = {"application/json": content}
    elif status not in _WITHOUT_BODY:
        answer["content"] = {"application/json": {"schema": {"type": "object"}}}
    return answer


def _refusal(codes: list[str]) -> dict[str, Any]:
    schema = {"allOf": [plain_reference("Problem"), {"type": "object", "properties": {"code": {"enum": codes}}}]}
    return {
        "description": " ".join(f"`{code}`: {PROBLEMS[code].says}" for code in codes),
        "content": {"application/problem+json": {"schema": schema}},
    }
