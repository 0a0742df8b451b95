"""What the sweep watches: everything with a deadline that has come, and the accounts that may have calls waiting.

Both are hints beside the truth. The due index lags by moments behind the table, and a waiting mark may outlive the
waiting.
"""

from dataclasses import asdict, dataclass
from typing import Any

from botocore.exceptions import ClientError

from ringline.calls.model.timing import WAITING_MARK_KEPT_S
from ringline.runtime.clock import MS_PER_S
from ringline.runtime.items import condition_failed, from_item, to_item
from ringline.runtime.table import DUE_INDEX, DUE_SHARD, EXPIRES_SHARD, SWEEP_PK, WAITING_PK

# Named conditions.
MARK_IS_UNCHANGED = "marked_at = :marked_at_read"

_PROGRESS_KEY = to_item({"pk": SWEEP_PK, "sk": "PROGRESS"})


@dataclass(frozen=True, slots=True)
class DueKey:
    pk: str
    sk: str
    due_at: int


@dataclass(frozen=True, slots=True)
class WaitingMark:
    account_id: str
    marked_at: int


class Watchlist:
    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._db = dynamodb
        self._table = table_name

    def due(self, now: int, limit: int, after: DueKey | None = None) -> list[DueKey]:
        """Keys of what is due, the longest overdue first, at most `limit`, behind the one named. Without calls that
        have expired."""
        return self._due(DUE_SHARD, now, limit, after)

    def expired(self, now: int, limit: int) -> list[DueKey]:
        """Keys of calls that have expired in the queue, or have ended so and nobody was told, the longest ago first, at
        most `limit`."""
        return self._due(EXPIRES_SHARD, now, limit)

    def _due(self, shard: str, now: int, limit: int, after: DueKey | None = None) -> list[DueKey]:
        query: dict[str, Any] = {
            "TableName": self._table,
            "IndexName": DUE_INDEX,
            "KeyConditionExpression": "due_shard = :shard AND due_at <= :now",
            "ExpressionAttributeValues": to_item({":shard": shard, ":now": now}),
        }
        if after is not None:
            query["ExclusiveStartKey"] = to_item({"due_shard": shard, **asdict(after)})
        keys: list[DueKey] = []
        while len(keys) < limit:
            answer = self._db.query(**query, Limit=limit - len(keys))
            keys += [DueKey(key["pk"], key["sk"], key["due_at"]) for key in map(from_item, answer["Items"])]
            if "LastEvaluatedKey" not in answer:
                break
            query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
        return keys

    def left_off_at(self) -> DueKey | None:
        """Where a run that could not read everything stopped."""
        item = self._db.get_item(TableName=self._table, Key=_PROGRESS_KEY).get("Item")
        if item is None:
            return None
        fields = from_item(item)
        return DueKey(fields["due_pk"], fields["due_sk"], fields["due_at"])

    def leave_off_at(self, key: DueKey | None) -> None:
        """Notes where the next run goes on. With None it begins at the beginning."""
        if key is None:
            self._db.delete_item(TableName=self._table, Key=_PROGRESS_KEY)
        else:
            fields = {"due_pk": key.pk, "due_sk": key.sk, "due_at": key.due_at}
            self._db.put_item(TableName=self._table, Item=_PROGRESS_KEY | to_item(fields))

    def mark_waiting(self, account_id: str, now: int) -> None:
        """Notes that the account may have calls waiting, for a sweep that finds nobody rang for them."""
        self._db.put_item(TableName=self._table, Item=to_item({"pk": WAITING_PK, "sk": account_id, "marked_at": now}))

    def waiting_accounts(self) -> list[WaitingMark]:
        """Every account with a waiting mark."""
        marks: list[WaitingMark] = []
        query = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": to_item({":pk": WAITING_PK}),
        }
        while True:
            answer = self._db.query(**query)
            marks += [WaitingMark(mark["sk"], mark["marked_at"]) for mark in map(from_item, answer["Items"])]
            if "LastEvaluatedKey" not in answer:
                return marks
            query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def clear_waiting(self, mark: WaitingMark, now: int) -> None:
        """Removes a mark that is old, unless it was renewed since it was read."""
        if now - mark.marked_at < WAITING_MARK_KEPT_S * MS_PER_S:
            return
        try:
            self._db.delete_item(
                TableName=self._table,
                Key=to_item({"pk": WAITING_PK, "sk": mark.account_id}),
                ConditionExpression=MARK_IS_UNCHANGED,
                ExpressionAttributeValues=to_item({":marked_at_read": mark.marked_at}),
            )
        except ClientError as error:
            if not condition_failed(error):
                raise
