"""Rows by which accounts list and end their keys: in a partition of their own (`KeysApart`), or among the account's, as
the release before has them. Both are read and changed where they stand, also while `ringline migrate` moves them."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

import pytest

from ringline.accounts.account import Account, ApiKey, KeyChanged, hash_of
from ringline.accounts.bodies import KeyChange, KeyRequest, KeyRotation
from ringline.accounts.key_rows import where_keys_stand
from ringline.accounts.manage import MOST_KEYS, ManageKeys
from ringline.accounts.store import AccountStore
from ringline.accounts.tables.key_uses import KeyUses
from ringline.runtime.items import from_item, to_item
from ringline.runtime.rows import SCHEMA, schema_of
from ringline.runtime.table import KEY_PREFIX, account_pk, keys_pk
from ringline.runtime.web.problems import Problem
from ringline.upgrading.migrate import Migrated, migrate
from ringline.upgrading.steps import KEY_OF_AN_ACCOUNT
from ringline.upgrading.store import Move, Progress, WholeTable
from tests.builders import NOW
from tests.component.one_table import LocalAws
from tests.component.releases.test_migrate import CutOff, secrets_of
from tests.component.releases.tomorrow import rewritten_tomorrow
from tests.fakes import HandClock

EITHER_WAY = pytest.mark.parametrize("apart", [False, True], ids=["to the account's", "to their own"])
"""Where rows are moved; they stand in the other partition before."""
ACCOUNT, ENDS_AT = "acct_demo", 10**13


@pytest.fixture(autouse=True)
def _an_account(local: LocalAws) -> None:
    store_of(local).create_account(Account(ACCOUNT, "Acme", "acme", 2))


def store_of(local: LocalAws, *, apart: bool = False) -> AccountStore:
    return AccountStore(local.dynamodb, local.table_name, HandClock(), keys_apart=apart)


def stand_in(local: LocalAws) -> dict[str, str]:
    """The partition of each key's row, by the key's id."""
    rows = (row for row in local.items() if row["sk"].startswith(KEY_PREFIX))
    return {row["key_id"]: row["pk"] for row in rows}


def listed_by_the_release_before(local: LocalAws) -> list[str]:
    """As its store of accounts asks for an account's keys."""
    answer = local.dynamodb.query(
        TableName=local.table_name,
        KeyConditionExpression="pk = :pk AND begins_with(sk, :prefix)",
        ExpressionAttributeValues=to_item({":pk": f"A#{ACCOUNT}", ":prefix": "KEY#"}),
    )
    return [from_item(item)["key_id"] for item in answer["Items"]]


def migrated(
    local: LocalAws, *, apart: bool, is_dry: bool = False, rows: WholeTable | None = None, deployed_at: str = ""
) -> Migrated:
    table = rows or WholeTable(local.dynamodb, local.table_name)
    *_, done = migrate(table, secrets_of, now=NOW, keys_apart=apart, deployed_at=deployed_at, is_dry=is_dry, page=3)
    return done


def put_beside_the_endpoints(local: LocalAws, key_id: str, attributes: Mapping[str, Any]) -> None:
    """As whoever may change endpoints could."""
    place = {"pk": account_pk(ACCOUNT), "sk": f"{KEY_PREFIX}{key_id}"}
    local.dynamodb.put_item(TableName=local.table_name, Item=to_item({**attributes, **place}))


def managing(local: LocalAws, *, apart: bool) -> ManageKeys:
    return ManageKeys(store_of(local, apart=apart), KeyUses(local.dynamodb, local.table_name), HandClock())


@contextmanager
def before_request(local: LocalAws, operation: str, number: int, do: Callable[[], Any]) -> Iterator[None]:
    """Does it once, before the request of this operation that is made as the `number`th, from 0 on."""
    asked, is_done = 0, False

    def count(**_named: Any) -> None:
        nonlocal asked, is_done
        asked += 1
        if asked == number + 1 and not is_done:
            is_done = True
            do()

    events, name = local.dynamodb.meta.events, f"provide-client-params.dynamodb.{operation}"
    events.register(name, count)
    try:
        yield
    finally:
        events.unregister(name, count)


def named(name: str) -> KeyRequest:
    return KeyRequest.model_validate({"name": name})


