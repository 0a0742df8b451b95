"""Tickets of browsers' calls in the table.

| item   | pk               | sk     |
|--------|------------------|--------|
| ticket | A#<account>#WEB  | <call> |

A ticket is the call as it will be, with `valid_until`. It is kept for a day (`ttl_at_s`), and removed with its use.

A token is used once because its ticket is: the call's row is written, its line is taken and the ticket is removed in
one transaction.
"""

import time
from collections.abc import Callable
from copy import replace
from typing import Any

from ringline.calls.model.call import AttemptId, Call, State
from ringline.calls.tables.asked.rows import AskedRows
from ringline.calls.tables.records import call_from_item, call_to_item
from ringline.calls.tables.writes.companions import ITEM_IS_NEW, ITEM_IS_THERE, Companions, why_refused
from ringline.calls.tables.writes.results import Committed
from ringline.calls.tables.writes.transactions import Transactions, was_refused
from ringline.calls.web.ticket import Ticket
from ringline.runtime.clock import MS_PER_S
from ringline.runtime.items import Item, from_item, to_item
from ringline.runtime.table import web_tickets_pk

_ITEM_KIND = "web_ticket"
_OF_THE_TICKET = {"valid_until", "ttl_at_s"}
_KEPT_S = 24 * 3600
"""For as long it can be told that a token was ours and came too late."""


class Tickets:
    """With `asked_apart` the calls that tickets become have a row of its own for what was asked at length. A ticket has
    it in itself: most are written once, and used or forgotten. `in_shards`: as `CallStore` has it."""

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
        # What a ticket has beside its call goes with the ticket, its time to live before all.
        of_the_call = {name: value for name, value in item.items() if name not in _OF_THE_TICKET}
        return Ticket(call_from_item(of_the_call), from_item({"valid_until": item["valid_until"]})["valid_until"])

    def is_there(self, attempt_id: AttemptId) -> bool:
        """Whether there is an unused ticket, of whatever age."""
        return self.get(attempt_id.account_id, attempt_id.call_id) is not None

    def redeem(self, call: Call, caps_version: int | None = None) -> Committed:
        """Writes the call that a ticket was for, and takes what it holds: STALE if somebody else has used the ticket,
        or the account's caps are of another version; GATE_FULL and CAP_REACHED where there is no room. Raises
        TableContended."""
        apart = self._asked.put_apart(call) if self._asked_apart else call
        call_put = self._companions.put(call_to_item(apart, in_shards=self._in_shards), ITEM_IS_NEW)
        key = _key(call.account_id, call.call_id)
        ticket_gone = {"TableName": self._table, "Key": key, "ConditionExpression": ITEM_IS_THERE}
        # A call that is over holds nothing: what this one takes is what it has more than that.
        companions = self._companions.of(replace(call, state=State.NOT_CONNECTED), call, caps_version)
        own: list[dict[str, Any]] = [{"Put": call_put}, {"Delete": ticket_gone}]
        refusals = self._transactions.run([*own, *(companion.write for companion in companions)])
        if refusals is None:
            return Committed.DONE
        call_refusal, ticket_refusal, *others = refusals
        return Committed.STALE if was_refused(ticket_refusal) else why_refused(companions, [call_refusal, *others])


def _key(account_id: str, call_id: str) -> Item:
    return to_item({"pk": web_tickets_pk(account_id), "sk": call_id})
