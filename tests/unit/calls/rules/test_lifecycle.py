"""What each event does to a call, and what it must not do."""

from copy import replace
from typing import get_args

import pytest

from ringline.calls.model.call import (
    AgentReports,
    AnswerFrom,
    Call,
    CarrierWords,
    Direction,
    Evidence,
    Recording,
    State,
)
from ringline.calls.model.events import (
    AgentAwaited,
    AgentCame,
    AgentHangsUp,
    AgentJoined,
    AgentLeft,
    AgentReady,
    AgentSeen,
    AgentWantedBack,
    Answered,
    CapSet,
    CarrierEnded,
    CarrierFailed,
    CarrierForwarded,
    CarrierRang,
    Claimed,
    ContentErased,
    DialDeferred,
    DialNotSent,
    DialRefused,
    DialWithoutAgent,
    DialWithoutLivekit,
    DispatchedAgain,
    DtmfAsked,
    DtmfSent,
    EndAsked,
    Event,
    FellBack,
    FoundOver,
    GivenUp,
    LegJoined,
    LegLeft,
    ListenerJoined,
    ListenerLeft,
    OtherLeft,
    OthersTalk,
    RecordingPaused,
    RecordingResumed,
    RecordingSeen,
    RoomFinished,
    RunnerGiven,
    SeenWaiting,
    SilenceHeard,
    SpeechLost,
    TranscriptKept,
    Transferred,
    UserSpoke,
    VoicemailHeard,
)
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.results import END_ROOM, Effect, Moved, Unmoved
from ringline.calls.model.timing import (
    AGENT_SUCCESSOR_S,
    DEFERRED_FOR_S,
    FIRST_LOOK_S,
    MEDIA_SILENCE_S,
    UNSENT_DIALS,
)
from ringline.calls.model.transfers.transfer_events import (
    TransferAsked,
    TransferBegun,
    TransferCompleted,
    TransferFailed,
    TransferJoined,
    TransferRang,
)
from ringline.calls.rules.deadlines import Owed, is_told_to_be_over, look_again_in_s, owed
from ringline.calls.rules.lifecycle import TRANSITIONS, apply
from tests.builders import a_call, a_transfer, after, an_answered_call, at, moved, told_by_the_carrier, unmoved

AGENT = AgentSeen("PA_agent", at(2))
TERMINAL = [State.ENDED, State.NOT_CONNECTED, State.CANCELED]
ALSO_AFTER_THE_END = {TranscriptKept, RecordingSeen, ListenerLeft, ContentErased}


def every_event(at_ms: int) -> list[Event]:
    return [
        Claimed(at_ms),
        RunnerGiven(at_ms, 1, "bot#2"),
        SpeechLost(at_ms, 1, 1),
        AgentWantedBack(at_ms, 1),
        FellBack(at_ms, 1),
        LegJoined(at_ms, 1, "PA_leg"),
        Answered(at_ms, 1, "PA_leg", "SCL_1", AGENT),
        AgentJoined(at_ms, 1, "PA_agent"),
        AgentLeft(at_ms, 1, "PA_agent", "CLIENT_INITIATED"),
        DispatchedAgain(at_ms, 1),
        OthersTalk(at_ms, 1),
        OtherLeft(at_ms, 1),
        LegLeft(at_ms, 1, "PA_leg", "CLIENT_INITIATED", "hangup"),
        RoomFinished(at_ms, 1),
        DialRefused(at_ms, 1, 486, "Busy Here", "resource_exhausted", "busy"),
        DialNotSent(at_ms, 1, "update room failed", "internal", 1),
        DialWithoutLivekit(at_ms, 1, "no response from servers", "unavailable", at_ms + 2000),
        EndAsked(at_ms, EndReason.API_HUNG_UP),
        GivenUp(at_ms, 1),
        FoundOver(at_ms, 1),
        DialDeferred(at_ms, 1, 503, "CPS limit exceeded", "failed_precondition", "limit", 2),
        AgentAwaited(at_ms, 1),
        AgentCame(at_ms, 1),
        DialWithoutAgent(at_ms, 1, at_ms, at_ms + 2000),
        SeenWaiting(at_ms),
        CarrierRang(at_ms, 1),
        CarrierForwarded(at_ms, 1, "+15550100999", True),
        CarrierFailed(at_ms, 1, 486, "Busy Here", "user busy"),
        CarrierEnded(at_ms, 1, "normal clearing"),
        AgentReady(at_ms, 1, ("user_spoke",)),
        UserSpoke(at_ms, 1),
        SilenceHeard(at_ms, 1, 4.5),
        VoicemailHeard(at_ms, 1, "beep"),
        AgentHangsUp(at_ms, 1, EndReason.AGENT_HUNG_UP, "done"),
        Transferred(at_ms, 1, "+15550100888", False),
        TranscriptKept(at_ms, 1, 12, "table"),
        ContentErased(at_ms),
        RecordingSeen(at_ms, 1, "EG_1", "started"),
        RecordingPaused(at_ms, 1, "a card's number"),
        RecordingResumed(at_ms, 1),
        ListenerJoined(at_ms, 1, "listener_1", "listen"),
        ListenerLeft(at_ms, 1, "listener_1"),
        DtmfAsked(at_ms, 1, "dtmf_1"),
        DtmfSent(at_ms, 1, "dtmf_1"),
        CapSet(at_ms, 1, "pipe#pipe_1"),
        TransferAsked(at_ms, 1, a_transfer(at_ms)),
        TransferBegun(at_ms, 1, "transfer_1"),
        TransferRang(at_ms, 1, "transfer_1"),
        TransferJoined(at_ms, 1, "transfer_1", "PA_target"),
        TransferCompleted(at_ms, 1, "transfer_1"),
        TransferFailed(at_ms, 1, "transfer_1", "USER_BUSY", 486),
    ]


