"""What a try's success or failure means to its endpoint: its circuit, notices that it will be disabled, and that."""

from collections.abc import Callable
from typing import Protocol

from ringline.runtime.clock import Clock, iso, iso_or_none
from ringline.webhooks.model.endpoint import DISABLED_AFTER_MS, Endpoint
from ringline.webhooks.model.event import EventDraft
from ringline.webhooks.model.event_type import EventType
from ringline.webhooks.model.target import TargetType
from ringline.webhooks.pacing.circuit import FIRST_PROBE_MS, OPENS_AFTER

NOTICES_PERCENT = (50, 70, 90)
"""Shares of the five days after which the account's other endpoints are told: two and a half days, three and a half,
four and a half."""


class Endpoints(Protocol):
    def endpoint(self, account_id: str, endpoint_id: str) -> Endpoint | None: ...

    def disable(
        self, account_id: str, judged: Endpoint, at: int, reason: str, *, failing_since: int | None = None
    ) -> None:
        """Unless it was moved since it was judged, or fails since another moment than this one."""

    def note_failure(self, account_id: str, endpoint_id: str, at: int) -> int:
        """How many there are in a row now; 0 where the circuit is open, or the endpoint is gone."""

    def open_circuit(self, account_id: str, endpoint_id: str, probe_at: int) -> None: ...

    def note_noticed(self, account_id: str, endpoint_id: str, failing_since: int, percent: int) -> None: ...

    def note_working(self, account_id: str, endpoint_id: str, failing_since: int) -> None: ...


class Health:
    def __init__(self, endpoints: Endpoints, announce: Callable[[EventDraft], int], clock: Clock) -> None:
        self._endpoints = endpoints
        self._announce = announce
        self._clock = clock

    def worked(self, account_id: str, endpoint: Endpoint) -> None:
        if endpoint.failing_since is not None:
            self._endpoints.note_working(account_id, endpoint.endpoint_id, endpoint.failing_since)

    def failed(self, account_id: str, endpoint: Endpoint, gone: str | None = None) -> None:
        """`gone` is what the endpoint said where it asked never to be called again. What is told is announced before it
        is written down: whoever dies in between tries again, and announces the same. Where each call names its URL, one
        that fails says nothing of the others."""
        if endpoint.target_type is TargetType.CALL:
            return
        now = self._clock()
        if gone is not None:
            self._disable(account_id, endpoint, gone, now)
            return
        if endpoint.has_failed_for_too_long(now):
            self._disable(account_id, endpoint, "failing for five days", now, endpoint.failing_since)
            return
        self._notice(account_id, endpoint, now)
        if endpoint.probe_at is not None:
            return
        in_a_row = self._endpoints.note_failure(account_id, endpoint.endpoint_id, now)
        if in_a_row >= OPENS_AFTER:
            self._endpoints.open_circuit(account_id, endpoint.endpoint_id, now + FIRST_PROBE_MS)

    def _disable(self, account_id: str, judged: Endpoint, why: str, now: int, failing_since: int | None = None) -> None:
        """It is read again, so that nobody is told of one that was moved, or has worked, while it was tried."""
        known = self._endpoints.endpoint(account_id, judged.endpoint_id)
        if known is None or known.url != judged.url or failing_since not in {None, known.failing_since}:
            return
        self._announce(_disabled(account_id, judged, why, now))
        self._endpoints.disable(account_id, judged, now, why, failing_since=failing_since)

    def _notice(self, account_id: str, endpoint: Endpoint, now: int) -> None:
        since = endpoint.failing_since
        percent = 0 if since is None else notice_due(now - since)
        if since is None or percent <= endpoint.noticed_percent:
            return
        self._announce(_failing(account_id, endpoint, since, percent, now))
        self._endpoints.note_noticed(account_id, endpoint.endpoint_id, since, percent)


def notice_due(failed_for_ms: int) -> int:
    """The share of the five days, in percent, that is to be told by then; 0 before the first. One that nothing was sent
    to for long skips what it has missed."""
    return max((each for each in NOTICES_PERCENT if failed_for_ms * 100 >= each * DISABLED_AFTER_MS), default=0)


def _failing(account_id: str, endpoint: Endpoint, since: int, percent: int, now: int) -> EventDraft:
    """Since when it fails, and the share, make it one event, however many deliveries fail at once."""
    return EventDraft(
        account_id=account_id,
        event_type=EventType.ENDPOINT_FAILING,
        occurred_at=now,
        data={
            "endpoint_id": endpoint.endpoint_id,
            "url": endpoint.url,
            "failing_since": iso(since),
            "percent": percent,
            "disabled_at": iso(since + DISABLED_AFTER_MS),
        },
        occurrence=f"{endpoint.endpoint_id}/{since}/{percent}",
    )


def _disabled(account_id: str, endpoint: Endpoint, why: str, now: int) -> EventDraft:
    """Its place among the endpoint's revisions makes it one event, however many deliveries fail at once."""
    return EventDraft(
        account_id=account_id,
        event_type=EventType.ENDPOINT_DISABLED,
        occurred_at=now,
        data={
            "endpoint_id": endpoint.endpoint_id,
            "url": endpoint.url,
            "disabled_reason": why,
            "failing_since": iso_or_none(endpoint.failing_since),
        },
        occurrence=f"{endpoint.endpoint_id}/{endpoint.revision}",
    )
