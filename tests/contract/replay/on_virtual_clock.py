"""A recorded trace, played in the simulation: its LiveKit, phones and agents on the clock that jumps. No fault strikes,
and no function of the product is at work."""

from collections.abc import Awaitable, Callable
from copy import replace
from dataclasses import dataclass
from functools import partial

from local.phones.model.legs import Fate
from local.phones.model.reasons import LeftFor
from ringline.calls.model.call import Call
from ringline.calls.model.livekit_event import LivekitEvent
from ringline.calls.model.outcomes import DialOutcome
from simulation.actors.agents import Agents
from simulation.actors.callers import Callers
from simulation.actors.carrier_hooks import CarrierHooks
from simulation.actors.carriers import Carriers
from simulation.actors.conversations import Conversations
from simulation.actors.hooks import Hooks
from simulation.actors.livekit import Livekit
from simulation.actors.outages import Outages
from simulation.actors.phones import Phones
from simulation.actors.reports import Reports
from simulation.actors.rooms import Rooms
from simulation.actors.scene import Leg, Scene
from simulation.kernel.chance import Chance, Faults
from simulation.kernel.processes import Process
from simulation.kernel.world import START, World
from simulation.plan.mortality import MORTALITY
from simulation.plan.planned import PlannedAccount, PlannedCall
from tests.contract.replay.heard import Trace, a_hook
from tests.contract.replay.played import LOOK_EVERY_MS, Played
from tests.contract.replay.trace_replay import CALLER_NUMBER, INBOUND_NUMBER, INBOUND_RINGING_TIMEOUT_S

_SEED = 7
_WORKER_DOES = {"absent": "absent", "stay": "there", "leave": "leaves", "crash": "crashes"}
_ANSWERED_AFTER_JOINING_MS = 1_550
"""How long after a worker's joining the phones of the recordings are answered."""


@dataclass(frozen=True, slots=True)
class _TracedCall(PlannedCall):
    """One whose numbers are those of the recording."""

    numbers: tuple[str, str] = ("", "")

    @property
    def from_number(self) -> str:
        return self.numbers[0]

    @property
    def to_number(self) -> str:
        return self.numbers[1]


class _Nobody:
    """Whoever watches phones elsewhere."""

    def invited(self, leg: Leg) -> None: ...

    def leg_over(self, leg: Leg) -> None: ...


class _ReadsAll:
    """Whoever reads the table's stream elsewhere, and never fails."""

    failing_until = 0
    until = 0


