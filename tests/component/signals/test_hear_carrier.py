"""What a carrier's word does to its call, in any order with the dialer's, LiveKit's and the sweep's."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from copy import replace
from dataclasses import dataclass, field
from itertools import permutations
from typing import Any

import pytest

from ringline.calls.model.call import AnswerFrom, State, VoicemailPolicy
from ringline.calls.model.carrier_event import CarrierEvent, Kind
from ringline.calls.model.events import AgentSeen, Answered, Claimed, DialRefused, EndAsked, LegLeft
from ringline.calls.model.ports import Telephony
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.results import Moved
from ringline.calls.model.retries import RetryPolicy
from ringline.calls.model.room_view import LegView, RoomView
from ringline.calls.rules.lifecycle import apply
from ringline.calls.signals.carrier import CallNotKnownYet, HearCarrier
from ringline.calls.tables.carrier_links import CarrierLinkTable
from ringline.calls.tables.store import Committed
from ringline.runtime.table import calls_pk
from ringline.telephony.carriers.refusals import refusal_in
from tests.builders import ACCOUNT, NOW
from tests.component.calls_room import LOG, CallsRoom, calls_room
from tests.component.one_table import LocalAws
from tests.fakes import EMPTY_ROOM

AGENT = AgentSeen("PA_agent", 1_795_224_873_000)


def seen(status: str, *agents: AgentSeen, call_id: str = "call_1") -> RoomView:
    ids = (("telnyx", "leg-1"), ("telnyx", "session-1"))
    return RoomView((LegView(f"sip-{call_id}-1", "PA_leg", "SCL_1", status, ids),), agents)


@dataclass
class Carrier:
    """A carrier that speaks to our hook about the calls of a room."""

    room: CallsRoom
    links: CarrierLinkTable
    local: LocalAws
    paused_s: list[float] = field(default_factory=list)
    meanwhile: Callable[[], object] = lambda: None
    """Happens after the first wait."""

    def tells(self, kind: Kind, call_id: str = "call_1", **fields: Any) -> str:
        event = replace(CarrierEvent(kind, "generic", f"{ACCOUNT}.{call_id}.1", ("sbc-1",)), **fields)
        event = replace(event, refusal=refusal_in(event.sip_code, event.sip_status, event.cause))
        return asyncio.run(self._hear().run(event))

    def forget(self, call_id: str) -> None:
        """Takes the call out of the table: the stand-in copies all of it with each transaction."""
        self.local.dynamodb.delete_item(
            TableName=self.local.table_name, Key={"pk": {"S": calls_pk(ACCOUNT)}, "sk": {"S": call_id}}
        )

    def _hear(self) -> HearCarrier:
        @asynccontextmanager
        async def telephony() -> AsyncIterator[Telephony]:
            yield self.room.telephony

        async def pause(seconds: float) -> None:
            self.paused_s.append(seconds)
            if len(self.paused_s) == 1:
                self.meanwhile()

        room = self.room
        return HearCarrier(
            progress=room.progress,
            store=room.store,
            telephony=telephony,
            looks=room.looks,
            links=self.links,
            paces=room.paces,
            clock=room.clock,
            log=LOG,
            pause=pause,
        )


@pytest.fixture
def room(local: LocalAws) -> CallsRoom:
    return calls_room(local, cap=500)


@pytest.fixture
def carrier(room: CallsRoom, local: LocalAws) -> Carrier:
    return Carrier(room, CarrierLinkTable(local.dynamodb, local.table_name, room.clock), local)


def dialing(room: CallsRoom, call_id: str = "call_1", by: AnswerFrom | None = None, **fields: object) -> None:
    """A call under way, whose carrier tells of the answer if `by` says so."""
    queued = room.queued(call_id, **fields)
    moved = apply(queued, Claimed(room.clock(), by))
    assert isinstance(moved, Moved)
    assert room.store.commit(queued, moved.call) is Committed.DONE
    room.telephony.open_rooms[moved.call.room_name or ""] = room.clock()


# --- ringing ---------------------------------------------------------------------------------------------------------


def test_a_phone_that_rings_for_a_call_that_was_canceled_is_put_out(room: CallsRoom, carrier: Carrier) -> None:
    """The dial came to its room after that had been closed, and made it anew."""
    dialing(room, by=AnswerFrom.CARRIER)
    room.progress.apply(ACCOUNT, "call_1", EndAsked(room.clock(), EndReason.API_HUNG_UP))
    room.clock.move(2)
    carrier.tells(Kind.RINGING)
    assert room.telephony.ended_rooms == [room.call().room_name]


# --- answered --------------------------------------------------------------------------------------------------------


def test_an_answer_that_livekit_shows_is_one(room: CallsRoom, carrier: Carrier) -> None:
    dialing(room)
    room.clock.move(4)
    room.telephony.views = [seen("active", AGENT)]
    assert carrier.tells(Kind.ANSWERED) == "applied"
    call = room.call()
    assert (call.state, call.answered_at, call.leg_sid, call.agent_sid) == (
        State.ACTIVE,
        room.clock(),
        "PA_leg",
        "PA_agent",
    )
    before = room.call()
    assert carrier.tells(Kind.ANSWERED) == "answered_before"
    assert room.call() == before


def test_an_answer_is_waited_for_until_livekit_shows_it(room: CallsRoom, carrier: Carrier) -> None:
    dialing(room)
    room.telephony.views = [EMPTY_ROOM, seen("ringing"), seen("ringing"), seen("active")]
    assert carrier.tells(Kind.ANSWERED) == "applied"
    assert (room.telephony.looks, len(carrier.paused_s)) == (4, 5)
    assert room.call().answered_at is not None


def test_a_room_whose_end_was_asked_for_is_ended_also_where_the_dialer_told_the_answer_and_died(
    room: CallsRoom, carrier: Carrier
) -> None:
    dialing(room)
    room.progress.apply(ACCOUNT, "call_1", EndAsked(room.clock(), EndReason.API_HUNG_UP, 1))
    room.telephony.views = [seen("active", AGENT)]
    carrier.meanwhile = lambda: _dialer_answered(room, carrier, "call_1")
    carrier.tells(Kind.ANSWERED)
    assert room.telephony.ended_rooms == [f"{ACCOUNT}.call_1.1"]
    assert (room.call().state.is_terminal, room.in_use) == (True, 0)


@pytest.mark.parametrize("state", ["conversation", "over", "next attempt", "gone"])
def test_livekit_is_not_asked_for_an_answer_that_the_dialer_tells_meanwhile(
    room: CallsRoom, carrier: Carrier, state: str
) -> None:
    dialing(room, retry=RetryPolicy(2) if state == "next attempt" else None)
    room.telephony.views = [seen("active", AGENT)]
    meanwhile: Mapping[str, Callable[[], object]] = {
        "conversation": lambda: _dialer_answered(room, carrier, "call_1"),
        "over": lambda: _dialer_refused(room, carrier, "call_1"),
        "next attempt": lambda: _dialer_refused(room, carrier, "call_1"),
        "gone": lambda: carrier.forget("call_1"),
    }
    carrier.meanwhile = meanwhile[state]
    outcome = carrier.tells(Kind.ANSWERED)
    assert room.telephony.looks == 0
    assert outcome == {"conversation": "answered_before", "gone": "unknown_call"}.get(state, outcome)
    assert outcome != "applied"


def test_an_answer_that_livekit_does_not_show_is_none_where_the_dialer_tells(room: CallsRoom, carrier: Carrier) -> None:
    dialing(room)
    before = room.call()
    room.telephony.views = [seen("ringing")]
    assert carrier.tells(Kind.ANSWERED) == "not_answered_at_livekit"
    assert sum(carrier.paused_s) == pytest.approx(2.3)
    assert room.call() == before


def test_by_the_carriers_word_a_leg_in_the_room_is_answered_all_the_same(room: CallsRoom, carrier: Carrier) -> None:
    dialing(room, by=AnswerFrom.CARRIER)
    room.telephony.views = [seen("ringing", AGENT)]
    assert carrier.tells(Kind.ANSWERED) == "applied"
    assert room.call().state is State.ACTIVE
    assert sum(carrier.paused_s) == pytest.approx(2.0), "nobody else is waited for"


def test_by_the_carriers_word_a_call_without_a_leg_is_not_answered(room: CallsRoom, carrier: Carrier) -> None:
    dialing(room, by=AnswerFrom.CARRIER)
    assert carrier.tells(Kind.ANSWERED) == "not_answered_at_livekit"
    assert room.call().answered_at is None


def test_by_the_carriers_word_a_call_that_is_over_already_had_been_answered(room: CallsRoom, carrier: Carrier) -> None:
    dialing(room, by=AnswerFrom.CARRIER)
    began = room.clock()
    room.clock.move(9)
    room.progress.apply(ACCOUNT, "call_1", LegLeft(room.clock(), 1, "PA_leg", "CLIENT_INITIATED", "hangup"))
    assert carrier.tells(Kind.ANSWERED, at=began + 6000) == "applied"
    call = room.call()
    assert (call.answered_at, call.state.is_terminal, room.in_use) == (began + 6000, True, 0)


@pytest.mark.parametrize(
    ("by", "outcome", "answered"),
    [(None, "livekit_not_reached", False), (AnswerFrom.CARRIER, "applied", True)],
)
def test_while_livekit_is_away_only_calls_by_the_carriers_word_are_answered(
    room: CallsRoom, carrier: Carrier, by: AnswerFrom | None, outcome: str, answered: bool
) -> None:
    dialing(room, by=by)
    room.telephony.down = True
    assert carrier.tells(Kind.ANSWERED) == outcome
    call = room.call()
    assert (call.answered_at is not None) is answered
    assert call.leg_sid is None
    room.telephony.down = False
    room.telephony.views = [seen("active", AGENT)]
    carrier.tells(Kind.ANSWERED)
    assert (room.call().leg_sid, room.call().state) == ("PA_leg", State.ACTIVE), "said again, it fills in the rest"


def test_an_answered_call_whose_agent_is_missing_is_looked_at_until_one_is_there(
    room: CallsRoom, carrier: Carrier
) -> None:
    dialing(room, by=AnswerFrom.CARRIER)
    room.telephony.views = [seen("active")]
    carrier.tells(Kind.ANSWERED)
    assert room.looks.asked == [(ACCOUNT, "call_1", 2)]


def test_a_second_agent_that_the_answer_finds_is_removed_by_a_look_at_once(room: CallsRoom, carrier: Carrier) -> None:
    dialing(room, by=AnswerFrom.CARRIER)
    first, second = AgentSeen("PA_1", NOW, "agent-1"), AgentSeen("PA_2", NOW + 1, "agent-2")
    room.telephony.views = [RoomView(seen("active").legs, (second, first))]
    carrier.tells(Kind.ANSWERED)
    assert (room.call().agent_sid, room.looks.asked) == ("PA_1", [(ACCOUNT, "call_1", 0)])
    room.look_again("call_1")
    assert room.telephony.removed == ["agent-2"]


def test_by_the_carriers_word_the_hook_does_what_the_dialer_does_after_an_answer(
    room: CallsRoom, carrier: Carrier
) -> None:
    dialing(room, by=AnswerFrom.CARRIER, max_call_duration_s=60)
    room.telephony.views = [seen("active", AGENT)]
    carrier.tells(Kind.ANSWERED)
    assert room.looks.asked == [(ACCOUNT, "call_1", 60)]
    assert carrier.links.room("telnyx", ("session-1",)) == f"{ACCOUNT}.call_1.1"


def test_who_answers_a_call_nobody_wants_any_more_hears_no_agent(room: CallsRoom, carrier: Carrier) -> None:
    dialing(room)
    room.telephony.down = True
    room.hang_up("call_1")
    room.telephony.down = False
    room.telephony.views = [seen("active", AGENT)]
    carrier.tells(Kind.ANSWERED)
    call = room.call()
    assert call.end_reason is EndReason.CALL_CANCELED
    assert room.telephony.ended_rooms == [f"{ACCOUNT}.call_1.1"]
    assert room.in_use == 0


@pytest.mark.parametrize(("told_s", "taken_s"), [(3, 3), (5, 5), (0, 5), (-60, 5), (6, 5), (3600, 5)])
def test_the_carriers_moment_counts_between_the_dial_and_now(
    room: CallsRoom, carrier: Carrier, told_s: int, taken_s: int
) -> None:
    dialing(room)
    began = room.clock()
    room.clock.move(5)
    carrier.tells(Kind.RINGING, at=began + told_s * 1000)
    assert room.call().carrier.rang_at == began + taken_s * 1000


# --- forwarded, failed, ended ----------------------------------------------------------------------------------------


def test_a_call_forwarded_to_voicemail_ends_before_anybody_speaks_to_it(room: CallsRoom, carrier: Carrier) -> None:
    dialing(room)
    assert carrier.tells(Kind.FORWARDED, forwarded_to="sip:vm@a", to_voicemail=True) == "applied"
    assert room.telephony.ended_rooms == [f"{ACCOUNT}.call_1.1"]
    left = LegLeft(room.clock(), 1, "PA_leg", "ROOM_DELETED", "ringing")
    room.progress.apply(ACCOUNT, "call_1", left)
    call = room.call()
    assert (call.state, call.end_reason) == (State.NOT_CONNECTED, EndReason.VOICEMAIL_DETECTED_PRECONNECT)
    assert room.in_use == 0


def test_a_machine_that_the_carrier_hears_in_the_call_ends_it_at_once(room: CallsRoom, carrier: Carrier) -> None:
    dialing(room)
    room.telephony.views = [seen("active", AGENT)]
    carrier.tells(Kind.ANSWERED)
    room.clock.move(3)
    carrier.tells(Kind.FORWARDED, to_voicemail=True)
    call = room.call()
    assert (call.state, call.end_reason) == (State.ENDED, EndReason.AGENT_HUNG_UP_VOICEMAIL_DETECTED)
    assert (room.telephony.ended_rooms, room.in_use) == ([f"{ACCOUNT}.call_1.1"], 0)


def test_a_room_that_cannot_be_closed_keeps_its_line_for_the_sweep(room: CallsRoom, carrier: Carrier) -> None:
    dialing(room)
    room.telephony.down = True
    assert carrier.tells(Kind.FORWARDED, to_voicemail=True) == "applied"
    assert room.call().in_flight
    room.telephony.down = False
    room.clock.move(25)
    room.sweep()
    assert (room.call().end_reason, room.in_use) == (EndReason.VOICEMAIL_DETECTED_PRECONNECT, 0)


def test_an_agent_that_leaves_messages_is_not_cut_off(room: CallsRoom, carrier: Carrier) -> None:
    dialing(room, voicemail_policy=VoicemailPolicy.LEAVE_MESSAGE)
    carrier.tells(Kind.FORWARDED, to_voicemail=True)
    assert (room.call().in_flight, room.telephony.ended_rooms) == (True, [])


def test_by_the_carriers_word_a_failure_ends_the_call_and_frees_its_line(room: CallsRoom, carrier: Carrier) -> None:
    dialing(room, by=AnswerFrom.CARRIER)
    room.clock.move(1)
    assert carrier.tells(Kind.FAILED, sip_code=404, sip_status="Not Found") == "applied"
    call = room.call()
    assert (call.state, call.end_reason) == (State.NOT_CONNECTED, EndReason.SIP_FAILED_WRONG_NUMBER)
    assert (room.in_use, room.telephony.ended_rooms) == (0, [f"{ACCOUNT}.call_1.1"])


def test_by_the_carriers_word_a_failure_is_tried_again_where_the_call_wants_it(
    room: CallsRoom, carrier: Carrier
) -> None:
    retry = RetryPolicy(max_attempts=2, on=(EndReason.USER_BUSY.value,))
    dialing(room, by=AnswerFrom.CARRIER, retry=retry)
    carrier.tells(Kind.FAILED, sip_code=486)
    call = room.call()
    assert (call.state, len(call.attempts), room.in_use) == (State.QUEUED, 1, 0)
    assert room.telephony.ended_rooms == [f"{ACCOUNT}.call_1.1"]
    assert carrier.tells(Kind.FAILED, sip_code=486).endswith("while_queued")


def test_a_carrier_without_room_has_its_trunk_rest_and_the_call_wait(room: CallsRoom, carrier: Carrier) -> None:
    dialing(room, by=AnswerFrom.CARRIER, trunk_id="ST_1")
    room.clock.move(0.2)
    carrier.tells(Kind.FAILED, sip_code=503, sip_status="concurrent call limit exceeded")
    assert (room.call().state, room.call().deferrals) == (State.QUEUED, 1)
    assert room.paces.look("ST_1").next_at == room.clock() + 2000


def test_a_trunk_rests_also_where_the_leg_tells_of_its_leaving_after_the_carriers_word(
    room: CallsRoom, carrier: Carrier
) -> None:
    dialing(room, by=AnswerFrom.CARRIER, trunk_id="ST_1")
    carrier.tells(Kind.FAILED, cause="10004")
    assert room.call().in_flight, "without a code the leg is waited for"
    left = LegLeft(room.clock(), 1, "PA_leg", "USER_UNAVAILABLE", "dialing")
    room.progress.apply(ACCOUNT, "call_1", left)
    assert (room.call().state, room.call().deferrals) == (State.QUEUED, 1)
    assert room.paces.look("ST_1").next_at == room.clock() + 2000


@pytest.mark.parametrize(
    ("last_status", "reason"), [("ringing", EndReason.USER_HUNG_UP_RINGING), ("dialing", EndReason.USER_BUSY)]
)
def test_by_the_carriers_word_a_refusal_waits_for_the_leg_to_say_whether_the_phone_rang(
    room: CallsRoom, carrier: Carrier, last_status: str, reason: EndReason
) -> None:
    dialing(room, by=AnswerFrom.CARRIER)
    room.clock.move(0.9)
    left = LegLeft(room.clock(), 1, "PA_leg", "USER_REJECTED", last_status)
    carrier.meanwhile = lambda: room.progress.apply(ACCOUNT, "call_1", left)
    carrier.tells(Kind.FAILED, sip_code=486, sip_status="Busy Here")
    assert (room.call().end_reason, len(carrier.paused_s)) == (reason, 1)


def test_by_the_carriers_word_a_phone_that_rang_is_not_dialled_again_for_want_of_room(
    room: CallsRoom, carrier: Carrier
) -> None:
    dialing(room, by=AnswerFrom.CARRIER)
    room.clock.move(0.9)
    left = LegLeft(room.clock(), 1, "PA_leg", "USER_REJECTED", "ringing")
    carrier.meanwhile = lambda: room.progress.apply(ACCOUNT, "call_1", left)
    carrier.tells(Kind.FAILED, sip_code=503, sip_status="concurrent call limit exceeded")
    assert (room.call().state, room.call().end_reason) == (State.NOT_CONNECTED, EndReason.SIP_FAILED_CAPACITY)


def test_a_leg_that_says_nothing_is_waited_for_two_seconds(room: CallsRoom, carrier: Carrier) -> None:
    dialing(room, by=AnswerFrom.CARRIER)
    room.clock.move(0.9)
    carrier.tells(Kind.FAILED, sip_code=486, sip_status="Busy Here")
    assert room.call().end_reason is EndReason.USER_BUSY
    assert sum(carrier.paused_s) == pytest.approx(2.0)


def test_a_refusal_whose_reason_is_known_without_the_leg_is_not_waited_with(room: CallsRoom, carrier: Carrier) -> None:
    dialing(room, "call_1", AnswerFrom.CARRIER)
    carrier.tells(Kind.RINGING, "call_1")
    carrier.tells(Kind.FAILED, "call_1", sip_code=486)
    dialing(room, "call_2", AnswerFrom.CARRIER)
    carrier.tells(Kind.FAILED, "call_2", sip_code=404)
    dialing(room, "call_3")
    carrier.tells(Kind.FAILED, "call_3", sip_code=486)
    assert carrier.paused_s == []
    assert room.call("call_3").in_flight, "the dialer has the last word"


def test_a_success_is_no_code_of_a_call_that_failed(room: CallsRoom, carrier: Carrier) -> None:
    dialing(room)
    carrier.tells(Kind.FAILED, sip_code=200)
    assert room.call().evidence.sip_code is None


def test_a_conversation_whose_end_livekit_never_tells_is_over_by_the_carriers_word(
    room: CallsRoom, carrier: Carrier
) -> None:
    dialing(room)
    room.telephony.views = [seen("active", AGENT)]
    carrier.tells(Kind.ANSWERED)
    room.clock.move(30)
    assert carrier.tells(Kind.ENDED, cause="normal_clearing") == "applied"
    ((_, _, after_s),) = room.looks.asked
    room.telephony.views = [RoomView((), (AGENT,))]
    room.clock.move(after_s)
    room.look_again("call_1")
    assert (room.call().end_reason, room.in_use) == (EndReason.USER_HUNG_UP_IN_CALL, 0)


# --- events that do not name their call -------------------------------------------------------------------------------

UNNAMED: Mapping[str, Any] = {"room": None, "provider_call_ids": ("sbc-9",), "sip_code": 404, "sip_status": "Not Found"}


def test_a_hangup_that_overtakes_the_event_which_names_its_call_is_waited_with(
    room: CallsRoom, carrier: Carrier
) -> None:
    dialing(room, by=AnswerFrom.CARRIER)
    room.clock.move(1)
    elsewhere = CarrierLinkTable(carrier.local.dynamodb, carrier.local.table_name, room.clock)
    carrier.meanwhile = lambda: elsewhere.link("generic", "sbc-9", f"{ACCOUNT}.call_1.1")
    assert carrier.tells(Kind.FAILED, at=room.clock(), **UNNAMED) == "applied"
    assert carrier.paused_s == [0.1], "the event that names the call came after the first wait"
    assert room.call().end_reason is EndReason.SIP_FAILED_WRONG_NUMBER


def test_a_young_event_of_nobodys_call_is_refused_after_a_second_and_told_again_it_counts(
    room: CallsRoom, carrier: Carrier
) -> None:
    dialing(room, by=AnswerFrom.CARRIER)
    room.clock.move(1)
    told_at = room.clock()
    with pytest.raises(CallNotKnownYet):
        carrier.tells(Kind.FAILED, at=told_at, **UNNAMED)
    assert sum(carrier.paused_s) == pytest.approx(1.0)
    assert room.call().in_flight
    carrier.tells(Kind.OTHER, provider_call_ids=("sbc-9",))
    room.clock.move(9)
    assert carrier.tells(Kind.FAILED, at=told_at, **UNNAMED) == "applied"
    assert room.call().end_reason is EndReason.SIP_FAILED_WRONG_NUMBER


@pytest.mark.parametrize(("age_ms", "is_refused"), [(4999, True), (5000, False), (-4999, True), (-3_600_000, False)])
def test_an_event_of_nobodys_call_is_not_refused_for_ever_whatever_its_clock_says(
    room: CallsRoom, carrier: Carrier, age_ms: int, is_refused: bool
) -> None:
    at = room.clock() - age_ms
    if is_refused:
        with pytest.raises(CallNotKnownYet):
            carrier.tells(Kind.ENDED, at=at, **UNNAMED)
    else:
        assert carrier.tells(Kind.ENDED, at=at, **UNNAMED) == "not_our_call"
    assert bool(carrier.paused_s) is is_refused


def test_an_event_without_a_moment_is_waited_with_and_never_refused(room: CallsRoom, carrier: Carrier) -> None:
    assert carrier.tells(Kind.FORWARDED, at=None, to_voicemail=True, **UNNAMED) == "not_our_call"
    assert sum(carrier.paused_s) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("kind", "told"),
    [(Kind.OTHER, {}), (Kind.FAILED, {"room": "somebody-elses"}), (Kind.FAILED, {"provider_call_ids": ()})],
)
def test_what_no_later_event_can_make_ours_is_acknowledged_at_once(
    room: CallsRoom, carrier: Carrier, kind: Kind, told: Mapping[str, Any]
) -> None:
    assert carrier.tells(kind, **{"at": room.clock(), **UNNAMED, **told}) == "not_our_call"
    assert carrier.paused_s == []


def test_a_link_is_read_as_it_stands_now(room: CallsRoom, local: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every replica of the table has it: the event that wrote it may have been heard an instant ago."""
    reads: list[dict[str, object]] = []
    get_item = local.dynamodb.get_item

    def note_and_get(**asked: Any) -> Any:
        reads.append(asked)
        return get_item(**asked)

    monkeypatch.setattr(local.dynamodb, "get_item", note_and_get)
    CarrierLinkTable(local.dynamodb, local.table_name, room.clock).room("telnyx", ("session-1", "leg-1"))
    assert [read["ConsistentRead"] for read in reads] == [True, True]


