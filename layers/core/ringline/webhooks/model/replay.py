"""A replay: a part of an account's events, sent again to one endpoint a few at a time."""

from dataclasses import field

from ringline.later import Carried, StoredWord
from ringline.record import stored


class ReplayStatus(StoredWord):
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"


class ReplayOf(StoredWord):
    """What is sent again: what the endpoint has not taken, or everything."""

    FAILED = "failed"
    ALL = "all"


@stored(kw_only=True)
class Replay:
    """Events from `from_sequence` to `until_sequence`, both included: what happens after its start is none of it.

    `next_sequence` is where it goes on, `step` counts how often it went on: of two who make the same step only one is
    followed by another. `event_types` are subscriptions, () those of the endpoint.
    """

    account_id: str
    endpoint_id: str
    replay_id: str
    only: ReplayOf
    from_sequence: int
    until_sequence: int
    created_at: int
    next_sequence: int
    event_types: tuple[str, ...] = ()
    status: ReplayStatus = ReplayStatus.RUNNING
    step: int = 0
    looked_at: int = 0
    sent: int = 0
    due_at: int | None = None
    finished_at: int | None = None
    stopped_because: str | None = None
    carried: Carried = field(default=(), compare=False, repr=False)

    @property
    def is_running(self) -> bool:
        return self.status is ReplayStatus.RUNNING

    @property
    def progress(self) -> float:
        """The share of its events that it has looked at, from 0 to 1."""
        if self.status is ReplayStatus.DONE:
            return 1.0
        whole = self.until_sequence - self.from_sequence + 1
        return min(1.0, (self.next_sequence - self.from_sequence) / whole) if whole > 0 else 1.0
