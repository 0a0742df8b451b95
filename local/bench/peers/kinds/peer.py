"""What the bench asks of a peer, and the times of all."""

from typing import Protocol

REQUEUED_AFTER_S = 0.1
"""A call that found no line is looked at again after 5 s."""
LEASE_S, BEAT_S = 4.0, 0.4
"""How long a line or a call is somebody's without a word from them, and how often they say it."""
POLL_S = 0.6
"""What is polled each 30 s."""


class Peer(Protocol):
    """A queue of calls and a count of lines. One object for each process; its methods are called from many threads."""

    def set_up(self) -> None:
        """Once, before anybody works."""

    def put(self, call_id: str) -> None:
        """A call waits from now on."""

    def take(self, worker: str) -> str | None:
        """A call that has a line now; None where nobody waits or no line is free, after the pause that the peer makes
        then."""

    def done(self, worker: str, call_id: str) -> None:
        """The call is over, and its line free."""

    def beat(self, worker: str) -> None:
        """The worker lives, each BEAT_S; whatever belongs to one that does not is taken back."""

    def held(self) -> int:
        """How many lines are in use by the peer's own count."""
