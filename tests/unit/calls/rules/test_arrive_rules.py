"""The rules of a call that rings in: its agent is its answer, its leg's word its end, the clock's its limit."""

import json
from typing import Any

import pytest

from ringline.calls.model.call import Call, Direction, State
from ringline.calls.model.events import (
    AgentJoined,
    EndAsked,
    Event,
    FoundOver,
    GivenUp,
    LegJoined,
    LegLeft,
    RoomFinished,
)
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.results import END_ROOM, LOOK_AGAIN, Moved, Unmoved
from ringline.calls.rules.deadlines import End, Owed, caller_waits_until, look_again_in_s, owed
from ringline.calls.rules.lifecycle import apply
from ringline.calls.tables.records import call_from_item, call_to_item
from ringline.telephony.hook import read
from tests.builders import NOW, a_call, at

ROOM = "in_+15550107777_x"


def ringing(**fields: Any) -> Call:
    """A call that rang in at NOW."""
    known = {"inbound_room": ROOM, "caller_identity": "sip_+15550107777", "leg_sid": "PA_leg", "dialed_at": NOW}
    return a_call(State.RINGING, direction=Direction.INBOUND, **known | fields)


def moved(call: Call, event: Event) -> Call:
    result = apply(call, event)
    assert isinstance(result, Moved), result
    return result.call


def test_room_and_leg_have_the_names_that_livekit_gave_them() -> None:
    assert (ringing().room_name, ringing().leg_identity) == (ROOM, "sip_+15550107777")


def test_a_call_that_rings_in_survives_the_table() -> None:
    assert call_from_item(call_to_item(ringing())) == ringing()


def test_its_agent_is_its_answer() -> None:
    call = moved(ringing(), AgentJoined(at(0.4), 1, "PA_agent"))
    assert (call.state, call.answered_at, call.active_at, call.agent_joined_at) == (State.ACTIVE, *[at(0.4)] * 3)
    assert apply(call, AgentJoined(at(0.5), 1, "PA_agent")) == Unmoved("agent_is_known")


def test_an_agent_that_comes_after_the_end_was_asked_finds_the_room_closed() -> None:
    asked = moved(ringing(), EndAsked(at(1), EndReason.API_HUNG_UP))
    assert apply(asked, AgentJoined(at(2), 1, "PA_agent")) == Unmoved("end_was_asked", END_ROOM)
    call = moved(asked, LegLeft(at(2), 1, "PA_leg", "ROOM_DELETED", "ringing"))
    assert (call.state, call.end_reason) == (State.CANCELED, EndReason.CALL_CANCELED)


def test_no_agent_within_the_ring_limit_is_the_reason_of_the_end() -> None:
    asked = moved(ringing(), EndAsked(at(30), EndReason.AGENT_DID_NOT_JOIN, 1))
    call = moved(asked, FoundOver(at(30.1), 1))
    assert (call.state, call.end_reason) == (State.NOT_CONNECTED, EndReason.AGENT_DID_NOT_JOIN)


def test_an_agent_at_the_last_moment_is_not_hung_up_on() -> None:
    taken = moved(ringing(), AgentJoined(at(30), 1, "PA_agent"))
    assert apply(taken, EndAsked(at(30.1), EndReason.AGENT_DID_NOT_JOIN, 1)) == Unmoved("agent_joined")


@pytest.mark.parametrize(
    ("why", "status", "state", "reason"),
    [
        ("CLIENT_INITIATED", "hangup", State.NOT_CONNECTED, EndReason.USER_HUNG_UP_RINGING),
        ("CLIENT_INITIATED", "ringing", State.NOT_CONNECTED, EndReason.AGENT_DID_NOT_JOIN),
        ("ROOM_DELETED", "ringing", State.NOT_CONNECTED, EndReason.AGENT_HUNG_UP),
        # The agent's joining got lost: the leg's last word is that it was answered.
        ("ROOM_DELETED", "active", State.ENDED, EndReason.AGENT_HUNG_UP),
    ],
)
def test_a_caller_who_was_not_answered_leaves_for_a_reason(
    why: str, status: str, state: State, reason: EndReason
) -> None:
    call = moved(ringing(), LegLeft(at(9), 1, "PA_leg", why, status))
    assert (call.state, call.end_reason, call.ended_at) == (state, reason, at(9))


@pytest.mark.parametrize(
    ("why", "reason"), [("CLIENT_INITIATED", EndReason.AGENT_FAILED), ("ROOM_DELETED", EndReason.AGENT_HUNG_UP)]
)
def test_a_caller_whose_agent_came_and_made_no_sound_was_never_answered(why: str, reason: EndReason) -> None:
    taken = moved(ringing(), AgentJoined(at(0.4), 1, "PA_agent"))
    call = moved(taken, LegLeft(at(9), 1, "PA_leg", why, "ringing"))
    assert (call.state, call.end_reason, call.answered_at) == (State.NOT_CONNECTED, reason, None)


