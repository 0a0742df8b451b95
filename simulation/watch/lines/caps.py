"""Counters count exactly the calls in them, no claim passes a cap or goes uncounted past one, and all are empty at the
end."""

from collections import Counter
from collections.abc import Sequence

from ringline.calls.capacity.counters import names_of
from ringline.calls.model.call import Call, Direction
from ringline.runtime.items import Item
from ringline.runtime.table import caps_pk
from simulation.aws.rows import Rows
from simulation.watch.book import CallChange
from simulation.watch.findings import Findings

type CounterKey = tuple[str, str]
"""Account, and the counter's name."""


class Caps:
    def __init__(self, findings: Findings, rows: Rows) -> None:
        self._findings = findings
        self._rows = rows
        self._counted: Counter[CounterKey] = Counter()
        self._changed: set[CounterKey] = set()

    def call_changed(self, change: CallChange) -> None:
        was = set[str]() if change.before is None else set(change.before.counts_in)
        now = set(change.after.counts_in)
        account_id = change.after.account_id
        for name in was - now:
            self._counted[account_id, name] -= 1
        for name in now - was:
            self._counted[account_id, name] += 1
        self._changed |= {(account_id, name) for name in was ^ now}
        if change.is_claim:
            self._claimed(change.after)
        if change.before is None:
            self._arrives(change.after)

    def gate_changed(self, account_id: str, before: Item, after: Item) -> None:
        """What a gate lets in is another's to watch."""

    def accounts_changed(self, account_ids: Sequence[str]) -> None:
        """A write is complete: several calls may have come to one counter with it."""
        for account_id, name in sorted(self._changed):
            in_use, counted = _number(self._row(account_id, name), "in_use"), self._counted[account_id, name]
            if in_use != counted:
                self._findings.fail("cap_inexact", f"{name} of {account_id}: in_use {in_use}, calls in it {counted}")
        self._changed.clear()

    def _arrives(self, call: Call) -> None:
        """Somebody rings in, and takes what they count in."""
        for name in call.counts_in:
            row = self._row(call.account_id, name)
            if "max_calls" in row and _number(row, "in_use") > _number(row, "max_calls"):
                self._findings.fail("cap_exceeded", f"{name}: {_number(row, 'in_use')}, {call.call_id} came to it")

    def _claimed(self, call: Call) -> None:
        if call.direction is Direction.INBOUND:
            return
        for name in names_of(call):
            row = self._row(call.account_id, name)
            if "max_calls" not in row and "calls_per_day" not in row:
                continue
            if name not in call.counters:
                self._findings.fail("cap_uncounted", f"{call.call_id} was claimed and does not count in {name}")
            elif "max_calls" in row and _number(row, "in_use") > _number(row, "max_calls"):
                self._findings.fail(
                    "cap_exceeded", f"{name}: {_number(row, 'in_use')}, cap {_number(row, 'max_calls')}"
                )
            elif "calls_per_day" in row and _number(row, f"d{call.counted_on}") > _number(row, "calls_per_day"):
                self._findings.fail("cap_exceeded", f"{name}: {_number(row, f'd{call.counted_on}')} dials today")

    def at_the_end(self) -> None:
        for (account_id, name), counted in sorted(self._counted.items()):
            in_use = _number(self._row(account_id, name), "in_use")
            if counted or in_use:
                self._findings.fail("cap_leaked", f"{name} of {account_id}: {in_use} at the end, {counted} calls in it")

    def _row(self, account_id: str, name: str) -> Item:
        return self._rows.item(caps_pk(account_id), name) or {}


def _number(item: Item, name: str) -> int:
    return int(item[name]["N"]) if name in item else 0
