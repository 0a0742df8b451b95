"""What a carrier tells of a phone call, reduced to what calls need. `telephony.carriers` reads it from the carriers'
webhooks."""

from enum import StrEnum

from ringline.calls.model.call import Refusal
from ringline.record import Record


class Kind(StrEnum):
    RINGING = "ringing"
    FORWARDED = "forwarded"
    ANSWERED = "answered"
    FAILED = "failed"
    """Never connected."""
    ENDED = "ended"
    """Over; whether it had been answered, our own record tells where the event cannot."""
    OTHER = "other"


class CarrierEvent(Record):
    """One thing that happened to a phone call. `room` is what our own header said, where the carrier echoes it;
    `provider_call_ids` are the carrier's ids of the call, the widest first; `at` is in milliseconds."""

    kind: Kind
    provider: str
    room: str | None = None
    provider_call_ids: tuple[str, ...] = ()
    at: int | None = None
    sip_code: int | None = None
    sip_status: str | None = None
    cause: str | None = None
    refusal: Refusal | None = None
    forwarded_to: str | None = None
    to_voicemail: bool = False
