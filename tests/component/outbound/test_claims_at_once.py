"""Calls that are claimed at once: who goes along with the first one, who does not, and what becomes of them."""

from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import pytest

from ringline.calls.capacity.counters import Kind, counter_name
from ringline.calls.model.call import RUNNER, State
from ringline.calls.model.events import DialRefused
from ringline.calls.model.outcomes import LivekitAway
from ringline.calls.model.timing import AGENT_RESTS_S, DIAL_BATCH
from ringline.calls.outbound.admit import NoneAdmitted
from ringline.calls.tables.store import CONFLICT_TRIES, TableContended
from tests.builders import ACCOUNT, NOW
from tests.component.calls_room import CallsRoom, calls_room
from tests.component.one_table import LocalAws
from tests.component.runners import put_runner


@pytest.fixture
def room(local: LocalAws) -> CallsRoom:
    return calls_room(local, cap=20)


@pytest.fixture
def transactions(local: LocalAws) -> Iterator[list[int]]:
    """How many items each transaction wrote."""
    sent: list[int] = []
    transact = local.dynamodb.transact_write_items

    def counted(**transaction: Any) -> Any:
        sent.append(len(transaction["TransactItems"]))
        return transact(**transaction)

    with mock.patch.object(local.dynamodb, "transact_write_items", counted):
        yield sent


def wait(room: CallsRoom, *names: str, **fields: object) -> None:
    """In the order of their names."""
    for name in names:
        room.queued(f"call_{name}", **fields)


def admitted(room: CallsRoom, most: int = DIAL_BATCH) -> list[str] | object:
    """The names of the calls that were claimed, or why none was."""
    calls = room.admit.next(ACCOUNT, most)
    return [call.call_id.removeprefix("call_") for call in calls] if isinstance(calls, list) else calls


def test_ten_calls_that_wait_are_claimed_in_one_transaction_in_their_order(
    room: CallsRoom, transactions: list[int]
) -> None:
    wait(room, *"abcdefghijk")
    transactions.clear()
    assert admitted(room) == list("abcdefghij")
    assert transactions == [2 * DIAL_BATCH + 1], "each call and its place in the queue, and the gate once"
    assert room.in_use == DIAL_BATCH
    assert admitted(room) == ["k"]


def test_a_call_that_waits_alone_is_claimed_as_ever(room: CallsRoom, transactions: list[int]) -> None:
    wait(room, "a")
    transactions.clear()
    with mock.patch.object(
        room.store._db, "batch_get_item", side_effect=AssertionError("a read that it does not need")
    ):
        assert admitted(room) == ["a"]
    assert transactions == [3]


def test_no_more_are_claimed_than_lines_are_free(local: LocalAws, transactions: list[int]) -> None:
    room = calls_room(local, cap=3)
    wait(room, *"abcde")
    transactions.clear()
    assert admitted(room) == ["a", "b", "c"]
    assert len(transactions) == 1
    assert admitted(room) is NoneAdmitted.GATE_FULL


def test_calls_whose_agent_has_as_many_as_it_may_are_passed_by_those_of_others(room: CallsRoom) -> None:
    room.counters.set_cap(ACCOUNT, Kind.AGENT, "AGENT_busy", 2)
    for name, agent in zip(
        "abcdef", ["AGENT_busy", "AGENT_busy", "AGENT_busy", "AGENT_2", "AGENT_busy", "AGENT_2"], strict=True
    ):
        wait(room, name, agent_id=agent)
    assert admitted(room) == ["a", "b", "d", "f"]
    assert room.counters.look(ACCOUNT, counter_name(Kind.AGENT, "AGENT_busy")).in_use == 2


def test_a_call_that_needs_a_turn_of_its_trunk_goes_as_the_first(room: CallsRoom) -> None:
    room.paces.set_rate("ST_slow", 1)
    wait(room, "a", "b")
    wait(room, "c", trunk_id="ST_slow")
    wait(room, "d")
    assert admitted(room) == ["a", "b"]
    assert admitted(room) == ["c", "d"]


def test_of_a_paced_trunk_one_is_claimed_a_turn(room: CallsRoom) -> None:
    room.paces.set_rate("ST_slow", 1)
    wait(room, "a", "b", trunk_id="ST_slow")
    assert admitted(room) == ["a"]
    assert admitted(room) == ["b"]
    assert room.clock() == NOW + 1000


