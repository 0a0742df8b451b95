"""A message of the delivery queue, which may name several deliveries to one endpoint: they are made at once.

    read together: records, endpoint, events -> each posts, and writes its own outcome -> the message is over

What fails of ours brings the message back, and what was done by then is known to be. Deliveries to several endpoints
are never made together: SQS counts a message as under way until all of it is over, so those to a server that does not
answer would take the others' share of the queue with them.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ringline.runtime.at_once import at_once
from ringline.webhooks.model.delivery import AtHand, DeliveryId
from ringline.webhooks.model.former import FormerId
from ringline.webhooks.sending.deliver import Outcome
from ringline.webhooks.sending.queue import (
    MOST_IN_A_MESSAGE,
    AnyMessage,
    DeliveryMessage,
    ReplayMessage,
    deliveries_in,
    message_in,
    step_in,
)


class Delivers(Protocol):
    def run(self, message: AnyMessage, at_hand: AtHand | None = None) -> Outcome: ...


class Reads(Protocol):
    def read(self, delivery_ids: Iterable[DeliveryId]) -> Mapping[DeliveryId, AtHand | Exception]: ...


@dataclass(frozen=True, slots=True)
class Try:
    """A try that was made, or was not to be."""

    names: DeliveryId | FormerId
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a replay."""

    names: ReplayMessage
    outcome: Any


type Took = Try | Step | Exception
"""What became of what a message names; the exception where it is to come back."""


class TakeTogether:
    def __init__(self, deliver: Delivers, step: Callable[[ReplayMessage], Any], reads: Reads) -> None:
        self._deliver = deliver
        self._step = step
        self._reads = reads

    def run(self, body: str) -> list[Took]:
        """What became of each delivery that the message of this body names, in their order."""
        try:
            if (step := step_in(body)) is not None:
                return [Step(step, self._step(step))]
            named = deliveries_in(body)
            messages: tuple[AnyMessage, ...] = (message_in(body),) if named is None else named.each
            at_hand = self._reads.read(each.delivery_id for each in messages if isinstance(each, DeliveryMessage))
        except Exception as error:
            return [error]
        return at_once(lambda each: self._take(each, at_hand), messages, MOST_IN_A_MESSAGE)

    def _take(self, message: AnyMessage, at_hand: Mapping[DeliveryId, AtHand | Exception]) -> Took:
        try:
            if isinstance(message, DeliveryMessage):
                read = at_hand[message.delivery_id]
                return (
                    read if isinstance(read, Exception) else Try(message.delivery_id, self._deliver.run(message, read))
                )
            return Try(message.former_id, self._deliver.run(message))
        except Exception as error:
            return error
