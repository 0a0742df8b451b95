"""The stream's changes become webhook deliveries, a doorbell, and closed rooms."""

import json
from types import ModuleType

import pytest

from ringline.accounts.account import Account
from ringline.accounts.store import AccountStore
from ringline.calls.model.call import State
from ringline.calls.tables.store import CallStore
from ringline.calls.views.payload import announcements, occurrence_of
from ringline.webhooks.model.endpoint import Endpoint
from ringline.webhooks.model.event_type import EventType
from ringline.webhooks.store import EndpointStore
from tests.builders import NOW, a_call, at
from tests.component.one_table import LocalAws, load_handler
from tests.fakes import CONTEXT
from tests.sample_events import event_of

ACCOUNT = "acct_demo"


@pytest.fixture
def relay(local: LocalAws) -> ModuleType:
    AccountStore(local.dynamodb, local.table_name).create_account(Account(ACCOUNT, "Acme", "acme", 2))
    environment = {
        "DOORBELL_QUEUE_URL": local.queue_url,
        "DELIVERY_QUEUE_URL": local.queue_url,
        "LIVEKIT_URL": "http://127.0.0.1:9",
        "LIVEKIT_API_KEY": "devkey",
        "LIVEKIT_API_SECRET": "a-secret-of-more-than-32-characters",
    }
    return load_handler("relay_call_changes", environment)


def add_endpoint(local: LocalAws, event_type: EventType) -> None:
    endpoint = Endpoint(
        endpoint_id="ep_1",
        url="https://example.com/hook",
        secrets=("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",),
        created_at=NOW,
        event_types=(event_type,),
    )
    EndpointStore(local.dynamodb, local.table_name).add(ACCOUNT, endpoint)


def test_the_end_of_a_call_is_announced_to_the_endpoint_that_asked_for_it(relay: ModuleType, local: LocalAws) -> None:
    add_endpoint(local, EventType.CALL_END)
    assert relay.lambda_handler(event_of("relay_call_changes", "call_ended"), CONTEXT) == {"batchItemFailures": []}
    (message,) = local.messages()
    body = json.loads(message["Body"])
    assert (body["account_id"], body["type"], body["sequence"]) == (ACCOUNT, "call_end", 4)


def test_an_endpoint_that_asked_for_something_else_hears_nothing(relay: ModuleType, local: LocalAws) -> None:
    add_endpoint(local, EventType.CALL_ACTIVE)
    relay.lambda_handler(event_of("relay_call_changes", "call_ended"), CONTEXT)
    assert local.messages() == []


def test_the_freed_line_rings_for_who_waits_in_case_the_one_who_freed_it_died(
    relay: ModuleType, local: LocalAws
) -> None:
    CallStore(local.dynamodb, local.table_name).create(a_call(State.QUEUED, account_id=ACCOUNT))
    relay.lambda_handler(event_of("relay_call_changes", "call_ended"), CONTEXT)
    assert [json.loads(message["Body"]) for message in local.messages()] == [{"account_id": ACCOUNT}]


def test_a_change_that_cannot_be_relayed_is_given_again_with_all_behind_it(
    relay: ModuleType, local: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_endpoint(local, EventType.CALL_END)
    local.sqs.delete_queue(QueueUrl=local.queue_url)
    event = event_of("relay_call_changes", "call_ended")
    assert relay.lambda_handler(event, CONTEXT) == {"batchItemFailures": [{"itemIdentifier": "111"}]}


def test_each_step_of_a_life_is_announced_once() -> None:
    states = (State.QUEUED, State.DIALING, State.RINGING, State.ACTIVE, State.LAST_WORDS, State.ACTIVE, State.ENDED)
    life = [a_call(state) for state in states]
    told = [announcements(before, after) for before, after in zip([None, *life], life, strict=False)]
    assert told == [[], [], [EventType.CALL_RINGING], [EventType.CALL_ACTIVE], [], [], [EventType.CALL_END]]
    assert announcements(a_call(State.QUEUED), a_call(State.CANCELED)) == [EventType.CALL_END]
    assert announcements(a_call(State.ENDED), a_call(State.ENDED)) == []


def test_a_claim_is_not_told_as_a_ringing_phone() -> None:
    assert announcements(a_call(State.QUEUED, attempt=0), a_call(State.DIALING)) == []


def test_an_answer_tells_that_it_rang_if_nobody_did_before() -> None:
    dialing, answered = a_call(State.DIALING), a_call(State.RINGING, answered_at=at(6))
    active, waiting = a_call(State.ACTIVE), a_call(State.LAST_WORDS)
    assert announcements(dialing, active) == [EventType.CALL_RINGING, EventType.CALL_ACTIVE]
    assert announcements(dialing, waiting) == [EventType.CALL_RINGING, EventType.CALL_ACTIVE]
    assert announcements(dialing, answered) == [EventType.CALL_RINGING]
    assert announcements(answered, active) == [EventType.CALL_ACTIVE]


def test_each_dial_rings_for_itself() -> None:
    """A dial that its carrier deferred is another occurrence than the one that rings."""
    deferred, rings = a_call(State.QUEUED, attempt=2), a_call(State.RINGING, attempt=3)
    assert announcements(a_call(State.DIALING, attempt=2), deferred) == []
    assert announcements(deferred, rings) == [EventType.CALL_RINGING]
    assert occurrence_of(EventType.CALL_RINGING, rings) == 3
    assert occurrence_of(EventType.CALL_END, rings) == 1
