"""What becomes of rooms and phones when LiveKit's server or its SIP bridge dies: the phones go on, or die unnoticed."""

from ringline.calls.model.outcomes import Unclear
from simulation.actors.phones import LOST_AFTER_MS, Agent, Leg, Phones, Room
from simulation.kernel.world import World


class Outages:
    def __init__(self, world: World, phones: Phones) -> None:
        self._world = world
        self._phones = phones

    def lose_bridge(self, length_ms: int) -> None:
        """No bridge takes new calls; those under way go on."""
        phones = self._phones
        phones.bridge_down_until = max(phones.bridge_down_until, self._world.now + length_ms)

    def kill_bridge(self, length_ms: int) -> None:
        """Its conversations die at once, LiveKit notices much later. A phone that rings may ring on meanwhile."""
        self.lose_bridge(length_ms)
        for leg in [leg for room in self._phones.rooms.values() for leg in room.legs.values()]:
            leg.tell = None
            lost = self._world.chance.between(f"lost/{leg.identity}", *LOST_AFTER_MS)
            if leg.phone == "talking":
                self._phones.hung_up(leg)
                self._world.after(lost, self._phones.leaves, leg, "CONNECTION_TIMEOUT")
            else:
                self._world.after(lost, self._phones.end, leg, "CONNECTION_TIMEOUT")

    def kill_server(self, length_ms: int) -> None:
        """The phones go on; everything LiveKit knew is gone or lies when it is back."""
        phones = self._phones
        phones.server_is_up = False
        phones.epoch += 1
        for room in phones.rooms.values():
            for leg in room.legs.values():
                leg.attached = False
                if leg.tell is not None:
                    self._world.after(1, leg.tell, Unclear("ServerDisconnectedError"))
                    leg.tell = None
        self._world.after(length_ms, self._restart)

    def _restart(self) -> None:
        world, phones = self._world, self._phones
        phones.server_is_up = True
        for room in phones.rooms.values():
            for leg in room.legs.values():
                world.after(world.chance.between(f"rejoin/{leg.identity}", 200, 2_500), self._rejoins, leg)
            for agent in room.agents:
                world.after(world.chance.between(f"rejoin/{room.name}", 200, 2_500), self._agent_rejoins, room, agent)
            world.after(world.chance.between(f"stale/{room.name}", 3_000, 20_000), self._close_if_stale, room)

    def _rejoins(self, leg: Leg) -> None:
        """The leg comes back with a new sid, and its status says "dialing" from now on."""
        phones = self._phones
        if leg.phone == "over" or leg.attached or not phones.server_is_up:
            return
        room = phones.room(leg.room_name)
        leg.sid, leg.status, leg.attached, leg.lies = phones.new_sid("PA"), "dialing", True, True
        room.legs[leg.identity] = leg
        room.ever_joined = True
        self._world.trace(f"leg {leg.sid} rejoins {room.name}")
        phones.livekit.leg_joined(leg)

    def _agent_rejoins(self, room: Room, agent: Agent) -> None:
        phones = self._phones
        if phones.rooms.get(room.name) is not room or agent not in room.agents or not phones.server_is_up:
            return
        room.agents.remove(agent)
        if agent.alive:
            phones.agents.joins(room)

    def _close_if_stale(self, room: Room) -> None:
        """A room to which nobody came back vanishes without a word."""
        phones = self._phones
        if phones.rooms.get(room.name) is not room or not phones.server_is_up:
            return
        for identity, leg in list(room.legs.items()):
            if not leg.attached:
                del room.legs[identity]
        if not room.legs:
            room.agents.clear()
            del phones.rooms[room.name]
            phones.closed_at[room.name] = self._world.now
