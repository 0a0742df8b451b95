"""Somebody rings in: what is written, who is asked for what, and what comes of it when something is missing."""

from collections.abc import Callable
from copy import replace
from dataclasses import dataclass, field
from typing import cast

import pytest
from aws_lambda_powertools import Logger

from ringline.calls.model.call import AttemptId, Call, Direction, Recording, State
from ringline.calls.model.events import AgentSeen, Event
from ringline.calls.model.livekit_event import EgressReport, Kind, LivekitEvent, What, monitor_identity
from ringline.calls.model.moments import as_allowed
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.results import Moved
from ringline.calls.model.room_view import RoomView, TelephonyDown, present_agents
from ringline.calls.model.timing import DIALER_SILENCE_S
from ringline.calls.model.transfers.transfer import leg_identity
from ringline.calls.progress.progress import Applied, Outcome, Progress, Unapplied
from ringline.calls.rules.lifecycle import apply
from ringline.calls.signals.arrive import Arrive
from ringline.calls.signals.inbound_rows import taken_by
from ringline.calls.signals.observe import Observe
from ringline.calls.tables.inbound_rooms import InboundRooms, Opened, Tenant
from ringline.calls.tables.recordings import recording_key
from ringline.calls.views.timeline import timeline
from ringline.routing.records import Number, Trunk
from ringline.routing.resolve import Route
from tests.builders import ACCOUNT, NOW, at
from tests.fakes import EMPTY_ROOM, CountingLooks, HandClock

ROOM = "in_+15550107777_x"
OURS, THEIRS = "+15550100900", "+15550107777"
ROUTE = Route(pipe_id="PIPE_1", agent_id="AGENT_1", from_number=OURS, ring_timeout_s=25, recording=True)

CALLER = LivekitEvent(
    what=What.JOINED,
    room_name=ROOM,
    created_at=NOW,
    kind=Kind.SIP,
    sid="PA_caller",
    call_status="ringing",
    identity=f"sip_{THEIRS}",
    rule_id="SDR_1",
    sip_call_id="SCL_1",
    our_number=OURS,
    their_number=THEIRS,
)
AGENT = LivekitEvent(
    what=What.JOINED, room_name=ROOM, created_at=NOW, kind=Kind.AGENT, sid="PA_agent", identity="agent-1"
)
SECOND = replace(AGENT, sid="PA_second", identity="agent-2")
GAVE_UP = replace(CALLER, what=What.LEFT, disconnect_reason="CLIENT_INITIATED", call_status="hangup")

STACK, ANOTHER_STACK = "ringline/0a1b", "ringline-dev/2c3d"


