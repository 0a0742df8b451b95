"""A message that names several deliveries: they are made at once, on one reading, and what is done is known to be."""

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from ringline.runtime import aws as product_aws
from ringline.webhooks.model.delivery import DeliveryId, DeliveryStatus
from ringline.webhooks.model.endpoint import Endpoint
from ringline.webhooks.sending.client import Answered, Unanswered
from ringline.webhooks.sending.queue import (
    MOST_IN_A_MESSAGE,
    DeliveriesMessage,
    DeliveryMessage,
    Outbox,
    SqsDeliveryQueue,
    body_of,
    deliveries_in,
)
from ringline.webhooks.tables.deliveries import DeliveryStore
from ringline.webhooks.tables.endpoints import EndpointStore
from ringline.webhooks.tables.events import EventStore, event_key
from tests.builders import NOW
from tests.component.one_table import LocalAws, load_handler, local_aws
from tests.unit.webhooks.webhook_fakes import SECRET, a_draft

ACCOUNT, QUICK = "acct_1", "ep_quick"


@dataclass
class Server:
    """It answers nobody before so many are waiting for it at once."""

    at_once: int = 1
    told: list[str] = field(default_factory=list)
    all_wait: threading.Event = field(default_factory=threading.Event)

    def post(self, _url: str, headers: Mapping[str, str], _body: bytes) -> Answered | Unanswered:
        self.told.append(headers["webhook-id"])
        if len(self.told) >= self.at_once:
            self.all_wait.set()
        assert self.all_wait.wait(30), "one waited for another one"
        return Answered(200)


@dataclass
class World:
    aws: LocalAws
    handler: Any
    requests: list[str] = field(default_factory=list)

    def take(self, *sequences: int, endpoint_id: str = QUICK) -> bool:
        """Whether the message is over: it comes back else."""
        body = body_of(DeliveriesMessage(ACCOUNT, endpoint_id, sequences))
        self.requests.clear()
        answer = self.handler.lambda_handler({"Records": [{"messageId": "m1", "body": body}]}, None)
        return bool(answer == {"batchItemFailures": []})

    def status(self, sequence: int, endpoint_id: str = QUICK) -> DeliveryStatus | None:
        delivery = DeliveryStore(self.aws.dynamodb, self.aws.table_name).delivery(named(endpoint_id, sequence))
        return None if delivery is None else delivery.status


def named(endpoint_id: str, sequence: int) -> DeliveryId:
    return DeliveryId(account_id=ACCOUNT, endpoint_id=endpoint_id, sequence=sequence)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with local_aws() as aws:
        endpoint = Endpoint(endpoint_id=QUICK, url="https://example.com/", secrets=(SECRET,), created_at=NOW)
        EndpointStore(aws.dynamodb, aws.table_name).add(ACCOUNT, endpoint)
        EventStore(aws.dynamodb, aws.table_name).append_all([a_draft(call_id=f"call_{each}") for each in range(10)])
        world = World(aws, load_handler("deliver_webhook", {"DELIVERY_QUEUE_URL": aws.queue_url}))
        call = product_aws.dynamodb()._make_api_call

        def noted(operation: str, details: Any) -> Any:
            world.requests.append(operation)
            return call(operation, details)

        monkeypatch.setattr(product_aws.dynamodb(), "_make_api_call", noted)
        yield world


def served_by(world: World, server: Server) -> Server:
    world.handler.together._deliver._client = server
    return server


def test_all_that_a_message_names_is_made_at_once(world: World) -> None:
    server = served_by(world, Server(at_once=MOST_IN_A_MESSAGE))
    assert world.take(*range(1, 11))
    assert len(set(server.told)) == MOST_IN_A_MESSAGE
    assert {world.status(sequence) for sequence in range(1, 11)} == {DeliveryStatus.DELIVERED}


def test_it_is_read_with_one_request_and_each_outcome_is_a_write_of_its_own(world: World) -> None:
    served_by(world, Server())
    world.take(*range(1, 11))
    assert sorted(world.requests) == ["BatchGetItem", *["PutItem"] * 10]


