"""Where LiveKit takes so many requests a minute, calls are dialled by turns, and what cannot wait has a share of its
own."""

import asyncio
import json
from copy import replace

import pytest

from ringline.calls.model.call import Call, State
from ringline.calls.model.events import AgentSeen, EndAsked
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.room_view import RoomView
from ringline.calls.model.timing import AGENT_FIRST_S, LIVEKIT_LULL_S, PACE_AHEAD_S
from ringline.calls.outbound.admit import NoneAdmitted, Paced
from ringline.calls.progress.progress import Progress
from ringline.calls.tables.limits.livekit_budget import (
    REQUESTS_OF_A_CALL,
    SHARE_OF_DIALS,
    LivekitBudget,
    Turn,
    interval_ms,
)
from ringline.calls.tables.store import TableContended
from ringline.calls.views.queue_place import BlockedBy, queue_place
from ringline.runtime.clock import MS_PER_S
from ringline.runtime.table import LIVEKIT_BUDGET_SK, LIVEKIT_PK
from tests.builders import ACCOUNT, NOW
from tests.component.calls_room import CallsRoom, calls_room
from tests.component.one_table import LocalAws
from tests.fakes import AGENT_THERE, EMPTY_ROOM

FEW = 500
"""Requests a minute."""
BETWEEN_MS = 800
AT_ONCE = LIVEKIT_LULL_S * MS_PER_S // BETWEEN_MS + 1
"""After a lull: what the lull is worth, and one that goes anyhow."""
AND_SOON = AT_ONCE + 1
"""With the one whose turn is near enough to wait for."""


@pytest.fixture
def room(local: LocalAws, monkeypatch: pytest.MonkeyPatch) -> CallsRoom:
    room = calls_room(local, cap=500)
    room.telephony.views = [RoomView((), (AgentSeen("PA_agent", NOW),))]
    room.paces.budget = LivekitBudget(local.dynamodb, local.table_name, FEW)

    async def no_waiting(seconds: float) -> None:
        room.clock.move(seconds)

    monkeypatch.setattr(asyncio, "sleep", no_waiting)
    return room


def waiting(room: CallsRoom, count: int, **fields: object) -> None:
    for n in range(count):
        room.queued(f"call_{n:03}", eligible_at=NOW - 1000 + n, created_at=NOW - 1000 + n, **fields)


def claimed(room: CallsRoom, most: int = 50) -> list[Call]:
    calls: list[Call] = []
    while len(calls) < most and isinstance(call := room.next_call(ACCOUNT), Call):
        calls.append(call)
    return calls


def quiet(room: CallsRoom) -> None:
    """Nobody claims any more: the turns have been taken up to a second from now."""
    while room.paces.budget.take(room.clock()) is not None:
        pass


def test_what_livekit_cloud_takes_is_two_and_a_half_calls_a_second() -> None:
    assert (interval_ms(1000), interval_ms(FEW), interval_ms(0)) == (400, BETWEEN_MS, 0)


@pytest.mark.parametrize("limit", [60, 600])
def test_in_no_minute_dials_use_up_what_is_kept_for_closings_and_looks(local: LocalAws, limit: int) -> None:
    budget, moments, now = LivekitBudget(local.dynamodb, local.table_name, limit), list[int](), NOW
    most = int(limit * 7 / 6 * SHARE_OF_DIALS / REQUESTS_OF_A_CALL) + 2
    while len(moments) < 2 * most:
        turn = budget.take(now)
        if turn is None:
            now += 500
            continue
        moments.append(max(turn.at, now))
    for at in moments:
        asked_for = REQUESTS_OF_A_CALL * sum(at <= other < at + 60_000 for other in moments)
        assert asked_for <= limit * 7 / 8 + REQUESTS_OF_A_CALL


def test_a_lull_is_worth_ten_seconds_of_dials_at_once_and_then_they_keep_their_distance(room: CallsRoom) -> None:
    waiting(room, AND_SOON + 1)
    moments = [call.dialed_at for call in claimed(room, AND_SOON + 1)]
    assert moments[:AT_ONCE] == [NOW] * AT_ONCE
    # The last one's turn was near by the time that the one before it had waited for its own.
    assert moments[AT_ONCE:] == [NOW + 400, NOW + 1200]


def test_a_turn_that_is_far_off_leaves_the_call_in_its_place_and_says_until_when(room: CallsRoom) -> None:
    waiting(room, 1)
    quiet(room)
    stopped = room.next_call(ACCOUNT)
    assert isinstance(stopped, Paced) and stopped.until == room.paces.budget.next_turn_at()
    assert stopped.until > NOW + PACE_AHEAD_S * MS_PER_S
    assert (room.call("call_000").state, room.in_use) == (State.QUEUED, 0)
    room.clock.move((stopped.until - NOW) / MS_PER_S)
    assert claimed(room)[0].call_id == "call_000"


def test_a_turn_of_a_dialer_that_finds_nobody_to_dial_is_given_back(room: CallsRoom) -> None:
    """While it waited for its turn the call was canceled, and no other was there."""
    waiting(room, AND_SOON)
    claimed(room, AT_ONCE)
    before = room.paces.budget.next_turn_at()

    def canceled_meanwhile(seconds: float) -> None:
        room.clock.move(seconds)
        room.progress.apply(ACCOUNT, f"call_{AT_ONCE:03}", EndAsked(room.clock(), EndReason.API_HUNG_UP))

    assert replace(room.admit, pause=canceled_meanwhile).next(ACCOUNT) is NoneAdmitted.NOBODY_WAITS
    assert room.paces.budget.next_turn_at() == before


