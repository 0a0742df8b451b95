"""LiveKit itself is away: calls wait in their places, one at a time finds out whether it is back, none is used up."""

import asyncio

import pytest

from ringline.calls.model.call import Call, State
from ringline.calls.model.events import AgentSeen
from ringline.calls.model.outcomes import Connected, LivekitAway, NotSent, Refused
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.room_view import RoomView
from ringline.calls.model.timing import (
    DEFERRAL_COUNTS_S,
    DEFERRED_FOR_S,
    LIVEKIT_FAILS_WITHIN_S,
    LIVEKIT_FIRST_REST_S,
    LIVEKIT_LONGEST_REST_S,
    LIVEKIT_TRIED_WITHIN_S,
    NO_BRIDGE_SAID_WITHIN_S,
)
from ringline.calls.outbound.admit import Paced
from ringline.calls.tables.livekit_rest import Rest
from ringline.calls.tables.store import CallStore
from ringline.calls.views.queue_place import BlockedBy, queue_place
from ringline.telephony.dial_errors import from_twirp, room_refusal
from tests.builders import ACCOUNT, NOW
from tests.component.calls_room import CallsRoom, calls_room
from tests.component.one_table import LocalAws

REFUSED = LivekitAway("unavailable", "room not made: ClientConnectorError")
NO_BRIDGE = LivekitAway("unavailable", "no response from servers")
MINUTES = 15
"""Of an outage that is tried through dial by dial; the simulation has those of hours."""


@pytest.fixture
def room(local: LocalAws) -> CallsRoom:
    room = calls_room(local, cap=50)
    # Dials that fail together meet at the gate, and must let each other pass.
    room.store = CallStore(local.dynamodb, local.table_name)
    room.telephony.views = [RoomView((), (AgentSeen("PA_agent", NOW),))]
    return room


def waiting(room: CallsRoom, count: int) -> None:
    for n in range(count):
        room.queued(f"call_{n:03}", eligible_at=NOW - 1000 + n, created_at=NOW - 1000 + n)


def goes_away(room: CallsRoom) -> int:
    """LiveKit refuses every connection from now on, and was found to; until when it rests."""
    room.telephony.room_refusals = [REFUSED] * 1000
    while not room.paces.livekit.look().next_at:
        room.ring()
    return room.paces.livekit.look().next_at


def through_the_outage(room: CallsRoom) -> int:
    """Bells are heard as they are rung; how many dials were tried meanwhile."""
    end = room.clock() + MINUTES * 60_000
    tries = 0
    while room.clock() < end:
        room.clock.move(max(0.001, (room.paces.livekit.look().next_at - room.clock()) / 1000))
        tries += room.ring()
    return tries


def test_one_lost_request_is_no_outage(room: CallsRoom) -> None:
    waiting(room, 1)
    room.telephony.room_refusals = [REFUSED]
    assert room.ring_once() == 1
    assert (room.call("call_000").state, room.call("call_000").unsent, room.in_use) == (State.QUEUED, 0, 0)
    assert (ACCOUNT, LIVEKIT_FIRST_REST_S) in room.doorbell.rings
    assert room.ring() == 1, "whoever comes before that may dial"
    assert (room.call("call_000").state, room.call("call_000").unsent) == (State.ACTIVE, 0)


def test_two_failures_put_livekit_to_rest_for_everybody(room: CallsRoom) -> None:
    waiting(room, 20)
    until = goes_away(room)
    assert until == NOW + LIVEKIT_FIRST_REST_S * 1000
    assert room.ring() == 0
    assert room.next_call(ACCOUNT) == Paced(until)
    assert (ACCOUNT, LIVEKIT_FIRST_REST_S) in room.doorbell.rings
    assert room.in_use == 0


def test_failures_that_lie_far_apart_are_no_outage(room: CallsRoom) -> None:
    waiting(room, 1)
    call = room.call("call_000")
    room.paces.livekit.was_away(call, NOW)
    room.paces.livekit.was_away(call, NOW + LIVEKIT_FAILS_WITHIN_S * 1000 + 1)
    assert room.paces.livekit.look().next_at == 0


