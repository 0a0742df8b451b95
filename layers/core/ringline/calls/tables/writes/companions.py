"""What changes in the same breath as a call's row: its queue entry, its number, its line, its runner's place and its
speech worker's.

Each write says what its refusal means; that of an item which only the call's own writers change means that the call was
changed since it was read.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from ringline.calls.capacity.counters import Kind, kind_of, names_of
from ringline.calls.capacity.days import daily_of
from ringline.calls.model.call import Call, State, holder_name
from ringline.calls.tables.writes.counting import Bound, Companion, Counting, Stepping
from ringline.calls.tables.writes.days import called_row, day_step
from ringline.calls.tables.writes.results import Committed, Gate, Once
from ringline.calls.tables.writes.transactions import was_refused
from ringline.runtime.clock import MS_PER_S
from ringline.runtime.items import Item, from_item, to_item
from ringline.runtime.rows import to_row
from ringline.runtime.table import (
    GATE_SK,
    OF_THE_DEPLOYMENT,
    gate_pk,
    once_pk,
    places_in,
    queue_pk,
    queue_sk,
    runner_sk,
    runners_pk,
    unique_pk,
)

# Named conditions.
ITEM_IS_NEW = "attribute_not_exists(pk)"
ITEM_IS_THERE = "attribute_exists(pk)"
# Both must exist: comparing two absent attributes is not the same on every DynamoDB.
LINE_IS_FREE = "attribute_exists(cap) AND attribute_exists(in_use) AND in_use < cap"
LINE_IS_NOT_RESERVED = "(attribute_not_exists(outbound_cap) OR in_use < outbound_cap)"
CALLERS_HOLD_LINES = "attribute_exists(inbound_reserve)"
LINE_IS_TAKEN = "in_use > :zero"
CAPS_ARE_UNCHANGED = "caps_version = :caps_version"
NOTHING_WAS_EVER_CAPPED = "attribute_not_exists(caps_version)"
PLACE_IS_FREE = "attribute_exists(max_concurrent) AND attribute_exists(in_use) AND in_use < max_concurrent"
SPEECH_PLACE_IS_FREE = "(attribute_not_exists(held) OR size(held) < :places)"
# DynamoDB removes an item that is past its time within days, not at once.
KEY_IS_UNUSED = "attribute_not_exists(pk) OR ttl_at_s < :now_s"
NUMBER_HAS_NO_CALL = "attribute_not_exists(pk)"
NUMBER_HAS_NO_OTHER_CALL = "attribute_not_exists(pk) OR call_id = :over"

TELLING = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
"""A refusal then shows the item that it was refused for."""

_OF_CALLERS = "inbound_in_use :step, outbound_cap :step"
"""A caller's line is none of those that outbound calls leave to callers any more."""

_OF_A_RUNNER = Bound("in_use", "max_concurrent")

_KEY_KEPT_S = 24 * 3600
_SPEECH_PLACES_KEPT_S = 2 * 24 * 3600
"""Longer than any call lasts: LiveKit caps one at 24 hours."""


