"""A queue and a bus of AWS's emulator: what arrives there, and what their refusals become."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import botocore.session
import pytest
from standardwebhooks import Webhook

from ringline.runtime import aws
from ringline.webhooks.model.endpoint import new_webhook_secret
from ringline.webhooks.sending.client import Answered, WebhookClient
from ringline.webhooks.sending.signing import signature_headers
from ringline.webhooks.targets.client import TargetClient
from tests.dynamodb.stand_ins import StandIn
from tests.unit.webhooks.webhook_fakes import EVENT

REGION, ACCOUNT = "eu-central-1", "210987654321"
"""An account of this test's own, in another region than the functions'."""

SECRET = new_webhook_secret()
BODY = EVENT.body_as("call.ended")


@pytest.fixture
def emulator(dynamodb_url: Callable[[StandIn], str], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in {
        "AWS_ENDPOINT_URL": dynamodb_url(StandIn.EMULATOR),
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    aws._session.cache_clear()
    for client in (aws.sqs_in, aws.events_in):
        client.cache_clear()
    yield
    aws._session.cache_clear()
    for client in (aws.sqs_in, aws.events_in):
        client.cache_clear()


def of_service(service: str) -> Any:
    return botocore.session.get_session().create_client(service, region_name=REGION)


def a_queue(name: str, **attributes: str) -> tuple[str, str]:
    """Its ARN and its URL."""
    sqs = of_service("sqs")
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    told = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return told["Attributes"]["QueueArn"], url


def messages_in(url: str) -> list[dict[str, Any]]:
    asked = {"MaxNumberOfMessages": 10, "WaitTimeSeconds": 1, "MessageAttributeNames": ["All"]}
    answer = of_service("sqs").receive_message(QueueUrl=url, MessageSystemAttributeNames=["All"], **asked)
    return list(answer.get("Messages", []))


def send(address: str, webhook_id: str = "evt_1", at_s: int = 0) -> Answered:
    client = TargetClient(WebhookClient(allow_private=False), {address}, sqs_in=aws.sqs_in, events_in=aws.events_in)
    headers = signature_headers([SECRET], webhook_id, at_s, BODY) | {"content-type": "application/json"}
    answer = client.post(address, headers, BODY)
    assert isinstance(answer, Answered), answer
    return answer


@pytest.mark.usefixtures("emulator")
def test_a_queue_holds_the_bytes_that_were_signed() -> None:
    arn, url = a_queue("calls")
    assert send(arn, at_s=int(time.time())).status_code == 200
    (message,) = messages_in(url)
    attributes = {name: each["StringValue"] for name, each in message["MessageAttributes"].items()}
    assert message["Body"].encode() == BODY
    assert Webhook(SECRET).verify(message["Body"], attributes) == json.loads(BODY)


@pytest.mark.usefixtures("emulator")
def test_a_fifo_queue_takes_an_event_once_and_in_the_calls_group() -> None:
    arn, url = a_queue("calls.fifo", FifoQueue="true")
    for webhook_id in ("evt_1", "evt_1", "evt_2"):
        assert send(arn, webhook_id).status_code == 200
    found = messages_in(url)
    assert [each["MessageAttributes"]["webhook-id"]["StringValue"] for each in found] == ["evt_1", "evt_2"]
    assert {each["Attributes"]["MessageGroupId"] for each in found} == {"call_1"}


@pytest.mark.usefixtures("emulator")
def test_a_rule_of_a_bus_finds_the_event_by_source_and_type() -> None:
    queue_arn, queue_url = a_queue("behind-the-bus")
    events = of_service("events")
    bus_arn = events.create_event_bus(Name="calls")["EventBusArn"]
    pattern = json.dumps({"source": ["ringline"], "detail-type": ["call.ended"]})
    events.put_rule(Name="ends", EventBusName="calls", EventPattern=pattern)
    events.put_targets(Rule="ends", EventBusName="calls", Targets=[{"Id": "queue", "Arn": queue_arn}])
    assert send(bus_arn).status_code == 200
    (message,) = messages_in(queue_url)
    assert json.loads(message["Body"])["detail"] == json.loads(BODY)


@pytest.mark.usefixtures("emulator")
def test_a_queue_that_is_gone_is_a_refusal_that_names_it() -> None:
    answer = send(f"arn:aws:sqs:{REGION}:{ACCOUNT}:gone")
    assert answer.status_code == 400
    assert b"NonExistentQueue" in answer.body
