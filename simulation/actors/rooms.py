"""How rooms are opened and closed, and how legs in them end: whoever hangs up, LiveKit, or the closing of the room."""

from typing import Protocol

from local.phones.model import legs, timings
from local.phones.model.legs import LegEnd, LegStatus
from local.phones.model.reasons import LeftFor
from local.phones.model.sip_status import TERMINATED
from ringline.calls.model.call import Refusal
from ringline.calls.model.outcomes import CarrierFull, DialOutcome, Refused
from ringline.calls.model.timing import EMPTY_ROOM_S, ROOM_DEPARTURE_S
from ringline.telephony.dial_errors import from_twirp
from simulation.actors.carrier_hooks import CarrierHooks
from simulation.actors.hooks import Hooks
from simulation.actors.scene import Agent, Leg, Room, Scene
from simulation.kernel.world import World


class HearsLegEnds(Protocol):
    def leg_over(self, leg: Leg) -> None:
        """The phone is silent from now on."""


class HearsLeaving(Protocol):
    def over(self, leg: Leg) -> None:
        """What was said on this phone has been said: whoever listened keeps it."""

    def follow(self, room: Room) -> None:
        """The last leg is out of the room, and agents of workers go, too."""


class Rooms:
    def __init__(
        self, world: World, scene: Scene, hooks: Hooks, *, agents: HearsLeaving, carrier: CarrierHooks,
        watch: HearsLegEnds, empty_room_s: int = EMPTY_ROOM_S, room_departure_s: int = ROOM_DEPARTURE_S,
    ) -> None:  # fmt: skip
        """Every room stands as long as it was asked to, where nobody keeps it open."""
        self._world = world
        self._scene = scene
        self._hooks = hooks
        self._agents = agents
        self._carrier = carrier
        self._watch = watch
        self._empty_room_ms, self._room_departure_ms = empty_room_s * 1000, room_departure_s * 1000

    # --- rooms -------------------------------------------------------------------------------------------------------

    def room(self, name: str) -> Room:
        """The room of that name, made if need be."""
        found = self._scene.rooms.get(name)
        if found is None:
            self._scene.rooms[name] = found = Room(
                name,
                self._world.now,
                empty_timeout=self._empty_room_ms,
                departure_timeout=self._room_departure_ms,
                since=self._world.now,
            )
            self._world.trace(f"room {name} is made")
            self._will_look(found)
        return found

    def _will_look(self, room: Room) -> None:
        """The server looks every now and then for rooms that nobody keeps open."""
        late_ms = self._world.chance.between(f"idle/{room.name}", 0, round(timings.IDLE_CHECK_S * 1000))
        self._world.at(round(room.closes_at) + late_ms, self._close_if_idle, room)

    def _close_if_idle(self, room: Room) -> None:
        if room.is_idle(self._world.now):
            self.close(room, LeftFor.ROOM_CLOSED)

    def delete(self, name: str) -> None:
        room = self._scene.rooms.get(name)
        if room is not None:
            self.close(room, LeftFor.ROOM_DELETED)

    def close(self, room: Room, why: str) -> None:
        if not self._scene.is_open(room):
            return
        self._world.trace(f"room {room.name} closes: {why}")
        for leaving in room.closing(why, other_side_first=True):
            if isinstance(leaving.who, Agent):
                self._hooks.agent_left(room, leaving.who, leaving.reason)
            elif leaving.who.attached:
                # A leg that has not rejoined after a restart does not hear of it.
                self.put_out(leaving.who, leaving.reason)
        room.people.clear()
        self._scene.agents_changed(room)
        del self._scene.rooms[room.name]
        self._scene.closed_at[room.name] = self._world.now
        self._hooks.room_finished(room)

    # --- a leg -------------------------------------------------------------------------------------------------------

    def lets_in(self, leg: Leg) -> bool:
        """A leg that was dialled joins its room, or is over at once where the server is away."""
        if not self._scene.server_is_up:
            leg.phone, leg.over_at = "over", self._world.now
            return False
        room = self.room(leg.room_name)
        self.make_way(room, leg.identity)
        room.join(leg)
        leg.attached = True
        leg.joined_at = self._world.now
        self._world.trace(f"{'target' if leg.is_target else 'leg'} {leg.sid} joins {room.name}")
        self._hooks.leg_joined(leg)
        return True

    def talks(self, leg: Leg) -> None:
        """Somebody is on the line, and hangs up in their time, unless they talk on."""
        if leg.callee != "talks_on":
            self._world.after(leg.plan.talks_for, self.hang_up, leg)

    def is_not_answered(self, leg: Leg, end: LegEnd) -> None:
        """It is over, unless it is answered or over already."""
        if leg.phone == "ringing":
            self.end(leg, end)

    # --- the end of a leg --------------------------------------------------------------------------------------------

    def hang_up(self, leg: Leg) -> None:
        """Somebody, or LiveKit's limit, ends the conversation."""
        if leg.phone == "talking":
            self.end(leg, legs.HANGS_UP)

    def refer(self, leg: Leg) -> None:
        """The leg is handed over to another phone, and out of the room."""
        if leg.attached and self._scene.server_is_up:
            self.hang_up(leg)

    def put_out(self, leg: Leg, why: str) -> None:
        """The server ends the leg."""
        self.end(leg, legs.put_out(why))

    def make_way(self, room: Room, identity: str) -> None:
        """Puts out who is in the way of a leg of that identity."""
        older = room.in_the_way_of(identity)
        if older is not None and isinstance(older.who, Leg):
            self.put_out(older.who, older.reason)

    def end(self, leg: Leg, end: LegEnd) -> None:
        """The leg is over. Its dialer and the webhook tell of it within ms of each other, in either order."""
        if leg.phone == "over":
            return
        reason, failure = end.reason or "", end.failure
        self._world.trace(f"leg {leg.sid} of {leg.call.call_id} is over: {reason}")
        if end.hung_up:
            leg.says(LegStatus.HANGUP)
        outcome = None if failure is None else from_twirp(failure.code, failure.message, failure.metadata)
        self.falls_silent(leg, outcome)
        if outcome is not None:
            self.tell_dialer(leg, outcome)
        if self._scene.server_is_up and leg.attached:
            self.leaves(leg, reason)

    def falls_silent(self, leg: Leg, outcome: DialOutcome | None = None) -> None:
        """The phone is silent from now on, which its carrier knows, too."""
        was, leg.phone, leg.over_at = leg.phone, "over", self._world.now
        self._watch.leg_over(leg)
        if leg.is_target:
            self._misses(leg)
            return
        self._agents.over(leg)
        if leg.rings_in:
            # Only of calls that it was asked for the carrier tells.
            return
        if was == "talking":
            self._carrier.ends(leg)
        elif isinstance(outcome, Refused | CarrierFull) and outcome.sip_code is not None:
            refusal = Refusal.LIMIT if isinstance(outcome, CarrierFull) else outcome.refusal
            self._carrier.fails(leg, outcome.sip_code, outcome.sip_status or "", refusal)
        elif was == "ringing":
            self._carrier.fails(leg, *TERMINATED)

    def _misses(self, leg: Leg) -> None:
        """Who was handed over to somebody may have nobody to talk to now."""
        room = self._scene.rooms.get(leg.room_name)
        if room is not None:
            self._scene.agents_changed(room)

    def tell_dialer(self, leg: Leg, outcome: DialOutcome) -> None:
        """Whoever dialled the leg and still waits learns what came of it; nobody learns it twice."""
        if leg.tell is not None and self._scene.server_is_up:
            self._world.after(self._world.chance.between(f"tell/{leg.identity}", 1, 30), leg.tell, outcome)
            leg.tell = None

    def leaves(self, leg: Leg, reason: str) -> None:
        room = self._scene.rooms.get(leg.room_name)
        if room is None or not self._scene.server_is_up:
            return
        left = room.leave(leg, reason, self._world.now, in_company=room.colleague is not None)
        if left is None:
            return
        self._hooks.leg_left(leg, leg.sid, reason)
        if left.is_followed:
            self._agents.follow(room)
        self._will_look(room)
