"""A batch of the delivery queue, whose deliveries are made at once: one that waits for its server holds up no other.

    read together: records, endpoints, events -> each posts, and writes its own outcome -> the batch is over

What fails of ours fails alone, and its message comes back; only what cannot be read fails all of them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ringline.runtime.at_once import at_once
from ringline.webhooks.model.delivery import AtHand, DeliveryId
from ringline.webhooks.model.former import FormerId
from ringline.webhooks.sending.deliver import Outcome
from ringline.webhooks.sending.queue import AnyMessage, DeliveryMessage, ReplayMessage, message_in, step_in

TOGETHER = 10
"""As many as SQS hands out with one request without holding any back."""


class Delivers(Protocol):
    def run(self, message: AnyMessage, at_hand: AtHand | None = None) -> Outcome: ...


class Reads(Protocol):
    def read(self, delivery_ids: Iterable[DeliveryId]) -> Mapping[DeliveryId, AtHand]: ...


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
"""What became of a message; the exception where it is to come back."""


class TakeTogether:
    def __init__(self, deliver: Delivers, step: Callable[[ReplayMessage], Any], reads: Reads) -> None:
        self._deliver = deliver
        self._step = step
        self._reads = reads

    def run(self, bodies: Sequence[str]) -> list[Took]:
        """What became of each message, in their order."""
        told = [_read(body) for body in bodies]
        named = [each.delivery_id for each in told if isinstance(each, DeliveryMessage)]
        try:
            at_hand = self._reads.read(named) if named else {}
        except Exception as error:
            return [error if isinstance(each, DeliveryMessage) else self._take(each, {}) for each in told]
        return at_once(lambda each: self._take(each, at_hand), told, TOGETHER)

    def _take(self, told: AnyMessage | ReplayMessage | Exception, at_hand: Mapping[DeliveryId, AtHand]) -> Took:
        try:
            match told:
                case Exception():
                    return told
                case ReplayMessage():
                    return Step(told, self._step(told))
                case DeliveryMessage(delivery_id):
                    return Try(delivery_id, self._deliver.run(told, at_hand[delivery_id]))
                case _:
                    return Try(told.former_id, self._deliver.run(told))
        except Exception as error:
            return error


def _read(body: str) -> AnyMessage | ReplayMessage | Exception:
    try:
        return step_in(body) or message_in(body)
    except Exception as error:
        return error
