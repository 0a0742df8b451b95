"""Where deliveries go beside URLs: which addresses are queues and buses, and what their answers are to a delivery."""

from collections.abc import Mapping
from copy import replace
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
    SSLError,
)

from ringline.runtime.settings import read
from ringline.webhooks.model.delivery import Phase
from ringline.webhooks.model.endpoint import Endpoint
from ringline.webhooks.model.target import CALLS_OWN_URL, TargetType, arn_fault, arn_in, type_of
from ringline.webhooks.sending.client import Answered, Failure, Unanswered
from ringline.webhooks.targets.client import TargetClient
from ringline.webhooks.targets.settings import TargetSettings
from tests.unit.webhooks.webhook_fakes import EVENT, MESSAGE, a_draft, a_world, an_endpoint

QUEUE = "arn:aws:sqs:eu-central-1:123456789012:calls"
FIFO = "arn:aws:sqs:eu-central-1:123456789012:calls.fifo"
BUS = "arn:aws:events:eu-central-1:123456789012:event-bus/calls"
HEADERS = {
    "content-type": "application/json",
    "user-agent": "Ringline-Webhooks/1",
    "webhook-id": "evt_1",
    "webhook-timestamp": "1",
    "webhook-signature": "v1,x",
}
BODY = EVENT.body_as("call.ended")


