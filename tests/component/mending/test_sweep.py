"""What the sweep mends, and what it leaves alone."""

import asyncio

import pytest

from ringline.calls.mending import sweep
from ringline.calls.model.call import AnswerFrom, Call, State
from ringline.calls.model.events import (
    AgentHangsUp,
    AgentLeft,
    AgentReady,
    AgentSeen,
    Answered,
    CarrierEnded,
    CarrierFailed,
    Claimed,
    DialNotSent,
    EndAsked,
    LegLeft,
    RoomFinished,
    SilenceHeard,
    Transferred,
    UserSpoke,
)
from ringline.calls.model.events import AgentSeen as Agent
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.room_view import LegView, RoomView, TelephonyDown
from ringline.calls.model.timing import (
    AGENT_CHECK_EVERY_S,
    AGENT_JOIN_S,
    AGENT_SUCCESSOR_S,
    DIALER_SILENCE_S,
    FIRST_LOOK_S,
    IDLE_S,
    LIMIT_AHEAD_S,
    MEDIA_SILENCE_S,
    PROMISED_WORDS_S,
    UNMARKED_LOOK_S,
    WAITING_MARK_KEPT_S,
    ZOMBIE_ROOM_S,
)
from ringline.calls.tables.store import Committed
from tests.builders import ACCOUNT, NOW, at, moved
from tests.component.calls_room import CallsRoom, calls_room
from tests.component.one_table import LocalAws
from tests.fakes import CountingLooks

AGENT = AgentSeen("PA_agent", NOW)


@pytest.fixture
def room(local: LocalAws, monkeypatch: pytest.MonkeyPatch) -> CallsRoom:
    room = calls_room(local)

    async def no_waiting(seconds: float) -> None:
        room.clock.move(seconds)
        if room.telephony.open_rooms_later:
            room.telephony.open_rooms |= room.telephony.open_rooms_later

    monkeypatch.setattr(asyncio, "sleep", no_waiting)
    return room


def active(room: CallsRoom, call_id: str = "call_1", **fields: object) -> None:
    call = room.dialing(call_id, **fields)
    room.clock.move(1)
    answered = Answered(room.clock(), call.attempt, "PA_leg", "SCL_1", Agent("PA_agent", room.clock()))
    room.progress.apply(ACCOUNT, call_id, answered)
    assert room.call(call_id).state is State.ACTIVE


def test_a_lost_doorbell_is_rung_again(room: CallsRoom) -> None:
    room.watchlist.mark_waiting(ACCOUNT, NOW)
    room.queued()
    assert room.sweep().rung == 1
    assert room.doorbell.accounts == [ACCOUNT]


def test_an_account_that_could_not_be_marked_is_rung_for_once_its_call_is_due(room: CallsRoom) -> None:
    room.queued(due_at=at(UNMARKED_LOOK_S), expires_at=at(3600))
    room.clock.move(UNMARKED_LOOK_S)
    assert room.sweep().rung == 1
    assert room.call().due_at == at(3600), "from now on it waits like any other"
    assert [mark.account_id for mark in room.watchlist.waiting_accounts()] == [ACCOUNT]


def test_nobody_is_rung_for_at_a_full_gate(local: LocalAws) -> None:
    room = calls_room(local, cap=1)
    room.watchlist.mark_waiting(ACCOUNT, NOW)
    room.dialing("call_0")
    room.queued("call_1")
    assert room.sweep().rung == 0


def test_nobody_is_rung_for_before_their_time(room: CallsRoom) -> None:
    room.watchlist.mark_waiting(ACCOUNT, NOW)
    room.queued(eligible_at=NOW + 600_000)
    assert room.sweep().rung == 0
    room.clock.move(WAITING_MARK_KEPT_S)
    assert room.sweep().rung == 1, "and its mark was kept"


def test_an_account_that_has_nobody_waiting_any_more_is_forgotten(room: CallsRoom) -> None:
    room.watchlist.mark_waiting(ACCOUNT, NOW)
    room.clock.move(WAITING_MARK_KEPT_S)
    room.sweep()
    assert room.watchlist.waiting_accounts() == []


