"""An account's calls in pages, newest first.

Calls are read in the order of their ids, which sort by creation. Those on a line may lie anywhere between thousands of
queued and of finished ones: the due index names them, because each has a `due_at` from its claim to its end.
"""

import base64
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import batched
from typing import Any

from ringline.calls.model.call import Call
from ringline.calls.tables.records import call_from_item
from ringline.calls.tables.store import CallStore
from ringline.calls.tables.wanted import EVERY_CALL, Wanted
from ringline.runtime.ids import is_plausible_id
from ringline.runtime.items import from_item, to_item
from ringline.runtime.table import DUE_INDEX, DUE_SHARD, calls_pk, shard_for

_QUERIES_A_PAGE = 8
"""Each query reads up to 1 MB, which is some 1,500 calls, or 10,000 keys of the due index."""

_QUERIES_FOR_A_FIRST_CALL = 24
"""How many queries are spent while nothing was found, because a client that does not page on takes an empty page for an
empty list. They take three of the function's ten seconds. A hundred calls whose metadata is long count as one, where a
list is filtered by it."""

_ROWS_AT_ONCE = 100
_MOST_LOOKED_AT = 3_000
"""How many calls on a line are read for one page."""

DUE_WITHIN_MS = 60_000
"""Every call on a line is due within this time from now: its first look comes sooner after its claim than this, even by
a clock that is off."""


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list, and where the next begins; None at its end."""

    calls: tuple[Call, ...]
    next_cursor: str | None


class CallPages:
    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._db = dynamodb
        self._table = table_name
        self._store = CallStore(dynamodb, table_name)

    def newest(self, account_id: str, *, limit: int, cursor: str | None, wanted: Wanted = EVERY_CALL) -> Page:
        """A page of an account's calls, newest first. Raises ValueError for a cursor that is none of ours."""
        after = None if cursor is None else _call_in_cursor(cursor)
        first, last = wanted.id_range()
        # DynamoDB refuses a range that ends before it begins, and a start key outside of the range.
        if first > last or (after is not None and after <= first):
            return Page((), None)
        query = wanted.as_query(account_id) | {
            "TableName": self._table,
            "ScanIndexForward": False,
            "ConsistentRead": True,
        }
        if "FilterExpression" not in query:
            query["Limit"] = limit + 1
        return self._collect(query, wanted, account_id, limit, after if after is None or after <= last else None)

    def _collect(self, query: dict[str, Any], wanted: Wanted, account_id: str, limit: int, after: str | None) -> Page:
        """Reads until the page is full or its queries are spent: a filter that fits few calls yields short pages and a
        cursor instead of reading an account's whole history at once."""
        found: list[Call] = []
        spent = 0
        while spent < (_QUERIES_A_PAGE if found else _QUERIES_FOR_A_FIRST_CALL):
            if after is not None:
                query["ExclusiveStartKey"] = to_item({"pk": calls_pk(account_id), "sk": after})
            answer = self._db.query(**query)
            spent += 1
            for rows in batched(answer["Items"], _ROWS_AT_ONCE, strict=False):
                if spent > _QUERIES_FOR_A_FIRST_CALL:
                    return Page(tuple(found), None if after is None else _cursor_after(after))
                calls = [call_from_item(row) for row in rows]
                found += self._fitting(calls, wanted)
                if len(found) > limit:
                    return Page(tuple(found[:limit]), cursor_after(found[limit - 1]))
                after = calls[-1].call_id
                spent += _needs_reading(calls, wanted)
            if "LastEvaluatedKey" not in answer:
                return Page(tuple(found), None)
            after = str(from_item(answer["LastEvaluatedKey"])["sk"])
        return Page(tuple(found), None if after is None else _cursor_after(after))

    def _fitting(self, calls: Sequence[Call], wanted: Wanted) -> list[Call]:
        """Those that are wanted. Only metadata that is long has to be read for it."""
        if _needs_reading(calls, wanted):
            whole = self._store.all_whole([call for call in calls if call.metadata_apart and wanted.may_fit(call)])
            read = {call.call_id: call for call in whole}
            calls = [read.get(call.call_id, call) for call in calls]
        return [call for call in calls if wanted.fits(call)]

    def in_flight(self, account_id: str, *, limit: int, cursor: str | None, wanted: Wanted, now: int) -> Page | None:
        """A page of those of an account's calls on a line that are wanted, newest first, each as it is now. The index
        that names them lags by moments behind a claim. None where it names too many for this way: then `newest` finds
        them. Raises ValueError for a cursor that is none of ours."""
        after = None if cursor is None else _call_in_cursor(cursor)
        named = self._due(account_id, now + DUE_WITHIN_MS)
        if named is None:
            return None
        ids = sorted((each for each in named if after is None or each < after), reverse=True)
        found: list[Call] = []
        for place in range(0, len(ids), _ROWS_AT_ONCE):
            if place >= _MOST_LOOKED_AT:
                return Page(tuple(found), _cursor_after(ids[place - 1]))
            found += self._those(account_id, wanted, ids[place : place + _ROWS_AT_ONCE])
            if len(found) > limit:
                return Page(tuple(found[:limit]), cursor_after(found[limit - 1]))
        return Page(tuple(found), None)

    def _those(self, account_id: str, wanted: Wanted, ids: Sequence[str]) -> list[Call]:
        rows = self._store.get_many([(account_id, each) for each in ids])
        return sorted(self._fitting(rows, wanted), key=lambda call: call.call_id, reverse=True)

    def _due(self, account_id: str, until: int) -> set[str] | None:
        """The account's calls that are due by then; None if they cannot be named in _QUERIES_A_PAGE for each of the two
        lists that they may stand in: its shard, where what is due is kept in shards, and the whole list."""
        ids: set[str] = set()
        # A call may be written from the one to the other meanwhile, towards the shard: it is read last.
        for list_key in (DUE_SHARD, shard_for(account_id, DUE_SHARD, in_shards=True)):
            named = self._due_in(list_key, account_id, until)
            if named is None:
                return None
            ids |= named
        return ids

    def _due_in(self, list_key: str, account_id: str, until: int) -> set[str] | None:
        query: dict[str, Any] = {
            "TableName": self._table,
            "IndexName": DUE_INDEX,
            "KeyConditionExpression": "due_shard = :shard AND due_at <= :until",
            # The list holds calls of other accounts: they must not leave the table.
            "FilterExpression": "pk = :pk",
            "ExpressionAttributeValues": to_item({":shard": list_key, ":until": until, ":pk": calls_pk(account_id)}),
        }
        ids: set[str] = set()
        for _ in range(_QUERIES_A_PAGE):
            answer = self._db.query(**query)
            ids |= {str(from_item(key)["sk"]) for key in answer["Items"]}
            if "LastEvaluatedKey" not in answer:
                return ids
            query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
        return None


def _needs_reading(calls: Iterable[Call], wanted: Wanted) -> bool:
    """Whether it takes another read to say which of them are wanted."""
    return bool(wanted.metadata) and any(call.metadata_apart and not call.is_whole for call in calls)


def cursor_after(call: Call) -> str:
    """Where a list goes on behind that call."""
    return _cursor_after(call.call_id)


def _cursor_after(call_id: str) -> str:
    return base64.urlsafe_b64encode(json.dumps({"after": call_id}).encode()).decode()


def _call_in_cursor(cursor: str) -> str:
    """The call a cursor names. The account is never in it: a cursor of another account leads nowhere. Raises
    ValueError."""
    try:
        after = json.loads(base64.urlsafe_b64decode(cursor.encode()))["after"]
    except (ValueError, KeyError, TypeError):
        raise ValueError("not a cursor") from None
    if not isinstance(after, str) or not is_plausible_id(after):
        raise ValueError("not a cursor")
    return after
