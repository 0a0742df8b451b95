"""A sweep that finds more than it can look at hands out the rest, and what is kept in shards is seen all the same."""

import asyncio
import json
from copy import replace
from typing import Any

import pytest

from ringline.accounts.account import Account
from ringline.accounts.store import AccountStore
from ringline.calls.mending.shares import Sizes
from ringline.calls.model.call import State
from ringline.calls.model.timing import FIRST_LOOK_S, ZOMBIE_ROOM_S
from ringline.calls.tables.pages import CallPages
from ringline.calls.tables.queues import share_to_work_on
from ringline.calls.tables.store import CallStore
from ringline.calls.tables.wanted import EVERY_CALL
from ringline.calls.tables.watchlist import SHARDS_LOOKED_FOR_MS, DueKey, Watchlist
from ringline.runtime.clock import now_ms
from ringline.runtime.items import to_item
from ringline.runtime.table import DUE_SHARD, SHARDS, WAITING_PK, WAITING_PKS, shard_for
from tests.builders import ACCOUNT, NOW, a_call
from tests.component.calls_room import CallsRoom, calls_room
from tests.component.one_table import LocalAws, load_handler
from tests.fakes import CONTEXT
from tests.sample_events import event_of

SMALL = Sizes(own_calls=2, calls_a_share=2, own_marks=1, marks_a_share=1)
CALLS = 7


@pytest.fixture(autouse=True)
def nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    async def at_once(_seconds: float) -> None:
        return None

    monkeypatch.setattr(asyncio, "sleep", at_once)


@pytest.fixture
def room(local: LocalAws) -> CallsRoom:
    room = calls_room(local, cap=20)
    room.sizes = SMALL
    return room


def hung_up_unnoticed(room: CallsRoom) -> None:
    """So many calls are on a line, and LiveKit has closed their rooms."""
    for number in range(CALLS):
        room.clock.move(0.001)
        room.dialing(f"call_{number}")
    room.telephony.open_rooms.clear()
    room.clock.move(FIRST_LOOK_S + 60)


def in_flight(room: CallsRoom) -> int:
    return sum(not room.call(f"call_{number}").state.is_terminal for number in range(CALLS))


def test_what_a_run_does_not_look_at_itself_is_looked_at_by_others(room: CallsRoom) -> None:
    hung_up_unnoticed(room)
    swept = room.sweep()
    assert (swept.overdue, swept.handed_out) == (CALLS, 3)
    assert 0 < CALLS - in_flight(room) <= SMALL.own_calls
    room.work_on_shares()
    assert (in_flight(room), room.in_use) == (0, 0)


def test_a_share_that_comes_twice_or_late_changes_nothing(room: CallsRoom) -> None:
    hung_up_unnoticed(room)
    room.sweep()
    room.looks.shares *= 2
    room.work_on_shares()
    before = [room.call(f"call_{number}") for number in range(CALLS)]
    room.sweep()
    room.work_on_shares()
    assert [room.call(f"call_{number}") for number in range(CALLS)] == before


def test_a_share_whose_message_is_lost_is_found_by_the_next_run(room: CallsRoom) -> None:
    hung_up_unnoticed(room)
    for _ in range(5):
        room.sweep()
        room.looks.shares.clear()
        room.clock.move(60)
    assert in_flight(room) == 0


def test_a_run_that_can_hand_out_nothing_looks_at_all_of_it_itself(room: CallsRoom) -> None:
    hung_up_unnoticed(room)
    room.looks.is_down = True
    assert room.sweep().handed_out == 0
    assert in_flight(room) == 0


def test_a_room_whose_call_others_look_at_is_not_closed(room: CallsRoom) -> None:
    for number in range(CALLS):
        room.clock.move(0.001)
        room.dialing(f"call_{number}", ring_timeout_s=3600)
    room.clock.move(ZOMBIE_ROOM_S + 60)
    swept = room.sweep()
    assert (swept.handed_out, swept.rooms_closed, room.telephony.ended_rooms) == (3, 0, [])
    assert len(room.telephony.open_rooms) == CALLS