def test_a_conversation_that_is_fine_is_left_alone(room: CallsRoom) -> None:
    active(room)
    before = room.call()
    room.clock.move(120)
    assert room.sweep().settled == 0
    assert room.call() == before


def test_a_hang_up_nobody_reported_is_noticed_by_its_missing_room(room: CallsRoom) -> None:
    active(room)
    room.telephony.open_rooms.clear()
    room.clock.move(FIRST_LOOK_S)
    assert room.sweep().settled == 1
    assert (room.call().state, room.call().end_reason) == (State.ENDED, EndReason.IDLE_TIMEOUT)
    assert room.in_use == 0


def test_a_call_whose_room_reappears_after_a_restart_goes_on(room: CallsRoom) -> None:
    active(room)
    room.telephony.open_rooms_later = dict(room.telephony.open_rooms)
    room.telephony.open_rooms.clear()
    room.clock.move(FIRST_LOOK_S)
    assert room.sweep().settled == 0
    assert (room.call().state, room.in_use) == (State.ACTIVE, 1)
    assert room.telephony.ended_rooms == []


def test_a_room_is_not_waited_for_whose_leg_is_seen_to_have_left(room: CallsRoom) -> None:
    active(room)
    room.progress.apply(ACCOUNT, "call_1", AgentReady(room.clock(), 1, ("user_spoke", "transcript")))
    room.clock.move(5)
    left_at = room.clock()
    room.progress.apply(ACCOUNT, "call_1", LegLeft(left_at, 1, "PA_leg", "CLIENT_INITIATED", "hangup"))
    room.telephony.open_rooms.clear()
    room.clock.move(PROMISED_WORDS_S)
    assert room.look_again("call_1").settled == 1
    assert room.call().end_reason is EndReason.AGENT_HUNG_UP_VOICEMAIL_DETECTED
    assert room.clock() == left_at + PROMISED_WORDS_S * 1000


def test_calls_are_left_alone_while_livekit_cannot_be_asked(room: CallsRoom) -> None:
    active(room)
    room.telephony.down = True
    room.clock.move(300)
    room.sweep()
    assert (room.call().state, room.in_use) == (State.ACTIVE, 1)


def test_a_dial_whose_dialer_died_is_ended_after_its_time(room: CallsRoom) -> None:
    call = room.dialing()
    room.clock.move(call.ring_timeout_s)
    room.sweep()
    assert room.call().state is State.DIALING, "it may still be ringing"
    room.clock.move(30)
    room.sweep()
    assert (room.call().state, room.call().end_reason) == (State.NOT_CONNECTED, EndReason.DIAL_STATE_UNKNOWN)
    assert room.telephony.ended_rooms == [call.room_name], "nothing may ring on"
    assert room.in_use == 0


def test_a_call_answered_after_its_dialer_died_is_adopted(room: CallsRoom) -> None:
    call = room.dialing()
    room.telephony.views = [RoomView((LegView(call.leg_identity, "PA_leg", "SCL_1", "active"),), (AGENT,))]
    room.clock.move(60)
    assert room.sweep().adopted == 1
    assert (room.call().state, room.call().leg_sid) == (State.ACTIVE, "PA_leg")


def test_a_leg_that_left_without_a_word_of_its_dialer_is_settled_by_what_it_said(room: CallsRoom) -> None:
    call = room.dialing()
    room.clock.move(6)
    room.progress.apply(ACCOUNT, "call_1", LegLeft(room.clock(), call.attempt, "PA_leg", "USER_REJECTED", "ringing"))
    room.clock.move(FIRST_LOOK_S)
    room.sweep()
    assert room.call().end_reason is EndReason.USER_HUNG_UP_RINGING


def test_a_finished_room_whose_legs_word_was_lost_is_settled(room: CallsRoom) -> None:
    active(room)
    room.progress.apply(ACCOUNT, "call_1", RoomFinished(room.clock(), 1))
    room.clock.move(FIRST_LOOK_S)
    room.sweep()
    assert room.call().end_reason is EndReason.IDLE_TIMEOUT


