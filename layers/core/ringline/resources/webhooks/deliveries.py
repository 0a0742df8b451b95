"""The log of deliveries: list them, read one with its tries, have one sent again."""

from collections.abc import Iterable
from dataclasses import dataclass

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import Response

from ringline.calls.views.listing import check_names
from ringline.runtime.web.answer_size import fitting
from ringline.runtime.web.api import json_response
from ringline.runtime.web.asked import limit_asked, moment_asked
from ringline.runtime.web.http import listing
from ringline.runtime.web.problems import invalid_field
from ringline.runtime.web.routes import Request, Route
from ringline.webhooks.delivery_log import DeliveryLog, cursor_behind, delivery_row, delivery_view
from ringline.webhooks.model.delivery import DeliveryStatus
from ringline.webhooks.model.delivery_pages import LAST_OF_ALL, Page, Wanted, place_of
from ringline.webhooks.model.event_type import SUBSCRIPTIONS
from ringline.webhooks.moments import Events, first_written_since

_ANSWERS = "ringline.resources.answers.webhook_deliveries"
_FILTERS = frozenset({"endpoint_id", "status", "type", "call_id", "since", "until", "limit", "cursor"})


@dataclass(frozen=True, slots=True)
class WebhookDeliveries:
    deliveries: DeliveryLog
    events: Events
    log: Logger

    @property
    def routes(self) -> tuple[Route, ...]:
        return (
            Route(
                "GET",
                "/v1/webhook-deliveries",
                self.list_them,
                summary="Lists deliveries that were tried, of the newest event first",
                query="ringline.resources.answers.queries:DeliveryFilters",
                answer=f"{_ANSWERS}:DeliveryList",
            ),
            Route(
                "GET",
                "/v1/webhook-deliveries/<delivery_id>",
                self.get,
                summary="Shows a delivery with its tries",
                answer=f"{_ANSWERS}:ShownDelivery",
                problems=("delivery_not_found",),
            ),
            Route(
                "POST",
                "/v1/webhook-deliveries/<delivery_id>/redeliver",
                self.redeliver,
                summary="Sends a delivery again, under the same webhook-id and with the same bytes",
                answer=f"{_ANSWERS}:ShownDelivery",
                status=202,
                problems=("delivery_not_found", "endpoint_disabled", "event_not_kept"),
            ),
        )

    def list_them(self, request: Request) -> Response[str]:
        query = {name: word for name, word in request.query.items() if word}
        check_names(query, _FILTERS)
        since, until = moment_asked("since", query.get("since")), moment_asked("until", query.get("until"))
        wanted = Wanted(
            statuses=_words("status", query.get("status"), DeliveryStatus),
            event_types=_words("type", query.get("type"), SUBSCRIPTIONS),
            call_id=query.get("call_id"),
            first=1 if since is None else first_written_since(self.events, request.account_id, since),
            last=LAST_OF_ALL if until is None else first_written_since(self.events, request.account_id, until) - 1,
        )
        limit = limit_asked(query.get("limit"))
        try:
            page = self.deliveries.list(
                request.account_id, query.get("endpoint_id"), wanted, limit, query.get("cursor")
            )
        except ValueError:
            raise invalid_field("cursor", "is not a cursor of ours") from None
        return json_response(200, _answer(page))

    def get(self, request: Request, delivery_id: str) -> Response[str]:
        return json_response(200, delivery_view(self.deliveries.get(request.account_id, delivery_id)))

    def redeliver(self, request: Request, delivery_id: str) -> Response[str]:
        delivery = self.deliveries.redeliver(request.account_id, delivery_id)
        self.log.info("webhook delivery sent again", extra={"delivery_id": delivery_id})
        return json_response(202, delivery_view(delivery))


def _words(name: str, text: str | None, known: Iterable[str]) -> frozenset[str] | None:
    """One word or several with commas between."""
    if text is None:
        return None
    words = frozenset(text.split(","))
    if not words <= frozenset(known):
        raise invalid_field(name, f"is not one of {', '.join(known)}")
    return words


def _answer(page: Page) -> dict[str, object]:
    behind = cursor_behind(page.behind)
    return listing(*fitting(page.deliveries, delivery_row, lambda each: cursor_behind(place_of(each)), behind))
