"""Deliveries that failed stand in a list for each endpoint, and a mark says which endpoints have one.

| item             | pk      | sk                    | written by
|------------------|---------|-----------------------|------------------------------------------------------------
| failing endpoint | FAILING | <account>#<endpoint>  | deliver_webhook, before the row of a delivery; sweep clears it

The lists are partitions of DueIndex. One list for all would be read from its longest overdue, and an account with more
of them than a run reads would keep everybody else's from being seen.
"""

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from ringline.runtime.clock import MS_PER_S
from ringline.runtime.items import condition_failed, from_item, to_item
from ringline.runtime.table import DUE_INDEX, FAILING_PK, failing_shard
from ringline.webhooks.model.failing import FailingEndpoint, FailingKey

MARK_RENEWED_MS = 300 * MS_PER_S
MARK_KEPT_MS = 900 * MS_PER_S
"""A mark is renewed at most each 300 s and removed when it is 900 s old and the list is empty: the gap between the two
is what a frozen function or a skewed clock may take without a failing delivery going unseen."""

_MOST_KEYS = 50_000
"""Of a list that is longer some are not looked at for its oldest: 5 MB are read."""

# Named conditions.
MARK_IS_UNCHANGED = "marked_at = :marked_at_read"


class FailingEndpoints:
    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table_name = table_name
        self._marked_at: dict[tuple[str, str], int] = {}

    def mark(self, account_id: str, endpoint_id: str, now: int) -> None:
        """Notes that its list is to be looked at: before anything is put there, so that nothing stands there unseen."""
        if now - self._marked_at.get((account_id, endpoint_id), 0) < MARK_RENEWED_MS:
            return
        item = {"pk": FAILING_PK, "sk": f"{account_id}#{endpoint_id}", "marked_at": now}
        self._dynamodb.put_item(TableName=self._table_name, Item=to_item(item))
        self._marked_at[account_id, endpoint_id] = now

    def all(self) -> list[FailingEndpoint]:
        """Every endpoint with a mark."""
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table_name,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues=to_item({":pk": FAILING_PK}),
        )
        items = (from_item(item) for page in pages for item in page["Items"])
        return [_marked(item) for item in items]

    def due(self, endpoint: FailingEndpoint, now: int, limit: int) -> list[FailingKey]:
        """What is due of its list, the longest overdue first, at most `limit`."""
        answer = self._dynamodb.query(
            TableName=self._table_name,
            IndexName=DUE_INDEX,
            KeyConditionExpression="due_shard = :shard AND due_at <= :now",
            ExpressionAttributeValues=to_item({":shard": _shard_of(endpoint), ":now": now}),
            Limit=limit,
        )
        return [FailingKey(key["pk"], key["sk"], key["due_at"]) for key in map(from_item, answer["Items"])]

    def oldest(self, account_id: str, endpoint_id: str) -> int | None:
        """The number of the oldest event that is still tried; None if all are over."""
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table_name,
            IndexName=DUE_INDEX,
            KeyConditionExpression="due_shard = :shard",
            ExpressionAttributeValues=to_item({":shard": failing_shard(account_id, endpoint_id)}),
            PaginationConfig={"MaxItems": _MOST_KEYS},
        )
        keys = (from_item(item)["sk"] for page in pages for item in page["Items"])
        return min((int(key.rpartition("#")[2]) for key in keys), default=None)

    def clear_if_empty(self, endpoint: FailingEndpoint, now: int) -> None:
        """Removes a mark that is old and has nothing on its list, unless it was renewed since it was read."""
        if now - endpoint.marked_at < MARK_KEPT_MS or self._has_any(endpoint):
            return
        try:
            self._dynamodb.delete_item(
                TableName=self._table_name,
                Key=to_item({"pk": FAILING_PK, "sk": f"{endpoint.account_id}#{endpoint.endpoint_id}"}),
                ConditionExpression=MARK_IS_UNCHANGED,
                ExpressionAttributeValues=to_item({":marked_at_read": endpoint.marked_at}),
            )
        except ClientError as error:
            if not condition_failed(error):
                raise

    def _has_any(self, endpoint: FailingEndpoint) -> bool:
        answer = self._dynamodb.query(
            TableName=self._table_name,
            IndexName=DUE_INDEX,
            KeyConditionExpression="due_shard = :shard",
            ExpressionAttributeValues=to_item({":shard": _shard_of(endpoint)}),
            Limit=1,
        )
        return bool(answer["Items"])


def _marked(item: Mapping[str, Any]) -> FailingEndpoint:
    account_id, _, endpoint_id = item["sk"].partition("#")
    return FailingEndpoint(account_id, endpoint_id, item["marked_at"])


def _shard_of(endpoint: FailingEndpoint) -> str:
    return failing_shard(endpoint.account_id, endpoint.endpoint_id)
