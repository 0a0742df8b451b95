"""An account's gate counts exactly the calls that hold a line, never lets in more than its cap, and is empty at the
end."""

from collections.abc import Sequence

from ringline.runtime.items import Item
from ringline.runtime.table import GATE_SK, gate_pk
from simulation.aws.rows import Rows
from simulation.watch.book import CallBook
from simulation.watch.findings import Findings


class Gates:
    def __init__(self, findings: Findings, rows: Rows, book: CallBook) -> None:
        self._findings = findings
        self._rows = rows
        self._book = book

    def in_use(self, account_id: str) -> int | None:
        """The lines in use by the gate's word; None where there is no gate."""
        gate = self._rows.item(gate_pk(account_id), GATE_SK)
        return None if gate is None else _number(gate, "in_use")

    def gate_changed(self, account_id: str, before: Item, after: Item) -> None:
        in_use, was, cap = _number(after, "in_use"), _number(before, "in_use"), _number(after, "cap")
        if in_use < 0 or (in_use > was and in_use > cap):
            self._findings.fail("over_cap", f"{account_id}: {in_use} lines in use, cap {cap}")

    def accounts_changed(self, account_ids: Sequence[str]) -> None:
        for account_id in account_ids:
            in_use, held = self.in_use(account_id) or 0, self._book.on_a_line.get(account_id, 0)
            if in_use != held:
                self._findings.fail("gate_inexact", f"{account_id}: in_use {in_use}, calls on a line {held}")

    def at_the_end(self) -> None:
        for account_id, held in sorted(self._book.on_a_line.items()):
            if held or self.in_use(account_id):
                self._findings.fail("slot_leaked", f"{account_id}: {held} lines held at the end")


def _number(item: Item, name: str) -> int:
    return int(item[name]["N"])
