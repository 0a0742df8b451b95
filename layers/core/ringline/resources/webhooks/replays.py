"""Replays of an endpoint, and how it fares."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import Response

from ringline.calls.views.listing import check_names
from ringline.runtime.ids import is_plausible_id
from ringline.runtime.web.api import json_response
from ringline.runtime.web.asked import limit_asked
from ringline.runtime.web.http import listing
from ringline.runtime.web.problems import Problem, invalid_field
from ringline.runtime.web.routes import Request, Route
from ringline.webhooks.model.endpoint import Endpoint
from ringline.webhooks.replays import Replays, replay_view

_ANSWERS = "ringline.resources.answers.webhook_deliveries"
_OF_AN_ENDPOINT = "/v1/webhook-endpoints/<endpoint_id>"


@dataclass(frozen=True, slots=True)
class WebhookReplays:
    """`endpoint` finds an endpoint (account, endpoint), or raises Problem 404; `statistics` tells how it fares."""

    replays: Replays
    endpoint: Callable[[str, str], Endpoint]
    statistics: Callable[[str, str], dict[str, Any]]
    log: Logger

    @property
    def routes(self) -> tuple[Route, ...]:
        return (
            Route(
                "POST",
                f"{_OF_AN_ENDPOINT}/replays",
                self.start,
                summary="Sends again what an endpoint has not taken, or everything, ten events a second at most",
                body="ringline.webhooks.replay_bodies:ReplayRequest",
                answer=f"{_ANSWERS}:ShownReplay",
                status=202,
                problems=("endpoint_not_found", "endpoint_disabled", "replay_running"),
            ),
            Route(
                "GET",
                f"{_OF_AN_ENDPOINT}/replays",
                self.list_them,
                summary="Lists an endpoint's replays, newest first",
                query="ringline.resources.answers.queries:Paged",
                answer=f"{_ANSWERS}:ReplayList",
                problems=("endpoint_not_found",),
            ),
            Route(
                "GET",
                f"{_OF_AN_ENDPOINT}/replays/<replay_id>",
                self.get,
                summary="Shows how far a replay has come",
                answer=f"{_ANSWERS}:ShownReplay",
                problems=("replay_not_found",),
            ),
            Route(
                "POST",
                f"{_OF_AN_ENDPOINT}/replays/<replay_id>/stop",
                self.stop,
                summary="Stops a replay; one that is over stays as it is",
                answer=f"{_ANSWERS}:ShownReplay",
                problems=("replay_not_found", "contended"),
            ),
            Route(
                "GET",
                f"{_OF_AN_ENDPOINT}/statistics",
                self.tell_statistics,
                summary="Tells how an endpoint fared in the last day and the last seven",
                answer=f"{_ANSWERS}:ShownStatistics",
                problems=("endpoint_not_found",),
            ),
        )

    def start(self, request: Request, endpoint_id: str) -> Response[str]:
        # Bodies are read by pydantic, which takes a quarter of the function's start: only requests with one load it.
        from ringline.runtime.web.bodies import read_body
        from ringline.webhooks.replay_bodies import ReplayRequest

        body = read_body(ReplayRequest, request.json_object())
        if not self.endpoint(request.account_id, endpoint_id).is_enabled:
            raise Problem(409, "endpoint_disabled", "The endpoint is disabled; nothing is sent to it")
        replay = self.replays.start(request.account_id, endpoint_id, body.wanted)
        self.log.info("webhook replay started", extra={"endpoint_id": endpoint_id, "replay_id": replay.replay_id})
        return json_response(202, replay_view(replay))

    def list_them(self, request: Request, endpoint_id: str) -> Response[str]:
        query = {name: word for name, word in request.query.items() if word}
        check_names(query, frozenset({"limit", "cursor"}))
        limit, cursor = limit_asked(query.get("limit")), query.get("cursor")
        if cursor is not None and not is_plausible_id(cursor):
            raise invalid_field("cursor", "is not a cursor of ours")
        self.endpoint(request.account_id, endpoint_id)
        replays = self.replays.list(request.account_id, endpoint_id, limit + 1, cursor)
        behind = replays[limit - 1].replay_id if len(replays) > limit else None
        return json_response(200, listing([replay_view(replay) for replay in replays[:limit]], behind))

    def get(self, request: Request, endpoint_id: str, replay_id: str) -> Response[str]:
        return json_response(200, replay_view(self.replays.get(request.account_id, endpoint_id, replay_id)))

    def stop(self, request: Request, endpoint_id: str, replay_id: str) -> Response[str]:
        replay = self.replays.stop(request.account_id, endpoint_id, replay_id)
        self.log.info("webhook replay stopped", extra={"endpoint_id": endpoint_id, "replay_id": replay_id})
        return json_response(200, replay_view(replay))

    def tell_statistics(self, request: Request, endpoint_id: str) -> Response[str]:
        self.endpoint(request.account_id, endpoint_id)
        return json_response(200, self.statistics(request.account_id, endpoint_id))
