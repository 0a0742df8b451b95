"""The queue of deliveries. A message says which event goes where; its bytes are read when it is sent."""

import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from typing import Any, Protocol

from ringline.record import stored
from ringline.runtime.at_once import at_once
from ringline.runtime.clock import MS_PER_S
from ringline.runtime.sqs import LONGEST_DELAY_S
from ringline.webhooks.model.delivery import DeliveryId
from ringline.webhooks.model.former import FormerId

LONGEST_DELAY_MS = LONGEST_DELAY_S * MS_PER_S


@stored
class DeliveryMessage:
    """`turn_at` is the moment that it was held back for, where its endpoint took no more before."""

    delivery_id: DeliveryId
    turn_at: int | None = None


@stored
class DeliveriesMessage:
    """Several deliveries to one endpoint, made at once. Those to others have messages of their own: whoever waits for a
    server that does not answer keeps no other's."""

    account_id: str
    endpoint_id: str
    sequences: tuple[int, ...]

    @property
    def each(self) -> tuple[DeliveryMessage, ...]:
        ids = (
            DeliveryId(account_id=self.account_id, endpoint_id=self.endpoint_id, sequence=sequence)
            for sequence in self.sequences
        )
        return tuple(map(DeliveryMessage, ids))


@stored
class FormerMessage:
    """One of the release before events were rows. `sequence` was its call's own count of changes."""

    former_id: FormerId
    sequence: int


@stored
class ReplayMessage:
    """A step of a replay is to be made: this one, or none."""

    account_id: str
    endpoint_id: str
    replay_id: str
    step: int


type AnyMessage = DeliveryMessage | FormerMessage


class DeliveryQueue(Protocol):
    def send(self, message: AnyMessage) -> None: ...

    def send_later(self, message: AnyMessage, wait_ms: int) -> None:
        """Not before `wait_ms`, at most LONGEST_DELAY_MS."""


MOST_IN_A_MESSAGE = 10
"""Deliveries to one endpoint that a copy of the function makes at once: as many as one that is slow gets."""

_MOST_IN_A_REQUEST = 10
"""Messages: SQS takes no more."""

_SENDERS = 5
_SENT_AGAIN = 3
"""How often what SQS has refused of a request is asked for again, beyond what its client repeats by itself."""


class NotSent(Exception):
    """SQS took some of the messages that were sent together, and not all."""


class SendsTogether(Protocol):
    def send_all(self, messages: Sequence[DeliveryMessage | DeliveriesMessage]) -> None: ...

    def send_later(self, message: AnyMessage, wait_ms: int) -> None: ...


class Outbox:
    """A queue whose deliveries wait until all are sent together: up to ten to an endpoint in a message, in their order,
    and ten messages in a request."""

    def __init__(self, queue: SendsTogether) -> None:
        self._queue = queue
        self._held: dict[tuple[str, str], list[int]] = {}

    def send(self, message: AnyMessage) -> None:
        assert isinstance(message, DeliveryMessage), "who announces makes no others"
        named = message.delivery_id
        self._held.setdefault((named.account_id, named.endpoint_id), []).append(named.sequence)

    def send_later(self, message: AnyMessage, wait_ms: int) -> None:
        self._queue.send_later(message, wait_ms)

    def flush(self) -> None:
        """Sends what was held. Raises what SQS raises, and NotSent; some may have been sent then, and what was held is
        forgotten: whoever announces again names the same deliveries."""
        held, self._held = self._held, {}
        together = [DeliveriesMessage(*whose, tuple(some)) for whose, each in held.items() for some in _shares(each)]
        self._queue.send_all([each if len(each.sequences) > 1 else each.each[0] for each in together])


def _shares(sequences: list[int]) -> Iterator[list[int]]:
    for first in range(0, len(sequences), MOST_IN_A_MESSAGE):
        yield sequences[first : first + MOST_IN_A_MESSAGE]


