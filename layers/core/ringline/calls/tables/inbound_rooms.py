"""Rooms of calls that ring in: LiveKit's dispatch rules name them, and most of its events tell no more than that name.

| item         | pk          | sk   |
|--------------|-------------|------|
| inbound room | ROOM#<room> | CALL | `account_id`, `call_id`, `sip_call_id`; kept two days (`ttl_at_s`)

A rule may give each call the same room, one after another. `sip_call_id` is the phone call's own: it stays when the
leg loses its connection and comes back, and is another's when somebody else calls.
"""

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from ringline.calls.model.call import AttemptId, Call
from ringline.calls.model.livekit_event import LivekitEvent
from ringline.calls.tables.records import call_to_item
from ringline.runtime.clock import MS_PER_S
from ringline.runtime.items import from_item, refusal_reasons, to_item
from ringline.runtime.table import ROOM_CALL_SK, room_pk

# Named conditions.
ITEM_IS_NEW = "attribute_not_exists(pk)"
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
        """Whether the event is about another caller than the tenant."""
        ids = (self.sip_call_id, livekit_event.sip_call_id)
        return None not in ids and self.sip_call_id != livekit_event.sip_call_id


class InboundRooms:
    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._db = dynamodb
        self._table = table_name

    def tenant(self, room: str) -> Tenant | None:
        """The call that the room was last opened for; None if no call rang in there."""
        key = to_item({"pk": room_pk(room), "sk": ROOM_CALL_SK})
        item = self._db.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")
        if item is None:
            return None
        known = from_item(item)
        attempt_id = AttemptId(known["account_id"], known["call_id"], _INBOUND_ATTEMPT)
        return Tenant(attempt_id, known.get("sip_call_id"))

    def open(self, call: Call) -> bool:
        """Accepts a call that rings in: its row, and the room as its own, together or not at all. False if the room has
        this call already: its caller's event came twice."""
        row: dict[str, Any] = {"Item": call_to_item(call), "ConditionExpression": ITEM_IS_NEW}
        writes = [{"Put": {"TableName": self._table, **put}} for put in (row, _room_put(call))]
        try:
            self._db.transact_write_items(TransactItems=writes)
        except ClientError as error:
            # Whatever is no refusal is raised, and LiveKit then sends the event again.
            reasons = refusal_reasons(error)
            if reasons is None or not any(reason.get("Code") == "ConditionalCheckFailed" for reason in reasons):
                raise
            return False
        return True


def _room_put(call: Call) -> dict[str, Any]:
    item = to_item(
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
