"""An account's calls in pages, newest first."""

import base64
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ringline.calls.call import Call, State
from ringline.calls.records import call_from_item
from ringline.runtime.ids import is_plausible_id
from ringline.runtime.items import from_item, to_item
from ringline.runtime.table import calls_pk

_QUERIES_A_PAGE = 8
"""Each reads up to 1 MB, some 1,500 calls."""


class Having(StrEnum):
    """What every call of a page must have, by the attribute that says so."""

    DIAL = "attempt"
    TRANSCRIPT = "transcript_turns"
    RECORDING = "recorded"


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list, and where the next begins; None at its end."""

    calls: tuple[Call, ...]
    next_cursor: str | None


class CallPages:
    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._db = dynamodb
        self._table = table_name

    def newest(
        self,
        account_id: str,
        *,
        states: frozenset[State] | None,
        pipe_id: str | None,
        limit: int,
        cursor: str | None,
        having: Having | None = None,
    ) -> Page:
        """A page of an account's calls, newest first. Raises ValueError for a cursor that is none of ours."""
        values: dict[str, Any] = {":pk": calls_pk(account_id)}
        filters = []
        if states is not None:
            names = {f":state{n}": state.value for n, state in enumerate(sorted(states))}
            values |= names
            filters.append(f"#state IN ({', '.join(names)})")
        if pipe_id is not None:
            values[":pipe_id"] = pipe_id
            filters.append("pipe_id = :pipe_id")
        if having is not None:
            filters.append(f"attribute_exists({having.value})")
        query: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": to_item(values),
            "ScanIndexForward": False,
            "ConsistentRead": True,
        }
        if filters:
            query["FilterExpression"] = " AND ".join(filters)
        else:
            query["Limit"] = limit + 1
        if states is not None:
            query["ExpressionAttributeNames"] = {"#state": "state"}
        return self._collect(query, account_id, limit, None if cursor is None else _call_in_cursor(cursor))

    def _collect(self, query: dict[str, Any], account_id: str, limit: int, after: str | None) -> Page:
        """Reads until the page is full or _QUERIES_A_PAGE are spent: a filter that fits few calls yields short pages
        and a cursor instead of reading an account's whole history at once."""
        found: list[Call] = []
        for _ in range(_QUERIES_A_PAGE):
            if after is not None:
                query["ExclusiveStartKey"] = to_item({"pk": calls_pk(account_id), "sk": after})
            answer = self._db.query(**query)
            found += [call_from_item(item) for item in answer["Items"]]
            if len(found) > limit:
                return Page(tuple(found[:limit]), _cursor_after(found[limit - 1].call_id))
            if "LastEvaluatedKey" not in answer:
                return Page(tuple(found), None)
            after = str(from_item(answer["LastEvaluatedKey"])["sk"])
        return Page(tuple(found), None if after is None else _cursor_after(after))


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
