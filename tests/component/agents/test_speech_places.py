"""The places of the speech workers: one of all for each call, given back with it or found to be nobody's."""

from typing import Any

import pytest

from ringline.agents.speech_places import SpeechPlaces
from ringline.calls.model.call import AttemptId, Call, Direction, State, web_identity
from ringline.calls.model.events import Claimed, EndAsked, FoundOver
from ringline.calls.model.livekit_event import Kind, LivekitEvent, What
from ringline.calls.model.ports import NoPlace, Places, SpeechPlace
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.room_view import RoomView
from ringline.calls.outbound.admit import Paced
from ringline.calls.progress.progress import Applied, PlaceTaken
from ringline.calls.signals.seats import Seats
from ringline.calls.web.receive import ReceiveWebCaller
from ringline.calls.web.store import Tickets
from ringline.calls.web.ticket import a_ticket
from ringline.routing.resolve import InboundRouting, Route
from ringline.runtime.table import runners_pk, speech_places_sk
from tests.builders import ACCOUNT, NOW, a_call
from tests.component.agents.plane import Plane, a_plane
from tests.component.calls_room import LOG
from tests.component.one_table import LocalAws

ROW_OF_1, ROW_OF_2 = (speech_places_sk("ringline-speech", f"speech#{number}", 0, 2) for number in (1, 2))


ROUTE = Route(pipe_id="pipe_1", agent_id="AGENT_1", from_number="+15550100900", brain="prompt")


@pytest.fixture
def plane(local: LocalAws) -> Plane:
    return a_plane(local)


def claimed_in(plane: Plane, row: str, call_id: str) -> Call:
    plane.calls.queued(call_id, brain="prompt", agent_id="AGENT_1")
    outcome = plane.calls.progress.apply_to(plane.calls.call(call_id), Claimed(plane.calls.clock(), speech_row=row))
    assert isinstance(outcome, Applied), outcome
    return outcome.call


def ends(plane: Plane, call_id: str) -> None:
    plane.calls.progress.apply(ACCOUNT, call_id, EndAsked(plane.calls.clock(), EndReason.API_HUNG_UP))
    plane.calls.progress.apply(ACCOUNT, call_id, FoundOver(plane.calls.clock(), 1))


def left_behind(local: LocalAws, row: str, *holders: str) -> None:
    """What a function leaves that knows nothing of places: it ends the call and gives nothing back."""
    local.dynamodb.update_item(
        TableName=local.table_name,
        Key={"pk": {"S": runners_pk("*")}, "sk": {"S": row}},
        UpdateExpression="ADD held :holders",
        ExpressionAttributeValues={":holders": {"SS": list(holders)}},
    )


def held(plane: Plane) -> set[str]:
    return {name for worker in plane.registry.speech_workers() for each in worker.rows for name in each.holders}


def reconcile(plane: Plane) -> int:
    return SpeechPlaces(plane.registry, plane.calls.store, plane.calls.clock, LOG).reconcile()


def test_a_worker_with_room_is_found_whichever_rows_the_calls_of_another_are_counted_in(plane: Plane) -> None:
    first, second = plane.speech_joins("speech#1"), plane.speech_joins("speech#2")
    for number in range(2):
        claimed_in(plane, ROW_OF_2, f"call_{number}")
    plane.beats(first, active_jobs=2)
    plane.beats(second, active_jobs=0)
    assert plane.registry.speech_place() == SpeechPlace(ROW_OF_1)
    for number in range(2, 4):
        claimed_in(plane, ROW_OF_1, f"call_{number}")
    assert isinstance(plane.registry.speech_place(), NoPlace)
    ends(plane, "call_0")
    assert plane.registry.speech_place() == SpeechPlace(ROW_OF_2)


def test_the_calls_of_a_worker_that_is_gone_fill_the_others(plane: Plane) -> None:
    connection = plane.speech_joins("speech#1")
    plane.speech_joins("speech#2")
    for number in range(2):
        claimed_in(plane, ROW_OF_1, f"call_{number}")
    plane.listen.disconnect(connection)
    assert isinstance(plane.registry.speech_place(), NoPlace), "they are the other's by now"


def test_a_row_holds_no_more_calls_than_it_has_places_and_each_once(plane: Plane) -> None:
    plane.speech_joins("speech#1", places=23)
    (worker,) = plane.registry.speech_workers()
    rows = [speech_places_sk("ringline-speech", "speech#1", row, places) for row, places in enumerate((10, 10, 3))]
    assert [each.row for each in worker.rows] == rows
    for number in range(3):
        claimed_in(plane, rows[2], f"call_{number}")
    plane.calls.queued("call_3", brain="prompt", agent_id="AGENT_1")
    late = plane.calls.progress.apply_to(plane.calls.call("call_3"), Claimed(plane.calls.clock(), speech_row=rows[2]))
    assert isinstance(late, PlaceTaken)


def test_a_row_that_is_full_is_written_for_the_price_of_one(plane: Plane, local: LocalAws) -> None:
    plane.speech_joins("ringline-speech-0011aabb", places=500)
    row = speech_places_sk("ringline-speech", "ringline-speech-0011aabb", 49, 10)
    left_behind(local, row, *(f"acc_01KAJ1V7M2E5/call_01KAJ1V7M2E5X4T9Q8ZK3N6B{n:02}/12" for n in range(10)))
    (kept,) = (item for item in local.items() if item["sk"] == row)
    assert len(str(kept)) < 1024


