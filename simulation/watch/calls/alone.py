"""Whoever has nobody to talk to is not left so for long where nothing goes wrong: somebody takes over, or the call
ends."""

from simulation.actors.scene import Scene
from simulation.kernel.world import World
from simulation.watch.book import CallChange
from simulation.watch.findings import Findings

_ALONE_MS = 10_000
"""How long a callee may be without anybody: a successor's time, and the look behind it."""

_KNOWN_WITHIN_MS = 2_000
"""A leaving that the call learned of later than this was told late, which nobody can make up for."""


class NotLeftAlone:
    def __init__(self, world: World, findings: Findings, scene: Scene, *, calm: bool) -> None:
        self._world = world
        self._findings = findings
        self._scene = scene
        self._calm = calm
        self.alone_ms: list[int] = []

    def call_changed(self, change: CallChange) -> None:
        before, after = change.before, change.after
        rings_in = after.comes_in
        if before is None or not (change.is_end if rings_in else change.gives_line_back):
            return
        since = self._scene.alone_since.get(before.room_name or "")
        leg = self._scene.leg_of(before)
        if since is None or leg is None or (leg.over_at is not None and leg.over_at <= since):
            return
        # Whom somebody is being asked for waits for that one, and who was away themselves waited for nobody.
        served = [each.ended_at or self._world.now for each in before.transfers if each.dial == before.attempt]
        alone_ms = max(0, (leg.over_at or self._world.now) - max([since, leg.joined_at, *served]))
        self.alone_ms.append(alone_ms)
        known_at = max(before.agent_left_at or 0, before.other_left_at or 0)
        if self._calm and 0 <= known_at - since < _KNOWN_WITHIN_MS and alone_ms > _ALONE_MS:
            self._findings.fail("left_alone", f"{after.call_id} had nobody to talk to for {alone_ms} ms")
