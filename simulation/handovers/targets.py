"""To whom a call is handed over, and what they do: phones that are called into its room or to which its phone is sent
away, and agents that come."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from local.phones.model import legs
from local.phones.model.legs import Failure, LegStatus
from local.phones.model.reasons import LeftFor
from ringline.calls.model.events import Transferred
from ringline.calls.model.outcomes import Connected, DialOutcome
from ringline.calls.model.transfers.transfer import Referred, Transfer, leg_identity
from ringline.telephony.dial_errors import from_twirp
from simulation.actors.agents import Agents
from simulation.actors.carriers import Carriers
from simulation.actors.phones import RINGS_AFTER_MS, fate
from simulation.actors.reports import Reports
from simulation.actors.rooms import Rooms
from simulation.actors.scene import Leg, Room, Scene
from simulation.kernel.world import World
from simulation.plan.planned import PlannedCall, PlannedHandover, PlannedTarget

_COMES_AFTER_MS = (280, 400)
_SLOW_MS = (1_000, 25_000)
_DECIDES_AFTER_MS = (300, 6_000)
"""How long an agent that lets nobody else decide talks with the two before it goes."""


def _as_heard(failure: Failure) -> DialOutcome:
    return from_twirp(failure.code, failure.message, failure.metadata)


_NOT_ACTIVE = _as_heard(legs.NOT_ACTIVE)
_ONE_IN_TWO = 0.5

type HearsRefer = Callable[[Referred | DialOutcome], None]


@dataclass(slots=True, eq=False)
class TargetLeg(Leg):
    """The phone of a number that is called into the room of a call. `call` is the call as it was then."""

    transfer: Transfer | None = None
    target: PlannedTarget | None = None
    handover: PlannedHandover | None = None

    @property
    def is_target(self) -> bool:
        return True

    @property
    def rings_in(self) -> bool:
        return False

    @property
    def numbers(self) -> tuple[str | None, str | None]:
        return self.call.from_number, None if self.target is None else self.target.name

    @property
    def identity(self) -> str:
        transfer = self.transfer
        return "" if transfer is None else leg_identity(self.call.call_id, transfer.dial, transfer.transfer_id)

    @property
    def callee(self) -> str:
        return "" if self.target is None else self.target.habit


class WatchesTargets(Protocol):
    def target_invited(self, leg: Leg, transfer_id: str) -> None:
        """The phone of a target rings from now on."""

    def target_answered(self, leg: Leg) -> None:
        """Whoever was called into the room talks there."""

    def sent_away(self, transfer_id: str) -> None:
        """LiveKit was asked to send the call's phone away."""

    def has_left_for(self, leg: Leg) -> None:
        """The phone was taken over where it was sent to."""


