"""Rooms of calls that ring in: LiveKit's dispatch rules name them, and most of its events tell no more than that name.

| item         | pk          | sk   |
|--------------|-------------|------|
| question     | ROOM#<room> | QUESTION | the same: somebody was asked what is to become of the caller
| inbound room | ROOM#<room> | CALL | `account_id`, `call_id`, `sip_call_id`; kept two days (`ttl_at_s`)

A rule may give each call the same room, one after another. `sip_call_id` is the phone call's own: it stays when the
leg loses its connection and comes back, and is another's when somebody else calls.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from botocore.exceptions import ClientError

from ringline.calls.model.call import AttemptId, Call, is_dialled_for
from ringline.calls.model.livekit_event import LivekitEvent
from ringline.calls.tables.asked.rows import AskedRows
from ringline.calls.tables.records import call_to_item
from ringline.calls.tables.writes.companions import Companions
from ringline.calls.tables.writes.results import Committed
from ringline.calls.tables.writes.transactions import Transactions, was_refused
from ringline.runtime.clock import MS_PER_S
from ringline.runtime.items import condition_failed, from_item, to_item
from ringline.runtime.rows import to_row
from ringline.runtime.table import QUESTION_SK, ROOM_CALL_SK, room_pk

# Named conditions.
ITEM_IS_NEW = "attribute_not_exists(pk)"
ROOM_IS_OF_CALL = "account_id = :account_id AND call_id = :call_id"
ROOM_HAS_NOT_THIS_CALL = "attribute_not_exists(pk) OR (attribute_exists(sip_call_id) AND sip_call_id <> :sip_call_id)"

_KEPT_S = 2 * 24 * 3600
"""A room's call is kept on record for longer than any call lasts: LiveKit caps a call at 24 hours."""

_INBOUND_ATTEMPT = 1


@dataclass(frozen=True, slots=True)
class Tenant:
    """The call that a room was last opened for."""

    attempt_id: AttemptId
    sip_call_id: str | None

    def is_followed_by(self, livekit_event: LivekitEvent) -> bool:
        """Whether the event is about another caller than the tenant, or whom somebody else has called into the room.
        Whoever was called into the tenant's own conversation follows nobody."""
        if is_dialled_for(self.attempt_id.call_id, livekit_event.identity):
            return False
        ids = (self.sip_call_id, livekit_event.sip_call_id)
        return None not in ids and self.sip_call_id != livekit_event.sip_call_id


class Opened(StrEnum):
    """What came of opening a room for a caller. Only OPENED wrote anything."""

    OPENED = "opened"
    KNOWN = "known"
    """The room has this call already: its caller's event came twice."""
    FULL = "full"
    """The line, or the place under a cap, that the call was to take is gone."""


class InboundRooms:
    """With `asked_apart` new calls have a row of its own for what their agents are told at length. `in_shards`: as
    `CallStore` has it."""

    def __init__(
        self,
        dynamodb: Any,
        table_name: str,
        pause: Callable[[float], None] = time.sleep,
        *,
        asked_apart: bool = False,
        in_shards: bool = False,
    ) -> None:
        self._db = dynamodb
        self._in_shards = in_shards
        self._table = table_name
        self._companions = Companions(table_name)
        self._transactions = Transactions(dynamodb, pause)
        self._asked_apart = asked_apart
        self._asked = AskedRows(dynamodb, table_name)

    def tenant(self, room: str) -> Tenant | None:
        """The call that the room was last opened for; None if no call rang in there."""
        key = to_item({"pk": room_pk(room), "sk": ROOM_CALL_SK})
        item = self._db.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")
        if item is None:
            return None
        known = from_item(item)
        attempt_id = AttemptId(known["account_id"], known["call_id"], _INBOUND_ATTEMPT)
        return Tenant(attempt_id, known.get("sip_call_id"))

    def is_of(self, call: Call) -> bool:
        """Whether the room that a caller came into is still theirs, and not the next one's."""
        tenant = self.tenant(call.inbound_room or "")
        return tenant is None or (tenant.attempt_id.account_id, tenant.attempt_id.call_id) == (
            call.account_id,
            call.call_id,
        )

    def notes_question(self, call: Call) -> bool:
        """Whether this is the first to ask somebody about the caller: whoever handles the same event once more, or
        another one of the same phone call, is not."""
        put = _room_put(call)
        put["Item"] |= to_item({"sk": QUESTION_SK})
        return self._transactions.put_alone({"TableName": self._table, **put}) is Committed.DONE

    def forget(self, call: Call) -> None:
        """Deletes the rows of the room that the caller came into, as far as they are still this call's."""
        for sk in (QUESTION_SK, ROOM_CALL_SK):
            try:
                self._db.delete_item(
                    TableName=self._table,
                    Key=to_item({"pk": room_pk(call.inbound_room or ""), "sk": sk}),
                    ConditionExpression=ROOM_IS_OF_CALL,
                    ExpressionAttributeValues=to_item({":account_id": call.account_id, ":call_id": call.call_id}),
                )
            except ClientError as error:
                if not condition_failed(error):
                    raise

    def open(self, call: Call) -> Opened:
        """Accepts a call that rings in: its row, the room as its own, and what it takes of lines and caps, together or
        not at all. Raises TableContended."""
        apart = self._asked.put_apart(call) if self._asked_apart else call
        item = call_to_item(apart, in_shards=self._in_shards)
        row: dict[str, Any] = {"Item": item, "ConditionExpression": ITEM_IS_NEW}
        writes = [{"Put": {"TableName": self._table, **put}} for put in (row, _room_put(call))]
        companions = self._companions.arriving(call)
        # Whatever is no refusal is raised, and LiveKit then sends the event again.
        refusals = self._transactions.run([*writes, *(companion.write for companion in companions)])
        if refusals is None:
            return Opened.OPENED
        if not was_refused(refusals[0]):
            self._asked.drop(apart)
        return Opened.KNOWN if any(was_refused(each) for each in refusals[: len(writes)]) else Opened.FULL


def _room_put(call: Call) -> dict[str, Any]:
    item = to_row(
        {
            "pk": room_pk(call.inbound_room or ""),
            "sk": ROOM_CALL_SK,
            "account_id": call.account_id,
            "call_id": call.call_id,
            "sip_call_id": call.sip_call_id,
            "ttl_at_s": call.created_at // MS_PER_S + _KEPT_S,
        }
    )
    if call.sip_call_id is None:
        return {"Item": item, "ConditionExpression": ITEM_IS_NEW}
    return {
        "Item": item,
        "ConditionExpression": ROOM_HAS_NOT_THIS_CALL,
        "ExpressionAttributeValues": to_item({":sip_call_id": call.sip_call_id}),
    }
