"""What happens to a transfer, and what a transfer does to its call."""

from copy import replace
from typing import Any

import pytest

from ringline.calls.mending.left_alone import without_agent
from ringline.calls.model.call import Call, Direction, State
from ringline.calls.model.events import (
    AgentHangsUp,
    AgentJoined,
    AgentLeft,
    AgentReady,
    DispatchedAgain,
    EndAsked,
    FoundOver,
    LegJoined,
    LegLeft,
    SilenceHeard,
    SpeechLost,
    Transferred,
)
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.results import Effect, Moved, Unmoved
from ringline.calls.model.retries import RetryPolicy
from ringline.calls.model.room_view import Others
from ringline.calls.model.timing import (
    AGENT_SUCCESSOR_S,
    DIALER_SILENCE_S,
    IDLE_S,
    TRANSFER_BEGINS_WITHIN_S,
    TRANSFER_BEGUN_BY_S,
)
from ringline.calls.model.transfers.allowed import is_allowed
from ringline.calls.model.transfers.transfer import (
    MOST_TRANSFERS,
    Target,
    TargetKind,
    Transfer,
    TransferMode,
    TransferState,
    leg_identity,
    transfer_from_record,
    transfer_to_record,
)
from ringline.calls.model.transfers.transfer_events import (
    TransferAsked,
    TransferBegun,
    TransferCompleted,
    TransferFailed,
    TransferJoined,
    TransferRang,
)
from ringline.calls.rules.deadlines import End, Owed, owed
from ringline.calls.rules.lifecycle import apply
from ringline.calls.rules.presence_rules import awaits_successor, dispatch_is_due
from ringline.calls.rules.transfers.agents import has_no_part_in
from ringline.calls.rules.transfers.due import TransferOwed, transfer_owed
from tests.builders import a_call, a_transfer, after, at, moved, told_by_the_agent, unmoved

_S = TransferState
COLD: dict[str, Any] = {"mode": TransferMode.COLD, "warm_handoff_ms": None}
TO_AGENT: dict[str, Any] = COLD | {"target": Target(TargetKind.AGENT, "AGENT_2", "runner")}
BUSY = TransferFailed(at(12), 1, "transfer_1", "USER_BUSY", 486)
JOINED = TransferJoined(at(12), 1, "transfer_1", "PA_target")


def asked(call: Call | None = None, **fields: Any) -> Call:
    return moved(call or a_call(State.ACTIVE), TransferAsked(at(10), 1, a_transfer(at(10), **fields)))


def last(call: Call) -> Transfer:
    return call.transfers[-1]


def leaves(call: Call, identity: str | None = None, status: str = "hangup", seconds: float = 20) -> Any:
    sid = "PA_leg" if identity is None else "PA_target"
    return apply(call, LegLeft(at(seconds), 1, sid, "CLIENT_INITIATED", status, identity))


def target_leg(call: Call) -> str:
    return leg_identity(call.call_id, 1, last(call).transfer_id)


def test_a_transfer_goes_from_step_to_step_with_its_moments() -> None:
    steps = (TransferBegun(at(11), 1, "transfer_1"), TransferRang(at(12), 1, "transfer_1"))
    call = after(asked(), *steps, TransferJoined(at(13), 1, "transfer_1", "PA_target"))
    assert last(call).state is _S.JOINED
    done = last(moved(call, TransferCompleted(at(14), 1, "transfer_1")))
    assert (done.begun_at, done.ringing_at, done.joined_at, done.ended_at) == (at(11), at(12), at(13), at(14))


def test_one_transfer_is_under_way_at_a_time_and_a_call_has_so_many() -> None:
    call = asked()
    again = TransferAsked(at(11), 1, a_transfer(at(11), transfer_id="transfer_2"))
    assert unmoved(call, again).why == "transfer_under_way"
    assert last(moved(moved(call, BUSY), again)).transfer_id == "transfer_2"
    full = a_call(State.ACTIVE, transfers=(a_transfer(state=_S.FAILED),) * MOST_TRANSFERS)
    assert unmoved(full, again).why == "too_many_transfers"


