"""Turns changes of calls, as the table's stream delivers them, into what must follow: webhooks, a doorbell, a closed
room, a recording.

The stream delivers each change at least once and in order per call. Repeating any of this is harmless: deliveries have
stable ids, the doorbell is a hint, a closed room stays closed, and a room is recorded once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ringline.calls.model.call import Call, State, Status
from ringline.calls.progress.hints import NextRing
from ringline.calls.tables.records import released
from ringline.calls.views.payload import announcements, occurrence_of
from ringline.calls.views.transfer_news import transfer_news
from ringline.webhooks.model.event_type import EventType


class Announcer(Protocol):
    def announce(self, account_id: str, call_id: str, event_type: EventType, sequence: int, occurrence: int = 1) -> int:
        """Queues a delivery to each endpoint that asked for the type; returns how many."""


def tell_ringing(announcer: Announcer, call: Call) -> None:
    """Announces that the phone of a call rings. The relay may do so again once the table knows it: both name the same
    deliveries."""
    occurrence = occurrence_of(EventType.CALL_RINGING, call)
    announcer.announce(call.account_id, call.call_id, EventType.CALL_RINGING, call.version, occurrence)


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one call: as it was (None when new) and as it is."""

    record_id: str
    before: Call | None
    after: Call


@dataclass(frozen=True, slots=True)
class Relay:
    """Announces the changes of calls to those who wait for them: customers' endpoints, and the dialers."""

    announcer: Announcer
    next_ring: NextRing

    def announce(self, change: Change) -> None:
        """Queues the webhooks that the change is worth."""
        after = change.after
        for event_type, transfer in transfer_news(change.before, after):
            self.announcer.announce(after.account_id, after.call_id, event_type, after.version, transfer)
        for event_type in announcements(change.before, after):
            occurrence = occurrence_of(event_type, after)
            self.announcer.announce(after.account_id, after.call_id, event_type, after.version, occurrence)

    def ring_again(self, changes: Sequence[Change]) -> None:
        """Rings for the next callers where lines were freed, in case whoever freed them died before ringing. This is
        done last of all: by now the line is mostly taken again, and nobody needs to ring."""
        freed = {
            change.after.account_id for change in changes if change.before and released(change.before, change.after)
        }
        for account_id in sorted(freed):
            self.next_ring.ring_if_waiting(account_id)


# A leg leaves for these reasons when its room is closed already.
_ROOM_IS_CLOSED = {"ROOM_DELETED", "ROOM_CLOSED"}


def rooms_to_close(changes: Sequence[Change]) -> list[str]:
    """Rooms of attempts that just ended. LiveKit would keep each open for seconds, with the agent alone in it."""
    return [
        change.before.room_name
        for change in changes
        if change.before is not None
        and change.before.in_flight
        and not change.after.in_flight
        and change.before.room_name is not None
        and change.after.evidence.disconnect_reason not in _ROOM_IS_CLOSED
    ]


def calls_to_record(changes: Sequence[Change]) -> list[Call]:
    """Calls of which a recording, or the next segment of one, is to begin: they became active or go on being recorded.
    Without those that have ended since, and those whose recording is paused."""
    latest = {(change.after.account_id, change.after.call_id): change.after for change in changes}
    return [
        change.after
        for change in changes
        if change.after.recording
        and change.after.state is State.ACTIVE
        and (change.before is None or _begins(change.before, change.after))
        and _is_recorded_now(latest[change.after.account_id, change.after.call_id], change.after.recording_segment)
    ]


def _begins(before: Call, after: Call) -> bool:
    return before.state.status is not Status.ACTIVE or before.recording_segment != after.recording_segment


def _is_recorded_now(call: Call, segment: int) -> bool:
    return call.state is State.ACTIVE and call.recording_paused_at is None and call.recording_segment == segment