@dataclass
class House:
    """One account with one number, its calls and rooms, and a LiveKit that notes what it is asked for."""

    owners: dict[str, str] = field(default_factory=lambda: {OURS: ACCOUNT})
    accounts: set[str] = field(default_factory=lambda: {ACCOUNT})
    trunks: dict[str, Trunk] = field(default_factory=dict)
    country: str | None = None
    shares_livekit: bool = False
    route: Route | None = ROUTE
    calls: list[Call] = field(default_factory=list)
    tenants: dict[str, Tenant] = field(default_factory=dict)
    looks: CountingLooks = field(default_factory=CountingLooks)
    clock: HandClock = field(default_factory=HandClock)
    room: RoomView = EMPTY_ROOM
    is_down: bool = False
    asked: list[str] = field(default_factory=list)
    before_open: Callable[["House"], object] = lambda _: None

    def hears(self, *events: LivekitEvent) -> list[str]:
        log = Logger("test", level="CRITICAL")
        # Rooms and progress are the product's own classes over the table, and no Protocols.
        rooms, progress = cast(InboundRooms, self), cast(Progress, self)
        arrive = Arrive(
            *(rooms, self, self, self, self.looks, self.clock, log, self, self.country),
            stack=STACK,
            shares_livekit=self.shares_livekit,
        )
        observe = Observe(
            progress=progress,
            close_room=lambda room: self.asked.append(f"close {room}"),
            looks=self.looks,
            log=log,
            remove_later=self.remove_later,
            remove=lambda _room, identity: self.asked.append(f"remove {identity}"),
            reception=lambda: arrive,
        )
        return [observe.run(event, self.clock()) for event in events]

    @property
    def call(self) -> Call:
        (call,) = self.calls
        return call

    # Progress
    def apply(self, account_id: str, call_id: str, event: Event) -> Outcome:
        (place,) = (n for n, call in enumerate(self.calls) if (call.account_id, call.call_id) == (account_id, call_id))
        result = apply(self.calls[place], as_allowed(self.calls[place], event, self.clock()))
        if not isinstance(result, Moved):
            return Unapplied(self.calls[place], result.why, result.effects)
        self.calls[place] = result.call
        return Applied(result.call, result.effects)

    # Numbers and routes
    def owner_of(self, number: str) -> str | None:
        return self.owners.get(number)

    def trunk(self, trunk_id: str) -> Trunk | None:
        return self.trunks.get(trunk_id)

    def account(self, account_id: str) -> str | None:
        return account_id if account_id in self.accounts else None

    def resolve(self, account_id: str, number: str) -> Route | None:
        return self.route

    # Rooms
    def tenant(self, room: str) -> Tenant | None:
        return self.tenants.get(room)

    def open(self, call: Call) -> Opened:
        act, self.before_open = self.before_open, lambda _: None
        act(self)
        known = self.tenants.get(call.inbound_room or "")
        if known is not None and known.sip_call_id == call.sip_call_id:
            return Opened.KNOWN
        self.calls.append(call)
        whose = AttemptId(call.account_id, call.call_id, 1)
        self.tenants[call.inbound_room or ""] = Tenant(whose, call.sip_call_id)
        return Opened.OPENED

    # The desk
    def take_in(self, call: Call) -> RoomView:
        self._ask(f"take in {call.room_name}")
        return self.room

    def turn_away(self, room: str) -> bool:
        self._ask(f"turn away {room}")
        return True

    def close(self, room: str) -> None:
        self._ask(f"close {room}")

    def remove_later(self, room: str, kept_sid: str | None, identity: str) -> bool:
        self._ask(f"remove {identity}")
        return kept_sid in {agent.sid for agent in self.room.agents}

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        if self.is_down:
            raise TelephonyDown("scripted")


def test_a_caller_becomes_a_ringing_call_of_the_numbers_account() -> None:
    house = House()
    assert house.hears(CALLER) == ["arrived"]
    call = house.call
    assert (call.account_id, call.direction, call.state) == (ACCOUNT, Direction.INBOUND, State.RINGING)
    assert (call.from_number, call.to_number, call.agent_id, call.pipe_id) == (THEIRS, OURS, "AGENT_1", "PIPE_1")
    assert (call.room_name, call.leg_identity, call.leg_sid) == (ROOM, f"sip_{THEIRS}", "PA_caller")
    assert (call.attempt, call.attempt_number, call.ring_timeout_s, call.recording) == (1, 1, 25, True)
    assert not call.holds_slot and call.due_at is not None
    assert house.asked == [f"take in {ROOM}"]


def test_the_trunk_of_the_number_is_kept_for_the_fallback_number_whoever_takes_the_caller() -> None:
    named = replace(ROUTE, fallback_number="+15550100300", trunk_id="ST_of_pipe")
    house = House(route=replace(named, dialed=Number(number=OURS, number_id="NUM_1", trunk_id="ST_own")))
    house.hears(CALLER)
    assert (house.call.fallback_number, house.call.fallback_trunk_id) == ("+15550100300", "ST_own")
    overflow = replace(named, dialed=Number(number="+15550100901", number_id="NUM_2", trunk_id="ST_other"))
    assert taken_by(house.call, overflow).fallback_trunk_id == "ST_own", "the caller dialled this number, not that one"


