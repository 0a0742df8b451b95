"""A release is deployed and taken back in the middle of a thousand calls: in the simulation every other half minute the
writers are of a later release, whose rows have attributes that this one does not know."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import replace
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

from ringline.calls.tables import store
from ringline.calls.tables.records import ITEM_KIND, call_from_item, call_to_item
from ringline.calls.tables.wanted import EVERY_CALL
from ringline.calls.views.call_view import call_view
from ringline.calls.views.timeline import timeline
from ringline.runtime.items import Item
from ringline.runtime.rows import SCHEMA_NAME
from simulation.aws.rows import Change, Key
from simulation.aws.table import Table
from simulation.plan.drawing import make_plan
from simulation.run.command import world_seeds
from simulation.run.episode import run_world

CALLS = 1_000
_SWITCHED_EVERY_MS = 30_000
OF_TOMORROW: Item = {"of_tomorrow": {"M": {"mood": {"S": "calm"}}}, "level_of_tomorrow": {"N": "3"}}
_NESTED = ("carrier", "reports")


@dataclass
class Releases:
    """Who writes at the moment, and what came of what the later release wrote."""

    kept: int = 0
    lost: list[Key] = field(default_factory=list)
    rows: dict[Key, Item] = field(default_factory=dict)

    def put(self, now: int, key: Key, before: Item | None, after: Item) -> Item:
        if (now // _SWITCHED_EVERY_MS) % 2:
            nested: Item = {name: {"M": after[name]["M"] | OF_TOMORROW} for name in _NESTED if name in after}
            return after | OF_TOMORROW | nested | {SCHEMA_NAME: {"N": "99"}}
        if before is not None and OF_TOMORROW.keys() <= before.keys():
            is_kept = all(after.get(name) == value for name, value in OF_TOMORROW.items())
            self.kept += is_kept
            self.lost += [] if is_kept else [key]
        return after


@contextmanager
def deployed_and_taken_back() -> Iterator[Releases]:
    releases, change, commit = Releases(), Table._change, Table._commit

    def changed(self: Table, write: dict[str, Any]) -> tuple[Change, bool]:
        (key, before, after), met = change(self, write)
        if "Put" in write and after is not None and after.get("item_kind") == {"S": ITEM_KIND}:
            after = releases.put(self._world.now, key, before, after)
        return (key, before, after), met

    def committed(self: Table, process: Any, changes: list[Change]) -> None:
        commit(self, process, changes)
        releases.rows |= {
            key: after for key, _, after in changes if after and after.get("item_kind") == {"S": ITEM_KIND}
        }

    with mock.patch.object(Table, "_change", changed), mock.patch.object(Table, "_commit", committed):
        yield releases


def test_a_thousand_calls_go_on_and_no_list_is_broken() -> None:
    accepted = kept = 0
    for seed in world_seeds(11, 1_000_000):
        with deployed_and_taken_back() as releases:
            ran = run_world(make_plan(seed))
        assert ran.violation is None, f"world {seed}: {ran.violation}"
        assert releases.lost == []
        calls = [call_from_item(row) for row in releases.rows.values()]
        assert len(calls) >= ran.accepted
        for call in calls:
            assert call.is_understood and EVERY_CALL.fits(call)
            # What was asked at length has a row of its own, which is no row of a call.
            assert call_view(replace(call, asked_is_read=True))["call_id"] == call.call_id and timeline(call)
        accepted, kept = accepted + ran.accepted, kept + releases.kept
        if accepted >= CALLS:
            break
    assert kept > CALLS, "rows of the later release were changed by this one"


def test_a_release_that_carries_nothing_would_be_seen() -> None:
    def forgetful(call: Any, **how: Any) -> Item:
        return {name: value for name, value in whole(call, **how).items() if name not in OF_TOMORROW}

    whole = call_to_item
    with mock.patch.object(store, "call_to_item", forgetful), deployed_and_taken_back() as releases:
        run_world(make_plan(next(iter(world_seeds(11, 1_000_000)))))
    assert releases.lost
