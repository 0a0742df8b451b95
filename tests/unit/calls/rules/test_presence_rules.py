"""Who is in the room of a call: agents that are sent again, agents that come twice, people whom an agent leaves
behind, and which runner thinks for an agent."""

from copy import replace
from typing import Any

import pytest

from ringline.calls.mending.left_alone import without_agent
from ringline.calls.model.call import AgentReports, Call, Direction, Evidence, State
from ringline.calls.model.events import (
    AgentJoined,
    AgentLeft,
    AgentReady,
    AgentSeen,
    Answered,
    Claimed,
    DialRefused,
    DialWithoutAgent,
    DispatchedAgain,
    EndAsked,
    FellBack,
    FoundOver,
    LegLeft,
    OtherLeft,
    OthersTalk,
    RunnerGiven,
    SpeechLost,
    Transferred,
)
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.results import LOOK_AGAIN, REMOVE_AGENT, Effect, Moved, Unmoved
from ringline.calls.model.room_view import LegView, Others, RoomView, agent_in, later_agents, others_of, present_agents
from ringline.calls.model.timing import (
    AGENT_SLOW_S,
    AGENT_SUCCESSOR_S,
    DIALER_SILENCE_S,
    DISPATCH_EVERY_S,
    MOST_SUCCESSORS,
)
from ringline.calls.model.transfers.transfer import AskedBy, Target, TargetKind, TransferMode, TransferState
from ringline.calls.model.transfers.transfer_events import (
    TransferAsked,
    TransferBegun,
    TransferCompleted,
    TransferFailed,
    TransferJoined,
)
from ringline.calls.rules.deadlines import Owed, agent_due_at, dispatch_again_in_s, look_again_in_s, owed
from ringline.calls.rules.lifecycle import apply
from ringline.calls.rules.presence_rules import dispatch_is_due, falls_back
from ringline.calls.rules.transfers.agents import has_no_part_in
from tests.builders import a_call, a_transfer, after, an_answered_call, at, moved, unmoved

BETWEEN_CHECKS_S = 6 + 100


def a_caller(**fields: Any) -> Call:
    return a_call(State.RINGING, direction=Direction.INBOUND, inbound_room="in_1", caller_identity="sip_1", **fields)


def left_alone(**fields: Any) -> Call:
    """Its agent left at 20 s."""
    return a_call(State.ACTIVE, **{"agent_left_at": at(20)} | fields)


# --- a speech worker is lost -----------------------------------------------------------------------------------------


def spoken_for(**fields: Any) -> Call:
    """A conversation of a speech worker's first job."""
    ready = AgentReports(ready_at=at(1), can_report=("user_spoke",), worker_id="speech#1", dispatch=1)
    return a_call(State.ACTIVE, **{"brain": "runner", "agent_sid": "PA_1", "reports": ready} | fields)


def test_a_lost_speech_worker_counts_as_left_and_another_is_dispatched() -> None:
    lost = moved(spoken_for(), SpeechLost(at(20), 1, 1))
    assert (lost.agent_left_at, lost.dispatches, lost.dispatched_at) == (at(20), 2, at(20))
    assert (lost.reports.ready_at, lost.reports.worker_id, lost.reports.dispatch) == (at(1), None, None)
    assert [note.what for note in lost.notes] == ["dial_1_speech_worker_lost: speech#1"]
    assert look_again_in_s(lost) == DISPATCH_EVERY_S
    joined = moved(lost, AgentJoined(at(20.5), 1, "PA_2"))
    ready = moved(joined, AgentReady(at(20.4), 1, ("user_spoke",), "speech#2", 2))
    assert (ready.agent_left_at, ready.reports.worker_id, ready.reports.dispatch) == (None, "speech#2", 2)
    assert apply(ready, SpeechLost(at(21), 1, 1)) == Unmoved("another_was_dispatched"), "told again, and late"


