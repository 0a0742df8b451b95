"""What changes in the same breath as a call's row: its queue entry, its number, its line and its runner's place.

Each write says what its refusal means; that of an item which only the call's own writers change means that the call was
changed since it was read.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from ringline.calls.model.call import Call, State
from ringline.calls.tables.writes.results import Committed, Once
from ringline.calls.tables.writes.transactions import was_refused
from ringline.record import Record
from ringline.runtime.clock import MS_PER_S
from ringline.runtime.items import Item, to_item
from ringline.runtime.table import GATE_SK, gate_pk, once_pk, queue_pk, queue_sk, runner_sk, runners_pk, unique_pk

# Named conditions.
ITEM_IS_NEW = "attribute_not_exists(pk)"
ITEM_IS_THERE = "attribute_exists(pk)"
# Both must exist: comparing two absent attributes is not the same on every DynamoDB.
LINE_IS_FREE = "attribute_exists(cap) AND attribute_exists(in_use) AND in_use < cap"
LINE_IS_TAKEN = "in_use > :zero"
PLACE_IS_FREE = "attribute_exists(max_concurrent) AND attribute_exists(in_use) AND in_use < max_concurrent"
# DynamoDB removes an item that is past its time within days, not at once.
KEY_IS_UNUSED = "attribute_not_exists(pk) OR ttl_at_s < :now_s"
NUMBER_HAS_NO_CALL = "attribute_not_exists(pk)"
NUMBER_HAS_NO_OTHER_CALL = "attribute_not_exists(pk) OR call_id = :over"

_KEY_KEPT_S = 24 * 3600


class Companion(Record):
    """A write of a transaction, as `transact_write_items` takes it, and what its refusal means."""

    write: dict[str, Any]
    if_refused: Committed = Committed.STALE


class Companions:
    def __init__(self, table_name: str) -> None:
        self._table = table_name

    def of(self, before: Call, after: Call) -> list[Companion]:
        """What must change together with the call from `before` to `after`."""
        return [
            *self._queue(before, after),
            *self._unique(before, after),
            *self._gate(before, after),
            *self._place(before, after),
        ]

    def put(self, item: Item, condition: str, values: Item | None = None) -> dict[str, Any]:
        put: dict[str, Any] = {"TableName": self._table, "Item": item, "ConditionExpression": condition}
        if values:
            put["ExpressionAttributeValues"] = values
        return put

    def queue_put(self, call: Call) -> dict[str, Any]:
        return self.put(_queue_item(call), ITEM_IS_NEW)

    def unique_put(self, call: Call, over: str | None) -> dict[str, Any]:
        item = unique_key(call) | to_item({"call_id": call.call_id})
        if over is None:
            return self.put(item, NUMBER_HAS_NO_CALL)
        return self.put(item, NUMBER_HAS_NO_OTHER_CALL, to_item({":over": over}))

    def once_put(self, call: Call, once: Once, now: int) -> dict[str, Any]:
        return self.put(_once_item(call, once, now), KEY_IS_UNUSED, to_item({":now_s": now // MS_PER_S}))

    def _queue(self, before: Call, after: Call) -> Iterator[Companion]:
        stays = before.state is after.state and before.eligible_at == after.eligible_at
        if stays:
            return
        if before.state is State.QUEUED:
            key = to_item({"pk": queue_pk(before.account_id), "sk": queue_sk(before.eligible_at, before.call_id)})
            yield Companion({"Delete": {"TableName": self._table, "Key": key, "ConditionExpression": ITEM_IS_THERE}})
        if after.state is State.QUEUED:
            yield Companion({"Put": self.queue_put(after)})

    def _unique(self, before: Call, after: Call) -> Iterator[Companion]:
        """Needs no condition: as long as the call is not over, as its own write checks, nobody else takes its
        number."""
        if after.unique_to is not None and after.state.is_terminal and not before.state.is_terminal:
            yield Companion({"Delete": {"TableName": self._table, "Key": unique_key(after)}})

    def _gate(self, before: Call, after: Call) -> Iterator[Companion]:
        step = int(after.holds_slot) - int(before.holds_slot)
        if step == 0:
            return
        update, values = "ADD in_use :step", {":step": step}
        if step < 0:
            values |= {":zero": 0}
            held_ms = _held_line_ms(before, after)
            if held_ms is not None:
                update, values = f"{update}, line_ms :held, line_ends :one", values | {":held": held_ms, ":one": 1}
        stepping = {
            "TableName": self._table,
            "Key": gate_key(before.account_id),
            "UpdateExpression": update,
            "ConditionExpression": LINE_IS_FREE if step > 0 else LINE_IS_TAKEN,
            "ExpressionAttributeValues": to_item(values),
        }
        yield Companion({"Update": stepping}, Committed.GATE_FULL if step > 0 else Committed.STALE)

    def _place(self, before: Call, after: Call) -> Iterator[Companion]:
        """Giving a place back needs no condition: as long as the call holds it, as its own write checks, nobody else
        gives it back."""
        if before.holds_place_of == after.holds_place_of:
            return
        if before.holds_place_of is not None:
            yield Companion({"Update": self._place_step(before, before.holds_place_of, -1)})
        if after.holds_place_of is not None:
            taking = self._place_step(after, after.holds_place_of, 1)
            yield Companion({"Update": taking | {"ConditionExpression": PLACE_IS_FREE}}, Committed.PLACE_TAKEN)

    def _place_step(self, call: Call, runner_id: str, step: int) -> dict[str, Any]:
        return {
            "TableName": self._table,
            "Key": to_item({"pk": runners_pk(call.account_id), "sk": runner_sk(call.agent_id or "", runner_id)}),
            "UpdateExpression": "ADD in_use :step",
            "ExpressionAttributeValues": to_item({":step": step}),
        }


def why_refused(companions: Sequence[Companion], refusals: Sequence[dict[str, Any]]) -> Committed:
    """What the refusal of a transaction means whose first write was the call's own. If the call itself is as it was
    read, the first of its companions that was refused says what there is none of."""
    if was_refused(refusals[0]):
        return Committed.STALE
    for companion, refusal in zip(companions, refusals[1:], strict=True):
        if was_refused(refusal):
            return companion.if_refused
    return Committed.STALE


def gate_key(account_id: str) -> Item:
    return to_item({"pk": gate_pk(account_id), "sk": GATE_SK})


def unique_key(call: Call) -> Item:
    return to_item({"pk": unique_pk(call.account_id), "sk": call.to_number})


def _held_line_ms(before: Call, after: Call) -> int | None:
    """How long the attempt that ended held its line; None for a dial that never rang, which says nothing about
    calls."""
    ended_at = after.ended_at
    if len(after.attempts) > len(before.attempts):
        ended_at = after.attempts[-1].ended_at
    return None if ended_at is None or before.dialed_at is None else max(0, ended_at - before.dialed_at)


def _queue_item(call: Call) -> Item:
    place = {"pk": queue_pk(call.account_id), "sk": queue_sk(call.eligible_at, call.call_id)}
    return to_item(
        place
        | {
            "trunk_id": call.trunk_id,
            "agent_id": call.agent_id if call.agent_first else None,
            "runner_of": call.agent_id if call.needs_place else None,
            "brain": call.brain,
        }
    )


def _once_item(call: Call, once: Once, now: int) -> Item:
    return to_item(
        {
            "pk": once_pk(call.account_id),
            "sk": once.key_hash,
            "call_id": call.call_id,
            "body_hash": once.body_hash,
            "ttl_at_s": now // MS_PER_S + _KEY_KEPT_S,
        }
    )
