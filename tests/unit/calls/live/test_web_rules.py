"""Callers from browsers: what their coming and going means, which no phone's leg tells."""

from copy import replace

import pytest

from ringline.calls.model.call import Call, Direction, State, web_identity
from ringline.calls.model.events import AgentJoined, LegJoined, LegLeft
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.results import END_ROOM
from ringline.calls.rules.deadlines import Owed, owed
from tests.builders import a_call, after, at, moved, unmoved


def a_web_call(state: State = State.RINGING) -> Call:
    call = a_call(state, direction=Direction.WEB, from_number=None, to_number=None, leg_sid="PA_web", sip_call_id=None)
    return replace(call, caller_identity=web_identity(call.call_id))


def left(call: Call, seconds: float, reason: str, sid: str = "PA_web") -> LegLeft:
    return LegLeft(at(seconds), 1, sid, reason, None, call.leg_identity)


def test_a_browser_holds_a_line_from_its_joining_to_its_end() -> None:
    call = a_web_call()
    assert call.holds_slot
    assert not moved(call, left(call, 3, "CLIENT_INITIATED")).holds_slot


def test_the_agents_coming_is_the_answer() -> None:
    talking = moved(a_web_call(), AgentJoined(at(2), 1, "PA_agent"))
    assert (talking.state, talking.answered_at, talking.active_at) == (State.ACTIVE, at(2), at(2))


@pytest.mark.parametrize(
    ("reason", "ends"),
    [
        ("CLIENT_INITIATED", EndReason.USER_HUNG_UP_IN_CALL),
        ("ROOM_DELETED", EndReason.AGENT_HUNG_UP),
        ("ROOM_CLOSED", EndReason.IDLE_TIMEOUT),
    ],
)
def test_a_browser_that_leaves_the_conversation_ends_it(reason: str, ends: EndReason) -> None:
    call = a_web_call()
    over = after(call, AgentJoined(at(2), 1, "PA_agent"), left(call, 30, reason))
    assert (over.state, over.end_reason) == (State.ENDED, ends)


def test_a_browser_that_leaves_before_the_agent_came_has_given_up() -> None:
    call = a_web_call()
    over = moved(call, left(call, 3, "CLIENT_INITIATED"))
    assert (over.state, over.end_reason) == (State.NOT_CONNECTED, EndReason.USER_HUNG_UP_RINGING)


def test_a_browser_that_comes_back_under_a_new_sid_goes_on() -> None:
    call = moved(a_web_call(), AgentJoined(at(2), 1, "PA_agent"))
    lost = moved(call, left(call, 9, "SIGNAL_CLOSE"))
    back = moved(lost, LegJoined(at(10), 1, "PA_web_2", call.leg_identity))
    assert (back.state, back.leg_sid, back.evidence.leg_left_at) == (State.ACTIVE, "PA_web_2", None)


def test_a_token_that_is_used_again_ends_the_call_for_both() -> None:
    call = moved(a_web_call(), AgentJoined(at(2), 1, "PA_agent"))
    second = LegJoined(at(10), 1, "PA_thief", call.leg_identity, has_used_token=True)
    over = moved(call, second)
    assert (over.state, over.end_reason) == (State.ENDED, EndReason.WEB_TOKEN_REUSED)
    assert unmoved(over, replace(second, at=at(11))).effects == END_ROOM


def test_the_first_use_of_a_token_is_heard_of_twice_without_harm() -> None:
    call = a_web_call()
    first = LegJoined(at(1), 1, "PA_web", call.leg_identity, has_used_token=True)
    assert unmoved(call, first).why == "leg_is_known"


def test_a_browser_without_an_agent_is_looked_at_and_its_limit_holds() -> None:
    call = a_web_call()
    assert owed(call, True, at(5)) is Owed.LOOK
    assert owed(call, False, at(5)) is Owed.SETTLE
