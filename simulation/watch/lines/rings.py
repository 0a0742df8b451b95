"""A dial rings once, phones on calls that hold a line never outnumber the lines, and at the end no phone rings and no
room is open. What is said to have expired in the queue has not rung."""

from collections import Counter

from ringline.calls.model.reasons import EndReason
from simulation.actors.scene import Leg, Scene
from simulation.kernel.world import World
from simulation.watch.book import CallBook, CallChange
from simulation.watch.findings import Findings
from simulation.watch.lines.gates import Gates


class Rings:
    def __init__(self, world: World, findings: Findings, *, scene: Scene, book: CallBook, gates: Gates) -> None:
        self._world = world
        self._findings = findings
        self._scene = scene
        self._book = book
        self._gates = gates
        self._invites: Counter[tuple[str, int]] = Counter()
        self._up: dict[str, set[Leg]] = {}
        self.most_over_cap = 0

    @property
    def phones_are_silent(self) -> bool:
        return not any(self._up.values())

    def invited(self, leg: Leg) -> None:
        call = leg.call
        key = call.call_id, call.attempt
        self._invites[key] += 1
        if self._invites[key] > 1:
            times = f"{call.call_id} attempt {call.attempt} was dialled {self._invites[key]} times"
            self._findings.fail("rang_twice", times)
        if not self._book.calls[call.account_id, call.call_id].holds_slot:
            self._world.counts["rang_for_nobody"] += 1
        self._up.setdefault(call.account_id, set()).add(leg)
        self._count_phones(call.account_id)

    def leg_over(self, leg: Leg) -> None:
        self._up.get(leg.call.account_id, set()).discard(leg)

    def call_changed(self, change: CallChange) -> None:
        call = change.after
        if not change.is_end or call.end_reason is not EndReason.EXPIRED_IN_QUEUE:
            return
        rung = {dial for call_id, dial in self._invites if call_id == call.call_id}
        if rung - {attempt.dial for attempt in call.attempts}:
            expired = f"{call.call_id} rang and is said to have expired in the queue"
            self._findings.fail("expired_after_ringing", expired)

    def at_the_end(self) -> None:
        up = [leg for legs in self._up.values() for leg in legs]
        if up:
            self._findings.fail("phone_rings_on", f"{up[0].call.call_id} is {up[0].phone} at the end")
        if self._scene.rooms:
            self._findings.fail("room_left_open", f"{sorted(self._scene.rooms)} at the end")

    def _count_phones(self, account_id: str) -> None:
        """Phones that ring or talk beyond the cap must all be legs whose call has given its line back already."""
        up, in_use = self._up[account_id], self._gates.in_use(account_id)
        if in_use is None or len(up) <= in_use:
            return
        on_a_line = [leg for leg in up if self._holds_a_line(leg)]
        self.most_over_cap = max(self.most_over_cap, len(up) - in_use)
        if len(on_a_line) > in_use:
            more = f"{account_id}: {len(on_a_line)} phones, {in_use} lines in use"
            self._findings.fail("phones_over_gate", more)

    def _holds_a_line(self, leg: Leg) -> bool:
        call = self._book.calls[leg.call.account_id, leg.call.call_id]
        return call.holds_slot and call.attempt == leg.call.attempt
