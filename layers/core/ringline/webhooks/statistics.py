"""How an endpoint fares: read from its log when it is asked for. Counters beside the log would be written with every
try, by all who try at once."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ringline.runtime.clock import MS_PER_S, Clock, iso
from ringline.webhooks.model.delivery import Delivery, DeliveryId, DeliveryStatus
from ringline.webhooks.model.delivery_names import name_of
from ringline.webhooks.model.delivery_pages import Page, Place, Wanted
from ringline.webhooks.model.event import Event
from ringline.webhooks.moments import first_written_since

DAY_MS = 24 * 3600 * MS_PER_S
WINDOWS_MS = {"last_day": DAY_MS, "last_7_days": 7 * DAY_MS}

MOST_DELIVERIES = 2000
"""How many are read for one answer, of the newest events: some seconds' work at most."""


class Pages(Protocol):
    def newest(
        self, account_id: str, endpoint_ids: list[str], *, wanted: Wanted, limit: int, after: Place | None
    ) -> Page: ...


class Events(Protocol):
    def page(self, account_id: str, after: int, limit: int) -> list[Event]: ...

    def last_number(self, account_id: str) -> int: ...

    def at(self, account_id: str, sequence: int) -> Event | None: ...


class FailingLists(Protocol):
    def oldest(self, account_id: str, endpoint_id: str) -> int | None:
        """The number of the oldest event that has not been delivered and is still tried."""


@dataclass(frozen=True, slots=True)
class EndpointStatistics:
    pages: Pages
    events: Events
    failing: FailingLists
    clock: Clock

    def of(self, account_id: str, endpoint_id: str) -> dict[str, Any]:
        """The endpoint's statistics as they are shown."""
        now = self.clock()
        firsts = {name: first_written_since(self.events, account_id, now - ms) for name, ms in WINDOWS_MS.items()}
        wanted = Wanted(first=min(firsts.values()))
        page = self.pages.newest(account_id, [endpoint_id], wanted=wanted, limit=MOST_DELIVERIES, after=None)
        reached = page.deliveries[-1].id.sequence if page.behind is not None and page.deliveries else 0
        windows = {
            name: _window([each for each in page.deliveries if each.id.sequence >= first], is_truncated=reached > first)
            for name, first in firsts.items()
        }
        return {"endpoint_id": endpoint_id, "oldest_undelivered": self._oldest(account_id, endpoint_id), **windows}

    def _oldest(self, account_id: str, endpoint_id: str) -> dict[str, Any] | None:
        sequence = self.failing.oldest(account_id, endpoint_id)
        event = None if sequence is None else self.events.at(account_id, sequence)
        if event is None:
            return None
        named = DeliveryId(account_id=account_id, endpoint_id=endpoint_id, sequence=event.sequence)
        return {"delivery_id": name_of(named), "sequence": event.sequence, "written_at": iso(event.written_at)}


def _window(deliveries: Sequence[Delivery], *, is_truncated: bool) -> dict[str, Any]:
    counts = Counter(each.status for each in deliveries)
    over = counts[DeliveryStatus.DELIVERED] + counts[DeliveryStatus.GAVE_UP]
    attempts = [attempt for each in deliveries for attempt in each.attempts]
    took = sorted(attempt.duration_ms for attempt in attempts if attempt.status_code is not None)
    taken = sum(1 for attempt in attempts if attempt.status_code is not None and 200 <= attempt.status_code < 300)
    return {
        "deliveries": {status.value: counts[status] for status in DeliveryStatus},
        "success_rate": _share(counts[DeliveryStatus.DELIVERED], over),
        "attempts": len(attempts),
        "attempt_success_rate": _share(taken, len(attempts)),
        "latency_ms": {"p50": percentile(took, 50), "p99": percentile(took, 99)},
        "truncated": is_truncated,
    }


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def percentile(ordered: Sequence[int], percent: int) -> int | None:
    """The smallest value that so many percent of all do not exceed; None of nothing."""
    if not ordered:
        return None
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]