@pytest.mark.parametrize(
    "event", [BUSY, JOINED, TransferBegun(at(12), 1, "transfer_1")], ids=lambda e: type(e).__name__
)
def test_what_is_told_of_a_transfer_that_is_over_changes_nothing(event: Any) -> None:
    assert unmoved(moved(asked(), BUSY), event).why == "transfer_is_over"


# --- how the call ends -----------------------------------------------------------------------------------------------


def sent_away(**fields: Any) -> Call:
    spoken = told_by_the_agent(a_call(State.ACTIVE), user_spoke_at=at(8))
    return moved(asked(spoken, **COLD | fields), TransferBegun(at(11), 1, "transfer_1"))


COMPLETED = TransferCompleted(at(20.1), 1, "transfer_1")


@pytest.mark.parametrize("told_first", [True, False])
def test_a_phone_that_leaves_because_it_was_sent_away_was_transferred(told_first: bool) -> None:
    call = sent_away()
    over = leaves(moved(call, COMPLETED)).call if told_first else moved(leaves(call).call, COMPLETED)
    assert (over.state, over.end_reason, over.ended_at) == (State.ENDED, EndReason.CALL_TRANSFERRED, at(20))
    assert (last(over).state, over.reports.transferred_to) == (_S.COMPLETED, "+15550100888")


def test_who_hangs_up_before_the_phone_was_to_be_sent_away_has_hung_up() -> None:
    over = leaves(told_by_the_agent(asked(**COLD), user_spoke_at=at(8))).call
    assert over.end_reason is EndReason.USER_HUNG_UP_IN_CALL
    assert (last(over).state, last(over).reason) == (_S.FAILED, "USER_HUNG_UP_IN_CALL")


def test_who_hangs_up_while_the_number_is_asked_for_has_hung_up_and_nobody_else_is_asked() -> None:
    gone = leaves(sent_away(fallback=(Target(TargetKind.NUMBER, "+15550100889"),), ends_call=True)).call
    assert gone.state is State.LAST_WORDS, "LiveKit's answer tells who has left, and why"
    told = AgentHangsUp(at(20.1), 1, EndReason.USER_HUNG_UP_IN_CALL, "participant left")
    assert unmoved(gone, told).why == "waits_for_word_of_refer"
    over = moved(gone, TransferFailed(at(20.2), 1, "transfer_1", "SIP_FAILED_TRUNK"))
    assert (over.state, over.end_reason) == (State.ENDED, EndReason.USER_HUNG_UP_IN_CALL)
    assert [(each.state, each.reason) for each in over.transfers] == [(_S.FAILED, "SIP_FAILED_TRUNK")]


def test_a_phone_of_which_nobody_says_that_it_was_taken_elsewhere_has_hung_up() -> None:
    gone = leaves(sent_away()).call
    assert owed(gone, True, at(20 + DIALER_SILENCE_S) - 1) is Owed.NOTHING
    assert owed(gone, True, at(20 + DIALER_SILENCE_S)) is Owed.LOOK
    over = moved(gone, FoundOver(at(31), 1))
    assert (over.end_reason, last(over).state) == (EndReason.USER_HUNG_UP_IN_CALL, _S.FAILED)


def test_nobody_is_sent_away_who_has_left() -> None:
    hears = told_by_the_agent(a_call(State.ACTIVE), ready_at=at(6), can_report=("user_spoke",))
    gone = leaves(asked(hears, **COLD), seconds=13).call
    assert gone.state is State.LAST_WORDS
    assert unmoved(gone, TransferBegun(at(14), 1, "transfer_1")).why == "leg_has_left"


def test_a_transfer_of_a_call_whose_leg_has_left_is_not_begun_any_more() -> None:
    hears = told_by_the_agent(a_call(State.ACTIVE), ready_at=at(6), can_report=("user_spoke",))
    gone = leaves(asked(hears, **COLD), seconds=13).call
    assert transfer_owed(gone, at(13 + TRANSFER_BEGINS_WITHIN_S)) is TransferOwed.NOTHING


