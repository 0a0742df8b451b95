"""What a later release keeps in a row is there still after this one has changed the row."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from ringline.accounts.account import Account, hash_of
from ringline.accounts.store import AccountStore
from ringline.agents.model.records import Assignment, AssignmentState
from ringline.agents.tables.assignments import Assignments
from ringline.calls.model.call import (
    Attempt,
    CarrierWords,
    Listener,
    Recording,
    State,
)
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.retries import RetryPolicy
from ringline.calls.tables.store import CallStore, Committed
from ringline.calls.web.store import Tickets
from ringline.calls.web.ticket import Ticket, begun
from ringline.routing.records import Agent, Number, Pipe, Sound, VoiceBinding
from ringline.routing.store import RoutingStore
from ringline.runtime.rows import SCHEMA
from ringline.runtime.table import KEY_SK, account_pk, assignments_pk, calls_pk, deliveries_pk, key_pk, web_tickets_pk
from ringline.setup.store import Change, SetupStore
from ringline.trunking.model.lines import CarrierTrunk, Link
from ringline.trunking.tables.links import Links
from ringline.trunking.tables.numbers import NumberRows
from ringline.trunking.tables.trunks import TrunkStore
from ringline.voices.profiles import VoiceProfile
from ringline.voices.store import VoiceCatalogue
from ringline.webhooks.model import delivery as deliveries
from ringline.webhooks.model.endpoint import Endpoint
from ringline.webhooks.model.event_type import EventType
from ringline.webhooks.tables.deliveries import DeliveryStore
from ringline.webhooks.tables.endpoints import EndpointStore
from tests.builders import ACCOUNT, NOW, a_call, a_transfer, at, told_by_the_agent
from tests.component.one_table import LocalAws
from tests.component.releases.tomorrow import kept_of_tomorrow, rewritten_tomorrow, row

CALL = "call_01JD5Z0000000000000000000A"
DELIVERY = deliveries.DeliveryId(account_id=ACCOUNT, endpoint_id="ep_1", sequence=1)


def a_pipe_changed(local: LocalAws) -> tuple[str, str]:
    RoutingStore(local.dynamodb, local.table_name).put_pipe(ACCOUNT, Pipe(pipe_id="P", name="Pipe", agent_id="A"))
    rewritten_tomorrow(local, account_pk(ACCOUNT), "PIPE#P")
    pipe = RoutingStore(local.dynamodb, local.table_name).pipe(ACCOUNT, "P")
    assert pipe is not None
    change = Change(replace(pipe, name="Renamed", sound=replace(pipe.sound, greeting="Hello"), revision=2), pipe)
    assert SetupStore(local.dynamodb, local.table_name).save(ACCOUNT, [change]) is None
    return account_pk(ACCOUNT), "PIPE#P"


def an_agent_changed(local: LocalAws) -> tuple[str, str]:
    store = RoutingStore(local.dynamodb, local.table_name)
    store.put_agent(ACCOUNT, Agent(agent_id="A", name="Agent", sound=Sound("Hi"), voices=(VoiceBinding("vp"),)))
    rewritten_tomorrow(local, account_pk(ACCOUNT), "AGENT#A", brain="dreamer")
    agent = store.agent(ACCOUNT, "A")
    assert agent is not None and agent.brain == "dreamer"
    store.put_agent(ACCOUNT, replace(agent, name="Renamed"))
    return account_pk(ACCOUNT), "AGENT#A"


def a_number_changed(local: LocalAws) -> tuple[str, str]:
    store, rows = RoutingStore(local.dynamodb, local.table_name), NumberRows(local.dynamodb, local.table_name)
    rows.write(ACCOUNT, None, Number(number="+15550100000", number_id="num_1"))
    rewritten_tomorrow(local, account_pk(ACCOUNT), "NUMBER#+15550100000")
    before = store.number(ACCOUNT, "+15550100000")
    assert before is not None
    rows.write(ACCOUNT, before, replace(before, country="US", revision=2))
    return account_pk(ACCOUNT), "NUMBER#+15550100000"


def a_trunk_changed(local: LocalAws) -> tuple[str, str]:
    store = TrunkStore(local.dynamodb, local.table_name)
    store.add(ACCOUNT, CarrierTrunk(trunk_id="trunk_1", name="Carrier", type="byo"))
    rewritten_tomorrow(local, account_pk(ACCOUNT), "TRUNK#trunk_1", type="satellite")
    before = store.trunk(ACCOUNT, "trunk_1")
    assert before is not None and before.type == "satellite"
    assert store.change(ACCOUNT, before, replace(before, name="Renamed", revision=2))
    return account_pk(ACCOUNT), "TRUNK#trunk_1"


def a_link_worked_on(local: LocalAws) -> tuple[str, str]:
    links = Links(local.dynamodb, local.table_name, lambda: NOW)
    links.take(ACCOUNT, "trunk_1")
    rewritten_tomorrow(local, account_pk(ACCOUNT), "LINK#trunk_1")
    links.let_go(ACCOUNT, links.of(ACCOUNT, "trunk_1"))
    return account_pk(ACCOUNT), "LINK#trunk_1"


def an_endpoint_changed(local: LocalAws) -> tuple[str, str]:
    store = EndpointStore(local.dynamodb, local.table_name)
    store.add(ACCOUNT, Endpoint(endpoint_id="ep_1", url="https://e.example", secrets=("whsec_x",), created_at=NOW))
    rewritten_tomorrow(local, account_pk(ACCOUNT), "ENDPOINT#ep_1")
    endpoint = store.endpoint(ACCOUNT, "ep_1")
    assert endpoint is not None
    assert store.replace(ACCOUNT, replace(endpoint, description="Changed"))
    return account_pk(ACCOUNT), "ENDPOINT#ep_1"


def a_delivery_tried_again(local: LocalAws) -> tuple[str, str]:
    store, tried = DeliveryStore(local.dynamodb, local.table_name), deliveries.Attempt(NOW, 12, 500)
    failing = deliveries.Delivery(
        id=DELIVERY,
        event_id="evt_1",
        event_type=EventType.CALL_ENDED,
        told_as="call_end",
        status=deliveries.DeliveryStatus.FAILING,
        call_id=CALL,
        webhook_id="evt_1",
        attempts=(tried,),
        attempt_count=1,
    )
    store.record_failed(failing, 0, NOW)
    key = deliveries_pk(ACCOUNT), "ep_1#000000000000001"
    rewritten_tomorrow(local, *key)
    read = store.delivery(DELIVERY)
    assert read is not None
    again = replace(read, attempts=(*read.attempts, deliveries.Attempt(at(5), 9, 200)), attempt_count=2)
    assert store.record_delivered(replace(again, status=deliveries.DeliveryStatus.DELIVERED), at(5))
    return key


def a_voice_changed(local: LocalAws) -> tuple[str, str]:
    catalogue = VoiceCatalogue(local.dynamodb, local.table_name, lambda: NOW)
    catalogue.put(VoiceProfile(profile_id="vp", name="Voice", stt_provider="deepgram", tts_provider="cartesia"))
    rewritten_tomorrow(local, "VOICES", "vp")
    profile = catalogue.profile("vp")
    assert profile is not None
    catalogue.put(replace(profile, name="Renamed"))
    return "VOICES", "vp"


def an_assignment_answered(local: LocalAws) -> tuple[str, str]:
    store = Assignments(local.dynamodb, local.table_name)
    store.put(None, Assignment(ACCOUNT, CALL, 1, 1, 1, "wss://bridge", AssignmentState.SENT, NOW))
    rewritten_tomorrow(local, assignments_pk(ACCOUNT), f"{CALL}#1")
    kept = store.get(ACCOUNT, CALL, 1)
    assert kept is not None
    assert store.put(kept, kept.__replace__(state=AssignmentState.ACCEPTED, version=2))
    return assignments_pk(ACCOUNT), f"{CALL}#1"


CHANGES: list[tuple[Callable[[LocalAws], tuple[str, str]], int]] = [
    (a_pipe_changed, 3),
    (an_agent_changed, 3),
    (a_number_changed, 1),
    (a_trunk_changed, 1),
    (a_link_worked_on, 1),
    (an_endpoint_changed, 1),
    (a_delivery_tried_again, 2),
    (a_voice_changed, 1),
    (an_assignment_answered, 1),
]


@pytest.mark.parametrize(("change", "places"), CHANGES, ids=[change.__name__ for change, _ in CHANGES])
def test_a_change_keeps_what_a_later_release_wrote(
    local: LocalAws, change: Callable[[LocalAws], tuple[str, str]], places: int
) -> None:
    changed = row(local, *change(local))
    assert kept_of_tomorrow(changed) == places
    assert changed["schema"] == {"N": str(SCHEMA)}, "the number says what its last writer knew"


def test_a_change_of_a_call_keeps_what_a_later_release_wrote(local: LocalAws) -> None:
    AccountStore(local.dynamodb, local.table_name).create_account(Account(ACCOUNT, "Acme", "acme", 2))
    store = CallStore(local.dynamodb, local.table_name)
    recording = Recording("EG_1", "active")
    call = a_call(
        State.QUEUED,
        carrier=CarrierWords(rang_at=at(2)),
        recorded=recording,
        former_recordings=(recording,),
        retry=RetryPolicy(3),
        attempts=(Attempt(1, at(1), at(5), EndReason.USER_BUSY),),
        listeners=(Listener("ear", "listen", at(7)),),
        transfers=(a_transfer(),),
    )
    store.create(told_by_the_agent(call, ready_at=at(2)))
    rewritten_tomorrow(local, calls_pk(ACCOUNT), CALL)
    read = store.get(ACCOUNT, CALL)
    assert read is not None
    changed = replace(read, state=State.CANCELED, version=read.version + 1, ended_at=at(9))
    assert store.commit(read, changed) is Committed.DONE
    assert kept_of_tomorrow(row(local, calls_pk(ACCOUNT), CALL)) == 9


def test_a_key_that_is_rotated_keeps_what_a_later_release_wrote(local: LocalAws) -> None:
    store = AccountStore(local.dynamodb, local.table_name)
    store.create_account(Account(ACCOUNT, "Acme", "acme", 2))
    raw_key, key = store.add_known_key(ACCOUNT, "first")
    rewritten_tomorrow(local, account_pk(ACCOUNT), f"KEY#{key.key_id}")
    rewritten_tomorrow(local, key_pk(hash_of(raw_key)), KEY_SK)
    (read,) = store.keys(ACCOUNT)
    rotated = store.rotate(read, at(3600))
    assert rotated is not None
    for key_id in (key.key_id, rotated[1].key_id):
        assert kept_of_tomorrow(row(local, account_pk(ACCOUNT), f"KEY#{key_id}")) == 1


def test_a_call_takes_over_of_its_ticket_what_is_the_calls_and_not_its_time_to_live(local: LocalAws) -> None:
    AccountStore(local.dynamodb, local.table_name).create_account(Account(ACCOUNT, "Acme", "acme", 2))
    tickets = Tickets(local.dynamodb, local.table_name)
    tickets.put(Ticket(a_call(State.RINGING, attempt=1), at(60)))
    rewritten_tomorrow(local, web_tickets_pk(ACCOUNT), CALL)
    ticket = tickets.get(ACCOUNT, CALL)
    assert ticket is not None
    assert tickets.redeem(begun(ticket, at(3), "PA_leg")) is Committed.DONE
    kept = row(local, calls_pk(ACCOUNT), CALL)
    assert kept_of_tomorrow(kept) == 1
    assert not {"ttl_at_s", "valid_until"} & set(kept)


def test_a_link_that_a_later_release_made_something_of_is_not_forgotten() -> None:
    assert Link(thing="trunk_1").is_empty
    assert not Link(thing="trunk_1", carried=(("peer_id", "PE_1"),)).is_empty
