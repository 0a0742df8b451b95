"""The end of a call leaves a mark, which its announcement removes: what the stream did not announce, the sweep does."""

import asyncio
from collections.abc import Callable

import pytest

from ringline.calls.model.call import Call
from ringline.calls.model.events import EndAsked, Event, FoundOver, GivenUp
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.results import Moved
from ringline.calls.model.timing import END_TOLD_WITHIN_S
from ringline.calls.progress.hints import NextRing
from ringline.calls.rules.lifecycle import apply
from ringline.calls.tables.store import Committed
from ringline.calls.views.relay import Change, Relay
from ringline.runtime.items import to_item
from ringline.runtime.table import calls_pk
from ringline.webhooks.model.event_type import EventType
from tests.builders import ACCOUNT
from tests.component.calls_room import CallsRoom, calls_room
from tests.component.one_table import LocalAws


@pytest.fixture
def room(local: LocalAws, monkeypatch: pytest.MonkeyPatch) -> CallsRoom:
    room = calls_room(local, cap=5)

    async def no_waiting(seconds: float) -> None:
        room.clock.move(seconds)

    monkeypatch.setattr(asyncio, "sleep", no_waiting)
    return room


def ended(room: CallsRoom, call_id: str = "call_1") -> Change:
    """A call that was dialled in vain, as the stream tells of its end."""
    dialing = room.dialing(call_id)
    room.clock.move(25)
    given_up = _moved(dialing, GivenUp(room.clock(), 1), room)
    return Change("1", given_up, _moved(given_up, FoundOver(room.clock(), 1), room))


def canceled(room: CallsRoom) -> Change:
    queued = room.queued()
    return Change("1", queued, _moved(queued, EndAsked(room.clock(), EndReason.API_HUNG_UP), room))


def expired(room: CallsRoom) -> Change:
    queued = room.queued(expires_at=room.clock() + 1000)
    room.clock.move(2)
    return Change("1", queued, _moved(queued, EndAsked(room.clock(), EndReason.EXPIRED_IN_QUEUE), room))


def scheduled_and_canceled(room: CallsRoom) -> Change:
    queued = room.queued(due_at=room.clock() + 3_600_000, expires_at=room.clock() + 3_600_000)
    return Change("1", queued, _moved(queued, EndAsked(room.clock(), EndReason.API_HUNG_UP), room))


def _moved(call: Call, event: Event, room: CallsRoom) -> Call:
    result = apply(call, event)
    assert isinstance(result, Moved)
    assert room.store.commit(call, result.call) is Committed.DONE
    return result.call


def relay(room: CallsRoom) -> Relay:
    return Relay(room.announcer, room.store, NextRing(room.store, room.doorbell, room.clock))


WAYS = [ended, canceled, expired, scheduled_and_canceled]


@pytest.mark.parametrize("end", WAYS)
def test_an_end_that_the_stream_never_told_of_is_announced_by_the_sweep(
    room: CallsRoom, end: Callable[[CallsRoom], Change]
) -> None:
    end(room)
    assert room.call().end_is_untold
    room.clock.move(END_TOLD_WITHIN_S)
    assert room.sweep().ends_told == 1
    assert room.announcer.told == [("call_1", EventType.CALL_ENDED, 1)]
    assert not room.call().end_is_untold


@pytest.mark.parametrize("end", WAYS)
def test_an_end_that_the_stream_told_of_is_not_announced_by_the_sweep(
    room: CallsRoom, end: Callable[[CallsRoom], Change]
) -> None:
    relay(room).announce(end(room))
    assert not room.call().end_is_untold
    room.clock.move(END_TOLD_WITHIN_S)
    assert (room.sweep().ends_told, room.announcer.told) == (0, [("call_1", EventType.CALL_ENDED, 1)])


def test_the_stream_has_its_time_before_the_sweep_announces(room: CallsRoom) -> None:
    ended(room)
    assert room.sweep().ends_told == 0
    assert room.call().end_is_untold


def test_a_mark_outlives_whoever_dies_while_announcing(room: CallsRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    change = ended(room)
    with monkeypatch.context() as broken:
        broken.setattr(room.announcer, "announce", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            relay(room).announce(change)
        room.clock.move(END_TOLD_WITHIN_S)
        room.sweep()
    assert room.call().end_is_untold
    assert room.sweep().ends_told == 1


def test_ends_are_announced_while_livekit_cannot_be_asked(room: CallsRoom) -> None:
    ended(room)
    room.clock.move(END_TOLD_WITHIN_S)
    room.telephony.down = True
    assert room.sweep().ends_told == 1


def test_a_row_that_cannot_be_read_keeps_no_other_end_from_being_announced(local: LocalAws, room: CallsRoom) -> None:
    for number in range(3):
        ended(room, f"call_{number}")
    key = to_item({"pk": calls_pk(ACCOUNT), "sk": "call_1"})
    garbled = {"ExpressionAttributeValues": {":garbled": {"L": [{"S": "no moment"}]}}}
    local.dynamodb.update_item(TableName=local.table_name, Key=key, UpdateExpression="SET notes = :garbled", **garbled)
    room.clock.move(END_TOLD_WITHIN_S)
    swept = room.sweep()
    assert (swept.ends_told, swept.unread) == (2, 1)
    local.dynamodb.update_item(TableName=local.table_name, Key=key, UpdateExpression="REMOVE notes")
    assert room.sweep().ends_told == 1
    assert sorted(call_id for call_id, _, _ in room.announcer.told) == ["call_0", "call_1", "call_2"]


def test_a_call_that_goes_on_has_no_mark_to_lose(room: CallsRoom) -> None:
    dialing = room.dialing()
    assert not room.store.end_is_told(dialing)
    assert room.call() == dialing


def test_an_end_keeps_the_place_in_the_due_index_that_its_call_had(room: CallsRoom) -> None:
    """To keep it is free, and to move it costs two write units."""
    dialing = room.dialing()
    assert ended(room, "call_2").after.due_at == dialing.due_at