def test_a_hang_up_that_livekit_did_not_hear_is_said_again(room: CallsRoom) -> None:
    active(room)
    room.progress.apply(ACCOUNT, "call_1", EndAsked(room.clock(), EndReason.API_HUNG_UP))
    room.clock.move(FIRST_LOOK_S)
    room.sweep()
    assert (room.call().end_reason, room.in_use) == (EndReason.API_HUNG_UP, 0)
    assert room.telephony.ended_rooms == [room.call().room_name]


def test_a_call_beyond_its_limit_is_ended(room: CallsRoom) -> None:
    active(room, max_call_duration_s=60)
    room.clock.move(61)
    room.sweep()
    assert (room.call().state, room.call().end_reason) == (State.ENDED, EndReason.MAX_DURATION_REACHED)


def test_a_caller_left_alone_by_the_agent_is_not_kept_waiting(room: CallsRoom) -> None:
    active(room)
    room.progress.apply(ACCOUNT, "call_1", AgentLeft(room.clock(), 1, "PA_agent", "CLIENT_INITIATED"))
    room.telephony.views = [RoomView((), (AGENT,))]  # LiveKit's list still shows the one that left.
    room.clock.move(FIRST_LOOK_S)
    room.sweep()
    assert room.call().end_reason is EndReason.AGENT_FAILED


def test_an_agent_that_took_over_unseen_keeps_the_call_alive(room: CallsRoom) -> None:
    active(room)
    room.progress.apply(ACCOUNT, "call_1", AgentLeft(room.clock(), 1, "PA_agent", "CLIENT_INITIATED"))
    leg = LegView(room.call().leg_identity, "PA_leg", "SCL_1", "active")
    room.telephony.views = [RoomView((leg,), (AGENT, AgentSeen("PA_next", NOW)))]
    room.clock.move(FIRST_LOOK_S)
    room.sweep()
    assert (room.call().state, room.call().agent_sid) == (State.ACTIVE, "PA_next")


def test_a_leg_of_whose_leaving_nobody_told_is_missed_though_its_agent_stays(room: CallsRoom) -> None:
    active(room)
    room.telephony.views = [RoomView((), (AGENT,))]
    room.clock.move(AGENT_CHECK_EVERY_S)
    room.sweep()
    assert room.call().state is State.ACTIVE, "it may have lost its connection, and be back"
    assert room.looks.asked[-1] == (ACCOUNT, "call_1", DIALER_SILENCE_S + 1)
    room.clock.move(DIALER_SILENCE_S + 1)
    room.look_again("call_1")
    assert (room.call().state, room.call().end_reason) == (State.ENDED, EndReason.IDLE_TIMEOUT)
    assert room.in_use == 0


def test_a_missed_leg_that_is_back_goes_on(room: CallsRoom) -> None:
    active(room)
    room.telephony.views = [RoomView((), (AGENT,))]
    room.clock.move(AGENT_CHECK_EVERY_S)
    room.sweep()
    leg = LegView(room.call().leg_identity, "PA_leg", "SCL_1", "active")
    room.telephony.views = [RoomView((leg,), (AGENT,))]
    room.clock.move(DIALER_SILENCE_S + 1)
    room.look_again("call_1")
    assert (room.call().state, room.call().evidence.room_finished_at) == (State.ACTIVE, None)


def test_a_queued_call_past_its_expiry_ends_and_its_place_is_free(room: CallsRoom) -> None:
    room.queued(expires_at=NOW + 5000, due_at=NOW + 5000)
    room.clock.move(6)
    room.sweep()
    assert room.call().end_reason is EndReason.EXPIRED_IN_QUEUE
    assert not room.store.has_queued(ACCOUNT)


def test_a_room_whose_call_is_over_is_closed(room: CallsRoom) -> None:
    active(room)
    name = room.call().room_name
    assert name is not None
    room.progress.apply(ACCOUNT, "call_1", LegLeft(room.clock(), 1, "PA_leg", "CLIENT_INITIATED", "hangup"))
    room.clock.move(ZOMBIE_ROOM_S)
    room.telephony.open_rooms["somebody-elses"] = NOW
    assert room.sweep().rooms_closed == 1
    assert room.telephony.ended_rooms == [name]


