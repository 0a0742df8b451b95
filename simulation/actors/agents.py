"""The agents: when they are sent to a room, come to it and leave it."""

from collections import Counter

from ringline.calls.model.events import AgentReady, TranscriptKept
from simulation.actors.hooks import Hooks
from simulation.actors.reports import Reports
from simulation.actors.scene import Agent, Leg, Room, Scene
from simulation.kernel.world import World
from simulation.plan.planned import NOBODY, PlannedCall

_CAN_REPORT = ("user_spoke", "silence", "voicemail", "transcript")


class Agents:
    def __init__(self, world: World, scene: Scene, hooks: Hooks, reports: Reports) -> None:
        self._world = world
        self._scene = scene
        self._hooks = hooks
        self._reports = reports
        self._dispatches: Counter[int] = Counter()

    def dispatch(self, room: Room, plan: PlannedCall) -> None:
        room.plan = plan
        if plan.agent == "absent" or self._finds_no_worker(plan):
            return
        delay = self._world.chance.between(f"agent/{room.name}", 280, 400)
        if plan.agent == "slow":
            delay = self._world.chance.between(f"agent/{room.name}", 1_000, 25_000)
        self._world.after(delay, self.joins, room)

    def _finds_no_worker(self, plan: PlannedCall) -> bool:
        """LiveKit drops such a dispatch for good, and says so to nobody."""
        self._dispatches[plan.number] += 1
        return plan.agent_first and self._dispatches[plan.number] <= plan.lost_dispatches

    def joins(self, room: Room) -> None:
        if not self._scene.is_open(room):
            return
        agent = Agent(self._scene.new_sid("PA_agent"), self._world.now)
        room.agents.append(agent)
        self._scene.had_agent.add(room.name)
        self._scene.alone_since.pop(room.name, None)
        self._world.trace(f"agent {agent.sid} joins {room.name}")
        self._hooks.agent_joined(room, agent)
        if room.plan is not None and room.plan.hears:
            self._reports.tells(room.name, "ready", lambda at, attempt: AgentReady(at, attempt, _CAN_REPORT))

    def leaves(self, room: Room, agent: Agent, reason: str) -> None:
        if agent in room.agents and self._scene.server_is_up:
            room.agents.remove(agent)
            if not room.agents:
                self._scene.alone_since[room.name] = self._world.now
            self._world.trace(f"agent {agent.sid} leaves {room.name}: {reason}")
            self._hooks.agent_left(room, agent, reason)

    def over(self, leg: Leg) -> None:
        """The phone call is over: what was said in it is kept, which comes late."""
        if leg.plan.hears and leg.answered_at is not None:
            turns = self._world.chance.between(f"turns/{leg.identity}", 0, 40)
            spoke = turns > 1 and leg.callee not in NOBODY
            self._reports.tells(
                leg.room_name, "transcript", lambda at, n: TranscriptKept(at, n, turns, "table", spoke, True)
            )