def test_an_outage_uses_up_no_call_and_moves_none_from_its_place(room: CallsRoom) -> None:
    waiting(room, 5)
    goes_away(room)
    tries = through_the_outage(room)
    assert tries <= MINUTES + 5, "one call a minute finds out"
    calls = [room.call(f"call_{n:03}") for n in range(5)]
    assert {(call.state, call.unsent, call.deferrals, call.attempts) for call in calls} == {(State.QUEUED, 0, 0, ())}
    assert [call.eligible_at for call in calls] == [NOW - 1000 + n for n in range(5)]
    assert all(len(call.notes) <= 1 for call in calls)
    assert room.telephony.dialed == []
    room.telephony.room_refusals = []
    room.clock.move(LIVEKIT_LONGEST_REST_S)
    dials = room.ring()
    room.clock.move(LIVEKIT_TRIED_WITHIN_S)
    assert dials + room.ring() == 5, "one tries, and as LiveKit is back, all go on"
    assert sorted(call.call_id for call in room.telephony.dialed) == [f"call_{n:03}" for n in range(5)]
    assert all(room.call(f"call_{n:03}").state is State.ACTIVE for n in range(5))


def test_a_waiting_call_says_that_livekit_is_away(room: CallsRoom) -> None:
    waiting(room, 2)
    goes_away(room)
    place = queue_place(room.store, room.paces, room.places, room.capacity, room.call("call_001"), room.clock())
    assert place is not None
    assert (place.blocked_by, place.estimated_start_at) == (BlockedBy.LIVEKIT, None)


