"""The events that customers can subscribe to. `calls.views` decides when one has happened, `webhooks` tells it."""

from enum import StrEnum


class EventType(StrEnum):
    CALL_RINGING = "call_ringing"
    CALL_ACTIVE = "call_active"
    CALL_END = "call_end"