def test_of_two_that_were_dispatched_the_one_that_was_ready_first_is_the_calls_own() -> None:
    both = moved(spoken_for(dispatches=2), AgentReady(at(2), 1, ("silence",), "speech#2", 2))
    assert (both.reports.worker_id, both.reports.dispatch) == ("speech#1", 1)
    assert apply(both, SpeechLost(at(3), 1, 2)) == Unmoved("another_was_dispatched")
    assert moved(both, SpeechLost(at(3), 1, 1)).dispatches == 3


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (spoken_for(brain=None), "is_no_speech_worker"),
        (spoken_for(end_asked_at=at(19)), "end_was_asked"),
        (spoken_for(evidence=Evidence(leg_left_at=at(19), disconnect_reason="CLIENT_INITIATED")), "leg_has_left"),
        (spoken_for(handed_over_at=at(19), agent_left_at=at(18)), "was_handed_over"),
        (spoken_for(reports=AgentReports(ready_at=at(1), transferred_at=at(19))), "was_handed_over"),
    ],
)
def test_nobody_is_sent_where_no_speech_worker_is_missing(call: Call, why: str) -> None:
    assert apply(call, SpeechLost(at(20), 1, 1)) == Unmoved(why)


def test_a_successor_that_does_not_come_is_followed_by_another_until_the_time_is_over() -> None:
    begun = BETWEEN_CHECKS_S
    lost = moved(spoken_for(), SpeechLost(at(begun), 1, 1))
    assert apply(lost, DispatchedAgain(at(begun + 2.4), 1)) == Unmoved("dispatched_just_now")
    assert owed(lost, True, at(begun + 2.4)) is Owed.NOTHING
    assert owed(lost, True, at(begun + 2.5)) is Owed.LOOK
    again = moved(lost, DispatchedAgain(at(begun + 2.5), 1))
    assert again.dispatches == 3
    assert without_agent(again, Others.NONE, at(begun + 4.9)) is None
    assert without_agent(again, Others.NONE, at(begun + 5)) is EndReason.AGENT_FAILED


def test_a_conversation_whose_agent_merely_left_is_sent_no_other() -> None:
    left = moved(spoken_for(), AgentLeft(at(20), 1, "PA_1", None))
    assert not dispatch_is_due(left, at(24))


def test_what_loses_one_worker_after_the_other_is_not_given_more() -> None:
    lost = moved(spoken_for(dispatches=MOST_SUCCESSORS + 1), SpeechLost(at(20), 1, 1))
    assert (lost.dispatches, lost.agent_left_at) == (MOST_SUCCESSORS + 1, at(20))
    assert without_agent(lost, Others.NONE, at(25)) is EndReason.AGENT_FAILED


@pytest.mark.parametrize("call", [a_caller(brain="runner"), a_call(State.DIALING, brain="prompt")])
def test_before_the_conversation_nobody_counts_as_there_until_the_next_is_ready(call: Call) -> None:
    ready = moved(call, AgentReady(at(1), 1, (), "speech#1", 1))
    lost = moved(ready, SpeechLost(at(2), 1, 1))
    assert (lost.reports.ready_at, lost.dispatches, lost.agent_left_at) == (None, 2, None)
    assert moved(lost, AgentReady(at(3), 1, (), "speech#2", 2)).reports.ready_at == at(3)


# --- an agent is sent again ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", [a_caller(), an_answered_call(), a_call(State.DIALING)])
def test_a_call_whose_agent_has_not_come_is_sent_another_and_counts_them(call: Call) -> None:
    assert apply(call, DispatchedAgain(at(2.4), 1)) == Unmoved("dispatched_just_now")
    again = moved(call, DispatchedAgain(at(2.5), 1))
    assert (again.dispatches, again.dispatched_at) == (2, at(2.5))
    assert apply(again, DispatchedAgain(at(4.9), 1)) == Unmoved("dispatched_just_now"), "two look at the same moment"
    assert moved(again, DispatchedAgain(at(5), 1)).dispatches == 3
    assert dispatch_is_due(again, at(5)) and not dispatch_is_due(again, at(4.9))


def test_nobody_is_sent_to_a_call_that_has_an_agent_or_is_to_end() -> None:
    taken = moved(a_caller(), AgentJoined(at(2), 1, "PA_1"))
    assert isinstance(apply(taken, DispatchedAgain(at(9), 1)), Unmoved)
    asked = moved(a_caller(), EndAsked(at(2), EndReason.API_HUNG_UP))
    assert apply(asked, DispatchedAgain(at(9), 1)) == Unmoved("end_was_asked")
    assert not dispatch_is_due(taken, at(9)) and not dispatch_is_due(asked, at(9))