def test_runners_are_given_calls_by_turns_and_none_more_than_its_places(local: LocalAws, room: CallsRoom) -> None:
    for runner_id, places in (("bot#1", 2), ("bot#2", 3)):
        put_runner(local.dynamodb, local.table_name, runner_id, places=places)
    wait(room, *"abcdefg", brain=RUNNER)
    assert admitted(room) == list("abcde")
    taken = {each.worker_id: each.in_use for each in room.places.runners(ACCOUNT, "AGENT_1")}
    assert taken == {"bot#1": 2, "bot#2": 3}
    assert [room.call(f"call_{name}").runner_id for name in "ab"] == ["bot#1", "bot#2"]


def test_calls_of_a_dialer_that_died_before_it_dialled_one_of_them_end_and_give_their_lines_back(
    room: CallsRoom,
) -> None:
    wait(room, "a", "b", "c")
    assert admitted(room) == ["a", "b", "c"]
    for _ in range(3):
        room.clock.move(120)
        room.sweep()
    states = {room.call(f"call_{name}").state for name in "abc"}
    assert states <= {State.NOT_CONNECTED, State.QUEUED}
    assert room.in_use == 0


# --- others at the gate ----------------------------------------------------------------------------------------------


def meeting(local: LocalAws, times: int, meanwhile: Callable[[], object] = lambda: None) -> Any:
    """The next so many transactions come while another is under way at the gate, which goes through behind each."""
    transact, left = local.dynamodb.transact_write_items, times

    def met(**transaction: Any) -> Any:
        nonlocal left
        if left == 0:
            return transact(**transaction)
        left -= 1
        with mock.patch.object(local.dynamodb, "transact_write_items", transact):
            meanwhile()
        reasons = [{"Code": "None"}] * (len(transaction["TransactItems"]) - 1) + [{"Code": "TransactionConflict"}]
        answer = {"Error": {"Code": "TransactionCanceledException", "Message": ""}, "CancellationReasons": reasons}
        raise local.dynamodb.exceptions.TransactionCanceledException(answer, "TransactWriteItems")

    return mock.patch.object(local.dynamodb, "transact_write_items", met)


def test_who_meets_an_end_at_the_gate_claims_for_its_line_too(local: LocalAws, transactions: list[int]) -> None:
    room = calls_room(local, cap=2)
    call = room.dialing("call_that_ends")
    wait(room, "a", "b", "c")

    def ends() -> None:
        room.progress.apply(
            ACCOUNT, "call_that_ends", DialRefused(room.clock(), call.attempt, 486, "Busy Here", None, None)
        )
        assert room.in_use == 0

    transactions.clear()
    before = room.clock()
    with meeting(local, 1, ends):
        assert admitted(room) == ["a", "b"]
    assert room.in_use == 2
    assert room.clock() > before, "it lets the others pass"


def test_who_meets_another_dialer_takes_the_next_call(local: LocalAws, room: CallsRoom) -> None:
    wait(room, "a", "b", "c")
    with meeting(local, 1, lambda: room.next_call(ACCOUNT)):
        assert admitted(room, 1) == ["b"]
    assert room.in_use == 2


def test_a_gate_that_somebody_is_at_each_time_is_told_and_nobody_is_claimed(
    local: LocalAws, room: CallsRoom, transactions: list[int]
) -> None:
    wait(room, *"ab")
    transactions.clear()
    with meeting(local, CONFLICT_TRIES), pytest.raises(TableContended):
        admitted(room)
    assert (room.in_use, transactions) == (0, [])
    assert admitted(room) == ["a", "b"]


def test_who_finds_out_about_an_agent_keeps_its_turn_where_it_meets_others(local: LocalAws, room: CallsRoom) -> None:
    wait(room, "a")
    room.rests.missed(ACCOUNT, "AGENT_1", "call_x#1", room.clock())
    room.clock.move(AGENT_RESTS_S[0])
    with meeting(local, CONFLICT_TRIES - 1):
        assert admitted(room) == ["a"]


def test_who_finds_out_about_livekit_keeps_its_turn_where_it_meets_others(local: LocalAws, room: CallsRoom) -> None:
    wait(room, "a")
    room.telephony.room_refusals = [LivekitAway("unavailable", "room not made")] * 2
    while not room.paces.livekit.look().next_at:
        room.ring_once()
    room.clock.move((room.paces.livekit.look().next_at - room.clock()) / 1000)
    with meeting(local, CONFLICT_TRIES - 1):
        assert admitted(room) == ["a"]
