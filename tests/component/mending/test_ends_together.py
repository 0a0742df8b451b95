"""Calls of one account that expire, or are found to be over, at one moment are ended together, as if each had been
ended by itself."""

import threading
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ringline.calls.model.call import State
from ringline.calls.model.reasons import EndReason
from ringline.calls.progress.progress import MOST_TOGETHER
from ringline.runtime.table import agent_rest_sk, queue_pk
from tests.builders import ACCOUNT
from tests.component.calls_room import CallsRoom, room_of_no_waiting
from tests.component.mending.test_mass_expiry import OTHER, expiring
from tests.component.one_table import LocalAws

CALLS = MOST_TOGETHER + 2


@pytest.fixture
def lost(local: LocalAws, monkeypatch: pytest.MonkeyPatch) -> CallsRoom:
    """Calls on a line whose rooms are gone, and nobody was there to hear of it."""
    room = room_of_no_waiting(local, monkeypatch, cap=CALLS)
    for number in range(CALLS):
        room.dialing(f"call_{number}")
    room.telephony.open_rooms.clear()
    room.clock.move(90)
    return room


@pytest.fixture
def transactions(local: LocalAws, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many calls each transaction has written."""
    sizes: list[int] = []
    transact = local.dynamodb.transact_write_items

    def noted(*, TransactItems: Any) -> Any:
        answer = transact(TransactItems=TransactItems)
        sizes.append(sum("Put" in write and "state" in write["Put"]["Item"] for write in TransactItems))
        return answer

    monkeypatch.setattr(local.dynamodb, "transact_write_items", noted)
    return sizes


def never_written(local: LocalAws, monkeypatch: pytest.MonkeyPatch, call_id: str) -> None:
    """Whatever transaction that call is in is refused."""
    transact = local.dynamodb.transact_write_items

    def refusing(*, TransactItems: Any) -> Any:
        if any(write.get("Put", {}).get("Item", {}).get("sk") == {"S": call_id} for write in TransactItems):
            raise ClientError({"Error": {"Code": "ValidationException"}}, "TransactWriteItems")
        return transact(TransactItems=TransactItems)

    monkeypatch.setattr(local.dynamodb, "transact_write_items", refusing)


def reasons(room: CallsRoom) -> list[EndReason | None]:
    return [room.call(f"call_{number}").end_reason for number in range(CALLS)]


def test_calls_that_expired_at_one_moment_end_in_as_few_transactions_as_can_be(
    room: CallsRoom, local: LocalAws, transactions: list[int]
) -> None:
    for number in range(CALLS):
        expiring(room, f"call_{number}")
    expiring(room, "call_b", OTHER)
    transactions.clear()
    room.clock.move(90)
    swept = room.sweep()
    assert reasons(room) == [EndReason.EXPIRED_IN_QUEUE] * CALLS
    assert sorted(transactions) == [1, CALLS - MOST_TOGETHER, MOST_TOGETHER]
    assert swept.settled == CALLS + 1
    assert not [item for item in local.items() if item["pk"] == queue_pk(ACCOUNT)]
    assert all(room.call(f"call_{number}").end_is_untold for number in range(CALLS)), "each end leaves its mark"


def test_their_agent_is_asked_about_once(room: CallsRoom, local: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(CALLS):
        expiring(room, f"call_{number}", agent_first=True)
    room.clock.move(90)
    read, looked = local.dynamodb.get_item, list[str]()

    def noted(*, Key: Any, **options: Any) -> Any:
        looked.append(Key["sk"]["S"])
        return read(Key=Key, **options)

    monkeypatch.setattr(local.dynamodb, "get_item", noted)
    room.sweep()
    assert reasons(room) == [EndReason.EXPIRED_IN_QUEUE] * CALLS
    asked_about = agent_rest_sk(room.call("call_0").agent_id or "")
    assert looked.count(asked_about) == -(-CALLS // MOST_TOGETHER)


def test_whoever_looks_for_a_call_ends_the_expired_together(room: CallsRoom, transactions: list[int]) -> None:
    for number in range(CALLS):
        room.queued(f"call_{number}", expires_at=room.clock() + 1_000, due_at=room.clock() + 1_000)
    room.clock.move(2)
    transactions.clear()
    room.next_call(ACCOUNT)
    assert reasons(room) == [EndReason.EXPIRED_IN_QUEUE] * CALLS
    assert sorted(transactions) == [CALLS - MOST_TOGETHER, MOST_TOGETHER]


def test_one_that_is_cancelled_meanwhile_keeps_its_reason_and_the_others_waiting_for_nothing(
    room: CallsRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(CALLS):
        expiring(room, f"call_{number}")
    room.clock.move(90)
    read = room.store.get_many

    def then_one_is_cancelled(*keys: Any) -> Any:
        calls = read(*keys)
        if room.call("call_3").state is State.QUEUED:
            room.hang_up("call_3")
        return calls

    monkeypatch.setattr(room.store, "get_many", then_one_is_cancelled)
    room.sweep()
    ended = reasons(room)
    assert ended.pop(3) is EndReason.CALL_CANCELED
    assert ended == [EndReason.EXPIRED_IN_QUEUE] * (CALLS - 1)


def test_one_that_cannot_be_written_keeps_no_other_from_its_end(
    room: CallsRoom, local: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(CALLS):
        expiring(room, f"call_{number}")
    room.clock.move(90)
    never_written(local, monkeypatch, "call_0")
    room.sweep()
    assert reasons(room) == [None] + [EndReason.EXPIRED_IN_QUEUE] * (CALLS - 1)


def test_calls_that_were_lost_at_one_moment_give_back_all_their_lines(lost: CallsRoom) -> None:
    assert lost.in_use == CALLS
    swept = lost.sweep()
    assert (lost.in_use, swept.settled) == (0, CALLS)
    assert all(lost.call(f"call_{number}").state.is_terminal for number in range(CALLS))


def test_those_that_are_found_while_another_is_written_are_written_together(
    lost: CallsRoom, local: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first end is held up until each of the others has been found."""
    closed, all_closed, end_room = list[str](), threading.Event(), lost.telephony.end_room

    async def noted(room_name: str) -> None:
        await end_room(room_name)
        closed.append(room_name)
        if len(closed) == CALLS:
            all_closed.set()

    transact, sizes = local.dynamodb.transact_write_items, list[int]()

    def held_up(*, TransactItems: Any) -> Any:
        ends = sum("ended_at" in write.get("Put", {}).get("Item", {}) for write in TransactItems)
        if ends:
            assert all_closed.wait(10)
            sizes.append(ends)
        return transact(TransactItems=TransactItems)

    monkeypatch.setattr(lost.telephony, "end_room", noted)
    monkeypatch.setattr(local.dynamodb, "transact_write_items", held_up)
    lost.sweep()
    assert (sizes, lost.in_use) == ([1, MOST_TOGETHER, 1], 0)


def test_a_lost_one_that_cannot_be_written_keeps_no_other_from_its_end(
    lost: CallsRoom, local: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    never_written(local, monkeypatch, "call_3")
    lost.sweep()
    assert [number for number in range(CALLS) if not lost.call(f"call_{number}").state.is_terminal] == [3]
    assert lost.in_use == 1