@pytest.mark.parametrize("event", [TransferRang(at(12), 1, "transfer_1"), JOINED], ids=["rang", "joined"])
def test_a_transfer_of_a_later_release_is_not_taken_for_over(event: TransferRang | TransferJoined) -> None:
    call = asked()
    later = replace(call, transfers=(replace(last(call), state=TransferState.kept("screened")),))
    assert unmoved(later, event).why == "transfer_of_a_later_release"


def test_a_transfer_that_nobody_begins_is_given_up() -> None:
    call = asked()
    assert transfer_owed(call, at(10 + TRANSFER_BEGUN_BY_S) - 1) is TransferOwed.BEGIN
    assert transfer_owed(call, at(10 + TRANSFER_BEGUN_BY_S)) is TransferOwed.GIVE_UP
    begun = moved(call, TransferBegun(at(11), 1, "transfer_1"))
    assert transfer_owed(begun, at(10 + TRANSFER_BEGUN_BY_S)) is not TransferOwed.GIVE_UP


def test_who_hangs_up_while_somebody_is_rung_for_them_has_hung_up() -> None:
    over = leaves(told_by_the_agent(asked(), user_spoke_at=at(8))).call
    assert over.end_reason is EndReason.USER_HUNG_UP_IN_CALL
    assert (last(over).state, last(over).reason) == (_S.FAILED, "USER_HUNG_UP_IN_CALL")


def test_who_hangs_up_after_the_target_has_joined_was_transferred() -> None:
    over = leaves(moved(asked(), JOINED)).call
    assert (over.end_reason, last(over).state) == (EndReason.CALL_TRANSFERRED, _S.COMPLETED)


def test_the_end_of_a_call_is_the_end_of_its_transfer() -> None:
    call = moved(asked(), EndAsked(at(15), EndReason.API_HUNG_UP))
    over = leaves(call).call
    assert (last(over).state, last(over).reason, last(over).ended_at) == (_S.FAILED, "API_HUNG_UP", at(20))


def test_a_call_to_another_agent_ends_as_any_other() -> None:
    call = moved(asked(**TO_AGENT), AgentJoined(at(11), 1, "PA_second"))
    over = leaves(told_by_the_agent(call, user_spoke_at=at(8))).call
    assert over.end_reason is EndReason.USER_HUNG_UP_IN_CALL


# --- the target's phone ----------------------------------------------------------------------------------------------


def test_the_targets_leg_neither_takes_the_call_over_nor_ends_it() -> None:
    call = asked()
    assert unmoved(call, LegJoined(at(11), 1, "PA_target", target_leg(call))).effects == frozenset()
    joined = moved(call, JOINED)
    back = leaves(joined, target_leg(call)).call
    assert (back.state, last(back).state) == (State.ACTIVE, _S.FAILED)
    assert (last(back).reason, back.reports.transferred_at) == ("USER_HUNG_UP_IN_CALL", None)


def test_the_word_of_a_leg_that_left_unanswered_waits_for_whoever_dials_it() -> None:
    call = asked()
    heard = leaves(call, target_leg(call), "ringing")
    assert heard.effects == {Effect.LOOK_AGAIN} and last(heard.call).is_under_way
    begun = moved(heard.call, TransferBegun(at(21), 1, "transfer_1"))
    assert transfer_owed(begun, at(20 + DIALER_SILENCE_S)) is TransferOwed.SETTLE
    assert last(moved(heard.call, BUSY)).sip_code == 486


def test_a_leg_that_joins_a_call_which_is_to_end_has_its_room_closed() -> None:
    call = moved(asked(), EndAsked(at(15), EndReason.API_HUNG_UP))
    assert unmoved(call, LegJoined(at(16), 1, "PA_target", target_leg(call))).effects == {Effect.END_ROOM}