def test_a_call_is_looked_at_until_its_agent_is_there_or_its_time_is_over() -> None:
    call = an_answered_call(agent_join_timeout_s=10)
    assert owed(call, True, at(6 + AGENT_SLOW_S)) is Owed.LOOK
    assert owed(call, True, at(6 + AGENT_SLOW_S - 0.001)) is Owed.NOTHING
    assert look_again_in_s(call) == look_again_in_s(a_caller()) == AGENT_SLOW_S
    assert (agent_due_at(call), agent_due_at(a_caller())) == (at(16), at(31))
    assert dispatch_again_in_s(call, at(8)) == DISPATCH_EVERY_S
    assert dispatch_again_in_s(call, at(14.5)) == 2, "the last look ends it"
    assert dispatch_again_in_s(call, at(17)) == 1


def test_a_further_attempt_begins_with_one_agent() -> None:
    again = moved(a_call(State.DIALING), DispatchedAgain(at(5), 1))
    assert a_call(State.QUEUED).dispatches == 1
    assert replace(again, dispatches=1, dispatched_at=None, version=2) == a_call(State.DIALING)


# --- two agents come -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("joined_s", [5, 30])
def test_a_second_agent_is_removed_and_the_first_goes_on(joined_s: float) -> None:
    call = a_call(State.ACTIVE)
    assert apply(call, AgentJoined(at(joined_s), 1, "PA_second")) == Unmoved("another_agent_talks", REMOVE_AGENT)
    assert apply(call, AgentJoined(at(30), 1, "PA_agent")) == Unmoved("agent_is_known")


def test_a_successor_of_an_agent_that_left_is_no_second_one() -> None:
    succeeded = moved(left_alone(), AgentJoined(at(22), 1, "PA_next"))
    assert (succeeded.agent_sid, succeeded.agent_left_at, succeeded.former_agent_sids) == (
        "PA_next",
        None,
        ("PA_agent",),
    )
    assert apply(succeeded, AgentLeft(at(23), 1, "PA_agent", None)) == Unmoved("stale_agent")


@pytest.mark.parametrize("joined_s", [4, 25])
@pytest.mark.parametrize("call", [left_alone(), an_answered_call(agent_sid="PA_agent", agent_left_at=at(20))])
def test_an_agent_whose_joining_is_told_after_its_leaving_is_not_back(call: Call, joined_s: float) -> None:
    assert apply(call, AgentJoined(at(joined_s), 1, "PA_agent")) == Unmoved("agent_has_left")


NEXT_LEAVES, NEXT_JOINED = AgentLeft(at(24), 1, "PA_next", "CLIENT_INITIATED"), AgentJoined(at(22), 1, "PA_next")


@pytest.mark.parametrize(
    "call",
    [
        left_alone(),
        a_call(State.ACTIVE, agent_sid=None),
        an_answered_call(),
        a_call(State.RINGING, direction=Direction.INBOUND, inbound_room="in_1"),
    ],
)
def test_an_agent_that_left_before_anybody_told_of_its_joining_takes_no_call(call: Call) -> None:
    assert moved(call, NEXT_JOINED).agent_sid == "PA_next", "it would have been the agent"
    left = moved(call, NEXT_LEAVES)
    assert apply(left, NEXT_JOINED) == Unmoved("agent_has_left")
    assert present_agents(left, room_of(AgentSeen("PA_next", at(22)))) == ()


def test_one_too_many_that_left_is_no_successor_when_its_joining_is_told_at_last() -> None:
    call = after(a_call(State.ACTIVE), NEXT_LEAVES, AgentLeft(at(25), 1, "PA_agent", "CLIENT_INITIATED"))
    assert apply(call, NEXT_LEAVES) == Unmoved("stale_agent")
    assert apply(call, NEXT_JOINED) == Unmoved("agent_has_left")


def test_of_all_agents_that_a_call_had_none_comes_back() -> None:
    call = after(left_alone(), NEXT_JOINED, NEXT_LEAVES, AgentJoined(at(30), 1, "PA_third"))
    assert (call.agent_sid, call.former_agent_sids) == ("PA_third", ("PA_agent", "PA_next"))
    gone = moved(call, AgentLeft(at(40), 1, "PA_third", "CLIENT_INITIATED"))
    for sid in ("PA_agent", "PA_next", "PA_third"):
        assert apply(gone, AgentJoined(at(41), 1, sid)) == Unmoved("agent_has_left")


def test_an_answer_that_was_seen_with_an_agent_that_has_left_since_begins_no_conversation() -> None:
    call = moved(an_answered_call(), NEXT_LEAVES)
    seen = Answered(at(23), 1, call.leg_sid, call.sip_call_id, AgentSeen("PA_next", at(22)))
    assert apply(call, seen) == Unmoved("answered_before")


