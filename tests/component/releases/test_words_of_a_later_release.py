"""Words that only a later release knows are shown as they are, written by nobody, and break nothing."""

import json
from collections.abc import Callable
from copy import replace
from types import ModuleType
from typing import Any

import pytest

from ringline.calls.model.call import Attempt, Call, Direction, State, VoicemailPolicy
from ringline.calls.model.events import AgentHangsUp, Claimed, EndAsked, FoundOver, LegJoined, LegLeft, RoomFinished
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.results import Unmoved
from ringline.calls.model.retries import RetryPolicy
from ringline.calls.model.timing import END_TOLD_WITHIN_S, ZOMBIE_ROOM_S
from ringline.calls.model.transfers.transfer import AskedBy, Target, TargetKind, TransferMode, TransferState
from ringline.calls.model.transfers.transfer_events import TransferAsked, TransferBegun, TransferCompleted
from ringline.calls.progress.hang_up import HangUpResult
from ringline.calls.rules.lifecycle import apply
from ringline.calls.rules.transfers.due import TransferOwed, transfer_owed
from ringline.calls.tables.records import call_from_item, call_to_item
from ringline.calls.views.payload import CallDrafts
from ringline.calls.views.relay import Change, calls_to_record, rooms_to_close
from ringline.runtime.items import Item
from ringline.runtime.table import calls_pk
from ringline.webhooks.model.endpoint import Endpoint
from ringline.webhooks.model.event_type import EventType
from ringline.webhooks.sending.queue import FormerMessage, body_of, message_in
from ringline.webhooks.tables.endpoints import EndpointStore
from ringline.webhooks.tables.events import EventStore
from tests.builders import ACCOUNT, NOW, a_call, a_transfer, at, moved
from tests.component.calls_room import CallsRoom, calls_room
from tests.component.one_table import LocalAws, load_handler
from tests.component.releases.tomorrow import rewritten_tomorrow, row
from tests.fakes import CONTEXT
from tests.sample_events import event_of

CALL = "call_01JD5Z0000000000000000000A"
NOWHERE = {
    "LIVEKIT_URL": "http://127.0.0.1:9",
    "LIVEKIT_API_KEY": "devkey",
    "LIVEKIT_API_SECRET": "a-secret-of-more-than-32-characters",
}
REASON = "USER_SANG"

ON_HOLD = replace(a_call(State.ACTIVE), state=State.kept("on_hold"), due_at=NOW)
BY_FAX = replace(a_call(State.ACTIVE), direction=Direction.kept("fax"), due_at=NOW)


@pytest.fixture
def room(local: LocalAws) -> CallsRoom:
    return calls_room(local)


def put(local: LocalAws, call: Call, **words: str) -> Item:
    """The row of a call as a later release wrote it."""
    local.dynamodb.put_item(TableName=local.table_name, Item=call_to_item(call))
    return rewritten_tomorrow(local, calls_pk(call.account_id), call.call_id, **words)


# --- what is shown ---------------------------------------------------------------------------------------------------


def test_every_word_of_a_call_is_shown_and_written_back_as_it_is(local: LocalAws) -> None:
    target = Target(TargetKind.kept("pigeon"), "coop")
    transfer = a_transfer(
        target=target, mode=TransferMode.kept("tepid"), asked_by=AskedBy.kept("owl"), state=TransferState.kept("held")
    )
    call = a_call(
        State.ENDED,
        direction=Direction.kept("fax"),
        end_reason=EndReason.kept(REASON),
        end_asked_reason=EndReason.kept("USER_WAVED"),
        voicemail_policy=VoicemailPolicy.kept("sing"),
        attempts=(Attempt(1, at(1), at(5), EndReason.kept("USER_SNEEZED")),),
        transfers=(transfer,),
    )
    read = call_from_item(put(local, call, state="adjourned"))
    again = call_to_item(read)
    shown = json.dumps(again)
    for word in ("fax", REASON, "USER_WAVED", "USER_SNEEZED", "sing", "pigeon", "tepid", "owl", "held", "adjourned"):
        assert f'"{word}"' in shown
    assert call_from_item(again) == read


def ask(handler: ModuleType, case: str, **changes: Any) -> tuple[int, Any]:
    answer = handler.lambda_handler({**event_of("manage", case), **changes}, CONTEXT)
    return answer["statusCode"], json.loads(answer["body"])


@pytest.fixture
def manage(local: LocalAws) -> ModuleType:
    calls_room(local)
    environment = {"DOORBELL_QUEUE_URL": local.queue_url, **NOWHERE}
    return load_handler("manage", environment, is_held=False)


