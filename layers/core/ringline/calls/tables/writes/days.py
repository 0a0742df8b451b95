"""How a claim and an end count on their account's day. Both are written on the gate with the line, at no write of their
own; a number that was never called before is remembered with a write of its own, where there is a cap on such numbers.

| item          | pk                 | sk      | attributes
|---------------|--------------------|---------|--------------------------------------------------------------
| gate          | A#<account>#GATE   | GATE    | d<day>_calls, d<day>_talk_ms, d<day>_new_numbers;
|               |                    |         | day_<use>_cap (an operator's), own_day_<use>_cap
| called number | A#<account>#CALLED | <+e164> | call_id, ttl_at_s (a year after its first call)
"""

from ringline.calls.capacity.counters import day_of
from ringline.calls.capacity.days import (
    Use,
    cap_attribute,
    count_attribute,
    has_room,
    old_counts,
    own_cap_attribute,
    talked_ms,
)
from ringline.calls.model.call import Call, Direction, State
from ringline.calls.tables.writes.counting import Bound
from ringline.record import Record
from ringline.runtime.clock import MS_PER_S
from ringline.runtime.items import Item, to_item
from ringline.runtime.rows import to_row
from ringline.runtime.table import called_pk

_REMEMBERED_S = 365 * 24 * 3600


class DayStep(Record):
    """What a change of the gate does besides: what is added, what is removed, and what must hold: each of `bounds` is a
    condition that what is added must find room under."""

    adds: dict[str, int]
    removes: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    bounds: tuple[Bound, ...] = ()


NOTHING = DayStep({})


def day_step(before: Call, after: Call, *, is_new_number: bool) -> DayStep:
    """What the call's change adds to its account's day."""
    if before.direction is not Direction.OUTBOUND:
        return NOTHING
    if after.holds_slot:
        return _claimed(day_of(after.dialed_at or after.created_at), is_new_number=is_new_number)
    was_not_rung = after.state is State.QUEUED and len(after.attempts) == len(before.attempts)
    if was_not_rung:
        # The dial that comes instead is the one that counts.
        claimed_on = day_of(before.dialed_at or before.created_at) if before.claimed_on is None else before.claimed_on
        return DayStep({count_attribute(Use.CALLS, claimed_on): -1})
    talked, ended_at = talked_ms(before, after), _ended_at(before, after)
    return DayStep({count_attribute(Use.TALK_MS, day_of(ended_at)): talked}) if talked else NOTHING


def _claimed(day: int, *, is_new_number: bool) -> DayStep:
    counted = [Use.CALLS, Use.NEW_NUMBERS] if is_new_number else [Use.CALLS]
    return DayStep(
        {count_attribute(use, day): 1 for use in counted},
        tuple(old_counts(day)),
        tuple(has_room(use, day) for use in (*counted, Use.TALK_MS)),
        tuple(
            Bound(count_attribute(use, day), cap(use)) for use in counted for cap in (cap_attribute, own_cap_attribute)
        ),
    )


def _ended_at(before: Call, after: Call) -> int:
    attempt = after.attempts[-1] if len(after.attempts) > len(before.attempts) else after
    return attempt.ended_at or 0


def called_key(account_id: str, number: str) -> Item:
    return to_item({"pk": called_pk(account_id), "sk": number})


def called_row(call: Call) -> Item:
    """That the number was called, from its first claim on."""
    gone_at_s = (call.dialed_at or call.created_at) // MS_PER_S + _REMEMBERED_S
    return called_key(call.account_id, call.to_number or "") | to_row({"call_id": call.call_id, "ttl_at_s": gone_at_s})
