"""Turns changes of calls, as the table's stream delivers them, into what must follow: webhooks, a doorbell, a closed
room, a recording. The end of a call is told by the sweep where the stream did not.

The stream delivers each change at least once and in order per call. Repeating any of this is harmless: events have
stable ids, the doorbell is a hint, a closed room stays closed, and a room is recorded once.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import replace
from dataclasses import dataclass, field
from typing import Protocol

from ringline.calls.capacity.limits import ReachedLimit
from ringline.calls.model.call import Call, State, Status
from ringline.calls.progress.hints import NextRing
from ringline.calls.tables.records import released
from ringline.calls.views.payload import draft_of, news, occurrence_of
from ringline.calls.views.transfer_news import transfer_news
from ringline.runtime.clock import iso
from ringline.webhooks.model.event import EventDraft
from ringline.webhooks.model.event_type import EventType


class Announces(Protocol):
    def announce(self, draft: EventDraft) -> int:
        """Writes the event, then queues a delivery to each endpoint that asked for it; returns how many."""


class Announcer(Announces, Protocol):
    def may_write(self, account_id: str, event_type: EventType) -> bool:
        """Whether an event of this type may be worth a row: what nobody wants need not be made."""

    def write_ahead(self, drafts: Iterable[EventDraft]) -> None:
        """Writes together what is announced hereafter."""


class Whole(Protocol):
    def whole(self, call: Call) -> Call:
        """The call with what was asked of it, which events tell of and endpoints choose by."""


def tell_ringing(announcer: Announces, calls: Whole, call: Call) -> None:
    """Announces that the phone of a call rings. The relay may do so again once the table knows it: both are the same
    event."""
    call = calls.whole(call)
    announcer.announce(draft_of(EventType.CALL_RINGING, call, occurrence_of(EventType.CALL_RINGING, call)))


class Ends(Whole, Protocol):
    def end_is_told(self, call: Call) -> bool:
        """Removes the mark of an end that was not announced; whether there was one."""


class EndsToldTogether:
    """Keeps in mind which ends were announced, and removes their marks when all that was announced is in the queue."""

    def __init__(self, ends: Ends) -> None:
        self._ends = ends
        self._told: list[Call] = []

    def whole(self, call: Call) -> Call:
        return self._ends.whole(call)

    def end_is_told(self, call: Call) -> bool:
        self._told.append(call)
        return True

    def remove_marks(self) -> None:
        told, self._told = self._told, []
        for call in told:
            self._ends.end_is_told(call)


def tell_end(announcer: Announces, ends: Ends, call: Call) -> None:
    """Announces the end of a call, and only then removes its mark. Whoever dies in between leaves the mark to the
    sweep, which announces the end again: it is the same event."""
    call = ends.whole(call)
    announcer.announce(draft_of(EventType.CALL_ENDED, call, occurrence_of(EventType.CALL_ENDED, call)))
    ends.end_is_told(call)


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one call: as it was (None when new) and as it is."""

    record_id: str
    before: Call | None
    after: Call


@dataclass(frozen=True, slots=True)
class Relay:
    """Announces the changes of calls to those who wait for them: customers' endpoints, and the dialers. What is
    announced is under way when `settle` has returned."""

    announcer: Announcer
    ends: Ends
    next_ring: NextRing
    settle: Callable[[], None] = lambda: None
    erase: Callable[[Call], object] = lambda _call: None
    """Leaves of a call's events that they were told, once what is announced is under way."""
    read: dict[tuple[str, str, str | None], Call] = field(default_factory=dict, repr=False)
    """Calls whose long part was read for this batch."""

    def announce(self, change: Change) -> None:
        """Writes the events that the change is worth, and queues their deliveries. What was erased of a call meanwhile
        goes once more: the stream told of the changes before that only now."""
        for draft in self._drafts(change):
            if draft.event_type is EventType.CALL_ENDED:
                tell_end(self.announcer, self.ends, self._whole(change.after))
            else:
                self.announcer.announce(draft)
        if change.before is not None and _erases(change.before, change.after):
            self.erase(change.after)

    def write_ahead(self, changes: Iterable[Change]) -> None:
        """Writes the events of changes that are announced hereafter. It is quicker than one by one, and nothing else:
        `announce` writes what is not written."""
        self.announcer.write_ahead(draft for change in changes for draft in self._drafts(change))

    def _drafts(self, change: Change) -> Iterator[EventDraft]:
        after = change.after
        for event_type, transfer in transfer_news(change.before, after):
            yield draft_of(event_type, self._whole(after), transfer)
        for event_type, occurrence in news(change.before, after):
            if event_type is EventType.CALL_ENDED or self.announcer.may_write(after.account_id, event_type):
                yield draft_of(event_type, self._whole(after), occurrence)

    def _whole(self, call: Call) -> Call:
        """Read once, however many changes of the call a batch has."""
        if call.is_whole:
            return call
        place = (call.account_id, call.call_id, call.asked_key)
        if place not in self.read:
            self.read[place] = self.ends.whole(call)
        read = self.read[place]
        return replace(call, instructions=read.instructions, data=read.data, metadata=read.metadata, asked_is_read=True)

    def announce_limit(self, met: ReachedLimit) -> None:
        """Once for each limit and window, however often the stream tells of it: it is the same event."""
        self.announcer.announce(_limit_reached(met))

    def ring_again(self, changes: Sequence[Change]) -> None:
        """Rings for the next callers where lines were freed, in case whoever freed them died before ringing. This is
        done last of all: by now the line is mostly taken again, and nobody needs to ring."""
        freed = {
            change.after.account_id for change in changes if change.before and released(change.before, change.after)
        }
        for account_id in sorted(freed):
            self.next_ring.ring_if_waiting(account_id)


