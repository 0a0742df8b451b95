"""Who talks with a callee: one agent at a time, and nobody is cut off from whom an agent has brought in."""

from ringline.calls.model.reasons import EndReason
from simulation.actors.scene import Scene
from simulation.watch.book import CallChange
from simulation.watch.findings import Findings

_TOGETHER_MS = 3_000
"""How long two agents may be in one room where nothing goes wrong: the hook of the second one's coming, and its
removal."""


class Company:
    def __init__(self, findings: Findings, scene: Scene, *, calm: bool) -> None:
        self._findings = findings
        self._scene = scene
        self._calm = calm

    def call_changed(self, change: CallChange) -> None:
        before, after = change.before, change.after
        if before is None or after.end_asked_at == before.end_asked_at:
            return
        room = self._scene.rooms.get(before.room_name or "")
        left_for_nobody = after.end_asked_reason in {EndReason.AGENT_FAILED, EndReason.CALL_TRANSFERRED}
        leg = self._scene.leg_of(before)
        if leg is not None and not leg.is_up:
            # The other side has hung up already: nobody is cut off any more.
            return
        others = room is not None and room.is_company and not room.agents
        if left_for_nobody and others and after.reports.hung_up_for is None:
            self._findings.fail("cut_off", f"{after.call_id} while it talked with whom its agent had brought in")

    def at_the_end(self) -> None:
        for room, together_ms in self._scene.together_ms.items():
            if self._calm and together_ms > _TOGETHER_MS:
                self._findings.fail("two_talked", f"two agents in {room} for {together_ms} ms")