# --- any order -------------------------------------------------------------------------------------------------------

type Word = Callable[[CallsRoom, Carrier, str], object]


def _dialer_answered(room: CallsRoom, _: Carrier, call_id: str) -> object:
    event = Answered(room.clock(), 1, "PA_leg", "SCL_1", AgentSeen(AGENT.sid, AGENT.joined_at))
    return room.progress.apply(ACCOUNT, call_id, event)


def _hung_up(room: CallsRoom, _: Carrier, call_id: str) -> object:
    return room.progress.apply(ACCOUNT, call_id, LegLeft(room.clock(), 1, "PA_leg", "CLIENT_INITIATED", "hangup"))


def _dialer_refused(room: CallsRoom, _: Carrier, call_id: str) -> object:
    event = DialRefused(room.clock(), 1, 486, "Busy Here", "unavailable", "busy")
    return room.progress.apply(ACCOUNT, call_id, event)


def _unanswered_leg_left(room: CallsRoom, _: Carrier, call_id: str) -> object:
    return room.progress.apply(ACCOUNT, call_id, LegLeft(room.clock(), 1, "PA_leg", "USER_REJECTED", "ringing"))


def _rang(_: CallsRoom, carrier: Carrier, call_id: str) -> object:
    return carrier.tells(Kind.RINGING, call_id)


