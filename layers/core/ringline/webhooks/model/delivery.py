"""A delivery: one event of one call on its way to one endpoint, with every try that was made."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum

from ringline.webhooks.model.event_type import EventType

KEPT_ATTEMPTS = 20
"""Attempts a record remembers, the latest ones: the schedule makes ten, redelivering by hand may add more."""


class DeliveryStatus(StrEnum):
    FAILING = "failing"
    DELIVERED = "delivered"
    GAVE_UP = "gave_up"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryId:
    """Names a delivery: one per call, endpoint, type and occurrence, so whoever announces an event twice names the same
    one. What can happen to a call more than once counts its occurrences from 1."""

    account_id: str
    call_id: str
    endpoint_id: str
    event_type: EventType
    occurrence: int = 1

    @property
    def event(self) -> str:
        """The type, with its occurrence unless it is the first: `call_ringing`, `call_ringing#2`."""
        return self.event_type if self.occurrence == 1 else f"{self.event_type}#{self.occurrence}"

    @property
    def webhook_id(self) -> str:
        """What receivers drop duplicates by: the same in every try."""
        name = f"{self.account_id}/{self.call_id}/{self.endpoint_id}/{self.event}"
        return f"msg_{hashlib.sha256(name.encode()).hexdigest()[:32]}"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One POST: the status code it was answered with, or the name of what went wrong before there was one."""

    at: int
    duration_ms: int
    status_code: int | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """The record of a delivery that was tried at least once.

    `next_attempt_at` is the moment of the next try. `due_at` is when the sweep looks after it: a bit later where a
    delayed message is under way, so that the two do not both try.
    """

    id: DeliveryId
    sequence: int
    status: DeliveryStatus
    attempts: tuple[Attempt, ...] = ()
    attempt_count: int = 0
    next_attempt_at: int | None = None
    due_at: int | None = None

    @property
    def is_over(self) -> bool:
        return self.status is not DeliveryStatus.FAILING
