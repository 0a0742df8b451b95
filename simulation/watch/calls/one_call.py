"""One request is one call: with an idempotency key it makes no second one, however often it is sent. And each write of
a call is one step: its version grows by one."""

from collections import Counter
from copy import replace

from simulation.actors.scene import Scene
from simulation.watch.book import CallChange
from simulation.watch.findings import Findings


class OneCall:
    def __init__(self, findings: Findings, scene: Scene) -> None:
        self._findings = findings
        self._scene = scene
        self._accepted: Counter[int] = Counter()

    def call_changed(self, change: CallChange) -> None:
        before, after = change.before, change.after
        if before is None:
            self._is_new(change)
        elif after.version != before.version + 1 and after != replace(before, due_at=None):
            self._findings.fail("version_jumps", f"{after.call_id}: {before.version} -> {after.version}")

    def _is_new(self, change: CallChange) -> None:
        number = self._scene.plan_of(change.after).number
        self._accepted[number] += 1
        if self._accepted[number] > 1:
            second = f"{change.after.call_id} is the second call of one request"
            self._findings.fail("accepted_twice", second)