def moving(local: LocalAws, key: ApiKey, *, apart: bool) -> Callable[[], Any]:
    """What takes the key's row from where it stands to there."""
    row = {"pk": where_keys_stand(ACCOUNT, apart=not apart), "sk": f"{KEY_PREFIX}{key.key_id}"}
    table = WholeTable(local.dynamodb, local.table_name)
    return lambda: table.move(row, where_keys_stand(ACCOUNT, apart=apart))


# ---------------------------------------------------------------- what is read and changed


def test_without_the_setting_a_key_is_written_where_the_release_before_looks_for_it(local: LocalAws) -> None:
    store = store_of(local)
    _, key = store.add_known_key(ACCOUNT, "laptop")
    rotated = store.rotate(key, ENDS_AT)
    assert rotated is not None
    assert stand_in(local) == dict.fromkeys((key.key_id, rotated[1].key_id), account_pk(ACCOUNT))
    assert sorted(listed_by_the_release_before(local)) == [each.key_id for each in store.keys(ACCOUNT)]


def test_keys_of_both_partitions_are_one_list_oldest_first(local: LocalAws) -> None:
    ids = [store_of(local, apart=number % 2 == 1).add_known_key(ACCOUNT, str(number))[1].key_id for number in range(6)]
    assert set(stand_in(local).values()) == {account_pk(ACCOUNT), keys_pk(ACCOUNT)}
    for apart in (False, True):
        assert [key.key_id for key in store_of(local, apart=apart).keys(ACCOUNT)] == sorted(ids)


@pytest.mark.parametrize("written_apart", [False, True])
@pytest.mark.parametrize("apart", [False, True])
def test_a_key_is_changed_where_its_row_stands(local: LocalAws, written_apart: bool, apart: bool) -> None:
    raw_key, key = store_of(local, apart=written_apart).add_known_key(ACCOUNT, "laptop")
    store, stood = store_of(local, apart=apart), stand_in(local)
    assert store.key(ACCOUNT, key.key_id) == key and store.key_name(ACCOUNT, key.key_id) == "laptop"
    assert store.restrict(ACCOUNT, key.key_id, ("192.0.2.0/24",))
    bound = store.key(ACCOUNT, key.key_id)
    assert bound is not None and bound.allowed_ip_ranges == ("192.0.2.0/24",)
    rotated = store.rotate(bound, ENDS_AT)
    assert rotated is not None and store.rotate(bound, ENDS_AT) is None
    assert store.revoke(ACCOUNT, key.key_id) and not store.revoke(ACCOUNT, key.key_id)
    found, listed = store.find_key(raw_key), store.key(ACCOUNT, key.key_id)
    assert found == listed and found is not None
    assert (found.is_valid_at(0), found.rotated_to) == (False, rotated[1].key_id)
    assert stand_in(local) == stood | {rotated[1].key_id: where_keys_stand(ACCOUNT, apart=apart)}


def test_a_key_that_never_was_has_no_row_in_either(local: LocalAws) -> None:
    store = store_of(local, apart=True)
    assert store.key(ACCOUNT, "key_1") is None and store.key_name(ACCOUNT, "key_1") is None
    assert not store.revoke(ACCOUNT, "key_1") and store.keys(ACCOUNT) == []


def test_what_stands_beside_the_endpoints_says_nothing_of_a_key_that_stands_apart(local: LocalAws) -> None:
    _, key = store_of(local, apart=True).add_known_key(ACCOUNT, "laptop")
    (row,) = (row for row in local.items() if row["pk"] == keys_pk(ACCOUNT))
    forged = to_item(row | {"pk": account_pk(ACCOUNT), "revoked_at": 1, "key_hash": "0" * 64})
    local.dynamodb.put_item(TableName=local.table_name, Item=forged)
    store = store_of(local)
    assert store.keys(ACCOUNT) == [key] and store.key(ACCOUNT, key.key_id) == key
    assert store.revoke(ACCOUNT, key.key_id)
    assert migrated(local, apart=True).by_kind[KEY_OF_AN_ACCOUNT] == 0


