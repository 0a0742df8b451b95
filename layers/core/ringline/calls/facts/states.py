"""Where a call stands, to the customer and inside."""

from ringline.later import StoredWord


class Direction(StoredWord):
    OUTBOUND = "outbound"
    INBOUND = "inbound"
    WEB = "web"
    """Somebody in a browser, who joins the room with a token of ours."""


class Status(StoredWord):
    """What callers of the API see."""

    PENDING = "pending"
    RINGING = "ringing"
    ACTIVE = "active"
    COMPLETED = "completed"
    FAILED = "failed"


class State(StoredWord):
    """Where a call stands inside. Outbound calls begin queued, inbound ones ringing.

    A call in `last_words` has lost its leg and still holds its line: it looks like a voicemail's greeting, and its
    agent may be about to say that somebody spoke. To the API it is still active.

    A state of a later release is neither over nor in flight, and shows as the word that it is.
    """

    QUEUED = "queued"
    DIALING = "dialing"
    RINGING = "ringing"
    ACTIVE = "active"
    LAST_WORDS = "last_words"
    ENDED = "ended"
    NOT_CONNECTED = "not_connected"
    CANCELED = "canceled"

    @property
    def status(self) -> Status:
        return _STATUS.get(self) or Status.kept(self.value)

    @property
    def is_terminal(self) -> bool:
        return self in {State.ENDED, State.NOT_CONNECTED, State.CANCELED}

    @property
    def is_in_flight(self) -> bool:
        """Whether an attempt is under way: something of it may live at LiveKit, and an outbound one holds a line."""
        return self in {State.DIALING, State.RINGING, State.ACTIVE, State.LAST_WORDS}


_STATUS = {
    State.QUEUED: Status.PENDING,
    State.DIALING: Status.RINGING,
    State.RINGING: Status.RINGING,
    State.ACTIVE: Status.ACTIVE,
    State.LAST_WORDS: Status.ACTIVE,
    State.ENDED: Status.COMPLETED,
    State.NOT_CONNECTED: Status.FAILED,
    State.CANCELED: Status.FAILED,
}
