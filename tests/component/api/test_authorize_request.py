"""The authorizer on API Gateway's own events."""

import json
from typing import Any

import pytest

from ringline.accounts.account import Account
from ringline.accounts.store import AccountStore
from ringline.accounts.strangers import WORDS_A_MINUTE, Strangers
from ringline.accounts.tables.key_uses import KeyUses
from ringline.runtime.web.http import asker_of
from ringline.runtime.web.problems import Problem
from ringline.runtime.web.scopes import Scope
from tests.builders import NOW
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
    assert (
        asker_of({"requestContext": {"authorizer": {"lambda": answer["context"]}}}, Scope.CALLS_READ).account_id
        == "acct_1"
    )
    assert answer["context"]["key_id"].startswith("key_")


@pytest.mark.parametrize(
    ("case", "refusal"), [("no_key", "missing_key"), ("bearer", "invalid_key"), ("token", "invalid_key")]
)
def test_a_request_without_a_good_key_is_let_through_with_its_refusal(case: str, refusal: str) -> None:
    with local_aws() as aws:
        a_key(aws)
        answer = load_handler("authorize_request").lambda_handler(the_event(case), None)
    assert answer == {"isAuthorized": True, "context": {"refusal": refusal}}


@pytest.mark.parametrize(
    ("case", "refusal"), [("no_key", "missing_key"), ("bearer", "invalid_key"), ("token", "invalid_key")]
)
def test_one_of_a_flood_of_them_is_refused_here_and_leaves_one_line(
    case: str, refusal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It costs this function alone: API Gateway asks no other where `isAuthorized` is false."""
    with local_aws() as aws:
        a_key(aws)
        handler = load_handler("authorize_request")
        monkeypatch.setattr(handler, "strangers", Strangers(lambda: NOW))
        told = [handler.lambda_handler(the_event(case), None)["isAuthorized"] for _ in range(WORDS_A_MINUTE)]
        with log_of("authorize_request") as lines:
            answer = handler.lambda_handler(the_event(case), None)
    assert all(told)
    assert answer == {"isAuthorized": False, "context": {"refusal": refusal}}
    (line,) = map(json.loads, lines.getvalue().splitlines())
    assert (line["level"], line["message"], line["refusal"]) == ("INFO", "key refused", refusal)
    assert line["source_ip"] == "192.0.2.1"


@pytest.mark.parametrize("end", ["revoked", "expired"])
def test_a_key_that_is_over_is_none(end: str) -> None:
    with local_aws() as aws:
        store = AccountStore(aws.dynamodb, aws.table_name)
        store.create_account(Account("acct_1", "Acme", "acme", cap=1))
        raw_key, key = store.add_known_key("acct_1", "x", expires_at=1 if end == "expired" else None)
        if end == "revoked":
            store.revoke("acct_1", key.key_id)
        event = the_event("bearer", authorization=f"Bearer {raw_key}")
        answer = load_handler("authorize_request").lambda_handler(event, None)
    assert answer["context"] == {"refusal": "invalid_key"}


def test_a_key_is_good_from_its_addresses_alone_and_elsewhere_is_told_so_by_a_problem() -> None:
    with local_aws() as aws:
        store = AccountStore(aws.dynamodb, aws.table_name)
        store.create_account(Account("acct_1", "Acme", "acme", cap=1))
        raw_key, key = store.add_known_key("acct_1", "x", allowed_ip_ranges=("203.0.113.0/24", "2001:db8::/48"))
        handler = load_handler("authorize_request")

        def told(source_ip: str | None) -> dict[str, Any]:
            event = the_event("bearer", authorization=f"Bearer {raw_key}", **{"x-forwarded-for": "203.0.113.9"})
            event["requestContext"]["http"]["sourceIp"] = source_ip
            answer: dict[str, Any] = handler.lambda_handler(event, None)
            assert answer["isAuthorized"] is True, "a good key's holder is answered in words"
            context: dict[str, Any] = answer["context"]
            return context

        for good in ("203.0.113.9", "2001:db8:0:5::1", "::ffff:203.0.113.9"):
            assert told(good)["key_id"] == key.key_id
        for bad in ("192.0.2.1", "2001:db9::1", None, ""):
            assert told(bad) == {"refusal": "address_not_allowed"}, "and no account stands beside it"
        uses = KeyUses(aws.dynamodb, aws.table_name).of_account("acct_1")
    assert uses[key.key_id].source_ip == "203.0.113.9"
    with pytest.raises(Problem) as refused:
        asker_of({"requestContext": {"authorizer": {"lambda": {"refusal": "address_not_allowed"}}}}, Scope.CALLS_READ)
    assert (refused.value.status, refused.value.code) == (403, "address_not_allowed")


def test_a_hundred_requests_write_a_keys_last_use_once() -> None:
    with local_aws() as aws:
        raw_key = a_key(aws)
        event = the_event("bearer", authorization=f"Bearer {raw_key}")
        writes = 0

        def count(params: dict[str, Any], **_named: Any) -> None:
            nonlocal writes
            writes += str(params["Key"]["pk"]).count("USED#")

        for handler in (load_handler("authorize_request"), load_handler("authorize_request")):
            handler.authorize._uses.rows._db.meta.events.register("provide-client-params.dynamodb.UpdateItem", count)
            for _ in range(50):
                assert handler.lambda_handler(event, None)["isAuthorized"] is True
    assert writes == 1, "two containers, a hundred requests"


def test_a_use_that_cannot_be_written_refuses_nobody() -> None:
    with local_aws() as aws:
        event = the_event("bearer", authorization=f"Bearer {a_key(aws)}")
        handler = load_handler("authorize_request")

        def fail(**_named: Any) -> None:
            raise RuntimeError("the table does not answer")

        handler.authorize._uses.rows.note = fail
        with log_of("authorize_request") as lines:
            assert handler.lambda_handler(event, None)["isAuthorized"] is True
    assert "use of a key not noted" in lines.getvalue()


def test_a_foreign_org_handle_is_a_mismatch() -> None:
    with local_aws() as aws:
        event = the_event("token", authorization=f"Token {a_key(aws)}", **{"org-handle": "other"})
        answer = load_handler("authorize_request").lambda_handler(event, None)
    assert answer["context"] == {"refusal": "org_mismatch"}


def test_headers_may_be_missing_altogether() -> None:
    with local_aws():
        answer = load_handler("authorize_request").lambda_handler({"headers": None}, None)
    assert answer["context"] == {"refusal": "missing_key"}


def test_no_key_is_ever_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    with local_aws() as aws:
        raw_key = a_key(aws)
        handler = load_handler("authorize_request")
        monkeypatch.setattr(handler.strangers, "get_words", lambda _source_ip: False)
        with log_of("authorize_request") as log:
            handler.lambda_handler(the_event("bearer", authorization=f"Bearer {raw_key}"), None)
            handler.lambda_handler(the_event("bearer"), None)
    assert "key accepted" in log.getvalue() and "key refused" in log.getvalue()
    for secret in (raw_key, the_event("bearer")["headers"]["authorization"].split()[1]):
        assert secret not in log.getvalue()


def test_a_flood_with_a_good_key_and_a_foreign_handle_costs_this_function_alone() -> None:
    with local_aws() as aws:
        event = the_event("token", authorization=f"Token {a_key(aws)}", **{"org-handle": "other"})
        handler = load_handler("authorize_request")
        told = [handler.lambda_handler(event, None)["isAuthorized"] for _ in range(WORDS_A_MINUTE + 30)]
    assert told.count(False) >= 10
