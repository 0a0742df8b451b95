"""Many calls of one account that expire at once delay nothing else that is due."""

from typing import Any

import pytest

from ringline.calls.mending import sweep
from ringline.calls.mending.sweep import shared
from ringline.calls.model.call import State
from ringline.calls.model.reasons import EndReason
from ringline.calls.tables import records
from ringline.runtime.table import DUE_SHARD, EXPIRES_SHARD, shard_for
from tests.builders import ACCOUNT, a_call
from tests.component.calls_room import CallsRoom, calls_room
from tests.component.one_table import LocalAws

OTHER = "acc_2"


def expiring(room: CallsRoom, call_id: str, account_id: str = ACCOUNT, **fields: Any) -> None:
    at = room.clock() + 1_000
    room.store.create(a_call(State.QUEUED, account_id=account_id, call_id=call_id, expires_at=at, due_at=at, **fields))


def test_accounts_take_turns_however_many_calls_one_of_them_has() -> None:
    many = [("a", str(n)) for n in range(5)]
    assert shared([*many, ("b", "1")], 3) == [("a", "0"), ("b", "1"), ("a", "1")]
    assert shared(many, 9) == many


def test_anothers_call_expires_in_time_and_a_hang_up_is_noticed_while_a_campaign_expires(
    room: CallsRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "MAX_EXPIRED", 3)
    monkeypatch.setattr(sweep, "MAX_DUE", 3)
    dialing = room.dialing("call_z")
    for number in range(8):
        expiring(room, f"call_{number}")
    expiring(room, "call_b", OTHER)
    room.telephony.open_rooms.clear()
    room.clock.move(90)
    room.sweep()
    other = room.store.get(OTHER, "call_b")
    assert other is not None and other.end_reason is EndReason.EXPIRED_IN_QUEUE
    assert room.call(dialing.call_id).state.is_terminal
    ended = [room.call(f"call_{number}").state.is_terminal for number in range(8)]
    # Of those of one moment any may be first.
    assert sum(ended) == 2


def test_calls_that_have_expired_are_no_part_of_the_list_of_calls_on_a_line(room: CallsRoom, local: LocalAws) -> None:
    expiring(room, "call_1")
    room.clock.move(2)
    assert room.watchlist.due(room.clock(), 10) == []
    assert [key.sk for key in room.watchlist.due_in(EXPIRES_SHARD, room.clock(), 10)] == ["call_1"]
    room.sweep()
    (row,) = [item for item in local.items() if item["sk"] == "call_1"]
    assert (row["due_shard"], row["due_at"]) == (EXPIRES_SHARD, row["expires_at"]), "its mark costs nothing"


def test_a_call_of_the_release_before_expires_from_its_place_among_all_others(
    room: CallsRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setattr(records, "EXPIRES_SHARD", DUE_SHARD)
        expiring(room, "call_1")
    room.clock.move(2)
    room.sweep()
    assert room.call("call_1").end_reason is EndReason.EXPIRED_IN_QUEUE


def test_in_a_shard_too_one_accounts_many_keep_no_other_waiting(
    local: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "MAX_EXPIRED", 3)
    monkeypatch.setattr(sweep, "MOST_EXPIRED_READ", 20)
    room = calls_room(local, in_shards=True)
    shard = shard_for(ACCOUNT, EXPIRES_SHARD, in_shards=True)
    others = (f"neighbour_{number}" for number in range(1000))
    neighbour = next(each for each in others if shard_for(each, EXPIRES_SHARD, in_shards=True) == shard)
    for number in range(8):
        expiring(room, f"call_{number}")
    room.clock.move(1)
    expiring(room, "call_b", neighbour)
    room.clock.move(90)
    room.sweep()
    other = room.store.get(neighbour, "call_b")
    assert other is not None and other.end_reason is EndReason.EXPIRED_IN_QUEUE
