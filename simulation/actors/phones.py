"""Rooms and who is in them: SIP legs with the callees behind them, and agents. What happens here is what really
happens; what anybody is told of it is another matter."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ringline.calls.model.call import AnswerFrom, Call
from ringline.calls.model.outcomes import Connected, DialOutcome, NoRoom, Placed, Refused
from ringline.calls.model.timing import EMPTY_ROOM_S, ROOM_DEPARTURE_S
from ringline.telephony.dial_errors import from_twirp
from simulation.actors.carriers import Carriers
from simulation.kernel.world import World
from simulation.plan.planned import PlannedCall

if TYPE_CHECKING:
    from simulation.actors.agents import Agents
    from simulation.actors.carrier_hooks import CarrierHooks
    from simulation.actors.livekit import Livekit

LOST_AFTER_MS = (19_000, 22_000)
"""How long LiveKit takes to notice that a bridge or a worker is dead."""

# Twirp code, text, SIP code, the leg's disconnect reason.
_REFUSALS = {
    "busy": ("resource_exhausted", "Busy Here", 486, "USER_REJECTED"),
    "declines": ("permission_denied", "Decline", 603, "USER_REJECTED"),
    "wrong": ("not_found", "Not Found", 404, "USER_UNAVAILABLE"),
    "unavailable": ("resource_exhausted", "Temporarily Unavailable", 480, "USER_UNAVAILABLE"),
    "trunk_down": ("failed_precondition", "Service Unavailable", 503, "CLIENT_INITIATED"),
}


@dataclass(slots=True, eq=False)
class Leg:
    call: Call
    plan: PlannedCall
    sid: str
    sip_call_id: str
    status: str = "dialing"
    lies: bool = False
    """Whether its status stays "dialing" whatever happens, as after a restart of the server."""
    phone: str = "dialing"
    """dialing, ringing, talking or over: the truth."""
    attached: bool = False
    """Whether the server can reach it. A leg of a server that died is attached again when it rejoins."""
    answered_at: int | None = None
    over_at: int | None = None
    tell: Callable[[DialOutcome], None] | None = None

    @property
    def room_name(self) -> str:
        return self.call.room_name or ""

    @property
    def identity(self) -> str:
        return self.call.leg_identity

    @property
    def callee(self) -> str:
        """Who is at the other end in this attempt."""
        return self.plan.callee_in(len(self.call.attempts) + 1)

    @property
    def is_up(self) -> bool:
        """Whether a phone rings or somebody is on the line."""
        return self.phone in {"ringing", "talking"}

    def says(self, status: str) -> None:
        if self.attached and not self.lies:
            self.status = status


@dataclass(slots=True, eq=False)
class Agent:
    sid: str
    joined_at: int
    alive: bool = True


@dataclass(slots=True, eq=False)
class Room:
    name: str
    made_at: int
    legs: dict[str, Leg] = field(default_factory=dict)
    agents: list[Agent] = field(default_factory=list)
    ever_joined: bool = False
    closed_at: int | None = None
    plan: PlannedCall | None = None


class Phones:
    livekit: "Livekit"
    agents: "Agents"
    carrier: "CarrierHooks"

    def __init__(self, world: World, plans: dict[str, PlannedCall], carriers: Carriers) -> None:
        self._world = world
        self._plans = plans
        self._carriers = carriers
        self._sids = 0
        self.rooms: dict[str, Room] = {}
        self.legs: dict[tuple[str, int], Leg] = {}
        self.closed_at: dict[str, int] = {}
        self.alone_since: dict[str, int] = {}
        """Rooms whose last agent left while the call went on, and since when."""
        self.server_is_up = True
        self.epoch = 0
        self.bridge_down_until = 0

    def plan_of(self, call: Call) -> PlannedCall:
        return self._plans[call.to_number or ""]

    def new_sid(self, prefix: str) -> str:
        self._sids += 1
        return f"{prefix}_{self._sids}"

    @property
    def bridge_is_down(self) -> bool:
        return self._world.now < self.bridge_down_until

    # --- rooms -------------------------------------------------------------------------------------------------------

    def room(self, name: str, dispatched_for: Call | None = None) -> Room:
        """The room of that name, made if need be; only who makes it dispatches an agent."""
        found = self.rooms.get(name)
        if found is None:
            found = self.rooms[name] = Room(name, self._world.now)
            self._world.trace(f"room {name} is made")
            self._world.after(EMPTY_ROOM_S * 1000, self._close_if_never_joined, found)
            if dispatched_for is not None:
                self.agents.dispatch(found, self.plan_of(dispatched_for))
        return found

    def is_open(self, room: Room) -> bool:
        """Whether the server knows the room."""
        return self.rooms.get(room.name) is room and self.server_is_up

    def _close_if_never_joined(self, room: Room) -> None:
        if not room.ever_joined:
            self.close(room, "ROOM_CLOSED")

    def delete(self, name: str) -> None:
        room = self.rooms.get(name)
        if room is not None:
            self.close(room, "ROOM_DELETED")

    def close(self, room: Room, why: str) -> None:
        if not self.is_open(room):
            return
        self._world.trace(f"room {room.name} closes: {why}")
        for leg in list(room.legs.values()):
            # A leg that has not rejoined after a restart does not hear of it.
            if leg.attached:
                self.end(leg, why, timed_out=True)
        room.legs.clear()
        for agent in room.agents:
            self.livekit.agent_left(room, agent, why)
        room.agents.clear()
        del self.rooms[room.name]
        room.closed_at = self.closed_at[room.name] = self._world.now
        self.livekit.room_finished(room)

    # --- legs --------------------------------------------------------------------------------------------------------

    def dial(self, leg: Leg) -> None:
        world = self._world
        self.legs.setdefault((leg.call.call_id, leg.call.attempt), leg)
        world.after(world.chance.between(f"join/{leg.identity}", 20, 300), self._join, leg)

    def _join(self, leg: Leg) -> None:
        if not self.server_is_up:
            leg.phone, leg.over_at = "over", self._world.now
            return
        room = self.room(leg.room_name)
        room.legs[leg.identity] = leg
        room.ever_joined = leg.attached = True
        self._world.trace(f"leg {leg.sid} joins {room.name}")
        self.livekit.leg_joined(leg)
        if leg.call.answer_from is AnswerFrom.CARRIER:
            self._tell(leg, Placed())
        self._world.after(self._world.chance.between(f"invite/{leg.identity}", 5, 50), self._invite, leg)

    def _invite(self, leg: Leg) -> None:
        if leg.phone == "over":
            return
        world, callee = self._world, leg.callee
        full = self._carriers.refusal(leg)
        if full is not None:
            world.trace(f"the carrier has no room for {leg.call.call_id} dial {leg.call.attempt}")
            self.end(leg, "CLIENT_INITIATED", full)
            return
        leg.phone = "ringing"
        world.trace(f"INVITE: {leg.call.call_id} attempt {leg.call.attempt} rings")
        world.watch.invited(leg)
        if callee != "early":
            world.after(world.chance.between(f"180/{leg.identity}", 200, 800), self._rings, leg)
        world.after(leg.call.ring_timeout_s * 1000, self._rings_out, leg)
        limit_s = leg.call.ring_timeout_s + leg.call.max_call_duration_s
        world.after(limit_s * 1000, self._talked_enough, leg)
        if callee in _REFUSALS:
            world.after(min(leg.plan.answers_after, 6_000), self._refuses, leg)
        elif callee != "rings_out":
            world.after(leg.plan.answers_after, self._answers, leg)
        if callee == "forwarded":
            world.after(leg.plan.answers_after // 2, self._is_forwarded, leg)

    def _rings(self, leg: Leg) -> None:
        if leg.phone == "ringing":
            leg.says("ringing")
            self.carrier.rings(leg)

    def _is_forwarded(self, leg: Leg) -> None:
        if leg.phone == "ringing":
            self.carrier.forwards(leg)

    def _rings_out(self, leg: Leg) -> None:
        if leg.phone == "ringing":
            self.end(leg, "USER_UNAVAILABLE", timed_out=True)

    def _refuses(self, leg: Leg) -> None:
        if leg.phone != "ringing":
            return
        code, text, sip_code, reason = _REFUSALS[leg.callee]
        outcome = from_twirp(code, "INVITE failed", {"sip_status_code": str(sip_code), "sip_status": text})
        self.end(leg, reason, outcome)

    def _answers(self, leg: Leg) -> None:
        if leg.phone != "ringing":
            return
        world = self._world
        leg.phone, leg.answered_at = "talking", world.now
        leg.says("active")
        world.trace(f"{leg.call.call_id} is answered")
        self._tell(leg, Connected(leg.sid, leg.sip_call_id))
        self.carrier.answers(leg)
        if leg.callee != "talks_on":
            world.after(leg.plan.talks_for, self._hangs_up, leg)
        self.agents.answered(leg)
        if world.faults.strikes("leg_reconnects", f"leg/{leg.call.call_id}", 0.03):
            world.after(world.chance.between(f"reconnect/{leg.identity}", 100, 20_000), self._reconnects, leg)

    def _hangs_up(self, leg: Leg) -> None:
        if leg.phone == "talking":
            leg.says("hangup")
            self.end(leg, "CLIENT_INITIATED")

    def refer(self, leg: Leg) -> None:
        """The leg is handed over to another phone, and out of the room."""
        if leg.attached and self.server_is_up:
            self._hangs_up(leg)

    def _talked_enough(self, leg: Leg) -> None:
        if leg.phone == "talking":
            leg.says("hangup")
            self.end(leg, "CLIENT_INITIATED")

    def _tell(self, leg: Leg, outcome: DialOutcome) -> None:
        if leg.tell is not None and self.server_is_up:
            self._world.after(self._world.chance.between(f"tell/{leg.identity}", 1, 30), leg.tell, outcome)
            leg.tell = None

    def end(self, leg: Leg, reason: str, outcome: DialOutcome | None = None, *, timed_out: bool = False) -> None:
        """The leg is over. Its dialer and the webhook tell of it within ms of each other, in either order."""
        if leg.phone == "over":
            return
        self._world.trace(f"leg {leg.sid} of {leg.call.call_id} is over: {reason}")
        self.hung_up(leg, outcome)
        if outcome is None and timed_out:
            outcome = from_twirp("canceled", "twirp error unknown: sip request timed out", {})
        if outcome is not None:
            self._tell(leg, outcome)
        if self.server_is_up and leg.attached:
            self.leaves(leg, reason)

    def hung_up(self, leg: Leg, outcome: DialOutcome | None = None) -> None:
        """The phone is silent from now on, which its carrier knows, too."""
        was, leg.phone, leg.over_at = leg.phone, "over", self._world.now
        self._world.watch.leg_over(leg)
        self.agents.over(leg)
        if was == "talking":
            self.carrier.ends(leg)
        elif isinstance(outcome, Refused | NoRoom) and outcome.sip_code is not None:
            self.carrier.fails(leg, outcome.sip_code, outcome.sip_status or "")
        elif was == "ringing":
            self.carrier.fails(leg, 487, "Request Terminated")

    def leaves(self, leg: Leg, reason: str) -> None:
        room = self.rooms.get(leg.room_name)
        if room is None or not self.server_is_up or room.legs.get(leg.identity) is not leg:
            return
        del room.legs[leg.identity]
        self.livekit.leg_left(leg, leg.sid, reason)
        self._world.after(ROOM_DEPARTURE_S * 1000, self._close_if_left, room)

    def _close_if_left(self, room: Room) -> None:
        if not room.legs:
            self.close(room, "ROOM_CLOSED")

    def _reconnects(self, leg: Leg) -> None:
        """The leg's connection to the room is made anew: another sid, while the phone call goes on."""
        if leg.phone != "talking" or not leg.attached or not self.server_is_up:
            return
        old, leg.sid = leg.sid, self.new_sid("PA")
        self._world.trace(f"leg {old} reconnects as {leg.sid}")
        self.livekit.leg_joined(leg)
        self.livekit.leg_left(leg, old, "SIGNAL_CLOSE")
