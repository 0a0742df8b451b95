"""To whom calls are handed over: each is called once for each transfer, and nobody for a caller who is known to be
gone; a call counts as transferred only if somebody took it; and at the end no phone of theirs rings."""

from collections import Counter

from ringline.calls.model.reasons import EndReason
from simulation.actors.scene import Leg, Scene
from simulation.kernel.world import World
from simulation.watch.book import CallChange
from simulation.watch.findings import Findings

RINGS_WITHIN_MS = 6_000
"""How long after the last look at its call a target may begin to ring: a slow answer of LiveKit's, the leg's joining
and its INVITE."""

_RINGS_ON_MS = 3_000
"""How long a target may ring on for a caller who is gone where nothing goes wrong: until its room is closed."""


class TargetRings:
    def __init__(self, world: World, findings: Findings, scene: Scene, *, calm: bool) -> None:
        self._world = world
        self._findings = findings
        self._scene = scene
        self._calm = calm
        self._invites: Counter[str] = Counter()
        self._sent_away: Counter[str] = Counter()
        self._over_since: dict[str, int] = {}
        """Rooms of calls whose end is asked for or on record, and since when."""
        self._taken: set[str] = set()
        """Rooms whose phone somebody took over, or in which a target talked."""
        self._up: dict[Leg, int] = {}
        """Phones that ring or talk, and since when."""

    @property
    def phones_are_silent(self) -> bool:
        return not self._up

    # --- phones ------------------------------------------------------------------------------------------------------

    def target_invited(self, leg: Leg, transfer_id: str) -> None:
        self._up[leg] = self._world.now
        self._invites[transfer_id] += 1
        if self._invites[transfer_id] > 1:
            self._findings.fail("target_rung_twice", transfer_id)
        late_ms = self._world.now - self._over_since.get(leg.room_name, self._world.now)
        if late_ms > RINGS_WITHIN_MS:
            self._findings.fail("target_rung_for_nobody", f"{transfer_id}, {late_ms} ms after the end of its call")

    def target_answered(self, leg: Leg) -> None:
        self._taken.add(leg.room_name)

    def sent_away(self, transfer_id: str) -> None:
        self._sent_away[transfer_id] += 1
        if self._sent_away[transfer_id] > 1:
            self._findings.fail("sent_away_twice", transfer_id)

    def has_left_for(self, leg: Leg) -> None:
        self._taken.add(leg.room_name)

    def leg_over(self, leg: Leg) -> None:
        since = self._up.pop(leg, None)
        if since is None:
            return
        own = self._scene.leg_of(leg.call)
        if leg.answered_at is not None or own is None or own.over_at is None:
            return
        rang_on_ms = self._world.now - max(own.over_at, since)
        self._world.counts["targets_rang_on"] += rang_on_ms > _RINGS_ON_MS
        if self._calm and rang_on_ms > _RINGS_ON_MS:
            self._findings.fail("target_rang_on", f"for {leg.call.call_id}, {rang_on_ms} ms after its caller had gone")

    # --- calls -------------------------------------------------------------------------------------------------------

    def call_changed(self, change: CallChange) -> None:
        before, after = change.before, change.after
        if before is None or not before.in_flight:
            return
        is_over = not after.in_flight or after.attempt != before.attempt or after.end_asked_at is not None
        if is_over:
            self._over_since.setdefault(before.room_name or "", self._world.now)
        ended_as = None if after.in_flight else after.end_of(before.attempt)
        is_told_so = bool(before.transfers) and ended_as is EndReason.CALL_TRANSFERRED
        if is_told_so and before.room_name not in self._taken:
            self._findings.fail("transferred_to_nobody", f"{before.call_id} is said to be handed over")

    def at_the_end(self) -> None:
        for leg in self._up:
            self._findings.fail("target_rings_on", f"a target of {leg.call.call_id} is {leg.phone} at the end")
