"""When an event happened, as far as the call allows. Pure.

LiveKit, carriers and agents tell moments by clocks of their own, which may be minutes off. What a call allows is the
time from its dial, or from its last step that must come before the event, to now. A moment outside of that says only
that a clock is wrong, and the event counts as of now: then every call keeps its order

    created <= dialed <= answered <= active <= ended <= now
"""

from copy import replace
from typing import Any, cast

from ringline.calls.model.call import Call
from ringline.calls.model.events import AgentLeft, Answered, CarrierEnded, Claimed, Event, LegLeft, RoomFinished

_STAMPED_MS = 1000
"""LiveKit stamps whole seconds: a moment less than one before the earliest is the earliest."""

_AFTER_THE_LAST_STEP = (AgentLeft, CarrierEnded, LegLeft, RoomFinished)
"""What can only have followed an answer, and the agent's coming, that are recorded."""


def as_allowed(call: Call, event: Event, now: int) -> Event:
    """The event at a moment that the call allows."""
    at = _allowed(event.at, _earliest(call, event), now)
    corrected: dict[str, Any] = {} if at == event.at else {"at": at}
    if isinstance(event, Answered) and event.agent is not None:
        joined_at = _allowed(event.agent.joined_at, _began(call), now)
        if joined_at != event.agent.joined_at:
            corrected["agent"] = replace(event.agent, joined_at=joined_at)
    return cast(Event, replace(event, **corrected)) if corrected else event


def in_order(call: Call, at: int) -> int:
    """The moment of an end, not before any step of the call."""
    steps = (call.dialed_at, call.answered_at, call.active_at)
    return max(at, call.created_at, *(step for step in steps if step is not None))


def _earliest(call: Call, event: Event) -> int:
    if isinstance(event, Claimed):
        return call.created_at
    return in_order(call, 0) if isinstance(event, _AFTER_THE_LAST_STEP) else _began(call)


def within_dial(call: Call, moment: int, now: int) -> int:
    """The nearest moment to this one in the call's dial so far. What one clock tells keeps its order but for moments
    that cannot be."""
    return max(_began(call), min(moment, now))


def _began(call: Call) -> int:
    return call.created_at if call.dialed_at is None else call.dialed_at


def _allowed(moment: int, earliest: int, now: int) -> int:
    if earliest <= moment <= now:
        return moment
    if earliest - _STAMPED_MS < moment < earliest:
        return earliest
    # Two functions' clocks differ by milliseconds, too: the order of a call's steps goes before this one's.
    return max(now, earliest)
