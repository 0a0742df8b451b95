"""Callers from browsers: what their coming and going means, which no phone's leg tells."""

from copy import replace
from typing import Any

import pytest

from ringline.calls.model.call import Call, Direction, State, web_identity
from ringline.calls.model.events import AgentJoined, FellBack, LegJoined, LegLeft
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.results import END_ROOM
from ringline.calls.model.timing import WEB_JOINING_S
from ringline.calls.model.transfers.transfer import AskedBy
from ringline.calls.model.transfers.transfer_events import TransferJoined
from ringline.calls.rules.deadlines import Owed, owed
from ringline.calls.rules.presence_rules import falls_back
from ringline.calls.web.ticket import a_ticket, begun
from ringline.routing.records import Number, Pipe
from ringline.routing.web import WebRouting
from tests.builders import ACCOUNT, a_call, after, at, moved, unmoved

OURS, DESK = "+15550100100", "+15550100300"


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


class OnePipe:
    """An account's routing: one pipe, and the numbers that are there."""

    def __init__(self, pipe: Pipe, *numbers: Number) -> None:
        self._pipe, self._numbers = pipe, {each.number: each for each in numbers}

    def pipe(self, _account_id: str, _pipe_id: str) -> Pipe:
        return self._pipe

    def agent(self, _account_id: str, _agent_id: str) -> None:
        return None

    def number(self, _account_id: str, number: str) -> Number | None:
        return self._numbers.get(number)


def test_a_browsers_caller_is_told_of_where_the_pipe_says() -> None:
    url = "https://example.com/of-the-pipe"
    routing: Any = OnePipe(Pipe(pipe_id="pipe_1", name="p", agent_id="desk", webhook_url=url))
    route = WebRouting(routing).resolve(ACCOUNT, "pipe_1")
    assert route is not None
    assert begun(a_ticket(ACCOUNT, "call_1", route, at(0)), at(1), "PA_web").webhook_url == url


@pytest.mark.parametrize(
    ("pipe", "numbers", "trunk_id"),
    [
        ({"number": OURS, "trunk_id": "ST_pipe"}, [Number(number=OURS, number_id="n", trunk_id="ST_own")], "ST_own"),
        ({"number": OURS, "trunk_id": "ST_pipe"}, [], "ST_pipe"),
        ({"trunk_id": "ST_pipe"}, [], "ST_pipe"),
        ({}, [], None),
    ],
    ids=["of its number", "of the pipe, whose number is gone", "of the pipe", "the usual one"],
)
def test_a_browsers_caller_whose_agent_does_not_come_is_handed_over_to_the_pipes_fallback_number(
    pipe: dict[str, Any], numbers: list[Number], trunk_id: str | None
) -> None:
    named = Pipe(pipe_id="pipe_1", name="p", agent_id="desk", fallback_number=DESK, agent_join_timeout_s=5, **pipe)
    routing: Any = OnePipe(named, *numbers)
    route = WebRouting(routing).resolve(ACCOUNT, "pipe_1")
    assert route is not None
    call = begun(a_ticket(ACCOUNT, "call_1", route, at(0)), at(1), "PA_web")
    assert not falls_back(call, at(6) - 1)
    handed_over = moved(call, FellBack(at(6), 1))
    (transfer,) = handed_over.transfers
    assert (transfer.target.name, transfer.asked_by, handed_over.trunk_to(transfer)) == (DESK, AskedBy.PIPE, trunk_id)
    there = moved(handed_over, TransferJoined(at(9), 1, transfer.transfer_id, "PA_desk"))
    assert moved(there, left(call, 30, "CLIENT_INITIATED")).end_reason is EndReason.CALL_TRANSFERRED


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


def again(call: Call, seconds: float, sid: str) -> LegJoined:
    return LegJoined(at(seconds), 1, sid, call.leg_identity, has_used_token=True)


def test_a_browser_that_comes_back_before_it_was_given_another_token_has_used_it_once() -> None:
    call = a_web_call()
    back = moved(call, again(call, 3, "PA_web_2"))
    assert (back.state, back.leg_sid) == (State.RINGING, "PA_web_2")
    assert unmoved(back, LegLeft(at(4), 1, "PA_web", "DUPLICATE_IDENTITY", None, call.leg_identity))
    talking = moved(back, AgentJoined(at(5), 1, "PA_agent"))
    assert moved(talking, again(call, 6, "PA_web_3")).end_reason is EndReason.WEB_TOKEN_REUSED


def test_a_browser_that_lost_its_connection_while_it_rang_comes_back_with_its_first_token() -> None:
    call = a_web_call()
    lost = moved(call, left(call, 2, "SIGNAL_CLOSE"))
    assert moved(lost, again(call, 4, "PA_web_2")).evidence.leg_left_at is None


@pytest.mark.parametrize("seconds", [4, WEB_JOINING_S + 2])
def test_a_second_return_with_the_first_token_and_one_that_is_late_are_another_use(seconds: float) -> None:
    call = a_web_call()
    back = moved(call, again(call, 3, "PA_web_2")) if seconds < WEB_JOINING_S else call
    over = moved(back, again(call, seconds, "PA_web_3"))
    assert (over.state, over.end_reason) == (State.NOT_CONNECTED, EndReason.WEB_TOKEN_REUSED)


def test_the_first_use_of_a_token_is_heard_of_twice_without_harm() -> None:
    call = a_web_call()
    first = LegJoined(at(1), 1, "PA_web", call.leg_identity, has_used_token=True)
    assert unmoved(call, first).why == "leg_is_known"


def test_a_browser_without_an_agent_is_looked_at_and_its_limit_holds() -> None:
    call = a_web_call()
    assert owed(call, True, at(5)) is Owed.LOOK
    assert owed(call, False, at(5)) is Owed.SETTLE
