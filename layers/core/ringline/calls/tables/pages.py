"""An account's calls in pages, newest first.

Calls are read in the order of their ids, which sort by creation. Those on a line may lie anywhere between thousands of
queued and of finished ones: the due index names them, because each has a `due_at` from its claim to its end.
"""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ringline.calls.model.call import Call, Direction, State
from ringline.calls.model.reasons import EndReason
from ringline.calls.tables.records import call_from_item
from ringline.calls.tables.store import CallStore
from ringline.runtime.ids import is_plausible_id
from ringline.runtime.items import from_item, to_item
from ringline.runtime.table import DUE_INDEX, DUE_SHARD, calls_pk

_QUERIES_A_PAGE = 8
"""Each reads up to 1 MB, some 1,500 calls, or 10,000 keys of the due index."""

_QUERIES_FOR_A_FIRST_CALL = 24
"""So many while nothing was found: whoever does not page on takes an empty page for an empty list. They take three of
the function's ten seconds."""

_ROWS_AT_ONCE = 100
_MOST_LOOKED_AT = 3_000
"""Calls on a line that are looked at for one page."""

DUE_WITHIN_MS = 60_000
"""A call on a line is due at the latest so long from now: its first look comes sooner after its claim than this, also
by a clock that is off."""

_FIRST_ID, _LAST_ID = "+", "~"
"""Before and behind every id."""

_ID_MAY_BE_OFF_MS = 3_600_000
"""A call that rang in was created when its caller arrived, and its id was made when LiveKit's event did."""

_LAST_MOMENT_OF_IDS = 2**48 - 1

_IN_FLIGHT = frozenset(state for state in State if state.is_in_flight)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which calls a list shows: those that have all of what is not None. `created_from` and `created_before` are
    moments in milliseconds; a call of the latter itself is none."""

    states: frozenset[State] | None = None
    pipe_id: str | None = None
    agent_id: str | None = None
    direction: Direction | None = None
    end_reasons: frozenset[EndReason] | None = None
    created_from: int | None = None
    created_before: int | None = None
    having: Having | None = None

    @property
    def is_in_flight(self) -> bool:
        """Whether only calls on a line are wanted."""
        return self.states is not None and self.states <= _IN_FLIGHT

    def fits(self, call: Call) -> bool:
        """Whether a call is one of those that `as_query` finds."""
        return (
            all(getattr(call, name) in values for name, values in self._one_of().items())
            and (self.created_from is None or call.created_at >= self.created_from)
            and (self.created_before is None or call.created_at < self.created_before)
            and (self.having is None or bool(getattr(call, self.having.value)))
        )

    def as_query(self, account_id: str) -> dict[str, Any]:
        """The same as a query of the account's calls."""
        values: dict[str, Any] = {":pk": calls_pk(account_id)}
        values |= dict(zip((":first", ":last"), self.id_range(), strict=True))
        names, filters = {}, []
        for name, words in self._one_of().items():
            places = {f":{name}{n}": word for n, word in enumerate(sorted(words))}
            values |= places
            names[f"#{name}"] = name
            filters.append(f"#{name} IN ({', '.join(places)})")
        if self.created_from is not None:
            values[":created_from"] = self.created_from
            filters.append("created_at >= :created_from")
        if self.created_before is not None:
            values[":created_before"] = self.created_before
            filters.append("created_at < :created_before")
        if self.having is not None:
            filters.append(f"attribute_exists({self.having.value})")
        query: dict[str, Any] = {
            "KeyConditionExpression": "pk = :pk AND sk BETWEEN :first AND :last",
            "ExpressionAttributeValues": to_item(values),
        }
        if filters:
            query["FilterExpression"] = " AND ".join(filters)
        if names:
            query["ExpressionAttributeNames"] = names
        return query

    def id_range(self) -> tuple[str, str]:
        """Ids between which all that are wanted lie, so that a list of last month does not read this one's calls."""
        first, last = self.created_from, self.created_before
        return (
            _FIRST_ID if first is None else _id_made_at(first - _ID_MAY_BE_OFF_MS),
            _LAST_ID if last is None else _id_made_at(last + _ID_MAY_BE_OFF_MS),
        )

    def _one_of(self) -> dict[str, frozenset[str]]:
        """What an attribute must be one of."""
        asked: dict[str, frozenset[str] | None] = {
            "state": None if self.states is None else frozenset(state.value for state in self.states),
            "pipe_id": None if self.pipe_id is None else frozenset({self.pipe_id}),
            "agent_id": None if self.agent_id is None else frozenset({self.agent_id}),
            "direction": None if self.direction is None else frozenset({self.direction.value}),
            "end_reason": None if self.end_reasons is None else frozenset(each.value for each in self.end_reasons),
        }
        return {name: words for name, words in asked.items() if words is not None}


