"""What becomes of rooms and phones when LiveKit's server or its SIP bridge dies: the phones go on, or die unnoticed.
And of whoever reads the table's stream, when its code fails or cannot read a row."""

from typing import Protocol

from local.phones.model import legs
from ringline.calls.model.outcomes import Unclear
from simulation.actors.agents import Agents
from simulation.actors.hooks import Hooks
from simulation.actors.rooms import Rooms
from simulation.actors.scene import LOST_AFTER_MS, Agent, Leg, Room, Scene
from simulation.kernel.world import World


class ReadsStream(Protocol):
    failing_until: int
    """Up to which moment the code that reads the table's stream fails."""


class ReadsRows(Protocol):
    until: int
    """Up to which moment that code and the sweep cannot read some rows."""


class Outages:
    def __init__(
        self,
        world: World,
        scene: Scene,
        rooms: Rooms,
        hooks: Hooks,
        agents: Agents,
        stream: ReadsStream,
        garbled: ReadsRows,
    ) -> None:
        self._world = world
        self._scene = scene
        self._rooms = rooms
        self._hooks = hooks
        self._agents = agents
        self._stream = stream
        self._garbled = garbled

    def strike(self, kind: str, length_ms: int) -> None:
        match kind:
            case "livekit_restart" | "livekit_away":
                self._kill_server(length_ms)
            case "bridge_killed":
                self._kill_bridge(length_ms)
            case "no_bridge" | "bridge_away":
                self._lose_bridge(length_ms)
            case "hooks_fail":
                self._hooks.failing_until = self._world.now + length_ms
            case "relay_fails" | "relay_away" | "relay_gone":
                self._stream.failing_until = max(self._stream.failing_until, self._world.now + length_ms)
            case "rows_unreadable":
                self._garbled.until = max(self._garbled.until, self._world.now + length_ms)
            case "livekit_slow":
                self._scene.server_slow_until = self._world.now + length_ms

    def _lose_bridge(self, length_ms: int) -> None:
        """No bridge takes new calls; those under way go on."""
        scene = self._scene
        scene.bridge_down_until = max(scene.bridge_down_until, self._world.now + length_ms)

    def _kill_bridge(self, length_ms: int) -> None:
        """Its conversations die at once, LiveKit notices much later. A phone that rings may ring on meanwhile."""
        self._lose_bridge(length_ms)
        for room, leg in [(each, leg) for each in self._scene.rooms.values() for leg in each.legs]:
            leg.tell = None
            lost = self._world.chance.between(f"lost/{leg.identity}", *LOST_AFTER_MS)
            if leg.phone == "talking":
                room.lists_the_lost_until = max(room.lists_the_lost_until, self._world.now + lost)
                self._rooms.falls_silent(leg)
                self._world.after(lost, self._rooms.leaves, leg, legs.BRIDGE_DIED.reason)
            else:
                self._world.after(lost, self._rooms.end, leg, legs.BRIDGE_DIED)

    def _kill_server(self, length_ms: int) -> None:
        """The phones go on; everything LiveKit knew is gone or lies when it is back."""
        scene = self._scene
        scene.server_is_up = False
        scene.epoch += 1
        for room in scene.rooms.values():
            for leg in room.legs:
                room.lose(leg)
                if leg.tell is not None:
                    self._world.after(1, leg.tell, Unclear("ServerDisconnectedError"))
                    leg.tell = None
        self._hooks.forget()
        self._world.after(length_ms, self._restart)

    def _restart(self) -> None:
        world, scene = self._world, self._scene
        scene.server_is_up, scene.server_back_at = True, world.now
        for room in scene.rooms.values():
            if room.colleague is not None:
                room.colleague.status = legs.BACK_AS
            for leg in room.legs:
                world.after(world.chance.between(f"rejoin/{leg.identity}", 200, 2_500), self._rejoins, leg)
            for agent in room.agents:
                world.after(world.chance.between(f"rejoin/{room.name}", 200, 2_500), self._agent_rejoins, room, agent)
            world.after(world.chance.between(f"stale/{room.name}", 3_000, 20_000), self._close_if_stale, room)

    def _rejoins(self, leg: Leg) -> None:
        """The leg comes back with a new sid, and with a status that says "dialing" although the call may be up."""
        scene = self._scene
        if leg.phone == "over" or leg.attached or not scene.server_is_up:
            return
        room = self._rooms.room(leg.room_name)
        room.come_back(leg, scene.new_sid("PA"))
        leg.status, leg.joined_at = legs.BACK_AS, self._world.now
        self._world.trace(f"leg {leg.sid} rejoins {room.name}")
        self._hooks.leg_joined(leg)

    def _agent_rejoins(self, room: Room, agent: Agent) -> None:
        scene = self._scene
        if not scene.is_open(room) or not room.has(agent):
            return
        room.forget(agent)
        scene.agents_changed(room)
        if agent.alive:
            self._agents.joins(room, agent.identity, speaks_itself=agent.speaks_itself, follows=agent.follows)

    def _close_if_stale(self, room: Room) -> None:
        """A room to which nobody came back vanishes without a word."""
        scene = self._scene
        if not scene.is_open(room):
            return
        room.forget_the_lost()
        if room.is_deserted:
            room.people.clear()
            scene.agents_changed(room)
            del scene.rooms[room.name]
            scene.closed_at[room.name] = self._world.now
