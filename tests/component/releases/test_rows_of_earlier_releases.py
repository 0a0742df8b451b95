"""What earlier releases wrote (tests/fixtures/releases, made by `make fixtures`) is read, changed and listed."""

import json
from collections.abc import Callable
from copy import replace
from pathlib import Path
from typing import Any

import pytest

from local.releases.release_code import from_json
from ringline.accounts.store import AccountStore
from ringline.accounts.tables.key_uses import KeyUses
from ringline.agents.tables.assignments import Assignments
from ringline.audit.entry import Outcome
from ringline.audit.log import AuditLog
from ringline.audit.log import Wanted as WantedEntries
from ringline.calls.capacity.limits import Limit
from ringline.calls.model.call import Call, State, holder_name
from ringline.calls.outcomes.store import Outcomes
from ringline.calls.tables.limits.reached import LIMIT_KIND, limit_from
from ringline.calls.tables.pages import CallPages
from ringline.calls.tables.queues import (
    account_rung_for,
    call_to_look_at,
    share_to_work_on,
    transfer_to_carry_out,
    worker_to_look_for,
)
from ringline.calls.tables.records import ITEM_KIND, call_from_item, call_to_item
from ringline.calls.tables.store import Committed
from ringline.calls.tables.transcripts import Transcripts
from ringline.calls.tables.writes.results import InTheWay
from ringline.calls.views.call_view import call_view
from ringline.calls.views.payload import CallDrafts
from ringline.calls.views.relay import Change, rooms_to_close
from ringline.calls.views.timeline import timeline
from ringline.calls.web.store import Tickets
from ringline.runtime.rows import SCHEMA, SCHEMA_NAME
from ringline.runtime.table import DUE_SHARD, calls_pk
from ringline.setup.store import Change as ChangeOfSetup
from ringline.setup.store import Kind, Reference, SetupStore
from ringline.trunking.tables.links import Links
from ringline.trunking.tables.numbers import NumberRows
from ringline.trunking.tables.trunks import TrunkStore
from ringline.upgrading.store import WholeTable
from ringline.voices.store import VoiceCatalogue
from ringline.webhooks.model.delivery import Delivery, DeliveryId
from ringline.webhooks.model.event import EventDraft
from ringline.webhooks.model.event_type import EventType
from ringline.webhooks.model.former import FormerDelivery, FormerId
from ringline.webhooks.model.pace import Limits, Turn
from ringline.webhooks.model.replay import ReplayStatus
from ringline.webhooks.replays import Replays, Wanted
from ringline.webhooks.sending.former import TakeOver
from ringline.webhooks.sending.queue import FormerMessage, body_of, deliveries_in, message_in, step_in
from ringline.webhooks.tables.deliveries import DeliveryStore
from ringline.webhooks.tables.endpoints import EndpointStore
from ringline.webhooks.tables.events import EventStore
from ringline.webhooks.tables.failing import FailingEndpoints
from ringline.webhooks.tables.replays import ReplayStore
from ringline.webhooks.tables.turns import TurnStore
from tests.builders import a_call
from tests.component.calls_room import CallsRoom, room_of_no_waiting
from tests.component.one_table import LocalAws
from tests.component.releases.tomorrow import row

ACCOUNT = "acct_demo"
RELEASES = sorted((Path(__file__).parents[2] / "fixtures" / "releases").glob("*.json"))
OF_CALLS = [path for path in RELEASES if path.stem in {"1f7c2e8", "8e192f8"}]
"""Those of before events were rows, whose deliveries stand among their calls."""
OF_EVENTS = [path for path in RELEASES if path not in OF_CALLS]

with_former_deliveries = pytest.mark.parametrize("written", OF_CALLS, ids=lambda path: path.stem, indirect=True)
with_events = pytest.mark.parametrize("written", OF_EVENTS, ids=lambda path: path.stem, indirect=True)

_HEARD_BY: dict[str, Callable[[str], Any]] = {
    "doorbell": account_rung_for,
    "look": call_to_look_at,
    "lost_worker": worker_to_look_for,
    "share": share_to_work_on,
    "transfer": transfer_to_carry_out,
    "deliveries": deliveries_in,
    "replay": step_in,
    "delivery": lambda body: json.loads(body_of(message_in(body))) == json.loads(body),
}


@pytest.fixture(params=RELEASES, ids=lambda path: path.stem)
def written(request: pytest.FixtureRequest) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(request.param.read_text(), object_hook=from_json)
    return told