def test_a_leg_that_was_replaced_has_not_left() -> None:
    joined = moved(asked(), JOINED)
    identity = target_leg(joined)
    replaced = LegLeft(at(20), 1, "PA_target", "DUPLICATE_IDENTITY", "active", identity)
    assert unmoved(joined, replaced).why == "leg_was_replaced"
    gone = LegLeft(at(25), 1, "PA_again", "CLIENT_INITIATED", "hangup", identity)
    assert last(moved(joined, gone)).state is _S.FAILED, "the one in its place is the target's, too"


def test_a_target_that_was_gone_before_its_joining_was_told_takes_nobodys_call() -> None:
    call = asked(warm_handoff_ms=0)
    gone = leaves(call, target_leg(call), "active", seconds=12).call
    back = moved(gone, TransferJoined(at(13), 1, "transfer_1", "PA_target"))
    assert (last(back).state, last(back).reason, back.handed_over_at) == (_S.FAILED, "USER_HUNG_UP_IN_CALL", None)


def test_whoever_was_to_give_way_to_a_number_does_not_give_way_to_an_agent() -> None:
    agent = Target(TargetKind.AGENT, "AGENT_2", "runner")
    call = moved(asked(dropped="PA_somebody", fallback=(agent,)), BUSY)
    assert (last(call).target, last(call).dropped) == (agent, None)


# --- who waits for somebody is silent --------------------------------------------------------------------------------

SILENCE_ENDS_IT = [EndReason.AGENT_HUNG_UP_SILENCE_DETECTED, EndReason.IDLE_TIMEOUT]


@pytest.mark.parametrize("reason", SILENCE_ENDS_IT)
@pytest.mark.parametrize("fields", [{}, {"mode": TransferMode.COLD, "warm_handoff_ms": None}, TO_AGENT])
def test_nobody_is_hung_up_on_for_a_silence_in_which_they_wait_for_somebody(
    reason: EndReason, fields: dict[str, Any]
) -> None:
    waits = asked(**fields)
    hung_up = AgentHangsUp(at(15), 1, reason, "silence")
    assert unmoved(waits, hung_up) == Unmoved("transfer_under_way")
    failed = moved(waits, TransferFailed(at(20), 1, "transfer_1", "USER_BUSY", 486))
    assert moved(failed, hung_up).end_asked_reason is reason


def test_whoever_waits_for_somebody_is_hung_up_on_for_any_other_reason() -> None:
    goodbye = AgentHangsUp(at(15), 1, EndReason.AGENT_HUNG_UP, "goodbye")
    assert moved(asked(), goodbye).end_asked_reason is EndReason.AGENT_HUNG_UP
    assert moved(asked(), EndAsked(at(15), EndReason.API_HUNG_UP)).end_asked_reason is EndReason.API_HUNG_UP


def test_who_has_somebody_to_talk_to_waits_for_nobody() -> None:
    """The agent that keeps a number company may end it for a silence: a mailbox would be up until the longest
    duration."""
    silence = AgentHangsUp(at(60), 1, EndReason.AGENT_HUNG_UP_SILENCE_DETECTED, "silence")
    joined = after(asked(warm_handoff_ms=None), JOINED)
    assert moved(joined, silence).end_asked_reason is EndReason.AGENT_HUNG_UP_SILENCE_DETECTED
    lost = after(joined, LegLeft(at(20), 1, "PA_target", "SIGNAL_CLOSE", "active", target_leg(joined)))
    assert unmoved(lost, silence) == Unmoved("transfer_under_way")


@pytest.mark.parametrize("fields", [{"warm_handoff_ms": 4_000}, TO_AGENT])
def test_an_agent_that_is_put_out_for_somebody_does_not_end_their_conversation_for_a_silence(
    fields: dict[str, Any],
) -> None:
    """It may not hear them, and has minded the silence while the phone rang."""
    silence = AgentHangsUp(at(13), 1, EndReason.AGENT_HUNG_UP_SILENCE_DETECTED, "silence")
    waiting = asked(**fields)
    (transfer,) = waiting.transfers
    joined = replace(waiting, transfers=(replace(transfer, state=_S.JOINED, joined_at=at(12)),))
    assert unmoved(joined, silence) == Unmoved("transfer_under_way")


