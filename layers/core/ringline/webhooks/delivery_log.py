"""The log of deliveries as customers read it, and one of them sent again."""

import base64
import json
from collections.abc import Callable, Collection, Iterable, Sequence
from copy import replace
from typing import Any, Protocol

from ringline.runtime.clock import iso, iso_or_none
from ringline.runtime.ids import is_plausible_id
from ringline.runtime.web.problems import Problem, not_found
from ringline.webhooks.model.delivery import ASKED_BY_CUSTOMER, Attempt, Delivery, DeliveryId, without_answers
from ringline.webhooks.model.delivery_names import delivery_named, name_of
from ringline.webhooks.model.delivery_pages import Page, Place, Wanted
from ringline.webhooks.model.endpoint import Endpoint
from ringline.webhooks.model.event import Event


class DeliveryRows(Protocol):
    def delivery(self, delivery_id: DeliveryId) -> Delivery | None: ...


class Pages(Protocol):
    def newest(
        self, account_id: str, endpoint_ids: list[str], *, wanted: Wanted, limit: int, after: Place | None
    ) -> Page: ...


class Endpoints(Protocol):
    def endpoint(self, account_id: str, endpoint_id: str) -> Endpoint | None: ...

    def endpoints(self, account_id: str) -> list[Endpoint]: ...


class Events(Protocol):
    def at(self, account_id: str, sequence: int) -> Event | None: ...


type ErasedOf = Callable[[str, Iterable[int]], Collection[int]]
"""The numbers, of these, of an account's events whose content is erased."""

type Open = Callable[[Endpoint, Event, Delivery | None, str], Delivery | None]
"""Opens a delivery again (`sending.reopening`)."""


class DeliveryLog:
    """`send` puts a delivery into the queue. Raises Problem 404 `delivery_not_found`, 409 `endpoint_disabled` or
    `event_not_kept`."""

    def __init__(
        self,
        *,
        deliveries: DeliveryRows,
        pages: Pages,
        endpoints: Endpoints,
        events: Events,
        erased: ErasedOf,
        reopen: Open,
        send: Callable[[DeliveryId], None],
    ) -> None:
        self._deliveries = deliveries
        self._pages = pages
        self._endpoints = endpoints
        self._events = events
        self._erased = erased
        self._reopen = reopen
        self._send = send

    def list(self, account_id: str, endpoint_id: str | None, wanted: Wanted, limit: int, cursor: str | None) -> Page:
        """A page of deliveries, of the newest event first: to one endpoint, which may be deleted, or to all that there
        are. Raises ValueError for a cursor that is none of ours."""
        after = None if cursor is None else _place_in(cursor)
        if endpoint_id is not None:
            endpoint_ids = [endpoint_id] if is_plausible_id(endpoint_id) else []
        else:
            endpoint_ids = [endpoint.endpoint_id for endpoint in self._endpoints.endpoints(account_id)]
        page = self._pages.newest(account_id, endpoint_ids, wanted=wanted, limit=limit, after=after)
        return replace(page, deliveries=self._as_shown(account_id, page.deliveries))

    def get(self, account_id: str, name: str) -> Delivery:
        """The delivery of this name, with its tries."""
        delivery_id = delivery_named(account_id, name) if is_plausible_id(name) else None
        delivery = None if delivery_id is None else self._deliveries.delivery(delivery_id)
        if delivery is None:
            raise not_found("delivery_not_found", "There is no such delivery, or nobody has tried it yet")
        return self._as_shown(account_id, (delivery,))[0]

    def _as_shown(self, account_id: str, deliveries: Sequence[Delivery]) -> tuple[Delivery, ...]:
        """Without answers to events whose content is erased: a post that was under way meanwhile may have kept one, or
        one to an endpoint that is deleted."""
        answered = {each.id.sequence for each in deliveries if any(attempt.answer for attempt in each.attempts)}
        erased = self._erased(account_id, answered)
        return tuple(without_answers(each) if each.id.sequence in erased else each for each in deliveries)

    def redeliver(self, account_id: str, name: str) -> Delivery:
        """Has it tried again, at once and then by the schedule, whatever became of it before. One that is just being
        tried for this reason stays as it is."""
        delivery = self.get(account_id, name)
        endpoint = self._endpoints.endpoint(account_id, delivery.id.endpoint_id)
        if endpoint is None or not endpoint.is_enabled:
            raise Problem(409, "endpoint_disabled", "The endpoint is disabled or deleted; nothing is sent to it")
        event = self._events.at(account_id, delivery.id.sequence)
        if event is None or event.event_id != delivery.event_id:
            raise Problem(409, "event_not_kept", "The event is kept no longer")
        if is_being_tried(delivery):
            return delivery
        opened = self._reopen(endpoint, event, delivery, ASKED_BY_CUSTOMER)
        if opened is None:
            return self.get(account_id, name)
        self._send(opened.id)
        return opened


def is_being_tried(delivery: Delivery) -> bool:
    """Whether it was opened again and nothing came of that yet."""
    return delivery.reopened_at is not None and delivery.next_attempt_at == delivery.reopened_at


def delivery_row(delivery: Delivery) -> dict[str, Any]:
    """The delivery as lists show it."""
    last = delivery.attempts[-1] if delivery.attempts else None
    return {
        "delivery_id": name_of(delivery.id),
        "endpoint_id": delivery.id.endpoint_id,
        "event_id": delivery.event_id,
        "sequence": delivery.id.sequence,
        "type": delivery.told_as,
        "call_id": delivery.call_id,
        "webhook_id": delivery.webhook_id,
        "status": delivery.status,
        "attempt_count": delivery.attempt_count,
        "last_attempt": None if last is None else attempt_view(last),
        "next_attempt_at": iso_or_none(delivery.next_attempt_at),
        "sent_again_at": iso_or_none(delivery.reopened_at),
        "sent_again_by": delivery.reopened_by,
    }


def delivery_view(delivery: Delivery) -> dict[str, Any]:
    """The delivery with its latest tries, the oldest first."""
    return delivery_row(delivery) | {"attempts": [attempt_view(attempt) for attempt in delivery.attempts]}


def attempt_view(attempt: Attempt) -> dict[str, Any]:
    """One POST as it is shown."""
    return {
        "at": iso(attempt.at),
        "duration_ms": attempt.duration_ms,
        "status_code": attempt.status_code,
        "error": attempt.error,
        "phase": attempt.phase,
        "answer": attempt.answer,
    }


def cursor_behind(place: Place | None) -> str | None:
    """The cursor of the page that begins there."""
    if place is None:
        return None
    return base64.urlsafe_b64encode(json.dumps([place.sequence, place.endpoint_id]).encode()).decode()


def _place_in(cursor: str) -> Place:
    """The account is never in it: a cursor of another account leads nowhere. Raises ValueError."""
    try:
        sequence, endpoint_id = json.loads(base64.urlsafe_b64decode(cursor.encode()))
    except (ValueError, TypeError):
        raise ValueError("not a cursor") from None
    if type(sequence) is not int or not 0 < sequence < 10**15 or not isinstance(endpoint_id, str):
        raise ValueError("not a cursor")
    return Place(sequence, endpoint_id)
