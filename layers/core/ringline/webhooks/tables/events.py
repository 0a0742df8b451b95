"""Events in the one table: a log for each account, numbered without a gap, and the place of each event by its id.

| item      | pk                      | sk                      |
|-----------|-------------------------|-------------------------|
| event     | A#<account>#EVENTS      | <sequence, 15 digits>   |
| its place | A#<account>#EVENT_IDS   | <event id>              |
| how many  | A#<account>#EVENT_COUNT | COUNT                   |

Whoever appends reads the last number and puts event and place together at the next: a number is taken only once all
before it are, so whoever pages through the log misses nothing. An event that is appended again is found by its id.
Several of an account are put together at the next numbers, all of them or none. Where they are many, those who append
at once wait for each other (`event_turns`).

Both rows expire. So that an account that sleeps for longer goes on counting where it was, the first event after a rest
puts the count under the eyes of the sweep, which writes the last number down long before it expires (`event_counts`).
"""

import json
import random
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, compress
from typing import Any

from botocore.exceptions import ClientError

from ringline.runtime.clock import MS_PER_S, Clock, iso, now_ms
from ringline.runtime.items import Contended, Item, from_item, refusal_reasons, to_item
from ringline.runtime.rows import to_row
from ringline.runtime.table import (
    DUE_SHARD,
    EVENT_COUNT_SK,
    event_count_pk,
    event_ids_pk,
    events_pk,
    sequence_sk,
    shard_for,
)
from ringline.webhooks.model.event import Event, EventDraft, erased, written
from ringline.webhooks.model.event_type import COUNT_LOOKED_AT_S, EVENTS_KEPT_S, EventType
from ringline.webhooks.tables.event_turns import EventTurns

_TRIES = 60
"""Each lost place means that somebody else has written an event of this account."""

_WAIT_S, _LONGEST_WAIT_S = 0.02, 0.2

MOST_AT_ONCE = 49
"""Events of one transaction: it may write 100 rows, an event is two, and the count of a log may be one."""

MANY = 8
"""So many events in one transaction cost more to lose to another one than it costs to wait for one's turn."""

_MOST_BYTES = 2_000_000
"""Of their data, before it is packed. A transaction may have 4 MB."""

_IS_NEW = "attribute_not_exists(pk)"
_IS_THERE = "attribute_exists(pk)"


class EventsContended(Contended):
    """Too many others append events of this account at this moment."""


@dataclass(frozen=True, slots=True)
class Tail:
    """The last number of an account's log. `has_rested`: its count is under nobody's eyes any more."""

    number: int
    has_rested: bool


