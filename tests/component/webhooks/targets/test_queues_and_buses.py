"""Endpoints that are queues and buses, from the request that makes one to the message that arrives and its log."""

from collections.abc import Iterator
from typing import Any

import pytest

from ringline.webhooks.tables.events import EventStore
from tests.component.one_table import LocalAws, load_handler, local_aws
from tests.component.webhooks.targets.asked import ACCOUNT, Manage, delivered, problem_of
from tests.unit.webhooks.webhook_fakes import a_draft

QUEUE = "arn:aws:sqs:us-east-1:123456789012:theirs"
BUS = "arn:aws:events:us-east-1:123456789012:event-bus/theirs"
TO_QUEUE = {"type": "sqs", "queue_arn": QUEUE}


@pytest.fixture
def aws() -> Iterator[LocalAws]:
    with local_aws() as aws:
        yield aws


@pytest.fixture
def manage(aws: LocalAws) -> Manage:
    return Manage(aws, WEBHOOK_TARGETS=f"{QUEUE},{BUS}")


@pytest.mark.parametrize(
    ("target", "address"),
    [(TO_QUEUE, QUEUE), ({"type": "eventbridge", "bus_arn": BUS}, BUS)],
)
def test_an_endpoint_shows_where_it_leads(manage: Manage, target: dict[str, str], address: str) -> None:
    made = manage.made(target=target)
    assert (made["url"], made["target"]) == (address, target)
    assert manage.ask("GET", f"/v1/webhook-endpoints/{made['endpoint_id']}")[1]["target"] == target


def test_a_deployment_that_allows_no_targets_refuses_each_and_says_who_may_change_that(aws: LocalAws) -> None:
    answer = Manage(aws).ask("POST", "/v1/webhook-endpoints", {"target": TO_QUEUE})
    assert "WebhookTargets" in problem_of(answer, 422, "target.queue_arn")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"target": {"type": "sqs", "queue_arn": "theirs"}}, "target.queue_arn"),
        ({"target": {"type": "sqs", "queue_arn": BUS}}, "target.queue_arn"),
        ({"target": {"type": "eventbridge", "bus_arn": QUEUE}}, "target.bus_arn"),
        ({"target": {"type": "sqs"}}, "target.sqs.queue_arn"),
        ({"target": {"type": "pigeon"}}, "target"),
        ({"target": TO_QUEUE, "url": "https://example.com/"}, "target"),
        ({"target": TO_QUEUE, "headers": {"x-team": "a"}}, "headers"),
        ({"url": QUEUE}, "url"),
        ({}, "url"),
    ],
)
def test_what_is_no_target_is_refused_by_its_field(manage: Manage, body: dict[str, Any], field: str) -> None:
    problem_of(manage.ask("POST", "/v1/webhook-endpoints", body), 422, field)


def test_an_endpoint_moves_from_a_url_to_a_queue_but_not_with_headers(manage: Manage) -> None:
    made = manage.made(url="https://example.com/", headers={"x-team": "a"})
    path = f"/v1/webhook-endpoints/{made['endpoint_id']}"
    problem_of(manage.ask("PATCH", path, {"target": TO_QUEUE}), 422, "headers")
    status, moved = manage.ask("PATCH", path, {"target": TO_QUEUE, "headers": None})
    assert (status, moved["target"]) == (200, TO_QUEUE)


def test_a_message_arrives_in_the_queue_and_stands_in_the_log(aws: LocalAws, manage: Manage) -> None:
    theirs = aws.sqs.create_queue(QueueName="theirs")["QueueUrl"]
    endpoint_id = manage.made(target=TO_QUEUE)["endpoint_id"]
    event = EventStore(aws.dynamodb, aws.table_name).append(a_draft(account_id=ACCOUNT))
    deliver = load_handler("deliver_webhook", {"DELIVERY_QUEUE_URL": aws.queue_url, "WEBHOOK_TARGETS": QUEUE})
    delivery_id = delivered(deliver, endpoint_id, event.sequence)
    (message,) = aws.sqs.receive_message(QueueUrl=theirs, MessageAttributeNames=["All"])["Messages"]
    assert message["Body"].encode() == event.body_as("call_end")
    assert message["MessageAttributes"]["webhook-id"]["StringValue"] == event.event_id
    shown = manage.ask("GET", f"/v1/webhook-deliveries/{delivery_id}")[1]
    assert (shown["status"], [each["status_code"] for each in shown["attempts"]]) == ("delivered", [200])


def test_a_queue_that_is_not_there_is_a_failed_try_with_its_reason(aws: LocalAws, manage: Manage) -> None:
    endpoint_id = manage.made(target=TO_QUEUE)["endpoint_id"]
    event = EventStore(aws.dynamodb, aws.table_name).append(a_draft(account_id=ACCOUNT))
    deliver = load_handler("deliver_webhook", {"DELIVERY_QUEUE_URL": aws.queue_url, "WEBHOOK_TARGETS": QUEUE})
    delivery_id = delivered(deliver, endpoint_id, event.sequence)
    shown = manage.ask("GET", f"/v1/webhook-deliveries/{delivery_id}")[1]
    assert (shown["status"], shown["last_attempt"]["status_code"]) == ("failing", 400)
    assert "NonExistentQueue" in shown["last_attempt"]["answer"]
