"""That a phone rings is told of each dial that is known to have rung, and of none that never rang and was over soon."""

from ringline.calls.model.timing import CLOCK_SKEW_MS, RINGING_TOLD_AFTER_S
from ringline.webhooks.model.event_type import EventType
from simulation.actors.scene import Scene
from simulation.kernel.world import World
from simulation.watch.book import CallBook, CallChange, CallKey
from simulation.watch.findings import Findings

_TOO_SOON_MS = RINGING_TOLD_AFTER_S * 1000 - CLOCK_SKEW_MS
"""A dial that nobody has refused for as long may ring, for all that anybody knows."""


class RingingTold:
    def __init__(self, world: World, findings: Findings, scene: Scene, book: CallBook) -> None:
        self._world = world
        self._findings = findings
        self._scene = scene
        self._book = book
        self._rang: set[tuple[CallKey, int]] = set()
        self._told: set[tuple[CallKey, int]] = set()
        self._lasted_ms: dict[tuple[CallKey, int], int] = {}
        """How long each dial took that is over: its ringing may be told of by then, and the word be written later."""

    def call_changed(self, change: CallChange) -> None:
        before, after = change.before, change.after
        if before is not None and before.in_flight and (not after.in_flight or after.attempt != before.attempt):
            self._lasted_ms[change.key, before.attempt] = self._world.now - (before.dialed_at or self._world.now)
        if not change.after.comes_in and change.after.in_flight and change.after.answered_at is not None:
            self._rang.add((change.key, change.after.attempt))

    def announced(self, key: CallKey, event_type: EventType, dial: int) -> None:
        if event_type is not EventType.CALL_RINGING:
            return
        self._told.add((key, dial))
        leg = self._scene.legs.get((key[1], dial))
        call = self._book.calls[key]
        if call.comes_in:
            return
        lasts_ms = self._lasted_ms.get((key, dial), self._world.now - (call.dialed_at or 0))
        is_old = lasts_ms >= _TOO_SOON_MS
        if not is_old and (leg is None or not leg.rang):
            self._findings.fail("ringing_told_of_nothing", f"dial {dial} of {key[1]}, whose phone never rang")

    def at_the_end(self) -> None:
        for key, dial in sorted(self._rang - self._told):
            if key[1] in self._book.news_lost:
                continue
            self._findings.fail("ringing_not_told", f"dial {dial} of {key[1]}, which was answered")