def _erases(before: Call, after: Call) -> bool:
    if after.content_erased_at is None:
        return False
    kept = [(call.content_erased_at, call.to_number, call.from_number) for call in (before, after)]
    return kept[0] != kept[1]


def _limit_reached(met: ReachedLimit) -> EventDraft:
    return EventDraft(
        account_id=met.account_id,
        event_type=EventType.ACCOUNT_LIMIT_REACHED,
        occurred_at=met.reached_at,
        data={
            "limit": met.limit.value,
            "cap": met.cap,
            "window_began_at": iso(met.window_began_at),
            "window_ends_at": iso(met.window_ends_at),
        },
        occurrence=f"{met.limit}/{met.window_began_at}",
    )


# A leg leaves for these reasons when its room is closed already.
_ROOM_IS_CLOSED = {"ROOM_DELETED", "ROOM_CLOSED"}


def rooms_to_close(changes: Sequence[Change], has_its_room: Callable[[Call], bool] = lambda _call: True) -> list[str]:
    """Rooms of attempts that just ended. LiveKit would keep each open for seconds, with the agent alone in it.
    `has_its_room` is asked about callers, in whose room the next one may be."""
    return [
        change.before.room_name
        for change in changes
        if change.before is not None
        and change.before.in_flight
        and not change.after.in_flight
        # One that a later release has brought on may talk on, and is that release's to end.
        and change.after.is_understood
        and change.before.room_name is not None
        and change.after.evidence.disconnect_reason not in _ROOM_IS_CLOSED
        and (change.before.inbound_room is None or has_its_room(change.before))
    ]


def calls_recorded_on(changes: Sequence[Change], has_its_room: Callable[[Call], bool]) -> list[Call]:
    """Callers' calls that just ended and were recorded, whose room stays open: it may have its next caller, who would
    be recorded in their place. `has_its_room`: as above."""
    return [
        change.before
        for change in changes
        if change.before is not None
        and change.before.recording
        and change.before.inbound_room is not None
        and change.before.in_flight
        and not change.after.in_flight
        and not has_its_room(change.before)
    ]


def calls_to_record(changes: Sequence[Change], has_its_room: Callable[[Call], bool] = lambda _call: True) -> list[Call]:
    """Calls of which a recording, or the next segment of one, is to begin: they became active or go on being recorded.
    Without those that have ended since, and those whose recording is paused. `has_its_room`: as above."""
    latest = {(change.after.account_id, change.after.call_id): change.after for change in changes}
    return [
        change.after
        for change in changes
        if change.after.recording
        and change.after.state is State.ACTIVE
        and (change.before is None or _begins(change.before, change.after))
        and _is_recorded_now(latest[change.after.account_id, change.after.call_id], change.after.recording_segment)
        and (change.after.inbound_room is None or has_its_room(change.after))
    ]


def _begins(before: Call, after: Call) -> bool:
    return before.state.status is not Status.ACTIVE or before.recording_segment != after.recording_segment


def _is_recorded_now(call: Call, segment: int) -> bool:
    return call.state is State.ACTIVE and call.recording_paused_at is None and call.recording_segment == segment
