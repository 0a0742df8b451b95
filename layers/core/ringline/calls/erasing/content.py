"""What is kept of a call beside its row: what was asked, files of recordings and transcripts, rows of transcripts and
outcomes. It is deleted as a whole, whatever the call's row still names of it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ringline.runtime.items import Item, to_item
from ringline.runtime.table import asked_pk, outcomes_pk, transcripts_pk


@dataclass(frozen=True, slots=True)
class Deleted:
    """How much was there."""

    transcripts: int = 0
    recordings: int = 0
    outcomes: int = 0

    def plus(self, more: "Deleted") -> "Deleted":
        return Deleted(
            self.transcripts + more.transcripts, self.recordings + more.recordings, self.outcomes + more.outcomes
        )


class Content:
    """`s3` makes the client of the bucket."""

    def __init__(self, dynamodb: Any, table_name: str, s3: Callable[[], Any], bucket: str) -> None:
        self._db = dynamodb
        self._table = table_name
        self._s3 = s3
        self._bucket = bucket

    def delete(self, account_id: str, call_id: str) -> Deleted:
        """Deletes all there is of a call. Whoever dies in it leaves the rest, and deleting again completes it."""
        self._delete_rows(asked_pk(account_id), f"{call_id}#")
        files = self._delete_files(f"{account_id}/transcripts/{call_id}-")
        recordings = self._delete_files(f"{account_id}/recordings/{call_id}-")
        rows = self._delete_rows(transcripts_pk(account_id), f"{call_id}#")
        return Deleted(files + rows, recordings, self._delete_rows(outcomes_pk(account_id), f"{call_id}#"))

    def _delete_files(self, prefix: str) -> int:
        deleted = 0
        for page in self._s3().get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix):
            for found in page.get("Contents", ()):
                self._s3().delete_object(Bucket=self._bucket, Key=found["Key"])
                deleted += 1
        return deleted

    def _delete_rows(self, pk: str, prefix: str) -> int:
        keys = list(self._keys(pk, prefix))
        for key in keys:
            self._db.delete_item(TableName=self._table, Key=key)
        return len(keys)

    def _keys(self, pk: str, prefix: str) -> Iterator[Item]:
        pages = self._db.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :prefix)",
            ExpressionAttributeValues=to_item({":pk": pk, ":prefix": prefix}),
            ProjectionExpression="pk, sk",
            ConsistentRead=True,
        )
        for page in pages:
            yield from page["Items"]
