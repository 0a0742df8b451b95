"""One world from its first call to the moment when nothing can happen any more."""

import gc
import random
import warnings
from collections import Counter
from dataclasses import dataclass
from unittest import mock

from ringline.calls.model.timing import ZOMBIE_ROOM_S
from ringline.calls.outbound import admit, create
from ringline.calls.rules import ending
from ringline.calls.signals import inbound_rows
from ringline.calls.tables.paces import interval_ms
from ringline.calls.web import invite
from ringline.routing.records import Number, Pipe
from ringline.runtime.items import to_item
from ringline.runtime.rows import attributes_of
from ringline.runtime.table import GATE_SK, PACE_SK, account_pk, gate_pk, trunk_pk
from simulation.aws.reading import read_once
from simulation.kernel.world import START
from simulation.plan.capacity import PIPE
from simulation.plan.planned import FAULTS_FOR_S, Plan, PlannedPool
from simulation.run.composition import compose
from simulation.watch.findings import Violation

_SWEEP_EVERY_MS = 60_000
_NO_AGENT_S = 300
"""How long calls wait for an agent that never comes: an hour of it would show no more, and take most of the time."""
_TIDY_AFTER_MS = ZOMBIE_ROOM_S * 1000 + 2 * _SWEEP_EVERY_MS
_PATIENCE_S = 7200
"""How long after the last fault a call may take to end before it counts as lost: far more than any needs."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What became of one world."""

    plan: Plan
    violation: Violation | None
    accepted: int
    counts: Counter[str]
    fired: tuple[str, ...]
    trace: tuple[str, ...]
    slot_back_after_ms: tuple[int, ...]
    mended_late_ms: tuple[int, ...]
    alone_ms: tuple[int, ...]
    most_over_cap: int
    broken_at: int | None


@dataclass(frozen=True, slots=True)
class Only:
    """What a repeat is confined to: these calls and these faults."""

    calls: frozenset[int]
    faults: frozenset[str]
    until: int | None = None
    """A moment by which it must be broken to be of interest."""


