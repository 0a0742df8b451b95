"""Lines that are kept for callers: no call that goes out takes one of them, and what calls that go out may use is
counted exactly from cap, reserve and callers."""

from collections.abc import Sequence

from ringline.calls.model.call import Direction
from ringline.runtime.items import Item
from ringline.runtime.table import GATE_SK, gate_pk
from simulation.aws.rows import Rows
from simulation.watch.book import CallBook, CallChange
from simulation.watch.findings import Findings


class Reserves:
    def __init__(self, findings: Findings, rows: Rows, book: CallBook) -> None:
        self._findings = findings
        self._rows = rows
        self._book = book
        self._callers: dict[str, int] = {}
        """How many callers of each account hold a line."""
        self._claimed: set[str] = set()

    def call_changed(self, change: CallChange) -> None:
        before, after = change.before, change.after
        if after.direction is Direction.INBOUND:
            held = 0 if before is None else int(before.holds_slot)
            account_id = after.account_id
            self._callers[account_id] = self._callers.get(account_id, 0) + int(after.holds_slot) - held
        elif change.is_claim:
            self._claimed.add(after.account_id)

    def gate_changed(self, account_id: str, before: Item, after: Item) -> None: ...

    def accounts_changed(self, account_ids: Sequence[str]) -> None:
        for account_id in account_ids:
            gate = self._rows.item(gate_pk(account_id), GATE_SK)
            if gate is None or "outbound_cap" not in gate:
                continue
            held, counted = self._callers.get(account_id, 0), _number(gate, "inbound_in_use")
            may_use = _number(gate, "cap") - _number(gate, "inbound_reserve") + held
            if counted != held or _number(gate, "outbound_cap") != may_use:
                told = f"{account_id}: {counted} of {held} callers, {_number(gate, 'outbound_cap')} of {may_use} lines"
                self._findings.fail("reserve_inexact", told)
            if account_id in self._claimed and _number(gate, "in_use") > may_use:
                self._findings.fail("reserve_taken", f"{account_id}: {_number(gate, 'in_use')} in use of {may_use}")
        self._claimed.clear()


def _number(gate: Item, name: str) -> int:
    return int(gate[name]["N"]) if name in gate else 0
