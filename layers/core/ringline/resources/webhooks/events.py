"""The log of events: all that the account was ever told, by number and without a gap."""

from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Protocol

from aws_lambda_powertools.event_handler import Response

from ringline.calls.views.listing import check_names
from ringline.runtime.clock import now_ms
from ringline.runtime.ids import is_plausible_id
from ringline.runtime.web.answer_size import MOST_PAGE_BYTES, sent_bytes
from ringline.runtime.web.api import json_response
from ringline.runtime.web.asked import limit_asked
from ringline.runtime.web.http import listing
from ringline.runtime.web.problems import invalid_field, not_found
from ringline.runtime.web.routes import Request, Route
from ringline.webhooks.model.event import Event
from ringline.webhooks.model.event_type import SUBSCRIPTIONS, told_as

_ANSWERS = "ringline.resources.answers.account_events"
_FILTERS = frozenset({"after", "type", "call_id", "limit"})
_SETTLES_MS = 10_000
_LONGEST_NUMBER = 15
"""Digits that a place of the log is written with."""


class Events(Protocol):
    def event(self, account_id: str, event_id: str) -> Event | None: ...

    def page(self, account_id: str, after: int, limit: int) -> list[Event]: ...


@dataclass(frozen=True, slots=True)
class EventLog:
    events: Events

    @property
    def routes(self) -> tuple[Route, ...]:
        return (
            Route(
                "GET",
                "/v1/events",
                self.list_them,
                summary="Lists the account's events behind a number, the oldest first",
                query="ringline.resources.answers.queries:EventFilters",
                answer=f"{_ANSWERS}:EventList",
            ),
            Route(
                "GET",
                "/v1/events/<event_id>",
                self.get,
                summary="Shows an event as endpoints were told it",
                answer=f"{_ANSWERS}:ShownEvent",
                problems=("event_not_found",),
            ),
        )

    def list_them(self, request: Request) -> Response[str]:
        query = {name: word for name, word in request.query.items() if word}
        check_names(query, _FILTERS)
        types = tuple(query["type"].split(",")) if "type" in query else None
        if types is not None and not set(types) <= set(SUBSCRIPTIONS):
            raise invalid_field("type", f"is not one of {', '.join(SUBSCRIPTIONS)}")
        limit = limit_asked(query.get("limit"))
        after = _number("after", query.get("after"))
        found = _settled(self.events.page(request.account_id, after, limit), after, now_ms())
        return json_response(200, _answer(found, limit, types, query.get("call_id")))

    def get(self, request: Request, event_id: str) -> Response[str]:
        event = self.events.event(request.account_id, event_id) if is_plausible_id(event_id) else None
        if event is None:
            raise not_found("event_not_found", "There is no such event, or it is kept no longer")
        return json_response(200, event.body)


def _number(name: str, text: str | None) -> int:
    if text is None:
        return 0
    if not (text.isascii() and text.isdecimal()) or len(text) > _LONGEST_NUMBER:
        raise invalid_field(name, "is not the number of an event")
    return int(text)


def _settled(found: list[Event], after: int, now: int) -> list[Event]:
    """Those before the first number that is missing and may be on its way: a query may see one row of a transaction
    before another. What has expired is missing before old events only, or for as long."""
    numbers = accumulate(found, lambda before, event: event.sequence, initial=after)
    gaps = (
        place
        for place, (before, event) in enumerate(zip(numbers, found, strict=False))
        if event.sequence != before + 1 and event.written_at > now - _SETTLES_MS
    )
    return found[: next(gaps, len(found))]


def _answer(found: list[Event], limit: int, types: tuple[str, ...] | None, call_id: str | None) -> dict[str, Any]:
    """The events that are wanted of those that were read, cut before they grow larger than an answer may. The cursor
    is the number to go on behind, where there may be more."""
    rows: list[dict[str, Any]] = []
    size = looked_at = 0
    for event in found:
        is_wanted = (types is None or told_as(types, event.event_type)) and call_id in {None, event.call_id}
        row = dict(event.body) if is_wanted else {}
        size += sent_bytes(row) if is_wanted else 0
        if rows and size > MOST_PAGE_BYTES:
            return listing(rows, str(looked_at))
        rows += [row] if is_wanted else []
        looked_at = event.sequence
    return listing(rows, str(looked_at) if len(found) == limit else None)