def test_no_call_is_idle_while_somebody_is_asked_for_nor_for_the_time_before() -> None:
    talking = a_call(State.ACTIVE, max_call_duration_s=3600)
    quiet_s = 9.0
    silent = asked(moved(talking, SilenceHeard(at(quiet_s), 1, 3)))
    assert owed(silent, True, at(quiet_s + IDLE_S)) != End(EndReason.IDLE_TIMEOUT)
    failed_s = quiet_s + IDLE_S + 30
    failed = moved(silent, TransferFailed(at(failed_s), 1, "transfer_1", "USER_BUSY", 486))
    assert owed(failed, True, at(failed_s + IDLE_S - 0.001)) != End(EndReason.IDLE_TIMEOUT)
    assert owed(failed, True, at(failed_s + IDLE_S)) == End(EndReason.IDLE_TIMEOUT)
    assert owed(silent, True, at(6 + 3600)) == End(EndReason.MAX_DURATION_REACHED)


# --- the agent that hands over ---------------------------------------------------------------------------------------


def test_nobody_is_left_alone_as_long_as_somebody_is_asked_for() -> None:
    call = moved(asked(), AgentLeft(at(11), 1, "PA_agent", None))
    late = at(11 + AGENT_SUCCESSOR_S)
    assert without_agent(call, Others.NONE, late) is None
    failed = moved(call, TransferFailed(at(12), 1, "transfer_1", "USER_BUSY", 486))
    assert without_agent(failed, Others.NONE, late) is EndReason.AGENT_FAILED


def test_an_agent_that_left_while_it_rang_has_handed_over_when_the_target_joins() -> None:
    call = moved(moved(asked(), AgentLeft(at(11), 1, "PA_agent", None)), JOINED)
    assert (last(call).state, call.handed_over_at) == (_S.COMPLETED, at(12))


def test_an_agent_says_that_it_has_handed_over_by_its_report() -> None:
    call = asked(warm_handoff_ms=None)
    told = Transferred(at(13), 1, "+15550100888", failed=False)
    assert unmoved(call, told).why == "transfer_under_way"
    assert last(moved(moved(call, JOINED), told)).state is _S.COMPLETED


def test_a_lost_speech_worker_is_replaced_while_somebody_is_rung() -> None:
    call = asked(a_call(State.ACTIVE, brain="runner", reports=a_call(State.ACTIVE).reports))
    assert moved(call, SpeechLost(at(11), 1, 1)).dispatches == 2


# --- another agent ---------------------------------------------------------------------------------------------------


def test_another_agent_has_the_call_from_the_request_on_and_the_first_one_gets_it_back_if_it_does_not_come() -> None:
    before = told_by_the_agent(a_call(State.ACTIVE, brain="runner", runner_id="r1"), worker_id="w1", dispatch=1)
    call = asked(before, **TO_AGENT)
    assert (call.agent_id, call.brain, call.runner_id, call.dispatches) == ("AGENT_2", "runner", None, 2)
    back = moved(call, TransferFailed(at(20), 1, "transfer_1", "AGENT_DID_NOT_JOIN"))
    assert (back.agent_id, back.brain) == (before.agent_id, "runner")
    assert (back.reports.worker_id, back.reports.dispatch) == ("w1", 1)


def test_each_agent_speaks_as_itself() -> None:
    target = Target(TargetKind.AGENT, "AGENT_2", "prompt", "VP_2", {"greeting": "Sales."})
    before = a_call(State.ACTIVE, voice_profile_id="VP_1", voice={"greeting": "Hello!"})
    call = asked(before, **TO_AGENT | {"target": target})
    assert (call.voice_profile_id, call.voice) == ("VP_2", {"greeting": "Sales."})
    assert transfer_from_record(transfer_to_record(last(call))) == last(call)
    back = moved(call, TransferFailed(at(20), 1, "transfer_1", "AGENT_DID_NOT_JOIN"))
    assert (back.voice_profile_id, back.voice) == ("VP_1", {"greeting": "Hello!"})


