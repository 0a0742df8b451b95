"""What the sweep watches: everything with a deadline that has come, and the accounts that may have calls waiting.

Both are hints beside the truth. The due index lags by moments behind the table, and a waiting mark may outlive the
waiting.

Each of these lists is one key, or sixteen (`in_shards`): a key of the table takes 1,000 writes a second. Rows stand
where their last writer has put them, so whoever reads looks at both, as long as there are any in shards:

    told to write to shards, or noted that there are some     the whole lists and their shards
    else                                                      the whole lists, and each five minutes whether there are

Where nobody is told so any more the sweep puts back what stands in shards: a release that knows none may follow.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from botocore.exceptions import ClientError

from ringline.calls.model.timing import WAITING_MARK_KEPT_S
from ringline.record import stored
from ringline.runtime.clock import MS_PER_S
from ringline.runtime.items import condition_failed, from_item, met_a_transaction, to_item
from ringline.runtime.table import (
    DUE_INDEX,
    DUE_SHARD,
    DUE_SHARDS,
    EXPIRES_SHARD,
    EXPIRES_SHARDS,
    SWEEP_PK,
    WAITING_PK,
    WAITING_PKS,
    shard_for,
)

# Named conditions.
MARK_IS_UNCHANGED = "marked_at = :marked_at_read"
NO_MARK_IS_NEWER = "attribute_not_exists(pk) OR marked_at < :marked_at"
STANDS_IN_SHARD = "due_shard = :shard"

SHARDS_LOOKED_FOR_MS = 5 * 60 * MS_PER_S
"""How often it is looked whether there is anything in shards, where nobody has noted it and this process was not told
to write there: a deployment that begins to, and fails half-way, leaves some. It takes 48 reads."""

_PROGRESS = "PROGRESS"
_IN_SHARDS_KEY = to_item({"pk": SWEEP_PK, "sk": "IN_SHARDS"})


@stored
class DueKey:
    pk: str
    sk: str
    due_at: int


@stored
class WaitingMark:
    account_id: str
    marked_at: int
    list_pk: str = WAITING_PK


@stored
class Lists:
    """The keys of the lists that may have something."""

    due: Sequence[str]
    expires: Sequence[str]
    waiting: Sequence[str]


WHOLE = Lists((DUE_SHARD,), (EXPIRES_SHARD,), (WAITING_PK,))
ALL = Lists((DUE_SHARD, *DUE_SHARDS), (EXPIRES_SHARD, *EXPIRES_SHARDS), (WAITING_PK, *WAITING_PKS))


class Watchlist:
    """`in_shards`: waiting marks are written to shards, and calls may be."""

    def __init__(self, dynamodb: Any, table_name: str, *, in_shards: bool = False) -> None:
        self._db = dynamodb
        self._table = table_name
        self._in_shards = in_shards

    # --- which lists there are ---------------------------------------------------------------------------------------

    @property
    def is_in_shards(self) -> bool:
        return self._in_shards

    def lists(self) -> Lists:
        """The lists that may have something, as far as it is noted."""
        return ALL if self._in_shards or self._is_noted() else WHOLE

    def lists_of_a_run(self, now: int) -> Lists:
        """The same for the sweep, which also keeps the note: it is made before the first run that reads shards, and
        removed when they are empty and nobody writes there any more."""
        is_noted = self._is_noted()
        if self._in_shards:
            if not is_noted:
                self._db.put_item(TableName=self._table, Item=_IN_SHARDS_KEY | to_item({"marked_at": now}))
            return ALL
        if now % SHARDS_LOOKED_FOR_MS < 60 * MS_PER_S:
            has_any = self._has_any_in_shards()
            if has_any and not is_noted:
                self._db.put_item(TableName=self._table, Item=_IN_SHARDS_KEY | to_item({"marked_at": now}))
            elif is_noted and not has_any:
                self._db.delete_item(TableName=self._table, Key=_IN_SHARDS_KEY)
            is_noted = has_any
        return ALL if is_noted else WHOLE

    def _is_noted(self) -> bool:
        return "Item" in self._db.get_item(TableName=self._table, Key=_IN_SHARDS_KEY)

    def _has_any_in_shards(self) -> bool:
        return any(self._has_any("due_shard", shard, DUE_INDEX) for shard in (*DUE_SHARDS, *EXPIRES_SHARDS)) or any(
            self._has_any("pk", pk) for pk in WAITING_PKS
        )

    def _has_any(self, name: str, value: str, index: str | None = None) -> bool:
        answer = self._db.query(
            TableName=self._table,
            KeyConditionExpression=f"{name} = :{'shard' if index else 'pk'}",
            ExpressionAttributeValues=to_item({f":{'shard' if index else 'pk'}": value}),
            Limit=1,
            **({"IndexName": index} if index else {}),
        )
        return bool(answer["Items"])

    def put_back(self, most: int) -> int:
        """Moves up to so many rows from each shard to the whole list; how many it moved. A call stays as it is, its
        version too: whoever writes it meanwhile says where it stands."""
        moved = 0
        for whole, shards in ((DUE_SHARD, DUE_SHARDS), (EXPIRES_SHARD, EXPIRES_SHARDS)):
            for shard in shards:
                keys = self._query_due("due_shard = :shard", {":shard": shard}, most, {})
                moved += sum(self._moved(key, shard, whole) for key in keys)
        for pk in WAITING_PKS:
            for mark in self.marks_in(pk)[:most]:
                self._put_back_mark(mark)
                self._remove(mark)
                moved += 1
        return moved

    def _put_back_mark(self, mark: WaitingMark) -> None:
        row = {"pk": WAITING_PK, "sk": mark.account_id, "marked_at": mark.marked_at}
        try:
            self._db.put_item(
                TableName=self._table,
                Item=to_item(row),
                ConditionExpression=NO_MARK_IS_NEWER,
                ExpressionAttributeValues=to_item({":marked_at": mark.marked_at}),
            )
        except ClientError as error:
            # Whoever has made a newer one counts on it.
            if not condition_failed(error):
                raise

    def _moved(self, key: DueKey, shard: str, whole: str) -> bool:
        try:
            self._db.update_item(
                TableName=self._table,
                Key=to_item({"pk": key.pk, "sk": key.sk}),
                UpdateExpression="SET due_shard = :whole",
                ConditionExpression=STANDS_IN_SHARD,
                ExpressionAttributeValues=to_item({":whole": whole, ":shard": shard}),
            )
        except ClientError as error:
            # Whoever writes it at this moment has the say; the next run finds what still stands there.
            if not condition_failed(error) and not met_a_transaction(error):
                raise
            return False
        return True

    # --- what is due -------------------------------------------------------------------------------------------------

    def due(self, now: int, limit: int) -> list[DueKey]:
        """Keys of what is due, the longest overdue first, at most `limit`. Without calls that have expired."""
        keys = [key for each in self.lists().due for key in self.due_in(each, now, limit)]
        return sorted(keys, key=lambda key: key.due_at)[:limit]

    def due_in(self, list_key: str, now: int, limit: int, after: DueKey | None = None) -> list[DueKey]:
        """The same of one list, behind the key named. Of a list of calls that expire: those that have expired in the
        queue, or have ended so and nobody was told."""
        start = {} if after is None else {"ExclusiveStartKey": to_item({"due_shard": list_key, **asdict(after)})}
        condition, values = "due_shard = :shard AND due_at <= :now", {":shard": list_key, ":now": now}
        return self._query_due(condition, values, limit, start)

    def due_between(self, list_key: str, first: int, last: int) -> list[DueKey]:
        """Keys of a list that are due from `first` to `last`, both included."""
        condition = "due_shard = :shard AND due_at BETWEEN :first AND :last"
        return self._query_due(condition, {":shard": list_key, ":first": first, ":last": last}, None, {})

    def _query_due(
        self, condition: str, values: dict[str, Any], limit: int | None, start: dict[str, Any]
    ) -> list[DueKey]:
        keys: list[DueKey] = []
        while limit is None or len(keys) < limit:
            answer = self._db.query(
                TableName=self._table,
                IndexName=DUE_INDEX,
                KeyConditionExpression=condition,
                ExpressionAttributeValues=to_item(values),
                **({} if limit is None else {"Limit": limit - len(keys)}),
                **start,
            )
            keys += [DueKey(key["pk"], key["sk"], key["due_at"]) for key in map(from_item, answer["Items"])]
            if "LastEvaluatedKey" not in answer:
                break
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
        return keys

    def left_off_at(self, list_key: str) -> DueKey | None:
        """Where a run that could not read all of a list stopped."""
        item = self._db.get_item(TableName=self._table, Key=_progress_key(list_key)).get("Item")
        if item is None:
            return None
        fields = from_item(item)
        return DueKey(fields["due_pk"], fields["due_sk"], fields["due_at"])

    def leave_off_at(self, list_key: str, key: DueKey | None) -> None:
        """Notes where the next run goes on. With None it begins at the beginning."""
        if key is None:
            self._db.delete_item(TableName=self._table, Key=_progress_key(list_key))
        else:
            fields = {"due_pk": key.pk, "due_sk": key.sk, "due_at": key.due_at}
            self._db.put_item(TableName=self._table, Item=_progress_key(list_key) | to_item(fields))

    # --- who waits ---------------------------------------------------------------------------------------------------

    def mark_waiting(self, account_id: str, now: int) -> None:
        """Notes that the account may have calls waiting, for a sweep that finds nobody rang for them."""
        pk = shard_for(account_id, WAITING_PK, in_shards=self._in_shards)
        self._db.put_item(TableName=self._table, Item=to_item({"pk": pk, "sk": account_id, "marked_at": now}))

    def waiting_accounts(self) -> list[WaitingMark]:
        """Every waiting mark. An account may have two, one in a shard."""
        return [mark for pk in self.lists().waiting for mark in self.marks_in(pk)]

    def marks_in(self, pk: str) -> list[WaitingMark]:
        """The waiting marks of one list, by account."""
        return self._marks(pk, "pk = :pk", {})

    def marks_between(self, pk: str, first: str, last: str) -> list[WaitingMark]:
        """The waiting marks of a list from one account to another, both included."""
        return self._marks(pk, "pk = :pk AND sk BETWEEN :first AND :last", {":first": first, ":last": last})

    def _marks(self, pk: str, condition: str, values: dict[str, Any]) -> list[WaitingMark]:
        marks: list[WaitingMark] = []
        query = {
            "TableName": self._table,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": to_item({":pk": pk, **values}),
        }
        while True:
            answer = self._db.query(**query)
            marks += [WaitingMark(mark["sk"], mark["marked_at"], pk) for mark in map(from_item, answer["Items"])]
            if "LastEvaluatedKey" not in answer:
                return marks
            query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def clear_waiting(self, mark: WaitingMark, now: int) -> None:
        """Removes a mark that is old, unless it was renewed since it was read."""
        if now - mark.marked_at >= WAITING_MARK_KEPT_S * MS_PER_S:
            self._remove(mark)

    def _remove(self, mark: WaitingMark) -> None:
        try:
            self._db.delete_item(
                TableName=self._table,
                Key=to_item({"pk": mark.list_pk, "sk": mark.account_id}),
                ConditionExpression=MARK_IS_UNCHANGED,
                ExpressionAttributeValues=to_item({":marked_at_read": mark.marked_at}),
            )
        except ClientError as error:
            if not condition_failed(error):
                raise


def _progress_key(list_key: str) -> dict[str, Any]:
    """The whole list's is the one that there was before there were shards."""
    return to_item({"pk": SWEEP_PK, "sk": _PROGRESS if list_key == DUE_SHARD else f"{_PROGRESS}#{list_key}"})
