"""Holds every answer of a function against what its routes say of it: the model of the answer, strictly, and the codes
that the route may refuse with."""

import json
import re
from collections.abc import Callable, Iterable
from typing import Any

from local.pages.openapi.operations import codes_of
from local.pages.openapi.schemas import model_named
from ringline.resources.answers.base import Problem
from ringline.resources.overview.elsewhere import ELSEWHERE
from ringline.runtime.web.api import SDK_PREFIXES, versioned
from ringline.runtime.web.routes import Described

type Handler = Callable[[dict[str, Any], Any], dict[str, Any]]

_TRANSFERS = "/v1/calls/<call_id>/agent-transfers"
_SERVED_BY = {
    "create_call": {"/v1/calls"},
    "receive_agent_event": {"/v1/calls/<call_id>/agent-events", _TRANSFERS, f"{_TRANSFERS}/<transfer_id>"},
    "assign_brain": {"/v1/calls/<call_id>/brain"},
    "receive_livekit_event": {"/hooks/livekit"},
    "receive_sip_event": {"/hooks/sip/<provider>"},
}


def hold_to_models(function: str, handler: Any) -> None:
    """Has the handler's module fail where it answers something else than its routes say."""
    if function in _SERVED_BY:
        handler.lambda_handler = _held(
            handler.lambda_handler, [route for route in ELSEWHERE if route.path in _SERVED_BY[function]]
        )
    elif function == "manage":
        handler.lambda_handler = _held(handler.lambda_handler, handler.routes)


def _held(answer: Handler, routes: Iterable[Described]) -> Handler:
    known = [(route, re.compile(re.sub(r"<\w+>", "[^/]+", route.path))) for route in routes]

    def answer_held(event: dict[str, Any], context: Any) -> dict[str, Any]:
        answered = answer(event, context)
        route = _route_of(event, known)
        if route is not None:
            hold(route, answered)
        return answered

    return answer_held


def _route_of(event: dict[str, Any], known: list[tuple[Described, re.Pattern[str]]]) -> Described | None:
    path = versioned(event.get("rawPath") or "/")
    for prefix in SDK_PREFIXES:
        path = path.removeprefix(str(prefix))
    method = event.get("requestContext", {}).get("http", {}).get("method")
    return next((route for route, whole in known if route.method == method and whole.fullmatch(path)), None)


def hold(route: Described, answered: dict[str, Any]) -> None:
    """Raises AssertionError, or pydantic's ValidationError, for an answer that the route does not say."""
    status, body = answered["statusCode"], answered.get("body") or ""
    if status in {route.status, route.other_status}:
        if route.answer is not None:
            model_named(route.answer).model_validate_json(body)
        return
    problem = Problem.model_validate_json(body)
    allowed = {*codes_of(route), "internal_error"}
    assert problem.code in allowed, f"{route.method} {route.path} does not say that it refuses with {problem.code}"
    assert json.loads(body)["status"] == status
