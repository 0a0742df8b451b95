"""Accounts and keys in the table."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ringline.accounts.account import Account
from ringline.accounts.store import AccountStore
from ringline.runtime.web.problems import Problem
from tests.component.one_table import LocalAws, local_aws
from tests.fakes import HandClock

ACME = Account("acct_1", "Acme", "acme", cap=3)


@pytest.fixture
def aws() -> Iterator[LocalAws]:
    with local_aws() as aws:
        yield aws


def a_store(aws: LocalAws) -> AccountStore:
    store = AccountStore(aws.dynamodb, aws.table_name, HandClock())
    store.create_account(ACME)
    return store


def test_a_new_account_stands_beside_its_open_and_empty_gate(aws: LocalAws) -> None:
    assert a_store(aws).account("acct_1") == ACME
    (gate,) = (item for item in aws.items() if item["sk"] == "GATE")
    assert (gate["pk"], gate["in_use"], gate["cap"]) == ("A#acct_1#GATE", 0, 3)


def test_an_account_is_made_once(aws: LocalAws) -> None:
    store = a_store(aws)
    with pytest.raises(Problem) as refused:
        store.create_account(Account("acct_1", "Other", "other", cap=9))
    assert refused.value.code == "account_exists"
    assert store.account("acct_1") == ACME


def test_an_unknown_account_is_none(aws: LocalAws) -> None:
    assert a_store(aws).account("acct_2") is None


def test_a_cap_changes_and_leaves_what_is_in_use(aws: LocalAws) -> None:
    store = a_store(aws)
    store.set_cap("acct_1", 1)
    account = store.account("acct_1")
    assert account is not None and account.cap == 1
    assert [item["in_use"] for item in aws.items() if item["sk"] == "GATE"] == [0]


def test_a_cap_is_set_for_accounts_there_are_and_not_below_zero(aws: LocalAws) -> None:
    store = a_store(aws)
    with pytest.raises(Problem) as refused:
        store.set_cap("acct_2", 1)
    assert refused.value.status == 404
    with pytest.raises(ValueError, match="0 or more"):
        store.set_cap("acct_1", -1)
    assert len(aws.items()) == 3, "the account, its gate, its place on the list"


def test_a_key_is_found_by_itself_and_kept_only_as_its_hash(aws: LocalAws) -> None:
    store = a_store(aws)
    raw_key = store.add_key("acct_1", "laptop")
    found = store.find_key(raw_key)
    assert found is not None
    assert (found.account_id, found.org_handle, found.name, found.is_valid_at(0)) == ("acct_1", "acme", "laptop", True)
    assert raw_key.startswith("sk_")
    assert raw_key.removeprefix("sk_") not in json.dumps(aws.items())


def test_no_key_without_an_account(aws: LocalAws) -> None:
    with pytest.raises(Problem) as refused:
        a_store(aws).add_key("acct_2", "laptop")
    assert refused.value.status == 404


def test_an_unknown_key_is_none(aws: LocalAws) -> None:
    assert a_store(aws).find_key("sk_" + "x" * 43) is None


def test_a_revoked_key_stays_known_and_is_valid_no_more(aws: LocalAws) -> None:
    store = a_store(aws)
    raw_key, other = store.add_key("acct_1", "laptop"), store.add_key("acct_1", "server")
    key = store.find_key(raw_key)
    assert key is not None
    assert store.revoke("acct_1", key.key_id)
    assert not store.revoke("acct_1", key.key_id)
    assert [(each.name, each.is_valid_at(0)) for each in store.keys("acct_1")] == [("laptop", False), ("server", True)]
    revoked, kept = store.find_key(raw_key), store.find_key(other)
    assert revoked is not None and not revoked.is_valid_at(0)
    assert kept is not None and kept.is_valid_at(0)


def test_nobody_revokes_another_accounts_key(aws: LocalAws) -> None:
    store = a_store(aws)
    store.create_account(Account("acct_2", "Other", "other", cap=1))
    raw_key = store.add_key("acct_1", "laptop")
    key = store.find_key(raw_key)
    assert key is not None
    assert not store.revoke("acct_2", key.key_id)
    assert store.keys("acct_2") == []
    assert store.find_key(raw_key) == key


class Crowded:
    """DynamoDB's client, whose transactions meet others on their items so many times first."""

    def __init__(self, dynamodb: Any, times: int) -> None:
        self._dynamodb = dynamodb
        self.times = times

    def __getattr__(self, name: str) -> Any:
        return getattr(self._dynamodb, name)

    def transact_write_items(self, **asked: Any) -> Any:
        if self.times > 0:
            self.times -= 1
            reasons = [{"Code": "None"}, {"Code": "TransactionConflict"}]
            error: Any = {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": reasons}
            raise ClientError(error, "TransactWriteItems")
        return self._dynamodb.transact_write_items(**asked)


def test_a_key_that_two_rotate_at_once_is_rotated_once(aws: LocalAws) -> None:
    store = a_store(aws)
    _, key = store.add_known_key("acct_1", "laptop")
    crowded = AccountStore(Crowded(aws.dynamodb, 2), aws.table_name, HandClock())
    rotated = crowded.rotate(key, 10**13)
    assert rotated is not None
    assert AccountStore(Crowded(aws.dynamodb, 2), aws.table_name, HandClock()).rotate(key, 10**13) is None
    assert [each.rotated_to for each in store.keys("acct_1")] == [rotated[1].key_id, None]


def test_a_key_that_is_fought_over_for_too_long_is_told_as_such(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ringline.accounts.store.time.sleep", lambda _: None)
    store = a_store(aws)
    _, key = store.add_known_key("acct_1", "laptop")
    crowded = AccountStore(Crowded(aws.dynamodb, 100), aws.table_name, HandClock())
    for ask in (lambda: crowded.rotate(key, 10**13), lambda: crowded.revoke("acct_1", key.key_id)):
        with pytest.raises(Problem) as refused:
            ask()
        assert (refused.value.status, refused.value.code) == (503, "contended")


def test_keys_are_listed_as_they_are_now_wherever_they_stand(aws: LocalAws) -> None:
    store, asked = a_store(aws), []
    store.add_key("acct_1", "laptop")
    aws.dynamodb.meta.events.register("provide-client-params.dynamodb.Query", lambda params, **_: asked.append(params))
    store.keys("acct_1")
    assert [each.get("ConsistentRead") for each in asked] == [True] * 3