def test_the_agent_that_was_asked_for_is_not_one_too_many() -> None:
    call = asked(**TO_AGENT)
    result: Any = apply(call, AgentJoined(at(11), 1, "PA_second"))
    assert result.effects == {Effect.LOOK_AGAIN}
    assert (result.call.agent_sid, last(result.call).state) == ("PA_second", _S.JOINED)
    assert unmoved(result.call, AgentJoined(at(12), 1, "PA_agent")).effects == {Effect.REMOVE_AGENT}


@pytest.mark.parametrize("is_told_left", [True, False], ids=["its leaving was told", "nobody told"])
def test_the_agent_that_is_back_after_its_connection_was_lost_is_not_the_one_that_was_asked_for(
    is_told_left: bool,
) -> None:
    call = asked(a_call(State.ACTIVE, agent_identity="agent-AJ_1"), **TO_AGENT)
    gone = moved(call, AgentLeft(at(11), 1, "PA_agent", None)) if is_told_left else call
    back = moved(gone, AgentJoined(at(12), 1, "PA_again", "agent-AJ_1"))
    assert (back.agent_sid, back.agent_left_at, last(back).state) == ("PA_again", None, _S.REQUESTED)
    late = AgentJoined(at(13), 1, "PA_agent", "agent-AJ_1")
    assert unmoved(back, late) == Unmoved("agent_has_left"), "a report that was overtaken puts nobody out"
    assert unmoved(back, AgentLeft(at(13), 1, "PA_agent", "DUPLICATE_IDENTITY")).why == "stale_agent"
    taken = moved(back, AgentJoined(at(14), 1, "PA_second", "agent-AJ_2"))
    assert (taken.agent_sid, taken.agent_identity, last(taken).state) == ("PA_second", "agent-AJ_2", _S.JOINED)
    failed = moved(taken, TransferFailed(at(15), 1, "transfer_1", "AGENT_FAILED"))
    assert (failed.agent_sid, failed.agent_identity, failed.agent_left_at) == ("PA_again", "agent-AJ_1", None)


@pytest.mark.parametrize(("known", "told"), [(None, "agent-AJ_2"), ("agent-AJ_1", "")])
def test_who_comes_where_one_identity_is_unknown_is_the_one_that_was_asked_for(known: str | None, told: str) -> None:
    call = asked(a_call(State.ACTIVE, agent_identity=known), **TO_AGENT)
    assert last(moved(call, AgentJoined(at(11), 1, "PA_second", told))).state is _S.JOINED


def test_who_speaks_for_another_agent_than_the_present_one_gets_no_brain() -> None:
    call = asked(**TO_AGENT)
    assert has_no_part_in(call, 1) and not has_no_part_in(call, 2)
    back = moved(call, TransferFailed(at(20), 1, "transfer_1", "AGENT_DID_NOT_JOIN"))
    assert has_no_part_in(back, 2) and not has_no_part_in(back, 1)


def test_the_agent_that_talks_is_not_taken_for_the_one_that_was_lost_on_its_way() -> None:
    before = told_by_the_agent(a_call(State.ACTIVE, brain="runner", runner_id="r1"), worker_id="w1", dispatch=1)
    call = asked(before, **TO_AGENT)
    assert unmoved(call, SpeechLost(at(11), 1, 2)).why == "target_has_not_come"


def spoken_for_and_asked_by(**fields: Any) -> Call:
    """A call in which the speech worker w1 speaks, and another agent is on its way."""
    before = told_by_the_agent(
        a_call(State.ACTIVE, brain="runner"), ready_at=at(3), can_report=("user_spoke",), worker_id="w1", dispatch=1
    )
    return moved(asked(before, **TO_AGENT | fields), TransferBegun(at(10), 1, "transfer_1"))


