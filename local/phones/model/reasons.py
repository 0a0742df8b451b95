"""LiveKit's words for why somebody is in a room no more, as far as anybody here leaves for them."""

from enum import StrEnum


class LeftFor(StrEnum):
    """The words are LiveKit's and stand here a second time, because the outside must go on saying what LiveKit says,
    whatever the product reads. Those of a refusal follow from its SIP code (`sip_status`)."""

    CLIENT_INITIATED = "CLIENT_INITIATED"
    """They went by themselves."""
    DUPLICATE_IDENTITY = "DUPLICATE_IDENTITY"
    """Somebody of the same identity came."""
    PARTICIPANT_REMOVED = "PARTICIPANT_REMOVED"
    """LiveKit was asked to put them out."""
    ROOM_DELETED = "ROOM_DELETED"
    """LiveKit was asked to close the room."""
    ROOM_CLOSED = "ROOM_CLOSED"
    """Nobody kept the room open."""
    SIGNAL_CLOSE = "SIGNAL_CLOSE"
    """Their connection broke off, and may be made again."""
    CONNECTION_TIMEOUT = "CONNECTION_TIMEOUT"
    """Nothing was heard of them any more."""
    USER_UNAVAILABLE = "USER_UNAVAILABLE"
    USER_REJECTED = "USER_REJECTED"