def test_no_row_leads_to_another_accounts_key(local: LocalAws) -> None:
    """Whoever may write beside the endpoints could make one that says so."""
    store = store_of(local)
    store.create_account(Account("acct_2", "Other", "other", 2))
    raw_key, theirs = store.add_known_key("acct_2", "theirs", allowed_ip_ranges=("192.0.2.7/32",))
    for key_id, account_id in ((theirs.key_id, "acct_2"), (theirs.key_id, ACCOUNT), ("key_1", ACCOUNT)):
        known = {"key_id": key_id, "account_id": account_id, "org_handle": "other", "name": "x", "created_at": NOW}
        place = {"pk": account_pk(ACCOUNT), "sk": f"{KEY_PREFIX}{key_id}", "key_hash": hash_of(raw_key)}
        local.dynamodb.put_item(TableName=local.table_name, Item=to_item({**known, **place}))
        assert store.keys(ACCOUNT) == [] and store.key(ACCOUNT, key_id) is None
        forged = replace(theirs, key_id=key_id, account_id=ACCOUNT, allowed_ip_ranges=())
        assert not store.revoke(ACCOUNT, key_id) and not store.restrict(ACCOUNT, key_id, ())
        with suppress(KeyChanged):
            assert store.rotate(replace(forged, allowed_ip_ranges=theirs.allowed_ip_ranges), ENDS_AT) is None
        assert store.find_key(raw_key) == theirs and store.keys("acct_2") == [theirs]


# ---------------------------------------------------------------- rows that somebody made beside the endpoints


NO_KEYS: dict[str, dict[str, Any]] = {
    "nothing but a place": {},
    "a word": {"name": "x"},
    "no hash": {"key_hash": 5},
    "a hash too long for a place": {"key_hash": "0" * 3000},
    "a hash of no key": {"key_hash": "0" * 64},
    "a schema that is none": {"schema": "x"},
}
"""Rows that no key has, as somebody could write them, by what is odd about them."""


@pytest.mark.parametrize("odd", NO_KEYS)
def test_a_row_that_is_no_key_keeps_nobody_from_managing_keys(
    local: LocalAws, odd: str, caplog: pytest.LogCaptureFixture
) -> None:
    manage = managing(local, apart=True)
    old, own = store_of(local).add_known_key(ACCOUNT, "old")[1].key_id, manage.create(ACCOUNT, named("own"))
    for key_id in ("key_0", "key_z"):
        put_beside_the_endpoints(local, key_id, NO_KEYS[odd])
    assert [each["key_id"] for each in manage.list(ACCOUNT)] == sorted([old, own["key_id"]])
    (told,) = caplog.records
    assert told.message == "rows that lead to no key of the account passed over"
    assert (told.account_id, told.rows) == (ACCOUNT, 2)  # type: ignore[attr-defined]
    with pytest.raises(Problem, match="no such API key"):
        manage.show(ACCOUNT, "key_z")
    for key_id in (old, own["key_id"]):
        manage.change(ACCOUNT, key_id, KeyChange(allowed_ip_ranges=("192.0.2.0/24",)))
        made = manage.rotate(ACCOUNT, key_id, KeyRotation())
        manage.revoke(ACCOUNT, made["key_id"])
        assert manage.show(ACCOUNT, made["key_id"])["status"] == "revoked"


@pytest.mark.parametrize("odd", NO_KEYS)
def test_a_row_that_is_no_key_is_not_moved_among_the_keys_and_is_told(local: LocalAws, odd: str) -> None:
    _, key = store_of(local).add_known_key(ACCOUNT, "laptop")
    put_beside_the_endpoints(local, "key_0", NO_KEYS[odd])
    for is_dry in (True, False):
        done = migrated(local, apart=True, is_dry=is_dry)
        assert done.by_kind[KEY_OF_AN_ACCOUNT] == 1
        assert done.in_the_way == [(account_pk(ACCOUNT), f"{KEY_PREFIX}key_0")]
    assert [row["key_id"] for row in local.items() if row["pk"] == keys_pk(ACCOUNT)] == [key.key_id]
    assert store_of(local).keys(ACCOUNT) == [key]


def test_rows_that_look_like_keys_do_not_fill_the_list_of_keys(local: LocalAws) -> None:
    raw_key, key = store_of(local).add_known_key(ACCOUNT, "laptop")
    (row,) = (row for row in local.items() if row["sk"] == f"{KEY_PREFIX}{key.key_id}")
    for number in range(2 * MOST_KEYS + 1):
        key_id, key_hash = f"key_{number:04}", hash_of(raw_key if number % 2 else str(number))
        put_beside_the_endpoints(local, key_id, row | {"key_id": key_id, "key_hash": key_hash})
    assert store_of(local).keys(ACCOUNT) == [key]
    assert managing(local, apart=True).create(ACCOUNT, named("one more"))["status"] == "active"


