"""Turns changes of calls, as the table's stream tells them, into what must follow: webhooks, a doorbell, a closed
room.

The stream delivers each change at least once and in order per call. Repeating any of this is harmless: deliveries have
stable ids, the doorbell is a hint, and a closed room stays closed.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from aws_lambda_powertools import Logger

from ringline.calls.call import Call
from ringline.calls.payload import announcements
from ringline.calls.ports import Telephony, TelephonyDown
from ringline.calls.progress import Progress
from ringline.calls.records import released


class Announcer(Protocol):
    def announce(self, account_id: str, call_id: str, event_type: str, sequence: int) -> int:
        """Queues a delivery to each endpoint that asked for the type; returns how many."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one call: as it was (None when new) and as it is."""

    record_id: str
    before: Call | None
    after: Call


@dataclass(frozen=True, slots=True)
class Relay:
    announcer: Announcer
    progress: Progress
    log: Logger

    def run(self, change: Change) -> None:
        """Announces the change and, where a line was freed, rings for the next caller in case the one who freed it
        died before."""
        after = change.after
        for event_type in announcements(change.before, after):
            self.announcer.announce(after.account_id, after.call_id, event_type.value, after.version)
        if change.before is not None and released(change.before, after):
            self.progress.ring_if_waiting(after.account_id)


# LiveKit closed the room itself when these were the leg's fate.
_ROOM_IS_CLOSED = {"ROOM_DELETED", "ROOM_CLOSED"}


def rooms_to_close(changes: Sequence[Change]) -> list[str]:
    """Rooms of calls that just ended. LiveKit would keep each open for seconds, with the agent alone in it."""
    return [
        change.after.room_name
        for change in changes
        if change.after.state.is_terminal
        and not (change.before is not None and change.before.state.is_terminal)
        and change.after.room_name is not None
        and change.after.evidence.disconnect_reason not in _ROOM_IS_CLOSED
    ]


async def close_rooms(telephony: Telephony, rooms: Sequence[str], log: Logger) -> None:
    """Closes rooms side by side. One that resists is left to the sweep: webhooks must not wait for LiveKit."""
    results = await asyncio.gather(*(telephony.end_room(room) for room in rooms), return_exceptions=True)
    for room, result in zip(rooms, results, strict=True):
        if isinstance(result, TelephonyDown):
            log.warning("room not closed", extra={"room": room})
        elif isinstance(result, BaseException):
            raise result
