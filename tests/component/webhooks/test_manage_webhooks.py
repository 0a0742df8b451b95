"""The webhook endpoints' API, event by event."""

import json
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

from ringline.webhooks.manage import MAX_ENDPOINTS
from ringline.webhooks.store import EndpointStore
from tests.component.one_table import LocalAws, load_handler, local_aws, log_of
from tests.fakes import CONTEXT
from tests.sample_events import event_of

ACCOUNT = "acct_0a1b2c3d"

NOT_NEEDED = {
    "DOORBELL_QUEUE_URL": "http://127.0.0.1:9/doorbells",
    "LIVEKIT_URL": "http://127.0.0.1:9",
    "LIVEKIT_API_KEY": "devkey",
    "LIVEKIT_API_SECRET": "a-secret-of-more-than-32-characters",
}

type Ask = Callable[..., tuple[int, Any]]


def load_manage(**environment: str) -> ModuleType:
    return load_handler("manage", NOT_NEEDED | environment)


@pytest.fixture
def aws() -> Iterator[LocalAws]:
    with local_aws() as aws:
        yield aws


@pytest.fixture
def ask(aws: LocalAws) -> Ask:
    """Sends one of the function's events and gives status and document of the answer."""
    handler = load_manage()

    def send(
        case: str, *, body: Any = ..., endpoint_id: str | None = None, account_id: str = ACCOUNT
    ) -> tuple[int, Any]:
        event = event_of("manage", case)
        event["requestContext"]["authorizer"]["lambda"]["account_id"] = account_id
        if body is not ...:
            event["body"] = body if isinstance(body, str) else json.dumps(body)
        if endpoint_id is not None:
            event["rawPath"] = event["requestContext"]["http"]["path"] = f"/v1/webhook-endpoints/{endpoint_id}"
        answer = handler.lambda_handler(event, CONTEXT)
        return answer["statusCode"], json.loads(answer["body"]) if answer.get("body") else None

    return send


def test_a_new_endpoint_shows_its_secret_once(ask: Ask) -> None:
    status, created = ask("create_endpoint")
    assert status == 201
    assert (created["url"], created["event_types"]) == (
        "https://hooks.example.com/ringline",
        ["call_active", "call_end"],
    )
    assert created["secret"].startswith("whsec_")
    _, read = ask("get_endpoint", endpoint_id=created["endpoint_id"])
    assert read == {name: value for name, value in created.items() if name != "secret"}


def test_by_default_an_endpoint_is_told_the_end_of_each_call(ask: Ask) -> None:
    _, created = ask("create_endpoint", body={"url": "https://hooks.example.com/"})
    assert created["event_types"] == ["call_end"]


def test_the_list_has_the_sdks_envelope_and_no_secrets(ask: Ask) -> None:
    _, created = ask("create_endpoint")
    status, listed = ask("list_endpoints")
    assert (status, listed["status_code"], listed["pagination"]) == (200, 200, {"next_cursor": None, "has_more": False})
    assert [each["endpoint_id"] for each in listed["data"]] == [created["endpoint_id"]]
    assert created["secret"] not in json.dumps(listed)


def test_a_change_keeps_what_it_does_not_name(ask: Ask) -> None:
    _, created = ask("create_endpoint")
    status, changed = ask("change_endpoint", endpoint_id=created["endpoint_id"])
    assert status == 200
    assert (changed["event_types"], changed["disabled"]) == (["call_end"], True)
    assert (changed["url"], changed["description"]) == (created["url"], "CRM")
    _, enabled = ask(
        "change_endpoint", body={"disabled": False, "description": None}, endpoint_id=created["endpoint_id"]
    )
    assert (enabled["disabled"], enabled["disabled_at"], enabled["disabled_reason"]) == (False, None, None)
    assert enabled["description"] is None


def test_a_change_leaves_the_secret_as_it_is(ask: Ask, aws: LocalAws) -> None:
    _, created = ask("create_endpoint")
    ask("change_endpoint", endpoint_id=created["endpoint_id"])
    kept = EndpointStore(aws.dynamodb, aws.table_name).endpoint(ACCOUNT, created["endpoint_id"])
    assert kept is not None and kept.secrets == (created["secret"],)


def test_a_deleted_endpoint_is_gone(ask: Ask) -> None:
    _, created = ask("create_endpoint")
    assert ask("delete_endpoint", endpoint_id=created["endpoint_id"]) == (204, None)
    status, problem = ask("delete_endpoint", endpoint_id=created["endpoint_id"])
    assert (status, problem["code"]) == (404, "endpoint_not_found")