def test_an_agent_that_is_known_by_its_reports_alone_is_the_one_that_joins() -> None:
    call = a_call(State.ACTIVE, agent_sid=None)
    assert moved(call, AgentJoined(at(9), 1, "PA_agent")).agent_sid == "PA_agent"


def room_of(*agents: AgentSeen, others: Others = Others.NONE, legs: tuple[LegView, ...] = ()) -> RoomView:
    return RoomView(legs, agents, others)


def test_of_those_in_the_room_the_first_to_join_is_the_agent() -> None:
    late, early, twin = AgentSeen("PA_a", at(3), "A"), AgentSeen("PA_c", at(2), "C"), AgentSeen("PA_b", at(2), "B")
    assert agent_in(room_of(late, early, twin)) == twin
    assert agent_in(None) is None and agent_in(room_of()) is None
    gone = left_alone(agent_sid="PA_b")
    assert present_agents(gone, room_of(late, early, twin)) == (early, late), "LiveKit may still list who left"


def test_who_came_later_is_removed_whoever_is_seen_first() -> None:
    kept, second = AgentSeen("PA_agent", at(3), "agent-1"), AgentSeen("PA_2", at(2), "agent-2")
    call = a_call(State.ACTIVE)
    assert later_agents(call, room_of(second, kept)) == (second,)
    assert later_agents(call, room_of(kept)) == ()
    assert later_agents(call, room_of(second)) == (), "the one that is known has left, and nobody said so"
    assert later_agents(left_alone(), room_of(kept, second)) == ()
    assert later_agents(an_answered_call(), room_of(kept, second)) == (), "nobody talks yet"
    back = AgentSeen("PA_3", at(9), "agent-1")
    assert later_agents(call, room_of(kept, back)) == (), "it is the same one, back with a new sid"


# --- whom an agent leaves behind -------------------------------------------------------------------------------------


def test_who_may_talk_is_told_by_legs_and_people_not_by_agents() -> None:
    own = LegView(a_call(State.ACTIVE).leg_identity, "PA_leg", None, "active")

    def leg(status: str | None) -> LegView:
        return LegView("sip_colleague", "PA_x", None, status)

    call = a_call(State.ACTIVE)
    assert others_of(call, room_of(legs=(own,))) is Others.NONE
    assert others_of(call, room_of(legs=(own, leg("active")))) is Others.TALK
    assert others_of(call, room_of(legs=(own, leg("ringing")))) is Others.MAY_COME
    assert others_of(call, room_of(legs=(own, leg("hangup")))) is Others.NONE
    assert others_of(call, room_of(legs=(own,), others=Others.TALK)) is Others.TALK


def test_a_conversation_with_somebody_the_agent_brought_in_goes_on_and_was_handed_over() -> None:
    assert without_agent(left_alone(), Others.TALK, at(26)) == OthersTalk(at(26), 1)
    handed_over = moved(left_alone(), OthersTalk(at(26), 1))
    assert handed_over.handed_over_at == at(26)
    assert apply(handed_over, OthersTalk(at(90), 1)) == Unmoved("handed_over_before")
    assert owed(replace(handed_over, reports=AgentReports(silent_since=at(7))), True, at(900 - 301)) is Owed.LOOK
    over = moved(handed_over, LegLeft(at(300), 1, "PA_leg", "CLIENT_INITIATED", "hangup"))
    assert (over.state, over.end_reason) == (State.ENDED, EndReason.CALL_TRANSFERRED)


def test_nobody_has_taken_over_where_an_agent_is_there() -> None:
    assert apply(a_call(State.ACTIVE), OthersTalk(at(26), 1)) == Unmoved("agent_is_there")
    assert apply(a_call(State.ACTIVE), OtherLeft(at(26), 1)) == Unmoved("agent_is_there")


def test_an_agent_that_takes_over_again_leaves_nothing_of_the_hand_over() -> None:
    back = moved(moved(left_alone(), OthersTalk(at(26), 1)), AgentJoined(at(40), 1, "PA_next"))
    assert (back.handed_over_at, back.other_left_at) == (None, None)