@pytest.mark.parametrize("is_ready", [True, False], ids=["was ready", "was not ready"])
def test_an_agent_whose_worker_is_lost_on_its_way_is_brought_by_another(is_ready: bool) -> None:
    call = spoken_for_and_asked_by()
    on_its_way = moved(call, AgentReady(at(11), 1, ("silence",), "w2", 2, 2)) if is_ready else call
    again = moved(on_its_way, SpeechLost(at(12), 1, 2))
    assert (again.agent_id, again.dispatches, last(again).dispatch, last(again).state) == (
        "AGENT_2",
        3,
        3,
        _S.REQUESTED,
    )
    assert (again.reports.ready_at, again.reports.can_report) == (at(3), ("user_spoke",)), "who asked talks on"
    assert (again.agent_left_at, has_no_part_in(again, 2), has_no_part_in(again, 3)) == (None, True, False)
    assert unmoved(again, SpeechLost(at(13), 1, 2)).why == "another_was_dispatched", "told again"
    taken = moved(again, AgentJoined(at(14), 1, "PA_second", "agent-AJ_3"))
    assert (taken.agent_sid, last(taken).state) == ("PA_second", _S.JOINED)


def test_the_worker_that_is_lost_while_another_agent_is_awaited_has_a_successor_if_that_does_not_come() -> None:
    call = spoken_for_and_asked_by()
    lost = moved(call, SpeechLost(at(12), 1, 1))
    assert (lost.agent_left_at, lost.dispatches, last(lost).dispatch) == (at(12), 2, 2)
    assert unmoved(lost, SpeechLost(at(13), 1, 1)).why == "another_was_dispatched", "told again"
    late = at(12 + AGENT_SUCCESSOR_S)
    assert without_agent(lost, Others.NONE, late) is None and not dispatch_is_due(lost, late)
    failed = apply(lost, TransferFailed(at(20), 1, "transfer_1", "AGENT_DID_NOT_JOIN"))
    assert isinstance(failed, Moved) and failed.effects == {Effect.LOOK_AGAIN}
    alone = failed.call
    assert (alone.brain, awaits_successor(alone), dispatch_is_due(alone, at(20))) == ("runner", True, True)
    assert without_agent(alone, Others.NONE, at(20 + AGENT_SUCCESSOR_S) - 1) is None
    assert without_agent(alone, Others.NONE, at(20 + AGENT_SUCCESSOR_S)) is EndReason.AGENT_FAILED
    sent = moved(alone, DispatchedAgain(at(21), 1))
    back = moved(sent, AgentJoined(at(22), 1, "PA_next", "agent-AJ_9"))
    assert (back.agent_sid, back.agent_left_at, has_no_part_in(back, sent.dispatches)) == ("PA_next", None, False)


def test_a_call_that_a_number_has_gets_no_worker_for_the_agent_that_was_put_out() -> None:
    before = told_by_the_agent(a_call(State.ACTIVE, brain="runner"), worker_id="w1", dispatch=1)
    call = asked_back_from_a_number(before)
    assert unmoved(call, SpeechLost(at(31), 1, 1)).why == "was_handed_over"
    assert moved(call, SpeechLost(at(31), 1, 2)).dispatches == 3, "who was asked for is to come"


def asked_back_from_a_number(before: Call | None = None) -> Call:
    """A call that a number has, from which it is asked back for another agent."""
    handed_over = after(
        asked(before), JOINED, TransferCompleted(at(20), 1, "transfer_1"), AgentLeft(at(21), 1, "PA_agent", None)
    )
    again = a_transfer(at(30), **TO_AGENT | {"transfer_id": "transfer_2"})
    return after(handed_over, TransferAsked(at(30), 1, again), TransferBegun(at(30), 1, "transfer_2"))