def test_a_caller_is_told_of_where_the_pipe_says_that_takes_them() -> None:
    house = House(route=replace(ROUTE, webhook_url="https://example.com/of-the-pipe"))
    house.hears(CALLER)
    assert house.call.webhook_url == "https://example.com/of-the-pipe"
    assert taken_by(house.call, ROUTE).webhook_url is None, "another pipe takes the caller, which names no URL"


def test_the_agent_that_joins_is_the_answer() -> None:
    house = House()
    house.hears(CALLER)
    house.clock.move(0.4)
    assert house.hears(AGENT) == ["applied"]
    call = house.call
    assert (call.state, call.answered_at, call.active_at) == (State.ACTIVE, at(0.4), at(0.4))
    assert call.agent_sid == "PA_agent"


def test_an_agent_that_was_there_before_the_call_was_written_is_the_answer_too() -> None:
    house = House(room=RoomView((), (AgentSeen("PA_agent", NOW - 900),)))
    house.hears(CALLER)
    assert (house.call.state, house.call.answered_at) == (State.ACTIVE, NOW), "and not before the call began"
    assert house.hears(AGENT) == ["agent_is_known"]


def test_a_caller_told_of_twice_is_one_call_with_one_agent() -> None:
    house = House()
    assert house.hears(CALLER, CALLER) == ["arrived", "leg_is_known"]
    assert len(house.calls) == 1
    assert house.asked == [f"take in {ROOM}"]
    assert house.looks.asked[-1] == (ACCOUNT, house.call.call_id, 2), "whoever received the first may have died"


def test_two_tellings_at_the_same_moment_are_one_call() -> None:
    house = House(before_open=lambda house: house.hears(CALLER))
    assert house.hears(CALLER) == ["leg_is_known"]
    assert len(house.calls) == 1
    assert house.asked == [f"take in {ROOM}"]


def test_a_leaving_that_overtakes_the_coming_ends_the_call_that_its_coming_made() -> None:
    house = House(before_open=lambda house: house.hears(CALLER))
    assert house.hears(GAVE_UP) == ["applied"]
    assert house.call.end_reason is EndReason.USER_HUNG_UP_RINGING


def test_a_caller_who_was_gone_before_anybody_was_told_has_given_up_and_no_agent_comes() -> None:
    house = House()
    assert house.hears(GAVE_UP, CALLER) == ["arrived", "call_is_over"]
    assert (house.call.state, house.call.end_reason) == (State.NOT_CONNECTED, EndReason.USER_HUNG_UP_RINGING)
    assert house.asked == [f"close {ROOM}"]


def test_a_number_that_leads_to_nobody_is_a_call_that_is_over_and_its_room_is_closed() -> None:
    house = House(route=None)
    assert house.hears(CALLER, CALLER) == ["number_not_routed", "call_is_over"]
    call = house.call
    assert (call.state, call.end_reason, call.ended_at) == (State.NOT_CONNECTED, EndReason.NUMBER_NOT_ROUTED, NOW)
    assert call.due_at == NOW, "the mark of an end that nobody has announced"
    assert house.asked[0] == f"close {ROOM}"


@pytest.mark.parametrize("number", [None, "anonymous", "+15550100902"])
def test_a_number_of_no_account_leaves_no_call_and_the_caller_is_turned_away(number: str | None) -> None:
    house = House()
    assert house.hears(replace(CALLER, our_number=number)) == ["number_not_ours"]
    assert (house.calls, house.asked) == ([], [f"turn away {ROOM}"])


@pytest.mark.parametrize("shares_livekit", [False, True])
@pytest.mark.parametrize("caller", [CALLER, GAVE_UP])
def test_a_caller_of_another_deployment_in_the_same_livekit_project_is_left_alone(
    caller: LivekitEvent, shares_livekit: bool
) -> None:
    house = House(owners={}, shares_livekit=shares_livekit)
    assert house.hears(replace(caller, stack=ANOTHER_STACK, account_id=ACCOUNT)) == ["number_not_ours"]
    assert (house.calls, house.asked) == ([], [])


