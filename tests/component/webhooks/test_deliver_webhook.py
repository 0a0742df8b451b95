"""The delivery function on SQS events: a real receiver, the real table and queue, and an event in its log."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest
from standardwebhooks import Webhook

from ringline.runtime.clock import now_ms
from ringline.runtime.items import to_item
from ringline.webhooks.model.delivery import DeliveryId, DeliveryStatus
from ringline.webhooks.model.endpoint import Endpoint, new_webhook_secret
from ringline.webhooks.sending.queue import DeliveryMessage, message_in
from ringline.webhooks.tables.deliveries import DeliveryStore
from ringline.webhooks.tables.endpoints import EndpointStore
from ringline.webhooks.tables.events import EventStore
from tests.builders import NOW
from tests.component.one_table import LocalAws, load_handler, local_aws, log_of
from tests.component.webhooks.receivers import Receiver, listening
from tests.sample_events import event_of
from tests.unit.webhooks.webhook_fakes import a_draft

SECRET = new_webhook_secret()
EVENT = event_of("deliver_webhook", "call_end")
NAMES = DeliveryId(account_id="acct_0a1b2c3d", endpoint_id="ep_01KAJ0000000000000000000AA", sequence=1)
MESSAGE = DeliveryMessage(NAMES)
TOLD = a_draft(account_id=NAMES.account_id, data={"call_id": "call_1", "status": "completed"})


@dataclass
class World:
    aws: LocalAws
    receiver: Receiver
    handler: ModuleType

    def deliver(self, event: dict[str, Any] = EVENT) -> list[str]:
        """The ids of the messages that come back."""
        answer = self.handler.lambda_handler(event, None)
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    @property
    def status(self) -> DeliveryStatus | None:
        delivery = DeliveryStore(self.aws.dynamodb, self.aws.table_name).delivery(NAMES)
        return delivery.status if delivery is not None else None


@pytest.fixture
def world() -> Iterator[World]:
    with local_aws() as aws, listening(Receiver()) as receiver:
        endpoint = Endpoint(endpoint_id=NAMES.endpoint_id, url=receiver.url(), secrets=(SECRET,), created_at=NOW)
        EndpointStore(aws.dynamodb, aws.table_name).add(NAMES.account_id, endpoint)
        EventStore(aws.dynamodb, aws.table_name).append(TOLD)
        yield World(aws, receiver, the_handler(aws))


def the_handler(aws: LocalAws, allow_private: str = "true", **variables: str) -> ModuleType:
    environment = {"DELIVERY_QUEUE_URL": aws.queue_url, "ALLOW_PRIVATE_WEBHOOKS": allow_private} | variables
    return load_handler("deliver_webhook", environment)


def test_a_delivery_arrives_signed_and_is_recorded(world: World) -> None:
    assert world.deliver() == []
    (received,) = world.receiver.received
    assert Webhook(SECRET).verify(received.body, dict(received.headers)) is not None
    assert json.loads(received.body)["type"] == "call_end"
    assert received.headers["webhook-id"] == TOLD.event_id
    assert world.status is DeliveryStatus.DELIVERED


def test_what_was_taken_is_known_for_as_long_as_events_are_kept(world: World) -> None:
    world.handler = the_handler(world.aws, EVENTS_KEPT_DAYS="60")
    world.deliver()
    (kept_until,) = [item["ttl_at_s"] for item in world.aws.items() if item.get("item_kind") == "delivery"]
    assert kept_until > now_ms() // 1000 + 61 * 86_400


def test_a_doubled_message_posts_once(world: World) -> None:
    world.deliver()
    assert world.deliver() == []
    assert len(world.receiver.received) == 1


def test_a_failure_of_the_endpoint_is_no_failure_of_the_message(world: World) -> None:
    world.receiver.status = 500
    assert world.deliver() == []
    assert world.status is DeliveryStatus.FAILING
    due = world.aws.dynamodb.scan(TableName=world.aws.table_name, IndexName="DueIndex")["Items"]
    assert f"A#{NAMES.account_id}#DELIVERY" in [entry["pk"]["S"] for entry in due]


def test_the_next_try_is_a_message_with_ids_that_sqs_holds_back(world: World) -> None:
    delayed: list[dict[str, Any]] = []
    world.handler.together._deliver._queue._sqs = type(
        "Sqs", (), {"send_message": lambda _self, **request: delayed.append(request)}
    )
    world.receiver.status = 500
    world.deliver()
    assert [(each["DelaySeconds"], message_in(each["MessageBody"])) for each in delayed] in (
        [(5, MESSAGE)],
        [(6, MESSAGE)],  # with jitter
    )


def test_a_redirect_is_a_failure_and_leads_nowhere(world: World) -> None:
    with listening(Receiver()) as goal:
        world.receiver.status, world.receiver.headers = 307, {"location": goal.url()}
        world.deliver()
    assert (goal.received, world.status) == ([], DeliveryStatus.FAILING)


def test_410_disables_the_endpoint(world: World) -> None:
    world.receiver.status = 410
    world.deliver()
    endpoint = EndpointStore(world.aws.dynamodb, world.aws.table_name).endpoint(NAMES.account_id, NAMES.endpoint_id)
    assert endpoint is not None and not endpoint.is_enabled
    assert world.status is DeliveryStatus.GAVE_UP


def test_a_private_address_gets_nothing_unless_it_is_allowed(world: World) -> None:
    handler = the_handler(world.aws, allow_private="false")
    assert handler.lambda_handler(EVENT, None) == {"batchItemFailures": []}
    assert (world.receiver.received, world.status) == ([], DeliveryStatus.FAILING)


def test_a_failure_of_our_own_brings_the_message_back_alone(world: World) -> None:
    good = EVENT["Records"][0]
    bad = good | {"messageId": "bad", "body": '{"no": "message"}'}
    assert world.deliver({"Records": [bad, good]}) == ["bad"]
    assert world.status is DeliveryStatus.DELIVERED


def test_neither_secret_nor_payload_nor_url_is_logged(world: World) -> None:
    with log_of("deliver_webhook") as log:
        world.deliver()
        world.deliver({"Records": [EVENT["Records"][0] | {"body": "{"}]})
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert [line["message"] for line in lines] == ["webhook delivery", "webhook delivery broke off"]
    assert (lines[0]["outcome"], lines[0]["attempts"], lines[0]["sequence"]) == ("Delivered", 1, 1)
    for private in (SECRET, "completed", world.receiver.url()):
        assert private not in log.getvalue()


def test_a_delivery_whose_event_has_expired_counts_as_given_up_and_is_warned_of(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    (event,) = [item for item in world.aws.items() if item.get("item_kind") == "event"]
    key = to_item({"pk": event["pk"], "sk": event["sk"]})
    world.aws.dynamodb.delete_item(TableName=world.aws.table_name, Key=key)
    counted: list[Any] = []
    monkeypatch.setattr(world.handler, "count", lambda name, dimension: counted.append((name, dimension)))
    with log_of("deliver_webhook") as log:
        assert world.deliver() == []
    (line,) = map(json.loads, log.getvalue().splitlines())
    assert (line["level"], line["outcome"], line["attempts"]) == ("WARNING", "EventNotKept", 0)
    assert counted == [("Webhooks", ("outcome", "gave_up"))]
