"""A runner whose key is over does not stay: its connection is closed with a beat soon after."""

from dataclasses import replace

import pytest

from ringline.accounts.account import Account
from ringline.accounts.authorize import is_good_from
from ringline.accounts.store import AccountStore
from ringline.agents.listen import KEY_CHECKED_EVERY_S
from ringline.agents.model.records import Connection
from tests.builders import ACCOUNT
from tests.component.agents.plane import Plane, a_plane
from tests.component.one_table import LocalAws

KEYS_OF = "of r1"


@pytest.fixture
def accounts(local: LocalAws) -> AccountStore:
    return AccountStore(local.dynamodb, local.table_name)


@pytest.fixture
def plane(local: LocalAws, accounts: AccountStore) -> Plane:
    plane = a_plane(local)
    accounts.create_account(Account("other", "Other", "other", 1))
    accounts.add_key(ACCOUNT, "runner")

    def may_stay(connection: Connection) -> bool:
        plane.key_reads += 1
        key = accounts.key(connection.account_id, connection.key_id or "")
        return is_good_from(key, plane.calls.clock(), connection.source_ip)

    plane.listen._may_stay = may_stay
    (key,) = accounts.keys(ACCOUNT)
    plane.listen.connect(KEYS_OF, ACCOUNT, key.key_id, "192.0.2.1")
    plane.register("r1", KEYS_OF)
    return plane


def beats_for(plane: Plane, seconds: int) -> None:
    """A runner that beats as it is told, every ten seconds, for so long."""
    for _ in range(seconds // 10):
        plane.calls.clock.move(10)
        plane.beats(KEYS_OF)


def is_there(plane: Plane) -> bool:
    return any(each.heard_on == KEYS_OF for each in plane.registry.runners(ACCOUNT))


def test_a_runner_whose_key_is_revoked_is_cut_off_within_a_minute(plane: Plane, accounts: AccountStore) -> None:
    beats_for(plane, 120)
    assert is_there(plane)
    (key,) = accounts.keys(ACCOUNT)
    accounts.revoke(ACCOUNT, key.key_id)
    beats_for(plane, KEY_CHECKED_EVERY_S)
    assert plane.sockets.closed == [KEYS_OF]
    assert not is_there(plane)
    beats_for(plane, 30)
    assert not is_there(plane), "what a closed connection still says is passed over"
    plane.register("r1", KEYS_OF)
    assert not is_there(plane)


def test_a_key_that_expires_or_is_bound_to_other_addresses_ends_its_runners_too(
    plane: Plane, accounts: AccountStore
) -> None:
    (key,) = accounts.keys(ACCOUNT)
    accounts.restrict(ACCOUNT, key.key_id, ("192.0.2.0/24",))
    beats_for(plane, 120)
    assert is_there(plane)
    accounts.restrict(ACCOUNT, key.key_id, ("198.51.100.0/24",))
    beats_for(plane, KEY_CHECKED_EVERY_S)
    assert not is_there(plane)


def test_a_rotated_key_holds_until_its_time_is_over(plane: Plane, accounts: AccountStore) -> None:
    (key,) = accounts.keys(ACCOUNT)
    accounts.rotate(key, plane.calls.clock() + 300_000)
    beats_for(plane, 200)
    assert is_there(plane)
    beats_for(plane, 160)
    assert not is_there(plane)


def test_the_key_is_read_once_a_minute_and_not_with_each_frame(plane: Plane) -> None:
    before = plane.key_reads
    beats_for(plane, 600)
    assert plane.key_reads - before == 600 // KEY_CHECKED_EVERY_S


def test_speech_workers_have_no_key(plane: Plane) -> None:
    before = plane.key_reads
    plane.speech_joins("speech#1")
    for _ in range(20):
        plane.calls.clock.move(10)
        plane.beats("of speech#1")
    assert plane.key_reads == before
    assert plane.sockets.closed == []


def test_a_connection_of_the_release_before_names_no_key_and_stays(plane: Plane, accounts: AccountStore) -> None:
    (key,) = accounts.keys(ACCOUNT)
    accounts.revoke(ACCOUNT, key.key_id)
    plane.joins("r2")
    plane.calls.clock.move(70)
    plane.beats("of r2")
    assert plane.sockets.closed == []


def test_a_key_is_good_from_its_addresses_while_it_stands(accounts: AccountStore, plane: Plane) -> None:
    (key,) = accounts.keys(ACCOUNT)
    now = plane.calls.clock()
    assert is_good_from(key, now, None)
    assert not is_good_from(None, now, None)
    assert not is_good_from(replace(key, revoked_at=now), now, None)
    assert not is_good_from(replace(key, expires_at=now), now, None)
    bound = replace(key, allowed_ip_ranges=("192.0.2.0/24",))
    assert is_good_from(bound, now, "192.0.2.1")
    assert not is_good_from(bound, now, "198.51.100.1")
