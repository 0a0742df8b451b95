"""The stream's changes become webhook deliveries, a doorbell, and closed rooms."""

import copy
import json
from types import ModuleType
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ringline.accounts.account import Account
from ringline.accounts.store import AccountStore
from ringline.calls.model.call import State
from ringline.calls.model.events import ContentErased
from ringline.calls.stream.batch import HELD_UP_FOR_S
from ringline.calls.tables.records import call_from_item, call_to_item
from ringline.calls.tables.store import CallStore
from ringline.calls.views.payload import announcements, occurrence_of
from ringline.runtime import aws, metrics
from ringline.webhooks.model.endpoint import Endpoint
from ringline.webhooks.model.event import EventDraft
from ringline.webhooks.model.event_type import EventType
from ringline.webhooks.sending.announce import Announcer
from ringline.webhooks.sending.queue import Outbox
from ringline.webhooks.tables.endpoints import EndpointStore
from ringline.webhooks.tables.events import EventStore
from tests.builders import NOW, a_call, at, moved
from tests.component.one_table import PARKED_BUCKET, LocalAws, load_handler
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


def add_endpoint(local: LocalAws, event_type: str, endpoint_id: str = "ep_1") -> None:
    endpoint = Endpoint(
        endpoint_id=endpoint_id,
        url="https://example.com/hook",
        secrets=("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",),
        created_at=NOW,
        event_types=(event_type,),
    )
    EndpointStore(local.dynamodb, local.table_name).add(ACCOUNT, endpoint)


def test_the_end_of_a_call_is_announced_to_the_endpoint_that_asked_for_it(relay: ModuleType, local: LocalAws) -> None:
    add_endpoint(local, EventType.CALL_ENDED)
    assert relay.lambda_handler(event_of("relay_call_changes", "call_ended"), CONTEXT) == {"batchItemFailures": []}
    (message,) = local.messages()
    body = json.loads(message["Body"])
    assert body == {"account_id": ACCOUNT, "endpoint_id": "ep_1", "sequence": 1}
    event = EventStore(local.dynamodb, local.table_name).at(ACCOUNT, 1)
    assert event is not None
    assert (event.event_type, event.data["sequence"], event.data["status"]) == ("call.ended", 4, "completed")


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
    add_endpoint(local, EventType.CALL_ENDED)
    local.sqs.delete_queue(QueueUrl=local.queue_url)
    event = event_of("relay_call_changes", "call_ended")
    assert relay.lambda_handler(event, CONTEXT) == {"batchItemFailures": [{"itemIdentifier": "111"}]}


def three_ends() -> tuple[dict[str, Any], list[str]]:
    """Three calls that have ended, one after the other in the stream, and their ids."""
    (record,) = event_of("relay_call_changes", "call_ended")["Records"]
    records = []
    for number in range(3):
        each = copy.deepcopy(record)
        each["dynamodb"]["SequenceNumber"] = str(111 + number)
        for image in ("Keys", "NewImage", "OldImage"):
            each["dynamodb"][image]["sk"] = {"S": f"call_{number}"}
        records.append(each)
    return {"Records": records}, [f"call_{number}" for number in range(3)]


def test_what_was_erased_before_the_stream_told_of_the_end_is_not_kept_with_it(
    relay: ModuleType, local: LocalAws
) -> None:
    add_endpoint(local, EventType.CALL_ENDED)
    (end,) = event_of("relay_call_changes", "call_ended")["Records"]
    ended = call_from_item(end["dynamodb"]["NewImage"])
    erased = moved(ended, ContentErased((ended.ended_at or 0) + 3_600_000, ended.to_number))
    erasure = copy.deepcopy(end)
    erasure["dynamodb"] |= {
        "SequenceNumber": "112",
        "OldImage": end["dynamodb"]["NewImage"],
        "NewImage": call_to_item(erased),
    }
    assert relay.lambda_handler({"Records": [end, erasure]}, CONTEXT) == {"batchItemFailures": []}
    (event,) = EventStore(local.dynamodb, local.table_name).page(ACCOUNT, 0, 10)
    assert event.event_type is EventType.CALL_ENDED
    assert event.data == {"call_id": ended.call_id, "content_erased": True}
    assert str(ended.to_number) not in str([event.told, event.data])


def announced(local: LocalAws) -> list[str]:
    bodies = [json.loads(message["Body"]) for message in local.messages()]
    log = EventStore(local.dynamodb, local.table_name)
    told = [number for body in bodies for number in body.get("sequences", [body.get("sequence")]) if number]
    events = [log.at(ACCOUNT, number) for number in told]
    return [event.call_id or "" for event in events if event and event.event_type is EventType.CALL_ENDED]


@pytest.fixture
def parking(local: LocalAws) -> str:
    """The queue that is told of what was parked."""
    aws.s3().create_bucket(Bucket=PARKED_BUCKET)
    return str(local.sqs.create_queue(QueueName="parked")["QueueUrl"])