def _answered(room: CallsRoom, carrier: Carrier, call_id: str) -> object:
    room.telephony.views = [seen("active", AGENT, call_id=call_id)]
    return carrier.tells(Kind.ANSWERED, call_id)


def _ended(_: CallsRoom, carrier: Carrier, call_id: str) -> object:
    return carrier.tells(Kind.ENDED, call_id, cause="normal_clearing")


def _failed(_: CallsRoom, carrier: Carrier, call_id: str) -> object:
    return carrier.tells(Kind.FAILED, call_id, sip_code=486, sip_status="Busy Here")


def _ends(
    room: CallsRoom, carrier: Carrier, words: tuple[Word, ...], by: AnswerFrom | None = None
) -> dict[tuple[str, ...], tuple[State, EndReason | None]]:
    """How a call ends for each order of the words, a tenth of a second apart, each call one of its own."""
    ends = {}
    for number, order in enumerate(permutations(words)):
        call_id = f"call_{number}"
        dialing(room, call_id, by)
        room.clock.move(5)
        for word in order:
            room.clock.move(0.1)
            word(room, carrier, call_id)
        call = room.call(call_id)
        ends[tuple(word.__name__ for word in order)] = (call.state, call.end_reason)
        carrier.forget(call_id)
    return ends


def test_a_conversation_ends_alike_in_whatever_order_dialer_carrier_and_livekit_tell_of_it(
    room: CallsRoom, carrier: Carrier
) -> None:
    ends = _ends(room, carrier, (_answered, _dialer_answered, _ended, _hung_up))
    assert set(ends.values()) == {(State.ENDED, EndReason.USER_HUNG_UP_IN_CALL)}, ends
    assert (len(ends), room.in_use) == (24, 0)