def test_in_a_shared_project_a_caller_whose_rule_names_no_deployment_may_be_anothers() -> None:
    house = House(owners={}, shares_livekit=True)
    assert house.hears(CALLER) == ["number_not_ours"]
    assert house.asked == []


def test_in_a_shared_project_a_caller_whom_our_own_rule_let_in_is_turned_away_where_the_number_is_nobodys() -> None:
    house = House(owners={}, shares_livekit=True)
    assert house.hears(replace(CALLER, stack=STACK)) == ["number_not_ours"]
    assert house.asked == [f"turn away {ROOM}"]


@pytest.mark.parametrize("stack", [None, STACK, ANOTHER_STACK])
def test_whoever_let_a_caller_in_a_number_of_ours_is_answered(stack: str | None) -> None:
    house = House(shares_livekit=True)
    assert house.hears(replace(CALLER, stack=stack)) == ["arrived"]


def test_who_called_a_number_of_no_account_and_is_gone_needs_nothing() -> None:
    house = House(owners={})
    assert house.hears(GAVE_UP) == ["number_not_ours"]
    assert house.asked == []


@pytest.mark.parametrize("missing", ["owners", "route"])
def test_a_caller_who_could_not_be_turned_away_is_told_of_again(missing: str) -> None:
    house = House(is_down=True, owners={}) if missing == "owners" else House(is_down=True, route=None)
    with pytest.raises(TelephonyDown):
        house.hears(CALLER)


def test_a_number_without_its_plus_sign_is_the_same_number() -> None:
    house = House()
    house.hears(replace(CALLER, our_number=OURS[1:]))
    assert house.call.to_number == OURS


def test_a_caller_whose_agent_could_not_be_dispatched_is_looked_after_soon() -> None:
    house = House(is_down=True)
    assert house.hears(CALLER) == ["arrived"]
    assert house.call.state is State.RINGING
    assert house.looks.asked == [(ACCOUNT, house.call.call_id, 2)]


def test_whether_an_agent_has_come_is_looked_at_soon() -> None:
    house = House()
    house.hears(CALLER)
    assert house.looks.asked == [(ACCOUNT, house.call.call_id, 2)]


def test_a_second_agent_is_removed_the_moment_it_joins() -> None:
    house = House()
    house.hears(CALLER, AGENT)
    house.room = RoomView((), (AgentSeen("PA_agent", NOW, "agent-1"), AgentSeen("PA_second", NOW, "agent-2")))
    asked = len(house.asked)
    assert house.hears(SECOND) == ["another_agent_talks"]
    assert house.asked[asked:] == ["remove agent-2"]
    assert house.call.agent_sid == "PA_agent"
    assert house.hears(replace(SECOND, what=What.LEFT)) == ["applied"]
    assert (house.call.agent_sid, house.call.agent_left_at) == ("PA_agent", None)


def test_a_second_agent_is_the_successor_of_one_whose_leaving_was_lost() -> None:
    house = House()
    house.hears(CALLER, AGENT)
    house.room = RoomView((), (AgentSeen("PA_second", NOW, "agent-2"),))
    assert house.hears(SECOND) == ["applied"]
    assert (house.call.agent_sid, house.call.agent_left_at, house.call.state) == ("PA_second", None, State.ACTIVE)


def test_a_second_agent_that_could_not_be_removed_is_looked_after() -> None:
    house = House()
    house.hears(CALLER, AGENT)
    house.is_down = True
    assert house.hears(SECOND) == ["another_agent_talks"]
    assert house.looks.asked[-1] == (ACCOUNT, house.call.call_id, 2)


