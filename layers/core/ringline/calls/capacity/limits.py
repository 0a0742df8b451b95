"""Limits of an account that are told when it meets them, and the windows in which each is told once."""

from ringline.calls.capacity.days import Use
from ringline.later import StoredWord
from ringline.record import Record

_HOUR_MS = 3600 * 1000


class Limit(StoredWord):
    WAITING_CALLS = "waiting_calls"
    DAILY_CALLS = "daily_calls"
    DAILY_MINUTES = "daily_minutes"
    DAILY_NEW_NUMBERS = "daily_new_numbers"


LIMIT_OF = {
    Use.CALLS: Limit.DAILY_CALLS,
    Use.TALK_MS: Limit.DAILY_MINUTES,
    Use.NEW_NUMBERS: Limit.DAILY_NEW_NUMBERS,
}


class ReachedLimit(Record):
    """An account has met a limit for the first time in a window (both ends in ms): a day (UTC), or where there is no
    day to it an hour. `cap` is the limit's number as it is shown: of minutes these."""

    account_id: str
    limit: Limit
    cap: float
    reached_at: int
    window_began_at: int
    window_ends_at: int


def reached(account_id: str, limit: Limit, cap: float, now: int) -> ReachedLimit:
    window_ms = _HOUR_MS if limit is Limit.WAITING_CALLS else 24 * _HOUR_MS
    began_at = now - now % window_ms
    return ReachedLimit(account_id, limit, cap, now, began_at, began_at + window_ms)
