"""How many requests an API key makes a minute, and whether that is too many.

Each container of the authorizer counts by itself and tells the table only now and then what it counted; what it is
told back is what all of them counted. So a request waits for no write, and no row is written at each of them:

    a request                  nothing, or
    each 200th of the limit    one write unit on a row of the key's and the minute's own
    past the limit             nothing: a key that floods is refused from memory
    each minute of a container half a read unit for the account's limit

What a container has not told yet is what a key may have beyond its limit: at most a 200th of it for each container.
"""

from dataclasses import dataclass, field
from typing import Protocol

from ringline.runtime.clock import MS_PER_S, Clock

USUAL_REQUESTS_PER_MINUTE = 6000
"""A hundred a second: an SDK that asks for a call each second needs 60 a minute for each call it follows."""

MINUTE_S = 60
_MINUTE_MS = MINUTE_S * MS_PER_S
_TOLD_EACH = 200


@dataclass(frozen=True, slots=True)
class Rate:
    """How a key stands within its minute: `limit` requests, `left` of them as far as is known, and when it begins anew.
    A request that is one too many `is_over`."""

    limit: int
    left: int
    resets_in_s: int
    is_over: bool = False


class RateRows(Protocol):
    def limit_of(self, account_id: str) -> int | None:
        """Requests a minute of each key of the account; None where nobody set it."""

    def add(self, key_id: str, minute: int, requests: int) -> int:
        """How many requests of the key all containers counted in that minute since 1970, with these."""


@dataclass(slots=True)
class _Counted:
    known: int = 0
    untold: int = 0


@dataclass(slots=True)
class KeyRates:
    """What one container counted in the minute that it is."""

    rows: RateRows
    clock: Clock
    _minute: int = 0
    _counted: dict[str, _Counted] = field(default_factory=dict)
    _limits: dict[str, int] = field(default_factory=dict)

    def take(self, account_id: str, key_id: str) -> Rate:
        """Counts one request of the key, unless it is one too many."""
        now = self.clock()
        minute, into_ms = divmod(now, _MINUTE_MS)
        if minute != self._minute:
            self._minute, self._counted, self._limits = minute, {}, {}
        resets_in_s = -(-(_MINUTE_MS - into_ms) // MS_PER_S)
        limit = self._limit_of(account_id)
        counted = self._counted.setdefault(key_id, _Counted())
        if counted.known + counted.untold < limit:
            counted.untold += 1
            if counted.untold >= max(1, limit // _TOLD_EACH):
                counted.known, counted.untold = self.rows.add(key_id, minute, counted.untold), 0
            total = counted.known + counted.untold
            if total <= limit:
                return Rate(limit, limit - total, resets_in_s)
        return Rate(limit, 0, resets_in_s, is_over=True)

    def _limit_of(self, account_id: str) -> int:
        if account_id not in self._limits:
            own = self.rows.limit_of(account_id)
            self._limits[account_id] = USUAL_REQUESTS_PER_MINUTE if own is None else own
        return self._limits[account_id]