def test_the_events_tried_here_are_all_there_are() -> None:
    assert {type(event) for event in every_event(at(0))} == set(get_args(Event.__value__))


def test_a_claim_takes_the_call_out_of_the_queue_with_a_new_attempt_and_a_deadline() -> None:
    call = moved(a_call(State.QUEUED, attempt=2, evidence=Evidence(sip_code=503)), Claimed(at(9)))
    assert (call.state, call.attempt, call.dialed_at) == (State.DIALING, 3, at(9))
    assert call.due_at == at(9 + FIRST_LOOK_S)
    assert call.evidence == Evidence(), "an earlier attempt's evidence says nothing of this one"
    assert call.holds_slot


def test_a_claim_says_who_tells_of_the_answer_and_forgets_what_was_told_of_the_attempt_before() -> None:
    queued = a_call(
        State.QUEUED,
        attempt=1,
        carrier=CarrierWords(rang_at=at(2), failed_at=at(3)),
        reports=AgentReports(ready_at=at(2), can_report=("user_spoke",)),
        recorded=Recording("EG_1", "ended", "key"),
        transcript_turns=3,
        transcript_kept="table",
    )
    call = moved(queued, Claimed(at(9), AnswerFrom.CARRIER))
    assert call.answer_from is AnswerFrom.CARRIER
    assert (call.carrier, call.reports, call.recorded) == (CarrierWords(), AgentReports(), None)
    assert (call.transcript_turns, call.transcript_kept) == (0, None)
    assert moved(queued, Claimed(at(9))).answer_from is None


def test_an_answer_with_the_agent_there_makes_the_call_active() -> None:
    call = moved(a_call(State.DIALING), Answered(at(6), 1, "PA_leg", "SCL_1", AGENT))
    assert (call.state, call.active_at, call.answered_at) == (State.ACTIVE, at(6), at(6))
    assert (call.leg_sid, call.agent_sid, call.agent_joined_at) == ("PA_leg", "PA_agent", at(2))


def test_an_answer_without_the_agent_waits_for_it() -> None:
    call = moved(a_call(State.DIALING), Answered(at(6), 1, "PA_leg", "SCL_1", None))
    assert (call.state, call.answered_at, call.active_at) == (State.DIALING, at(6), None)
    active = moved(call, AgentJoined(at(7), 1, "PA_agent"))
    assert (active.state, active.active_at, active.agent_joined_at) == (State.ACTIVE, at(7), at(7))


def test_an_agent_that_joins_before_the_answer_is_not_written_down() -> None:
    assert unmoved(a_call(State.DIALING), AgentJoined(at(2), 1, "PA_agent")).why == "not_answered_yet"


def test_a_leg_that_joins_is_dialling_not_answered() -> None:
    assert unmoved(a_call(State.DIALING), LegJoined(at(1.1), 1, "PA_leg")).why == "leg_is_dialing"


def test_a_caller_who_hangs_up_ends_the_call() -> None:
    call = moved(a_call(State.ACTIVE), LegLeft(at(60), 1, "PA_leg", "CLIENT_INITIATED", "hangup"))
    assert (call.state, call.end_reason, call.ended_at) == (State.ENDED, EndReason.USER_HUNG_UP_IN_CALL, at(60))
    assert call.end_is_untold, "whoever announces it takes the mark away"
    assert not call.holds_slot


def test_an_unanswered_leg_that_leaves_is_evidence_and_the_dialers_answer_is_the_end() -> None:
    seen = moved(a_call(State.DIALING), LegLeft(at(3), 1, "PA_leg", "USER_REJECTED", "ringing"))
    assert seen.state is State.DIALING
    call = moved(seen, DialRefused(at(3.01), 1, 486, "Busy Here", "resource_exhausted", "busy"))
    assert (call.state, call.end_reason) == (State.NOT_CONNECTED, EndReason.USER_HUNG_UP_RINGING)
    assert (call.evidence.sip_code, call.evidence.disconnect_reason) == (486, "USER_REJECTED")


def test_the_dialers_answer_before_the_legs_leaving_ends_the_call_the_same_way() -> None:
    call = moved(a_call(State.DIALING), DialRefused(at(3), 1, 404, "Not Found", "not_found", "wrong"))
    assert call.end_reason is EndReason.SIP_FAILED_WRONG_NUMBER
    assert unmoved(call, LegLeft(at(3.01), 1, "PA_leg", "USER_UNAVAILABLE", "dialing")).why == "call_is_over"


def test_a_call_answered_and_hung_up_before_the_dialer_could_say_so_is_told_as_answered() -> None:
    seen = moved(a_call(State.DIALING), LegLeft(at(7), 1, "PA_leg", "CLIENT_INITIATED", "hangup"))
    call = moved(seen, Answered(at(7.1), 1, "PA_leg", "SCL_1", AGENT))
    assert (call.state, call.end_reason) == (State.ENDED, EndReason.USER_HUNG_UP_IN_CALL)
    assert (call.answered_at, call.ended_at) == (at(7), at(7)), "when it was answered nobody knows"