def test_while_one_tries_nobody_else_dials_and_none_waits_for_its_answer(
    room: CallsRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting(room, 3)
    room.clock.move((goes_away(room) - NOW) / 1000)
    room.telephony.room_refusals = []
    monkeypatch.setattr("ringline.calls.outbound.dial.NO_BRIDGE_SAID_WITHIN_S", 0.5)
    seen: list[object] = []

    async def rings_for_long(call: Call) -> None:
        if len(room.telephony.dialed) == 1:
            seen.append(await asyncio.to_thread(room.next_call, ACCOUNT))
            await asyncio.sleep(1)
            seen.append(await asyncio.to_thread(room.paces.livekit.look))

    room.telephony.while_ringing = rings_for_long
    room.ring()
    tried_until = room.clock() + LIVEKIT_TRIED_WITHIN_S * 1000
    assert seen == [Paced(tried_until), Rest()], "LiveKit has taken it, and its phone rings"


def test_without_a_bridge_the_dial_that_tries_is_the_only_one_that_opens_a_room(room: CallsRoom) -> None:
    waiting(room, 3)
    room.telephony.outcomes = [NO_BRIDGE] * 20
    room.ring()
    opened = len(room.telephony.dialed)
    for rest_s in (2, 4, 8):
        room.clock.move(rest_s)
        assert room.ring() == 1
    assert len(room.telephony.dialed) == opened + 3
    assert room.paces.livekit.look().next_at == room.clock() + 16_000


def test_a_call_that_livekit_alone_never_takes_does_not_hold_up_the_others(room: CallsRoom) -> None:
    waiting(room, 3)
    taken_never = "call_000"

    async def refuses(call: Call) -> None:
        room.telephony.outcomes = [NO_BRIDGE if call.call_id == taken_never else Connected("PA_leg", "SCL_1")]

    room.telephony.while_ringing = refuses
    for _ in range(6):
        room.ring()
        room.clock.move(LIVEKIT_LONGEST_REST_S)
    assert [room.call(f"call_{n:03}").state for n in range(3)] == [State.QUEUED, State.ACTIVE, State.ACTIVE]


def test_a_dialer_that_dies_while_it_tries_holds_up_nobody_for_long(room: CallsRoom) -> None:
    waiting(room, 2)
    room.clock.move((goes_away(room) - NOW) / 1000)
    dead = room.next_call(ACCOUNT)
    assert isinstance(dead, Call)
    assert isinstance(room.next_call(ACCOUNT), Paced)
    room.clock.move(LIVEKIT_TRIED_WITHIN_S)
    assert isinstance(room.next_call(ACCOUNT), Call)


def test_a_call_that_expires_in_an_outage_says_so(room: CallsRoom) -> None:
    room.queued("call_000", expires_at=NOW + 60_000)
    goes_away(room)
    room.clock.move(61)
    room.sweep()
    assert room.call("call_000").end_reason is EndReason.EXPIRED_IN_QUEUE


def test_an_outage_without_end_ends_its_calls_after_a_day(room: CallsRoom) -> None:
    waiting(room, 1)
    goes_away(room)
    for _ in range(DEFERRED_FOR_S // DEFERRAL_COUNTS_S):
        assert room.call("call_000").state is State.QUEUED
        room.clock.move(DEFERRAL_COUNTS_S)
        room.ring_once()
    call = room.call("call_000")
    assert (call.state, call.end_reason) == (State.NOT_CONNECTED, EndReason.SIP_FAILED_TRUNK)


def test_the_dialer_waits_longer_than_livekit_takes_to_say_that_it_has_no_bridge() -> None:
    assert 2 < NO_BRIDGE_SAID_WITHIN_S < LIVEKIT_TRIED_WITHIN_S


@pytest.mark.parametrize(
    ("code", "message"),
    [("unavailable", "no response from servers"), ("unavailable", "cpu exhausted"), ("internal", "sip not connected")],
)
def test_a_dial_that_no_bridge_takes_is_livekits_failure(code: str, message: str) -> None:
    assert from_twirp(code, f"twirp error unknown: {message}", {}) == LivekitAway(code, message)


@pytest.mark.parametrize("code", ["internal", "unavailable", "unknown", "deadline_exceeded"])
def test_a_room_that_the_server_cannot_make_is_its_failure(code: str) -> None:
    assert room_refusal(code, "redis: connection refused") == LivekitAway(code, "redis: connection refused")


@pytest.mark.parametrize("code", ["invalid_argument", "permission_denied", "unauthenticated", "not_found"])
def test_a_wrong_configuration_is_not_livekits_failure(code: str) -> None:
    assert room_refusal(code, "no") == from_twirp(code, "no", {}) == NotSent(code, "no", may_repeat=False)


def test_of_dials_that_fail_in_one_moment_the_second_is_no_lost_request(
    room: CallsRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Calls that are claimed together fail together, and each has seen that nobody had failed before."""
    waiting(room, 2)
    first, second = room.call("call_000"), room.call("call_001")
    rest = room.paces.livekit
    rest.was_away(first, room.clock())
    assert rest.look().is_over(room.clock())
    as_second_saw_it = [Rest()]
    look = rest.look
    monkeypatch.setattr(rest, "look", lambda: as_second_saw_it.pop() if as_second_saw_it else look())
    next_at = rest.was_away(second, room.clock())
    assert next_at == look().next_at == room.clock() + LIVEKIT_FIRST_REST_S * 1000
    assert look().rests == 1


def test_the_carriers_word_counts_where_livekits_rest_cannot_be_ended(
    room: CallsRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting(room, 1)
    room.clock.move((goes_away(room) - NOW) / 1000)
    room.telephony.room_refusals = []
    room.telephony.outcomes = [Refused(404, "Not Found", "not_found", "no")]

    def throttled(_call: Call) -> None:
        raise RuntimeError("throttled")

    monkeypatch.setattr(room.paces.livekit, "went_through", throttled)
    room.ring_once()
    call = room.call("call_000")
    assert (call.end_reason, call.evidence.sip_code) == (EndReason.SIP_FAILED_WRONG_NUMBER, 404)