def test_shares_for_which_there_is_no_time_are_handed_out_again(
    room: CallsRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    hung_up_unnoticed(room)
    room.sweep()
    read, shares = room.watchlist.due_between, len(room.looks.shares)

    def takes_long(*asked: Any) -> Any:
        room.clock.move(30)
        return read(*asked)

    monkeypatch.setattr(room.watchlist, "due_between", takes_long)
    assert room.work_on_shares().handed_out == shares - 1
    assert len(room.looks.shares) == shares - 1


def test_accounts_that_wait_are_rung_for_by_others_where_they_are_many(room: CallsRoom) -> None:
    accounts = [f"acct_{number}" for number in range(4)]
    for account_id in accounts:
        room.watchlist.mark_waiting(account_id, NOW)
        room.store.create(a_call(State.QUEUED, account_id=account_id, call_id="call_1"))
    assert room.sweep().handed_out == 3
    assert room.work_on_shares().accounts_waiting == 3


def test_a_message_of_the_look_queue_that_names_a_share_is_worked_on(room: CallsRoom, local: LocalAws) -> None:
    event = event_of("sweep", "work_on_shares")
    share = share_to_work_on(event["Records"][0]["body"])
    assert share is not None
    store = AccountStore(local.dynamodb, local.table_name)
    store.create_account(Account("acct_5", "Five", "five", 1))
    mark = {"pk": share.list_key, "sk": "acct_5", "marked_at": now_ms()}
    local.dynamodb.put_item(TableName=local.table_name, Item=to_item(mark))
    room.store.create(a_call(State.QUEUED, account_id="acct_5", call_id="call_1"))
    queues = dict.fromkeys(("DOORBELL_QUEUE_URL", "LOOK_QUEUE_URL", "DELIVERY_QUEUE_URL"), local.queue_url)
    keys = {"LIVEKIT_API_KEY": "key", "LIVEKIT_API_SECRET": "s" * 32, "LIVEKIT_URL": "http://127.0.0.1:9"}
    handler = load_handler("sweep", {**queues, **keys, "AGENT_NAME": "agent"})
    assert handler.lambda_handler(event, CONTEXT) == {"batchItemFailures": []}
    assert [json.loads(message["Body"]) for message in local.messages()] == [{"account_id": "acct_5"}]


# --- shards ----------------------------------------------------------------------------------------------------------


def shard_of_due() -> str:
    return shard_for(ACCOUNT, DUE_SHARD, in_shards=True)


def test_a_list_in_shards_is_one_of_so_many_keys_and_an_accounts_is_always_the_same() -> None:
    found = {shard_for(f"acct_{number}", DUE_SHARD, in_shards=True) for number in range(500)}
    assert len(found) == SHARDS
    assert shard_for(ACCOUNT, DUE_SHARD, in_shards=True) == "due#05"
    assert shard_for(ACCOUNT, DUE_SHARD, in_shards=False) == DUE_SHARD


def in_shards(room: CallsRoom, local: LocalAws) -> CallsRoom:
    """The same account, by functions that write to shards."""
    store = CallStore(local.dynamodb, local.table_name, pause=lambda _: None, in_shards=True)
    watchlist = Watchlist(local.dynamodb, local.table_name, in_shards=True)
    return replace(room, store=store, watchlist=watchlist)


def lists_of(local: LocalAws) -> dict[str, str]:
    """In which list each call stands."""
    return {item["sk"]: item["due_shard"] for item in local.items() if item["sk"].startswith("call_")}


def test_a_sweep_of_shards_mends_calls_of_the_whole_list_too(room: CallsRoom, local: LocalAws) -> None:
    room.dialing("call_0")
    sharded = in_shards(room, local)
    sharded.dialing("call_1")
    assert lists_of(local) == {"call_0": DUE_SHARD, "call_1": shard_of_due()}
    room.telephony.open_rooms.clear()
    room.clock.move(FIRST_LOOK_S + 60)
    sharded.sweep()
    assert room.call("call_0").state.is_terminal and room.call("call_1").state.is_terminal


@pytest.mark.parametrize("expires", [True, False], ids=["expires", "on a line"])
def test_a_call_that_is_moved_to_the_whole_list_while_a_run_reads_is_seen_all_the_same(
    room: CallsRoom, local: LocalAws, monkeypatch: pytest.MonkeyPatch, expires: bool
) -> None:
    """Of two releases, or of two settings, both write while a deployment is on its way."""
    sharded = in_shards(room, local)
    call = sharded.queued(due_at=NOW + 5, expires_at=NOW + 9) if expires else sharded.dialing("call_1")
    room.telephony.open_rooms.clear()
    room.clock.move(FIRST_LOOK_S + 60)
    read = sharded.watchlist.due_in
    moved: list[str] = []

    def due_in(list_key: str, *how: Any) -> list[DueKey]:
        if list_key.endswith(shard_of_due()[-3:]) and not moved and lists_of(local)["call_1"] == list_key:
            room.store.commit(call, replace(call, version=call.version + 1))
            moved.append(list_key)
        return read(list_key, *how)

    monkeypatch.setattr(sharded.watchlist, "due_in", due_in)
    sharded.sweep()
    assert len(moved) == 1
    assert room.call().state.is_terminal


def test_what_is_seen_only_at_the_second_reading_stands_in_its_place(
    room: CallsRoom, local: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Shares are handed out by their first and last moments.
    sharded = in_shards(room, local)
    early = sharded.dialing("call_0")
    for number in range(1, CALLS):
        room.clock.move(0.001)
        room.dialing(f"call_{number}")
    room.telephony.open_rooms.clear()
    room.clock.move(FIRST_LOOK_S + 60)
    read = sharded.watchlist.due_in
    moved: list[str] = []

    def due_in(list_key: str, *how: Any) -> list[DueKey]:
        if list_key == shard_of_due() and not moved:
            room.store.commit(early, replace(early, version=early.version + 1))
            moved.append(list_key)
        return read(list_key, *how)

    monkeypatch.setattr(sharded.watchlist, "due_in", due_in)
    sharded.sweep()
    assert all(int(share.first) <= int(share.last) for share in room.looks.shares)
    sharded.work_on_shares()
    assert in_flight(room) == 0


def test_shards_are_noted_and_seen_by_who_does_not_write_to_them_any_more(room: CallsRoom, local: LocalAws) -> None:
    sharded = in_shards(room, local)
    sharded.sweep()
    sharded.dialing("call_0")
    sharded.watchlist.mark_waiting(ACCOUNT, NOW)
    assert [key.sk for key in room.watchlist.due(room.clock() + 60_000, 10)] == ["call_0"]
    assert [mark.list_pk for mark in room.watchlist.waiting_accounts()] == [
        shard_for(ACCOUNT, WAITING_PK, in_shards=True)
    ]
    room.telephony.open_rooms.clear()
    room.clock.move(FIRST_LOOK_S + 60)
    room.sweep()
    assert room.call("call_0").state.is_terminal


def test_shards_that_nobody_has_noted_are_found_within_five_minutes(room: CallsRoom, local: LocalAws) -> None:
    in_shards(room, local).dialing("call_0")
    room.telephony.open_rooms.clear()
    room.clock.move(FIRST_LOOK_S + 1)
    for _ in range(SHARDS_LOOKED_FOR_MS // 60_000):
        room.clock.move(60)
        room.sweep()
    assert room.call("call_0").state.is_terminal


def test_what_stands_in_shards_is_put_back_once_nobody_writes_there(room: CallsRoom, local: LocalAws) -> None:
    sharded = in_shards(room, local)
    sharded.sweep()
    call = sharded.dialing("call_0", ring_timeout_s=3600)
    sharded.watchlist.mark_waiting(ACCOUNT, room.clock())
    room.clock.move(60)
    room.sweep()
    assert lists_of(local) == {"call_0": DUE_SHARD}
    assert [mark.list_pk for mark in room.watchlist.waiting_accounts()] == [WAITING_PK]
    assert room.call("call_0") == call, "whoever decides on it meanwhile is not refused"


def test_shards_in_which_there_is_nothing_any_more_are_not_read(room: CallsRoom, local: LocalAws) -> None:
    sharded = in_shards(room, local)
    sharded.sweep()
    assert len(room.watchlist.lists().due) == 1 + SHARDS
    run_of_minutes(room, SHARDS_LOOKED_FOR_MS // 60_000)
    assert room.watchlist.lists().due == (DUE_SHARD,)


def run_of_minutes(room: CallsRoom, minutes: int) -> None:
    for _ in range(minutes):
        room.clock.move(60)
        room.sweep()


def test_an_idle_deployment_reads_each_list_once(room: CallsRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    room.clock.move(60)
    asked: list[str] = []

    def empty(list_key: str, *_: object) -> list[DueKey]:
        asked.append(list_key)
        return []

    monkeypatch.setattr(room.watchlist, "due_in", empty)
    room.sweep()
    assert asked == ["due", "expires"]


def test_an_accounts_calls_on_a_line_are_listed_from_both_lists(room: CallsRoom, local: LocalAws) -> None:
    room.dialing("call_0")
    sharded = in_shards(room, local)
    sharded.dialing("call_1")
    pages = CallPages(local.dynamodb, local.table_name)
    page = pages.in_flight(ACCOUNT, limit=10, cursor=None, wanted=EVERY_CALL, now=room.clock())
    assert page is not None and [call.call_id for call in page.calls] == ["call_1", "call_0"]


def test_a_call_moves_to_the_list_of_who_writes_it_last(room: CallsRoom, local: LocalAws) -> None:
    queued = room.queued(due_at=NOW + 5, expires_at=NOW + 9)
    assert lists_of(local) == {"call_1": DUE_SHARD}
    in_shards(room, local).store.commit(queued, replace(queued, version=queued.version + 1))
    assert lists_of(local) == {"call_1": shard_of_due()}


def test_marks_that_are_refused_are_not_asked_for_again_and_again(
    room: CallsRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.sizes = Sizes(own_calls=20, calls_a_share=20, own_marks=1, marks_a_share=1)
    asked = []

    def throttled(account_id: str, _now: int) -> None:
        asked.append(account_id)
        raise RuntimeError("throttled")

    for number in range(CALLS):
        room.store.create(a_call(State.QUEUED, call_id=f"call_{number}", due_at=room.clock() + 30_000))
    room.clock.move(60)
    with monkeypatch.context() as busy:
        busy.setattr(room.watchlist, "mark_waiting", throttled)
        room.sweep()
    assert asked == [ACCOUNT]
    assert room.doorbell.accounts == [ACCOUNT], "its bell needs no mark"
    assert all(room.call(f"call_{number}").due_at is not None for number in range(CALLS)), "the next run finds them"
    room.clock.move(60)
    room.sweep()
    assert all(room.call(f"call_{number}").due_at is None for number in range(CALLS))


def test_a_mark_that_is_put_back_takes_the_place_of_no_newer_one(local: LocalAws) -> None:
    in_shards, whole = (Watchlist(local.dynamodb, local.table_name, in_shards=each) for each in (True, False))
    in_shards.mark_waiting(ACCOUNT, NOW)
    in_shards.mark_waiting("acct_2", NOW)
    whole.mark_waiting(ACCOUNT, NOW + 1)
    whole.put_back(10)
    assert {mark.account_id: mark.marked_at for mark in whole.marks_in(WAITING_PK)} == {ACCOUNT: NOW + 1, "acct_2": NOW}
    assert not any(whole.marks_in(pk) for pk in WAITING_PKS)