def test_a_dial_that_never_rang_goes_back_to_the_queue_as_often_as_allowed_and_then_fails() -> None:
    failure = DialNotSent(at(1.2), 1, "no response from servers", "unavailable", 2)
    again = moved(a_call(State.DIALING), failure)
    assert (again.state, again.eligible_at, again.dialed_at) == (State.QUEUED, at(3.2), None)
    assert not again.holds_slot
    assert again.notes[-1].what == "dial_1_not_sent: no response from servers"

    last = a_call(State.DIALING, unsent=UNSENT_DIALS - 1)
    given_up = moved(last, DialNotSent(at(1.2), 1, "no response from servers", "unavailable", 2))
    assert (given_up.state, given_up.end_reason) == (State.NOT_CONNECTED, EndReason.SIP_FAILED_TRUNK)


def test_a_wrong_configuration_is_not_tried_again() -> None:
    call = moved(a_call(State.DIALING), DialNotSent(at(1.2), 1, "object cannot be found", "not_found", None))
    assert (call.state, call.end_reason) == (State.NOT_CONNECTED, EndReason.SIP_FAILED_TRUNK)


def test_a_queued_call_is_canceled_at_once() -> None:
    call = moved(a_call(State.QUEUED), EndAsked(at(1), EndReason.API_HUNG_UP))
    assert (call.state, call.end_reason) == (State.CANCELED, EndReason.CALL_CANCELED)


def test_a_cancel_while_dialling_is_recorded_and_decides_the_reason_whatever_livekit_says() -> None:
    asked = moved(a_call(State.DIALING), EndAsked(at(2), EndReason.API_HUNG_UP))
    assert (asked.state, asked.end_asked_reason) == (State.DIALING, EndReason.CALL_CANCELED)
    refused = DialRefused(at(2.1), 1, None, None, "canceled", "sip request timed out")
    call = moved(asked, refused)
    assert (call.state, call.end_reason) == (State.CANCELED, EndReason.CALL_CANCELED)


def test_a_hang_up_in_the_conversation_is_told_as_such() -> None:
    asked = moved(a_call(State.ACTIVE), EndAsked(at(9), EndReason.API_HUNG_UP))
    call = moved(asked, LegLeft(at(9.1), 1, "PA_leg", "ROOM_DELETED", "active"))
    assert (call.state, call.end_reason) == (State.ENDED, EndReason.API_HUNG_UP)
    assert unmoved(asked, EndAsked(at(9.5), EndReason.API_HUNG_UP)).why == "end_was_asked"


def test_a_leg_that_joins_for_a_canceled_or_ended_call_has_its_room_closed() -> None:
    asked = moved(a_call(State.DIALING), EndAsked(at(2), EndReason.API_HUNG_UP))
    assert unmoved(asked, LegJoined(at(2.1), 1, "PA_leg")).effects == {Effect.END_ROOM}
    assert unmoved(a_call(State.CANCELED), LegJoined(at(2.1), 1, "PA_leg")).effects == {Effect.END_ROOM}
    assert unmoved(a_call(State.ACTIVE, attempt=2), LegJoined(at(9), 1, "PA_old")).effects == {Effect.END_ROOM}


@pytest.mark.parametrize("state", [State.DIALING, State.RINGING, State.ACTIVE])
def test_a_leg_that_the_agent_calls_into_the_room_comes_and_goes_without_the_call(state: State) -> None:
    call = a_call(state, leg_sid="PA_leg")
    assert unmoved(call, LegJoined(at(20), 1, "PA_colleague", "colleague")).why == "leg_of_another"
    busy = LegLeft(at(21), 1, "PA_colleague", "USER_REJECTED", "ringing", "colleague")
    assert unmoved(call, busy).why == "leg_of_another"
    own = LegLeft(at(30), 1, "PA_leg", "CLIENT_INITIATED", "hangup", call.leg_identity)
    assert moved(call, own).evidence.leg_left_at == at(30)


@pytest.mark.parametrize("agent_left_at", [None, at(15)])
def test_who_comes_back_to_nobody_is_looked_at_soon(agent_left_at: int | None) -> None:
    # The look at their going has time for them to come back, and theirs would be the silence.
    call = a_call(State.ACTIVE, agent_left_at=agent_left_at)
    gone = moved(call, LegLeft(at(16), 1, "PA_leg", "CONNECTION_TIMEOUT", "active"))
    back = apply(gone, LegJoined(at(20), 1, "PA_new"))
    assert isinstance(back, Moved)
    assert (Effect.LOOK_AGAIN in back.effects) == (agent_left_at is not None)
    assert agent_left_at is None or look_again_in_s(back.call) == AGENT_SUCCESSOR_S + 1


def test_a_rejoined_leg_is_followed_by_its_new_sid() -> None:
    rejoined = moved(a_call(State.ACTIVE), LegJoined(at(20), 1, "PA_new"))
    assert (rejoined.state, rejoined.leg_sid) == (State.ACTIVE, "PA_new")
    assert unmoved(rejoined, LegLeft(at(21), 1, "PA_leg", "CONNECTION_TIMEOUT", "active")).why == "stale_leg"
    end = moved(rejoined, LegLeft(at(30), 1, "PA_new", "ROOM_DELETED", "dialing"))
    assert end.end_reason is EndReason.AGENT_HUNG_UP, "we recorded the answer: the status after a restart lies"


