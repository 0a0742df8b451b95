"""Where a waiting call stands, what it waits for and until when: the answer to "why is my call not ringing?"."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ringline.calls.capacity.counters import Kind
from ringline.calls.capacity.days import Use
from ringline.calls.model.call import Call, State
from ringline.calls.model.ports import NoPlace, Places
from ringline.calls.progress.capacity import POOL, Capacity, Known, NoRoom
from ringline.calls.tables.agent_rests import AgentRest
from ringline.calls.tables.limits.livekit_budget import is_near
from ringline.calls.tables.livekit_rest import Rest
from ringline.calls.tables.paces import Pace, TrunkPaces
from ringline.calls.tables.store import CallStore, Gate
from ringline.runtime.clock import iso_or_none

MOST_COUNTED = 1000
"""Places are counted up to this one. Behind it, the exact number is worth less than what counting it costs."""


class BlockedBy(StrEnum):
    SCHEDULE = "schedule"
    """Its time has not come."""
    RETRY_DELAY = "retry_delay"
    """It was dialled before, and waits for its next dial."""
    GATE = "gate"
    """All the account's lines are in use."""
    DAILY_CAP = "daily_cap"
    """The account has used up what it may on one day: calls, minutes, or, for a number that it never called, new
    numbers. The next day begins at midnight UTC."""
    AGENT_CAP = "agent_cap"
    """A line is free, and the agent has as many calls as its cap allows."""
    PIPE_CAP = "pipe_cap"
    """The same of the pipe."""
    NUMBER_CAP = "number_cap"
    """The same of the number it calls from, or that has been dialled from as often as it may be in a day."""
    CALLER_ID = "caller_id"
    """A line is free, and no number of the pipe's pool has room: each is in use as often as it may be, or rests."""
    TRUNK_PACE = "trunk_pace"
    """A line is free, and its trunk takes no call yet: it has taken one this moment, or its carrier was full."""
    LIVEKIT_PACE = "livekit_pace"
    """A line is free, and LiveKit takes so many requests a minute of this deployment: its calls are dialled by turns,
    and none is near."""
    AGENT = "agent"
    """A line is free, and the agent is not there: calls waited for it in vain, and one of them tries it at a time. Or
    its brain is a runner, and none that is there has a place, or no speech worker has."""
    LIVEKIT = "livekit"
    """A line is free, and LiveKit itself is away: nobody is dialled before it is back."""
    CALLS_BEFORE = "calls_before"
    """A line is free, and others are before it."""
    NOTHING = "nothing"
    """It is next, and a dialer is about to claim it."""


_FULL = {
    Kind.AGENT: BlockedBy.AGENT_CAP,
    Kind.PIPE: BlockedBy.PIPE_CAP,
    Kind.NUMBER: BlockedBy.NUMBER_CAP,
    POOL: BlockedBy.CALLER_ID,
    Use.NEW_NUMBERS: BlockedBy.DAILY_CAP,
}


def full_of(name: str) -> BlockedBy:
    """What a call waits for, by the name of the counter or pool that has no room for it."""
    return _FULL[name.partition("#")[0]]


@dataclass(frozen=True, slots=True)
class QueuePlace:
    """`position` counts from 1; `counts_all` is false where more stand before it than were counted. `in_use` and `cap`
    are the account's lines. `estimated_start_at` (ms) supposes that calls last as long as the account's did so far;
    None where too little is known."""

    position: int
    counts_all: bool
    blocked_by: BlockedBy
    estimated_start_at: int | None
    in_use: int
    cap: int

    def as_json(self) -> dict[str, Any]:
        return {
            "position": self.position,
            "counts_all": self.counts_all,
            "blocked_by": self.blocked_by.value,
            "estimated_start_at": iso_or_none(self.estimated_start_at),
            "in_use": self.in_use,
            "cap": self.cap,
        }


