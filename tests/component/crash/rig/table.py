"""The one table as the test itself looks at it, and its changes of calls as the stream would tell them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ringline.calls.model.call import Call
from ringline.calls.tables.records import call_from_item
from ringline.runtime.items import from_item
from tests.component.crash.rig.database import Database


@dataclass(frozen=True)
class CallChange:
    """As the stream tells it, and as calls."""

    record: dict[str, Any]
    before: Call | None
    after: Call
    at: int


@dataclass
class WatchedTable:
    database: Database
    changes: list[CallChange] = field(default_factory=list)

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
        record = {"dynamodb": {"SequenceNumber": str(len(self.changes)), **images}}
        self.changes.append(CallChange(record, before, call_from_item(found), now))