def test_a_room_that_finished_is_not_the_one_in_which_the_leg_is_seen_later() -> None:
    rejoined = moved(a_call(State.ACTIVE), LegJoined(at(20), 1, "PA_new"))
    late = moved(rejoined, RoomFinished(at(21), 1))
    assert unmoved(late, LegJoined(at(20.5), 1, "PA_new")).why == "leg_is_known"
    alive = moved(late, LegJoined(at(32), 1, "PA_new"))
    assert (alive.evidence.room_finished_at, alive.leg_sid) == (None, "PA_new")


def test_an_end_that_only_the_carrier_saw_is_doubted_once_the_leg_outlives_it() -> None:
    told = moved(a_call(State.ACTIVE, leg_sid="PA_leg"), CarrierEnded(at(60), 1, "busy"))
    assert unmoved(told, LegJoined(at(60 + MEDIA_SILENCE_S) - 1, 1, "PA_leg")).why == "leg_is_known"
    doubted = moved(told, LegJoined(at(60 + MEDIA_SILENCE_S), 1, "PA_leg"))
    assert (doubted.carrier.ended_at, doubted.carrier.end_is_doubted) == (at(60), True)
    assert not is_told_to_be_over(doubted)
    assert unmoved(doubted, CarrierEnded(at(60), 1, "busy")).why == "ended_before"
    assert is_told_to_be_over(moved(doubted, CarrierEnded(at(110), 1, "normal clearing")))
    for call, reason in ((told, EndReason.USER_HUNG_UP_IN_CALL), (doubted, EndReason.IDLE_TIMEOUT)):
        lost = moved(call, LegLeft(at(100), 1, "PA_leg", "CLIENT_INITIATED", "active"))
        assert lost.end_reason is reason, "LiveKit heard nothing any more"


def test_an_agent_that_reported_was_there_though_its_joining_was_not_seen() -> None:
    call = a_call(
        State.RINGING,
        answered_at=at(6),
        answer_from=AnswerFrom.CARRIER,
        reports=AgentReports(ready_at=at(2), user_spoke_at=at(7)),
    )
    for event in (LegLeft(at(9), 1, "PA_leg", "CLIENT_INITIATED", "hangup"), FoundOver(at(9), 1)):
        ended = moved(call, event)
        assert (ended.state, ended.active_at, ended.agent_joined_at) == (State.ENDED, at(6), at(2))
        assert ended.end_reason is not EndReason.AGENT_DID_NOT_JOIN


def test_a_cancel_that_crosses_the_answer_makes_no_conversation() -> None:
    asked = moved(a_call(State.RINGING), EndAsked(at(5), EndReason.API_HUNG_UP))
    answered = moved(asked, Answered(at(5.1), 1, "PA_leg", "SCL_1", AGENT))
    assert (answered.state, answered.active_at) == (State.RINGING, None)
    assert unmoved(answered, Answered(at(5.1), 1, "PA_leg", "SCL_1", AGENT)).effects == END_ROOM
    assert unmoved(answered, AgentJoined(at(5.2), 1, "PA_agent")) == Unmoved("end_was_asked", END_ROOM)
    call = moved(answered, FoundOver(at(6), 1))
    assert (call.state, call.end_reason) == (State.CANCELED, EndReason.CALL_CANCELED)


def test_a_doubted_end_dates_nothing_and_decides_nothing() -> None:
    hears = AgentReports(ready_at=at(1), can_report=("user_spoke",))
    call = a_call(
        State.ACTIVE, leg_sid="PA_leg", carrier=CarrierWords(ended_at=at(6.5), end_is_doubted=True), reports=hears
    )
    asked = moved(call, AgentHangsUp(at(1800), 1, EndReason.AGENT_HUNG_UP, None))
    assert moved(asked, FoundOver(at(1801), 1)).ended_at == at(1801)
    lost = moved(moved(call, RoomFinished(at(1800), 1)), FoundOver(at(1811), 1))
    assert (lost.end_reason, lost.ended_at) == (EndReason.IDLE_TIMEOUT, at(1800))


def test_who_wants_a_call_ended_after_the_carrier_said_so_dates_its_end() -> None:
    told = moved(a_call(State.ACTIVE), CarrierEnded(at(8), 1, "busy"))
    asked = moved(told, AgentHangsUp(at(20), 1, EndReason.AGENT_HUNG_UP, None))
    over = moved(asked, FoundOver(at(20.2), 1))
    assert (over.end_reason, over.ended_at) == (EndReason.AGENT_HUNG_UP, at(20.2))
    left = moved(asked, LegLeft(at(20.1), 1, "PA_leg", "ROOM_DELETED", "active"))
    assert (left.end_reason, left.ended_at) == (EndReason.AGENT_HUNG_UP, at(20.1))


