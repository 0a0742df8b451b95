"""Deliveries in pages, newest event first: those of one endpoint, or of several merged by the numbers of their events.

Only deliveries that were tried, or opened again, have a row.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ringline.runtime.items import from_item, to_item
from ringline.runtime.table import deliveries_pk, sequence_sk
from ringline.webhooks.model.delivery import Delivery
from ringline.webhooks.model.delivery_pages import LAST_OF_ALL, Page, Place, Wanted, place_of
from ringline.webhooks.tables.deliveries import delivery_from

_ROWS_AT_ONCE = 100
_QUERIES_A_PAGE = 24
"""How many queries are spent on a page beside the first of each endpoint; each reads up to 1 MB."""


@dataclass(slots=True)
class _Column:
    """One endpoint's deliveries, read as they are needed."""

    endpoint_id: str
    last: int
    rows: deque[Delivery] = field(default_factory=deque)
    is_read: bool = False


class DeliveryPages:
    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table_name = table_name

    def newest(
        self, account_id: str, endpoint_ids: Sequence[str], *, wanted: Wanted, limit: int, after: Place | None
    ) -> Page:
        """A page of what is wanted of these endpoints. It may be short, and yet have a place where it goes on, where
        few deliveries of many are wanted."""
        columns = [_Column(endpoint_id, min(_last_of(endpoint_id, after), wanted.last)) for endpoint_id in endpoint_ids]
        found: list[Delivery] = []
        place = after
        queries = len(columns) + _QUERIES_A_PAGE
        while True:
            for column in columns:
                if not column.rows and not column.is_read:
                    if queries == 0:
                        return Page(tuple(found), place)
                    queries -= 1
                    self._read(account_id, column, wanted.first)
            heads = [column for column in columns if column.rows]
            if not heads:
                return Page(tuple(found), None)
            newest = max(heads, key=lambda column: (column.rows[0].id.sequence, column.endpoint_id))
            delivery = newest.rows[0]
            if wanted.fits(delivery):
                if len(found) == limit:
                    return Page(tuple(found), place_of(found[-1]))
                found.append(delivery)
            newest.rows.popleft()
            place = place_of(delivery)

    def between(self, account_id: str, endpoint_id: str, first: int, last: int) -> Mapping[int, Delivery]:
        """The deliveries of these events to an endpoint, by the event's number."""
        return {delivery.id.sequence: delivery for delivery in self._rows(account_id, endpoint_id, first, last)}

    def _rows(self, account_id: str, endpoint_id: str, first: int, last: int) -> Iterator[Delivery]:
        query = self._query(account_id, endpoint_id, first, last)
        while True:
            answer = self._dynamodb.query(**query)
            yield from (delivery_from(from_item(item)) for item in answer["Items"])
            if "LastEvaluatedKey" not in answer:
                return
            query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def _read(self, account_id: str, column: _Column, first: int) -> None:
        """Reads on in a column, towards older events."""
        if column.last < first:
            column.is_read = True
            return
        query = self._query(account_id, column.endpoint_id, first, column.last)
        answer = self._dynamodb.query(**query, ScanIndexForward=False, Limit=_ROWS_AT_ONCE)
        column.rows.extend(delivery_from(from_item(item)) for item in answer["Items"])
        column.is_read = "LastEvaluatedKey" not in answer
        if column.rows:
            column.last = column.rows[-1].id.sequence - 1

    def _query(self, account_id: str, endpoint_id: str, first: int, last: int) -> dict[str, Any]:
        names = {":first": f"{endpoint_id}#{sequence_sk(first)}", ":last": f"{endpoint_id}#{sequence_sk(last)}"}
        return {
            "TableName": self._table_name,
            "KeyConditionExpression": "pk = :pk AND sk BETWEEN :first AND :last",
            "ExpressionAttributeValues": to_item({":pk": deliveries_pk(account_id)} | names),
            "ConsistentRead": True,
        }


def _last_of(endpoint_id: str, after: Place | None) -> int:
    """The newest event of an endpoint that is behind a place."""
    if after is None:
        return LAST_OF_ALL
    return after.sequence if endpoint_id < after.endpoint_id else after.sequence - 1
