"""The carriers behind the trunks: how many calls they take, which they tell by refusing the next."""

from collections import deque
from dataclasses import dataclass, field

from local.phones.model import legs, sip_status
from local.phones.model.legs import LegEnd
from simulation.actors.scene import Leg
from simulation.kernel.world import World
from simulation.plan.planned import PlannedTrunk

_SECOND_MS = 1000


@dataclass(slots=True)
class _Carrier:
    trunk: PlannedTrunk
    legs: list[Leg] = field(default_factory=list)
    invited_at: deque[int] = field(default_factory=deque)


class Carriers:
    def __init__(self, world: World, trunks: tuple[PlannedTrunk, ...]) -> None:
        self._world = world
        limited = (trunk for trunk in trunks if trunk.channels or trunk.invites_per_second)
        self._carriers = {trunk.trunk_id: _Carrier(trunk) for trunk in limited}

    def refusal(self, leg: Leg) -> LegEnd | None:
        """What the carrier answers at once to an INVITE beyond its limits; None if it takes the call. An INVITE that it
        refuses counts as any other."""
        carrier = self._carriers.get(leg.call.trunk_id or "")
        if carrier is None:
            return None
        now, limits = self._world.now, carrier.trunk
        carrier.invited_at.append(now)
        while carrier.invited_at[0] <= now - _SECOND_MS:
            carrier.invited_at.popleft()
        if limits.invites_per_second and len(carrier.invited_at) > limits.invites_per_second:
            return self._refused(sip_status.TOO_FAST)
        carrier.legs = [other for other in carrier.legs if other.is_up]
        if limits.channels and len(carrier.legs) >= limits.channels:
            return self._refused(sip_status.TOO_MANY)
        carrier.legs.append(leg)
        return None

    def _refused(self, status: str) -> LegEnd:
        self._world.counts["refused_for_room"] += 1
        return legs.refused(503, status)
