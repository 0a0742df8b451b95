"""A LiveKit room as calls see it: who is in it, and that it could not be asked."""

from enum import IntEnum

from ringline.calls.model.call import UP, Call, CallStatus, State
from ringline.calls.model.events import AgentSeen
from ringline.record import Record


class LegView(Record):
    """A leg in a room. `carrier_call_ids` are the carrier's own ids of the call, `(provider, id)`."""

    identity: str
    sid: str
    sip_call_id: str | None
    call_status: str | None
    carrier_call_ids: tuple[tuple[str, str], ...] = ()
    joined_at: int = 0
    """Of the one who is listed now: who was thrown out by a restart of LiveKit and is back has joined since."""


class Others(IntEnum):
    """Who is in a room beside a call's own leg and agents. Recorders and players are nobody."""

    NONE = 0
    MAY_COME = 1
    """Somebody's phone is being called into the room."""
    TALK = 2
    """Somebody can be talked to: a second phone that was answered, or a person in a browser."""


class RoomView(Record):
    """Who is in a room. A room that is gone looks like one that is empty. `others` are those who are there without a
    phone, `former` the agents that are known to be of a call which had the room before."""

    legs: tuple[LegView, ...]
    agents: tuple[AgentSeen, ...]
    others: Others = Others.NONE
    former: tuple[AgentSeen, ...] = ()


def leg_of(call: Call, room: RoomView | None) -> LegView | None:
    """This attempt's leg among those in the room."""
    if room is None:
        return None
    return next((leg for leg in room.legs if leg.identity == call.leg_identity and _is_of(call, leg)), None)


def _is_of(call: Call, leg: LegView) -> bool:
    """Whether a leg with the identity of the call's own is of the same phone call. Somebody who rings again may come
    into the room that LiveKit gave them before."""
    if call.inbound_room is None or None in (call.sip_call_id, leg.sip_call_id):
        return True
    return call.sip_call_id == leg.sip_call_id


def agent_in(room: RoomView | None) -> AgentSeen | None:
    """The agent in the room that joined first, if any."""
    return next(iter(_by_joining(room.agents)), None) if room else None


def present_agents(call: Call, room: RoomView) -> tuple[AgentSeen, ...]:
    """The agents in the room, the first to join first, without those that are known to have left: LiveKit's list may
    still show them."""
    departed = {*call.former_agent_sids, call.agent_sid if call.agent_left_at is not None else None}
    return tuple(agent for agent in _by_joining(room.agents) if agent.sid not in departed)


def later_agents(call: Call, room: RoomView) -> tuple[AgentSeen, ...]:
    """Those in the room who came while the call's agent was there, as far as its record tells. Never the agent itself,
    which may be back under another sid; and nobody where it is not seen, because they may have come after it."""
    kept = next((agent for agent in room.agents if call.is_its_agent(agent.identity, agent.sid)), None)
    if kept is None or call.state is not State.ACTIVE or call.agent_left_at is not None:
        return ()
    return tuple(agent for agent in room.agents if agent.sid != kept.sid and agent.identity != kept.identity)


def others_of(call: Call, room: RoomView) -> Others:
    """Who is in the room beside the call's leg and its agents."""
    return max([room.others, *(_reached(leg) for leg in room.legs if leg.identity != call.leg_identity)])


def others_joined_at(call: Call, room: RoomView) -> tuple[int, ...]:
    """When each joined who is in the room beside the call's leg."""
    legs = (leg.joined_at for leg in room.legs if leg.identity != call.leg_identity)
    return (*legs, *(agent.joined_at for agent in room.agents))


def _reached(leg: LegView) -> Others:
    if leg.call_status in UP:
        return Others.TALK
    return Others.NONE if leg.call_status == CallStatus.HANGUP else Others.MAY_COME


def _by_joining(agents: tuple[AgentSeen, ...]) -> list[AgentSeen]:
    return sorted(agents, key=lambda agent: (agent.joined_at, agent.sid))


class TelephonyDown(Exception):
    """LiveKit could not be asked. What is known stays as it was."""