@pytest.fixture
def room(local: LocalAws, written: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> CallsRoom:
    """The use cases over a table with all that the release wrote."""
    room = room_of_no_waiting(local, monkeypatch)
    for item in written["rows"]:
        local.dynamodb.put_item(TableName=local.table_name, Item=item)
    return room


def calls_of(written: dict[str, Any]) -> list[Call]:
    return [call_from_item(item) for item in written["rows"] if item["pk"]["S"] == calls_pk(ACCOUNT)]


def test_releases_of_each_layout_are_held() -> None:
    assert len(OF_CALLS) == 2 and OF_EVENTS


def test_every_call_is_listed_and_shown(room: CallsRoom, local: LocalAws, written: dict[str, Any]) -> None:
    pages, listed, cursor = CallPages(local.dynamodb, local.table_name), list[Call](), None
    while True:
        page = pages.newest(ACCOUNT, limit=7, cursor=cursor)
        listed += page.calls
        cursor = page.next_cursor
        if cursor is None:
            break
    assert listed == sorted(calls_of(written), key=lambda call: call.call_id, reverse=True)
    for call in room.store.all_whole(listed):
        assert call.is_understood
        assert call_view(call)["call_id"] == call.call_id
        assert timeline(call)
    assert {call.state for call in listed} >= set(State) - {State.LAST_WORDS}


def test_every_call_is_changed_and_loses_nothing(room: CallsRoom, local: LocalAws, written: dict[str, Any]) -> None:
    for call in calls_of(written):
        before = row(local, calls_pk(ACCOUNT), call.call_id)
        changed = replace(call, version=call.version + 1)
        assert room.store.commit(call, changed) is Committed.DONE
        after = row(local, calls_pk(ACCOUNT), call.call_id)
        assert after.pop(SCHEMA_NAME) == {"N": str(SCHEMA)}
        before.pop(SCHEMA_NAME, None)
        # Rows stand where their last writer put them, which here knows of no shards.
        before |= {"due_shard": after["due_shard"]} if "due_shard" in before else {}
        assert after | {"version": before["version"]} == before


def test_a_row_that_goes_in_and_out_of_the_table_is_the_row_that_was_written(written: dict[str, Any]) -> None:
    for item in written["rows"]:
        if item.get("item_kind") == {"S": ITEM_KIND}:
            again = call_to_item(call_from_item(item), in_shards="#" in item.get("due_shard", {"S": ""})["S"])
            assert again.pop(SCHEMA_NAME) == {"N": str(SCHEMA)}
            assert again == {name: value for name, value in item.items() if name != SCHEMA_NAME}


def test_the_relay_reads_both_sides_of_every_change(written: dict[str, Any]) -> None:
    calls = calls_of(written)
    active = next(call for call in calls if call.state is State.ACTIVE)
    for call in calls:
        assert rooms_to_close([Change("1", active, call)]) == ([] if call.in_flight else [active.room_name])


def test_the_dialer_dials_what_waits_and_the_sweep_looks_at_all(room: CallsRoom, written: dict[str, Any]) -> None:
    waiting = [call.call_id for call in calls_of(written) if call.state is State.QUEUED]
    room.clock.now = calls_of(written)[0].created_at + 1000
    for _ in waiting:
        # Their trunk takes two a second.
        room.ring(ACCOUNT)
        room.clock.move(1)
    assert sorted(call.call_id for call in room.telephony.dialed) == waiting
    room.clock.move(3600)
    swept = room.sweep()
    assert (swept.left_alone, swept.redelivered) == (0, 1)


def test_all_that_was_set_up_is_read_and_changed(room: CallsRoom, local: LocalAws, written: dict[str, Any]) -> None:
    at = (local.dynamodb, local.table_name)
    for number in room.routing.numbers(ACCOUNT):
        NumberRows(*at).write(ACCOUNT, number, replace(number, country="US", revision=number.revision + 1))
    setup = SetupStore(*at)
    for pipe in room.routing.pipes(ACCOUNT):
        changed_pipe = replace(pipe, name="Renamed", revision=pipe.revision + 1)
        assert setup.save(ACCOUNT, [ChangeOfSetup(changed_pipe, pipe)]) is None
    for agent in room.routing.agents(ACCOUNT):
        changed_agent = replace(agent, name="Renamed", revision=agent.revision + 1)
        assert setup.save(ACCOUNT, [ChangeOfSetup(changed_agent, agent)]) is None
    for trunk in TrunkStore(*at).trunks(ACCOUNT):
        assert TrunkStore(*at).change(ACCOUNT, trunk, replace(trunk, name="Renamed", revision=trunk.revision + 1))
    for profile in VoiceCatalogue(*at).profiles():
        assert profile.is_served
    assert AccountStore(*at).account(ACCOUNT) is not None
    keys = AccountStore(*at).keys(ACCOUNT)
    assert keys and all(AccountStore(*at).rotate(key, 1) is not None for key in keys)
    Links(*at, room.clock).all(ACCOUNT)


@with_former_deliveries
def test_endpoints_and_deliveries_are_read_and_changed(room: CallsRoom, local: LocalAws) -> None:
    at = (local.dynamodb, local.table_name)
    (endpoint,) = EndpointStore(*at).endpoints(ACCOUNT)
    assert EndpointStore(*at).replace(ACCOUNT, replace(endpoint, description="Changed"))
    deliveries = [each for each in local.items() if each.get("item_kind") == "delivery"]
    (due,) = [each for each in deliveries if "due_at" in each]
    claimed = DeliveryStore(*at).claim_overdue(due["pk"], due["sk"], due["due_at"], due["due_at"] + 1)
    assert isinstance(claimed, FormerDelivery)
    for item in deliveries:
        read = DeliveryStore(*at).former(replace(claimed.id, call_id=item["call_id"]))
        assert read is not None and read.status == item["status"]


@with_former_deliveries
def test_a_delivery_that_fails_goes_on_as_one_of_an_event_with_its_tries_and_its_id(
    room: CallsRoom, local: LocalAws
) -> None:
    at = (local.dynamodb, local.table_name)
    (item,) = [each for each in local.items() if each.get("item_kind") == "delivery" and "due_at" in each]
    ended = replace(a_call(State.ENDED, account_id=ACCOUNT), call_id=item["call_id"])
    local.dynamodb.put_item(TableName=local.table_name, Item=call_to_item(ended))
    deliveries, events = DeliveryStore(*at), EventStore(*at, room.clock)
    take_over = TakeOver(deliveries, events, CallDrafts(*at), room.clock)
    claimed = deliveries.claim_overdue(item["pk"], item["sk"], item["due_at"], item["due_at"] + 1)
    assert isinstance(claimed, FormerDelivery)
    message = take_over.run(FormerMessage(claimed.id, 0))
    assert message is not None
    goes_on, event = deliveries.delivery(message.delivery_id), events.at(ACCOUNT, message.delivery_id.sequence)
    assert goes_on is not None and event is not None
    assert (goes_on.attempt_count, goes_on.told_as, goes_on.webhook_id) == (1, "call_end", item["webhook_id"])
    assert (goes_on.event_id, goes_on.due_at) == (event.event_id, item["due_at"] + 1)
    assert deliveries.former(claimed.id) is None
    # Its message comes again, or the relay of this release announces the same: it is the same event.
    assert take_over.run(FormerMessage(claimed.id, 0)) == message
    assert [each.sequence for each in events.page(ACCOUNT, 0, 10)] == [1]


@with_former_deliveries
def test_what_is_over_or_whose_call_is_gone_does_not_go_on(room: CallsRoom, local: LocalAws) -> None:
    at = (local.dynamodb, local.table_name)
    deliveries, events = DeliveryStore(*at), EventStore(*at, room.clock)
    take_over = TakeOver(deliveries, events, CallDrafts(*at), room.clock)
    for item in [each for each in local.items() if each.get("item_kind") == "delivery"]:
        former_id = FormerId(
            account_id=ACCOUNT, call_id=item["call_id"], endpoint_id="ep_1", told_as=item["event_type"]
        )
        assert take_over.run(FormerMessage(former_id, 0)) is None
    assert events.page(ACCOUNT, 0, 10) == []


@with_events
def test_events_are_read_and_the_log_goes_on(room: CallsRoom, local: LocalAws, written: dict[str, Any]) -> None:
    events = EventStore(local.dynamodb, local.table_name, room.clock)
    logged = events.page(ACCOUNT, 0, 1000)
    assert [event.sequence for event in logged] == list(range(1, len(logged) + 1))
    assert len(logged) == len([item for item in written["rows"] if item["pk"]["S"].endswith("#EVENTS")]) > 0
    for event in logged:
        assert event.event_type.is_known and event.body["id"] == event.event_id
        assert events.event(ACCOUNT, event.event_id) == event
    draft = EventDraft(account_id=ACCOUNT, event_type=EventType.TEST_PING, occurred_at=room.clock(), data={})
    again = replace(draft, data=dict(logged[-1].data))
    assert logged[-1].event_type is EventType.TEST_PING
    assert events.append(again).sequence == len(logged), "one that was appended before has its place"
    assert events.append(replace(draft, occurrence="another")).sequence == len(logged) + 1


@with_events
def test_deliveries_and_replays_are_read_and_changed(room: CallsRoom, local: LocalAws) -> None:
    at = (local.dynamodb, local.table_name)
    (endpoint,) = EndpointStore(*at).endpoints(ACCOUNT)
    assert EndpointStore(*at).replace(ACCOUNT, replace(endpoint, description="Changed"))
    for item in [each for each in local.items() if each.get("item_kind") == "delivery"]:
        named = DeliveryId(account_id=ACCOUNT, endpoint_id=endpoint.endpoint_id, sequence=item["sequence"])
        delivery, event = DeliveryStore(*at).delivery(named), EventStore(*at).at(ACCOUNT, item["sequence"])
        assert delivery is not None and event is not None
        assert (delivery.event_id, delivery.status, delivery.attempt_count) == (event.event_id, item["status"], 1)
    (failing,) = FailingEndpoints(*at).all()
    (due,) = FailingEndpoints(*at).due(failing, room.clock() + 3_600_000, 10)
    assert isinstance(DeliveryStore(*at).claim_overdue(due.pk, due.sk, due.due_at, due.due_at + 1), Delivery)
    limits = Limits(per_second=2, parallel=2)
    taken = TurnStore(*at).take(ACCOUNT, endpoint.endpoint_id, limits, room.clock(), has_waited=False)
    assert isinstance(taken, Turn) or taken.free_at > room.clock()
    replays = Replays(ReplayStore(*at), EventStore(*at), lambda replay: None, room.clock)
    of_endpoint = replays.list(ACCOUNT, endpoint.endpoint_id, 10, None)
    assert {replay.status for replay in of_endpoint} == {ReplayStatus.RUNNING, ReplayStatus.STOPPED}
    ((_, _, replay_id),) = ReplayStore(*at).due(room.clock() + 3_600_000, 10)
    assert not replays.stop(ACCOUNT, endpoint.endpoint_id, replay_id).is_running
    assert replays.start(ACCOUNT, endpoint.endpoint_id, Wanted(from_sequence=1)).is_running


@with_events
def test_what_stands_around_calls_and_accounts_is_read(
    room: CallsRoom, local: LocalAws, written: dict[str, Any]
) -> None:
    at = (local.dynamodb, local.table_name)
    (runner,) = room.places.runners(ACCOUNT)
    (worker,) = room.places.speech_workers()
    (claimed,) = [call for call in calls_of(written) if call.speech_row is not None and call.in_flight]
    assert (runner.in_use, worker.in_use) == (1, 1)
    assert [holder for each in worker.rows for holder in each.holders] == [holder_name(claimed)]
    assert room.store.was_called(ACCOUNT, claimed.to_number or "")
    (unique,) = [call for call in calls_of(written) if call.unique_to is not None and call.state is State.QUEUED]
    assert room.store.in_the_way(unique) == InTheWay(unique.call_id)
    limits = [limit_from(item) for item in written["rows"] if item.get("item_kind") == {"S": LIMIT_KIND}]
    assert {met.limit for met in limits} == set(Limit)
    in_shards = [mark.list_pk for mark in room.watchlist.waiting_accounts()]
    assert len(in_shards) == 2 and room.watchlist.left_off_at(DUE_SHARD) is not None
    entries = AuditLog(*at).page(ACCOUNT, WantedEntries(), 100, None).entries
    assert {entry.outcome for entry in entries} == set(Outcome)
    (used,) = KeyUses(*at).of_account(ACCOUNT)
    assert used in {key.key_id for key in AccountStore(*at).keys(ACCOUNT)}
    assert WholeTable(*at).progress() is not None
    assert not room.inbound_rooms.notes_question(a_call(State.RINGING, inbound_room="in_1")), "they were asked before"
    assert SetupStore(*at).uses(ACCOUNT, Reference(Kind.NUMBER, room.routing.numbers(ACCOUNT)[0].number)) == 1


def test_what_belongs_to_calls_is_read(room: CallsRoom, local: LocalAws, written: dict[str, Any]) -> None:
    at = (local.dynamodb, local.table_name)
    for item in written["rows"]:
        pk, sk = item["pk"]["S"], item["sk"]["S"]
        if pk.endswith("#TRANSCRIPT"):
            call = replace(calls_of(written)[0], call_id=sk.split("#")[0])
            assert Transcripts(*at, lambda: None, "").of_attempt(call, 1) is not None
        if pk.endswith("#WEB"):
            assert Tickets(*at).get(ACCOUNT, sk) is not None
        if pk.endswith("#ASSIGNMENTS"):
            call_id, attempt = sk.split("#")
            assert Assignments(*at).get(ACCOUNT, call_id, int(attempt)) is not None
        if pk.endswith("#OUTCOME"):
            assert Outcomes(*at).of_call(ACCOUNT, sk.split("#")[0])
        if pk.startswith("ROOM#"):
            assert room.inbound_rooms.tenant(pk.removeprefix("ROOM#")) is not None


def test_every_message_is_heard(written: dict[str, Any]) -> None:
    for queue, bodies in written["messages"].items():
        assert bodies and all(_HEARD_BY[queue](body) for body in bodies)
