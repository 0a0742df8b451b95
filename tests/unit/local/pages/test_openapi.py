"""The API's document says what the code does, of every route, and is OpenAPI."""

import json
from copy import replace
from typing import Any

import pytest
from openapi_spec_validator import validate

from local.aws.template import events_of, read_template
from local.pages.openapi.document import document, routes
from local.pages.openapi.events import events_document
from local.pages.openapi.examples import ENDED_CALL, WAITING_CALL
from local.pages.openapi.files import SERVED, files_of
from local.pages.openapi.operations import codes_of, operation_id, path_of
from local.pages.openapi.schemas import model_named
from local.tools.places import TEMPLATE
from ringline.calls.model.call import State
from ringline.calls.views.listing import FILTERS, PAGING
from ringline.calls.views.payload import draft_of
from ringline.resources.answers.queries import CallFilters, Query, RecordingFilters, TranscriptFilters
from ringline.resources.answers.webhook_events import EVENTS
from ringline.resources.overview.elsewhere import ELSEWHERE
from ringline.runtime.web.problem_codes import PROBLEMS
from ringline.runtime.web.routes import Described
from ringline.webhooks.model import event as events
from ringline.webhooks.model.event_type import MEANT_BY, EventType
from tests.builders import a_transfer

ROUTES = routes()


@pytest.fixture(scope="module")
def written() -> dict[str, Any]:
    return document()


def named(route: Described) -> str:
    return f"{route.method} {route.path}"


def test_the_files_are_what_the_code_says(written: dict[str, Any]) -> None:
    for path, text in files_of(written, events_document()).items():
        assert path.read_text() == text, f"{path.name}: run `make openapi`"


def test_the_document_is_openapi(written: dict[str, Any]) -> None:
    assert written["openapi"] == "3.1.0"
    validate(written)


def test_the_copy_that_is_served_fits_in_an_answer() -> None:
    assert SERVED.stat().st_size < 1024 * 1024


@pytest.mark.parametrize("route", ROUTES, ids=named)
def test_a_route_says_what_it_does_and_what_it_answers(route: Described) -> None:
    assert route.summary
    assert not route.summary.endswith(".")
    assert route.answer is not None or route.status in {204, 501} or route.path == "/openapi.json"


@pytest.mark.parametrize("route", ROUTES, ids=named)
def test_a_route_refuses_with_codes_that_are_explained(route: Described) -> None:
    assert set(codes_of(route)) <= set(PROBLEMS)


def test_every_route_is_there_once(written: dict[str, Any]) -> None:
    there = {(method.upper(), path) for path, operations in written["paths"].items() for method in operations}
    assert there == {(route.method, path_of(route)) for route in ROUTES}
    assert len({operation_id(route) for route in ROUTES}) == len(ROUTES)


def test_no_two_models_have_one_name(written: dict[str, Any]) -> None:
    assert [name for name in written["components"]["schemas"] if "__" in name] == []


def test_routes_of_other_functions_are_those_of_the_template() -> None:
    own = {
        f"{properties['Method']} {properties['Path']}"
        for function, properties in events_of(read_template(TEMPLATE), "HttpApi")
        if function != "ManageFunction"
    }
    under_no_prefix = {each for each in own if " /v1/" in each or " /hooks/" in each}
    described = {f"{route.method} {path_of(route)}" for route in ELSEWHERE}
    assert described == {each.removesuffix("/") for each in under_no_prefix}


def test_the_parameters_of_lists_are_those_that_they_know() -> None:
    known = PAGING | FILTERS | {"metadata"}
    assert set(CallFilters.model_fields) == known
    assert set(TranscriptFilters.model_fields) == known
    assert set(RecordingFilters.model_fields) == known | {"call_id"}


@pytest.mark.parametrize("route", [route for route in ROUTES if route.query], ids=named)
def test_a_parameter_says_what_it_is(route: Described) -> None:
    model = model_named(route.query or "")
    assert issubclass(model, Query)
    assert all(field.description for field in model.model_fields.values())


OF_NO_CALL: dict[EventType, dict[str, Any]] = {
    EventType.ENDPOINT_DISABLED: {
        "endpoint_id": "ep_1",
        "url": "https://example.com/hook",
        "disabled_reason": "answered 410 Gone",
        "failing_since": None,
    },
    EventType.ENDPOINT_FAILING: {
        "endpoint_id": "ep_1",
        "url": "https://example.com/hook",
        "failing_since": "2026-11-21T02:09:00.123Z",
        "percent": 70,
        "disabled_at": "2026-11-26T02:09:00.123Z",
    },
    EventType.ACCOUNT_LIMIT_REACHED: {
        "limit": "waiting_calls",
        "cap": 10_000,
        "window_began_at": "2026-11-21T02:00:00.000Z",
        "window_ends_at": "2026-11-21T03:00:00.000Z",
    },
    EventType.TEST_PING: {"endpoint_id": "ep_1"},
}


def test_every_event_is_told_as_its_model_says() -> None:
    assert set(EVENTS) == set(EventType)
    assert WAITING_CALL.state is State.QUEUED
    handed_over = replace(ENDED_CALL, transfers=(a_transfer(),))
    for event_type, (_, model) in EVENTS.items():
        draft = draft_of(event_type, handed_over, 1)
        if event_type in OF_NO_CALL:
            draft = replace(draft, call_id=None, data=OF_NO_CALL[event_type])
        event = events.written(draft, 7, "2026-11-21T02:09:00.123Z", 0)
        for name in (event_type, *(name for name, meant in MEANT_BY.items() if meant is event_type)):
            assert model.model_validate_json(event.body_as(name)).model_dump(mode="json")["type"] == name


def test_examples_are_shown(written: dict[str, Any]) -> None:
    create = written["paths"]["/v1/calls"]["post"]
    assert "by_pipe" in create["requestBody"]["content"]["application/json"]["examples"]
    assert create["responses"]["201"]["content"]["application/json"]["examples"]
    assert json.dumps(written).count('"examples"') > 10
