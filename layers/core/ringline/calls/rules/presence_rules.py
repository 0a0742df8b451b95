"""What it means that an agent comes into the room, or goes. Pure; what it tells is for `agent_rules`."""

from copy import replace

from ringline.calls.model.call import Call, Direction, State
from ringline.calls.model.events import AgentJoined, AgentLeft, AgentSeen
from ringline.calls.model.results import END_ROOM, LOOK_AGAIN, Moved, Result, Rule, Unmoved
from ringline.calls.model.timing import SHORT_LIMIT_S
from ringline.calls.rules.ending import changed


def activated(call: Call, agent: AgentSeen, at: int) -> Call:
    """The conversation begins, with an agent who may have been there before the answer."""
    active_at = at if call.answered_at is None else max(at, call.answered_at)
    return replace(call, state=State.ACTIVE, agent_sid=agent.sid, agent_joined_at=agent.joined_at, active_at=active_at)


def _agent_joins_answered(call: Call, event: AgentJoined) -> Result:
    if call.direction is Direction.INBOUND and call.answered_at is None:
        return _agent_takes_call(call, event)
    if call.answered_at is None:
        # Not recorded: whoever reports the answer looks who is in the room. One write fewer on each call.
        return Unmoved("not_answered_yet")
    if call.end_asked_at is not None:
        return Unmoved("end_was_asked", END_ROOM)
    return Moved(changed(activated(call, AgentSeen(event.sid, event.at), event.at)))


def _agent_takes_call(call: Call, event: AgentJoined) -> Result:
    """LiveKit answers a caller as soon as the agent's audio is in the room, and says nothing of it."""
    if call.end_asked_at is not None:
        return Unmoved("end_was_asked", END_ROOM)
    taken = activated(replace(call, answered_at=event.at), AgentSeen(event.sid, event.at), event.at)
    # No dialer stays with it to have a short limit looked at in time.
    return Moved(changed(taken), LOOK_AGAIN if call.max_call_duration_s <= SHORT_LIMIT_S else frozenset())


def _agent_joins_call(call: Call, event: AgentJoined) -> Result:
    if event.sid == call.agent_sid and call.agent_left_at is None:
        return Unmoved("agent_is_known")
    if call.agent_left_at is None and call.agent_sid is not None and event.at < (call.active_at or 0):
        return Unmoved("agent_joined_before")
    # A silence is what the one before had heard.
    reports = replace(call.reports, silent_since=None)
    return Moved(changed(call, agent_sid=event.sid, agent_left_at=None, reports=reports))


def _agent_leaves_call(call: Call, event: AgentLeft) -> Result:
    """LiveKit leaves the caller on the line. A successor may come; without one the next look ends the call."""
    if call.agent_sid is not None and event.sid != call.agent_sid:
        return Unmoved("stale_agent")
    if call.agent_left_at is not None:
        return Unmoved("agent_left_before")
    return Moved(changed(call, agent_left_at=event.at), LOOK_AGAIN)


OF_AN_AGENTS_PRESENCE: dict[type, Rule] = {AgentJoined: _agent_joins_answered}
OF_AN_AGENTS_PRESENCE_IN_CALL: dict[type, Rule] = {AgentJoined: _agent_joins_call, AgentLeft: _agent_leaves_call}
