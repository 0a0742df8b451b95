"""The limit on a key's requests, from the authorizer to the answer."""

import json
from types import ModuleType
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ringline.accounts.account import Account
from ringline.accounts.store import AccountStore
from ringline.accounts.strangers import WORDS_A_MINUTE, Strangers
from ringline.accounts.tables.allowances import Allowances
from ringline.runtime.web.problems import Problem
from tests.builders import NOW
from tests.component.one_table import LocalAws, load_handler, log_of
from tests.fakes import CONTEXT
from tests.sample_events import event_of

LIMIT = 3


class Api:
    """The authorizer and what stands behind it, as API Gateway asks one after the other."""

    def __init__(self, local: LocalAws) -> None:
        self.local = local
        accounts = AccountStore(local.dynamodb, local.table_name)
        accounts.create_account(Account("acct_1", "Acme", "acme", cap=1))
        self.raw_key = accounts.add_key("acct_1", "test")
        self.allowances = Allowances(local.dynamodb, local.table_name)
        self.allowances.set("acct_1", {"requests_per_minute": LIMIT})
        self.authorizer: ModuleType = load_handler("authorize_request")
        self.creates: ModuleType = load_handler("create_call", {"DOORBELL_QUEUE_URL": local.queue_url})

    def asks(self, authorization: str | None = None) -> tuple[int, dict[str, str], dict[str, Any]]:
        asked = event_of("authorize_request", "bearer")
        asked["headers"]["authorization"] = authorization or f"Bearer {self.raw_key}"
        told = self.authorizer.lambda_handler(asked, None)
        if not told["isAuthorized"]:
            return 403, {}, {"message": "Forbidden"}
        event = event_of("create_call", "by_pipe")
        event["requestContext"]["authorizer"] = {"lambda": told["context"]}
        answer = self.creates.lambda_handler(event, CONTEXT)
        return answer["statusCode"], answer["headers"], json.loads(answer["body"])


@pytest.fixture
def api(local: LocalAws) -> Api:
    return Api(local)


def test_what_cannot_be_written_on_a_busy_gate_is_to_be_asked_again(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def met(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "TransactionConflictException"}}, "UpdateItem")

    monkeypatch.setattr(api.allowances._db, "update_item", met)
    with pytest.raises(Problem) as refusal:
        api.allowances.set("acct_1", {"requests_per_minute": 1})
    assert (refusal.value.status, refusal.value.code) == (503, "contended")


def test_a_request_too_many_is_refused_with_the_seconds_to_wait(api: Api) -> None:
    for _ in range(LIMIT):
        assert api.asks()[0] == 422, "the pipe is unknown: the request went on to its function"
    status, headers, body = api.asks()
    assert (status, body["code"], body["detail"]) == (429, "rate_limited", "rate_limited")
    assert 1 <= int(headers["retry-after"]) <= 60
    assert headers["ratelimit"] == f'"key";r=0;t={headers["retry-after"]}'


def test_every_answer_says_what_is_left(api: Api) -> None:
    _, headers, _ = api.asks()
    assert headers["ratelimit-policy"] == f'"key";q={LIMIT};w=60'
    assert headers["ratelimit"].startswith(f'"key";r={LIMIT - 1};t=')


def test_another_container_of_the_authorizer_knows_what_was_asked_for(api: Api) -> None:
    for _ in range(LIMIT):
        api.asks()
    api.authorizer = load_handler("authorize_request")
    assert api.asks()[0] == 429


def test_what_a_key_asked_for_is_forgotten_by_itself(api: Api) -> None:
    api.asks()
    (row,) = (item for item in api.local.items() if item["pk"].startswith("RATE#"))
    assert row["requests"] == 1 and row["ttl_at_s"] == int(row["sk"]) * 60 + 3600


def test_a_limit_is_taken_back(api: Api) -> None:
    api.allowances.set("acct_1", {"requests_per_minute": None})
    assert api.asks()[1]["ratelimit-policy"] == '"key";q=6000;w=60'


def test_a_key_that_is_none_is_told_so_in_one_line_and_costs_nothing_of_the_table(api: Api) -> None:
    before = api.local.items()
    with log_of("create_call") as creates, log_of("authorize_request") as authorizes:
        status, _, body = api.asks("Bearer sk_nothing")
    assert (status, body["code"]) == (401, "invalid_api_key")
    assert len(creates.getvalue().splitlines()) == 1 and authorizes.getvalue() == ""
    assert api.local.items() == before


def test_a_flood_of_such_keys_costs_the_authorizer_one_line_each(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    before = api.local.items()
    monkeypatch.setattr(api.authorizer, "strangers", Strangers(lambda: NOW))
    for _ in range(WORDS_A_MINUTE):
        assert api.asks("Bearer sk_nothing")[0] == 401
    with log_of("create_call") as creates, log_of("authorize_request") as authorizes:
        assert api.asks("Bearer sk_nothing") == (403, {}, {"message": "Forbidden"})
    assert creates.getvalue() == "", "API Gateway asks no other function"
    assert len(authorizes.getvalue().splitlines()) == 1
    assert api.local.items() == before