def test_what_somebody_says_there_of_a_key_of_before_is_not_believed(local: LocalAws) -> None:
    """Not by whoever lists, changes or moves it."""
    raw_key, key = store_of(local).add_known_key(ACCOUNT, "laptop")
    (row,) = (row for row in local.items() if row["sk"] == f"{KEY_PREFIX}{key.key_id}")
    said = {"revoked_at": 1, "name": 7, "scopes": 5, "rotated_to": key.key_id, "account_id": "acct_2"}
    put_beside_the_endpoints(local, key.key_id, row | said)
    store = store_of(local)
    assert store.keys(ACCOUNT) == [key] and store.key(ACCOUNT, key.key_id) == key
    assert store.restrict(ACCOUNT, key.key_id, ("192.0.2.0/24",))
    assert migrated(local, apart=True).by_kind == {KEY_OF_AN_ACCOUNT: 1}
    (moved,) = store.keys(ACCOUNT)
    assert moved == store.find_key(raw_key) == replace(key, allowed_ip_ranges=("192.0.2.0/24",))
    assert "item_kind" not in next(row for row in local.items() if row["pk"] == keys_pk(ACCOUNT))


def test_a_key_of_before_is_ended_whatever_somebody_said_of_it_there(local: LocalAws) -> None:
    raw_key, key = store_of(local).add_known_key(ACCOUNT, "laptop")
    (row,) = (row for row in local.items() if row["sk"] == f"{KEY_PREFIX}{key.key_id}")
    put_beside_the_endpoints(local, key.key_id, row | {"revoked_at": 1, "key_id": "key_0"})
    assert store_of(local).revoke(ACCOUNT, key.key_id)
    found = store_of(local).find_key(raw_key)
    assert found is not None and not found.is_valid_at(NOW)


# ---------------------------------------------------------------- what is moved


@EITHER_WAY
def test_a_migration_moves_what_stands_elsewhere_and_nothing_of_it_is_lost(local: LocalAws, apart: bool) -> None:
    before, store = store_of(local, apart=not apart), store_of(local, apart=apart)
    keys = [before.add_known_key(ACCOUNT, str(number), scopes=("keys",))[1] for number in range(3)]
    assert before.restrict(ACCOUNT, keys[0].key_id, ("192.0.2.7/32",)) and before.revoke(ACCOUNT, keys[1].key_id)
    assert before.rotate(keys[2], ENDS_AT) is not None
    listed, stood = store.keys(ACCOUNT), stand_in(local)
    assert migrated(local, apart=apart, is_dry=True).by_kind == {KEY_OF_AN_ACCOUNT: 4}
    assert stand_in(local) == stood
    assert migrated(local, apart=apart).by_kind == {KEY_OF_AN_ACCOUNT: 4}
    assert stand_in(local) == dict.fromkeys(stood, where_keys_stand(ACCOUNT, apart=apart))
    assert store.keys(ACCOUNT) == listed
    again = migrated(local, apart=apart)
    assert (again.changed, again.went_on) == (0, False)


def test_put_back_they_are_listed_by_the_release_before(local: LocalAws) -> None:
    keys = [store_of(local, apart=True).add_known_key(ACCOUNT, str(number))[1].key_id for number in range(3)]
    assert listed_by_the_release_before(local) == []
    migrated(local, apart=False)
    assert sorted(listed_by_the_release_before(local)) == sorted(keys)


def test_a_row_without_a_number_has_one_where_it_is_put(local: LocalAws) -> None:
    _, key = store_of(local).add_known_key(ACCOUNT, "laptop")
    local.dynamodb.update_item(
        TableName=local.table_name,
        Key=to_item({"pk": account_pk(ACCOUNT), "sk": f"{KEY_PREFIX}{key.key_id}"}),
        UpdateExpression="REMOVE #schema",
        ExpressionAttributeNames={"#schema": "schema"},
    )
    assert migrated(local, apart=True).by_kind == {KEY_OF_AN_ACCOUNT: 1}
    (row,) = (row for row in local.items() if row["pk"] == keys_pk(ACCOUNT))
    assert schema_of(row) == SCHEMA


