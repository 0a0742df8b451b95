"""The state in which a call waits for its agent's last words: how it is shown and kept, and how it is left."""

from copy import replace
from typing import Any

import pytest

from ringline.calls.model.call import AgentReports, Call, Evidence, State, Status
from ringline.calls.model.events import (
    AgentJoined,
    AgentLeft,
    AgentReady,
    CarrierForwarded,
    EndAsked,
    FoundOver,
    LegJoined,
    LegLeft,
    SilenceHeard,
    UserSpoke,
)
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.results import REMOVE_AGENT, Moved, Unmoved
from ringline.calls.model.timing import LAST_WORDS_S
from ringline.calls.rules.deadlines import Owed, owed
from ringline.calls.rules.last_words import OF_LAST_WORDS
from ringline.calls.rules.lifecycle import TRANSITIONS, apply
from ringline.calls.tables.records import call_from_item, call_to_item
from ringline.calls.views.call_view import call_view
from ringline.runtime.items import from_item, to_item
from tests.builders import a_call, at

GREETING = EndReason.AGENT_HUNG_UP_VOICEMAIL_DETECTED
LEFT = LegLeft(at(14), 1, "PA_leg", "CLIENT_INITIATED", "hangup")


def active(**fields: Any) -> Call:
    hears = AgentReports(ready_at=at(2), can_report=("user_spoke",))
    return a_call(State.ACTIVE, **{"leg_sid": "PA_leg", "agent_sid": "PA_agent", "reports": hears} | fields)


def after(call: Call, event: Any) -> Call:
    result = apply(call, event)
    assert isinstance(result, Moved), result
    return result.call


def waiting() -> Call:
    return after(active(), LEFT)


def test_a_call_that_looks_like_a_greeting_waits_in_a_state_of_its_own_and_keeps_its_line() -> None:
    call = waiting()
    assert (call.state, call.state.status) == (State.LAST_WORDS, Status.ACTIVE)
    assert call.in_flight
    assert call.holds_slot
    assert (call_view(call)["status"], call_view(call)["state"]) == ("active", "last_words")


def test_every_rule_of_the_state_is_in_the_table() -> None:
    for event, rule in OF_LAST_WORDS.items():
        assert TRANSITIONS[State.LAST_WORDS, event] is rule


def test_the_state_survives_the_table() -> None:
    assert call_from_item(call_to_item(waiting())) == waiting()


def test_the_release_before_reads_a_waiting_call_as_active() -> None:
    """It knows no other word, and works out the wait from the evidence."""
    assert from_item(call_to_item(waiting()))["state"] == "active"


def as_the_release_before_wrote(call: Call) -> Call:
    row = from_item(call_to_item(call))
    row.pop("in_last_words")
    return call_from_item(to_item(row))


def test_a_row_of_the_release_before_is_understood() -> None:
    row = as_the_release_before_wrote(waiting())
    assert row.state is State.ACTIVE
    assert owed(row, True, at(14 + LAST_WORDS_S) - 1) is Owed.NOTHING
    assert owed(row, False, at(14 + LAST_WORDS_S)) is Owed.SETTLE
    assert after(row, UserSpoke(at(15), 1)).end_reason is EndReason.USER_HUNG_UP_IN_CALL
    assert apply(row, AgentReady(at(15), 1, ("transcript",))) == Unmoved("leg_has_left")
    ended = after(row, FoundOver(at(20), 1))
    assert (ended.end_reason, ended.ended_at, ended.version) == (GREETING, at(14), row.version + 1)


def test_a_row_of_the_release_before_moves_into_the_state_with_its_next_change() -> None:
    heard = after(as_the_release_before_wrote(waiting()), SilenceHeard(at(15), 1, 2.0))
    assert (heard.state, heard.reports.silent_since) == (State.LAST_WORDS, at(13))


@pytest.mark.parametrize(
    "event",
    [
        SilenceHeard(at(15), 1, 2.0),
        CarrierForwarded(at(15), 1, "sip:elsewhere@carrier", False),
        AgentLeft(at(15), 1, "PA_agent", "CLIENT_INITIATED"),
    ],
)
def test_what_does_not_settle_the_reason_is_kept_and_waited_on(event: Any) -> None:
    call = after(waiting(), event)
    assert (call.state, call.end_reason) == (State.LAST_WORDS, None)


def test_a_second_agent_is_one_too_many_also_now() -> None:
    assert apply(waiting(), AgentJoined(at(15), 1, "PA_other")) == Unmoved("another_agent_talks", REMOVE_AGENT)


def test_a_forward_to_voicemail_settles_the_reason() -> None:
    ended = after(waiting(), CarrierForwarded(at(15), 1, "sip:vm@carrier", True))
    assert (ended.state, ended.end_reason, ended.ended_at) == (State.ENDED, GREETING, at(14))


def test_a_leg_that_is_back_goes_on_talking() -> None:
    back = after(waiting(), LegJoined(at(15), 1, "PA_leg_2"))
    assert (back.state, back.leg_sid, back.evidence.leg_left_at) == (State.ACTIVE, "PA_leg_2", None)


def test_a_leg_whose_end_was_asked_for_waits_for_nobody() -> None:
    asked = after(active(), EndAsked(at(13), EndReason.API_HUNG_UP))
    assert after(asked, LEFT).state is State.ENDED


def test_a_lost_connection_is_no_last_word() -> None:
    lost = after(active(), replace(LEFT, disconnect_reason="SIGNAL_CLOSE"))
    assert lost.state is State.ACTIVE
    assert lost.evidence == Evidence(
        disconnect_reason="SIGNAL_CLOSE", last_call_status="hangup", leg_left_at=at(14), left_leg_sid="PA_leg"
    )