class Aws:
    """Both services: they answer one thing, and remember what they were asked."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer
        self.asked: list[dict[str, Any]] = []

    def __call__(self, region: str) -> "Aws":
        self.region = region
        return self

    def _take(self, **asked: Any) -> Any:
        self.asked.append(asked)
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer

    send_message = put_events = _take


class NoHttp:
    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answered | Unanswered:
        return Answered(204)


def a_client(aws: Aws) -> TargetClient:
    return TargetClient(NoHttp(), {QUEUE, FIFO, BUS}, sqs_in=aws, events_in=aws)


SENT = {"MessageId": "m1", "ResponseMetadata": {"HTTPStatusCode": 200}}
PUT = {"Entries": [{"EventId": "e1"}], "ResponseMetadata": {"HTTPStatusCode": 200}}


@pytest.mark.parametrize(
    ("address", "what"),
    [
        (QUEUE, TargetType.SQS),
        (FIFO, TargetType.SQS),
        (BUS, TargetType.EVENTBRIDGE),
        (BUS.replace("arn:aws", "arn:aws-us-gov").replace("eu-central-1", "us-gov-west-1"), TargetType.EVENTBRIDGE),
        (CALLS_OWN_URL, TargetType.CALL),
        ("https://example.com/arn:aws:sqs:eu-central-1:123456789012:calls", TargetType.HTTP),
        (QUEUE.replace("123456789012", "12345"), TargetType.HTTP),
        (QUEUE + "/x", TargetType.HTTP),
        (QUEUE + ".fi", TargetType.HTTP),
        (BUS.replace("event-bus/", "rule/"), TargetType.HTTP),
        (QUEUE.replace("eu-central-1", "middle earth"), TargetType.HTTP),
        (QUEUE.replace("calls", "*"), TargetType.HTTP),
        (QUEUE + "\n", TargetType.HTTP),
    ],
)
def test_an_address_says_what_it_leads_to(address: str, what: TargetType) -> None:
    assert type_of(address) is what


def test_an_arn_is_refused_by_what_is_wrong_with_it() -> None:
    assert arn_fault(QUEUE, TargetType.SQS, {QUEUE}) is None
    assert "WebhookTargets" in (arn_fault(QUEUE, TargetType.SQS, {FIFO}) or "")
    assert "must be an ARN like arn:aws:events" in (arn_fault(QUEUE, TargetType.EVENTBRIDGE, {QUEUE}) or "")


def test_sqs_knows_a_queue_by_its_url() -> None:
    queue, chinese = arn_in(QUEUE), arn_in("arn:aws-cn:sqs:cn-north-1:123456789012:calls")
    assert queue is not None
    assert queue.queue_url == "https://sqs.eu-central-1.amazonaws.com/123456789012/calls"
    assert chinese is not None
    assert chinese.queue_url == "https://sqs.cn-north-1.amazonaws.com.cn/123456789012/calls"


def test_the_settings_name_what_may_be_sent_to_and_nothing_by_default() -> None:
    assert read(TargetSettings, {}).allowed == frozenset()
    assert read(TargetSettings, {"WEBHOOK_TARGETS": f"{QUEUE}, {BUS}"}).allowed == {QUEUE, BUS}


def test_a_url_is_posted_to() -> None:
    assert a_client(Aws(SENT)).post("https://example.com/", HEADERS, BODY) == Answered(204)


def test_a_queue_gets_the_stored_bytes_and_the_headers_to_verify_by() -> None:
    aws = Aws(SENT)
    assert a_client(aws).post(QUEUE, HEADERS, BODY) == Answered(200)
    (sent,) = aws.asked
    assert aws.region == "eu-central-1"
    assert sent["MessageBody"].encode() == BODY
    attributes = {name: each["StringValue"] for name, each in sent["MessageAttributes"].items()}
    assert attributes == {name: value for name, value in HEADERS.items() if name != "user-agent"}
    assert "MessageGroupId" not in sent


def test_a_fifo_queue_keeps_the_order_of_a_call_and_drops_what_comes_twice() -> None:
    aws = Aws(SENT)
    a_client(aws).post(FIFO, HEADERS, BODY)
    assert (aws.asked[0]["MessageGroupId"], aws.asked[0]["MessageDeduplicationId"]) == ("call_1", "evt_1")
    a_client(aws).post(FIFO, HEADERS, b'{"type":"endpoint.disabled","data":{}}')
    assert aws.asked[1]["MessageGroupId"] == "account"


def test_a_bus_gets_the_event_under_its_type() -> None:
    aws = Aws(PUT)
    assert a_client(aws).post(BUS, HEADERS, BODY) == Answered(200)
    (entry,) = aws.asked[0]["Entries"]
    assert entry == {
        "Source": "ringline",
        "DetailType": "call.ended",
        "Detail": BODY.decode(),
        "EventBusName": BUS,
    }


def test_an_entry_that_a_bus_refuses_is_a_refused_try() -> None:
    refused = PUT | {"Entries": [{"ErrorCode": "NotAuthorized", "ErrorMessage": "no"}]}
    answer = a_client(Aws(refused)).post(BUS, HEADERS, BODY)
    assert isinstance(answer, Answered)
    assert (answer.status_code, answer.body) == (400, b"NotAuthorized: no")


def test_what_aws_refuses_stands_in_the_log_with_its_reason() -> None:
    refusal: Any = {
        "Error": {"Code": "AccessDenied", "Message": "no"},
        "ResponseMetadata": {"HTTPStatusCode": 403},
    }
    answer = a_client(Aws(ClientError(refusal, "SendMessage"))).post(QUEUE, HEADERS, BODY)
    assert isinstance(answer, Answered)
    assert (answer.status_code, answer.body) == (403, b"AccessDenied: no")


@pytest.mark.parametrize(
    ("error", "failure", "phase"),
    [
        (ConnectTimeoutError(endpoint_url="u"), Failure.TIMED_OUT, Phase.CONNECT),
        (ReadTimeoutError(endpoint_url="u"), Failure.TIMED_OUT, Phase.READ),
        (SSLError(endpoint_url="u", error="e"), Failure.TLS_FAILED, Phase.TLS),
        (EndpointConnectionError(endpoint_url="u"), Failure.NOT_CONNECTED, Phase.CONNECT),
        (ConnectionClosedError(endpoint_url="u"), Failure.NO_HTTP_ANSWER, Phase.READ),
        (NoCredentialsError(), Failure.NO_HTTP_ANSWER, Phase.WRITE),
    ],
)
def test_where_aws_does_not_answer_the_log_says_how_far_it_came(
    error: Exception, failure: Failure, phase: Phase
) -> None:
    answer = a_client(Aws(error)).post(QUEUE, HEADERS, BODY)
    assert isinstance(answer, Unanswered)
    assert (answer.error, answer.phase) == (failure, phase)


def test_a_target_that_is_allowed_no_more_gets_nothing() -> None:
    aws = Aws(SENT)
    answer = TargetClient(NoHttp(), {BUS}, sqs_in=aws, events_in=aws).post(QUEUE, HEADERS, BODY)
    assert isinstance(answer, Unanswered)
    assert (answer.error, answer.phase, aws.asked) == (Failure.URL_REFUSED, Phase.URL, [])


# --- the URL that a call names ----------------------------------------------------------------------------------------

OWN_URL = "https://example.com/of-this-call"


def of_calls(**fields: Any) -> Endpoint:
    return an_endpoint(url=CALLS_OWN_URL, **fields)


def test_an_endpoint_of_calls_hears_those_that_name_a_url() -> None:
    assert of_calls().subscribes(a_draft(webhook_url=OWN_URL))
    assert not of_calls().subscribes(a_draft())
    assert an_endpoint().subscribes(a_draft(webhook_url=OWN_URL)), "the account's other endpoints are told as ever"


def test_its_deliveries_go_where_the_call_said() -> None:
    world = a_world(endpoint=of_calls())
    world.events.log[EVENT.sequence] = replace(EVENT, webhook_url=OWN_URL)
    world.deliver.run(MESSAGE)
    assert [posted.url for posted in world.receiver.posts] == [OWN_URL]


@pytest.mark.parametrize("answer", [410, 500])
def test_one_url_that_is_gone_or_fails_ends_nothing_for_the_others(answer: int) -> None:
    world = a_world(answer, endpoint=of_calls(failing_since=1))
    world.events.log[EVENT.sequence] = replace(EVENT, webhook_url=OWN_URL)
    world.deliver.run(MESSAGE)
    kept = world.table.kept_endpoints["ep_1"]
    assert kept.is_enabled
    assert kept.failing_since == 1
