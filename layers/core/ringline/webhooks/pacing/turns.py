"""Whether a delivery may be tried now: its endpoint's circuit, and its limits.

One that is held back by a limit gets a place behind those that wait already, and its message comes back at that moment
(`turn_at`); whoever comes meanwhile goes behind it. It keeps its tries.
"""

import hashlib
from collections.abc import Callable
from copy import replace
from typing import Protocol
from urllib.parse import urlsplit

from ringline.runtime.clock import Clock
from ringline.webhooks.model.delivery import Delivery, DeliveryId
from ringline.webhooks.model.endpoint import Endpoint
from ringline.webhooks.model.pace import (
    SECOND_MS,
    SLOW_FOR_MS,
    SLOW_MS,
    SLOW_RENEWED_MS,
    HeldBack,
    Limits,
    NoTurn,
    Turn,
    limits_of,
)
from ringline.webhooks.model.schedule import LOST_MESSAGE_MS
from ringline.webhooks.model.target import TargetType
from ringline.webhooks.pacing.circuit import is_asked_for, probe_wait_ms, waits

_LONGEST_ASK_MS = 15_000
"""Between two looks of a delivery whose turn has come, at most."""


class TurnRows(Protocol):
    def take(self, account_id: str, endpoint_id: str, limits: Limits, now: int, *, has_waited: bool) -> Turn | NoTurn:
        """A turn and a lease, where both are free. Who has not waited takes none from those that do."""

    def leave(self, account_id: str, endpoint_id: str, turn: Turn, took_ms: int) -> None: ...

    def wait(self, account_id: str, endpoint_id: str, not_before: int, spacing_ms: int) -> int:
        """The moment of a place behind all that wait."""


class Endpoints(Protocol):
    def claim_probe(self, account_id: str, endpoint_id: str, probe_at: int, probes: int, next_at: int) -> bool: ...

    def note_slow(self, account_id: str, endpoint_id: str, until: int, unless_after: int) -> None: ...


class Deliveries(Protocol):
    def record_failed(self, delivery: Delivery, attempts_read: int, now: int) -> bool: ...


class Turns:
    def __init__(
        self,
        *,
        rows: TurnRows,
        endpoints: Endpoints,
        deliveries: Deliveries,
        send_later: Callable[[DeliveryId, int, int], None],
        clock: Clock,
    ) -> None:
        """`send_later` has a delivery come again for its turn (a moment, ms) after so many ms, at most as long as a
        message can be held back."""
        self._rows = rows
        self._endpoints = endpoints
        self._deliveries = deliveries
        self._send_later = send_later
        self._clock = clock

    def admit(self, delivery: Delivery, endpoint: Endpoint, turn_at: int | None, address: str) -> Turn | HeldBack:
        """`turn_at` is what the delivery's message was held back for, None where it comes for the first time. `address`
        is where it goes."""
        now, asked_for = self._clock(), is_asked_for(delivery)
        if waits(endpoint, now) and not asked_for:
            return self._wait_for_probe(delivery, now)
        turn = self._turn(delivery, endpoint, turn_at, now, _row_of(endpoint, address))
        if isinstance(turn, HeldBack) or endpoint.probe_at is None or asked_for:
            return turn
        account_id, endpoint_id = delivery.id.account_id, delivery.id.endpoint_id
        next_at = now + probe_wait_ms(endpoint.probes + 1)
        if self._endpoints.claim_probe(account_id, endpoint_id, endpoint.probe_at, endpoint.probes + 1, next_at):
            return turn
        self.leave(delivery.id, endpoint, turn)
        return self._wait_for_probe(delivery, now)

    def leave(self, delivery_id: DeliveryId, endpoint: Endpoint, turn: Turn) -> None:
        """The post is over."""
        now = self._clock()
        took_ms = max(0, now - turn.at)
        account_id, endpoint_id = delivery_id.account_id, delivery_id.endpoint_id
        if turn.lease is not None:
            self._rows.leave(account_id, turn.row or endpoint_id, turn, took_ms)
        renews = endpoint.slow_until is None or endpoint.slow_until < now + SLOW_FOR_MS - SLOW_RENEWED_MS
        if took_ms >= SLOW_MS and renews:
            unless_after = now + SLOW_FOR_MS - SLOW_RENEWED_MS
            self._endpoints.note_slow(account_id, endpoint_id, now + SLOW_FOR_MS, unless_after)

    def _turn(self, delivery: Delivery, endpoint: Endpoint, turn_at: int | None, now: int, row: str) -> Turn | HeldBack:
        limits = limits_of(endpoint, now)
        if limits is None:
            return Turn(now)
        account_id = delivery.id.account_id
        if turn_at is not None and turn_at > now:
            # Its turn is further away than a message can be held back.
            return self._hold(delivery, turn_at, turn_at - now, now)
        has_waited = turn_at is not None or is_asked_for(delivery)
        taken = self._rows.take(account_id, row, limits, now, has_waited=has_waited)
        if isinstance(taken, Turn):
            return replace(taken, row=row)
        if turn_at is not None:
            # Those of its own moment were faster: it stays ahead of all that comes new. The longer it is late, the more
            # are, and the seldomer each of them asks.
            late_ms = min((now - turn_at) // 4, _LONGEST_ASK_MS)
            return self._hold(delivery, turn_at, max(SECOND_MS, taken.free_at - now, late_ms), now)
        place_at = self._rows.wait(account_id, row, taken.free_at, taken.spacing_ms)
        return self._hold(delivery, place_at, place_at - now, now)

    def _hold(self, delivery: Delivery, turn_at: int, wait_ms: int, now: int) -> HeldBack:
        if delivery.due_at is not None and delivery.due_at < now + wait_ms + LOST_MESSAGE_MS:
            # It stands on the list of what is overdue, and is not to be sent from there meanwhile.
            later = replace(delivery, next_attempt_at=turn_at, due_at=now + wait_ms + LOST_MESSAGE_MS)
            self._deliveries.record_failed(later, delivery.attempt_count, now)
        self._send_later(delivery.id, turn_at, wait_ms)
        return HeldBack("its endpoint takes no more now", wait_ms)

    def _wait_for_probe(self, delivery: Delivery, now: int) -> HeldBack:
        waiting = replace(delivery, next_attempt_at=None, due_at=now)
        self._deliveries.record_failed(waiting, delivery.attempt_count, now)
        return HeldBack("its endpoint fails, and is only tried now and then", None)


def _row_of(endpoint: Endpoint, address: str) -> str:
    """Whose turns are taken: the endpoint's, or where each call names its URL those of that server, so that one that is
    slow delays none of the others. Limits that the customer has set are of all of them together."""
    if endpoint.target_type is not TargetType.CALL or endpoint.max_per_second or endpoint.max_parallel:
        return endpoint.endpoint_id
    return f"{endpoint.endpoint_id}#{hashlib.sha256(urlsplit(address).netloc.encode()).hexdigest()[:16]}"
