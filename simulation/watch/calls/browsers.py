"""A token lets one caller in, and only for as long as it is good: none that came too late begins a call, and who comes
by one that was used is put out where nothing goes wrong. Who is still joining may come a second time with it, as a
browser does that lost its connection at once."""

from ringline.calls.model.call import Direction
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.timing import WEB_JOINING_S
from simulation.actors.scene import Leg
from simulation.kernel.world import World
from simulation.watch.book import CallChange
from simulation.watch.findings import Findings

_GOOD_FOR_MS = 75_000
"""How old a token may be when its browser is told of: its minute, and the time until sound can flow."""
_MARGIN_MS = 1_500
"""LiveKit stamps whole seconds, and clocks differ."""
_OUT_WITHIN_MS = 3_000


class Browsers:
    def __init__(self, world: World, findings: Findings, *, calm: bool) -> None:
        self._world = world
        self._findings = findings
        self._calm = calm
        self._made_at: dict[str, int] = {}
        self._by_token: dict[str, list[Leg]] = {}
        self._joined_at: dict[Leg, int] = {}

    def invited(self, call_id: str) -> None:
        self._made_at[call_id] = self._world.now

    def joined(self, leg: Leg, *, by_token: bool) -> None:
        self._joined_at[leg] = self._world.now
        if by_token:
            self._by_token.setdefault(leg.call.call_id, []).append(leg)

    def call_changed(self, change: CallChange) -> None:
        call = change.after
        if call.direction is not Direction.WEB or change.before is not None:
            return
        age_ms = call.created_at - self._made_at.get(call.call_id, call.created_at)
        if age_ms > _GOOD_FOR_MS + _MARGIN_MS:
            self._findings.fail("late_token_used", f"{call.call_id} begins with a token of {age_ms} ms")
        self._world.counts["browsers_turned_away"] += call.end_reason is EndReason.NO_LINE_FREE

    def at_the_end(self) -> None:
        for call_id, legs in self._by_token.items():
            joining_until = self._joined_at[legs[0]] + WEB_JOINING_S * 1000 + _MARGIN_MS
            comes_again = len(legs) > 1 and self._joined_at[legs[1]] <= joining_until
            for leg in legs[2 if comes_again else 1 :]:
                stayed_ms = (leg.over_at or self._world.now) - self._joined_at[leg]
                if self._calm and stayed_ms > _OUT_WITHIN_MS:
                    self._findings.fail("token_used_twice", f"that of {call_id}, for {stayed_ms} ms")