class PlayedInSimulation(Played):
    def __init__(self, trace: Trace, seed: int = _SEED) -> None:
        super().__init__(trace)
        chance = Chance(seed)
        self.world = world = World(chance, Faults(chance, 0.0, None), MORTALITY)
        self._plans: dict[str, PlannedCall] = {}
        self._scene = scene = Scene(world, self._plans)
        self._room = ""
        self._dialer: Process | None = None
        self._caller: Leg | None = None
        nobody = _Nobody()
        hooks = Hooks(world, self._hears)

        async def hear_nothing(*_: object) -> bool:
            return True

        reports = Reports(world, hear_nothing, hooks.account_of_room)
        carrier = CarrierHooks(world, hear_nothing, speaks=False, overtake=True)
        self._agents = Agents(world, scene, hooks, reports, following=1.0)
        empty_s, departure_s = self.terms
        self._rooms = Rooms(
            world,
            scene,
            hooks,
            agents=self._agents,
            carrier=carrier,
            watch=nobody,
            empty_room_s=empty_s,
            room_departure_s=departure_s,
        )
        conversations = Conversations(world, scene, self._rooms, self._agents, reports)
        phones = Phones(
            world,
            scene,
            self._rooms,
            hooks=hooks,
            carriers=Carriers(world, ()),
            carrier=carrier,
            agents=conversations,
            watch=nobody,
            fate_of=lambda _world, leg: self._fate_at(leg),
        )
        self._callers = Callers(
            world,
            scene,
            self._rooms,
            hooks=hooks,
            agents=self._agents,
            conversations=conversations,
            accounts=(PlannedAccount("acct_traced", 1, ()),),
            ringing_timeout_s=INBOUND_RINGING_TIMEOUT_S,
        )
        self._livekit = Livekit(world, scene, self._rooms, phones, self._agents)
        self._outages = Outages(world, scene, self._rooms, hooks, self._agents, _ReadsAll(), _ReadsAll())

    # --- the clock ---------------------------------------------------------------------------------------------------

    @property
    def at_s(self) -> float:
        return (self.world.now - START) / 1000

    def run(self) -> Trace:
        for move in self.moves:
            self.world.at(START + round(move.at_s * 1000), self.make, move)
        self._looks()
        self.world.run(START + round(self.lasts_s * 1000))
        return self.told()

    def _looks(self) -> None:
        self.look()
        self.world.after(LOOK_EVERY_MS, self._looks)

    def _hears(self, event: LivekitEvent) -> bool:
        if (heard := a_hook(self.at_s, event)) is not None:
            self.heard.append(heard)
        return True

    # --- what is done ------------------------------------------------------------------------------------------------

    def _plan(self, call: Call) -> PlannedCall:
        does, after_s = self.worker_does
        stays_s = self.callee(call.to_number or "").hangs_up_after_s
        plan = _TracedCall(
            number=1,
            account=0,
            at=self.world.now - START,
            callee="talks_on" if stays_s is None else "talks",
            agent=_WORKER_DOES[does],
            ring_timeout_s=call.ring_timeout_s,
            max_call_duration_s=call.max_call_duration_s,
            answers_after=0,
            talks_for=round((stays_s or 0) * 1000),
            agent_acts_after=max(0, round(after_s * 1000) - _ANSWERED_AFTER_JOINING_MS),
            scheduled_after=None,
            expires_after=None,
            hang_ups_after=(),
            foreign_hang_up=False,
            numbers=(CALLER_NUMBER, call.to_number or ""),
        )
        self._plans[plan.to_number] = plan
        return plan

    def _fate_at(self, leg: Leg) -> Fate:
        return self.callee(leg.call.to_number or "").fate(has_credentials=False)

    def _asks(self, request: Callable[[], Awaitable[None]]) -> Process:
        async def asks() -> bool:
            await request()
            return True

        return self.world.spawn("dial", "traced", asks, lambda _process, _well: None, account_id="acct_traced")

    def create_room(self) -> None:
        dials = [move for move in self.moves if move.what == "CreateSIPParticipant"]
        room = self._rooms.room("call.traced.1")
        self._room = room.name
        if dials:
            call = self.call_of(dials[0])
            self._agents.dispatch(room, self._plan(call))

    def dial(self, call: Call) -> None:
        self._plan(call)
        call = replace(call, inbound_room=None, account_id="call", call_id="traced")

        async def dials() -> None:
            outcome: DialOutcome = await self._livekit.place_call(call)
            self.learns(outcome)

        self._dialer = self._asks(dials)

    def drop_the_dialer(self) -> None:
        assert self._dialer is not None
        self._dialer.kill("of its lost connection")

    def delete_room(self) -> None:
        self._asks(partial(self._livekit.end_room, self._room))

    def remove(self, identity: str) -> None:
        self._asks(partial(self._livekit.remove, self._room, identity))

    def call_in(self, number: str) -> None:
        if number != INBOUND_NUMBER:
            return
        plan = replace(self._plan(self.call_of_caller(number, "")), callee="talks_on", rings_in=True)
        self._callers.will_ring_in(plan)
        self.world.after(1, self._has_rung_in)

    def _has_rung_in(self) -> None:
        ((self._room, self._caller),) = self._scene.callers.items()

    def hang_up(self) -> None:
        for leg in self._scene.rooms[self._room].legs if self._caller is None else [self._caller]:
            self._callers.gives_up(leg)
            self._rooms.hang_up(leg)

    def agent_joins(self, identity: str) -> None:
        self._agents.joins(self._scene.rooms[self._room], identity)

    def agent_leaves(self, identity: str) -> None:
        room = self._scene.rooms[self._room]
        self._agents.leaves(
            room, next(agent for agent in room.agents if agent.identity == identity), LeftFor.CLIENT_INITIATED
        )

    def restart_server(self, away_s: float) -> None:
        self._outages.strike("livekit_restart", round(away_s * 1000))

    def people(self) -> dict[str, tuple[str, str | None]]:
        room = self._scene.rooms.get(self._room)
        if room is None:
            return {}
        people: dict[str, tuple[str, str | None]] = {agent.identity: (agent.sid, None) for agent in room.agents}
        return people | {leg.identity: (leg.sid, leg.status) for leg in room.legs}

    def room_exists(self) -> bool:
        return self._room in self._scene.rooms