class SqsDeliveryQueue:
    def __init__(self, sqs: Callable[[], Any], queue_url: str) -> None:
        self._sqs = sqs
        self._queue_url = queue_url

    def send(self, message: AnyMessage) -> None:
        self._sqs().send_message(QueueUrl=self._queue_url, **_entry(message))

    def send_all(self, messages: Sequence[DeliveryMessage | DeliveriesMessage]) -> None:
        """Sends them with a request for ten. Raises NotSent, and what SQS raises, once all requests are over."""
        if len(messages) == 1:
            self._sqs().send_message(QueueUrl=self._queue_url, **_entry(messages[0]))
            return
        firsts = range(0, len(messages), _MOST_IN_A_REQUEST)
        together = [messages[first : first + _MOST_IN_A_REQUEST] for first in firsts]
        if together:
            # Its client is made by one thread, before there are several.
            self._sqs()
        at_once(self._send_together, together, _SENDERS)

    def _send_together(self, messages: Sequence[DeliveryMessage | DeliveriesMessage]) -> None:
        left = {str(number): _entry(message) for number, message in enumerate(messages)}
        for _ in range(_SENT_AGAIN):
            entries = [{"Id": name, **entry} for name, entry in left.items()]
            answer = self._sqs().send_message_batch(QueueUrl=self._queue_url, Entries=entries)
            left = {each["Id"]: left[each["Id"]] for each in answer.get("Failed", ())}
            if not left:
                return
        raise NotSent(f"{len(left)} of {len(messages)}")

    def send_later(self, message: AnyMessage, wait_ms: int) -> None:
        delay_s = math.ceil(min(wait_ms, LONGEST_DELAY_MS) / MS_PER_S)
        self._sqs().send_message(QueueUrl=self._queue_url, DelaySeconds=delay_s, **_entry(message))

    def send_in_background(self, message: DeliveryMessage | ReplayMessage, wait_ms: int = 0) -> None:
        """For a replay: SQS deals with what an account is told live beside it, however much there is of it."""
        account_id = message.account_id if isinstance(message, ReplayMessage) else message.delivery_id.account_id
        body = step_body(message) if isinstance(message, ReplayMessage) else body_of(message)
        delay_s = math.ceil(min(wait_ms, LONGEST_DELAY_MS) / MS_PER_S)
        entry = {"MessageBody": body, "MessageGroupId": f"{account_id}#replay"}
        self._sqs().send_message(QueueUrl=self._queue_url, DelaySeconds=delay_s, **entry)


def _entry(message: AnyMessage | DeliveriesMessage) -> dict[str, str]:
    # The group makes SQS deal fairly between endpoints: the deliveries of one that is slow or dead, ten seconds each,
    # hold up no other's, not even its owner's. An account has at most twenty of these shares.
    whose = message if isinstance(message, DeliveriesMessage) else _named_by(message)
    return {"MessageBody": body_of(message), "MessageGroupId": f"{whose.account_id}#{whose.endpoint_id}"}


def _named_by(message: AnyMessage) -> DeliveryId | FormerId:
    return message.delivery_id if isinstance(message, DeliveryMessage) else message.former_id


def body_of(message: AnyMessage | DeliveriesMessage) -> str:
    if isinstance(message, DeliveriesMessage):
        return json.dumps(asdict(message))
    if isinstance(message, DeliveryMessage):
        named = message.delivery_id
        fields = {"account_id": named.account_id, "endpoint_id": named.endpoint_id, "sequence": named.sequence}
        return json.dumps(fields if message.turn_at is None else fields | {"turn_at": message.turn_at})
    former = message.former_id
    return json.dumps(
        {
            "account_id": former.account_id,
            "call_id": former.call_id,
            "endpoint_id": former.endpoint_id,
            "type": former.told_as,
            "occurrence": former.occurrence,
            "sequence": message.sequence,
        }
    )


def step_body(message: ReplayMessage) -> str:
    return json.dumps(asdict(message))


def step_in(body: str) -> ReplayMessage | None:
    """The step of a replay that an SQS body asks for; None of any other body."""
    try:
        fields = json.loads(body)
        account_id, endpoint_id = _text(fields["account_id"]), _text(fields["endpoint_id"])
        return ReplayMessage(account_id, endpoint_id, _text(fields["replay_id"]), int(fields["step"]))
    except (ValueError, KeyError, TypeError):
        return None


def deliveries_in(body: str) -> DeliveriesMessage | None:
    """The deliveries that an SQS body names together; None of any other body."""
    try:
        fields = json.loads(body)
        account_id, endpoint_id = _text(fields["account_id"]), _text(fields["endpoint_id"])
        return DeliveriesMessage(account_id, endpoint_id, tuple(map(int, fields["sequences"])))
    except (ValueError, KeyError, TypeError):
        return None


def message_in(body: str) -> AnyMessage:
    """The message of an SQS body. Raises ValueError for a body that is no message of ours."""
    try:
        fields = json.loads(body)
        account_id, endpoint_id = _text(fields["account_id"]), _text(fields["endpoint_id"])
        sequence = int(fields["sequence"])
        if "call_id" not in fields:
            named = DeliveryId(account_id=account_id, endpoint_id=endpoint_id, sequence=sequence)
            turn_at = fields.get("turn_at")
            return DeliveryMessage(named, None if turn_at is None else int(turn_at))
        former_id = FormerId(
            account_id=account_id,
            call_id=_text(fields["call_id"]),
            endpoint_id=endpoint_id,
            told_as=_text(fields["type"]),
            occurrence=int(fields.get("occurrence", 1)),
        )
        return FormerMessage(former_id, sequence)
    except (KeyError, TypeError) as error:
        raise ValueError("not a delivery message") from error


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError
    return value
