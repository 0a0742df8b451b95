"""The authorizer on API Gateway's own events."""

from typing import Any

import pytest

from ringline.accounts.account import Account
from ringline.accounts.store import AccountStore
from ringline.runtime.web.http import account_of
from tests.component.one_table import LocalAws, load_handler, local_aws, log_of
from tests.sample_events import event_of


def the_event(case: str, **headers: str) -> dict[str, Any]:
    event = event_of("authorize_request", case)
    event["headers"] |= headers
    return event


def a_key(aws: LocalAws) -> str:
    store = AccountStore(aws.dynamodb, aws.table_name)
    store.create_account(Account("acct_1", "Acme", "acme", cap=1))
    return store.add_key("acct_1", "test")


@pytest.mark.parametrize(("case", "scheme"), [("bearer", "Bearer"), ("token", "Token")])
def test_a_request_with_a_key_is_let_through_as_its_account(case: str, scheme: str) -> None:
    with local_aws() as aws:
        raw_key = a_key(aws)
        handler = load_handler("authorize_request")
        answer = handler.lambda_handler(the_event(case, authorization=f"{scheme} {raw_key}"), None)
    assert answer["isAuthorized"] is True
    assert account_of({"requestContext": {"authorizer": {"lambda": answer["context"]}}}) == "acct_1"
    assert answer["context"]["key_id"].startswith("key_")


@pytest.mark.parametrize(
    ("case", "refusal"), [("no_key", "missing_key"), ("bearer", "invalid_key"), ("token", "invalid_key")]
)
def test_a_request_without_a_good_key_is_let_through_with_its_refusal(case: str, refusal: str) -> None:
    with local_aws() as aws:
        a_key(aws)
        answer = load_handler("authorize_request").lambda_handler(the_event(case), None)
    assert answer == {"isAuthorized": True, "context": {"refusal": refusal}}


def test_a_foreign_org_handle_is_a_mismatch() -> None:
    with local_aws() as aws:
        event = the_event("token", authorization=f"Token {a_key(aws)}", **{"org-handle": "other"})
        answer = load_handler("authorize_request").lambda_handler(event, None)
    assert answer["context"] == {"refusal": "org_mismatch"}


def test_headers_may_be_missing_altogether() -> None:
    with local_aws():
        answer = load_handler("authorize_request").lambda_handler({"headers": None}, None)
    assert answer["context"] == {"refusal": "missing_key"}


def test_no_key_is_ever_logged() -> None:
    with local_aws() as aws:
        raw_key = a_key(aws)
        handler = load_handler("authorize_request")
        with log_of("authorize_request") as log:
            handler.lambda_handler(the_event("bearer", authorization=f"Bearer {raw_key}"), None)
            handler.lambda_handler(the_event("bearer"), None)
    assert "key accepted" in log.getvalue() and "key refused" in log.getvalue()
    for secret in (raw_key, the_event("bearer")["headers"]["authorization"].split()[1]):
        assert secret not in log.getvalue()
