"""The agents: when they are sent to a room, come to it and leave it."""

from collections import Counter
from collections.abc import Callable

from local.phones.model import timings
from local.phones.model.reasons import LeftFor
from ringline.calls.model.events import AgentReady, TranscriptKept
from simulation.actors.hooks import Hooks
from simulation.actors.reports import Reports
from simulation.actors.scene import Agent, Colleague, Leg, Room, Scene
from simulation.kernel.world import World
from simulation.plan.planned import NOBODY, PlannedCall

_DROPPED = 2
"""So many dispatches in a row find no worker with room, where the workers are busy."""


_FOLLOWS_AFTER_MS = round(timings.AGENT_FOLLOWS_S * 1000)
_FOLLOWING = 0.7
"""How many of all agents follow their caller."""


def _nobody_rings_in(_room: Room) -> None: ...


CAN_REPORT = ("user_spoke", "silence", "voicemail", "transcript")


class Agents:
    def __init__(
        self, world: World, scene: Scene, hooks: Hooks, reports: Reports, *, following: float = _FOLLOWING
    ) -> None:
        self._world = world
        self._scene = scene
        self._hooks = hooks
        self._reports = reports
        self._following = following
        self.comes_with_its_brain: Callable[[Room, bool], None] | None = None
        """Brings a speech worker into a caller's room, with whether it follows them: LiveKit answers a caller with its
        first sound, so that one comes with its runner."""
        self.on_join: Callable[[Room], None] = _nobody_rings_in
        """Hears of each agent that comes: LiveKit answers callers with its first sound."""
        self._dispatches: Counter[int] = Counter()

    def dispatch(self, room: Room, plan: PlannedCall) -> None:
        """Asks for an agent, for the first time or again. LiveKit drops it where no worker has room, and says nothing
        of it."""
        room.plan = plan
        room.dispatches += 1
        is_dropped = plan.agent == "busy" and not plan.agent_first and room.dispatches <= _DROPPED
        if plan.agent == "absent" or is_dropped or self._finds_no_worker(plan):
            return
        delay = self._world.chance.between(f"agent/{room.name}", 280, 400)
        if plan.agent == "slow":
            delay = self._world.chance.between(f"agent/{room.name}", 1_000, 12_000 if plan.agent_first else 25_000)
        self._world.after(delay, self._comes, room)

    def _finds_no_worker(self, plan: PlannedCall) -> bool:
        """LiveKit drops such a dispatch for good, and says so to nobody. A call that waits for its agent has a room for
        each dispatch."""
        self._dispatches[plan.number] += 1
        lost = max(plan.lost_dispatches, _DROPPED if plan.agent == "busy" else 0)
        return plan.agent_first and self._dispatches[plan.number] <= lost

    def _comes(self, room: Room) -> None:
        """Most agents are a worker's, which follow their caller out. Others stay until their room is closed."""
        follows = self._world.chance.draw(f"follows/{room.name}") < self._following
        plan = room.plan
        if self.comes_with_its_brain is not None and plan is not None and plan.rings_in and plan.runners_agent:
            self.comes_with_its_brain(room, follows)
        else:
            self.joins(room, follows=follows)

    def joins(
        self, room: Room, identity: str | None = None, *, speaks_itself: bool = False, follows: bool = False
    ) -> None:
        """A new agent comes into the room, or the one of that identity is back."""
        if not self._scene.is_open(room):
            return
        sid = self._scene.new_sid("PA_agent")
        name = identity or f"agent-AJ_{sid.removeprefix('PA_agent_')}"
        agent = Agent(sid, self._world.now, name, speaks_itself=speaks_itself, follows=follows)
        room.join(agent)
        self._scene.had_agent.add(room.name)
        self._scene.agents_changed(room)
        self._world.trace(f"agent {agent.sid} joins {room.name}")
        self._hooks.agent_joined(room, agent)
        self.on_join(room)
        if room.plan is not None and room.plan.hears and room.plan.runners_agent is None:
            self._reports.tells(room.name, "ready", lambda at, attempt: AgentReady(at, attempt, CAN_REPORT))

    def leaves(self, room: Room, agent: Agent, reason: str) -> None:
        if self._scene.server_is_up and room.leave(agent, reason, self._world.now) is not None:
            self._scene.agents_changed(room)
            self._world.trace(f"agent {agent.sid} leaves {room.name}: {reason}")
            self._hooks.agent_left(room, agent, reason)

    def follow(self, room: Room) -> None:
        """The last leg is out of the room, and agents of workers go, too."""
        for agent in room.agents:
            if agent.follows and agent.alive:
                self._world.after(_FOLLOWS_AFTER_MS, self.leaves, room, agent, LeftFor.CLIENT_INITIATED)

    def remove(self, room: Room, identity: str) -> None:
        """Puts the agent out of its room; one that is gone is out."""
        for agent in [agent for agent in room.agents if agent.identity == identity]:
            self.leaves(room, agent, LeftFor.PARTICIPANT_REMOVED)

    def brings_in(self, room: Room) -> None:
        """A colleague's phone is called into the room, and answered."""
        if self._scene.is_open(room):
            room.colleague = Colleague(self._scene.new_sid("PA_colleague"))
            self._scene.agents_changed(room)
            self._world.trace(f"a colleague joins {room.name}")

    def colleague_leaves(self, room: Room) -> None:
        if room.colleague is not None and self._scene.is_open(room):
            colleague, room.colleague = room.colleague, None
            self._scene.agents_changed(room)
            self._world.trace(f"the colleague leaves {room.name}")
            self._hooks.colleague_left(room, colleague)

    def over(self, leg: Leg) -> None:
        """The phone call is over: what was said in it is kept, which comes late."""
        if leg.plan.hears and leg.answered_at is not None:
            turns = self._world.chance.between(f"turns/{leg.identity}", 0, 40)
            spoke = turns > 1 and leg.callee not in NOBODY
            self._reports.tells(
                leg.room_name, "transcript", lambda at, n: TranscriptKept(at, n, turns, "table", spoke, True)
            )