def test_lists_and_single_calls_answer_with_the_words_as_they_are(manage: ModuleType, local: LocalAws) -> None:
    account = event_of("manage", "get_call")["requestContext"]["authorizer"]["lambda"]["account_id"]
    transfer = a_transfer(state=TransferState.kept("held"))
    call = a_call(State.ENDED, account_id=account, end_reason=EndReason.USER_BUSY, transfers=(transfer,))
    put(local, call, state="adjourned", direction="fax", end_reason=REASON)
    status, shown = ask(manage, "get_call")
    words = (shown["state"], shown["status"], shown["direction"], shown["end_reason"], shown["end_category"])
    assert (status, words) == (200, ("adjourned", "adjourned", "fax", REASON, None))
    assert shown["transfers"][0]["state"] == "held"
    for case in ("list_calls", "list_sessions", "hang_up"):
        status, shown = ask(manage, case)
        assert status == 200, case
    assert shown["result"] == "left_alone"


# --- what is told ----------------------------------------------------------------------------------------------------


def test_the_relay_tells_the_end_of_a_call_whose_reason_it_does_not_know(local: LocalAws) -> None:
    calls_room(local)
    environment = {"DOORBELL_QUEUE_URL": local.queue_url, "DELIVERY_QUEUE_URL": local.queue_url, **NOWHERE}
    relay = load_handler("relay_call_changes", environment)
    endpoint = Endpoint(
        endpoint_id="ep_1",
        url="https://example.com/hook",
        secrets=("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",),
        created_at=NOW,
        event_types=(EventType.CALL_ENDED, EventType.kept("call_sung")),
    )
    EndpointStore(local.dynamodb, local.table_name).add(ACCOUNT, endpoint)
    records = [
        a_record("1", a_call(State.ACTIVE), put(local, ON_HOLD)),
        a_record("2", ON_HOLD, put(local, a_call(State.ENDED), end_reason=REASON, direction="fax")),
    ]
    assert relay.lambda_handler({"Records": records}, CONTEXT) == {"batchItemFailures": []}
    (message,) = local.messages()
    event = EventStore(local.dynamodb, local.table_name).at(ACCOUNT, json.loads(message["Body"])["sequence"])
    assert event is not None
    assert (event.data["end_reason"], event.data["direction"]) == (REASON, "fax")


def a_record(number: str, before: Call, after: Item) -> dict[str, Any]:
    return {"dynamodb": {"SequenceNumber": number, "OldImage": call_to_item(before), "NewImage": after}}


def test_a_call_that_goes_on_under_a_later_release_keeps_its_room_and_its_line() -> None:
    change = Change("1", a_call(State.ACTIVE), ON_HOLD)
    assert rooms_to_close([change]) == []
    assert calls_to_record([change]) == []


def test_an_event_that_only_a_later_release_knows_is_sent_with_the_call_as_it_is(local: LocalAws) -> None:
    local.dynamodb.put_item(TableName=local.table_name, Item=call_to_item(a_call(State.ENDED)))
    body = {"account_id": ACCOUNT, "call_id": CALL, "endpoint_id": "ep_1", "type": "call_sung", "sequence": 3}
    message = message_in(json.dumps(body))
    assert json.loads(body_of(message))["type"] == "call_sung"
    assert isinstance(message, FormerMessage)
    draft = CallDrafts(local.dynamodb, local.table_name).draft(ACCOUNT, CALL, message.former_id.event_type, 1)
    assert draft is not None and (draft.event_type, draft.data["status"]) == ("call_sung", "completed")


# --- what is left alone ----------------------------------------------------------------------------------------------


EVENTS: list[Callable[[Call], Any]] = [
    lambda call: LegLeft(at(30), call.attempt, "PA_leg", "CLIENT_INITIATED", "hangup"),
    lambda call: EndAsked(at(30), EndReason.API_HUNG_UP, call.attempt),
    lambda call: FoundOver(at(30), call.attempt),
    lambda call: RoomFinished(at(30), call.attempt),
    lambda call: LegJoined(at(30), call.attempt, "PA_other"),
    lambda call: LegJoined(at(30), call.attempt + 1, "PA_other"),
    lambda call: AgentHangsUp(at(30), call.attempt, EndReason.AGENT_HUNG_UP, None),
]


@pytest.mark.parametrize("call", [ON_HOLD, BY_FAX], ids=["state", "direction"])
@pytest.mark.parametrize("event", EVENTS)
def test_nothing_moves_a_call_of_a_later_release(call: Call, event: Callable[[Call], Any]) -> None:
    assert apply(call, event(call)) == Unmoved("of_a_later_release")


