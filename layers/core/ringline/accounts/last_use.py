"""When each API key was used last, and from where, without a write at each use.

The first use in each hour of the clock is written, by whichever container meets it. So a key's `last_used_at` is at
most an hour behind its last use, and the address is that of the first use in that hour:

    a request                       nothing, or
    a container's first in an hour  half a read unit for each key
    a key's first in an hour        one write unit on a row of its own, which no call needs

A use that could not be written is no reason to refuse it: the next hour's is written.
"""

from dataclasses import dataclass, field
from typing import Protocol

from aws_lambda_powertools import Logger

from ringline.runtime.clock import MS_PER_S, Clock

PRECISION_MS = 3600 * MS_PER_S


@dataclass(frozen=True, slots=True)
class LastUse:
    """`at` in milliseconds."""

    at: int
    source_ip: str | None


class UseRows(Protocol):
    def last_use(self, account_id: str, key_id: str) -> LastUse | None:
        """As it may have been some moments ago."""

    def note(self, account_id: str, key_id: str, use: LastUse, before: int) -> None:
        """Keeps the use, unless one since `before` is kept."""


@dataclass(slots=True)
class LastUses:
    """What one container has seen in the hour that it is."""

    rows: UseRows
    clock: Clock
    log: Logger
    _hour: int = 0
    _seen: set[str] = field(default_factory=set)

    def saw(self, account_id: str, key_id: str, source_ip: str | None) -> None:
        """A request with this key was let through."""
        now = self.clock()
        hour = now // PRECISION_MS
        if hour != self._hour:
            self._hour, self._seen = hour, set()
        if key_id in self._seen:
            return
        self._seen.add(key_id)
        began = hour * PRECISION_MS
        try:
            known = self.rows.last_use(account_id, key_id)
            if known is None or known.at < began:
                self.rows.note(account_id, key_id, LastUse(now, source_ip), began)
        except Exception:
            self.log.warning("use of a key not noted", extra={"key_id": key_id}, exc_info=True)
