"""The one table as the test itself looks at it, and its changes of calls as the stream tells them to the relay."""

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from typing import Any

from ringline.calls.model.call import Call
from ringline.calls.tables.records import call_from_item
from ringline.runtime.clock import MS_PER_S
from ringline.runtime.items import Item, from_item
from simulation.aws.stream import TRIED_FOR_S
from tests.component.crash.rig.database import Database

RELAY = "relay_call_changes"
_UNREADABLE = {"L": [{"S": "unreadable"}]}
_GIVEN_AT_MOST = 50


@dataclass(frozen=True)
class CallChange:
    """As the stream tells it, and as calls."""

    record: dict[str, Any]
    before: Call | None
    after: Call
    at: int

    @property
    def is_an_end(self) -> bool:
        return self.after.state.is_terminal and (self.before is None or not self.before.state.is_terminal)


@dataclass
class WatchedTable:
    database: Database
    changes: list[CallChange] = field(default_factory=list)
    garbled: dict[str, Set[str]] = field(default_factory=dict)
    """The functions that cannot read the row of a call once it is over, by the call's id."""

    def items(self) -> list[dict[str, Any]]:
        """Everything in the table, as plain fields."""
        return [from_item(item) for item in self.database.items()]

    @property
    def calls(self) -> dict[str, Call]:
        """Every call as its last change left it."""
        return {change.after.call_id: change.after for change in self.changes}

    def note_written(self, operation: str, request: Mapping[str, Any], now: int) -> None:
        """Notes what a write did to calls."""
        writes = request["TransactItems"] if operation == "TransactWriteItems" else [{operation: request}]
        for write in writes:
            ((_, details),) = write.items()
            key = details.get("Key") or {name: details["Item"][name] for name in ("pk", "sk")}
            if key["pk"]["S"].endswith("#CALLS"):
                self._note(key, now)

    def _note(self, key: Mapping[str, Any], now: int) -> None:
        found = self.database.item(key)
        assert found is not None, "calls are never deleted"
        before = self.calls.get(key["sk"]["S"])
        old = next((change.record for change in reversed(self.changes) if change.after == before), None)
        images = {"NewImage": found} | ({"OldImage": old["dynamodb"]["NewImage"]} if old else {})
        told = {"Keys": dict(key), "ApproximateCreationDateTime": now // MS_PER_S, **images}
        record = {"dynamodb": {"SequenceNumber": str(len(self.changes)), **told}}
        self.changes.append(CallChange(record, before, call_from_item(found), now))

    def as_read_by(self, function: str, item: Item) -> Item:
        """The item as a function sees it: garbled as the simulation garbles it (`simulation.aws.garbled`)."""
        is_garbled = "ended_at" in item and function in self.garbled.get(item["sk"]["S"], ())
        return item | {"notes": _UNREADABLE} if is_garbled else item


@dataclass
class Stream:
    """What Lambda hands to the relay: changes in their order, again from the first one that was not taken, for as long
    as the template has it try."""

    table: WatchedTable
    fails: bool = False
    """Whether the code that reads the stream cannot even be loaded."""
    gives_up: Callable[[CallChange], bool] = lambda _change: False
    """Whether a record is given up, beside those that are too old."""
    given_up: list[CallChange] = field(default_factory=list)
    _taken: int = 0
    _handed: int = 0
    _times: int = 0

    def records(self, now: int) -> list[dict[str, Any]]:
        """The next batch; none where nothing is new or nobody can take it."""
        if self.fails:
            return []
        new = self.table.changes[self._taken :]
        given_up = [each for each in new if self.gives_up(each) or now - each.at > TRIED_FOR_S * MS_PER_S]
        self.given_up += [each for each in given_up if each not in self.given_up]
        self._handed = self._taken + len(new)
        handed = [self._as_read(each.record) for each in new if each not in given_up]
        if not handed:
            self._taken = self._handed
        self._times += bool(handed)
        assert self._times <= _GIVEN_AT_MOST, "the relay is given the same records for ever"
        return handed

    def take(self, failures: list[dict[str, str]]) -> None:
        """The relay has answered, and these it was not done with."""
        self._taken = int(failures[0]["itemIdentifier"]) if failures else self._handed
        self._times = 0

    def _as_read(self, record: dict[str, Any]) -> dict[str, Any]:
        images = record["dynamodb"]
        rows = {name: images[name] for name in ("NewImage", "OldImage") if name in images}
        return {"dynamodb": images | {name: self.table.as_read_by(RELAY, row) for name, row in rows.items()}}