def run_world(plan: Plan, only: Only | None = None, *, tracing: bool = False) -> Ran:
    """Runs one world. Garbage is collected behind it, not within: each leaves its whole graph behind at once."""
    with warnings.catch_warnings(), read_once():
        # What a dead process had not begun is never awaited, and what it still wants to wait for has no event loop.
        warnings.simplefilter("ignore", RuntimeWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        gc.disable()
        try:
            return Episode(plan, only, tracing=tracing).run()
        finally:
            gc.enable()
            gc.collect()


class Episode:
    def __init__(self, plan: Plan, only: Only | None = None, *, tracing: bool = False) -> None:
        self._plan = plan
        self._calls = [call for call in plan.calls if only is None or call.number in only.calls]
        simulated = compose(plan, None if only is None else only.faults, tracing=tracing)
        self._world = simulated.world
        self._scene = simulated.scene
        self._table = simulated.table
        self._stream = simulated.stream
        self._customers = simulated.customers
        self._callers = simulated.callers
        self._browsers = simulated.browsers
        self._fleet = simulated.fleet
        self._outages = simulated.outages
        self._functions = simulated.functions
        self._watchers = simulated.watchers
        self._until = None if only is None else only.until
        self._sweeping = True

    # --- what happens by itself --------------------------------------------------------------------------------------

    def _set_up(self) -> None:
        world = self._world
        for account in self._plan.accounts:
            gate = {"pk": gate_pk(account.account_id), "sk": GATE_SK, "in_use": 0, "cap": account.cap}
            self._table.seed(to_item(gate))
            self._customers.will_change_caps(account)
        for trunk in self._plan.trunks:
            if trunk.calls_per_second:
                interval = interval_ms(trunk.calls_per_second)
                self._table.seed(to_item({"pk": trunk_pk(trunk.trunk_id), "sk": PACE_SK, "interval_ms": interval}))
        for pool in self._plan.pools:
            self._seed_pool(pool)
        for cap in self._plan.caps:
            self._customers.will_cap(cap)
        for reserve in self._plan.reserves:
            self._customers.will_reserve(reserve)
        self._let_them_call()
        self._fleet.begin()
        for kind, at, length in self._plan.outages:
            world.at(START + at, self._outage, kind, at, length)
        world.at(START + world.chance.between("first sweep", 0, _SWEEP_EVERY_MS), self._sweep)
        world.at(START + FAULTS_FOR_S * 1000, self._calm_down)

    def _let_them_call(self) -> None:
        for call in self._calls:
            if call.browser is not None:
                self._browsers.will_come(call)
            elif call.rings_in:
                self._callers.will_ring_in(call)
            else:
                self._customers.will_call(call)

    def _seed_pool(self, pool: PlannedPool) -> None:
        pipe = Pipe(pipe_id=PIPE, name=PIPE, agent_id="AGENT_0", caller_ids=pool.numbers, caller_id_policy=pool.policy)
        pk = account_pk(pool.account_id)
        self._table.seed(to_item({**attributes_of(pipe), "pk": pk, "sk": f"PIPE#{PIPE}"}))
        for number in pool.numbers:
            known = Number(number=number, number_id=number)
            self._table.seed(to_item({**attributes_of(known), "pk": pk, "sk": f"NUMBER#{number}"}))

    def _outage(self, kind: str, at: int, length: int) -> None:
        if kind in {"livekit_restart", "livekit_away"} and not self._scene.server_is_up:
            return
        if self._world.faults.strikes(kind, str(at), 1e9):
            self._world.trace(f"OUTAGE {kind} for {length / 1000:.1f} s")
            self._outages.strike(kind, length)

    def _sweep(self) -> None:
        if not self._sweeping:
            return
        self._world.after(_SWEEP_EVERY_MS, self._sweep)
        run = self._watchers.mending.sweep_begins()
        functions = self._functions
        self._world.spawn("sweep", "sweep", functions.sweep, run.ended)

    def _calm_down(self) -> None:
        self._world.faults.stopped = True

    # --- the run -----------------------------------------------------------------------------------------------------

    def run(self) -> Ran:
        random.seed(self._plan.seed)  # The store's waits between conflicts; nobody else uses it.
        new_id = self._functions.new_id
        with (
            mock.patch.object(create, "new_id", new_id),
            mock.patch.object(inbound_rows, "new_id", new_id),
            mock.patch.object(invite, "new_id", new_id),
            mock.patch.object(admit, "NO_AGENT_S", _NO_AGENT_S),
            mock.patch.object(ending, "NO_AGENT_S", _NO_AGENT_S),
        ):
            return self._run()

    def _run(self) -> Ran:
        self._set_up()
        self._until_settled(max([START, *(START + call.at for call in self._calls)]))
        if self._watchers.findings.first is None and self._until is None:
            self._watchers.at_the_end()
        for process in self._world.living:
            process.abandon()
        return self._ran()

    def _until_settled(self, last_call_at: int) -> None:
        world, watchers = self._world, self._watchers
        outages_end_at = max((START + at + length for _, at, length in self._plan.outages), default=START)
        give_up_at = max(last_call_at, START + FAULTS_FOR_S * 1000, outages_end_at) + _PATIENCE_S * 1000
        moment = START
        while watchers.findings.first is None and moment < give_up_at:
            moment += 10_000
            world.run(moment)
            if self._until is not None and moment > self._until:
                return
            if moment > last_call_at + 1_000 and self._is_over:
                break
        # What is still under way - relays, webhooks, dialers - comes to its end; redelivered doorbells find nobody.
        world.faults.stopped = True
        self._sweeping = False
        self._fleet.stop()
        if watchers.findings.first is None:
            world.run(moment + 180_000)

    @property
    def _is_over(self) -> bool:
        """Whether every call has ended, everybody was told, and no phone rings on."""
        watchers = self._watchers
        told = not watchers.ends.untold and self._stream.is_read
        return told and not watchers.book.unfinished and watchers.phones_are_silent and self._is_swept

    @property
    def _is_swept(self) -> bool:
        """Whether rooms that LiveKit could not be asked to close while it was away are closed, or had their time."""
        scene, now = self._scene, self._world.now
        return not scene.rooms or (scene.server_is_up and now > scene.server_back_at + _TIDY_AFTER_MS)

    def _ran(self) -> Ran:
        world, watchers = self._world, self._watchers
        return Ran(
            plan=self._plan,
            violation=watchers.findings.first,
            accepted=len(watchers.book.calls),
            counts=Counter(events=world.events) + world.counts + world.faults.counts,
            fired=tuple(world.faults.fired),
            trace=tuple(world.lines),
            slot_back_after_ms=tuple(watchers.lines_back.after_ms),
            mended_late_ms=tuple(watchers.mending.late_ms),
            alone_ms=tuple(watchers.alone.alone_ms),
            most_over_cap=watchers.rings.most_over_cap,
            broken_at=watchers.findings.broken_at,
        )
