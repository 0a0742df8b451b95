"""What the use cases of a call need of LiveKit, in the field's words. `telephony` provides it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ringline.calls.model.call import Call
from ringline.calls.model.events import AgentSeen

if TYPE_CHECKING:
    # Six dataclasses, which only the dialer makes: the hooks start without them.
    from ringline.calls.model.outcomes import DialOutcome, NoRoom, NotSent


@dataclass(frozen=True, slots=True)
class LegView:
    """A leg in a room. `carrier_call_ids` are the carrier's own ids of the call, `(provider, id)`."""

    identity: str
    sid: str
    sip_call_id: str | None
    call_status: str | None
    carrier_call_ids: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class RoomView:
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


class Telephony(Protocol):
    """LiveKit, as calls see it. Every method but the first two raises TelephonyDown when LiveKit cannot be asked."""

    async def open_room(self, call: Call) -> "NotSent | NoRoom | None":
        """Makes the attempt's room and dispatches the agent with it. None when it stands; repeating changes nothing."""

    async def place_call(self, call: Call) -> "DialOutcome":
        """Dials once and waits for the answer, unless the carrier tells of it (`answer_from`). Never repeat it for one
        attempt: LiveKit would ring twice."""

    async def take_in(self, call: Call) -> RoomView:
        """Has an agent come to the room of a call that rings in, unless one was sent there already; who is in the room
        now. Opens no room: that of a caller who is gone stays gone."""

    async def look(self, room: str) -> RoomView: ...

    async def end_room(self, room: str) -> None:
        """Closes the room and with it every leg in it; a room that is gone already is closed."""

    async def rooms(self, names: Sequence[str] = ()) -> Mapping[str, int]:
        """Every open room with the moment (ms) it was made, or those of the named ones that are open."""
