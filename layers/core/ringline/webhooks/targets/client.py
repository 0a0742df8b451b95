"""Sends a delivery where its endpoint's address leads: a POST to a URL, a message to a queue, an event to a bus.

| target      | body                     | headers                                             |
|-------------|--------------------------|-----------------------------------------------------|
| SQS         | the message's body       | those of Standard Webhooks as attributes            |
| EventBridge | the event's `detail`     | none; `detail-type` is the name of the body's event |

What AWS answers is an answer like a receiver's: its status, and its error's code and message as the body.
"""

import json
from collections.abc import Callable, Collection, Mapping
from typing import Any, Protocol

from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
    SSLError,
)

from ringline.webhooks.model.delivery import Phase
from ringline.webhooks.model.target import Arn, TargetType, arn_in
from ringline.webhooks.sending.client import Answered, Failure, Unanswered

SOURCE = "ringline"
"""The `source` of our events on a bus, which rules match."""

_AS_ATTRIBUTES = ("content-type", "webhook-id", "webhook-timestamp", "webhook-signature")

_REFUSED_ENTRY = 400
"""A bus answers 200 although it has refused an entry: told as the status of a refused request."""


class Http(Protocol):
    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answered | Unanswered: ...


type ClientIn = Callable[[str], Any]
"""The client of a service in a region."""


class TargetClient:
    """`allowed` are the ARNs that the deployment may send to: an endpoint of before may name another one."""

    def __init__(self, http: Http, allowed: Collection[str], *, sqs_in: ClientIn, events_in: ClientIn) -> None:
        self._http = http
        self._allowed = allowed
        self._sqs_in = sqs_in
        self._events_in = events_in

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answered | Unanswered:
        """Sends once. Never raises for what the other side does."""
        arn = arn_in(url)
        if arn is None:
            return self._http.post(url, headers, body)
        if url not in self._allowed:
            return Unanswered(Failure.URL_REFUSED, Phase.URL)
        try:
            if arn.type is TargetType.SQS:
                return self._to_queue(arn, headers, body)
            return self._to_bus(arn, url, body)
        except ClientError as error:
            return _answer_of(error)
        except Exception as error:
            # As of HTTP: whatever a client fails over is an attempt that is written down.
            return _unanswered(error)

    def _to_queue(self, arn: Arn, headers: Mapping[str, str], body: bytes) -> Answered:
        """A FIFO queue keeps the order of each call's events, and drops one that comes twice within five minutes."""
        attributes = {name: {"DataType": "String", "StringValue": headers[name]} for name in _AS_ATTRIBUTES}
        event = json.loads(body)
        group = str(event["data"].get("call_id") or "account")
        ordered = {"MessageGroupId": group, "MessageDeduplicationId": headers["webhook-id"]} if arn.is_fifo else {}
        answer = self._sqs_in(arn.region).send_message(
            QueueUrl=arn.queue_url, MessageBody=body.decode(), MessageAttributes=attributes, **ordered
        )
        return Answered(answer["ResponseMetadata"]["HTTPStatusCode"], body=answer["MessageId"].encode())

    def _to_bus(self, arn: Arn, address: str, body: bytes) -> Answered:
        entry = {
            "Source": SOURCE,
            "DetailType": json.loads(body)["type"],
            "Detail": body.decode(),
            "EventBusName": address,
        }
        answer = self._events_in(arn.region).put_events(Entries=[entry])
        (told,) = answer["Entries"]
        if "ErrorCode" in told:
            return Answered(_REFUSED_ENTRY, body=f"{told['ErrorCode']}: {told.get('ErrorMessage')}".encode())
        return Answered(answer["ResponseMetadata"]["HTTPStatusCode"], body=told["EventId"].encode())


def _answer_of(error: ClientError) -> Answered:
    told = error.response["Error"]
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    return Answered(status, body=f"{told.get('Code')}: {told.get('Message')}".encode())


def _unanswered(error: Exception) -> Unanswered:
    match error:
        case ConnectTimeoutError():
            return Unanswered(Failure.TIMED_OUT, Phase.CONNECT)
        case ReadTimeoutError():
            return Unanswered(Failure.TIMED_OUT, Phase.READ)
        case SSLError():
            return Unanswered(Failure.TLS_FAILED, Phase.TLS)
        case EndpointConnectionError():
            return Unanswered(Failure.NOT_CONNECTED, Phase.CONNECT)
        case ConnectionClosedError():
            return Unanswered(Failure.NO_HTTP_ANSWER, Phase.READ)
        case _:
            return Unanswered(Failure.NO_HTTP_ANSWER, Phase.WRITE)
