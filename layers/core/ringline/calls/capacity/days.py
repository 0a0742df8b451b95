"""What an account may use up on one day (UTC), and what it has: calls that were dialled, minutes that were talked, and
numbers that it never called before.

The counts lie on the account's gate, which a claim and an end write anyhow: each day has counts of its own, so that
nobody has to set them back. The caps lie beside them. One is the operator's, the other the account's own, and the lower
one holds.
"""

import re
from collections.abc import Mapping
from typing import Any

from ringline.calls.capacity.counters import day_of
from ringline.calls.model.call import Call
from ringline.later import StoredWord
from ringline.record import Record

MS_A_MINUTE = 60_000
_MS_A_DAY = 24 * 3600 * 1000

_CLEARED_FROM, _CLEARED_TO = 4, 2
"""Counts of so many days ago are removed with a claim. An account that is idle for longer leaves those of a day."""


class Use(StoredWord):
    """What is counted, as the gate names it."""

    CALLS = "calls"
    TALK_MS = "talk_ms"
    NEW_NUMBERS = "new_numbers"


def cap_attribute(use: Use) -> str:
    return f"day_{use}_cap"


def own_cap_attribute(use: Use) -> str:
    return f"own_day_{use}_cap"


def count_attribute(use: Use, day: int) -> str:
    return f"d{day}_{use}"


def old_counts(day: int) -> list[str]:
    """Counts that nobody asks for any more."""
    days = range(day - _CLEARED_FROM, day - _CLEARED_TO + 1)
    return [count_attribute(use, each) for each in days for use in Use]


def has_room(use: Use, day: int) -> str:
    """The condition that the gate holds a claim to: below both caps, where there are any."""
    count = count_attribute(use, day)
    return " AND ".join(
        f"(attribute_not_exists({cap}) OR {count} < {cap} OR (attribute_not_exists({count}) AND {cap} > :zero))"
        for cap in (cap_attribute(use), own_cap_attribute(use))
    )


class Daily(Record):
    """An account's caps and counts, as its gate has them."""

    kept: Mapping[str, Any]

    def cap(self, use: Use) -> int | None:
        """The lower one of both; None where there is none."""
        both = (self.kept.get(cap_attribute(use)), self.own_cap(use))
        return min((each for each in both if each is not None), default=None)

    def own_cap(self, use: Use) -> int | None:
        own: int | None = self.kept.get(own_cap_attribute(use))
        return own

    def used(self, use: Use, moment: int) -> int:
        """How much of it was used up on the day of that moment."""
        counted: int = self.kept.get(count_attribute(use, day_of(moment)), 0)
        return max(0, counted)

    def is_spent(self, use: Use, moment: int) -> bool:
        cap = self.cap(use)
        return cap is not None and self.used(use, moment) >= cap

    def stops_all(self, moment: int) -> bool:
        """Whether no call may be dialled any more on that day, whomever it is to."""
        return self.stopped_by(moment) is not None

    def stopped_by(self, moment: int) -> Use | None:
        """What is used up, so that no call may be dialled any more on that day; None where calls may."""
        return next((use for use in (Use.CALLS, Use.TALK_MS) if self.is_spent(use, moment)), None)


NO_DAY = Daily({})

_OF_DAYS = re.compile(r"d[0-9]+_|(?:own_)?day_")
"""What the names of counts and caps begin with."""


def daily_of(kept: Mapping[str, Any]) -> Daily:
    """What a gate's row says of days."""
    return Daily({name: value for name, value in kept.items() if _OF_DAYS.match(name)})


def next_day_at(moment: int) -> int:
    """When the next day begins."""
    return (day_of(moment) + 1) * _MS_A_DAY


def talked_ms(before: Call, after: Call) -> int:
    """How long the attempt that ends with this change was talked on."""
    attempt = after.attempts[-1] if len(after.attempts) > len(before.attempts) else after
    if attempt.answered_at is None or attempt.ended_at is None:
        return 0
    return max(0, attempt.ended_at - attempt.answered_at)
