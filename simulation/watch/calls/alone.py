"""A caller whose agent left is not alone for long where nothing goes wrong: another takes over, or the call ends."""

from ringline.calls.model.call import Call
from ringline.calls.model.reasons import EndReason
from simulation.actors.scene import Scene
from simulation.kernel.world import World
from simulation.watch.book import CallChange
from simulation.watch.findings import Findings

_ALONE_MS = 10_000
"""How long a caller may be without an agent: a successor's time, and the look behind it."""

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
        if before is None or not change.gives_line_back or _reason(before, after) is not EndReason.AGENT_FAILED:
            return
        since = self._scene.alone_since.get(before.room_name or "")
        if since is None or (before.call_id, before.attempt) not in self._scene.legs:
            return
        alone_ms = self._world.now - since
        self.alone_ms.append(alone_ms)
        was_known = before.agent_left_at is not None and before.agent_left_at - since < _KNOWN_WITHIN_MS
        if self._calm and was_known and alone_ms > _ALONE_MS:
            self._findings.fail("left_alone", f"{after.call_id} was without an agent for {alone_ms} ms")


def _reason(before: Call, after: Call) -> EndReason | None:
    """Why the attempt ended, whether the call goes on in another or not."""
    return after.attempts[-1].end_reason if len(after.attempts) > len(before.attempts) else after.end_reason
