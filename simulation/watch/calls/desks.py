"""A caller's server is asked once, whatever is told of the caller; who is taken by somebody else is passed on once; and
who is turned away for want of a line is turned away because there was none."""

from collections import Counter, defaultdict

from ringline.calls.model.reasons import EndReason
from ringline.runtime.items import Item
from simulation.actors.scene import Scene
from simulation.kernel.world import World
from simulation.watch.book import CallChange
from simulation.watch.findings import Findings

_TURNED_AWAY = {EndReason.NO_AGENT_AVAILABLE, EndReason.CALL_CANCELED}
_OUT_WITHIN_MS = 3_000
"""How soon a caller is out whom nobody takes, where nothing goes wrong."""


class Desks:
    def __init__(self, world: World, findings: Findings, scene: Scene, *, calm: bool) -> None:
        self._world = world
        self._findings = findings
        self._scene = scene
        self._calm = calm
        self._questions: Counter[str] = Counter()
        self._is_full: dict[str, bool] = {}
        self._last_full_at: dict[str, int] = defaultdict(int)
        self._turned_away: dict[str, int] = {}

    def asked(self, room: str) -> None:
        """A customer's server was asked about the caller in that room."""
        self._questions[room] += 1
        if self._questions[room] > 1:
            self._findings.fail("asked_twice", room)

    def gate_changed(self, account_id: str, before: Item, after: Item) -> None:
        if self._is_full.get(account_id, _is_full(before)):
            self._last_full_at[account_id] = self._world.now
        self._is_full[account_id] = _is_full(after)

    def accounts_changed(self, account_ids: object) -> None: ...

    def call_changed(self, change: CallChange) -> None:
        call, process = change.after, change.process
        if call.inbound_room is None or change.before is not None:
            return
        said = [note.what for note in call.notes]
        passed_on = sum(what.endswith("_overflow") for what in said)
        self._world.counts["overflows"] += passed_on
        if passed_on > 1:
            self._findings.fail("passed_on_twice", call.call_id)
        if len([what for what in said if "decision" in what or "rejected" in what]) > 1:
            self._findings.fail("decided_twice", f"{call.call_id}: {said}")
        if not call.state.is_terminal:
            return
        self._world.counts["callers_turned_away"] += 1
        self._turned_away[call.inbound_room] = self._world.now
        if call.end_reason not in _TURNED_AWAY:
            self._findings.fail("turned_away_wrongly", f"{call.call_id} as {call.end_reason}")
        for_a_line = any(what.endswith("turned_away: gate") for what in said)
        since = 0 if process is None else process.started_at
        was_full = self._is_full.get(call.account_id, True) or self._last_full_at[call.account_id] >= since
        if for_a_line and not was_full:
            self._findings.fail("turned_away_wrongly", f"{call.call_id} for want of a line, and there was one")

    def at_the_end(self) -> None:
        for room, at in self._turned_away.items():
            leg = self._scene.callers.get(room)
            out_ms = 0 if leg is None else (leg.over_at or self._world.now) - at
            if self._calm and out_ms > _OUT_WITHIN_MS:
                self._findings.fail("left_ringing", f"{room} for {out_ms} ms, and nobody takes it")


def _is_full(gate: Item) -> bool:
    return int(gate["in_use"]["N"]) >= int(gate["cap"]["N"])