@pytest.mark.parametrize("call", [ON_HOLD, BY_FAX], ids=["state", "direction"])
def test_the_sweep_leaves_it_alone_and_says_so(room: CallsRoom, local: LocalAws, call: Call) -> None:
    before = put(local, call)
    room.telephony.open_rooms[call.room_name or ""] = NOW - 2 * ZOMBIE_ROOM_S * 1000
    swept = room.sweep()
    assert (swept.left_alone, swept.settled, swept.rooms_closed) == (1, 0, 0)
    assert room.telephony.ended_rooms == []
    assert row(local, calls_pk(ACCOUNT), CALL) == before


def test_the_end_of_a_call_of_another_direction_is_told_by_the_sweep_where_nobody_did(
    room: CallsRoom, local: LocalAws
) -> None:
    """Over is over in any direction: the mark of an end that was not announced outlives a rollback."""
    room.dialing(CALL)
    room.hang_up(CALL)
    room.progress.apply(ACCOUNT, CALL, FoundOver(room.clock(), 1))
    rewritten_tomorrow(local, calls_pk(ACCOUNT), CALL, direction="fax", end_reason=REASON)
    room.clock.move(END_TOLD_WITHIN_S)
    swept = room.sweep()
    assert (swept.ends_told, swept.left_alone) == (1, 0)
    kept = row(local, calls_pk(ACCOUNT), CALL)
    assert (kept["direction"], kept["end_reason"]) == ({"S": "fax"}, {"S": REASON})
    assert not room.call(CALL).end_is_untold


def test_a_hang_up_closes_no_room_of_it(room: CallsRoom, local: LocalAws) -> None:
    before = put(local, ON_HOLD)
    hung_up = room.hang_up(CALL)
    assert hung_up is not None and hung_up.result is HangUpResult.LEFT_ALONE
    assert room.telephony.ended_rooms == []
    assert row(local, calls_pk(ACCOUNT), CALL) == before


def test_the_dialer_passes_over_a_waiting_call_of_a_direction_it_does_not_know(
    room: CallsRoom, local: LocalAws
) -> None:
    room.store.create(a_call(State.QUEUED, direction=Direction.kept("fax")))
    room.store.create(a_call(State.QUEUED, call_id="call_2"))
    room.ring()
    assert [call.call_id for call in room.telephony.dialed] == ["call_2"]
    assert isinstance(apply(room.call(CALL), Claimed(at(1))), Unmoved)


def test_a_call_ends_whose_counters_are_of_a_kind_that_it_does_not_know(room: CallsRoom) -> None:
    call = room.dialing(counters=("REGION#eu", "AGENT#AGENT_1"), from_pool=True, counted_on=20_000)
    room.hang_up(call.call_id)
    room.progress.apply(ACCOUNT, call.call_id, FoundOver(room.clock(), call.attempt))
    assert room.call(call.call_id).state.is_terminal


# --- transfers and retries -------------------------------------------------------------------------------------------


HELD = a_transfer(state=TransferState.kept("held"))


def test_a_transfer_of_a_later_release_is_left_alone_while_its_call_goes_on_and_ends() -> None:
    call = a_call(State.ACTIVE, transfers=(HELD,))
    assert transfer_owed(call, at(10_000)) is TransferOwed.NOTHING
    for event in (TransferBegun, TransferCompleted):
        assert isinstance(apply(call, event(at(9), 1, HELD.transfer_id)), Unmoved)
    asked = apply(call, TransferAsked(at(9), 1, a_transfer(transfer_id="transfer_2")))
    assert asked == Unmoved("transfer_under_way")
    ended = moved(call, LegLeft(at(30), 1, "PA_leg", "CLIENT_INITIATED", "hangup"))
    assert ended.state.is_terminal and ended.transfers == (HELD,)


def test_a_reason_of_a_later_release_is_retried_only_where_it_was_named() -> None:
    reason = EndReason.kept(REASON)
    assert RetryPolicy(3).delay_s(reason, 1) is None
    assert RetryPolicy(3, on=(REASON,)).delay_s(reason, 1) == 60


def test_an_end_that_a_later_release_asked_for_keeps_its_reason() -> None:
    call = a_call(State.ACTIVE, end_asked_at=at(20), end_asked_reason=EndReason.kept(REASON))
    assert moved(call, FoundOver(at(30), 1)).end_reason == REASON
