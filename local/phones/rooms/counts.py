"""LiveKit's head count of a room, which is late on purpose.

A room's `numParticipants` and `numPublishers` are written out every 5 s while they change, or at once when nothing was
written for 5 s. So a webhook about a participant who just left may still count them: never decide by it.
"""

from dataclasses import dataclass, field

from local.phones.model import timings


@dataclass(frozen=True, slots=True)
class HeadCount:
    """Participants who keep a room open (agents and recorders do not), and publishers of any kind."""

    participants: int = 0
    publishers: int = 0


@dataclass(slots=True)
class LateCount:
    """The count as the server reports it. Moments are seconds of the network's own clock."""

    created_at_s: float
    _reported: HeadCount = field(default_factory=HeadCount)
    _current: HeadCount = field(default_factory=HeadCount)
    _written_at_s: float = field(init=False)
    _changed_at_s: float | None = None

    def __post_init__(self) -> None:
        self._written_at_s = self.created_at_s

    def reported(self, now_s: float) -> HeadCount:
        self._write_if_due(now_s)
        return self._reported

    def change(self, current: HeadCount, now_s: float) -> None:
        """Notes the true count; it shows when it is next written out."""
        self._write_if_due(now_s)
        self._current = current
        if now_s - self._written_at_s > timings.COUNTS_REFRESH_S:
            self._write(now_s)
        elif self._changed_at_s is None:
            self._changed_at_s = now_s

    def _write_if_due(self, now_s: float) -> None:
        if self._changed_at_s is None:
            return
        rounds = (self._changed_at_s - self.created_at_s) // timings.COUNTS_REFRESH_S + 1
        due_at_s = self.created_at_s + rounds * timings.COUNTS_REFRESH_S
        if now_s >= due_at_s:
            self._write(due_at_s)

    def _write(self, at_s: float) -> None:
        self._reported = self._current
        self._written_at_s = at_s
        self._changed_at_s = None
