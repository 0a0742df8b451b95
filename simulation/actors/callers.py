"""Callers: they ring in, hear it ring until an agent can be heard, talk, hang up, or give up before."""

from local.phones.model import legs, timings
from local.phones.model.legs import LegStatus
from ringline.calls.model.call import Call, Direction, State
from simulation.actors.agents import Agents
from simulation.actors.hooks import Hooks
from simulation.actors.phones import HearsAnswers
from simulation.actors.rooms import Rooms
from simulation.actors.scene import Leg, Room, Scene
from simulation.kernel.world import START, World
from simulation.plan.planned import PlannedAccount, PlannedCall

ANSWERED_AFTER_MS = (57, 190)
"""How long after an agent's joining its sound is there, with which LiveKit answers."""

PATIENCE_MS = 60_000
"""How long somebody lets it ring: longer than any agent is waited for."""


class Callers:
    def __init__(
        self, world: World, scene: Scene, rooms: Rooms, *, hooks: Hooks, agents: Agents, conversations: HearsAnswers,
        accounts: tuple[PlannedAccount, ...], ringing_timeout_s: float = timings.RINGING_TIMEOUT_S,
    ) -> None:  # fmt: skip
        """`ringing_timeout_s` is how long the trunk lets them wait for an agent."""
        self._world = world
        self._scene = scene
        self._rooms = rooms
        self._hooks = hooks
        self._conversations = conversations
        self._accounts = accounts
        self._ringing_timeout_ms = round(ringing_timeout_s * 1000)
        agents.on_join = self._agent_is_there

    def will_ring_in(self, plan: PlannedCall) -> None:
        self._world.at(START + plan.at, self._rings_in, plan)

    def _rings_in(self, plan: PlannedCall) -> None:
        scene, world = self._scene, self._world
        if not scene.server_is_up or scene.bridge_is_down:
            # Nobody takes the call, and nobody hears of it.
            return
        account_id = self._accounts[plan.account].account_id
        name = f"in_{plan.number}"
        leg = Leg(
            _as_livekit_knows_it(account_id, name, plan, world.now),
            plan,
            scene.new_sid("PA"),
            scene.new_sid("SCL"),
            status=LegStatus.RINGING,
            phone="ringing",
            attached=True,
        )
        scene.callers[name] = leg
        self._hooks.account_of_room[name] = account_id
        room = self._rooms.room(name)
        room.join(leg)
        world.trace(f"somebody rings in: {name}")
        self._hooks.leg_joined(leg)
        world.after(PATIENCE_MS, self.gives_up, leg)
        world.after(self._ringing_timeout_ms, self._rooms.is_not_answered, leg, legs.NOBODY_ANSWERS)

    def _agent_is_there(self, room: Room) -> None:
        leg = self._scene.callers.get(room.name)
        if leg is not None and leg.phone == "ringing":
            after_ms = self._world.chance.between(f"answer/{leg.identity}", *ANSWERED_AFTER_MS)
            self._world.after(after_ms, self._is_answered, leg, room)

    def _is_answered(self, leg: Leg, room: Room) -> None:
        if leg.phone != "ringing" or not room.agents:
            return
        leg.phone, leg.answered_at = "talking", self._world.now
        leg.says(LegStatus.ACTIVE)
        self._world.trace(f"{leg.room_name} is answered")
        self._rooms.talks(leg)
        self._conversations.answered(leg)

    def gives_up(self, leg: Leg) -> None:
        """They lose patience while it rings."""
        self._rooms.is_not_answered(leg, legs.CALLER_GIVES_UP)


def _as_livekit_knows_it(account_id: str, room: str, plan: PlannedCall, now: int) -> Call:
    """The call as far as its room and its leg name it; its id is the product's to give."""
    return Call(
        account_id=account_id,
        call_id=room,
        direction=Direction.INBOUND,
        state=State.RINGING,
        from_number=plan.from_number,
        to_number=plan.to_number,
        inbound_room=room,
        caller_identity=f"sip_{plan.from_number}",
        ring_timeout_s=plan.ring_timeout_s,
        max_call_duration_s=plan.max_call_duration_s,
        attempt=1,
        created_at=now,
        eligible_at=now,
        dialed_at=now,
    )