def test_a_turn_is_given_back_also_where_others_were_faster_each_time(
    room: CallsRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting(room, 1)
    monkeypatch.setattr(Progress, "apply_together", lambda *_, **__: None)
    with pytest.raises(TableContended):
        room.next_call(ACCOUNT)
    assert room.paces.budget.next_turn_at() == NOW - LIVEKIT_LULL_S * MS_PER_S


@pytest.mark.parametrize("lull_s", [0, 3, 60])
def test_the_turns_after_one_that_was_given_back_are_as_if_it_had_not_been_taken(local: LocalAws, lull_s: int) -> None:
    budget, now = LivekitBudget(local.dynamodb, local.table_name, FEW), NOW + lull_s * MS_PER_S
    assert budget.take(NOW) == Turn(NOW, NOW + BETWEEN_MS)
    untaken = budget.take(now)
    assert untaken is not None
    budget.give_back(untaken)
    assert budget.take(now) == untaken


def test_a_turn_after_which_another_was_taken_is_lost(local: LocalAws) -> None:
    budget = LivekitBudget(local.dynamodb, local.table_name, FEW)
    first, second = budget.take(NOW), budget.take(NOW)
    assert first is not None and second is not None
    budget.give_back(first)
    assert budget.take(NOW) == Turn(NOW, second.next_at + BETWEEN_MS), "two calls never go by one turn"


def test_of_all_dialers_that_find_no_turn_one_rings_for_the_next(room: CallsRoom) -> None:
    waiting(room, 1)
    quiet(room)
    for _ in range(3):
        assert room.ring() == 0
    assert room.doorbell.rings == [(ACCOUNT, 2)]


def test_a_call_takes_a_turn_of_its_trunk_besides(room: CallsRoom) -> None:
    room.paces.set_rate("ST_slow", 2)
    waiting(room, 3, trunk_id="ST_slow")
    assert [call.dialed_at for call in claimed(room)] == [NOW, NOW + 500, NOW + 1000]


def test_a_call_that_waits_for_its_turn_says_so(room: CallsRoom) -> None:
    waiting(room, 2)
    quiet(room)
    call = room.call("call_001")
    place = queue_place(room.store, room.paces, room.places, room.capacity, call, NOW)
    assert place is not None and (place.position, place.blocked_by) == (2, BlockedBy.LIVEKIT_PACE)
    assert place.estimated_start_at == room.paces.budget.next_turn_at() + BETWEEN_MS


def test_looks_into_rooms_and_closings_ask_for_no_turn(room: CallsRoom) -> None:
    waiting(room, 1)
    call = claimed(room)[0]
    quiet(room)
    attempts = room.dial_next(room.admit)._dial.attempts
    assert asyncio.run(attempts.room_of(call)) is not None
    assert asyncio.run(attempts.close_room(call))


def test_without_a_limit_nothing_is_read_and_nothing_written(room: CallsRoom, local: LocalAws) -> None:
    asked: list[str] = []
    local.dynamodb.meta.events.register(
        "provide-client-params.dynamodb.*", lambda params, **_: asked.append(json.dumps(params, default=str))
    )
    room.paces.budget = LivekitBudget(local.dynamodb, local.table_name)
    waiting(room, 2)
    assert len(claimed(room)) == 2
    assert asked and not any(f'"{LIVEKIT_BUDGET_SK}"' in each and f'"{LIVEKIT_PK}"' in each for each in asked)


def test_no_call_goes_along_with_another_without_a_turn_of_its_own(room: CallsRoom) -> None:
    waiting(room, 3)
    for n in range(3):
        admitted = room.admit.next(ACCOUNT, 3)
        assert isinstance(admitted, list)
        assert [call.call_id for call in admitted] == [f"call_{n:03}"]


@pytest.mark.parametrize(("requests_per_minute", "looks"), [(FEW, 5), (0, 18)])
def test_a_slow_agent_is_looked_for_less_often_where_livekit_counts(
    room: CallsRoom, local: LocalAws, monkeypatch: pytest.MonkeyPatch, requests_per_minute: int, looks: int
) -> None:
    room.paces.budget = LivekitBudget(local.dynamodb, local.table_name, requests_per_minute)
    asked_at = _agent_comes_after_s(room, monkeypatch, 2)
    room.queued()
    room.ring()
    assert len(room.telephony.dialed) == 1
    assert len(asked_at) == looks
    assert asked_at[-1] - NOW < 3000, "the phone rings within a second of the agent's coming"


def test_a_wait_for_nobody_costs_some_looks_and_no_more_than_its_time(
    room: CallsRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked_at = _agent_comes_after_s(room, monkeypatch, 3600)
    room.queued()
    room.ring()
    assert room.telephony.dialed == []
    assert len(asked_at) <= 13
    assert asked_at[-1] - NOW <= AGENT_FIRST_S * MS_PER_S + 100


def _agent_comes_after_s(room: CallsRoom, monkeypatch: pytest.MonkeyPatch, seconds: float) -> list[int]:
    """The moments at which LiveKit is asked."""
    asked_at: list[int] = []

    async def look(_room_name: str) -> RoomView:
        asked_at.append(room.clock())
        return AGENT_THERE if room.clock() - NOW >= seconds * MS_PER_S else EMPTY_ROOM

    monkeypatch.setattr(room.telephony, "look", look)
    return asked_at
