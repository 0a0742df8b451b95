"""A LiveKit, a carrier and an agent whose clocks are minutes off, over the real store: durations stay true."""

from collections.abc import Callable
from copy import replace

import pytest

from ringline.calls.model.call import Call, Direction, State
from ringline.calls.model.events import AgentJoined, AgentSeen, Answered, UserSpoke
from ringline.calls.model.livekit_event import Kind, LivekitEvent, What
from ringline.calls.model.room_view import RoomView
from ringline.calls.progress.progress import Applied
from ringline.calls.signals.arrive import Arrive
from ringline.calls.signals.observe import Observe
from ringline.calls.tables.inbound_rooms import InboundRooms
from ringline.calls.views.call_view import call_view
from ringline.routing.records import Trunk
from ringline.routing.resolve import Route
from tests.builders import ACCOUNT
from tests.component.calls_room import LOG, CallsRoom, room_of_no_waiting
from tests.component.one_table import LocalAws
from tests.fakes import EMPTY_ROOM

OFF_S = [-180, 180, -100_000, 3600]
LEFT = LivekitEvent(What.LEFT, "", None, Kind.SIP, "PA_leg", "CLIENT_INITIATED", "hangup")
CALLER = LivekitEvent(
    What.JOINED,
    "in_1",
    None,
    Kind.SIP,
    "PA_leg",
    call_status="ringing",
    identity="sip_1",
    rule_id="SDR_1",
    sip_call_id="SCL_1",
    our_number="+15550100900",
)


@pytest.fixture
def room(local: LocalAws, monkeypatch: pytest.MonkeyPatch) -> CallsRoom:
    return room_of_no_waiting(local, monkeypatch)


def observer(room: CallsRoom, reception: Callable[[], Arrive] | None = None) -> Observe:
    return Observe(
        progress=room.progress,
        close_room=lambda _: None,
        looks=room.looks,
        log=LOG,
        remove_later=lambda *_: False,
        remove=lambda *_: None,
        reception=reception,
    )


def hears(room: CallsRoom, event: LivekitEvent, off_s: int, observe: Observe | None = None) -> str:
    observe = observe or observer(room)
    stamped_at = (room.clock() // 1000 + off_s) * 1000
    return observe.run(replace(event, created_at=stamped_at), room.clock())


@pytest.mark.parametrize("off_s", OFF_S)
@pytest.mark.parametrize("what", [What.LEFT, What.ROOM_FINISHED])
def test_a_call_of_six_seconds_lasts_six_seconds_by_whatever_clock(room: CallsRoom, what: What, off_s: int) -> None:
    call = room.dialing()
    room.clock.move(4)
    answered = Answered(room.clock(), 1, "PA_leg", "SCL_1", AgentSeen("PA_agent", room.clock() + off_s * 1000))
    assert isinstance(room.progress.apply(ACCOUNT, call.call_id, answered), Applied)
    room.clock.move(6)
    assert hears(room, replace(LEFT, what=what, room_name=call.room_name or ""), off_s) == "applied"
    room.clock.move(20)
    room.telephony.open_rooms.clear()
    room.look_again(call.call_id)
    shown = call_view(room.call())
    assert shown["duration_s"] == 6.0
    assert shown["created"] <= shown["started_at"] <= shown["ended_at"]


@pytest.mark.parametrize("off_s", OFF_S)
def test_who_rings_in_has_arrived_now_by_whatever_clock(room: CallsRoom, local: LocalAws, off_s: int) -> None:
    route = Route(pipe_id="PIPE_1", agent_id="AGENT_1", from_number="+15550100900")
    arrive = Arrive(
        InboundRooms(local.dynamodb, local.table_name), _Ours(), _To(route), _Desk(), room.looks, room.clock, LOG
    )
    observe = observer(room, lambda: arrive)
    began = room.clock()
    assert hears(room, CALLER, off_s, observe) == "arrived"
    (item,) = [item for item in local.items() if item.get("direction") == Direction.INBOUND]
    assert (item["created_at"], item["dialed_at"]) == (began, began)
    room.clock.move(1)
    assert isinstance(room.progress.apply(ACCOUNT, item["sk"], AgentJoined(room.clock(), 1, "PA_agent")), Applied)
    room.clock.move(6)
    assert hears(room, replace(LEFT, room_name="in_1", identity="sip_1"), off_s, observe) == "applied"
    call = room.call(item["sk"])
    assert (call.state, call_view(call)["duration_s"]) == (State.ENDED, 6.0)


def test_a_word_by_an_agents_clock_that_is_behind_counts_as_of_now(room: CallsRoom) -> None:
    call = room.dialing()
    room.clock.move(4)
    assert isinstance(room.progress.apply(ACCOUNT, call.call_id, UserSpoke(room.clock() - 180_000, 1)), Applied)
    assert room.call().reports.user_spoke_at == room.clock()


class _Ours:
    def owner_of(self, number: str) -> str:
        return ACCOUNT

    def trunk(self, trunk_id: str) -> Trunk | None:
        return None


class _To:
    def __init__(self, route: Route) -> None:
        self.route = route

    def resolve(self, account_id: str, number: str) -> Route:
        return self.route


class _Desk:
    def take_in(self, call: Call) -> RoomView:
        return EMPTY_ROOM

    def turn_away(self, room: str) -> bool:
        return True

    def close(self, room: str) -> None: ...