EVERY_CALL = Wanted()


class CallPages:
    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._db = dynamodb
        self._table = table_name
        self._store = CallStore(dynamodb, table_name)

    def newest(self, account_id: str, *, limit: int, cursor: str | None, wanted: Wanted = EVERY_CALL) -> Page:
        """A page of an account's calls, newest first. Raises ValueError for a cursor that is none of ours."""
        after = None if cursor is None else _call_in_cursor(cursor)
        first, last = wanted.id_range()
        # DynamoDB takes no range that ends before it begins, and no beginning outside of its range.
        if first > last or (after is not None and after <= first):
            return Page((), None)
        query = wanted.as_query(account_id) | {
            "TableName": self._table,
            "ScanIndexForward": False,
            "ConsistentRead": True,
        }
        if "FilterExpression" not in query:
            query["Limit"] = limit + 1
        return self._collect(query, account_id, limit, after if after is None or after <= last else None)

    def _collect(self, query: dict[str, Any], account_id: str, limit: int, after: str | None) -> Page:
        """Reads until the page is full or its queries are spent: a filter that fits few calls yields short pages and a
        cursor instead of reading an account's whole history at once."""
        found: list[Call] = []
        spent = 0
        while spent < (_QUERIES_A_PAGE if found else _QUERIES_FOR_A_FIRST_CALL):
            if after is not None:
                query["ExclusiveStartKey"] = to_item({"pk": calls_pk(account_id), "sk": after})
            answer = self._db.query(**query)
            spent += 1
            found += [call_from_item(item) for item in answer["Items"]]
            if len(found) > limit:
                return Page(tuple(found[:limit]), cursor_after(found[limit - 1]))
            if "LastEvaluatedKey" not in answer:
                return Page(tuple(found), None)
            after = str(from_item(answer["LastEvaluatedKey"])["sk"])
        return Page(tuple(found), None if after is None else _cursor_after(after))

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
        return sorted(filter(wanted.fits, rows), key=lambda call: call.call_id, reverse=True)

    def _due(self, account_id: str, until: int) -> set[str] | None:
        """The account's calls that are due by then; None if they cannot be named in _QUERIES_A_PAGE."""
        query: dict[str, Any] = {
            "TableName": self._table,
            "IndexName": DUE_INDEX,
            "KeyConditionExpression": "due_shard = :shard AND due_at <= :until",
            # The index is everybody's: of others nothing leaves the table.
            "FilterExpression": "pk = :pk",
            "ExpressionAttributeValues": to_item({":shard": DUE_SHARD, ":until": until, ":pk": calls_pk(account_id)}),
        }
        ids: set[str] = set()
        for _ in range(_QUERIES_A_PAGE):
            answer = self._db.query(**query)
            ids |= {str(from_item(key)["sk"]) for key in answer["Items"]}
            if "LastEvaluatedKey" not in answer:
                return ids
            query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
        return None


def _id_made_at(moment: int) -> str:
    """Where the ids of calls of that moment begin."""
    # Loaded with the first filter by time: most lists have none.
    from ulid import ULID

    made = ULID.from_timestamp(max(0, min(moment, _LAST_MOMENT_OF_IDS)))
    return f"call_{str(made)[:10]}"


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
