"""What LiveKit and the carrier said of a leg."""

from dataclasses import field
from enum import StrEnum

from ringline.later import Carried, StoredWord
from ringline.record import stored


class CallStatus(StrEnum):
    """LiveKit's `sip.callStatus` of a leg."""

    DIALING = "dialing"
    RINGING = "ringing"
    AUTOMATION = "automation"
    ACTIVE = "active"
    HANGUP = "hangup"


UP = frozenset({CallStatus.ACTIVE, CallStatus.AUTOMATION})
"""The statuses of a leg whose phone was answered: two parties talk, or LiveKit plays tones to one."""


class Refusal(StoredWord):
    """What a carrier's words for a refusal mean beyond their SIP code. `telephony.carriers.refusals` reads them."""

    LIMIT = "limit"
    """It takes no more calls at the moment: too many in a second, or too many at once."""
    FRAUD = "fraud"
    """It took the call for fraud, or may not deliver it."""
    OUR_SIDE = "our_side"
    """It is about our own account, caller id, balance or permitted countries, not about the number that was called."""


class AnswerFrom(StoredWord):
    """Who tells that a dialled phone was answered. The carrier's word frees the dialer from waiting for it."""

    DIALER = "dialer"
    CARRIER = "carrier"


# LiveKit's words for why a leg left its room (livekit.md, section 3).
MAY_COME_BACK = frozenset({"CONNECTION_TIMEOUT", "SIGNAL_CLOSE", "STATE_MISMATCH", "MIGRATION"})
"""The leg lost its connection to the room: the phone call may go on, and the leg come back under a new sid."""
LOST_CONNECTION = MAY_COME_BACK | {"JOIN_FAILURE"}
ROOM_CLOSED = "ROOM_CLOSED"
"""LiveKit closed the room around the leg, of its own accord."""
ROOM_ENDED = frozenset({"ROOM_DELETED", "PARTICIPANT_REMOVED"})
"""Somebody closed the room, or put the leg out of it."""
BRIDGE_STOPPED = "SERVER_SHUTDOWN"
"""The SIP bridge was told to stop, and hung up: a conversation lost its connection, a dial did not get through."""
BRIDGE_FAILED = frozenset({BRIDGE_STOPPED, "MEDIA_FAILURE", "SIP_TRUNK_FAILURE"})
AGENT_ERROR = "AGENT_ERROR"


@stored
class Evidence:
    """What LiveKit and the carrier said of the leg, kept raw: a later reading may know more than today's."""

    sip_code: int | None = None
    sip_status: str | None = None
    refusal: str | None = None
    """A `Refusal`, or a word of a later version."""
    twirp_code: str | None = None
    twirp_message: str | None = None
    disconnect_reason: str | None = None
    last_call_status: str | None = None
    leg_left_at: int | None = None
    left_leg_sid: str | None = None
    room_finished_at: int | None = None
    over_since: int | None = None
    """When it ended, as far as could be told when it was given up."""

    @property
    def leg_may_come_back(self) -> bool:
        """Whether the leg lost its connection to the room, which does not mean that the phone call is over."""
        return self.disconnect_reason in MAY_COME_BACK

    @property
    def leg_has_left_for_good(self) -> bool:
        """Whether LiveKit saw the leg go, and not merely lose its connection."""
        return self.leg_left_at is not None and not self.leg_may_come_back


@stored
class CarrierWords:
    """What the carrier itself reported of the present attempt, in events of its own."""

    rang_at: int | None = None
    forwarded_at: int | None = None
    forwarded_to: str | None = None
    to_voicemail: bool = False
    failed_at: int | None = None
    ended_at: int | None = None
    cause: str | None = None
    end_is_failure: bool = False
    """The carrier said that a place failed. Where it rang several places that may be one which did not answer, so a
    later word that the conversation ended says more."""
    end_is_doubted: bool = False
    """Its word of the end was another leg's: this one was seen alive long after."""
    carried: Carried = field(default=(), compare=False, repr=False)

    @property
    def believed_end_at(self) -> int | None:
        return None if self.end_is_doubted else self.ended_at
