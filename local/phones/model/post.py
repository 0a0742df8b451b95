"""How LiveKit posts its webhooks to one endpoint: a line for each room, in which each event waits for those before it.

A server posts events of every kind but those that its configuration leaves out, as `exclude_events` of its
`webhook.filter_params`. What its `include_events` does differs between versions, and is not played.

An event is tried at 0, 1, 3, 7 and 15 s while it is not taken. What waited over 30 s, or found 200 events before it, is
dropped for ever, and nobody is told.
"""

from collections import deque
from collections.abc import Callable, Iterable

from local.phones.model import timings

EVENTS = (
    "room_started", "room_finished",
    "participant_joined", "participant_left", "participant_connection_aborted",
    "track_published", "track_unpublished",
    "egress_started", "egress_updated", "egress_ended",
    "ingress_started", "ingress_ended",
    "agent_job_started", "agent_job_ended",
)  # fmt: skip
"""All that LiveKit posts, by its own names; those of agents' jobs by servers newer than 1.13.5."""


def those_left_out(names: Iterable[str]) -> frozenset[str]:
    """Events that are not to be posted. Raises ValueError for a name that is none of LiveKit's."""
    left_out = frozenset(names)
    if unknown := left_out - set(EVENTS):
        raise ValueError(f"LiveKit posts no {', '.join(sorted(unknown))}")
    return left_out


def is_taken(status: int) -> bool:
    """Whether an endpoint that answers so is not asked again: it took the event, or refused it for good."""
    return status != 429 and (status < 500 or status == 501)


def wait_after(tries: int) -> float | None:
    """How many seconds after so many tries in vain the next one comes; None where there is none."""
    waits_s = timings.HOOK_RETRY_WAITS_S
    return waits_s[tries - 1] if tries <= len(waits_s) else None


class Line[Event]:
    """The events of one room, or of one egress, that wait. Moments in seconds."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[float, Event]] = deque()

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def put(self, event: Event, at_s: float) -> None:
        """Queues the event of that moment, unless the line is full."""
        if len(self._waiting) < timings.HOOK_MAX_DEPTH:
            self._waiting.append((at_s, event))

    def take(self, now_s: float, dropped: Callable[[Event], None]) -> Event | None:
        """The event that is to be sent next. `dropped` hears of each that waited too long."""
        while self._waiting:
            at_s, event = self._waiting.popleft()
            if now_s - at_s <= timings.HOOK_MAX_AGE_S:
                return event
            dropped(event)
        return None

    def forget(self) -> None:
        """The server died, and the line with it."""
        self._waiting.clear()
