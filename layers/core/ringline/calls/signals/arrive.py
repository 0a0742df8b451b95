"""Somebody rings in: finds whose number was dialled and what runs there, writes the call, has the agent come.

caller's INVITE -> LiveKit opens the room, rings -> participant_joined -> row `ringing` -> agent dispatched
                -> agent joins: LiveKit answers, the row is `active`

The row stands before anybody is asked for anything: whatever fails afterwards, the sweep looks after the caller.
"""

from dataclasses import dataclass
from typing import Any, Protocol

from aws_lambda_powertools import Logger

from ringline.calls.model.call import Call, Direction, State
from ringline.calls.model.events import AgentSeen
from ringline.calls.model.livekit_event import LivekitEvent, What
from ringline.calls.model.ports import LookQueue
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.room_view import RoomView
from ringline.calls.model.timing import FIRST_LOOK_S, RING_TIMEOUT_S
from ringline.calls.progress.hints import ask_for_look
from ringline.calls.rules.deadlines import look_again_in_s
from ringline.calls.tables.inbound_rooms import InboundRooms
from ringline.routing.resolve import Route, dialed_number
from ringline.runtime.clock import Clock
from ringline.runtime.ids import new_id
from ringline.runtime.logging import masked, masked_within

_ROUTELESS = Route(pipe_id=None, agent_id="", from_number="")


class Numbers(Protocol):
    def owner_of(self, number: str) -> str | None: ...


class Routing(Protocol):
    def resolve(self, account_id: str, number: str) -> Route | None: ...


class Desk(Protocol):
    """What is done about callers at LiveKit. Every method raises TelephonyDown."""

    def take_in(self, call: Call) -> RoomView:
        """Has an agent come to the call's room, unless one was sent there already; who is in the room now."""

    def turn_away(self, room: str) -> bool:
        """Closes the room, unless somebody sent an agent there: whether it was closed."""

    def close(self, room: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Arrived:
    """What came of an arrival, in a word for the log. `call` is its row, if it goes on; `agent` is in the room
    already."""

    word: str
    call: Call | None = None
    agent: AgentSeen | None = None


@dataclass(frozen=True, slots=True)
class Arrive:
    rooms: InboundRooms
    numbers: Numbers
    routing: Routing
    desk: Desk
    looks: LookQueue
    clock: Clock
    log: Logger

    def run(self, seen: LivekitEvent, at: int) -> Arrived | None:
        """What became of a caller whose leg was seen at that moment; None if the call is there already. Raises what
        keeps the call from being written, and TelephonyDown where a caller could not be turned away: LiveKit then
        sends the event again."""
        number = dialed_number(seen.our_number)
        account_id = None if number is None else self.numbers.owner_of(number)
        if number is None or account_id is None:
            return self._strange(seen)
        route = self.routing.resolve(account_id, number)
        call = _call(seen, account_id, number, route, at)
        if not self.rooms.open(call):
            return None
        about = {"account_id": account_id, "call_id": call.call_id, "from_number": masked(call.from_number)}
        if route is None:
            self.log.warning("number leads to no agent", extra={**about, "to_number": masked(number)})
            self.desk.close(seen.room_name)
            return Arrived("number_not_routed")
        self.log.info("call rang in", extra=about)
        return Arrived("arrived", call, self._received(call) if seen.what is What.JOINED else None)

    def _strange(self, seen: LivekitEvent) -> Arrived:
        """No account has the number: nobody will ever answer, and LiveKit would ring for minutes."""
        is_closed = seen.what is What.JOINED and self.desk.turn_away(seen.room_name)
        about = {"room": masked_within(seen.room_name), "rule_id": seen.rule_id, "to_number": masked(seen.our_number)}
        self.log.warning("number of no account", extra={**about, "room_closed": is_closed})
        return Arrived("number_not_ours")

    def _received(self, call: Call) -> AgentSeen | None:
        """Has the agent come. An agent whom the dispatch rule sent may be there before the call was written."""
        ask_for_look(self.looks, self.log, call, call.ring_timeout_s + 1)
        try:
            room = self.desk.take_in(call)
        except Exception:
            self.log.exception("agent not dispatched", extra={"call_id": call.call_id})
            ask_for_look(self.looks, self.log, call, look_again_in_s(call))
            return None
        return room.agents[0] if room.agents else None


def _call(seen: LivekitEvent, account_id: str, number: str, route: Route | None, at: int) -> Call:
    """The row of a call that rings in: `ringing`, or over where its number leads nowhere."""
    if route is None:
        state: dict[str, Any] = {
            "state": State.NOT_CONNECTED,
            "end_reason": EndReason.NUMBER_NOT_ROUTED,
            "ended_at": at,
        }
    else:
        state = {"state": State.RINGING, "due_at": at + FIRST_LOOK_S * 1000, "agent_id": route.agent_id}
    taken = route or _ROUTELESS
    return Call(
        account_id=account_id,
        call_id=new_id("call"),
        direction=Direction.INBOUND,
        pipe_id=taken.pipe_id,
        voice_profile_id=taken.voice_profile_id,
        from_number=seen.their_number,
        to_number=number,
        inbound_room=seen.room_name,
        caller_identity=seen.identity,
        ring_timeout_s=taken.ring_timeout_s or RING_TIMEOUT_S,
        max_call_duration_s=taken.max_call_duration_s,
        agent_join_timeout_s=taken.agent_join_timeout_s,
        recording=taken.recording,
        attempt=1,
        created_at=at,
        eligible_at=at,
        dialed_at=at,
        leg_sid=seen.sid,
        sip_call_id=seen.sip_call_id,
        **state,
    )