@pytest.mark.parametrize("case", ["get_endpoint", "change_endpoint", "delete_endpoint"])
def test_another_accounts_endpoint_is_not_found(ask: Ask, case: str, aws: LocalAws) -> None:
    _, created = ask("create_endpoint")
    before = aws.items()
    status, problem = ask(case, endpoint_id=created["endpoint_id"], account_id="acct_other")
    assert (status, problem["code"]) == (404, "endpoint_not_found")
    assert aws.items() == before


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "url"),
        ({"url": 7}, "url"),
        ({"url": "hooks.example.com"}, "url"),
        ({"url": "http://hooks.example.com/"}, "url"),
        ({"url": "https://127.0.0.1/"}, "url"),
        ({"url": "https://[::ffff:169.254.169.254]/"}, "url"),
        ({"url": "https://user:secret@hooks.example.com/"}, "url"),
        ({"url": "https://hooks.example.com/", "event_types": ["call_sneezed"]}, "event_types.0"),
        ({"url": "https://hooks.example.com/", "event_types": []}, "event_types"),
        ({"url": "https://hooks.example.com/", "event_types": "call_end"}, "event_types"),
        ({"url": "https://hooks.example.com/", "description": "x" * 201}, "description"),
        ({"url": "https://hooks.example.com/", "secret": "whsec_mine"}, "secret"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_written(
    ask: Ask, aws: LocalAws, body: dict[str, Any], field: str
) -> None:
    status, problem = ask("create_endpoint", body=body)
    assert (status, problem["code"], problem["errors"][0]["field"]) == (422, "invalid_request", field)
    assert aws.items() == []


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [("{", 400, "body_not_json"), ("[]", 400, "body_not_an_object"), ('"' + "x" * 70_000 + '"', 413, "body_too_large")],
)
def test_a_body_that_is_none_is_refused(ask: Ask, aws: LocalAws, body: str, status: int, code: str) -> None:
    answer_status, problem = ask("create_endpoint", body=body)
    assert (answer_status, problem["code"]) == (status, code)
    assert aws.items() == []


def test_a_change_checks_its_url_too(ask: Ask) -> None:
    _, created = ask("create_endpoint")
    status, problem = ask("change_endpoint", body={"url": "https://10.0.0.1/"}, endpoint_id=created["endpoint_id"])
    assert (status, problem["errors"][0]["field"]) == (422, "url")
    assert ask("get_endpoint", endpoint_id=created["endpoint_id"])[1]["url"] == created["url"]


def test_doubled_event_types_count_once(ask: Ask) -> None:
    body = {"url": "https://hooks.example.com/", "event_types": ["call_end", "call_end"]}
    assert ask("create_endpoint", body=body)[1]["event_types"] == ["call_end"]


def test_an_account_has_a_bounded_number_of_endpoints(ask: Ask) -> None:
    for _ in range(MAX_ENDPOINTS):
        assert ask("create_endpoint")[0] == 201
    status, problem = ask("create_endpoint")
    assert (status, problem["code"]) == (409, "too_many_endpoints")
    assert ask("create_endpoint", account_id="acct_other")[0] == 201


def test_without_a_good_key_nothing_is_done(aws: LocalAws) -> None:
    event = event_of("manage", "create_endpoint")
    event["requestContext"]["authorizer"]["lambda"] = {"refusal": "invalid_key"}
    answer = load_manage().lambda_handler(event, CONTEXT)
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (401, "invalid_api_key")
    assert aws.items() == []


def test_the_one_machine_stack_may_call_itself(aws: LocalAws) -> None:
    handler = load_manage(ALLOW_PRIVATE_WEBHOOKS="true")
    event = event_of("manage", "create_endpoint") | {"body": json.dumps({"url": "http://127.0.0.1:9000/hook"})}
    assert handler.lambda_handler(event, CONTEXT)["statusCode"] == 201


def test_no_secret_is_ever_logged(aws: LocalAws) -> None:
    handler = load_manage()
    with log_of("manage") as log:
        answer = handler.lambda_handler(event_of("manage", "create_endpoint"), CONTEXT)
    assert "webhook endpoint created" in log.getvalue()
    assert json.loads(answer["body"])["secret"] not in log.getvalue()
