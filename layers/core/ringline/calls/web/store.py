"""Tickets of browsers' calls in the table.

| item   | pk               | sk     |
|--------|------------------|--------|
| ticket | A#<account>#WEB  | <call> |

A ticket is the call as it will be, with `valid_until`. It is kept for a day (`ttl_at_s`), and removed with its use.

A token is used once because its ticket is: the call's row is written, its line is taken and the ticket is removed in
one transaction.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from botocore.exceptions import ClientError

from ringline.calls.model.call import Call
from ringline.calls.tables.records import call_from_item, call_to_item
from ringline.calls.web.ticket import Ticket
from ringline.runtime.clock import MS_PER_S
from ringline.runtime.items import Item, from_item, refusal_reasons, to_item
from ringline.runtime.table import GATE_SK, gate_pk, web_tickets_pk

# Named conditions.
ITEM_IS_NEW = "attribute_not_exists(pk)"
TICKET_IS_THERE = "attribute_exists(pk)"
# Both must exist: comparing two absent attributes is not the same on every DynamoDB.
LINE_IS_FREE = "attribute_exists(cap) AND attribute_exists(in_use) AND in_use < cap"

_ITEM_KIND = "web_ticket"
_KEPT_S = 24 * 3600
"""For as long it can be told that a token was ours and came too late."""


class Redeemed(StrEnum):
    """What came of using a ticket. Only DONE changed anything."""

    DONE = "done"
    USED = "used"
    """Somebody else used it."""
    GATE_FULL = "gate_full"


class Tickets:
    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._db = dynamodb
        self._table = table_name

    def put(self, ticket: Ticket) -> None:
        call = ticket.call
        item = call_to_item(call) | to_item(
            {
                "pk": web_tickets_pk(call.account_id),
                "item_kind": _ITEM_KIND,
                "valid_until": ticket.valid_until,
                "ttl_at_s": ticket.valid_until // MS_PER_S + _KEPT_S,
            }
        )
        self._db.put_item(TableName=self._table, Item=item)

    def get(self, account_id: str, call_id: str) -> Ticket | None:
        """The ticket of that call; None if there was none, or it was used."""
        answer = self._db.get_item(TableName=self._table, Key=_key(account_id, call_id), ConsistentRead=True)
        item = answer.get("Item")
        if item is None:
            return None
        return Ticket(call_from_item(item), from_item({"valid_until": item["valid_until"]})["valid_until"])

    def redeem(self, call: Call) -> Redeemed:
        """Writes the call that a ticket was for, and takes the line that it holds, if it holds one."""
        writes: list[dict[str, Any]] = [
            {"Put": {"TableName": self._table, "Item": call_to_item(call), "ConditionExpression": ITEM_IS_NEW}},
            {
                "Delete": {
                    "TableName": self._table,
                    "Key": _key(call.account_id, call.call_id),
                    "ConditionExpression": TICKET_IS_THERE,
                }
            },
        ]
        if call.holds_slot:
            writes.append({"Update": self._taking_a_line(call)})
        refusals = self._transact(writes)
        if refusals is None:
            return Redeemed.DONE
        if any(_was_refused(each) for each in refusals[:2]):
            return Redeemed.USED
        return Redeemed.GATE_FULL

    def _taking_a_line(self, call: Call) -> dict[str, Any]:
        return {
            "TableName": self._table,
            "Key": to_item({"pk": gate_pk(call.account_id), "sk": GATE_SK}),
            "UpdateExpression": "ADD in_use :step",
            "ConditionExpression": LINE_IS_FREE,
            "ExpressionAttributeValues": to_item({":step": 1}),
        }

    def _transact(self, writes: list[dict[str, Any]]) -> Sequence[dict[str, Any]] | None:
        """Why each part was refused, None if nothing was. What is no refusal is raised: LiveKit sends its event
        again."""
        try:
            self._db.transact_write_items(TransactItems=writes)
        except ClientError as error:
            reasons = refusal_reasons(error)
            if reasons is None or not any(_was_refused(reason) for reason in reasons):
                raise
            return reasons
        return None


def _key(account_id: str, call_id: str) -> Item:
    return to_item({"pk": web_tickets_pk(account_id), "sk": call_id})


def _was_refused(reason: dict[str, Any]) -> bool:
    return reason.get("Code") == "ConditionalCheckFailed"
