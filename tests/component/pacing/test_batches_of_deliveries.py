"""A batch of the delivery queue: its deliveries are made at once, on one reading, and each fails alone."""

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from ringline.runtime import aws as product_aws
from ringline.webhooks.model.delivery import DeliveryId, DeliveryStatus
from ringline.webhooks.model.endpoint import Endpoint
from ringline.webhooks.sending.client import Answered, Unanswered
from ringline.webhooks.sending.queue import DeliveryMessage, body_of
from ringline.webhooks.sending.together import TOGETHER
from ringline.webhooks.tables.deliveries import DeliveryStore
from ringline.webhooks.tables.endpoints import EndpointStore
from ringline.webhooks.tables.events import EventStore
from tests.builders import NOW
from tests.component.one_table import LocalAws, load_handler, local_aws
from tests.unit.webhooks.webhook_fakes import SECRET, a_draft

ACCOUNT = "acct_1"
QUICK, SLOW = "https://quick.example.com/", "https://slow.example.com/"


@dataclass
class Servers:
    """The slow one answers when the quick one has been told of all that it is owed, however long that takes."""

    owed: int
    told: list[str] = field(default_factory=list)
    all_told: threading.Event = field(default_factory=threading.Event)

    def post(self, url: str, headers: Mapping[str, str], _body: bytes) -> Answered | Unanswered:
        if url == SLOW:
            assert self.all_told.wait(30), "the others waited for the slow one"
        else:
            self.told.append(headers["webhook-id"])
            if len(self.told) == self.owed:
                self.all_told.set()
        return Answered(200)


@dataclass
class World:
    aws: LocalAws
    handler: Any
    requests: list[str] = field(default_factory=list)

    def take(self, *messages: tuple[str, int] | str) -> list[str]:
        """The ids of the messages that come back: their places."""
        bodies = [each if isinstance(each, str) else body_of(DeliveryMessage(named(*each))) for each in messages]
        records = [{"messageId": str(number), "body": body} for number, body in enumerate(bodies)]
        self.requests.clear()
        answer = self.handler.lambda_handler({"Records": records}, None)
        return [each["itemIdentifier"] for each in answer["batchItemFailures"]]

    def status(self, endpoint_id: str, sequence: int) -> DeliveryStatus | None:
        delivery = DeliveryStore(self.aws.dynamodb, self.aws.table_name).delivery(named(endpoint_id, sequence))
        return None if delivery is None else delivery.status


def named(endpoint_id: str, sequence: int) -> DeliveryId:
    return DeliveryId(account_id=ACCOUNT, endpoint_id=endpoint_id, sequence=sequence)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with local_aws() as aws:
        endpoints = EndpointStore(aws.dynamodb, aws.table_name)
        for endpoint_id, url in (("ep_quick", QUICK), ("ep_slow", SLOW)):
            endpoint = Endpoint(endpoint_id=endpoint_id, url=url, secrets=(SECRET,), created_at=NOW)
            endpoints.add(ACCOUNT, endpoint)
        EventStore(aws.dynamodb, aws.table_name).append_all([a_draft(call_id=f"call_{each}") for each in range(10)])
        world = World(aws, load_handler("deliver_webhook", {"DELIVERY_QUEUE_URL": aws.queue_url}))
        call = product_aws.dynamodb()._make_api_call

        def noted(operation: str, details: Any) -> Any:
            world.requests.append(operation)
            return call(operation, details)

        monkeypatch.setattr(product_aws.dynamodb(), "_make_api_call", noted)
        yield world


def served_by(world: World, client: Any) -> None:
    world.handler.together._deliver._client = client


def test_one_that_is_slow_holds_up_none_of_its_batch(world: World) -> None:
    servers = Servers(owed=TOGETHER - 1)
    served_by(world, servers)
    assert world.take(("ep_slow", 1), *(("ep_quick", sequence) for sequence in range(1, TOGETHER))) == []
    assert len(set(servers.told)) == TOGETHER - 1
    assert world.status("ep_slow", 1) is world.status("ep_quick", 9) is DeliveryStatus.DELIVERED


def test_a_batch_is_read_with_one_request_and_each_outcome_is_a_write_of_its_own(world: World) -> None:
    served_by(world, Servers(owed=10))
    world.take(*(("ep_quick", sequence) for sequence in range(1, 11)))
    assert sorted(world.requests) == ["BatchGetItem", *["PutItem"] * 10]


def test_what_dynamodb_leaves_unread_is_asked_for_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    served_by(world, Servers(owed=3))
    read = product_aws.dynamodb().batch_get_item

    def one_at_a_time(RequestItems: Any) -> Any:
        ((table, asked),) = RequestItems.items()
        first, *rest = asked["Keys"]
        answer = read(RequestItems={table: {**asked, "Keys": [first]}})
        return answer | {"UnprocessedKeys": {table: {**asked, "Keys": rest}} if rest else {}}

    monkeypatch.setattr(product_aws.dynamodb(), "batch_get_item", one_at_a_time)
    assert world.take(*(("ep_quick", sequence) for sequence in (1, 2, 3))) == []
    assert [world.status("ep_quick", sequence) for sequence in (1, 2, 3)] == [DeliveryStatus.DELIVERED] * 3


def test_one_that_breaks_off_comes_back_alone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    served_by(world, Servers(owed=2))
    record = DeliveryStore.record_delivered

    def refused(store: DeliveryStore, delivery: Any, now: int) -> bool:
        if delivery.id.sequence == 2:
            raise ConnectionError("the table is not there")
        return record(store, delivery, now)

    monkeypatch.setattr(DeliveryStore, "record_delivered", refused)
    assert world.take(("ep_quick", 1), ("ep_quick", 2), '{"no": "message"}', ("ep_quick", 3)) == ["1", "2"]
    assert [world.status("ep_quick", sequence) for sequence in (1, 2, 3)] == [
        DeliveryStatus.DELIVERED,
        None,
        DeliveryStatus.DELIVERED,
    ]


def test_where_nothing_can_be_read_nothing_is_posted_and_all_come_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    servers = Servers(owed=2)
    served_by(world, servers)

    def unread(**_: Any) -> Any:
        raise ConnectionError("the table is not there")

    monkeypatch.setattr(product_aws.dynamodb(), "batch_get_item", unread)
    assert world.take(("ep_quick", 1), ("ep_quick", 2)) == ["0", "1"]
    assert servers.told == []


def test_an_event_or_an_endpoint_that_is_gone_is_no_failure(world: World) -> None:
    served_by(world, Servers(owed=1))
    assert world.take(("ep_quick", 1), ("ep_quick", 99), ("ep_gone", 1)) == []
    assert (world.status("ep_quick", 99), world.status("ep_gone", 1)) == (None, DeliveryStatus.GAVE_UP)


def test_a_batch_that_comes_again_posts_only_what_was_not_written_down(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The function died behind some of its writes: SQS hands all of them out again."""
    servers = Servers(owed=99)
    served_by(world, servers)
    batch = [("ep_quick", sequence) for sequence in (1, 2, 3)]
    record = DeliveryStore.record_delivered

    def dies(store: DeliveryStore, delivery: Any, now: int) -> bool:
        return delivery.id.sequence == 1 and record(store, delivery, now)

    with monkeypatch.context() as dying:
        dying.setattr(DeliveryStore, "record_delivered", dies)
        world.take(*batch)
    assert len(servers.told) == 3
    assert world.take(*batch) == []
    assert len(servers.told) == 5, "the first one is known to have been taken"
    assert world.take(*batch) == []
    assert len(servers.told) == 5
