"""Who is told of what: what happens at the table and on the phones, in the watchers' words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ringline.runtime.items import Item
from ringline.runtime.table import (
    GATE_SK,
    LIVEKIT_BUDGET_SK,
    LIVEKIT_PK,
    WAITING_PK,
    WAITING_PKS,
    account_pk,
    calls_pk,
    gate_pk,
    queue_pk,
    runners_pk,
    trunk_pk,
)
from simulation.actors.scene import Leg
from simulation.aws.reading import call_from_item
from simulation.aws.rows import Change
from simulation.kernel.processes import Process
from simulation.kernel.world import World
from simulation.watch.book import CallChange

_WAITING = {WAITING_PK, *WAITING_PKS}
_ACCOUNTS, _TRUNKS = account_pk(""), trunk_pk("")
"""What the keys of their items begin with."""
_RUNNERS = runners_pk("").removeprefix(_ACCOUNTS)
"""What those of an account's runners end with."""
_ROW_OF_A_RUNNER = "#R#"


class WatchesAccess(Protocol):
    def touched(self, pk: str, sk: str) -> None:
        """Whoever acts at present reads or writes there."""


class WatchesCalls(Protocol):
    def call_changed(self, change: CallChange) -> None: ...


class WatchesGates(Protocol):
    def gate_changed(self, account_id: str, before: Item, after: Item) -> None: ...

    def accounts_changed(self, account_ids: Sequence[str]) -> None:
        """Something of these accounts was written, and the write is complete."""


class WatchesQueues(Protocol):
    def place_changed(self, account_id: str, sk: str, after: Item | None) -> None: ...

    def mark_removed(self, account_id: str) -> None:
        """Nobody of the account is said to wait any more."""

    def call_written(self, change: CallChange) -> None:
        """The call was written, and everything that was written with it stands as well."""


class WatchesTrunks(Protocol):
    def trunk_changed(self, process: Process | None, trunk_id: str, before: Item | None, after: Item) -> None: ...

    def livekits_turn_taken(self, process: Process | None, before: Item | None, after: Item) -> None: ...


class WatchesRunners(Protocol):
    def runner_written(self, account_id: str, sk: str, before: Item | None, after: Item | None) -> None: ...

    def written(self) -> None:
        """The write is complete."""


class ReadsRunners(Protocol):
    def runners_read(self, process: Process | None, pk: str) -> None:
        """That process has read an account's runners."""


class WatchesLegs(Protocol):
    def invited(self, leg: Leg) -> None: ...


class WatchesTheEnd(Protocol):
    def at_the_end(self) -> None:
        """Nothing goes wrong any more and every deadline has passed: all must be well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableNews:
    """Tells each part of a write to those whom it concerns."""

    world: World
    access: WatchesAccess
    calls: Sequence[WatchesCalls]
    gates: Sequence[WatchesGates]
    queues: WatchesQueues
    trunks: WatchesTrunks
    runners: WatchesRunners
    readers: ReadsRunners

    def touched(self, pk: str, sk: str) -> None:
        self.access.touched(pk, sk)
        if pk.endswith(_RUNNERS) and not sk:
            self.readers.runners_read(self.world.current, pk)

    def committed(self, process: Process | None, changes: list[Change]) -> None:
        accounts: set[str] = set()
        written: list[CallChange] = []
        for (pk, sk), before, after in changes:
            self.access.touched(pk, sk)
            if pk.startswith(_TRUNKS) and after is not None:
                self.trunks.trunk_changed(process, pk.removeprefix(_TRUNKS), before, after)
            elif (pk, sk) == (LIVEKIT_PK, LIVEKIT_BUDGET_SK) and after is not None:
                self.trunks.livekits_turn_taken(process, before, after)
            elif pk in _WAITING and after is None:
                self.queues.mark_removed(sk)
            elif pk.startswith(_ACCOUNTS):
                account_id = pk.removeprefix(_ACCOUNTS).partition("#")[0]
                accounts.add(account_id)
                if pk == calls_pk(account_id) and after is not None:
                    written.append(self._call_changed(process, before, after))
                elif pk == queue_pk(account_id):
                    self.queues.place_changed(account_id, sk, after)
                elif pk.endswith(_RUNNERS) and _ROW_OF_A_RUNNER in sk:
                    self.runners.runner_written(account_id, sk, before, after)
                elif (pk, sk) == (gate_pk(account_id), GATE_SK) and before is not None and after is not None:
                    self._gate_changed(account_id, before, after)
        self._written(sorted(accounts), written)

    def _written(self, accounts: Sequence[str], changes: Sequence[CallChange]) -> None:
        """All of the write stands."""
        for watcher in self.gates:
            watcher.accounts_changed(accounts)
        self.runners.written()
        for change in changes:
            self.queues.call_written(change)

    def _gate_changed(self, account_id: str, before: Item, after: Item) -> None:
        for watcher in self.gates:
            watcher.gate_changed(account_id, before, after)

    def _call_changed(self, process: Process | None, before: Item | None, after: Item) -> CallChange:
        was = None if before is None else call_from_item(before)
        change = CallChange(process, was, call_from_item(after))
        reason = change.after.end_reason or ""
        self.world.trace(f"{change.after.call_id} {was and was.state} -> {change.after.state} {reason}".rstrip())
        for watcher in self.calls:
            watcher.call_changed(change)
        return change


class WatchesLegEnds(Protocol):
    def leg_over(self, leg: Leg) -> None: ...


@dataclass(frozen=True, slots=True)
class LegEnds:
    watchers: Sequence[WatchesLegEnds]

    def leg_over(self, leg: Leg) -> None:
        for watcher in self.watchers:
            watcher.leg_over(leg)


@dataclass(frozen=True, slots=True)
class LegNews:
    watchers: Sequence[WatchesLegs]

    def invited(self, leg: Leg) -> None:
        for watcher in self.watchers:
            watcher.invited(leg)
