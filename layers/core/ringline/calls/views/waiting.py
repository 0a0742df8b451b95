"""What an account's waiting calls wait for, all together: the answer to "why is nothing ringing?".

Read from the queue's entries alone, which cost a hundredth of what their calls do. An entry does not tell whether its
call was dialled before: one whose moment is to come waits for its schedule, or for its next attempt.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ringline.calls.capacity.days import next_day_at
from ringline.calls.tables.agent_rests import AgentRest
from ringline.calls.tables.limits.livekit_budget import is_near
from ringline.calls.tables.livekit_rest import Rest
from ringline.calls.tables.paces import Pace
from ringline.calls.tables.store import Gate, QueueEntry
from ringline.calls.views.queue_place import BlockedBy

_NOTHING_MISSED = AgentRest()


@dataclass(frozen=True, slots=True)
class Full:
    """What has as many calls as it may have, by its name."""

    what: BlockedBy
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How it stands with all that a call needs to be dialled. `paces` is by the trunk that an entry names, `rests` by
    agent; `without_place` are the agents none of whose runners has a place. `full` names, by call, what has no room for
    it. From `livekits_turn_at` on LiveKit takes the requests of one call more."""

    gate: Gate
    livekit: Rest
    paces: Mapping[str | None, Pace]
    rests: Mapping[str, AgentRest]
    without_place: frozenset[str] = frozenset()
    speech_is_full: bool = False
    full: Mapping[str, Full] = field(default_factory=dict)
    livekits_turn_at: int = 0


@dataclass(slots=True)
class Block:
    """What stops `calls` calls. `until` is the first moment (ms) at which one of them may go on; None where nobody can
    say. `names` are the trunks or agents that it is about."""

    what: BlockedBy
    calls: int = 0
    until: int | None = None
    names: set[str] = field(default_factory=set)


def blocks(entries: Sequence[QueueEntry], standing: Standing, now: int) -> list[Block]:
    """What stops these calls, in their order in the queue, the most frequent first."""
    found: dict[BlockedBy, Block] = {}
    lines = max(0, standing.gate.cap - standing.gate.in_use)
    for entry in entries:
        what = _stopped_by(entry, standing, now)
        if what is None:
            what, lines = (BlockedBy.NOTHING, lines - 1) if lines > 0 else (BlockedBy.CALLS_BEFORE, 0)
        block = found.setdefault(what, Block(what))
        block.calls += 1
        block.until = _earlier(block.until, _until(what, entry, standing, now))
        block.names |= _names(what, entry, standing)
    return sorted(found.values(), key=lambda block: -block.calls)


def next_start_at(entries: Iterable[QueueEntry], standing: Standing, now: int) -> int | None:
    """The first moment at which any of these calls may be dialled, as far as that is known. With no line free it
    supposes that calls last as long as the account's did so far."""
    moments = [moment for entry in entries if (moment := _may_go_at(entry, standing)) is not None]
    line_at = now if standing.gate.has_free_line else _line_free_at(standing.gate, now)
    if standing.gate.daily.stops_all(now):
        line_at = next_day_at(now)
    return None if line_at is None or not moments else max(line_at, min(moments))


def _stopped_by(entry: QueueEntry, standing: Standing, now: int) -> BlockedBy | None:
    if entry.eligible_at > now:
        return BlockedBy.SCHEDULE
    if standing.gate.daily.stops_all(now):
        return BlockedBy.DAILY_CAP
    if not standing.gate.has_free_line:
        return BlockedBy.GATE
    if not standing.livekit.is_over(now):
        return BlockedBy.LIVEKIT
    if entry.call_id in standing.full:
        return standing.full[entry.call_id].what
    if _lacks_place(entry, standing) or not _rest(entry, standing).is_over(now):
        return BlockedBy.AGENT
    if not standing.paces[entry.trunk_id].is_near(now):
        return BlockedBy.TRUNK_PACE
    if not is_near(standing.livekits_turn_at, now):
        return BlockedBy.LIVEKIT_PACE
    return None


def _may_go_at(entry: QueueEntry, standing: Standing) -> int | None:
    if _lacks_place(entry, standing) or entry.call_id in standing.full:
        return None
    pace = standing.paces[entry.trunk_id]
    livekit_at = max(standing.livekit.next_at, standing.livekits_turn_at)
    return max(entry.eligible_at, livekit_at, _rest(entry, standing).next_at, pace.next_at)


def _until(what: BlockedBy, entry: QueueEntry, standing: Standing, now: int) -> int | None:
    match what:
        case BlockedBy.DAILY_CAP:
            return next_day_at(now)
        case BlockedBy.SCHEDULE:
            return entry.eligible_at
        case BlockedBy.LIVEKIT:
            return standing.livekit.next_at
        case BlockedBy.LIVEKIT_PACE:
            return standing.livekits_turn_at
        case BlockedBy.AGENT:
            return None if _lacks_place(entry, standing) else _rest(entry, standing).next_at
        case BlockedBy.TRUNK_PACE:
            return standing.paces[entry.trunk_id].next_at
    return None


def _names(what: BlockedBy, entry: QueueEntry, standing: Standing) -> set[str]:
    full = standing.full.get(entry.call_id)
    if full is not None and full.what is what:
        return {full.name}
    named = {BlockedBy.AGENT: entry.runner_of or entry.agent_id, BlockedBy.TRUNK_PACE: entry.trunk_id}.get(what)
    return set() if named is None else {named}


def _lacks_place(entry: QueueEntry, standing: Standing) -> bool:
    return entry.runner_of in standing.without_place or (entry.brain is not None and standing.speech_is_full)


def _rest(entry: QueueEntry, standing: Standing) -> AgentRest:
    return standing.rests.get(entry.agent_id or "", _NOTHING_MISSED)


def _line_free_at(gate: Gate, now: int) -> int | None:
    if gate.mean_line_ms is None or gate.cap == 0:
        return None
    return now + round(gate.mean_line_ms / gate.cap)


def _earlier(one: int | None, other: int | None) -> int | None:
    known = [moment for moment in (one, other) if moment is not None]
    return min(known, default=None)