def test_a_run_that_cannot_take_on_everything_is_continued_by_the_next(
    room: CallsRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "MAX_DUE", 1)
    active(room, "call_1")
    active(room, "call_2")
    del room.telephony.open_rooms[room.call("call_2").room_name or ""]
    room.clock.move(60)
    assert [room.sweep().looked_at for _ in range(2)] == [1, 1]
    assert [room.call(call_id).state for call_id in ("call_1", "call_2")] == [State.ACTIVE, State.ENDED]
    room.sweep()
    room.clock.move(60)
    assert room.sweep().looked_at == 1, "after the last it begins anew"


def test_a_lost_leg_that_is_back_in_the_room_goes_on_and_one_that_stays_away_is_over(room: CallsRoom) -> None:
    active(room)
    lost = LegLeft(room.clock(), 1, "PA_leg", "CONNECTION_TIMEOUT", "active")
    room.progress.apply(ACCOUNT, "call_1", lost)
    identity = room.call().leg_identity
    room.telephony.views = [RoomView((LegView(identity, "PA_new", "SCL_1", "dialing"),), (AGENT,))]
    room.clock.move(FIRST_LOOK_S)
    assert room.sweep().adopted == 1
    assert (room.call().state, room.call().leg_sid) == (State.ACTIVE, "PA_new")

    room.progress.apply(ACCOUNT, "call_1", LegLeft(room.clock(), 1, "PA_new", "CONNECTION_TIMEOUT", "dialing"))
    room.telephony.views = [RoomView((), (AGENT,))]
    room.clock.move(FIRST_LOOK_S)
    room.sweep()
    assert (room.call().state, room.call().end_reason) == (State.ENDED, EndReason.CONNECTION_LOST)


def test_an_agent_whose_leaving_got_lost_is_missed_and_the_call_ends_with_the_next_run(room: CallsRoom) -> None:
    active(room)
    room.telephony.views = [RoomView((), ())]
    room.clock.move(30)
    room.sweep()
    assert (room.call().state, room.call().agent_left_at) == (State.ACTIVE, room.clock())
    room.clock.move(60)
    room.sweep()
    assert room.call().end_reason is EndReason.AGENT_FAILED


def test_a_dial_that_goes_again_is_rung_for_although_its_bell_and_its_mark_are_lost(room: CallsRoom) -> None:
    call = room.dialing()
    not_sent = DialNotSent(room.clock(), call.attempt, "no response from servers", "unavailable", 5)
    room.progress.apply(ACCOUNT, "call_1", not_sent)
    assert room.doorbell.rings == [(ACCOUNT, 5)]
    room.clock.move(4)
    assert room.sweep().rung == 0, "it is not due yet"
    room.clock.move(56)
    assert room.sweep().rung == 1
    assert room.call().due_at is None, "its account is marked: the call is not looked at each minute"
    assert room.sweep().rung == 1, "the mark rings on"


