"""What can happen to a transfer, in the past tense. Each says when (`at`, milliseconds), in which dial of the call and
which transfer."""

from ringline.calls.model.transfers.transfer import Transfer
from ringline.record import Record


class TransferAsked(Record):
    """Somebody wants the call handed over. Recorded before LiveKit is asked."""

    at: int
    attempt: int
    transfer: Transfer


class _OfTransfer(Record):
    at: int
    attempt: int
    transfer_id: str


class TransferBegun(_OfTransfer):
    """Whoever carries it out is about to ask LiveKit."""


class TransferRang(_OfTransfer):
    """Nobody has refused the number for so long that its phone can ring."""


class TransferJoined(Record):
    """The target is there and can talk."""

    at: int
    attempt: int
    transfer_id: str
    participant_sid: str | None = None


class TransferCompleted(_OfTransfer):
    """The call is the target's: the phone has left for it, or the agent before has left the room."""


class TransferFailed(Record):
    """The target did not come, and why: an `EndReason`, as if it had been a call."""

    at: int
    attempt: int
    transfer_id: str
    reason: str
    sip_code: int | None = None
