"""How a call comes to count where somebody set a cap, and how it stops. One write for each counter and change.

| item    | pk               | sk                         | attributes
|---------|------------------|----------------------------|---------------------------------------------------
| counter | A#<account>#CAPS | AGENT#<agent>, PIPE#<pipe> | in_use, max_calls
|         |                  | NUMBER#<+e164>             | the same, calls_per_day, d<day>, rests_until, rests_for

What a cap says is compared where it lies: a cap that is changed in the same moment holds for this call already, or
comes behind it.
"""

from collections.abc import Iterator
from typing import Any

from ringline.calls.capacity.counters import Kind, counter_name, kind_of
from ringline.calls.capacity.pools import CallerIdRest, rest_after
from ringline.calls.model.call import Call, State
from ringline.calls.model.transfers.transfer import under_way
from ringline.calls.tables.writes.results import Committed
from ringline.record import Record
from ringline.runtime.items import Item, to_item
from ringline.runtime.table import caps_pk

# Named conditions.
HAS_ROOM = "(attribute_not_exists(max_calls) OR attribute_not_exists(in_use) OR in_use < max_calls)"
DAY_HAS_ROOM = "(attribute_not_exists(calls_per_day) OR attribute_not_exists(#today) OR #today < calls_per_day)"

_DAYS_KEPT = 1
_DAYS_CLEARED = 8
"""Counts of days before yesterday are removed with the next call. One that is older than this stays: a number that was
idle for a week leaves one behind."""


class Bound(Record):
    """That a step is only made while `count` is below `limit`: an attribute, by its name or by the expression's name
    for it, and another one that may be missing, or a number. What is counted is one more with each step; where `count`
    is missing nothing is. Of a set its members are counted."""

    count: str
    limit: str | int
    is_set: bool = False


class Stepping(Record):
    """How an item is stepped that several calls step together (`writes/together.py`). Of the expression's values, those
    that are named nowhere here are the same for all."""

    adds: tuple[str, ...] = ()
    """Values that are added up."""
    last: tuple[str, ...] = ()
    """Values of which the last one stands."""
    bounds: tuple[Bound, ...] = ()
    floors: tuple[str, ...] = ()
    """Values above which a count must be: one more with each further step."""


class Companion(Record):
    """A write of a transaction, as `transact_write_items` takes it, and what its refusal means. It has a `stepping`
    where another call's of the same kind may go with it."""

    write: dict[str, Any]
    if_refused: Committed = Committed.STALE
    stepping: Stepping | None = None


def counter_key(account_id: str, name: str) -> Item:
    return to_item({"pk": caps_pk(account_id), "sk": name})


def day_attribute(day: int) -> str:
    return f"d{day}"


class Counting:
    def __init__(self, table_name: str) -> None:
        self._table = table_name

    def of(self, before: Call, after: Call) -> Iterator[Companion]:
        """Where the call counts no longer, and where it does from now on. Leaving needs no condition: as long as the
        call counts, as its own write checks, nobody else takes it off."""
        rest = rest_after(before, after)
        rests = None if rest is None else counter_name(Kind.NUMBER, rest.number)
        for name in before.counts_in:
            if name not in after.counts_in:
                unrung = after.state is State.QUEUED and len(after.attempts) == len(before.attempts)
                yield self._leaving(before, name, rest if name == rests else None, unrung=unrung)
        if rest is not None and rests not in before.counts_in:
            yield self._resting(before, rest)
        for name in after.counts_in:
            if name not in before.counts_in:
                is_set_under_way = before.in_flight and name != _of_next_agent(before, after)
                yield self._joining(after, name) if is_set_under_way else self.taking(after, name)

    def taking(self, call: Call, name: str) -> Companion:
        """The call counts from now on, if there is room for it."""
        adds, conditions, bounds = ["in_use :one"], [HAS_ROOM], [Bound("in_use", "max_calls")]
        update: dict[str, Any] = {"TableName": self._table, "Key": counter_key(call.account_id, name)}
        clears = ""
        if _counts_days(call, name):
            today = call.counted_on or 0
            adds.append("#today :one")
            conditions.append(DAY_HAS_ROOM)
            bounds.append(Bound("#today", "calls_per_day"))
            old_days = range(today - _DAYS_CLEARED, today - _DAYS_KEPT)
            names = {f"#old{place}": day_attribute(day) for place, day in enumerate(old_days)}
            clears = f" REMOVE {', '.join(names)}"
            update["ExpressionAttributeNames"] = names | {"#today": day_attribute(today)}
        update |= {
            "UpdateExpression": f"ADD {', '.join(adds)}{clears}",
            "ConditionExpression": " AND ".join(conditions),
            "ExpressionAttributeValues": to_item({":one": 1}),
        }
        return Companion({"Update": update}, Committed.CAP_REACHED, Stepping((":one",), bounds=tuple(bounds)))

    def _joining(self, call: Call, name: str) -> Companion:
        """A call that is under way counts although there may be no room: its cap was set after it was claimed."""
        return Companion({"Update": self._update(call, name, "ADD in_use :step", {":step": 1})})

    def _leaving(self, call: Call, name: str, rest: CallerIdRest | None, *, unrung: bool) -> Companion:
        adds, sets, values = ["in_use :step"], "", {":step": -1} | _rest_values(rest)
        names = {}
        if rest is not None:
            sets = f"SET {_SET_REST} "
        if unrung and _counts_days(call, name):
            # Nobody was rung: the dial that comes instead is the one that counts.
            adds.append("#day :step")
            names = {"#day": day_attribute(call.counted_on or 0)}
        update = self._update(call, name, f"{sets}ADD {', '.join(adds)}", values)
        stepping = Stepping((":step",), tuple(_rest_values(rest)))
        return Companion({"Update": update | ({"ExpressionAttributeNames": names} if names else {})}, stepping=stepping)

    def _resting(self, call: Call, rest: CallerIdRest) -> Companion:
        name, values = counter_name(Kind.NUMBER, rest.number), _rest_values(rest)
        update = self._update(call, name, f"SET {_SET_REST}", values)
        return Companion({"Update": update}, stepping=Stepping(last=tuple(values)))

    def _update(self, call: Call, name: str, expression: str, values: dict[str, Any]) -> dict[str, Any]:
        return {
            "TableName": self._table,
            "Key": counter_key(call.account_id, name),
            "UpdateExpression": expression,
            "ExpressionAttributeValues": to_item(values),
        }


def _of_next_agent(before: Call, after: Call) -> str | None:
    """The counter of another agent that is asked for with this change; None where none is."""
    transfer = under_way(after.transfers)
    is_begun = transfer is not None and transfer.is_to_agent and transfer.begun_at is not None
    begins = is_begun and under_way(before.transfers) != transfer
    if after.agent_id is None or not (begins or after.agent_id != before.agent_id):
        return None
    return counter_name(Kind.AGENT, after.agent_id)


_SET_REST = "rests_until = :until, rests_for = :why"


def _rest_values(rest: CallerIdRest | None) -> dict[str, Any]:
    return {} if rest is None else {":until": rest.until, ":why": rest.why}


def _counts_days(call: Call, name: str) -> bool:
    """Whether the counter is of the number that is dialled from: who rings in does not use up its day."""
    return call.counted_on is not None and kind_of(name) is Kind.NUMBER
