"""Where a waiting call stands, and what it waits for: the answer to "why is my call not ringing?"."""

from dataclasses import dataclass
from enum import StrEnum

from ringline.calls.call import Call, State
from ringline.calls.store import CallStore

MOST_COUNTED = 1000
"""Places are counted up to here: behind it, the exact number is worth less than what counting it costs."""


class BlockedBy(StrEnum):
    SCHEDULE = "schedule"
    """Its time has not come."""
    GATE = "gate"
    """All the account's lines are in use."""
    CALLS_BEFORE = "calls_before"
    """A line is free, and others are before it."""
    NOTHING = "nothing"
    """It is next, and its dialer is on the way."""


@dataclass(frozen=True, slots=True)
class QueuePlace:
    """`position` counts from 1; `counts_all` is false where more stand before it than were counted. `in_use` and `cap`
    are the account's lines."""

    position: int
    counts_all: bool
    blocked_by: BlockedBy
    in_use: int
    cap: int


def queue_place(store: CallStore, call: Call, now: int) -> QueuePlace | None:
    """The place of a call that waits; None for one that does not."""
    if call.state is not State.QUEUED:
        return None
    before = store.waiting_before(call, MOST_COUNTED)
    gate = store.gate(call.account_id)
    if call.eligible_at > now:
        blocked_by = BlockedBy.SCHEDULE
    elif not gate.has_room:
        blocked_by = BlockedBy.GATE
    else:
        blocked_by = BlockedBy.CALLS_BEFORE if before else BlockedBy.NOTHING
    return QueuePlace(before + 1, before < MOST_COUNTED, blocked_by, gate.in_use, gate.cap)