@pytest.mark.parametrize("ready_at", [None, at(7.5)])
def test_an_answer_without_an_agent_is_one_without_an_agent_also_when_it_is_told_late(ready_at: int | None) -> None:
    rings = a_call(State.RINGING, agent_first=False)
    gone = moved(rings, LegLeft(at(7), 1, "PA_leg", "CLIENT_INITIATED", "hangup"))
    told = gone if ready_at is None else moved(gone, AgentReady(ready_at, 1, ("user_spoke",)))
    call = moved(told, Answered(at(7.6), 1, "PA_leg", "SCL_1", None))
    assert (call.state, call.end_reason) == (State.NOT_CONNECTED, EndReason.AGENT_DID_NOT_JOIN)


def test_an_agent_that_is_known_by_its_report_alone_can_leave() -> None:
    talks = a_call(State.RINGING, answered_at=at(6), leg_sid="PA_leg", reports=AgentReports(ready_at=at(2)))
    lost = moved(talks, LegLeft(at(9), 1, "PA_leg", "CONNECTION_TIMEOUT", "active"))
    back = moved(lost, LegJoined(at(10), 1, "PA_new"))
    assert (back.state, back.agent_sid) == (State.ACTIVE, None)
    assert moved(back, AgentLeft(at(20), 1, "PA_agent", None)).agent_left_at == at(20)


def test_who_gives_a_call_up_knows_the_agent_that_reported() -> None:
    talks = a_call(
        State.RINGING, answered_at=at(6), leg_sid="PA_leg", reports=AgentReports(ready_at=at(2), user_spoke_at=at(7))
    )
    told = moved(talks, CarrierEnded(at(60), 1, "normal clearing"))
    ended = moved(moved(told, GivenUp(at(71), 1)), FoundOver(at(71), 1))
    assert (ended.state, ended.end_reason, ended.ended_at) == (State.ENDED, EndReason.USER_HUNG_UP_IN_CALL, at(60))


def test_a_cancel_of_a_call_whose_leg_is_gone_is_one_also_where_its_answer_is_told_last() -> None:
    gone = moved(a_call(State.RINGING), LegLeft(at(5), 1, "PA_leg", "CLIENT_INITIATED", "hangup"))
    asked = moved(gone, EndAsked(at(5.1), EndReason.API_HUNG_UP))
    call = moved(asked, Answered(at(4), 1, "PA_leg", "SCL_1", AGENT))
    assert (call.state, call.end_reason) == (State.CANCELED, EndReason.CALL_CANCELED)
    told = moved(asked, AgentReady(at(5.2), 1, ("user_spoke",)))
    call = moved(told, Answered(at(4), 1, "PA_leg", "SCL_1", None))
    assert (call.state, call.end_reason) == (State.CANCELED, EndReason.CALL_CANCELED)


@pytest.mark.parametrize(
    ("left_at_s", "reason"), [(329.5, EndReason.MAX_DURATION_REACHED), (328, EndReason.USER_HUNG_UP_IN_CALL)]
)
def test_a_limit_that_livekit_kept_is_one_though_the_answer_was_seen_late(left_at_s: float, reason: EndReason) -> None:
    call = a_call(
        State.ACTIVE, dialed_at=at(0), answered_at=at(80), active_at=at(80), max_call_duration_s=300, ring_timeout_s=30
    )
    left = moved(call, LegLeft(at(left_at_s), 1, "PA_leg", "CLIENT_INITIATED", "hangup"))
    assert left.end_reason is reason


def test_a_leg_whose_forerunner_was_told_of_late_is_the_calls_own_where_it_is_seen() -> None:
    """The first leg's joining was told after another one had been seen, and so was its leaving."""
    seen = a_call(State.ACTIVE, leg_sid="PA_other")
    lost = after(seen, LegJoined(at(2), 1, "PA_leg"), LegLeft(at(20), 1, "PA_leg", "SIGNAL_CLOSE", "active"))
    assert (lost.leg_sid, lost.evidence.leg_left_at) == ("PA_leg", at(20))
    assert unmoved(lost, LegJoined(at(3), 1, "PA_other")).why == "leg_is_known", "that may have been before"
    back = moved(lost, LegJoined(at(30), 1, "PA_other", is_seen=True))
    assert (back.leg_sid, back.evidence.leg_left_at, back.former_leg_sids) == ("PA_other", None, ("PA_leg",))
    over = moved(back, LegLeft(at(60), 1, "PA_other", "CLIENT_INITIATED", "hangup"))
    assert (over.state, over.end_reason) == (State.ENDED, EndReason.USER_HUNG_UP_IN_CALL)


def test_a_leg_that_was_replaced_does_not_become_the_leg_again() -> None:
    rejoined = moved(a_call(State.ACTIVE), LegJoined(at(20), 1, "PA_new"))
    assert unmoved(rejoined, LegJoined(at(21), 1, "PA_leg")).why == "leg_is_known"
    assert moved(rejoined, LegLeft(at(30), 1, "PA_new", "CLIENT_INITIATED", "hangup")).state is State.ENDED


@pytest.mark.parametrize("reason", ["SIGNAL_CLOSE", "CONNECTION_TIMEOUT", "STATE_MISMATCH", "MIGRATION"])
def test_a_leg_that_lost_its_connection_may_come_back(reason: str) -> None:
    lost = moved(a_call(State.ACTIVE), LegLeft(at(20), 1, "PA_leg", reason, "active"))
    assert (lost.state, lost.evidence.leg_left_at) == (State.ACTIVE, at(20))
    back = moved(lost, LegJoined(at(22), 1, "PA_new"))
    assert (back.leg_sid, back.evidence) == ("PA_new", Evidence())
    gone = moved(lost, FoundOver(at(31), 1))
    assert (gone.state, gone.end_reason, gone.ended_at) == (State.ENDED, EndReason.CONNECTION_LOST, at(20))