def test_the_row_of_a_later_release_stays_where_that_one_put_it(local: LocalAws) -> None:
    _, key = store_of(local).add_known_key(ACCOUNT, "laptop")
    rewritten_tomorrow(local, account_pk(ACCOUNT), f"{KEY_PREFIX}{key.key_id}")
    done = migrated(local, apart=True)
    assert (done.of_a_later_release, done.changed) == (1, 0)
    assert stand_in(local) == {key.key_id: account_pk(ACCOUNT)}


class DiesMoving(WholeTable):
    """Dies with its `dies_at`-th move, before or after it."""

    def __init__(self, local: LocalAws, dies_at: int, *, after_it: bool) -> None:
        super().__init__(local.dynamodb, local.table_name)
        self.moves, self.dies_at, self.after_it = 0, dies_at, after_it

    def move(self, row: Mapping[str, Any], pk: str) -> Move:
        self.moves += 1
        is_the_last = self.moves == self.dies_at
        if is_the_last and not self.after_it:
            raise CutOff
        moved = super().move(row, pk)
        if is_the_last:
            raise CutOff
        return moved


@EITHER_WAY
@pytest.mark.parametrize("after_it", [False, True])
def test_cut_off_at_any_row_it_goes_on_and_loses_none(local: LocalAws, apart: bool, after_it: bool) -> None:
    keys = [store_of(local, apart=not apart).add_known_key(ACCOUNT, str(number))[1].key_id for number in range(4)]
    for dies_at in range(1, len(keys)):
        with suppress(CutOff):
            migrated(local, apart=apart, rows=DiesMoving(local, dies_at, after_it=after_it))
            pytest.fail("it was to be cut off")
        assert [key.key_id for key in store_of(local).keys(ACCOUNT)] == sorted(keys)
        migrated(local, apart=apart)
        assert stand_in(local) == dict.fromkeys(keys, where_keys_stand(ACCOUNT, apart=apart))
        migrated(local, apart=not apart)


def test_one_that_was_cut_off_before_the_setting_was_another_is_begun_anew(local: LocalAws) -> None:
    for number in range(4):
        store_of(local).add_known_key(ACCOUNT, str(number))
    table = WholeTable(local.dynamodb, local.table_name)
    running = migrate(table, secrets_of, now=NOW, page=3)
    next(running)
    running.close()
    assert table.progress() is not None
    done = migrated(local, apart=True)
    assert (done.went_on, done.by_kind) == (False, {KEY_OF_AN_ACCOUNT: 4})


def test_one_that_was_cut_off_before_the_setting_went_there_and_back_is_begun_anew(local: LocalAws) -> None:
    """Keys that were made apart meanwhile may stand before the place where it was cut off."""
    keys = [store_of(local, apart=True).add_known_key(ACCOUNT, str(number))[1].key_id for number in range(3)]
    table = WholeTable(local.dynamodb, local.table_name)
    last = table.page(None, 100).rows[-1]
    table.note(Progress(SCHEMA, (last["pk"], last["sk"]), 9, 0, keys_apart=False, deployed_at="first"))
    done = migrated(local, apart=False, deployed_at="third")
    assert (done.went_on, done.by_kind) == (False, {KEY_OF_AN_ACCOUNT: 3})
    assert stand_in(local) == dict.fromkeys(keys, account_pk(ACCOUNT))


def test_one_that_was_cut_off_goes_on_while_nothing_else_was_deployed(local: LocalAws) -> None:
    for number in range(4):
        store_of(local).add_known_key(ACCOUNT, str(number))
    running = migrate(WholeTable(local.dynamodb, local.table_name), secrets_of, now=NOW, deployed_at="once", page=3)
    next(running)
    running.close()
    assert migrated(local, apart=False, deployed_at="once").went_on


@EITHER_WAY
def test_a_row_that_stands_in_the_way_of_another_is_told(local: LocalAws, apart: bool) -> None:
    _, key = store_of(local, apart=True).add_known_key(ACCOUNT, "laptop")
    put_beside_the_endpoints(local, key.key_id, {"key_id": key.key_id, "schema": SCHEMA})
    for is_dry in (True, False):
        done = migrated(local, apart=apart, is_dry=is_dry)
        assert done.in_the_way == [(account_pk(ACCOUNT), f"{KEY_PREFIX}{key.key_id}")]
        assert done.by_kind[KEY_OF_AN_ACCOUNT] == 0
    assert store_of(local).keys(ACCOUNT) == [key]