@pytest.mark.parametrize(
    "leaving", [OtherLeft(at(100), 1), LegLeft(at(100), 1, "PA_x", "CLIENT_INITIATED", "hangup", "sip_colleague")]
)
def test_whoever_is_left_behind_by_the_person_too_is_alone(leaving: OtherLeft | LegLeft) -> None:
    handed_over = moved(left_alone(), OthersTalk(at(26), 1))
    result = apply(handed_over, leaving)
    assert isinstance(result, Moved) and result.effects == LOOK_AGAIN
    alone = result.call
    assert alone.other_left_at == at(100) and look_again_in_s(alone) == AGENT_SUCCESSOR_S + 1
    assert without_agent(alone, Others.NONE, at(100 + AGENT_SUCCESSOR_S - 0.1)) is None
    assert without_agent(alone, Others.NONE, at(100 + AGENT_SUCCESSOR_S)) is EndReason.CALL_TRANSFERRED
    assert without_agent(alone, Others.MAY_COME, at(200)) is None, "somebody is being called"
    talks_on = moved(alone, OthersTalk(at(106), 1))
    assert (talks_on.handed_over_at, talks_on.other_left_at) == (at(26), None), "one of two had left"


@pytest.mark.parametrize("why", ["CONNECTION_TIMEOUT", "SIGNAL_CLOSE", "MIGRATION"])
def test_whoever_took_over_and_loses_the_connection_has_as_long_to_come_back_as_any_leg(why: str) -> None:
    handed_over = moved(left_alone(), OthersTalk(at(26), 1))
    missed = moved(handed_over, LegLeft(at(100), 1, "PA_x", why, "active", "sip_colleague"))
    assert look_again_in_s(missed) == DIALER_SILENCE_S + 1
    assert without_agent(missed, Others.NONE, at(100 + DIALER_SILENCE_S - 0.1)) is None
    assert without_agent(missed, Others.NONE, at(100 + DIALER_SILENCE_S)) is EndReason.CALL_TRANSFERRED
    gone = moved(missed, LegLeft(at(103), 1, "PA_x", "CLIENT_INITIATED", "hangup", "sip_colleague"))
    assert look_again_in_s(gone) == AGENT_SUCCESSOR_S + 1, "who hangs up is not coming back"
    assert without_agent(gone, Others.NONE, at(103 + AGENT_SUCCESSOR_S)) is EndReason.CALL_TRANSFERRED


@pytest.mark.parametrize(("status", "handed_over_at"), [("hangup", at(20)), ("active", at(20)), ("ringing", None)])
def test_who_had_picked_up_has_taken_over_though_nobody_looked_meanwhile(
    status: str, handed_over_at: int | None
) -> None:
    left = moved(left_alone(), LegLeft(at(40), 1, "PA_x", "CLIENT_INITIATED", status, "sip_colleague"))
    assert (left.handed_over_at, left.other_left_at) == (handed_over_at, at(40))


def test_an_agents_leaving_that_is_told_again_has_the_caller_looked_at() -> None:
    assert apply(left_alone(), AgentLeft(at(20), 1, "PA_agent", None)) == Unmoved("agent_left_before", LOOK_AGAIN)


def test_a_leaving_of_which_nobody_told_is_found() -> None:
    assert without_agent(a_call(State.ACTIVE), Others.NONE, at(50)) == AgentLeft(at(50), 1, "PA_agent", None)
    handed_over = moved(left_alone(), OthersTalk(at(26), 1))
    assert without_agent(handed_over, Others.NONE, at(90)) == OtherLeft(at(90), 1)


@pytest.mark.parametrize(
    ("only_started", "reason"), [(False, EndReason.CALL_TRANSFERRED), (True, EndReason.AGENT_FAILED)]
)
def test_a_caller_alone_after_a_transfer_is_not_kept(only_started: bool, reason: EndReason) -> None:
    told = moved(a_call(State.ACTIVE), Transferred(at(19), 1, "+1555", failed=False, only_started=only_started))
    alone = moved(told, AgentLeft(at(20), 1, "PA_agent", None))
    assert owed(alone, True, at(20 + AGENT_SUCCESSOR_S)) is Owed.LOOK
    assert without_agent(alone, Others.NONE, at(20 + AGENT_SUCCESSOR_S)) is reason
    asked = moved(alone, EndAsked(at(26), reason, 1))
    assert asked.end_asked_reason is reason


