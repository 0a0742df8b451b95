"""Calls that have expired at the head of a queue hold up nobody behind them."""

import pytest

from ringline.calls.model.call import State
from ringline.calls.model.reasons import EndReason
from ringline.calls.outbound import admit, queue_head
from ringline.calls.outbound.admit import NoneAdmitted
from ringline.calls.outbound.queue_head import ExpiredAhead
from ringline.runtime.items import to_item
from ringline.runtime.table import queue_pk, queue_sk
from tests.builders import ACCOUNT
from tests.component.calls_room import CallsRoom, calls_room
from tests.component.one_table import LocalAws


@pytest.fixture
def room(local: LocalAws) -> CallsRoom:
    return calls_room(local, cap=5)


def expired(room: CallsRoom, count: int) -> None:
    """So many calls wait whose time has passed, the healthy ones' is still to come."""
    for number in range(count):
        room.queued(f"call_0{number:04}", expires_at=room.clock() + 1_000, due_at=room.clock() + 1_000)
    room.clock.move(2)


def expired_without_calls(room: CallsRoom, local: LocalAws, count: int) -> None:
    """So many places of calls that have expired: to write their calls, too, would take a minute."""
    now = room.clock()
    places = [{"pk": queue_pk(ACCOUNT), "sk": queue_sk(now - 9_000, f"call_0{n:04}")} for n in range(count)]
    puts = [{"PutRequest": {"Item": to_item(place | {"expires_at": now - 1_000})}} for place in places]
    for start in range(0, count, 25):
        local.dynamodb.batch_write_item(RequestItems={local.table_name: puts[start : start + 25]})


def test_a_call_behind_a_thousand_that_have_expired_is_dialled_at_once(room: CallsRoom, local: LocalAws) -> None:
    expired_without_calls(room, local, 1_000)
    healthy = room.queued("call_9")
    admitted = room.next_call(ACCOUNT)
    assert getattr(admitted, "call_id", None) == healthy.call_id


def test_where_more_have_expired_than_one_look_reaches_past_each_ends_some_and_the_bell_is_rung_on(
    room: CallsRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admit, "_LOOK_PAST", 3)
    monkeypatch.setattr(queue_head, "_PAGE", 3)
    monkeypatch.setattr(queue_head, "_PAGES", 2)
    monkeypatch.setattr(queue_head, "EXPIRED_AT_ONCE", 6)
    expired(room, 14)
    room.queued("call_9")
    assert room.ring() == 0
    assert room.doorbell.rings == [(ACCOUNT, 0)], "not left to SQS, which would be silent about it for minutes"
    runs = 1
    while room.call("call_9").state is State.QUEUED:
        assert runs < 4
        room.ring()
        runs += 1
    assert room.call("call_00000").end_reason is EndReason.EXPIRED_IN_QUEUE


def test_a_queue_of_nothing_but_expired_calls_is_emptied(room: CallsRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_head, "EXPIRED_AT_ONCE", 4)
    expired(room, 4 + 2)
    assert room.next_call(ACCOUNT) == ExpiredAhead()
    assert room.next_call(ACCOUNT) is NoneAdmitted.NOBODY_WAITS
    assert not room.store.has_queued(ACCOUNT)


def test_expired_calls_whose_places_do_not_say_so_are_no_contention(
    room: CallsRoom, local: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The release before wrote places without it: sixty of them kept an account from dialling for twelve minutes."""
    monkeypatch.setattr(admit, "_TRIES", 2)
    monkeypatch.setattr(admit, "EXPIRED_AT_ONCE", 4)
    expired(room, 7)
    for entry in room.store.eligible(ACCOUNT, room.clock(), 100):
        local.dynamodb.update_item(
            TableName=local.table_name,
            Key=to_item({"pk": queue_pk(ACCOUNT), "sk": queue_sk(entry.eligible_at, entry.call_id)}),
            UpdateExpression="REMOVE expires_at",
        )
    room.queued("call_9")
    assert (room.ring(), room.doorbell.accounts) == (0, [ACCOUNT])
    assert room.ring() == 1
    assert room.call("call_00006").end_reason is EndReason.EXPIRED_IN_QUEUE


def test_a_full_gate_ends_nobodys_wait(room: CallsRoom, local: LocalAws) -> None:
    """Whether they have expired is then no dialer's business: the sweep ends them."""
    for number in range(5):
        room.dialing(f"busy_{number}")
    expired(room, 3)
    assert room.next_call(ACCOUNT) is NoneAdmitted.GATE_FULL
    assert room.call("call_00000").state is State.QUEUED