def test_a_row_in_the_way_is_told_also_by_whoever_goes_on(local: LocalAws) -> None:
    for number in range(9):
        put_beside_the_endpoints(local, f"key_{number}", {"schema": SCHEMA})
    expected = migrated(local, apart=True, is_dry=True).in_the_way
    assert len(expected) == 9
    for pages in range(1, 4):
        running = migrate(WholeTable(local.dynamodb, local.table_name), secrets_of, now=NOW, keys_apart=True, page=3)
        for _ in range(pages):
            next(running)
        running.close()
        assert migrated(local, apart=True).in_the_way == expected


# ---------------------------------------------------------------- while it is moved


@EITHER_WAY
@pytest.mark.parametrize("read", range(3))
def test_whoever_looks_while_a_row_is_moved_finds_it(local: LocalAws, apart: bool, read: int) -> None:
    _, key = store_of(local, apart=not apart).add_known_key(ACCOUNT, "laptop")
    store = store_of(local)
    with before_request(local, "Query", read, moving(local, key, apart=apart)):
        assert store.keys(ACCOUNT) == [key]
    moving(local, key, apart=not apart)()
    with before_request(local, "GetItem", read, moving(local, key, apart=apart)):
        assert store.key(ACCOUNT, key.key_id) == key


@EITHER_WAY
def test_a_key_whose_row_is_moved_meanwhile_is_revoked_all_the_same(local: LocalAws, apart: bool) -> None:
    raw_key, key = store_of(local, apart=not apart).add_known_key(ACCOUNT, "laptop")
    store = store_of(local)
    with before_request(local, "TransactWriteItems", 0, moving(local, key, apart=apart)):
        assert store.revoke(ACCOUNT, key.key_id)
    assert stand_in(local) == {key.key_id: where_keys_stand(ACCOUNT, apart=apart)}
    for found in (store.find_key(raw_key), store.key(ACCOUNT, key.key_id)):
        assert found is not None and not found.is_valid_at(0)


@EITHER_WAY
def test_a_key_whose_row_is_moved_meanwhile_is_rotated_at_the_next_try(local: LocalAws, apart: bool) -> None:
    _, key = store_of(local, apart=not apart).add_known_key(ACCOUNT, "laptop")
    store = store_of(local)
    with (
        before_request(local, "TransactWriteItems", 0, moving(local, key, apart=apart)),
        pytest.raises(KeyChanged),
    ):
        store.rotate(key, ENDS_AT)
    moving(local, key, apart=not apart)()
    manage = managing(local, apart=False)
    with before_request(local, "TransactWriteItems", 0, moving(local, key, apart=apart)):
        made = manage.rotate(ACCOUNT, key.key_id, KeyRotation())
    assert [each.rotated_to for each in store.keys(ACCOUNT)] == [made["key_id"], None]


@EITHER_WAY
@pytest.mark.parametrize(
    "change",
    [
        lambda store, key: store.revoke(ACCOUNT, key.key_id),
        lambda store, key: store.restrict(ACCOUNT, key.key_id, ("192.0.2.7/32",)),
        lambda store, key: store.rotate(key, ENDS_AT),
    ],
    ids=["revoked", "restricted", "rotated"],
)
def test_a_row_that_is_changed_while_it_is_moved_is_moved_as_it_is_by_then(
    local: LocalAws, apart: bool, change: Callable[[AccountStore, ApiKey], Any]
) -> None:
    raw_key, key = store_of(local, apart=not apart).add_known_key(ACCOUNT, "laptop")
    store = store_of(local, apart=not apart)
    with before_request(local, "TransactWriteItems", 0, lambda: change(store, key)):
        assert moving(local, key, apart=apart)() is Move.MOVED
    assert stand_in(local)[key.key_id] == where_keys_stand(ACCOUNT, apart=apart)
    changed = store.key(ACCOUNT, key.key_id)
    assert changed == store.find_key(raw_key) != key


def test_a_row_that_is_gone_is_not_moved(local: LocalAws) -> None:
    _, key = store_of(local).add_known_key(ACCOUNT, "laptop")
    assert moving(local, key, apart=True)() is Move.MOVED
    assert moving(local, key, apart=True)() is Move.GONE
    assert stand_in(local) == {key.key_id: keys_pk(ACCOUNT)}
