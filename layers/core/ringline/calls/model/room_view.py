"""A LiveKit room as calls see it: who is in it, and that it could not be asked."""

from ringline.calls.model.call import Call
from ringline.calls.model.events import AgentSeen
from ringline.record import Record


class LegView(Record):
    """A leg in a room. `carrier_call_ids` are the carrier's own ids of the call, `(provider, id)`."""

    identity: str
    sid: str
    sip_call_id: str | None
    call_status: str | None
    carrier_call_ids: tuple[tuple[str, str], ...] = ()


class RoomView(Record):
    """Who is in a room. A room that is gone looks like one that is empty."""

    legs: tuple[LegView, ...]
    agents: tuple[AgentSeen, ...]


def leg_of(call: Call, room: RoomView | None) -> LegView | None:
    """This attempt's leg among those in the room."""
    return next((leg for leg in room.legs if leg.identity == call.leg_identity), None) if room else None


def agent_in(room: RoomView | None) -> AgentSeen | None:
    """An agent in the room, if any."""
    return next(iter(room.agents), None) if room else None


class TelephonyDown(Exception):
    """LiveKit could not be asked. What is known stays as it was."""
