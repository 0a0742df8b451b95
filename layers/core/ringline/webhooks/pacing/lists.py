"""The lists of failing deliveries as the sweep may send them: no faster than their endpoints are to be sent to."""

from typing import Protocol

from ringline.webhooks.model.endpoint import Endpoint
from ringline.webhooks.model.failing import FailingEndpoint, FailingKey
from ringline.webhooks.pacing.circuit import waits

_SWEEP_EACH_S = 60


class Lists(Protocol):
    def all(self) -> list[FailingEndpoint]: ...

    def due(self, endpoint: FailingEndpoint, now: int, limit: int) -> list[FailingKey]: ...

    def clear_if_empty(self, endpoint: FailingEndpoint, now: int) -> None: ...


class Endpoints(Protocol):
    def endpoint(self, account_id: str, endpoint_id: str) -> Endpoint | None: ...


class PacedLists:
    def __init__(self, lists: Lists, endpoints: Endpoints) -> None:
        self._lists = lists
        self._endpoints = endpoints

    def all(self) -> list[FailingEndpoint]:
        return self._lists.all()

    def due(self, endpoint: FailingEndpoint, now: int, limit: int) -> list[FailingKey]:
        """What of its list may be sent now, the longest overdue first: one while its circuit is open and a probe is
        due, none before, and with a limit of its own what that lets through until the next run."""
        due = self._lists.due(endpoint, now, limit)
        known = self._endpoints.endpoint(endpoint.account_id, endpoint.endpoint_id) if due else None
        return due if known is None else due[: _most(known, now, limit)]

    def clear_if_empty(self, endpoint: FailingEndpoint, now: int) -> None:
        self._lists.clear_if_empty(endpoint, now)


def _most(endpoint: Endpoint, now: int, limit: int) -> int:
    if endpoint.is_enabled and endpoint.probe_at is not None:
        return 0 if waits(endpoint, now) else 1
    return limit if endpoint.max_per_second is None else min(limit, endpoint.max_per_second * _SWEEP_EACH_S)