def test_a_call_that_an_agent_has_again_is_no_longer_transferred_to_the_number() -> None:
    call = asked_back_from_a_number()
    assert call.reports.transferred_at == at(12)
    taken = moved(call, AgentJoined(at(31), 1, "PA_second"))
    told = taken.reports
    assert (told.transferred_at, told.transferred_to, told.transfer_only_started) == (None, None, False)
    done = told_by_the_agent(moved(taken, TransferCompleted(at(32), 1, "transfer_2")), user_spoke_at=at(33))
    assert leaves(done, seconds=40).call.end_reason is EndReason.USER_HUNG_UP_IN_CALL
    lost = moved(told_by_the_agent(done, worker_id="w2", dispatch=2), SpeechLost(at(40), 1, 2))
    assert lost.dispatches == 3, "its speech worker has a successor"


def test_a_call_is_the_numbers_again_where_the_agent_is_gone_before_it_has_taken_over() -> None:
    taken = moved(asked_back_from_a_number(), AgentJoined(at(31), 1, "PA_second"))
    back = moved(taken, TransferFailed(at(32), 1, "transfer_2", "AGENT_FAILED"))
    told = back.reports
    assert (told.transferred_at, told.transferred_to, told.transfer_only_started) == (at(12), "+15550100888", False)
    assert leaves(back, seconds=40).call.end_reason is EndReason.CALL_TRANSFERRED


def test_a_worker_that_is_lost_while_one_agent_after_another_is_awaited_has_a_successor_in_the_end() -> None:
    call = spoken_for_and_asked_by(fallback=(Target(TargetKind.AGENT, "AGENT_3", "runner"),))
    lost = moved(call, SpeechLost(at(12), 1, 1))
    next_one = moved(lost, TransferFailed(at(20), 1, "transfer_1", "AGENT_DID_NOT_JOIN"))
    assert (next_one.agent_id, awaits_successor(next_one)) == ("AGENT_3", False)
    alone = moved(next_one, TransferFailed(at(30), 1, "transfer_1.2", "AGENT_DID_NOT_JOIN"))
    assert (alone.agent_id, awaits_successor(alone)) == (a_call(State.ACTIVE).agent_id, True)


def test_another_attempt_is_the_first_agents_again() -> None:
    retry = RetryPolicy(2, ("CONNECTION_LOST",), (60,))
    before = a_call(State.ACTIVE, brain="livekit", retry=retry)
    taken = moved(asked(before, **TO_AGENT), AgentJoined(at(11), 1, "PA_second"))
    again = leaves(moved(taken, EndAsked(at(15), EndReason.CONNECTION_LOST, 1))).call
    assert (again.state, again.agent_id, again.brain) == (State.QUEUED, before.agent_id, "livekit")
    assert not has_no_part_in(replace(again, attempt=2), 1), "transfers of the first dial are over with it"


# --- what is kept, and who is allowed --------------------------------------------------------------------------------


@pytest.mark.parametrize("fields", [{}, COLD, TO_AGENT, {"fallback": (Target(TargetKind.AGENT, "A", "prompt"),)}])
def test_a_transfer_is_read_back_as_it_was_kept(fields: dict[str, Any]) -> None:
    transfer = last(asked(**fields))
    assert transfer_from_record(transfer_to_record(transfer)) == transfer


@pytest.mark.parametrize(
    ("numbers", "prefixes", "may"),
    [
        (None, None, True),
        (("+15550111",), None, True),
        ((), ("+1555",), True),
        ((), (), False),
        ((), None, False),
        (None, (), False),
        (("+15550112",), ("+44",), False),
    ],
)
def test_the_lists_of_a_pipe_say_whom_a_call_may_go_to(
    numbers: tuple[str, ...] | None, prefixes: tuple[str, ...] | None, may: bool
) -> None:
    assert is_allowed("+15550111", numbers, prefixes) is may


def test_a_caller_is_handed_over_like_a_callee() -> None:
    call = asked(a_call(State.ACTIVE, direction=Direction.INBOUND, inbound_room="r", caller_identity="c"), **COLD)
    left = LegLeft(at(20), 1, "PA_leg", "CLIENT_INITIATED", "hangup", "c")
    gone = after(call, TransferBegun(at(11), 1, "transfer_1"), left, COMPLETED)
    assert gone.end_reason is EndReason.CALL_TRANSFERRED
