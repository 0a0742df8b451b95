"""From the headers of a request to an account, or to a named refusal."""

from dataclasses import dataclass, field

import pytest

from ringline.accounts.account import ApiKey, hash_of
from ringline.accounts.authorize import Authorize, Authorized, Refusal, context_of
from ringline.runtime.web.http import asker_of
from ringline.runtime.web.problems import Problem
from ringline.runtime.web.scopes import Scope

RAW_KEY = "sk_" + "k" * 43
KEY = ApiKey("key_1", "acct_1", "acme", "laptop", created_at=1)


@dataclass
class KnownKeys:
    keys: dict[str, ApiKey]
    asked: list[str] = field(default_factory=list)

    def find_key(self, raw_key: str) -> ApiKey | None:
        self.asked.append(raw_key)
        return self.keys.get(raw_key)


def an_authorizer(key: ApiKey = KEY) -> tuple[Authorize, KnownKeys]:
    keys = KnownKeys({RAW_KEY: key})
    return Authorize(keys), keys


@pytest.mark.parametrize("scheme", ["Bearer", "Token", "JWT", "bearer", "TOKEN"])
def test_a_key_is_taken_with_each_scheme_of_the_sdk(scheme: str) -> None:
    authorize, _ = an_authorizer()
    assert authorize.verdict({"authorization": f"{scheme} {RAW_KEY}"}) == Authorized("acct_1", "key_1")


@pytest.mark.parametrize("headers", [{}, {"authorization": ""}, {"authorization": "   "}, {"org-handle": "acme"}])
def test_no_key_is_a_missing_key(headers: dict[str, str]) -> None:
    assert an_authorizer()[0].verdict(headers) is Refusal.MISSING_KEY


@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer",
        RAW_KEY,
        f"Basic {RAW_KEY}",
        f"Bearer pk_{'k' * 43}",
        f"Bearer {RAW_KEY} {RAW_KEY}",
        f"Bearer {RAW_KEY},Bearer {RAW_KEY}",
        f"Bearer {RAW_KEY}\x00",
        "Bearer sk_short",
        "Bearer sk_" + "k" * 10_000,
        "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
    ],
)
def test_what_can_be_no_key_is_refused_without_looking_it_up(authorization: str) -> None:
    authorize, keys = an_authorizer()
    assert authorize.verdict({"authorization": authorization}) is Refusal.INVALID_KEY
    assert keys.asked == []


def test_an_unknown_key_is_refused() -> None:
    assert an_authorizer()[0].verdict({"authorization": f"Bearer sk_{'x' * 43}"}) is Refusal.INVALID_KEY


def test_a_revoked_key_is_refused() -> None:
    revoked = ApiKey("key_1", "acct_1", "acme", "laptop", created_at=1, revoked_at=2)
    assert an_authorizer(revoked)[0].verdict({"authorization": f"Bearer {RAW_KEY}"}) is Refusal.INVALID_KEY


@pytest.mark.parametrize("scheme", ["Bearer", "Token", "JWT"])
@pytest.mark.parametrize(
    ("org_handle", "expected"), [("acme", Authorized("acct_1", "key_1")), ("other", Refusal.ORG_MISMATCH)]
)
def test_an_org_handle_must_name_the_keys_account(scheme: str, org_handle: str, expected: object) -> None:
    headers = {"authorization": f"{scheme} {RAW_KEY}", "org-handle": org_handle}
    assert an_authorizer()[0].verdict(headers) == expected


def test_a_wrong_key_does_not_tell_whether_the_org_handle_exists() -> None:
    headers = {"authorization": f"Token sk_{'x' * 43}", "org-handle": "other"}
    assert an_authorizer()[0].verdict(headers) is Refusal.INVALID_KEY


@pytest.mark.parametrize(
    ("refusal", "status", "code"),
    [
        (Refusal.MISSING_KEY, 401, "missing_api_key"),
        (Refusal.INVALID_KEY, 401, "invalid_api_key"),
        (Refusal.ORG_MISMATCH, 403, "org_mismatch"),
        (Refusal.ADDRESS_NOT_ALLOWED, 403, "address_not_allowed"),
    ],
)
def test_each_refusal_becomes_its_problem_where_the_answer_is_written(refusal: Refusal, status: int, code: str) -> None:
    with pytest.raises(Problem) as refused:
        asker_of({"requestContext": {"authorizer": {"lambda": context_of(refusal)}}}, Scope.CALLS_READ)
    assert (refused.value.status, refused.value.code) == (status, code)


def test_an_authorized_context_names_the_account() -> None:
    context = context_of(Authorized("acct_1", "key_1"))
    assert asker_of({"requestContext": {"authorizer": {"lambda": context}}}, Scope.CALLS_READ).account_id == "acct_1"


def test_the_hash_of_a_key_is_sha_256_in_hex() -> None:
    assert hash_of("sk_abc") == "7c8d93f8ffb4cdb85b2a4b0c10886a66959da2eb67707b1c54718850a56d158c"