def test_a_transfer_that_was_started_is_completed_once() -> None:
    started = moved(a_call(State.ACTIVE), Transferred(at(19), 1, "+1555", failed=False, only_started=True))
    assert started.reports.transfer_only_started
    completed = moved(started, Transferred(at(21), 1, "+1555", failed=False))
    assert not completed.reports.transfer_only_started and completed.reports.transferred_at == at(19)
    late = apply(completed, Transferred(at(22), 1, "+1555", failed=False, only_started=True))
    assert late == Unmoved("transferred_before"), "words of one agent may overtake each other"
    failed = moved(started, Transferred(at(21), 1, None, failed=True))
    assert failed.reports == AgentReports()


@pytest.mark.parametrize("reason", [EndReason.AGENT_FAILED, EndReason.CALL_TRANSFERRED])
def test_an_agent_that_took_over_meanwhile_is_not_cut_off(reason: EndReason) -> None:
    assert apply(a_call(State.ACTIVE), EndAsked(at(26), reason, 1)) == Unmoved("agent_took_over")


def test_while_an_agent_is_there_a_transfer_only_means_that_silence_is_no_reason() -> None:
    told = moved(a_call(State.ACTIVE), Transferred(at(19), 1, "+1555", failed=False))
    assert owed(told, True, at(BETWEEN_CHECKS_S)) is Owed.NOTHING


def test_an_answer_is_given_to_the_agent_that_joined_first() -> None:
    room = room_of(AgentSeen("PA_2", at(3), "agent-2"), AgentSeen("PA_1", at(2), "agent-1"))
    call = moved(a_call(State.DIALING), Answered(at(6), 1, "PA_leg", "SCL_1", agent_in(room)))
    assert call.agent_sid == "PA_1"
    assert later_agents(call, room) == (room.agents[0],)


# --- which runner thinks for a call ----------------------------------------------------------------------------------


def claimed(**fields: object) -> Call:
    return moved(a_call(State.QUEUED, brain="runner", **fields), Claimed(at(1), runner_id="bot#1"))


def test_a_claim_takes_the_place_that_its_dialer_found() -> None:
    call = claimed()
    assert (call.runner_id, call.holds_place_of) == ("bot#1", "bot#1")


@pytest.mark.parametrize(
    "end",
    [
        DialRefused(at(5), 1, 486, "Busy Here", None, None),
        DialWithoutAgent(at(12), 1, at(12), at(14)),
    ],
)
def test_whatever_ends_the_attempt_gives_the_place_back(end: DialRefused | DialWithoutAgent) -> None:
    assert moved(claimed(), end).holds_place_of is None


def test_who_had_the_call_can_still_be_told_after_it() -> None:
    call = moved(claimed(), DialRefused(at(5), 1, 486, "Busy Here", None, None))
    assert call.state.is_terminal
    assert call.runner_id == "bot#1"


def test_a_call_that_waits_again_has_no_runner() -> None:
    assert moved(claimed(), DialWithoutAgent(at(12), 1, at(12), at(14))).runner_id is None


@pytest.mark.parametrize("state", [State.DIALING, State.RINGING, State.ACTIVE, State.LAST_WORDS])
def test_another_runner_goes_on_and_the_timeline_tells(state: State) -> None:
    call = moved(a_call(state, brain="runner", runner_id="bot#1"), RunnerGiven(at(9), 1, "bot#2"))
    assert call.holds_place_of == "bot#2"
    assert [note.what for note in call.notes] == ["dial_1_other_runner: bot#2"]


def test_a_callers_first_runner_is_no_news() -> None:
    call = moved(a_call(State.RINGING, brain="runner"), RunnerGiven(at(2), 1, "bot#1"))
    assert (call.holds_place_of, call.notes) == ("bot#1", ())


def test_the_runner_that_has_the_call_takes_no_second_place() -> None:
    assert unmoved(claimed(), RunnerGiven(at(2), 1, "bot#1")).why == "runner_is_known"


def test_a_call_that_is_to_end_gets_no_other_runner() -> None:
    ending = moved(claimed(), EndAsked(at(3), EndReason.API_HUNG_UP))
    assert unmoved(ending, RunnerGiven(at(4), 1, "bot#2")).why == "end_was_asked"


def test_a_runner_of_an_earlier_dial_is_not_given_to_this_one() -> None:
    assert unmoved(claimed(attempt=1), RunnerGiven(at(2), 1, "bot#2")).why == "stale_attempt"


# --- another agent for a caller ---------------------------------------------------------------------------------------