def test_a_room_that_finished_and_came_back_takes_nothing_along() -> None:
    finished = moved(a_call(State.ACTIVE), RoomFinished(at(20), 1))
    back = moved(finished, LegJoined(at(21), 1, "PA_new"))
    assert back.evidence.room_finished_at is None


def test_a_ringing_leg_that_reconnects_is_not_taken_for_its_end() -> None:
    lost = moved(a_call(State.DIALING), LegLeft(at(3), 1, "PA_old", "SIGNAL_CLOSE", "ringing"))
    back = moved(lost, LegJoined(at(4), 1, "PA_new"))
    assert moved(back, Answered(at(6), 1, "PA_new", "SCL_1", AGENT)).state is State.ACTIVE
    unseen = moved(lost, Answered(at(6), 1, "PA_new", "SCL_1", AGENT))
    assert unseen.state is State.ACTIVE, "its coming back was not told, but it was answered"


def test_an_agent_that_came_after_all_is_not_given_up() -> None:
    late = EndAsked(at(16), EndReason.AGENT_DID_NOT_JOIN)
    assert unmoved(a_call(State.ACTIVE), late).why == "agent_joined"
    assert unmoved(a_call(State.ACTIVE), EndAsked(at(16), EndReason.AGENT_FAILED)).why == "agent_took_over"


def test_a_call_that_left_the_queue_does_not_expire_in_it() -> None:
    for state in (State.DIALING, State.ACTIVE):
        assert unmoved(a_call(state), EndAsked(at(9), EndReason.EXPIRED_IN_QUEUE)).why == "left_the_queue"


def test_a_dial_that_goes_again_has_a_moment_at_which_the_sweep_rings_for_it() -> None:
    again = moved(a_call(State.DIALING), DialNotSent(at(2), 1, "no response from servers", "unavailable", 5))
    assert again.due_at == again.eligible_at == at(7)


def test_a_leg_replaced_by_its_own_identity_is_not_an_end() -> None:
    for call in (a_call(State.DIALING), a_call(State.ACTIVE)):
        assert unmoved(call, LegLeft(at(8), 1, "PA_leg", "DUPLICATE_IDENTITY", "ringing")).why == "leg_was_replaced"


def test_an_agent_that_leaves_may_be_succeeded() -> None:
    alone = moved(a_call(State.ACTIVE), AgentLeft(at(20), 1, "PA_agent", "CLIENT_INITIATED"))
    assert (alone.state, alone.agent_left_at) == (State.ACTIVE, at(20))
    succeeded = moved(alone, AgentJoined(at(22), 1, "PA_next"))
    assert (succeeded.agent_sid, succeeded.agent_left_at) == ("PA_next", None)
    assert unmoved(succeeded, AgentLeft(at(23), 1, "PA_agent", "CLIENT_INITIATED")).why == "stale_agent"


def test_a_room_that_finished_before_its_leg_left_waits_for_the_legs_word() -> None:
    finished = moved(a_call(State.ACTIVE), RoomFinished(at(60), 1))
    assert finished.state is State.ACTIVE
    call = moved(finished, LegLeft(at(60), 1, "PA_leg", "CLIENT_INITIATED", "hangup"))
    assert call.end_reason is EndReason.USER_HUNG_UP_IN_CALL


def test_a_call_found_over_without_a_word_is_reaped() -> None:
    call = moved(a_call(State.ACTIVE), FoundOver(at(90), 1))
    assert (call.state, call.end_reason) == (State.ENDED, EndReason.IDLE_TIMEOUT)


def test_a_call_whose_dialer_died_after_the_answer_is_known_to_have_been_answered_by_its_legs_last_status() -> None:
    seen = moved(a_call(State.DIALING), LegLeft(at(40), 1, "PA_leg", "CLIENT_INITIATED", "hangup"))
    call = moved(seen, FoundOver(at(55), 1))
    assert (call.answered_at, call.ended_at) == (at(40), at(40))
    assert call.end_reason is EndReason.USER_HUNG_UP_IN_CALL


def test_an_inbound_call_that_leaves_unanswered_needs_no_dialer() -> None:
    call = a_call(State.RINGING, direction=Direction.INBOUND)
    assert moved(call, LegLeft(at(3), 1, "PA_leg", "CLIENT_INITIATED", "hangup")).state is State.NOT_CONNECTED


@pytest.mark.parametrize("state", TERMINAL)
def test_nothing_moves_a_call_that_is_over(state: State) -> None:
    for event in every_event(at(70)):
        if type(event) not in ALSO_AFTER_THE_END:
            assert unmoved(a_call(state), event).why == "call_is_over"


@pytest.mark.parametrize("state", [*TERMINAL, State.QUEUED])
def test_transcript_and_recording_are_kept_after_the_attempt_and_change_nothing_else(state: State) -> None:
    before = a_call(state, attempt=1, end_reason=EndReason.AGENT_HUNG_UP if state.is_terminal else None)
    for event in (TranscriptKept(at(70), 1, 12, "table"), RecordingSeen(at(70), 1, "EG_1", "started")):
        after = moved(before, event)
        assert (after.transcript_turns, after.recorded) != (before.transcript_turns, before.recorded)
        kept = replace(after, version=before.version, transcript_turns=0, transcript_kept=None, recorded=None)
        assert kept == before