def test_what_dynamodb_leaves_unread_is_asked_for_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    served_by(world, Server())
    read = product_aws.dynamodb().batch_get_item

    def one_at_a_time(RequestItems: Any) -> Any:
        ((table, asked),) = RequestItems.items()
        first, *rest = asked["Keys"]
        answer = read(RequestItems={table: {**asked, "Keys": [first]}})
        return answer | {"UnprocessedKeys": {table: {**asked, "Keys": rest}} if rest else {}}

    monkeypatch.setattr(product_aws.dynamodb(), "batch_get_item", one_at_a_time)
    assert world.take(1, 2, 3)
    assert [world.status(sequence) for sequence in (1, 2, 3)] == [DeliveryStatus.DELIVERED] * 3


def test_where_one_breaks_off_the_message_comes_back_and_posts_only_what_was_not_written_down(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = served_by(world, Server())
    record = DeliveryStore.record_delivered

    def breaks_off(store: DeliveryStore, delivery: Any, now: int) -> bool:
        if delivery.id.sequence == 2:
            raise ConnectionError("the table is not there")
        return record(store, delivery, now)

    with monkeypatch.context() as broken:
        broken.setattr(DeliveryStore, "record_delivered", breaks_off)
        assert not world.take(1, 2, 3)
    assert [world.status(sequence) for sequence in (1, 2, 3)] == [
        DeliveryStatus.DELIVERED,
        None,
        DeliveryStatus.DELIVERED,
    ]
    assert world.take(1, 2, 3)
    assert world.take(1, 2, 3)
    assert len(server.told) == 4
    assert world.status(2) is DeliveryStatus.DELIVERED


def test_where_nothing_can_be_read_nothing_is_posted_and_it_comes_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = served_by(world, Server())

    def unread(**_: Any) -> Any:
        raise ConnectionError("the table is not there")

    monkeypatch.setattr(product_aws.dynamodb(), "batch_get_item", unread)
    assert not world.take(1, 2)
    assert server.told == []


def test_an_event_or_an_endpoint_that_is_gone_is_no_failure(world: World) -> None:
    served_by(world, Server())
    assert world.take(1, 99)
    assert world.take(1, endpoint_id="ep_gone")
    assert (world.status(99), world.status(1, "ep_gone")) == (None, DeliveryStatus.GAVE_UP)


def test_no_message_names_deliveries_to_two_endpoints_or_more_than_ten_and_one_alone_is_told_as_ever(
    world: World,
) -> None:
    """One that does not answer would take the others with it: a message is under way until all of it is over."""
    outbox = Outbox(SqsDeliveryQueue(lambda: world.aws.sqs, world.aws.queue_url))
    for sequence in range(1, 13):
        outbox.send(DeliveryMessage(named("ep_1", sequence)))
        if sequence == 7:
            outbox.send(DeliveryMessage(named("ep_2", sequence)))
    outbox.flush()
    told = [(each["Attributes"]["MessageGroupId"], each["Body"]) for each in world.aws.messages()]
    assert {group: body for group, body in told if "sequences" not in body} == {
        "acct_1#ep_2": body_of(DeliveryMessage(named("ep_2", 7)))
    }
    together = [(group, found.sequences) for group, body in told if (found := deliveries_in(body)) is not None]
    assert sorted(together) == [("acct_1#ep_1", tuple(range(1, 11))), ("acct_1#ep_1", (11, 12))]
    outbox.flush()
    assert world.aws.messages() == [], "what was sent is not sent again"


def test_a_row_that_cannot_be_read_fails_the_delivery_of_its_own_alone(world: World) -> None:
    key = event_key(ACCOUNT, 3)
    row = world.aws.dynamodb.get_item(TableName=world.aws.table_name, Key=key)["Item"]
    world.aws.dynamodb.put_item(TableName=world.aws.table_name, Item={**key, "item_kind": {"S": "event"}})
    server = served_by(world, Server())
    assert not world.take(*range(1, 11)), "it comes back"
    assert len(server.told) == 9
    delivered = [sequence for sequence in range(1, 11) if world.status(sequence) is DeliveryStatus.DELIVERED]
    assert delivered == [1, 2, 4, 5, 6, 7, 8, 9, 10]
    world.aws.dynamodb.put_item(TableName=world.aws.table_name, Item=row)
    assert world.take(*range(1, 11))
    assert len(server.told) == 10, "what is done is known to be"