class EventStore:
    """Make one for each invocation: it remembers where the logs end that it has written to. `in_shards`: what is due is
    written to shards."""

    def __init__(
        self,
        dynamodb: Any,
        table_name: str,
        clock: Clock = now_ms,
        *,
        kept_s: int = EVENTS_KEPT_S,
        in_shards: bool = False,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._dynamodb = dynamodb
        self._table_name = table_name
        self._clock = clock
        self._kept_s = kept_s
        self._in_shards = in_shards
        self._pause = pause
        self._numbers: dict[str, int] = {}
        self._turns = EventTurns(dynamodb, table_name, clock, pause)

    def append(self, draft: EventDraft) -> Event:
        """The event at its place: the next one, or the one that it has had since it was appended before. Raises
        EventsContended."""
        return self.append_all([draft])[0]

    def append_all(self, drafts: Sequence[EventDraft]) -> list[Event]:
        """The same for several of one account, in their order: each transaction writes as many as it may, so that
        those who append at once meet less often. Where one of them is refused, none of it is written."""
        left = list({draft.event_id: draft for draft in drafts}.values())
        if len(left) < MANY:
            events = self._append_each_share(left)
        else:
            with self._turns.taken(left[0].account_id):
                # Others have written since this store did.
                self._numbers.pop(left[0].account_id, None)
                events = self._append_each_share(left)
        return [events[draft.event_id] for draft in drafts]

    def _append_each_share(self, left: list[EventDraft]) -> dict[str, Event]:
        events: dict[str, Event] = {}
        while left:
            share, left = _one_transaction(left)
            events |= self._append(share)
        return events

    def _append(self, drafts: Sequence[EventDraft]) -> dict[str, Event]:
        """Each event by its id."""
        known: dict[str, Event] = {}
        for turn in range(1, _TRIES + 1):
            account_id = drafts[0].account_id
            tail = self._tail(account_id)
            events = [
                written(draft, number, iso(draft.occurred_at), self._clock())
                for number, draft in enumerate(drafts, tail.number + 1)
            ]
            reasons = self._put(events, tail)
            if reasons is None:
                self._numbers[account_id] = events[-1].sequence
                return known | {event.event_id: event for event in events}
            self._numbers.pop(account_id, None)
            codes = [reason.get("Code") for reason in reasons]
            # The id of each event comes before the event itself.
            was_there = [code == "ConditionalCheckFailed" for code in codes[::2]]
            for draft in compress(drafts, was_there):
                known[draft.event_id] = self._known(draft)
            drafts = [draft for draft in drafts if draft.event_id not in known]
            if not drafts:
                return known
            # A refused transaction is billed as if it were written, so whoever loses again and again asks less often.
            self._pause(random.uniform(0, min(turn * _WAIT_S, _LONGEST_WAIT_S)))  # noqa: S311 - spreads, does not protect
        raise EventsContended

    def event(self, account_id: str, event_id: str) -> Event | None:
        """The event of this id; None if there is none, or it is kept no more."""
        place = self._item(event_ids_pk(account_id), event_id)
        return None if place is None else self.at(account_id, place["sequence"])

    def at(self, account_id: str, sequence: int) -> Event | None:
        """The event at this place."""
        found = self._item(events_pk(account_id), sequence_sk(sequence))
        return None if found is None else event_from(account_id, found)

    def page(self, account_id: str, after: int, limit: int) -> list[Event]:
        """Up to `limit` events behind a place, in their order. What is younger than any of them is not written yet."""
        values = {":pk": events_pk(account_id), ":after": sequence_sk(after)}
        # A query ends at 1 MB, which is not the end of the log: another one goes on there.
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table_name,
            KeyConditionExpression="pk = :pk AND sk > :after",
            ExpressionAttributeValues=to_item(values),
            ConsistentRead=True,
            PaginationConfig={"PageSize": limit, "MaxItems": limit},
        )
        return [event_from(account_id, from_item(item)) for page in pages for item in page["Items"]]

    def erase(self, event: Event) -> bool:
        """Leaves of an event its id, type, call and time, for those to whom it is yet to be sent as well; whether there
        was more of it. The log keeps its place."""
        if event.is_erased:
            return False
        told = erased(event).told
        self._dynamodb.update_item(
            TableName=self._table_name,
            Key=event_key(event.account_id, event.sequence),
            UpdateExpression="SET told = :told",
            ConditionExpression=_IS_THERE,
            ExpressionAttributeValues=to_item({":told": zlib.compress(told, 9)}),
        )
        return True

    def last_number(self, account_id: str) -> int:
        """The number of the last event that is kept; 0 if none is."""
        last = self._last(account_id)
        return 0 if last is None else int(last["sk"])

    def _known(self, draft: EventDraft) -> Event:
        """What was appended before. Of an event that has just expired its place may be left alone."""
        place = self._item(event_ids_pk(draft.account_id), draft.event_id) or {"sequence": 0}
        known = self.at(draft.account_id, place["sequence"])
        return known or written(draft, place["sequence"], iso(draft.occurred_at), self._clock())

    # --- appending ---------------------------------------------------------------------------------------------------

    def _tail(self, account_id: str) -> Tail:
        remembered = self._numbers.get(account_id)
        if remembered is not None:
            return Tail(remembered, has_rested=False)
        last = self._last(account_id)
        number = 0 if last is None else int(last["sk"])
        if last is not None and last["written_at"] > self._clock() - COUNT_LOOKED_AT_S * MS_PER_S // 2:
            return Tail(number, has_rested=False)
        count = self._item(event_count_pk(account_id), EVENT_COUNT_SK)
        return Tail(max(number, 0 if count is None else count["counted"]), has_rested=True)

    def _put(self, events: Sequence[Event], tail: Tail) -> list[dict[str, Any]] | None:
        """None if they are written; else why each part was refused, that of an event's id before that of the event."""
        puts = [part for event in events for part in self._puts(event)]
        if tail.has_rested:
            puts.append({"Item": to_row(self._count_row(events[0].account_id, tail.number))})
        try:
            self._dynamodb.transact_write_items(
                TransactItems=[{"Put": {"TableName": self._table_name, **put}} for put in puts]
            )
        except ClientError as error:
            reasons = refusal_reasons(error)
            if reasons is None:
                raise
            return reasons
        return None

    def _puts(self, event: Event) -> list[dict[str, Any]]:
        place = {"pk": event_ids_pk(event.account_id), "sk": event.event_id, "item_kind": "event_place"}
        ttl = {"ttl_at_s": event.written_at // MS_PER_S + self._kept_s}
        return [
            {"Item": to_row(place | ttl | {"sequence": event.sequence}), "ConditionExpression": _IS_NEW},
            {"Item": to_row(_log_row(event) | ttl), "ConditionExpression": _IS_NEW},
        ]

    def _count_row(self, account_id: str, counted: int) -> dict[str, Any]:
        return {
            "pk": event_count_pk(account_id),
            "sk": EVENT_COUNT_SK,
            "item_kind": "event_count",
            "counted": counted,
            "due_shard": shard_for(account_id, DUE_SHARD, in_shards=self._in_shards),
            "due_at": self._clock() + COUNT_LOOKED_AT_S * MS_PER_S,
        }

    # --- reading -----------------------------------------------------------------------------------------------------

    def _last(self, account_id: str) -> dict[str, Any] | None:
        answer = self._dynamodb.query(
            TableName=self._table_name,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues=to_item({":pk": events_pk(account_id)}),
            ConsistentRead=True,
            ScanIndexForward=False,
            Limit=1,
        )
        return from_item(answer["Items"][0]) if answer["Items"] else None

    def _item(self, pk: str, sk: str) -> dict[str, Any] | None:
        answer = self._dynamodb.get_item(
            TableName=self._table_name, Key=to_item({"pk": pk, "sk": sk}), ConsistentRead=True
        )
        return from_item(answer["Item"]) if "Item" in answer else None


def _one_transaction(drafts: Sequence[EventDraft]) -> tuple[list[EventDraft], list[EventDraft]]:
    """Those that go into one, at least one of them, and the rest."""
    sizes = accumulate(len(json.dumps(draft.data).encode()) for draft in drafts)
    fitting = sum(1 for size in sizes if size <= _MOST_BYTES)
    count = min(max(fitting, 1), MOST_AT_ONCE)
    return list(drafts[:count]), list(drafts[count:])


def _log_row(event: Event) -> dict[str, Any]:
    return {
        "pk": events_pk(event.account_id),
        "sk": sequence_sk(event.sequence),
        "item_kind": "event",
        "event_id": event.event_id,
        "event_type": event.event_type,
        "call_id": event.call_id,
        "occurred_at": event.occurred_at,
        "written_at": event.written_at,
        "told": zlib.compress(event.told, 9),
        "webhook_url": event.webhook_url,
    }


def event_key(account_id: str, sequence: int) -> Item:
    return to_item({"pk": events_pk(account_id), "sk": sequence_sk(sequence)})


def event_from(account_id: str, found: Mapping[str, Any]) -> Event:
    """An event as its row has it."""
    return Event(
        account_id=account_id,
        event_id=found["event_id"],
        sequence=int(found["sk"]),
        event_type=EventType.kept(found["event_type"]),
        call_id=found.get("call_id"),
        occurred_at=found["occurred_at"],
        written_at=found["written_at"],
        told=zlib.decompress(found["told"]),
        webhook_url=found.get("webhook_url"),
    )