def with_fallback(**fields: Any) -> Call:
    given = {"brain": "runner", "runner_id": "bot#1", "fallback_agent_id": "desk", "agent_join_timeout_s": 5}
    return a_caller(**given | fields)


def test_after_its_agents_limit_a_caller_is_the_fallback_agents() -> None:
    call = moved(with_fallback(), FellBack(at(6), 1))
    assert (call.agent_id, call.brain, call.fallback_agent_id) == ("desk", None, None)
    assert call.holds_place_of is None, "the agent before has no claim to the call any more"
    assert (call.dispatches, call.dispatched_at) == (2, at(6))
    assert [note.what for note in call.notes] == ["dial_1_fell_back: desk"]


def test_the_agent_before_has_the_call_no_more_also_if_it_was_ready() -> None:
    was_ready = moved(with_fallback(), AgentReady(at(5), 1, ("transcript",), worker_id="speech#1", dispatch=1))
    call = moved(was_ready, FellBack(at(6), 1))
    assert call.has_fallen_back_from(1) and not call.has_fallen_back_from(2) and not call.has_fallen_back_from(None)
    assert call.reports == AgentReports()
    ready = moved(call, AgentReady(at(7), 1, (), worker_id="speech#2", dispatch=2))
    assert (ready.reports.worker_id, ready.reports.dispatch) == ("speech#2", 2)


@pytest.mark.parametrize(("brain", "row"), [(None, None), ("prompt", "a row")])
def test_a_fallback_agent_that_speaks_itself_gives_the_place_of_a_speech_worker_back(
    brain: str | None, row: str | None
) -> None:
    call = moved(with_fallback(speech_row="a row", fallback_brain=brain), FellBack(at(6), 1))
    assert call.holds_speech_place_of == row


def test_a_caller_who_is_passed_on_to_a_number_needs_no_speech_worker() -> None:
    assert passed_on(speech_row="a row").holds_speech_place_of is None


def test_the_fallback_agent_speaks_and_counts_as_itself() -> None:
    own = {"fallback_voice_profile_id": "VP_9", "fallback_voice": {"greeting": "The desk."}}
    counters = ("AGENT#AGENT_1", "PIPE#PIPE_1")
    call = moved(with_fallback(**own, voice={"greeting": "Hello!"}, counters=counters), FellBack(at(6), 1))
    assert (call.voice_profile_id, call.voice) == ("VP_9", {"greeting": "The desk."})
    assert set(call.counters) == {"AGENT#desk", "PIPE#PIPE_1"}


@pytest.mark.parametrize(("ring_s", "join_s", "due_s"), [(30, 5, 5), (10, 10, 7), (5, 10, 2), (5, None, 2), (9, 6, 6)])
def test_a_fallback_has_time_before_its_caller_is_let_go(ring_s: int, join_s: int | None, due_s: int) -> None:
    call = with_fallback(ring_timeout_s=ring_s, agent_join_timeout_s=join_s)
    assert not falls_back(call, at(1 + due_s) - 1) and falls_back(call, at(1 + due_s))
    assert dispatch_again_in_s(call, at(due_s)) == 1, "somebody looks then"


def test_a_caller_falls_back_once_and_not_before_its_time() -> None:
    assert unmoved(with_fallback(), FellBack(at(5.9), 1)).why == "has_no_fallback"
    fallen_back = moved(with_fallback(), FellBack(at(6), 1))
    assert unmoved(fallen_back, FellBack(at(20), 1)).why == "has_no_fallback"


def test_a_caller_whose_agent_is_there_does_not_fall_back() -> None:
    talking = moved(moved(with_fallback(), AgentReady(at(2), 1, ())), AgentJoined(at(3), 1, "PA_agent"))
    assert isinstance(apply(talking, FellBack(at(9), 1)), Unmoved)


# --- a number for a caller --------------------------------------------------------------------------------------------

DESK = "+15550100200"


def passed_on(**fields: Any) -> Call:
    """A caller whose agent did not come in time, and who is handed over to their pipe's number."""
    given = {"brain": "runner", "runner_id": "bot#1", "fallback_number": DESK, "agent_join_timeout_s": 5}
    return moved(a_caller(**given | fields), FellBack(at(6), 1))


