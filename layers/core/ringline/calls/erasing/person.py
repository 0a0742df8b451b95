"""Erases one person's number across an account: each call with it loses its content and the number.

It goes through the account's calls a page at a time, those to the number first, then those from it. Whoever asked goes
on with the cursor of the answer; begun anew, it finds what is left.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from ringline.calls.erasing.content import Deleted
from ringline.calls.erasing.erase import EraseContent, Erased
from ringline.calls.model.call import Call
from ringline.calls.tables.pages import CallPages
from ringline.calls.tables.wanted import Wanted
from ringline.runtime.clock import MS_PER_S

MOST_AT_ONCE = 5
"""Calls that one request erases: each takes some hundred requests of its own, most of them for its events."""

LATE_EVENTS_S = 120
"""For how long after a call's end LiveKit may tell of its caller again."""

_TO, _FROM = "to:", "from:"


@dataclass(slots=True)
class Forgotten:
    """What one request has erased. `left` are calls that have to end, or to finish their recording, first;
    `next_cursor` is where the next request goes on, None at the end."""

    calls: int = 0
    deleted: Deleted = field(default_factory=Deleted)
    events: int = 0
    left: list[str] = field(default_factory=list)
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class ForgetNumber:
    """`forget_called` (account, number) removes that the number was ever called, and `forget_room` (call) that its
    caller's room was theirs."""

    pages: CallPages
    erase: EraseContent
    forget_called: Callable[[str, str], None]
    forget_room: Callable[[Call], None]

    def run(self, account_id: str, number: str, cursor: str | None = None) -> Forgotten:
        """`number` is E.164, or the digits of a caller whose country nobody could tell. Raises ValueError for a cursor
        that is none of ours."""
        side = _FROM if cursor is not None and cursor.startswith(_FROM) else _TO
        if cursor is not None and not cursor.startswith(side):
            raise ValueError("not a cursor of ours")
        after = None if cursor is None else cursor.removeprefix(side) or None
        words = _as_calls_keep(number)
        wanted = Wanted(to_number=words) if side == _TO else Wanted(from_number=words)
        page = self.pages.newest(account_id, limit=MOST_AT_ONCE, cursor=after, wanted=wanted)
        forgotten = Forgotten()
        self.forget_called(account_id, number)
        for call in page.calls:
            if self._may_be_told_of(call):
                forgotten.left.append(call.call_id)
                continue
            if call.inbound_room is not None and call.state.is_terminal:
                # Once the call is erased it does not know its room any more.
                self.forget_room(call)
            erased = self.erase.run(account_id, call.call_id, number)
            if isinstance(erased, Erased):
                forgotten.calls += 1
                forgotten.events += erased.events
                forgotten.deleted = forgotten.deleted.plus(erased.deleted)
            elif erased is not None:
                forgotten.left.append(call.call_id)
        if page.next_cursor is not None:
            forgotten.next_cursor = side + page.next_cursor
        elif side == _TO:
            forgotten.next_cursor = _FROM
        return forgotten

    def _may_be_told_of(self, call: Call) -> bool:
        """Whether LiveKit may still tell of a caller who is gone: without its room, their call would be made anew."""
        gone_for_ms = self.erase.clock() - (call.ended_at or call.created_at)
        return call.inbound_room is not None and call.state.is_terminal and gone_for_ms < LATE_EVENTS_S * MS_PER_S


def _as_calls_keep(number: str) -> frozenset[str]:
    """The number, and its digits alone: a caller whose country nobody could tell is kept in the trunk's words."""
    return frozenset({number, number.removeprefix("+")})