class Targets:
    def __init__(
        self, world: World, scene: Scene, rooms: Rooms, *, carriers: Carriers, agents: Agents, reports: Reports,
        calls: Iterable[PlannedCall], watch: WatchesTargets,
    ) -> None:  # fmt: skip
        self._world = world
        self._scene = scene
        self._rooms = rooms
        self._carriers = carriers
        self._agents = agents
        self._reports = reports
        self._watch = watch
        self._planned = {
            target.name: (handover, target)
            for call in calls
            for handover in call.handovers
            for target in handover.targets
        }

    def planned(self, name: str) -> tuple[PlannedHandover, PlannedTarget]:
        """Who has that name, and the wish that names them."""
        return self._planned[name]

    def knows(self, name: str | None) -> bool:
        return name in self._planned

    # --- a phone is called into the room -----------------------------------------------------------------------------

    def call_in(self, leg: TargetLeg) -> None:
        self._world.after(self._world.chance.between(f"join/{leg.identity}", 20, 300), self._join, leg)

    def _join(self, leg: TargetLeg) -> None:
        if self._rooms.lets_in(leg):
            self._world.after(self._world.chance.between(f"invite/{leg.identity}", 5, 50), self._invite, leg)

    def _invite(self, leg: TargetLeg) -> None:
        if leg.phone == "over" or leg.transfer is None or leg.target is None:
            return
        world = self._world
        full = self._carriers.refusal(leg)
        if full is not None:
            self._rooms.end(leg, full)
            return
        leg.phone, leg.rang = "ringing", True
        world.trace(f"INVITE: {leg.target.name} for {leg.call.call_id} rings")
        world.counts["targets_rung"] += 1
        self._watch.target_invited(leg, leg.transfer.transfer_id)
        rings_after_ms = world.chance.between(f"180/{leg.identity}", *RINGS_AFTER_MS)
        meets = fate(leg.callee, rings_after_ms, leg.target.after)
        world.after(rings_after_ms, self._rings, leg)
        world.after(leg.call.ring_timeout_s * 1000, self._rooms.is_not_answered, leg, legs.RANG_OUT)
        settled_ms = round((meets.settled_after_s or 0) * 1000)
        if meets.end is not None:
            world.after(settled_ms, self._rooms.is_not_answered, leg, meets.end)
        elif leg.callee == "answers":
            world.after(settled_ms, self._answers, leg)

    def _rings(self, leg: Leg) -> None:
        if leg.phone == "ringing":
            leg.says(LegStatus.RINGING)

    def _answers(self, leg: TargetLeg) -> None:
        if leg.phone != "ringing" or leg.target is None:
            return
        leg.phone, leg.answered_at = "talking", self._world.now
        leg.says(LegStatus.ACTIVE)
        self._world.trace(f"target {leg.target.name} is answered")
        self._world.counts["targets_answered"] += 1
        self._watch.target_answered(leg)
        self._rooms.tell_dialer(leg, Connected(leg.sid, leg.sip_call_id))
        self._world.after(leg.target.stays_for, self._rooms.hang_up, leg)
        room = self._scene.rooms.get(leg.room_name)
        if room is None:
            return
        self._scene.agents_changed(room)
        if leg.handover is not None and leg.handover.handoff is None:
            after_ms = self._world.chance.between(f"decides/{leg.identity}", *_DECIDES_AFTER_MS)
            self._world.after(after_ms, self._agent_lets_go, leg, room)

    def _agent_lets_go(self, leg: TargetLeg, room: Room) -> None:
        """The agent says so, or leaves, or both."""
        if leg.phone != "talking" or not self._scene.is_open(room) or not room.agents or not room.agents[0].alive:
            return
        if leg.plan.hears and leg.plan.runners_agent is None:
            number = "" if leg.target is None else leg.target.name
            self._reports.tells(room.name, "transfer", lambda at, n: Transferred(at, n, number, failed=False))
            if self._world.chance.draw(f"only says/{leg.identity}") < _ONE_IN_TWO:
                return
        self._agents.leaves(room, room.agents[0], LeftFor.CLIENT_INITIATED)

    # --- a phone is sent away ----------------------------------------------------------------------------------------

    def refer(self, leg: Leg, transfer: Transfer, tell: HearsRefer) -> None:
        """Sends the phone to the transfer's number. `tell` hears what became of it, unless nobody says so."""
        world, (_, target) = self._world, self._planned[transfer.target.name]
        world.counts["referred"] += 1
        world.trace(f"REFER: {leg.call.call_id} to {target.name}, which {target.habit}")
        self._watch.sent_away(transfer.transfer_id)
        if target.habit == "never_says":
            # The phone may be taken over all the same.
            if world.chance.draw(f"refer/{leg.identity}") < _ONE_IN_TWO:
                world.after(target.after, self._is_taken, leg, _nobody_hears)
            return
        # The other phone rings as long as its carrier likes: our ring time-out is for those whom we call in.
        within_s = max(leg.plan.ring_timeout_s, target.after / 1000)
        after_s, failure = legs.referred(fate(target.habit, 0, target.after), within_s)
        if failure is None:
            world.after(round(after_s * 1000), self._is_taken, leg, tell)
        else:
            world.after(round(after_s * 1000), tell, _as_heard(failure))

    def _is_taken(self, leg: Leg, tell: HearsRefer) -> None:
        if leg.phone != "talking" or not leg.attached or not self._scene.server_is_up:
            tell(_NOT_ACTIVE)
            return
        self._watch.has_left_for(leg)
        self._world.counts["phones_sent_away"] += 1
        self._rooms.hang_up(leg)
        self._world.after(self._world.chance.between(f"referred/{leg.identity}", 1, 30), tell, Referred())

    # --- another agent comes -----------------------------------------------------------------------------------------

    def send_agent(self, room: Room, name: str) -> None:
        world, habit = self._world, self._planned[name][1].habit
        if habit == "absent":
            return
        world.counts["agents_sent_for"] += 1
        comes_after_ms = world.chance.between(f"sales/{room.name}", *(_SLOW_MS if habit == "slow" else _COMES_AFTER_MS))
        world.after(comes_after_ms, self._comes, room)
        if habit == "two":
            second_ms = comes_after_ms + world.chance.between(f"sales/{room.name}", 0, 4_000)
            world.after(second_ms, self._comes, room)

    def _comes(self, room: Room) -> None:
        self._agents.joins(room, speaks_itself=True)


def _nobody_hears(_outcome: Referred | DialOutcome) -> None: ...
