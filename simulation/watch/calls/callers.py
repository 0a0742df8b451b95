"""Whoever rings in where nothing goes wrong is answered, if there is an agent for them at all."""

from simulation.actors.scene import Scene
from simulation.watch.book import CallBook
from simulation.watch.findings import Findings

_COME = {"there", "busy"}
"""Agents that come, or that come once they are sent again."""

_ANSWERED_WITHIN_MS = 12_000


class CallersAnswered:
    def __init__(self, findings: Findings, scene: Scene, book: CallBook, *, calm: bool) -> None:
        self._book = book
        self._findings = findings
        self._scene = scene
        self._calm = calm

    def at_the_end(self) -> None:
        # Whether nobody was to take them is for others to say.
        calls = self._book.calls.values()
        away = {call.inbound_room for call in calls if call.version == 1 and call.state.is_terminal}
        for room, leg in self._scene.callers.items():
            rang_ms = (leg.answered_at or leg.over_at or 0) - leg.call.created_at
            if leg.is_browser or leg.plan.runners_agent is not None:
                # Their reason tells whether an agent came. A browser may come by a token that was used, and all the
                # runners of an agent may be full.
                continue
            is_answered = leg.answered_at is not None and rang_ms <= _ANSWERED_WITHIN_MS
            if self._calm and leg.plan.agent in _COME and room not in away and not is_answered:
                self._findings.fail("caller_not_answered", f"{room} rang for {rang_ms} ms")
