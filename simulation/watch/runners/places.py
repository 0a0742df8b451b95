"""A runner's `in_use` counts exactly the calls that hold a place of its, never grows beyond its places, and is 0 at the
end."""

from collections import Counter

from ringline.calls.model.call import Call
from ringline.runtime.items import Item
from ringline.runtime.table import runner_sk
from simulation.watch.book import CallChange
from simulation.watch.findings import Findings

type RunnerKey = tuple[str, str]
"""Account, and the sort key of the runner's row."""


class RunnerPlaces:
    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._held: Counter[RunnerKey] = Counter()
        self._in_use: dict[RunnerKey, int] = {}
        self._touched: set[RunnerKey] = set()

    def call_changed(self, change: CallChange) -> None:
        was = None if change.before is None else _place_of(change.before)
        is_now = _place_of(change.after)
        if was == is_now:
            return
        for key, step in ((was, -1), (is_now, 1)):
            if key is not None:
                self._held[key] += step
                self._touched.add(key)

    def runner_written(self, account_id: str, sk: str, before: Item | None, after: Item | None) -> None:
        key = account_id, sk
        was, in_use = self._in_use.get(key, 0), _number(after, "in_use")
        self._in_use[key] = in_use
        self._touched.add(key)
        places = _number(after, "max_concurrent")
        if in_use < 0 or (in_use > was and in_use > places):
            self._findings.fail("over_places", f"{sk} of {account_id}: {in_use} places taken of {places}")

    def written(self) -> None:
        """A write is complete."""
        for key in self._touched:
            held, in_use = self._held[key], self._in_use.get(key, 0)
            if held != in_use:
                self._findings.fail("places_inexact", f"{key[1]} of {key[0]}: in_use {in_use}, calls there {held}")
        self._touched.clear()

    def at_the_end(self) -> None:
        for (account_id, sk), in_use in sorted(self._in_use.items()):
            if in_use:
                self._findings.fail("place_leaked", f"{sk} of {account_id}: {in_use} places taken at the end")


def _place_of(call: Call) -> RunnerKey | None:
    holder = call.holds_place_of
    return None if holder is None else (call.account_id, runner_sk(call.agent_id or "", holder))


def _number(item: Item | None, name: str) -> int:
    return int(item[name]["N"]) if item is not None and name in item else 0
