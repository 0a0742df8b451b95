"""Which number of a pipe's pool a call goes out on, and when a number of it is left alone for a while."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum

from ringline.calls.capacity.counters import Counter
from ringline.calls.model.call import Call, Refusal
from ringline.calls.model.timing import CALLER_ID_RESTS_S, ms
from ringline.record import Record

_UNWANTED = frozenset({607, 608})
"""The callee, or an analytics service on its behalf, does not want calls from that number (RFC 8197, RFC 8688)."""


class CallerIdPolicy(StrEnum):
    FIXED = "fixed"
    """The first of the pool, and the next where that one has no room or rests."""
    STICKY = "sticky"
    """Each callee sees the same number, as long as that one has room and does not rest."""
    LEAST_USED = "least_used"
    """The one that was dialled from least often today."""


class CallerIdRest(Record):
    """A number that is not chosen before `until` (ms), because a carrier refused a call from it with `why`."""

    number: str
    until: int
    why: str


def choices(
    pool: Sequence[str], policy: str | None, callee: str, look: Callable[[str], Counter], now: int
) -> Iterator[str]:
    """The numbers of the pool that may be dialled from now, the best first. Which numbers are looked at depends on the
    policy: two of the three look at no more than they need."""
    for number in _ranked(pool, policy, callee, look):
        counter = look(number)
        if counter.has_room and not counter.rests(now):
            yield number


def _ranked(pool: Sequence[str], policy: str | None, callee: str, look: Callable[[str], Counter]) -> Sequence[str]:
    """A policy of a later version ranks as the pool stands."""
    if policy == CallerIdPolicy.STICKY:
        return sorted(pool, key=lambda number: _weight(number, callee), reverse=True)
    if policy == CallerIdPolicy.LEAST_USED:
        return sorted(pool, key=lambda number: (look(number).today, look(number).in_use))
    return pool


def _weight(number: str, callee: str) -> bytes:
    """Rendezvous hashing: nothing is stored for a callee, and a number that joins or leaves a pool of n moves one
    callee in n."""
    return hashlib.sha256(f"{number} {callee}".encode()).digest()


def rest_after(before: Call, after: Call) -> CallerIdRest | None:
    """The rest of the number that an attempt of a pool's went out on, which ends with this change; None where its end
    says nothing about the number."""
    ended = before.in_flight and not after.in_flight
    if not ended or not before.from_pool or before.from_number is None:
        return None
    why = refused_for_its_number(after)
    ended_at = after.attempts[-1].ended_at if len(after.attempts) > len(before.attempts) else after.ended_at
    if why is None or ended_at is None:
        return None
    return CallerIdRest(before.from_number, ended_at + ms(CALLER_ID_RESTS_S), why)


def refused_for_its_number(call: Call) -> str | None:
    """What was wrong with the number that was dialled from, in a carrier's words; None if it said nothing of it."""
    if call.answered_at is not None:
        return None
    if call.evidence.sip_code in _UNWANTED:
        return f"sip_{call.evidence.sip_code}"
    return "fraud" if call.evidence.refusal == Refusal.FRAUD else None