def test_no_call_gives_up_its_place_in_the_index_before_its_account_is_marked(
    room: CallsRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    for call_id in ("call_1", "call_2"):
        call = room.dialing(call_id)
        not_sent = DialNotSent(room.clock(), call.attempt, "no response from servers", "unavailable", 5)
        room.progress.apply(ACCOUNT, call_id, not_sent)
    room.clock.move(60)

    def dies(_account_id: str, _now: int) -> None:
        raise RuntimeError("the function is gone")

    monkeypatch.setattr(room.watchlist, "mark_waiting", dies)
    room.sweep()
    assert None not in {room.call("call_1").due_at, room.call("call_2").due_at}


def test_a_caller_left_alone_is_looked_at_out_of_turn(room: CallsRoom) -> None:
    active(room)
    room.progress.apply(ACCOUNT, "call_1", AgentLeft(room.clock(), 1, "PA_agent", "CLIENT_INITIATED"))
    room.clock.move(AGENT_SUCCESSOR_S + 1)
    room.look_again("call_1", "call_unknown")
    assert (room.call().state, room.call().end_reason) == (State.ENDED, EndReason.AGENT_FAILED)
    assert room.look_again("call_1").settled == 0, "looking at a call that is over changes nothing"


def test_a_look_out_of_turn_believes_a_room_is_gone_only_when_it_stays_away(room: CallsRoom) -> None:
    active(room)
    room.progress.apply(ACCOUNT, "call_1", LegLeft(room.clock(), 1, "PA_leg", "CONNECTION_TIMEOUT", "active"))
    room.telephony.open_rooms_later = dict(room.telephony.open_rooms)
    room.telephony.open_rooms.clear()
    room.clock.move(11)
    room.telephony.views = [RoomView((LegView(room.call().leg_identity, "PA_new", "SCL_1", "dialing"),), (AGENT,))]
    room.look_again("call_1")
    assert (room.call().state, room.call().leg_sid) == (State.ACTIVE, "PA_new"), "it came back under a new sid"


def test_a_room_that_cannot_be_closed_keeps_nothing_else_from_being_mended(
    room: CallsRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    active(room)
    room.progress.apply(ACCOUNT, "call_1", LegLeft(room.clock(), 1, "PA_leg", "CLIENT_INITIATED", "hangup"))
    room.watchlist.mark_waiting(ACCOUNT, NOW)
    room.queued("call_2")
    room.clock.move(ZOMBIE_ROOM_S)

    async def resist(_room: str) -> None:
        raise TelephonyDown("scripted")

    monkeypatch.setattr(room.telephony, "end_room", resist)
    assert room.sweep().rung == 1


def test_a_part_that_fails_is_told_after_the_others_have_done_their_work(
    room: CallsRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    active(room)
    room.telephony.open_rooms.clear()
    room.clock.move(FIRST_LOOK_S)

    def no_marks(_pk: str) -> None:
        raise RuntimeError("the table is gone")

    monkeypatch.setattr(room.watchlist, "marks_in", no_marks)
    with pytest.raises(RuntimeError, match="the table is gone"):
        room.sweep()
    assert room.call().state is State.ENDED


def test_a_lost_leg_that_is_back_but_beyond_its_limit_is_ended_at_once(room: CallsRoom) -> None:
    active(room, max_call_duration_s=30)
    room.clock.move(10)
    room.progress.apply(ACCOUNT, "call_1", LegLeft(room.clock(), 1, "PA_leg", "SIGNAL_CLOSE", "active"))
    identity = room.call().leg_identity
    room.telephony.views = [RoomView((LegView(identity, "PA_new", "SCL_1", "dialing"),), (AGENT,))]
    room.clock.move(30)
    room.sweep()
    assert (room.call().state, room.call().end_reason) == (State.ENDED, EndReason.MAX_DURATION_REACHED)


def test_a_lost_leg_that_is_back_without_its_agent_is_looked_after_at_once(room: CallsRoom) -> None:
    active(room)
    room.progress.apply(ACCOUNT, "call_1", AgentLeft(room.clock(), 1, "PA_agent", None))
    room.progress.apply(ACCOUNT, "call_1", LegLeft(room.clock(), 1, "PA_leg", "SIGNAL_CLOSE", "active"))
    room.telephony.views = [RoomView((LegView(room.call().leg_identity, "PA_new", "SCL_1", "dialing"),), ())]
    room.clock.move(DIALER_SILENCE_S)
    room.look_again("call_1")
    assert (room.call().state, room.call().end_reason) == (State.ENDED, EndReason.AGENT_FAILED)


# --- where the carrier tells of the answer ---------------------------------------------------------------------------


def placed(room: CallsRoom) -> Call:
    """A call whose INVITE is out and whose dialer has returned."""
    queued = room.queued()
    call = moved(queued, Claimed(room.clock(), AnswerFrom.CARRIER))
    assert room.store.commit(queued, call) is Committed.DONE
    room.telephony.open_rooms[call.room_name or ""] = room.clock()
    return call


def in_its_room(call: Call, status: str, *agents: AgentSeen) -> list[RoomView]:
    return [RoomView((LegView(call.leg_identity, "PA_leg", "SCL_1", status),), agents)]


def test_an_answer_whose_word_got_lost_is_adopted_by_the_next_run(room: CallsRoom) -> None:
    call = placed(room)
    room.telephony.views = in_its_room(call, "active", AGENT)
    room.clock.move(FIRST_LOOK_S)
    assert room.sweep().adopted == 1
    call = room.call()
    assert (call.state, call.leg_sid, call.agent_sid) == (State.ACTIVE, "PA_leg", "PA_agent")
    assert call.answered_at == room.clock()


@pytest.mark.parametrize("status", ["dialing", "ringing"])
def test_a_phone_that_still_rings_is_only_peeked_at(room: CallsRoom, status: str) -> None:
    call = placed(room)
    room.telephony.views = in_its_room(call, status, AGENT)
    room.clock.move(FIRST_LOOK_S)
    swept = room.sweep()
    assert (swept.looked_at, swept.adopted, swept.settled) == (1, 0, 0)
    assert room.call() == call
    assert room.telephony.ended_rooms == []


def test_a_dial_of_the_carriers_of_which_nothing_was_heard_is_ended_after_its_time(room: CallsRoom) -> None:
    call = placed(room)
    room.telephony.views = in_its_room(call, "ringing")
    room.clock.move(call.ring_timeout_s + 30)
    room.sweep()
    assert (room.call().end_reason, room.in_use) == (EndReason.DIAL_STATE_UNKNOWN, 0)
    assert room.telephony.ended_rooms == [call.room_name]


def test_an_adopted_call_without_an_agent_is_given_up_by_the_run_behind_it(room: CallsRoom) -> None:
    call = placed(room)
    room.telephony.views = in_its_room(call, "active")
    room.clock.move(FIRST_LOOK_S)
    room.sweep()
    assert (room.call().state, room.call().answered_at) == (State.DIALING, room.clock())
    room.clock.move(AGENT_JOIN_S + 1)
    room.sweep()
    assert (room.call().end_reason, room.in_use) == (EndReason.AGENT_DID_NOT_JOIN, 0)


def test_a_failure_that_the_carrier_told_of_is_settled_if_the_dialer_never_speaks(room: CallsRoom) -> None:
    call = room.dialing()
    room.clock.move(9)
    room.progress.apply(ACCOUNT, "call_1", CarrierFailed(room.clock(), call.attempt, 404, "Not Found", None))
    room.clock.move(DIALER_SILENCE_S + 1)
    room.look_again("call_1")
    assert (room.call().end_reason, room.in_use) == (EndReason.SIP_FAILED_WRONG_NUMBER, 0)
    assert room.telephony.ended_rooms == [call.room_name]


def test_an_end_that_only_the_carrier_saw_is_left_to_livekit_while_the_leg_is_there(room: CallsRoom) -> None:
    active(room, max_call_duration_s=300)
    room.clock.move(100)
    room.progress.apply(ACCOUNT, "call_1", CarrierEnded(room.clock(), 1, "busy"))
    room.telephony.views = in_its_room(room.call(), "active", AGENT)
    room.clock.move(DIALER_SILENCE_S + 1)
    room.look_again("call_1")
    assert room.looks.asked[-1][-1] == MEDIA_SILENCE_S - DIALER_SILENCE_S - 1, "LiveKit's own word may still come"
    room.clock.move(MEDIA_SILENCE_S - DIALER_SILENCE_S)
    room.look_again("call_1")
    assert (room.call().state, room.call().carrier.end_is_doubted) == (State.ACTIVE, True), "it was another leg"
    assert room.telephony.ended_rooms == []
    room.clock.move(200)
    room.sweep()
    assert room.call().end_reason is EndReason.MAX_DURATION_REACHED, "its limits hold again"


def test_a_leg_in_livekits_list_is_no_leg_that_outlived_its_end_while_livekit_has_only_come_back(
    room: CallsRoom,
) -> None:
    active(room)
    room.clock.move(100)
    ended_at = room.clock()
    room.progress.apply(ACCOUNT, "call_1", CarrierEnded(ended_at, 1, "normal clearing"))
    room.clock.move(MEDIA_SILENCE_S)
    back = AgentSeen("PA_agent_again", room.clock())
    room.telephony.views = in_its_room(room.call(), "active", AGENT, back)
    room.clock.move(1)
    room.look_again("call_1")
    assert room.call().carrier.believed_end_at == ended_at, "the list may be from before its restart"
    assert room.looks.asked[-1][-1] == MEDIA_SILENCE_S - 1, "from when its agent came back"
    room.telephony.views = [RoomView((), (back,))]
    room.look_again("call_1")
    assert (room.call().end_reason, room.call().ended_at) == (EndReason.USER_HUNG_UP_IN_CALL, ended_at)


def test_nor_while_whoever_the_call_was_handed_over_to_has_only_come_back(room: CallsRoom) -> None:
    active(room)
    room.clock.move(100)
    ended_at = room.clock()
    room.progress.apply(ACCOUNT, "call_1", CarrierEnded(ended_at, 1, "normal clearing"))
    room.progress.apply(ACCOUNT, "call_1", AgentLeft(room.clock(), 1, "PA_agent", None))
    room.clock.move(MEDIA_SILENCE_S)
    back = LegView("sip_colleague", "PA_again", "SCL_2", "dialing", joined_at=room.clock())
    own = LegView(room.call().leg_identity, "PA_leg", "SCL_1", "active")
    room.telephony.views = [RoomView((own, back), ())]
    room.clock.move(1)
    room.look_again("call_1")
    assert room.call().carrier.believed_end_at == ended_at
    assert room.looks.asked[-1][-1] == MEDIA_SILENCE_S - 1, "from when the other phone came back"
    room.telephony.views = [RoomView((back,), ())]
    room.look_again("call_1")
    assert room.call().ended_at == ended_at, "they were left to talk to nobody"


def test_limits_hold_while_it_is_open_whether_the_carrier_spoke_of_this_leg(room: CallsRoom) -> None:
    active(room)
    room.progress.apply(ACCOUNT, "call_1", CarrierEnded(room.clock(), 1, "busy"))
    room.clock.move(5)
    room.progress.apply(ACCOUNT, "call_1", AgentLeft(room.clock(), 1, "PA_agent", None))
    room.telephony.views = in_its_room(room.call(), "active")
    room.clock.move(DIALER_SILENCE_S)
    room.look_again("call_1")
    assert (room.call().end_reason, room.in_use) == (EndReason.AGENT_FAILED, 0)


def test_a_caller_alone_on_a_leg_that_outlived_the_carriers_word_is_not_kept_until_the_next_run(
    room: CallsRoom,
) -> None:
    active(room)
    room.progress.apply(ACCOUNT, "call_1", AgentLeft(room.clock(), 1, "PA_agent", None))
    room.progress.apply(ACCOUNT, "call_1", CarrierEnded(room.clock(), 1, "busy"))
    room.telephony.views = in_its_room(room.call(), "active")
    room.clock.move(MEDIA_SILENCE_S)
    room.sweep()
    assert (room.call().end_reason, room.in_use) == (EndReason.AGENT_FAILED, 0)


@pytest.mark.parametrize("status", [None, "hangup"])
def test_an_end_that_only_the_carrier_saw_is_believed_where_the_leg_is_gone(
    room: CallsRoom, status: str | None
) -> None:
    active(room)
    room.clock.move(100)
    room.progress.apply(ACCOUNT, "call_1", CarrierEnded(room.clock(), 1, "normal clearing"))
    room.telephony.views = in_its_room(room.call(), status, AGENT) if status else [RoomView((), (AGENT,))]
    room.clock.move(DIALER_SILENCE_S + 1)
    room.look_again("call_1")
    assert (room.call().state, room.call().end_reason) == (State.ENDED, EndReason.USER_HUNG_UP_IN_CALL)
    assert room.telephony.ended_rooms == [room.call().room_name]


def test_a_conversation_that_only_the_carrier_saw_end_lasted_until_then(room: CallsRoom) -> None:
    active(room)
    room.clock.move(40)
    ended_at = room.clock()
    room.progress.apply(ACCOUNT, "call_1", CarrierEnded(ended_at, 1, "normal clearing"))
    room.clock.move(DIALER_SILENCE_S + 1)
    room.look_again("call_1")
    assert room.call().ended_at == ended_at


# --- limits, silence, transfers --------------------------------------------------------------------------------------


def test_a_limit_that_falls_before_the_next_run_is_looked_at_when_it_falls(room: CallsRoom) -> None:
    active(room, max_call_duration_s=180)
    room.clock.move(100)
    room.sweep()
    assert room.looks.asked == [], "the next run comes in time"
    room.clock.move(20)
    room.sweep()
    (asked,) = room.looks.asked
    assert asked == (ACCOUNT, "call_1", 60) and asked[2] <= LIMIT_AHEAD_S
    room.clock.move(60)
    room.look_again("call_1")
    assert (room.call().end_reason, room.in_use) == (EndReason.MAX_DURATION_REACHED, 0)


def test_a_limit_is_looked_at_in_time_also_where_the_agent_is_looked_for_in_this_run(room: CallsRoom) -> None:
    active(room, max_call_duration_s=80)
    room.telephony.views = in_its_room(room.call(), "active", AGENT)
    room.clock.move(30)
    room.sweep()
    assert room.looks.asked == [(ACCOUNT, "call_1", 50)]
    assert room.call().state is State.ACTIVE


def test_a_look_that_cannot_be_asked_for_keeps_the_sweep_from_nothing(room: CallsRoom) -> None:
    active(room, max_call_duration_s=80)
    room.progress.apply(ACCOUNT, "call_1", AgentLeft(room.clock(), 1, "PA_agent", None))
    room.telephony.views = in_its_room(room.call(), "active")
    room.clock.move(30)

    class NoQueue(CountingLooks):
        def look_again(self, account_id: str, call_id: str, after_s: int) -> None:
            raise ConnectionError("scripted")

    room.looks = NoQueue()
    room.sweep()
    assert room.call().end_reason is EndReason.AGENT_FAILED


def test_a_conversation_in_which_nobody_was_heard_for_very_long_is_reaped(room: CallsRoom) -> None:
    active(room, max_call_duration_s=3600)
    room.clock.move(60)
    room.progress.apply(ACCOUNT, "call_1", SilenceHeard(room.clock(), 1, 5))
    room.telephony.views = in_its_room(room.call(), "active", AGENT)
    room.clock.move(IDLE_S - 1)
    room.sweep()
    assert room.call().state is State.ACTIVE
    room.clock.move(1)
    room.sweep()
    assert (room.call().state, room.call().end_reason) == (State.ENDED, EndReason.IDLE_TIMEOUT)
    assert room.telephony.ended_rooms == [room.call().room_name]


def test_a_word_keeps_a_silent_conversation_alive(room: CallsRoom) -> None:
    active(room, max_call_duration_s=3600)
    room.progress.apply(ACCOUNT, "call_1", SilenceHeard(room.clock(), 1, 5))
    room.clock.move(IDLE_S - 100)
    room.progress.apply(ACCOUNT, "call_1", UserSpoke(room.clock(), 1))
    room.telephony.views = in_its_room(room.call(), "active", AGENT)
    room.clock.move(200)
    room.sweep()
    assert room.call().state is State.ACTIVE


def test_a_transfer_that_failed_leaves_the_caller_alone_again(room: CallsRoom) -> None:
    active(room, max_call_duration_s=3600)
    room.progress.apply(ACCOUNT, "call_1", Transferred(room.clock(), 1, "+15550100888", False))
    room.progress.apply(ACCOUNT, "call_1", AgentLeft(room.clock(), 1, "PA_agent", "CLIENT_INITIATED"))
    room.progress.apply(ACCOUNT, "call_1", Transferred(room.clock(), 1, None, True))
    room.telephony.views = in_its_room(room.call(), "active")
    room.clock.move(AGENT_SUCCESSOR_S + 1)
    room.look_again("call_1")
    assert room.call().end_reason is EndReason.AGENT_FAILED


def test_an_agents_hang_up_that_livekit_did_not_hear_is_carried_out_for_its_reason(room: CallsRoom) -> None:
    active(room)
    wish = AgentHangsUp(room.clock(), 1, EndReason.AGENT_HUNG_UP_SILENCE_DETECTED, "silence")
    room.progress.apply(ACCOUNT, "call_1", wish)
    room.clock.move(FIRST_LOOK_S)
    room.sweep()
    assert (room.call().end_reason, room.in_use) == (EndReason.AGENT_HUNG_UP_SILENCE_DETECTED, 0)
    assert room.telephony.ended_rooms == [room.call().room_name]