def test_after_its_agents_limit_a_caller_is_handed_over_to_the_fallback_number() -> None:
    call = passed_on()
    (transfer,) = call.transfers
    assert (transfer.target.kind, transfer.target.name, transfer.mode) == (TargetKind.NUMBER, DESK, TransferMode.WARM)
    assert (transfer.state, transfer.asked_by, transfer.ends_call) == (TransferState.REQUESTED, AskedBy.PIPE, True)
    assert (call.state, call.answered_at, call.active_at) == (State.ACTIVE, at(6), at(6)), "they hear it ring"
    assert (call.holds_place_of, call.fallback_number) == (None, None)
    assert [note.what for note in call.notes] == [f"dial_1_fell_back: {DESK}"]


@pytest.mark.parametrize("trunk_id", ["ST_own", None], ids=["own", "usual"])
def test_the_fallback_number_is_called_through_the_trunk_of_the_number_that_was_dialled(trunk_id: str | None) -> None:
    call = passed_on(fallback_trunk_id=trunk_id)
    assert call.trunk_to(call.transfers[0]) == trunk_id


def test_whoever_picks_up_there_has_the_caller() -> None:
    (transfer,) = passed_on().transfers
    talking = moved(passed_on(), TransferJoined(at(9), 1, transfer.transfer_id, "PA_desk"))
    assert talking.transfers[0].state is TransferState.COMPLETED
    left = moved(talking, LegLeft(at(60), 1, "PA_leg", "CLIENT_INITIATED", "active"))
    over = left if left.end_reason is not None else moved(left, FoundOver(at(70), 1))
    assert over.end_reason is EndReason.CALL_TRANSFERRED


def test_a_caller_whose_fallback_number_is_not_reached_is_let_go() -> None:
    (transfer,) = passed_on().transfers
    result = apply(passed_on(), TransferFailed(at(40), 1, transfer.transfer_id, "USER_DID_NOT_PICK_UP"))
    assert isinstance(result, Moved) and Effect.END_ROOM in result.effects
    assert result.call.end_asked_reason is EndReason.AGENT_DID_NOT_JOIN


def test_an_agent_that_comes_too_late_for_its_caller_is_put_out() -> None:
    result = apply(passed_on(), AgentJoined(at(7), 1, "PA_late"))
    assert isinstance(result, Unmoved)
    assert (result.why, Effect.REMOVE_AGENT in result.effects) == ("was_passed_on", True)
    assert has_no_part_in(passed_on(), 1), "its speech worker is given no brain"


def asked_back() -> Call:
    """The desk has the caller whose agent did not come, and asks for another agent."""
    there = moved(passed_on(), TransferJoined(at(9), 1, passed_on().transfers[0].transfer_id, "PA_desk"))
    to_agent = a_transfer(
        at(20), target=Target(TargetKind.AGENT, "AGENT_2"), mode=TransferMode.COLD, warm_handoff_ms=None
    )
    return after(there, TransferAsked(at(20), 1, to_agent), TransferBegun(at(20.1), 1, to_agent.transfer_id))


def test_an_agent_that_is_asked_for_afterwards_has_the_caller() -> None:
    taken = moved(asked_back(), AgentJoined(at(21), 1, "PA_second"))
    assert (taken.agent_sid, taken.agent_left_at) == ("PA_second", None)
    assert taken.transfers[-1].state is TransferState.JOINED
    assert unmoved(taken, AgentJoined(at(22), 1, "PA_third")).effects == REMOVE_AGENT


def test_such_an_agent_may_come_back_after_it_has_lost_its_connection() -> None:
    done = after(asked_back(), AgentJoined(at(21), 1, "PA_second"), TransferCompleted(at(22), 1, "transfer_1"))
    back = after(done, AgentLeft(at(30), 1, "PA_second", None), AgentJoined(at(31), 1, "PA_second_again"))
    assert (back.agent_sid, back.agent_left_at) == ("PA_second_again", None)


def test_where_that_agent_does_not_come_the_caller_is_still_the_desks() -> None:
    failed = moved(asked_back(), TransferFailed(at(40), 1, "transfer_1", "AGENT_DID_NOT_JOIN"))
    assert unmoved(failed, AgentJoined(at(41), 1, "PA_late")).why == "was_passed_on"


def test_a_speech_worker_that_is_lost_after_its_caller_was_passed_on_has_no_successor() -> None:
    assert unmoved(passed_on(), SpeechLost(at(7), 1, 1)).why == "was_handed_over"
    assert not dispatch_is_due(passed_on(dispatched_at=at(6)), at(30))
