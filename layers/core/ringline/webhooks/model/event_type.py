"""The events that customers can subscribe to. `calls.views` decides when one has happened, `webhooks` tells it."""

from enum import StrEnum


class EventType(StrEnum):
    CALL_RINGING = "call_ringing"
    CALL_ACTIVE = "call_active"
    CALL_END = "call_end"
    CALL_TRANSFER_REQUESTED = "call_transfer_requested"
    CALL_TRANSFER_RINGING = "call_transfer_ringing"
    CALL_TRANSFER_JOINED = "call_transfer_joined"
    CALL_TRANSFER_COMPLETED = "call_transfer_completed"
    CALL_TRANSFER_FAILED = "call_transfer_failed"