@pytest.mark.parametrize("state", State)
def test_events_of_another_attempt_change_nothing(state: State) -> None:
    for event in every_event(at(70)):
        if getattr(event, "attempt", None) is not None:
            assert unmoved(a_call(state, attempt=2), event).why == "stale_attempt"


@pytest.mark.parametrize("call", [a_call(state) for state in State] + [an_answered_call()], ids=lambda call: call.state)
def test_the_same_event_twice_ends_a_call_once(call: Call) -> None:
    for event in every_event(at(70)):
        first = apply(call, event)
        if isinstance(first, Moved) and first.call.state.is_terminal:
            assert isinstance(apply(first.call, event), Unmoved), event


def test_the_table_names_only_states_and_events_there_are() -> None:
    assert {event for _, event in TRANSITIONS} <= set(get_args(Event.__value__))
    assert {event for state, event in TRANSITIONS if state.is_terminal} == ALSO_AFTER_THE_END


def test_a_dial_that_is_given_up_keeps_its_reason_when_its_room_is_deleted() -> None:
    given_up = moved(a_call(State.DIALING), GivenUp(at(60), 1))
    call = moved(given_up, LegLeft(at(60.1), 1, "PA_leg", "ROOM_DELETED", "ringing"))
    assert (call.state, call.end_reason) == (State.NOT_CONNECTED, EndReason.DIAL_STATE_UNKNOWN)
    assert unmoved(given_up, GivenUp(at(61), 1)).why == "end_was_asked"


def test_a_call_answered_and_hung_up_after_its_dialer_died_is_a_conversation_as_far_as_is_known() -> None:
    left = moved(a_call(State.DIALING), LegLeft(at(20), 1, "PA_leg", "CLIENT_INITIATED", "hangup"))
    for ending in (left, moved(left, GivenUp(at(60), 1))):
        call = moved(ending, FoundOver(at(60), 1))
        assert (call.state, call.end_reason) == (State.ENDED, EndReason.USER_HUNG_UP_IN_CALL)
        assert (call.answered_at, call.ended_at) == (at(20), at(20))


def test_an_answer_by_a_leg_that_is_back_leaves_nothing_of_the_one_that_was_lost() -> None:
    lost = moved(a_call(State.DIALING), LegLeft(at(3), 1, "PA_first", "SIGNAL_CLOSE", "ringing"))
    call = moved(lost, Answered(at(40), 1, "PA_second", "SCL_1", None))
    assert (call.leg_sid, call.former_leg_sids, call.evidence) == ("PA_second", ("PA_first",), Evidence())
    assert owed(call, room_is_open=True, now=at(41)) is Owed.NOTHING
    assert owed(call, room_is_open=True, now=at(42)) is Owed.LOOK, "for its agent"
    assert unmoved(call, LegLeft(at(41), 1, "PA_first", "SIGNAL_CLOSE", "ringing")).why == "stale_leg"


def test_an_answer_by_the_very_leg_that_was_lost_keeps_the_doubt() -> None:
    lost = moved(a_call(State.DIALING), LegLeft(at(3), 1, "PA_leg", "SIGNAL_CLOSE", "ringing"))
    call = moved(lost, Answered(at(4), 1, "PA_leg", "SCL_1", AGENT))
    assert (call.evidence.left_leg_sid, call.state) == ("PA_leg", State.ACTIVE)
    assert owed(call, room_is_open=True, now=at(14)) is Owed.LOOK


# --- the carrier tells of the answer ---------------------------------------------------------------------------------


def test_an_answer_told_by_the_carrier_has_the_missing_agent_looked_for() -> None:
    dialing = a_call(State.DIALING, answer_from=AnswerFrom.CARRIER)
    result = apply(dialing, Answered(at(6), 1, "PA_leg", "SCL_1", None))
    assert isinstance(result, Moved) and result.effects == {Effect.LOOK_AGAIN}
    with_agent = apply(dialing, Answered(at(6), 1, "PA_leg", "SCL_1", AGENT))
    assert isinstance(with_agent, Moved) and (with_agent.call.state, with_agent.effects) == (State.ACTIVE, frozenset())
    by_dialer = apply(a_call(State.DIALING), Answered(at(6), 1, "PA_leg", "SCL_1", None))
    assert isinstance(by_dialer, Moved) and not by_dialer.effects, "the dialer waits for the agent itself"


def test_a_second_word_of_the_answer_adds_the_leg_and_the_agent_that_the_first_did_not_see() -> None:
    blind = moved(a_call(State.RINGING, answer_from=AnswerFrom.CARRIER), Answered(at(6), 1, None, None, None))
    assert (blind.state, blind.leg_sid) == (State.RINGING, None)
    seen = moved(blind, Answered(at(7), 1, "PA_leg", "SCL_1", AGENT))
    assert (seen.state, seen.answered_at, seen.leg_sid, seen.sip_call_id) == (State.ACTIVE, at(6), "PA_leg", "SCL_1")
    assert (seen.agent_sid, seen.active_at) == ("PA_agent", at(7))
    leg_only = moved(blind, Answered(at(7), 1, "PA_leg", "SCL_1", None))
    assert (leg_only.state, leg_only.leg_sid) == (State.RINGING, "PA_leg")
    assert unmoved(leg_only, Answered(at(8), 1, "PA_other", "SCL_1", None)).why == "answered_before"