def test_the_first_status_of_a_leg_that_came_back_says_nothing() -> None:
    taken = moved(ringing(), AgentJoined(at(0.4), 1, "PA_agent"))
    back = moved(taken, LegJoined(at(300), 1, "PA_back"))
    call = moved(back, LegLeft(at(400), 1, "PA_back", "CLIENT_INITIATED", "ringing"))
    assert (call.state, call.end_reason, call.answered_at) == (State.ENDED, EndReason.USER_HUNG_UP_IN_CALL, at(0.4))


def test_a_leg_that_the_agent_calls_into_the_room_is_not_the_caller() -> None:
    for call in (ringing(), moved(ringing(), AgentJoined(at(0.4), 1, "PA_agent"))):
        assert apply(call, LegJoined(at(2), 1, "PA_colleague", "colleague")) == Unmoved("leg_of_another")
        gone = LegLeft(at(3), 1, "PA_colleague", "USER_REJECTED", "ringing", "colleague")
        assert apply(call, gone) == Unmoved("leg_of_another")
        own = LegLeft(at(4), 1, "PA_leg", "CLIENT_INITIATED", "hangup", "sip_+15550107777")
        assert moved(call, own).state.is_terminal


def test_a_leg_of_another_session_ends_nothing() -> None:
    assert apply(ringing(), LegLeft(at(2), 1, "PA_old", "CLIENT_INITIATED", "hangup")) == Unmoved("stale_leg")


def test_a_ringing_leg_that_lost_its_connection_may_come_back() -> None:
    lost = apply(ringing(), LegLeft(at(5), 1, "PA_leg", "CONNECTION_TIMEOUT", "ringing"))
    assert isinstance(lost, Moved) and lost.effects == LOOK_AGAIN
    assert owed(lost.call, True, at(7)) is Owed.NOTHING
    assert owed(lost.call, True, at(16)) is Owed.LOOK
    back = moved(lost.call, LegJoined(at(6), 1, "PA_back"))
    assert (back.leg_sid, back.evidence.leg_left_at) == ("PA_back", None)
    gone = moved(moved(lost.call, GivenUp(at(16), 1)), FoundOver(at(16), 1))
    assert (gone.state, gone.end_reason) == (State.NOT_CONNECTED, EndReason.CONNECTION_LOST)


def test_a_leg_told_of_twice_is_worth_a_look_while_nobody_has_taken_the_call() -> None:
    again = LegJoined(at(1), 1, "PA_leg")
    assert apply(ringing(), again) == Unmoved("leg_is_known", LOOK_AGAIN)
    taken = moved(ringing(), AgentJoined(at(0.4), 1, "PA_agent"))
    assert apply(taken, again) == Unmoved("leg_is_known")


@pytest.mark.parametrize(("limit_s", "looks"), [(60, LOOK_AGAIN), (600, frozenset())])
def test_a_short_limit_has_somebody_look_in_time(limit_s: int, looks: frozenset[Any]) -> None:
    taken = apply(ringing(max_call_duration_s=limit_s), AgentJoined(at(0.4), 1, "PA_agent"))
    assert isinstance(taken, Moved) and taken.effects == looks
    assert look_again_in_s(taken.call) == limit_s


def test_a_caller_is_looked_at_as_long_as_it_rings_and_settled_when_the_room_is_gone() -> None:
    assert owed(ringing(), True, at(3)) is Owed.LOOK
    assert owed(ringing(), False, at(3)) is Owed.SETTLE
    assert caller_waits_until(ringing()) == at(30)
    finished = moved(ringing(), RoomFinished(at(4), 1))
    assert owed(finished, False, at(20)) is Owed.SETTLE


def test_a_conversation_that_rang_in_has_the_same_limit_as_any() -> None:
    taken = moved(ringing(max_call_duration_s=60), AgentJoined(at(1), 1, "PA_agent"))
    assert owed(taken, True, at(61)) == End(EndReason.MAX_DURATION_REACHED)


@pytest.mark.parametrize(
    ("attributes", "number"),
    [
        ({"sip.trunkPhoneNumber": "+15550100900", "ringline.number": "+15550100901"}, "+15550100901"),
        ({"sip.trunkPhoneNumber": "+15550100900"}, "+15550100900"),
        ({"ringline.number": "+15550100901"}, "+15550100901"),
        ({}, None),
    ],
)
def test_the_hook_tells_who_called_whom_as_far_as_the_rule_lets_it(
    attributes: dict[str, str], number: str | None
) -> None:
    shown = {"sip.ruleID": "SDR_1", "sip.callID": "SCL_1"} | attributes
    participant = {"sid": "PA_1", "identity": "sip_x", "kind": "SIP", "attributes": shown}
    event = {"event": "participant_joined", "room": {"name": ROOM}, "participant": participant}
    seen = read(json.dumps(event).encode())
    assert (seen.rule_id, seen.sip_call_id, seen.identity) == ("SDR_1", "SCL_1", "sip_x")
    assert (seen.our_number, seen.their_number) == (number, None)