def test_places_that_nobody_gave_back_are_found_and_those_of_calls_are_kept(plane: Plane, local: LocalAws) -> None:
    plane.speech_joins("speech#1")
    plane.speech_joins("speech#2")
    claimed_in(plane, ROW_OF_1, "call_1")
    claimed_in(plane, ROW_OF_1, "call_2")
    ends(plane, "call_2")
    over, unknown, elsewhere = (f"{ACCOUNT}/{name}" for name in ("call_2/1", "call_of_nobody/1", "call_1/1"))
    left_behind(local, ROW_OF_1, over)
    left_behind(local, ROW_OF_2, unknown, elsewhere)
    assert isinstance(plane.registry.speech_place(), NoPlace)
    assert reconcile(plane) == 3
    assert held(plane) == {f"{ACCOUNT}/call_1/1"}
    assert reconcile(plane) == 0


def test_nobody_is_read_while_the_workers_have_as_many_jobs_as_places_are_held(
    plane: Plane, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = plane.speech_joins("speech#1")
    claimed_in(plane, ROW_OF_1, "call_1")
    plane.beats(connection, active_jobs=1)

    def read(*_: Any) -> list[Call]:
        raise AssertionError

    monkeypatch.setattr(plane.calls.store, "get_many", read)
    assert reconcile(plane) == 0


def test_a_call_that_a_later_release_wrote_keeps_its_place(plane: Plane, local: LocalAws) -> None:
    plane.speech_joins("speech#1")
    call = claimed_in(plane, ROW_OF_1, "call_1")
    local.dynamodb.update_item(
        TableName=local.table_name,
        Key={"pk": {"S": f"A#{ACCOUNT}#CALLS"}, "sk": {"S": call.call_id}},
        UpdateExpression="SET #state = :later",
        ExpressionAttributeNames={"#state": "state"},
        ExpressionAttributeValues={":later": {"S": "on_hold"}},
    )
    assert reconcile(plane) == 0
    assert held(plane) == {f"{ACCOUNT}/call_1/1"}


# --- callers ---------------------------------------------------------------------------------------------------------


def a_caller(name: str, **fields: Any) -> Call:
    known: dict[str, Any] = {
        "call_id": f"call_{name}",
        "direction": Direction.INBOUND,
        "brain": "prompt",
        "inbound_room": f"room_{name}",
        "sip_call_id": f"SCL_{name}",
        "dialed_at": NOW,
    }
    return a_call(State.RINGING, **known | fields)


def seats(plane: Plane, places: Places) -> Seats:
    calls = plane.calls
    routing = InboundRouting(calls.routing)
    return Seats(rooms=calls.inbound_rooms, routing=routing, store=calls.store, counters=calls.counters, places=places)


def rings_in(plane: Plane, name: str, places: Places | None = None, **fields: Any) -> Call:
    call = seats(plane, places or plane.registry).open(a_caller(name, **fields), ROUTE)
    assert call is not None and call.state is State.RINGING
    return call


def visits(plane: Plane, name: str, places: Places | None = None) -> Call:
    calls = plane.calls
    tickets = Tickets(calls.store._db, calls.store._table)
    call_id = f"call_{name}"
    tickets.put(a_ticket(ACCOUNT, call_id, ROUTE, NOW))
    desk: Any = Nobody()
    receive = ReceiveWebCaller(
        tickets=tickets,
        store=calls.store,
        capacity=calls.capacity,
        places=places or plane.registry,
        desk=desk,
        looks=calls.looks,
        log=LOG,
    )
    joined = receive.run(
        AttemptId(ACCOUNT, call_id, 1),
        LivekitEvent(What.JOINED, "room", NOW, Kind.STANDARD, "PA_leg", identity=web_identity(call_id)),
        NOW,
    )
    assert joined is not None and joined.call is not None
    return joined.call


class Nobody:
    """A LiveKit in whose rooms there is no agent yet."""

    def take_in(self, _call: Call) -> RoomView:
        return RoomView((), ())


class Stale:
    """What a look says whose place somebody takes before it is used."""

    def __init__(self, row: str) -> None:
        self.row = row

    def speech_place(self) -> SpeechPlace:
        return SpeechPlace(self.row)


COMES_IN = pytest.mark.parametrize("comes", [rings_in, visits], ids=["by phone", "from a browser"])


@COMES_IN
def test_a_caller_takes_a_place_that_is_free_and_gives_it_back(plane: Plane, comes: Any) -> None:
    plane.speech_joins("speech#1")
    call = comes(plane, "a")
    assert (call.speech_row, held(plane)) == (ROW_OF_1, {f"{ACCOUNT}/call_a/1"})
    plane.calls.progress.apply(ACCOUNT, "call_a", FoundOver(plane.calls.clock(), 1))
    assert held(plane) == set()


@COMES_IN
def test_calls_that_go_out_leave_a_caller_the_place_that_they_took(plane: Plane, comes: Any) -> None:
    plane.speech_joins("speech#1", places=1)
    comes(plane, "a")
    plane.calls.queued("call_1", brain="prompt", agent_id="AGENT_1")
    assert isinstance(plane.calls.next_call(ACCOUNT), Paced)


@COMES_IN
def test_a_caller_comes_without_a_place_where_none_is_free(plane: Plane, comes: Any) -> None:
    plane.speech_joins("speech#1", places=2)
    for number in range(2):
        claimed_in(plane, ROW_OF_1, f"call_{number}")
    assert comes(plane, "a").speech_row is None
    stale: Any = Stale(ROW_OF_1)
    assert comes(plane, "b", stale).speech_row is None, "nor where each that was seen free is taken by somebody else"


def test_a_caller_of_an_agent_that_speaks_itself_takes_none(plane: Plane) -> None:
    plane.speech_joins("speech#1")
    assert rings_in(plane, "a", brain=None).speech_row is None
