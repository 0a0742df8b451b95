"""Whoever waits for a runner's place is called soon once there is one, where nothing goes wrong."""

from ringline.calls.model.call import Call, State
from ringline.calls.model.timing import MS_PER_S, RUNNER_OVERDUE_S
from ringline.runtime.items import Item
from ringline.runtime.table import (
    GATE_SK,
    LIVEKIT_PK,
    LIVEKIT_REST_SK,
    agent_rest_sk,
    beat_sk,
    gate_pk,
    runners_pk,
)
from simulation.aws.rows import Rows
from simulation.kernel.world import START, World
from simulation.plan.planned import FAULTS_FOR_S, Plan
from simulation.watch.book import CallBook, CallChange
from simulation.watch.findings import Findings

_LOOKS_EVERY_MS = 1_000
_RUNG_WITHIN_MS = 10_000
"""How long a call may wait for which a place came free: a bell, and a dialer that has just let another go."""
_SWEPT_WITHIN_MS = 75_000
"""How long one may wait whose moment came when there was a place: a run of the sweep, and a dialer."""


class PlaceWaits:
    def __init__(self, world: World, findings: Findings, rows: Rows, book: CallBook, plan: Plan) -> None:
        self._world = world
        self._findings = findings
        self._rows = rows
        self._book = book
        self._until: dict[str, int] = {}
        """For each account: by when one of its calls must be claimed that wait beside a free place."""
        self._wait_for_place: set[str] = set()
        """The accounts with a call that could go, if there were a place."""
        if plan.runners and plan.is_calm and not plan.trunks and not plan.caps:
            world.after(_LOOKS_EVERY_MS, self._looks)

    def call_changed(self, change: CallChange) -> None:
        if change.is_claim:
            self._until.pop(change.after.account_id, None)

    def _looks(self) -> None:
        now = self._world.now
        waiting = {call.account_id: call for call in self._waiting()}
        for account_id in self._until.keys() - waiting.keys():
            del self._until[account_id]
        waited, self._wait_for_place = self._wait_for_place, set()
        for account_id, call in waiting.items():
            if not self._could_go(account_id, call):
                self._until.pop(account_id, None)
            elif not self._has_place(account_id, call):
                self._until.pop(account_id, None)
                self._wait_for_place.add(account_id)
            else:
                within_ms = _RUNG_WITHIN_MS if account_id in waited else _SWEPT_WITHIN_MS
                if now > self._until.setdefault(account_id, now + within_ms):
                    self._findings.fail("place_unused", f"{call.call_id} waits, and a runner has a place")
        if self._book.unfinished or now < START + FAULTS_FOR_S * MS_PER_S:
            self._world.after(_LOOKS_EVERY_MS, self._looks)

    def _waiting(self) -> list[Call]:
        """The calls that wait for a place, and not for the sweep to find that they have expired."""
        calls = (self._book.calls[key] for key in sorted(self._book.unfinished))
        now = self._world.now
        waiting = (call for call in calls if call.state is State.QUEUED and call.needs_place)
        return [call for call in waiting if call.eligible_at < now and not call.has_expired(now)]

    def _could_go(self, account_id: str, call: Call) -> bool:
        now, gate = self._world.now, self._rows.item(gate_pk(account_id), GATE_SK)
        rest = self._rows.item(gate_pk(account_id), agent_rest_sk(call.agent_id or ""))
        livekit = self._rows.item(LIVEKIT_PK, LIVEKIT_REST_SK)
        rests = any(_number(item, "next_at") > now or _number(item, "on_trial_until") > now for item in (rest, livekit))
        lines = min(_number(gate, "cap"), _number(gate, "outbound_cap") if gate and "outbound_cap" in gate else 1 << 30)
        return not rests and _number(gate, "in_use") < lines

    def _has_place(self, account_id: str, call: Call) -> bool:
        pk = runners_pk(account_id)
        for row in self._rows.partition(pk, limit=1_000):
            if "max_concurrent" not in row or _number(row, "in_use") >= _number(row, "max_concurrent"):
                continue
            beat = self._rows.item(pk, beat_sk(call.agent_id or "", row["worker_id"]["S"])) or {}
            is_there = beat.get("connection_id") == row["connection_id"]
            if is_there and self._world.now - _number(beat, "seen_at") < RUNNER_OVERDUE_S * MS_PER_S:
                return True
        return False


def _number(item: Item | None, name: str) -> int:
    return int(item[name]["N"]) if item is not None and name in item else 0