def test_a_busy_phone_ends_alike_in_whatever_order_dialer_carrier_and_livekit_tell_of_it(
    room: CallsRoom, carrier: Carrier
) -> None:
    ends = _ends(room, carrier, (_rang, _failed, _dialer_refused, _unanswered_leg_left))
    assert set(ends.values()) == {(State.NOT_CONNECTED, EndReason.USER_HUNG_UP_RINGING)}
    assert (len(ends), room.in_use) == (24, 0)


def test_by_the_carriers_word_a_busy_phone_ends_alike_in_any_order(room: CallsRoom, carrier: Carrier) -> None:
    ends = _ends(room, carrier, (_rang, _failed, _unanswered_leg_left), AnswerFrom.CARRIER)
    assert set(ends.values()) == {(State.NOT_CONNECTED, EndReason.USER_HUNG_UP_RINGING)}
    assert room.in_use == 0


def test_by_the_carriers_word_a_conversation_ends_alike_in_any_order(room: CallsRoom, carrier: Carrier) -> None:
    ends = _ends(room, carrier, (_answered, _ended, _hung_up), AnswerFrom.CARRIER)
    assert set(ends.values()) == {(State.ENDED, EndReason.USER_HUNG_UP_IN_CALL)}, ends
    assert room.in_use == 0