def test_an_answer_after_the_carrier_failed_at_one_place_forgets_its_code() -> None:
    failed = moved(a_call(State.DIALING), CarrierFailed(at(4), 1, 480, "Temporarily Unavailable", None))
    answered = moved(failed, Answered(at(6), 1, "PA_leg", "SCL_1", AGENT))
    assert (answered.state, answered.evidence) == (State.ACTIVE, Evidence())
    assert owed(answered, room_is_open=True, now=at(100)) is Owed.NOTHING, "its failure says nothing any more"


def test_livekits_word_that_nobody_was_connected_goes_before_the_carriers_that_somebody_answered() -> None:
    answered = moved(a_call(State.DIALING), Answered(at(6), 1, "PA_leg", "SCL_1", None))
    call = moved(answered, DialRefused(at(7), 1, 486, "Busy Here", "resource_exhausted", "busy"))
    assert (call.state, call.answered_at, call.end_reason) == (
        State.NOT_CONNECTED, None, EndReason.USER_HUNG_UP_RINGING,
    )  # fmt: skip


def test_a_time_out_of_livekits_keeps_the_code_that_the_carrier_told() -> None:
    failed = moved(a_call(State.DIALING), CarrierFailed(at(31), 1, 487, "Request Terminated", None))
    call = moved(failed, DialRefused(at(31.1), 1, None, None, "canceled", "sip request timed out"))
    assert (call.evidence.sip_code, call.evidence.sip_status) == (487, "Request Terminated")
    assert call.end_reason is EndReason.USER_DID_NOT_PICK_UP


def test_a_dial_that_found_livekit_away_keeps_its_place_and_is_noted_once() -> None:
    away = DialWithoutLivekit(at(1.2), 1, "no response from servers", "unavailable", at(5))
    again = moved(a_call(State.DIALING), away)
    assert (again.state, again.eligible_at, again.due_at) == (State.QUEUED, a_call(State.DIALING).eligible_at, at(5))
    assert (again.unsent, again.deferrals, again.attempts, again.holds_slot) == (0, 0, (), False)
    dialed = moved(again, Claimed(at(5)))
    later = moved(dialed, DialWithoutLivekit(at(5.1), 2, "no response from servers", "unavailable", at(9)))
    assert [note.what for note in later.notes] == ["dial_1_livekit_away: no response from servers"]


def test_a_call_is_not_dialled_again_for_a_livekit_that_is_away_if_it_rang_or_is_unwanted_or_waited_for_a_day() -> None:
    away = DialWithoutLivekit(at(3), 1, "no response from servers", "unavailable", at(5))
    rang = moved(a_call(State.DIALING), CarrierRang(at(2), 1))
    unwanted = moved(a_call(State.DIALING), EndAsked(at(2), EndReason.API_HUNG_UP))
    for_a_day = a_call(State.DIALING, deferred_since=at(3 - DEFERRED_FOR_S), deferred_at=at(-60))
    assert [moved(call, away).state for call in (rang, unwanted, for_a_day)] == [
        State.NOT_CONNECTED,
        State.CANCELED,
        State.NOT_CONNECTED,
    ]


def test_a_dial_said_to_be_unsent_is_not_repeated_if_the_carrier_rang() -> None:
    not_sent = DialNotSent(at(3), 1, "no response from servers", "unavailable", 2)
    rang = told_by_the_carrier(a_call(State.RINGING), rang_at=at(2))
    assert moved(rang, not_sent).state is State.NOT_CONNECTED
    assert moved(a_call(State.DIALING), not_sent).state is State.QUEUED


def test_a_leg_that_leaves_a_dial_of_the_carriers_is_looked_after_because_its_word_may_be_lost() -> None:
    left = LegLeft(at(9), 1, "PA_leg", "USER_UNAVAILABLE", "ringing")
    by_carrier = apply(a_call(State.DIALING, answer_from=AnswerFrom.CARRIER), left)
    assert isinstance(by_carrier, Moved) and by_carrier.effects == {Effect.LOOK_AGAIN}
    by_dialer = apply(a_call(State.DIALING), left)
    assert isinstance(by_dialer, Moved) and not by_dialer.effects


def test_a_deferral_after_the_phone_rang_ends_the_attempt() -> None:
    carrier_full = DialDeferred(at(9), 1, 503, "CPS limit exceeded", "failed_precondition", "limit", 2)
    for rung in (
        told_by_the_carrier(a_call(State.RINGING), rang_at=at(2)),
        a_call(State.DIALING, evidence=Evidence(last_call_status="ringing", leg_left_at=at(8.9))),
    ):
        call = moved(rung, carrier_full)
        assert (call.state, call.end_reason) == (State.NOT_CONNECTED, EndReason.SIP_FAILED_CAPACITY)
    still_dialing = a_call(State.DIALING, evidence=Evidence(last_call_status="dialing", leg_left_at=at(8.9)))
    assert moved(still_dialing, carrier_full).state is State.QUEUED
