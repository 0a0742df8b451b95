"""The book of calls: how each stands by the latest write, and what a write changed."""

from dataclasses import dataclass

from ringline.calls.model.call import AttemptId, Call, State, attempt_of_room
from simulation.kernel.processes import Process

type CallKey = tuple[str, str]
"""Account and call."""


@dataclass(frozen=True, slots=True)
class CallChange:
    """One write of a call, by that process: how it was, None if it is new, and how it is."""

    process: Process | None
    before: Call | None
    after: Call

    @property
    def key(self) -> CallKey:
        return self.after.account_id, self.after.call_id

    @property
    def is_claim(self) -> bool:
        """Whether it was taken from the queue to be dialled."""
        return self.before is not None and self.before.state is State.QUEUED and self.after.state is State.DIALING

    @property
    def is_queued_again(self) -> bool:
        return self.before is not None and self.before.holds_slot and self.after.state is State.QUEUED

    @property
    def is_end(self) -> bool:
        return self.after.state.is_terminal and not (self.before is not None and self.before.state.is_terminal)

    @property
    def gives_line_back(self) -> bool:
        return self.before is not None and self.before.holds_slot and not self.after.holds_slot


class CallBook:
    def __init__(self) -> None:
        self.calls: dict[CallKey, Call] = {}
        self.on_a_line: dict[str, int] = {}
        """How many calls of each account hold a line."""
        self.unfinished: set[CallKey] = set()
        self.news_lost: set[str] = set()
        """Calls of which a change is never relayed: only their end is told for certain."""

    def call_changed(self, change: CallChange) -> None:
        before, after, key = change.before, change.after, change.key
        self.calls[key] = after
        held_before = before is not None and before.holds_slot
        self.on_a_line[key[0]] = self.on_a_line.get(key[0], 0) + after.holds_slot - held_before
        if after.state.is_terminal:
            self.unfinished.discard(key)
        else:
            self.unfinished.add(key)

    def id_of(self, to_number: str) -> str | None:
        """The first call that was accepted for this number; no two requests name the same."""
        return next((call.call_id for call in self.calls.values() if call.to_number == to_number), None)

    def attempt_in(self, room: str) -> AttemptId | None:
        """The attempt that a room stands for, also one that LiveKit has named."""
        named = attempt_of_room(room)
        if named is not None:
            return named
        calls = (call for call in self.calls.values() if call.inbound_room == room)
        return next((AttemptId(call.account_id, call.call_id, call.attempt) for call in calls), None)

    def in_flight(self) -> list[Call]:
        return [call for call in self.calls.values() if call.holds_slot]