def parked_in(bucket: str) -> dict[str, Any]:
    keys = [each["Key"] for each in aws.s3().list_objects_v2(Bucket=bucket).get("Contents", [])]
    return {key: json.loads(aws.s3().get_object(Bucket=bucket, Key=key)["Body"].read()) for key in keys}


@pytest.mark.parametrize("image", ["NewImage", "OldImage"])
def test_a_record_that_cannot_be_read_is_kept_whole_and_told_and_holds_nobody_up(
    relay: ModuleType, local: LocalAws, parking: str, image: str
) -> None:
    add_endpoint(local, EventType.CALL_ENDED)
    event, (first, second, third) = three_ends()
    unreadable = event["Records"][1]
    unreadable["dynamodb"][image]["notes"] = {"L": [{"S": "a note without its moment"}]}
    assert relay.lambda_handler(event, CONTEXT) == {"batchItemFailures": []}
    assert announced(local) == [first, third]
    key = f"parked/{second}/112.json"
    (kept,) = parked_in(PARKED_BUCKET).items()
    assert (kept[0], kept[1]["record"]) == (key, unreadable)
    (note,) = local.sqs.receive_message(QueueUrl=parking, MaxNumberOfMessages=10)["Messages"]
    assert json.loads(note["Body"])["parked"] == f"s3://{PARKED_BUCKET}/{key}"


def test_a_record_that_cannot_be_parked_comes_again(relay: ModuleType, local: LocalAws) -> None:
    """Its bucket is not there: nothing may be given up."""
    event, _ = three_ends()
    event["Records"][0]["dynamodb"]["NewImage"]["notes"] = {"L": [{"S": "a note without its moment"}]}
    with pytest.raises(ClientError):
        relay.lambda_handler(event, CONTEXT)


