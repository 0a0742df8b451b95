"""LiveKit's webhooks under way: a line for each room, in which each event waits for those before it
(`local/phones/model/post.py`). An event that is not taken holds up its own room and no other."""

from dataclasses import dataclass, field
from typing import Any

from local.phones.model.post import Line, wait_after
from tests.fakes import HandClock

type Document = dict[str, Any]


@dataclass
class Posting:
    """The first event of a line, from when on it is to be sent, and how often it was. `number` says which of all events
    came before which."""

    room: str
    number: int
    document: Document
    at: int
    tries: int = 0
    is_under_way: bool = False


@dataclass
class Post:
    clock: HandClock
    _lines: dict[str, Line[tuple[int, Document]]] = field(default_factory=dict)
    _first: dict[str, Posting] = field(default_factory=dict)
    """What is to be sent next, by the room."""
    _last: tuple[str, Document] | None = None
    _numbers: int = 0

    def put(self, room: str, document: Document) -> None:
        self._numbers += 1
        self._last = room, document
        self._lines.setdefault(room, Line()).put((self._numbers, document), self.clock.now / 1000)
        if room not in self._first:
            self._goes_on(room)

    def put_again(self) -> None:
        """The last event that was put comes twice."""
        assert self._last is not None
        self.put(*self._last)

    def next(self) -> Posting | None:
        """The oldest event that is to be sent now. It is under way until `tried` says what came of it."""
        due = [each for each in self._first.values() if not each.is_under_way and each.at <= self.clock.now]
        if not due:
            return None
        posting = min(due, key=lambda each: each.number)
        posting.is_under_way = True
        return posting

    def tried(self, posting: Posting, *, is_taken: bool) -> float | None:
        """In how many seconds the event is tried again; None where it is not."""
        posting.is_under_way = False
        posting.tries += 1
        wait_s = None if is_taken else wait_after(posting.tries)
        if wait_s is not None:
            posting.at = self.clock.now + round(wait_s * 1000)
        elif self._first.get(posting.room) is posting:
            self._goes_on(posting.room)
        return wait_s

    def lose_next(self) -> Posting | None:
        """The oldest event that is to be sent now never arrives."""
        posting = self.next()
        if posting is not None:
            self.tried(posting, is_taken=True)
        return posting

    def clear(self) -> None:
        """Nothing of what is under way arrives."""
        self._lines.clear()
        self._first.clear()

    def _goes_on(self, room: str) -> None:
        self._first.pop(room, None)
        event = self._lines[room].take(self.clock.now / 1000, lambda _event: None)
        if event is not None:
            self._first[room] = Posting(room, *event, at=self.clock.now)