def test_somebody_without_a_phone_who_leaves_a_call_without_its_agent_has_it_looked_at() -> None:
    house = House()
    colleague = replace(AGENT, kind=Kind.STANDARD, sid="PA_colleague", identity="jo", what=What.LEFT)
    assert house.hears(CALLER, AGENT, colleague) == ["arrived", "applied", "agent_is_there"]
    assert house.hears(replace(AGENT, what=What.LEFT), colleague) == ["applied", "applied"]
    assert house.looks.asked[-2:] == [(ACCOUNT, house.call.call_id, 6)] * 2


def test_a_short_conversation_is_looked_at_when_it_reaches_its_limit() -> None:
    house = House(route=replace(ROUTE, max_call_duration_s=60))
    house.hears(CALLER, AGENT)
    assert house.looks.asked[-1] == (ACCOUNT, house.call.call_id, 60)


def test_rooms_in_which_nobody_rang_in_are_somebody_elses() -> None:
    house = House()
    strangers = (AGENT, replace(CALLER, rule_id=None), replace(AGENT, what=What.LEFT))
    assert house.hears(*strangers) == ["not_our_room"] * 3
    assert (house.calls, house.asked) == ([], [])


def called_in(call_id: str) -> LivekitEvent:
    """The leg of whom a call is to be handed over to, as it joins: before its INVITE."""
    identity = leg_identity(call_id, 1, "trf_1")
    return replace(CALLER, sid="PA_target", sip_call_id="SCL_9", rule_id=None, identity=identity, call_status="dialing")


def test_whoever_is_called_into_a_callers_room_is_no_next_caller() -> None:
    house = House()
    house.hears(CALLER, AGENT)
    before = list(house.asked)
    assert house.hears(called_in(house.call.call_id)) == ["leg_of_another"]
    assert house.asked == before and house.call.in_flight


def test_whoever_would_ring_for_a_caller_who_is_gone_is_put_out_alone() -> None:
    # Asked to dial as the caller hung up, LiveKit makes the room anew, and the next caller may be in it.
    house = House()
    house.hears(CALLER, AGENT, replace(GAVE_UP, call_status="active"))
    assert not house.call.in_flight
    target = called_in(house.call.call_id)
    assert house.hears(target) == ["call_is_over"]
    assert house.asked[-1] == f"remove {target.identity}"


def test_whom_somebody_else_calls_into_a_room_that_was_a_callers_is_left_alone() -> None:
    house = House()
    house.hears(CALLER, AGENT, replace(GAVE_UP, call_status="active"))
    before = list(house.asked)
    strangers = (called_in("call_of_another_stack"), replace(called_in("x"), identity="desk-phone-of-another-app"))
    assert house.hears(*strangers) == ["not_our_room"] * 2
    assert house.asked == before


def test_a_room_that_a_rule_gives_one_caller_after_another_has_a_call_for_each() -> None:
    house = House()
    house.hears(CALLER, GAVE_UP)
    next_one = replace(CALLER, sid="PA_next", sip_call_id="SCL_2", their_number="+15550108888")
    assert house.hears(next_one, AGENT) == ["arrived", "applied"]
    former, present = house.calls
    assert (former.end_reason, present.state) == (EndReason.USER_HUNG_UP_RINGING, State.ACTIVE)
    assert house.hears(replace(GAVE_UP, sid="PA_caller")) == ["stale_leg"]


def test_the_caller_before_is_looked_after_where_nobody_told_that_they_left() -> None:
    house = House()
    house.hears(CALLER, AGENT)
    former_id = house.call.call_id
    next_one = replace(
        CALLER, sid="PA_next", sip_call_id="SCL_2", their_number="+15550108888", identity="sip_+15550108888"
    )
    assert house.hears(next_one) == ["arrived"]
    former, present = house.calls
    assert (former.in_flight, former.evidence.room_finished_at is not None) == (True, True)
    assert (ACCOUNT, former_id, DIALER_SILENCE_S + 1) in house.looks.asked
    assert present.evidence.room_finished_at is None