def test_a_record_that_our_own_code_stumbles_over_holds_others_up_for_a_while_and_is_then_parked(
    relay: ModuleType, local: LocalAws, parking: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_endpoint(local, EventType.CALL_ENDED)
    event, (first, second, third) = three_ends()
    announce = Announcer.announce

    def stumbles(self: Announcer, draft: EventDraft) -> int:
        return announce(self, draft) if draft.call_id != second else 1 // 0

    monkeypatch.setattr(Announcer, "announce", stumbles)
    written_at = event["Records"][0]["dynamodb"]["ApproximateCreationDateTime"] * 1000
    monkeypatch.setattr(relay.changes_of_calls, "_clock", lambda: written_at + HELD_UP_FOR_S * 1000 - 1)
    assert relay.lambda_handler(event, CONTEXT) == {"batchItemFailures": [{"itemIdentifier": "112"}]}
    assert (announced(local), parked_in(PARKED_BUCKET)) == ([first], {})
    monkeypatch.setattr(relay.changes_of_calls, "_clock", lambda: written_at + HELD_UP_FOR_S * 1000)
    assert relay.lambda_handler({"Records": event["Records"][1:]}, CONTEXT) == {"batchItemFailures": []}
    assert announced(local) == [third]
    assert list(parked_in(PARKED_BUCKET)) == [f"parked/{second}/112.json"]


def test_a_record_is_never_parked_because_aws_fails(
    relay: ModuleType, local: LocalAws, parking: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_endpoint(local, EventType.CALL_ENDED)
    local.sqs.delete_queue(QueueUrl=local.queue_url)
    event, _ = three_ends()
    written_at = event["Records"][0]["dynamodb"]["ApproximateCreationDateTime"] * 1000
    monkeypatch.setattr(relay.changes_of_calls, "_clock", lambda: written_at + 23 * 3_600_000)
    assert relay.lambda_handler(event, CONTEXT) == {"batchItemFailures": [{"itemIdentifier": "111"}]}
    assert parked_in(PARKED_BUCKET) == {}


def test_each_step_of_a_life_is_announced_once() -> None:
    states = (State.QUEUED, State.DIALING, State.RINGING, State.ACTIVE, State.LAST_WORDS, State.ACTIVE, State.ENDED)
    life = [a_call(state) for state in states]
    told = [announcements(before, after) for before, after in zip([None, *life], life, strict=False)]
    assert told == [[], [], [EventType.CALL_RINGING], [EventType.CALL_ACTIVE], [], [], [EventType.CALL_ENDED]]
    assert announcements(a_call(State.QUEUED), a_call(State.CANCELED)) == [EventType.CALL_ENDED]
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
    assert occurrence_of(EventType.CALL_ENDED, rings) == 1


def test_events_of_one_batch_are_written_in_one_transaction_and_told_one_by_one(
    relay: ModuleType, local: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_endpoint(local, EventType.CALL_ENDED)
    transactions: list[int] = []
    write = aws.dynamodb().transact_write_items

    def counted(**asked: Any) -> Any:
        transactions.append(len(asked["TransactItems"]))
        return write(**asked)

    monkeypatch.setattr(aws.dynamodb(), "transact_write_items", counted)
    event, calls = three_ends()
    assert relay.lambda_handler(event, CONTEXT) == {"batchItemFailures": []}
    # Each event and its place, and the count of a log that begins.
    assert transactions == [2 * 3 + 1]
    assert announced(local) == calls
    assert relay.lambda_handler(event, CONTEXT) == {"batchItemFailures": []}, "the stream gives a batch again"
    assert len(EventStore(local.dynamodb, local.table_name).page(ACCOUNT, 0, 10)) == 3


def test_where_events_cannot_be_written_together_each_is_written_with_its_record(
    relay: ModuleType, local: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_endpoint(local, EventType.CALL_ENDED)
    append_all = EventStore.append_all

    def alone(store: EventStore, drafts: Any) -> Any:
        if len(drafts) > 1:
            raise RuntimeError("not together")
        return append_all(store, drafts)

    monkeypatch.setattr(EventStore, "append_all", alone)
    event, calls = three_ends()
    assert relay.lambda_handler(event, CONTEXT) == {"batchItemFailures": []}
    assert announced(local) == calls


ENDPOINTS = [f"ep_{number}" for number in range(1, 6)]


def marked(local: LocalAws) -> list[str]:
    """The calls whose end is not known to be told."""
    return [item["sk"] for item in local.items() if item.get("item_kind") == "call" and "due_at" in item]


def ended_calls(local: LocalAws) -> dict[str, Any]:
    """Three calls that have ended, in the stream and in the table."""
    event, _ = three_ends()
    for record in event["Records"]:
        local.dynamodb.put_item(
            TableName=local.table_name, Item=record["dynamodb"]["NewImage"] | {"due_at": {"N": "1"}}
        )
        record["dynamodb"]["NewImage"]["due_at"] = {"N": "1"}
    return event


def test_what_an_endpoint_is_told_of_a_batch_is_one_message_and_all_go_out_in_one_request(
    relay: ModuleType, local: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    for endpoint_id in ENDPOINTS:
        add_endpoint(local, EventType.CALL_ENDED, endpoint_id)
    requests: list[int] = []
    send = aws.sqs().send_message_batch

    def counted(**asked: Any) -> Any:
        requests.append(len(asked["Entries"]))
        return send(**asked)

    monkeypatch.setattr(aws.sqs(), "send_message_batch", counted)
    assert relay.lambda_handler(ended_calls(local), CONTEXT) == {"batchItemFailures": []}
    assert requests == [len(ENDPOINTS)]
    messages = local.messages()
    told = {body["endpoint_id"]: body["sequences"] for body in (json.loads(each["Body"]) for each in messages)}
    assert told == {endpoint_id: [1, 2, 3] for endpoint_id in ENDPOINTS}
    assert {each["Attributes"]["MessageGroupId"] for each in messages} == {f"{ACCOUNT}#{each}" for each in ENDPOINTS}


def test_what_sqs_refuses_of_a_request_is_asked_again_and_then_comes_again_with_its_marks(
    relay: ModuleType, local: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    for endpoint_id in ENDPOINTS[:2]:
        add_endpoint(local, EventType.CALL_ENDED, endpoint_id)
    refusals = 0
    send = aws.sqs().send_message_batch

    def refusing(**asked: Any) -> Any:
        nonlocal refusals
        *taken, last = asked["Entries"]
        if refusals <= 0:
            return send(**asked)
        refusals -= 1
        answer = send(**asked | {"Entries": taken}) if taken else {"Successful": []}
        return {**answer, "Failed": [{"Id": last["Id"], "SenderFault": False, "Code": "InternalError"}]}

    monkeypatch.setattr(aws.sqs(), "send_message_batch", refusing)
    event = ended_calls(local)
    refusals = 10
    assert relay.lambda_handler(event, CONTEXT) == {"batchItemFailures": [{"itemIdentifier": "111"}]}
    assert marked(local) == ["call_0", "call_1", "call_2"], "nobody may forget an end that may not be told"
    local.messages()
    refusals = 2
    assert relay.lambda_handler(event, CONTEXT) == {"batchItemFailures": []}
    told = [json.loads(each["Body"]) for each in local.messages()]
    assert {each["endpoint_id"]: each["sequences"] for each in told} == {each: [1, 2, 3] for each in ENDPOINTS[:2]}
    assert marked(local) == []


def test_what_is_measured_is_told_once_however_often_the_batch_comes_again(
    relay: ModuleType, local: LocalAws, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "NAMESPACE", "ringline-prod")
    monkeypatch.delenv("POWERTOOLS_METRICS_DISABLED")
    add_endpoint(local, EventType.CALL_ENDED)
    event, _ = three_ends()

    def ends_told() -> int:
        capsys.readouterr()
        relay.lambda_handler(event, CONTEXT)
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"CallsEnded"' in line]
        return sum(len(line["CallsEnded"]) for line in lines)

    with monkeypatch.context() as sqs_refuses:
        sqs_refuses.setattr(Outbox, "flush", _refused)
        assert [ends_told(), ends_told()] == [0, 0]
    assert ends_told() == 3


def _refused(*_: Any) -> None:
    raise ClientError({"Error": {"Code": "ServiceUnavailable"}}, "SendMessageBatch")
