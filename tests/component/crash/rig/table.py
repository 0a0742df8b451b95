"""The one table as the test itself looks at it, and its changes of calls as the stream would tell them.

Where the table is moto's it is read behind moto's door: its answers to scans and to reads by key take longer than all
the rest of a test.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType

from ringline.calls.model.call import Call
from ringline.calls.tables.records import call_from_item
from ringline.runtime.items import from_item
from tests.component.one_table import LocalAws

_MOTO_ACCOUNT, _REGION = "123456789012", "us-east-1"


@dataclass(frozen=True)
class CallChange:
    """As the stream tells it, and as calls."""

    record: dict[str, Any]
    before: Call | None
    after: Call
    at: int


@dataclass
class WatchedTable:
    aws: LocalAws
    changes: list[CallChange] = field(default_factory=list)

    def items(self) -> list[dict[str, Any]]:
        """Everything in the table, as plain fields."""
        if self._motos is None:
            return self.aws.items()
        return [from_item(item.to_json()["Attributes"]) for item in self._motos.all_items()]

    def forget_stream(self) -> None:
        """moto copies the whole table for each transaction, and with it the stream that nobody reads."""
        if self._motos is not None:
            self._motos.stream_shard = None

    @property
    def calls(self) -> dict[str, Call]:
        """Every call as its last change left it."""
        return {change.after.call_id: change.after for change in self.changes}

    def read_by_key(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any] | None:
        """The answer to a read by key; None for any other request, which is for the table itself to answer."""
        if self._motos is None:
            return None
        match operation:
            case "GetItem":
                found = self._item(request["Key"])
                return {"Item": found} if found is not None else {"ResponseMetadata": {}}
            case "BatchGetItem":
                keys = request["RequestItems"][self.aws.table_name]["Keys"]
                items = [found for key in keys if (found := self._item(key)) is not None]
                return {"Responses": {self.aws.table_name: items}}
            case _:
                return None

    def note_written(self, operation: str, request: Mapping[str, Any], now: int) -> None:
        """Notes what a write did to calls."""
        writes = request["TransactItems"] if operation == "TransactWriteItems" else [{operation: request}]
        for write in writes:
            ((_, details),) = write.items()
            key = details.get("Key") or {name: details["Item"][name] for name in ("pk", "sk")}
            if key["pk"]["S"].endswith("#CALLS"):
                self._note(key, now)

    def _note(self, key: Mapping[str, Any], now: int) -> None:
        found = self._item(key)
        assert found is not None, "calls are never deleted"
        before = self.calls.get(key["sk"]["S"])
        old = next((change.record for change in reversed(self.changes) if change.after == before), None)
        images = {"NewImage": found} | ({"OldImage": old["dynamodb"]["NewImage"]} if old else {})
        record = {"dynamodb": {"SequenceNumber": str(len(self.changes)), **images}}
        self.changes.append(CallChange(record, before, call_from_item(found), now))

    def _item(self, key: Mapping[str, Any]) -> dict[str, Any] | None:
        found: dict[str, Any] | None
        if self._motos is None:
            answer = self.aws.dynamodb.get_item(TableName=self.aws.table_name, Key=key, ConsistentRead=True)
            found = answer.get("Item")
        else:
            item = self._motos.get_item(DynamoType(key["pk"]), DynamoType(key["sk"]))
            found = None if item is None else item.to_json()["Attributes"]
        return found

    @property
    def _motos(self) -> Any:
        return dynamodb_backends[_MOTO_ACCOUNT][_REGION].tables.get(self.aws.table_name)