def test_a_token_to_hear_one_caller_lets_nobody_hear_the_next_one_in_the_same_room() -> None:
    house = House()
    house.hears(CALLER, AGENT)
    listener = replace(
        AGENT, kind=Kind.STANDARD, sid="PA_ear", identity=monitor_identity("listen", house.call.call_id, "1")
    )
    assert house.hears(listener) == ["applied"]
    house.asked.clear()
    gone = replace(listener, what=What.LEFT)
    assert house.hears(gone, GAVE_UP, listener) == ["applied", "applied", "call_is_over"]
    next_one = replace(CALLER, sid="PA_next", sip_call_id="SCL_2")
    assert house.hears(next_one, listener, listener) == ["arrived", "applied", "listener_of_another_call"]
    assert [word for word in house.asked if word.startswith("remove")] == [f"remove {listener.identity}"] * 3
    former, present = house.calls
    assert ([each.identity for each in former.listeners], present.listeners) == ([listener.identity], ())
    told = {event["what"]: event["why"] for event in timeline(present) if "listener" in event["what"]}
    assert told == {"listener_removed": listener.identity}


def test_a_leg_that_comes_back_after_a_restart_is_the_same_call() -> None:
    house = House()
    house.hears(CALLER)
    assert house.hears(replace(CALLER, sid="PA_again", call_status="dialing")) == ["applied"]
    assert house.call.leg_sid == "PA_again"
    assert house.hears(AGENT) == ["applied"]
    assert house.call.state is State.ACTIVE


def test_a_recording_of_a_callers_room_is_the_calls() -> None:
    house = House()
    house.hears(CALLER, AGENT)
    assert house.hears(recorded(house.call, What.EGRESS_STARTED, "EGRESS_ACTIVE")) == ["applied"]
    assert house.call.recorded is not None and house.call.recorded.status == "started"


def recorded(call: Call, what: What, status: str) -> LivekitEvent:
    report = EgressReport(f"EG_{call.call_id}", status, recording_key(call), 2.5)
    return LivekitEvent(what, ROOM, NOW, egress=report)


def test_an_agent_that_came_for_the_caller_before_is_not_this_ones_however_late_its_joining_is_told() -> None:
    former = AgentSeen("PA_former", NOW - 60_000, "agent-former")
    house = House(room=replace(EMPTY_ROOM, former=(former,)))
    house.hears(CALLER)
    assert (house.call.state, house.call.former_agent_sids) == (State.RINGING, ("PA_former",))
    assert present_agents(house.call, replace(EMPTY_ROOM, agents=(former,))) == ()
    house.hears(replace(AGENT, sid=former.sid, identity=former.identity))
    assert house.call.state is State.RINGING


def test_what_is_told_of_a_recording_is_of_its_call_also_when_the_next_caller_has_the_room() -> None:
    house = House()
    house.hears(CALLER, AGENT, replace(GAVE_UP, call_status="hangup"))
    house.hears(replace(CALLER, sid="PA_next", sip_call_id="SCL_2"), AGENT)
    former, present = house.calls
    assert house.hears(recorded(present, What.EGRESS_STARTED, "EGRESS_ACTIVE")) == ["applied"]
    assert house.hears(recorded(former, What.EGRESS_ENDED, "EGRESS_COMPLETE")) == ["applied"]
    former, present = house.calls
    assert former.recorded == Recording(f"EG_{former.call_id}", "ended", recording_key(former), 2.5)
    assert present.recorded == Recording(f"EG_{present.call_id}", "started")


def test_what_somebody_else_records_in_a_callers_room_is_not_the_calls() -> None:
    house = House()
    house.hears(CALLER, AGENT)
    strangers = [EgressReport("EG_2", "EGRESS_ACTIVE"), EgressReport("EG_3", "EGRESS_COMPLETE", "notes/agent.ogg", 9.0)]
    events = [LivekitEvent(What.EGRESS_ENDED, ROOM, NOW, egress=report) for report in strangers]
    assert house.hears(*events) == ["another_recording"] * 2
    assert house.call.recorded is None
