"""GET /v1/health: which release this is and what it can reach, for everybody and cheap."""

import json
from types import ModuleType
from typing import Any

import pytest

from ringline.calls.tables.livekit_rest import LivekitRest
from ringline.runtime.clock import now_ms
from ringline.runtime.rows import SCHEMA
from ringline.version import VERSION
from tests.builders import a_call
from tests.component.one_table import LocalAws, load_handler
from tests.fakes import CONTEXT
from tests.sample_events import event_of

_SECRET = "a-secret-of-more-than-32-characters"


@pytest.fixture
def manage(local: LocalAws) -> ModuleType:
    environment = {
        "DOORBELL_QUEUE_URL": local.queue_url,
        "LIVEKIT_URL": "http://127.0.0.1:9",
        "LIVEKIT_API_KEY": "devkey",
        "LIVEKIT_API_SECRET": _SECRET,
    }
    return load_handler("manage", environment)


def health(manage: ModuleType) -> tuple[int, dict[str, Any], str]:
    answer = asked(manage)
    return answer["statusCode"], json.loads(answer["body"]), answer["body"]


def asked(manage: ModuleType) -> dict[str, Any]:
    """As by somebody who has no key at all."""
    event = event_of("manage", "no_such_route") | {"rawPath": "/v1/health"}
    event["requestContext"] = {**event["requestContext"], "authorizer": {}}
    event["requestContext"]["http"] = {**event["requestContext"]["http"], "method": "GET", "path": "/v1/health"}
    answer: dict[str, Any] = manage.lambda_handler(event, CONTEXT)
    return answer


def test_it_tells_the_release_and_no_secret(manage: ModuleType) -> None:
    status, told, text = health(manage)
    known = {"version": VERSION, "row_schema": SCHEMA, "table": "reached", "livekit": "reached"}
    assert (status, told) == (200, {"status": "ok", **known})
    assert _SECRET not in text and "devkey" not in text


def test_a_livekit_that_took_no_dials_is_told_and_is_no_failure_of_ours(manage: ModuleType, local: LocalAws) -> None:
    rest, now = LivekitRest(local.dynamodb, local.table_name), now_ms()
    for moment in (now, now + 1000):
        rest.was_away(a_call(), moment)
    status, told, _ = health(manage)
    assert (status, told["livekit"]) == (200, "away")


def test_without_its_table_it_says_that_it_fails(manage: ModuleType, local: LocalAws) -> None:
    local.dynamodb.delete_table(TableName=local.table_name)
    status, told, _ = health(manage)
    assert (status, told["status"], told["table"], told["livekit"]) == (503, "failing", "away", "unknown")
    assert asked(manage)["headers"]["retry-after"] == "1"