def queue_place(
    store: CallStore, paces: TrunkPaces, places: Places, capacity: Capacity, call: Call, now: int
) -> QueuePlace | None:
    """The place of a call that waits; None for one that does not."""
    if call.state is not State.QUEUED:
        return None
    before = store.waiting_before(call, MOST_COUNTED)
    gate, pace = store.gate(call.account_id), paces.look(call.trunk_id)
    agent = paces.agents.look(call.account_id, call.agent_id) if call.agent_first else AgentRest()
    lacks_place = _lacks_place(places, call)
    room = capacity.room_for(call, gate, Known())
    full = full_of(room.name) if isinstance(room, NoRoom) else None
    if gate.daily.is_spent(Use.NEW_NUMBERS, now) and not store.was_called(call.account_id, call.to_number or ""):
        full = BlockedBy.DAILY_CAP
    livekit, livekits_turn_at = paces.livekit.look(), paces.budget.next_turn_at()
    counts_all = before < MOST_COUNTED
    # Nobody can say when a LiveKit that is away comes back, or when a runner's place or one under a cap comes free.
    can_estimate = counts_all and livekit.is_over(now) and not lacks_place and full is None
    can_estimate = can_estimate and not gate.daily.stops_all(now)
    return QueuePlace(
        position=before + 1,
        counts_all=counts_all,
        blocked_by=blocked_by(call, before, gate, pace, now, livekit, agent, lacks_place, full, livekits_turn_at),
        estimated_start_at=(
            estimated_start_at(call, before, gate, pace, now, agent, livekits_turn_at, paces.budget.interval_ms)
            if can_estimate
            else None
        ),
        in_use=gate.in_use,
        cap=gate.cap,
    )


def _lacks_place(places: Places, call: Call) -> bool:
    if call.needs_place and isinstance(places.least_loaded(call.account_id, call.agent_id or ""), NoPlace):
        return True
    return call.brain is not None and places.speech_is_full()


def blocked_by(
    call: Call,
    before: int,
    gate: Gate,
    pace: Pace,
    now: int,
    livekit: Rest,
    agent: AgentRest,
    lacks_place: bool = False,
    full: BlockedBy | None = None,
    livekits_turn_at: int = 0,
) -> BlockedBy:
    if call.eligible_at > now:
        return BlockedBy.RETRY_DELAY if call.attempt else BlockedBy.SCHEDULE
    if gate.daily.stops_all(now):
        return BlockedBy.DAILY_CAP
    if not gate.has_free_line:
        return BlockedBy.GATE
    if not livekit.is_over(now):
        return BlockedBy.LIVEKIT
    if full is not None:
        return full
    if lacks_place or not agent.is_over(now):
        return BlockedBy.AGENT
    if not pace.is_near(now):
        return BlockedBy.TRUNK_PACE
    if not is_near(livekits_turn_at, now):
        return BlockedBy.LIVEKIT_PACE
    return BlockedBy.CALLS_BEFORE if before else BlockedBy.NOTHING


def estimated_start_at(
    call: Call,
    before: int,
    gate: Gate,
    pace: Pace,
    now: int,
    agent: AgentRest,
    livekits_turn_at: int = 0,
    livekits_interval_ms: int = 0,
) -> int | None:
    """When the call will probably be dialled: `before` calls take the lines first, as they fall free. Nobody can say
    when an agent that is missing comes back."""
    if not agent.is_over(now):
        return None
    ready_at = max(
        max(now, call.eligible_at, pace.next_at) + before * pace.interval_ms,
        # A lull that is not used up lets the first of those before it go at once.
        livekits_turn_at + before * livekits_interval_ms,
    )
    ends_needed = before + 1 - max(0, gate.cap - gate.in_use)
    if ends_needed <= 0:
        return ready_at
    if gate.mean_line_ms is None or gate.cap == 0:
        return None
    return max(ready_at, now + round(gate.mean_line_ms * ends_needed / gate.cap))
