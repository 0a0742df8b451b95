"""Calls: list them, get one, its timeline, end one. `POST /v1/calls` has a function of its own, create_call."""

from collections.abc import Callable
from copy import replace
from dataclasses import dataclass
from functools import partial
from typing import Any

from aws_lambda_powertools.event_handler import Response

from ringline.calls.model.call import Call
from ringline.calls.model.ports import Places
from ringline.calls.outcomes.store import Outcomes
from ringline.calls.outcomes.view import outcome_view
from ringline.calls.progress.capacity import Capacity
from ringline.calls.progress.hang_up import HungUp
from ringline.calls.tables.paces import TrunkPaces
from ringline.calls.tables.pages import CallPages
from ringline.calls.tables.recordings import recording_url
from ringline.calls.tables.store import CallStore
from ringline.calls.tables.transcripts import Transcripts
from ringline.calls.views.call_view import call_view
from ringline.calls.views.listing import answer_page, list_calls
from ringline.calls.views.queue_place import queue_place
from ringline.calls.views.session_view import transcript_view
from ringline.calls.views.timeline import timeline
from ringline.runtime.clock import Clock, iso
from ringline.runtime.ids import is_plausible_id
from ringline.runtime.web.api import json_response
from ringline.runtime.web.http import listing
from ringline.runtime.web.problems import Problem, not_found
from ringline.runtime.web.routes import Request, Route

_ANSWERS = "ringline.resources.answers.calls"


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """`hang_up` ends a call (account, call) and returns it, or None where there is no such call. `read_number` is the
    E.164 of a number as an account writes it."""

    store: CallStore
    pages: CallPages
    paces: TrunkPaces
    places: Places
    capacity: Capacity
    transcripts: Transcripts
    outcomes: Outcomes
    records_bucket: str
    hang_up: Callable[[str, str], HungUp | None]
    read_number: Callable[[str, str], str]
    clock: Clock

    @property
    def routes(self) -> tuple[Route, ...]:
        return (
            Route(
                "GET",
                "/v1/calls",
                self.list_them,
                summary="Lists calls, newest first",
                query="ringline.resources.answers.queries:CallFilters",
                answer=f"{_ANSWERS}:CallList",
            ),
            Route(
                "GET",
                "/v1/calls/<call_id>",
                self.get,
                summary="Shows a call with its words, and what it waits for",
                answer=f"{_ANSWERS}:CallInFull",
                problems=("call_not_found",),
            ),
            Route(
                "GET",
                "/v1/calls/<call_id>/events",
                self.tell_events,
                summary="Tells what happened to a call, and when",
                answer=f"{_ANSWERS}:CallEvents",
                problems=("call_not_found",),
            ),
            Route(
                "POST",
                "/v1/calls/<call_id>/hangup",
                self.end,
                summary="Ends a call in whatever state it is; asking twice changes nothing",
                answer=f"{_ANSWERS}:EndedCall",
                problems=("call_not_found", "contended"),
            ),
            Route(
                "POST",
                "/v1/calls/<call_id>/cancel",
                self.end,
                summary="Ends a call, as `hangup` does",
                answer=f"{_ANSWERS}:EndedCall",
                problems=("call_not_found", "contended"),
            ),
        )

    def list_them(self, request: Request) -> Response[str]:
        read_number = partial(self.read_number, request.account_id)
        page = list_calls(self.pages, request.account_id, request.query, self.clock(), read_number)
        whole = replace(page, calls=tuple(self.store.all_whole(page.calls)))
        return json_response(200, answer_page(whole, self._shown))

    def get(self, request: Request, call_id: str) -> Response[str]:
        call = self._call(request, call_id)
        place = queue_place(self.store, self.paces, self.places, self.capacity, call, self.clock())
        waits = {} if place is None else {"queue": place.as_json()}
        words = transcript_view(self.transcripts.read(call))
        # A call that was never dialled has no outcome, and costs no request for one. One that was erased shows none
        # that was told in that very moment.
        may_have_some = call.attempt and call.content_erased_at is None
        outcomes = self.outcomes.of_call(call.account_id, call.call_id) if may_have_some else []
        analytics = {"analytics": [outcome_view(call, each) for each in outcomes]}
        return json_response(200, self._shown(call) | words | analytics | waits)

    def tell_events(self, request: Request, call_id: str) -> Response[str]:
        call = self._call(request, call_id)
        now = self.clock()
        place = queue_place(self.store, self.paces, self.places, self.capacity, call, now)
        waits = [] if place is None else [{"at": iso(now), "what": "waits", **place.as_json()}]
        return json_response(200, listing([*timeline(call), *waits], None))

    def end(self, request: Request, call_id: str) -> Response[str]:
        hung_up = self.hang_up(request.account_id, call_id) if is_plausible_id(call_id) else None
        if hung_up is None:
            raise _no_such_call()
        return json_response(200, self._shown(hung_up.call) | {"result": hung_up.result.value})

    def _call(self, request: Request, call_id: str) -> Call:
        call = self.store.get(request.account_id, call_id) if is_plausible_id(call_id) else None
        if call is None:
            raise _no_such_call()
        return call

    def _shown(self, call: Call) -> dict[str, Any]:
        return call_view(self.store.whole(call)) | {"recording_url": recording_url(call, self.records_bucket)}


def _no_such_call() -> Problem:
    return not_found("call_not_found", "There is no such call")
