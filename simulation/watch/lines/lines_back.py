"""No line is given back while somebody is on it: whoever LiveKit shows under the very sid that the call knows."""

from simulation.actors.scene import Scene
from simulation.kernel.world import World
from simulation.watch.book import CallChange
from simulation.watch.findings import Findings


class LinesBack:
    def __init__(self, world: World, findings: Findings, scene: Scene) -> None:
        self._world = world
        self._findings = findings
        self._scene = scene
        self.after_ms: list[int] = []
        """How long after the end of its leg each line was given back."""

    def call_changed(self, change: CallChange) -> None:
        before = change.before
        if before is None or not change.gives_line_back:
            return
        leg = self._scene.legs.get((before.call_id, before.attempt))
        if leg is None:
            return
        if leg.over_at is not None:
            self.after_ms.append(self._world.now - leg.over_at)
        elif leg.is_up:
            self._world.counts["lines_given_back_early"] += 1
            if leg.attached and before.leg_sid == leg.sid:
                alive = f"{before.call_id} is {change.after.state} while its leg {leg.sid} is {leg.phone}"
                self._findings.fail("live_leg_let_go", alive)
