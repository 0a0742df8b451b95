"""Phones: how a leg joins its room and is dialled, and what the callee at the other end does."""

from collections.abc import Callable
from typing import Protocol

from local.phones.model import legs
from local.phones.model.legs import Fate, LegStatus
from local.phones.model.reasons import LeftFor
from ringline.calls.model.call import AnswerFrom
from ringline.calls.model.outcomes import Connected, Placed
from simulation.actors.carrier_hooks import CarrierHooks
from simulation.actors.carriers import Carriers
from simulation.actors.hooks import Hooks
from simulation.actors.rooms import Rooms
from simulation.actors.scene import Leg, Scene
from simulation.kernel.world import World

RINGS_AFTER_MS = (200, 800)
"""How long after its INVITE a phone is said to ring."""

REFUSALS = {"busy": 486, "declines": 603, "wrong": 404, "unavailable": 480, "trunk_down": 503}
"""How a callee refuses: the SIP code."""

_REFUSES_WITHIN_MS = 6_000
_SECOND_MS = 1000


def fate(callee: str, rings_after_ms: int, after_ms: int) -> Fate:
    """What somebody of those habits makes of an INVITE, `after_ms` after it."""
    rings_s = None if callee == "early" else rings_after_ms / _SECOND_MS
    if callee in REFUSALS:
        return Fate(rings_s, min(after_ms, _REFUSES_WITHIN_MS) / _SECOND_MS, legs.refused(REFUSALS[callee]))
    return Fate(rings_s, None if callee == "rings_out" else after_ms / _SECOND_MS)


def fate_of(world: World, leg: Leg) -> Fate:
    """As the leg's plan says."""
    rings_after_ms = world.chance.between(f"180/{leg.identity}", *RINGS_AFTER_MS)
    return fate(leg.callee, rings_after_ms, leg.plan.answers_after)


class HearsInvites(Protocol):
    def invited(self, leg: Leg) -> None:
        """A phone rings from now on."""


class HearsAnswers(Protocol):
    def answered(self, leg: Leg) -> None:
        """Somebody, or something, is on the line."""


class Phones:
    def __init__(
        self, world: World, scene: Scene, rooms: Rooms, *, hooks: Hooks, carriers: Carriers, carrier: CarrierHooks,
        agents: HearsAnswers, watch: HearsInvites, fate_of: Callable[[World, Leg], Fate] = fate_of,
    ) -> None:  # fmt: skip
        self._world = world
        self._scene = scene
        self._rooms = rooms
        self._hooks = hooks
        self._carriers = carriers
        self._carrier = carrier
        self._agents = agents
        self._watch = watch
        self._fate_of = fate_of

    def dial(self, leg: Leg) -> None:
        world = self._world
        self._scene.legs.setdefault((leg.call.call_id, leg.call.attempt), leg)
        world.after(world.chance.between(f"join/{leg.identity}", 20, 300), self._join, leg)

    def _join(self, leg: Leg) -> None:
        if not self._rooms.lets_in(leg):
            return
        if leg.call.answer_from is AnswerFrom.CARRIER:
            self._rooms.tell_dialer(leg, Placed())
        self._world.after(self._world.chance.between(f"invite/{leg.identity}", 5, 50), self._invite, leg)

    def _invite(self, leg: Leg) -> None:
        if leg.phone == "over":
            return
        world = self._world
        full = self._carriers.refusal(leg)
        if full is not None:
            world.trace(f"the carrier has no room for {leg.call.call_id} dial {leg.call.attempt}")
            self._rooms.end(leg, full)
            return
        leg.phone, leg.rang = "ringing", True
        world.trace(f"INVITE: {leg.call.call_id} attempt {leg.call.attempt} rings")
        self._watch.invited(leg)
        world.after(leg.call.ring_timeout_s * 1000, self._rooms.is_not_answered, leg, legs.RANG_OUT)
        limit_s = leg.call.ring_timeout_s + leg.call.max_call_duration_s
        world.after(limit_s * 1000, self._rooms.hang_up, leg)
        self._callee_acts(leg)

    def _callee_acts(self, leg: Leg) -> None:
        world, fate = self._world, self._fate_of(self._world, leg)
        if fate.rings_after_s is not None:
            world.after(round(fate.rings_after_s * _SECOND_MS), self._rings, leg)
        if fate.settled_after_s is not None:
            settled_ms = round(fate.settled_after_s * _SECOND_MS)
            if fate.end is None:
                world.after(settled_ms, self._answers, leg)
            else:
                world.after(settled_ms, self._rooms.is_not_answered, leg, fate.end)
        if leg.callee == "forwarded":
            world.after(leg.plan.answers_after // 2, self._is_forwarded, leg)

    def _rings(self, leg: Leg) -> None:
        if leg.phone == "ringing":
            leg.says(LegStatus.RINGING)
            self._carrier.rings(leg)

    def _is_forwarded(self, leg: Leg) -> None:
        if leg.phone == "ringing":
            self._carrier.forwards(leg)

    def _answers(self, leg: Leg) -> None:
        if leg.phone != "ringing":
            return
        world = self._world
        leg.phone, leg.answered_at = "talking", world.now
        leg.says(LegStatus.ACTIVE)
        world.trace(f"{leg.call.call_id} is answered")
        self._rooms.tell_dialer(leg, Connected(leg.sid, leg.sip_call_id))
        self._carrier.answers(leg)
        self._rooms.talks(leg)
        self._agents.answered(leg)
        if world.faults.strikes("leg_reconnects", f"leg/{leg.call.call_id}", 0.03):
            world.after(world.chance.between(f"reconnect/{leg.identity}", 100, 20_000), self._reconnects, leg)

    def _reconnects(self, leg: Leg) -> None:
        """The leg's connection to the room is made anew: another sid, while the phone call goes on."""
        if leg.phone != "talking" or not leg.attached or not self._scene.server_is_up:
            return
        old, leg.sid = leg.sid, self._scene.new_sid("PA")
        self._world.trace(f"leg {old} reconnects as {leg.sid}")
        self._hooks.leg_joined(leg)
        self._hooks.leg_left(leg, old, LeftFor.SIGNAL_CLOSE)