class Companions:
    def __init__(self, table_name: str) -> None:
        self._table = table_name
        self._counting = Counting(table_name)

    def of(
        self, before: Call, after: Call, caps_version: int | None = None, *, is_new_number: bool = False
    ) -> list[Companion]:
        """What must change together with the call from `before` to `after`. A line that is taken is taken only while
        the gate is still of that `caps_version`, if one is given, and its number is remembered if it is new."""
        return [
            *self._queue(before, after),
            *self._unique(before, after),
            *self._gate(before, after, caps_version, is_new_number=is_new_number),
            *([Companion({"Put": self.put(called_row(after), ITEM_IS_NEW)})] if is_new_number else []),
            *self._counting.of(before, after),
            *self._place(before, after),
            *self._speech_place(before, after),
        ]

    def put(self, item: Item, condition: str, values: Item | None = None) -> dict[str, Any]:
        put: dict[str, Any] = {"TableName": self._table, "Item": item, "ConditionExpression": condition}
        if values:
            put["ExpressionAttributeValues"] = values
        return put

    def queue_put(self, call: Call, *, is_new_number: bool = False) -> dict[str, Any]:
        # The release before knows only the first of the two.
        new = to_row({"is_new_number": True, "new_number": call.to_number}) if is_new_number else {}
        return self.put(_queue_item(call) | new, ITEM_IS_NEW)

    def unique_put(self, call: Call, over: str | None) -> dict[str, Any]:
        item = unique_key(call) | to_row({"call_id": call.call_id})
        if over is None:
            return self.put(item, NUMBER_HAS_NO_CALL)
        return self.put(item, NUMBER_HAS_NO_OTHER_CALL, to_item({":over": over}))

    def once_put(self, call: Call, once: Once, now: int, *, under_way: bool = False) -> dict[str, Any]:
        return self.put(
            _once_item(call, once, now, under_way=under_way), KEY_IS_UNUSED, to_item({":now_s": now // MS_PER_S})
        )

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

    def _gate(
        self, before: Call, after: Call, caps_version: int | None = None, *, is_new_number: bool = False
    ) -> Iterator[Companion]:
        step = int(after.holds_slot) - int(before.holds_slot)
        if step == 0:
            return
        update, values, condition = "ADD in_use :step", {":step": step}, LINE_IS_TAKEN
        if step > 0:
            condition = f"{LINE_IS_FREE} AND {LINE_IS_NOT_RESERVED}"
        if before.takes_line:
            update = f"{update}, {_OF_CALLERS}"
        if step > 0 and caps_version is not None:
            condition += f" AND {CAPS_ARE_UNCHANGED if caps_version else NOTHING_WAS_EVER_CAPPED}"
            values |= {":caps_version": caps_version} if caps_version else {}
        if step < 0:
            held_ms = _held_line_ms(before, after)
            if held_ms is not None:
                update, values = f"{update}, line_ms :held, line_ends :one", values | {":held": held_ms, ":one": 1}
        day = day_step(before, after, is_new_number=is_new_number)
        for place, (name, more) in enumerate(day.adds.items()):
            update, values = f"{update}, {name} :more{place}", values | {f":more{place}": more}
        if day.removes:
            update = f"{update} REMOVE {', '.join(day.removes)}"
        condition = " AND ".join((condition, *day.conditions))
        values |= {":zero": 0} if ":zero" in condition else {}
        update_of_gate = {
            "TableName": self._table,
            "Key": gate_key(before.account_id),
            "UpdateExpression": update,
            "ConditionExpression": condition,
            "ExpressionAttributeValues": to_item(values),
            **(TELLING if step > 0 else {}),
        }
        adds = (":step", *(f":more{place}" for place in range(len(day.adds))))
        if step < 0:
            of_its_time = (":held", ":one") if ":held" in values else ()
            yield Companion({"Update": update_of_gate}, stepping=Stepping((*adds, *of_its_time), floors=(":zero",)))
            return
        bounds = (Bound("in_use", "cap"), Bound("in_use", "outbound_cap"), *day.bounds)
        yield Companion({"Update": update_of_gate}, Committed.GATE_FULL, Stepping(adds, bounds=bounds))

    def arriving(self, call: Call) -> list[Companion]:
        """What a caller takes who has just rung in: a line, where the account's callers hold lines, and places under
        caps."""
        taken = [self._counting.taking(call, name) for name in call.counts_in]
        if call.holds_speech_place_of is not None:
            taken.append(self._speech_place_taken(call, call.holds_speech_place_of))
        if not call.holds_slot:
            return taken
        line = {
            "TableName": self._table,
            "Key": gate_key(call.account_id),
            "UpdateExpression": f"ADD in_use :step, {_OF_CALLERS}",
            "ConditionExpression": f"{LINE_IS_FREE} AND {CALLERS_HOLD_LINES}",
            "ExpressionAttributeValues": to_item({":step": 1}),
        }
        return [Companion({"Update": line}, Committed.GATE_FULL), *taken]

    def _place(self, before: Call, after: Call) -> Iterator[Companion]:
        """Giving a place back needs no condition: as long as the call holds it, as its own write checks, nobody else
        gives it back."""
        if before.holds_place_of == after.holds_place_of:
            return
        if before.holds_place_of is not None:
            giving_back = {"Update": self._place_step(before, before.holds_place_of, -1)}
            yield Companion(giving_back, stepping=Stepping((":step",)))
        if after.holds_place_of is not None:
            taking = self._place_step(after, after.holds_place_of, 1)
            write = {"Update": taking | {"ConditionExpression": PLACE_IS_FREE}}
            yield Companion(write, Committed.PLACE_TAKEN, Stepping((":step",), bounds=(_OF_A_RUNNER,)))

    def _place_step(self, call: Call, runner_id: str, step: int) -> dict[str, Any]:
        return self._step_of(runners_pk(call.account_id), runner_sk(call.agent_id or "", runner_id), step)

    def _speech_place(self, before: Call, after: Call) -> Iterator[Companion]:
        """As a runner's place. Who begins takes it, and no later change moves it."""
        if before.holds_speech_place_of == after.holds_speech_place_of:
            return
        if before.holds_speech_place_of is not None:
            giving_back = {"Update": self._speech_place_write(before, before.holds_speech_place_of, "DELETE")}
            yield Companion(giving_back, stepping=Stepping((":holder",), (":kept_until_s",)))
        if after.holds_speech_place_of is not None:
            yield self._speech_place_taken(after, after.holds_speech_place_of)

    def _speech_place_taken(self, call: Call, row: str) -> Companion:
        taking = self._speech_place_write(call, row, "ADD")
        taking["ConditionExpression"] = SPEECH_PLACE_IS_FREE
        taking["ExpressionAttributeValues"] |= to_item({":places": places_in(row)})
        stepping = Stepping((":holder",), (":kept_until_s",), (Bound("held", places_in(row), is_set=True),))
        return Companion({"Update": taking}, Committed.PLACE_TAKEN, stepping)

    def _speech_place_write(self, call: Call, row: str, verb: str) -> dict[str, Any]:
        kept_until_s = (call.dialed_at or call.created_at) // MS_PER_S + _SPEECH_PLACES_KEPT_S
        return {
            "TableName": self._table,
            "Key": to_item({"pk": runners_pk(OF_THE_DEPLOYMENT), "sk": row}),
            "UpdateExpression": f"SET ttl_at_s = :kept_until_s {verb} held :holder",
            "ExpressionAttributeValues": to_item({":kept_until_s": kept_until_s, ":holder": {holder_name(call)}}),
        }

    def _step_of(self, pk: str, sk: str, step: int) -> dict[str, Any]:
        return {
            "TableName": self._table,
            "Key": to_item({"pk": pk, "sk": sk}),
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
            return _meaning(companion, refusal)
    return Committed.STALE


def _meaning(companion: Companion, refusal: dict[str, Any]) -> Committed:
    """A gate that has a line free was refused for its caps: which counters the call must be in is to be asked anew."""
    if companion.if_refused is Committed.GATE_FULL and gate_from(refusal.get("Item", {})).has_free_line:
        return Committed.STALE
    return companion.if_refused


def gate_from(item: Item) -> Gate:
    """The gate as it is kept; one that was never made lets nothing through."""
    kept = from_item(item)
    return Gate(
        in_use=kept.get("in_use", 0),
        cap=kept.get("cap", 0),
        line_ms=kept.get("line_ms", 0),
        line_ends=kept.get("line_ends", 0),
        caps_version=kept.get("caps_version", 0),
        inbound_reserve=kept.get("inbound_reserve"),
        outbound_cap=kept.get("outbound_cap"),
        allowed_prefixes=None if (listed := kept.get("allowed_prefixes")) is None else tuple(listed),
        requests_per_minute=kept.get("requests_per_minute"),
        max_waiting=kept.get("max_waiting"),
        numbers_left_at=kept.get("numbers_left_at"),
        daily=daily_of(kept),
    )


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
    return to_row(place | entry_attributes(call))


def entry_attributes(call: Call) -> dict[str, Any]:
    """What an entry of the queue tells of its call, so that whoever looks for the next one need not read it."""
    return {
        "trunk_id": call.trunk_id,
        "agent_id": call.agent_id if call.agent_first else None,
        "runner_of": call.agent_id if call.needs_place else None,
        "brain": call.brain,
        "counters": [name for name in names_of(call) if not (call.from_pool and kind_of(name) is Kind.NUMBER)],
        "pool_of": call.pipe_id if call.from_pool else None,
        "callee": call.to_number if call.from_pool else None,
        "expires_at": call.expires_at,
    }


def _once_item(call: Call, once: Once, now: int, *, under_way: bool) -> Item:
    return to_row(
        {
            "pk": once_pk(call.account_id),
            "sk": once.key_hash,
            "call_id": call.call_id,
            "body_hash": once.body_hash,
            "ttl_at_s": now // MS_PER_S + _KEY_KEPT_S,
            # Only where it was so.
            "under_way": under_way or None,
        }
    )
