"""Who changed what, as the account reads it."""

from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools.event_handler import Response

from ringline.audit.entry import Outcome
from ringline.audit.log import AuditLog, Page, Wanted, place_of
from ringline.audit.view import entry_view
from ringline.calls.views.listing import check_names
from ringline.runtime.web.answer_size import fitting
from ringline.runtime.web.api import json_response
from ringline.runtime.web.asked import limit_asked, moment_asked
from ringline.runtime.web.http import listing
from ringline.runtime.web.problems import invalid_field
from ringline.runtime.web.routes import Request, Route

_FILTERS = frozenset({"resource", "key_id", "outcome", "since", "until", "limit", "cursor"})


@dataclass(frozen=True, slots=True)
class Audit:
    entries: AuditLog

    @property
    def routes(self) -> tuple[Route, ...]:
        return (
            Route(
                "GET",
                "/v1/audit",
                self.list_them,
                summary="Lists who changed what of the account's set-up, keys, limits and content, newest first",
                query="ringline.resources.answers.queries:AuditFilters",
                answer="ringline.resources.answers.overview.audit:AuditList",
            ),
        )

    def list_them(self, request: Request) -> Response[str]:
        query = {name: word for name, word in request.query.items() if word}
        check_names(query, _FILTERS)
        wanted = Wanted(
            resource=query.get("resource"),
            who=query.get("key_id"),
            outcome=_outcome(query.get("outcome")),
            since=moment_asked("since", query.get("since")),
            until=moment_asked("until", query.get("until")),
        )
        limit = limit_asked(query.get("limit"))
        try:
            page = self.entries.page(request.account_id, wanted, limit, query.get("cursor"))
        except ValueError:
            raise invalid_field("cursor", "is not a cursor of ours") from None
        return json_response(200, _answer(page))


def _answer(page: Page) -> dict[str, Any]:
    return listing(*fitting(page.entries, entry_view, place_of, page.next_cursor))


def _outcome(word: str | None) -> Outcome | None:
    outcome = Outcome.kept_or_none(word)
    if outcome is not None and not outcome.is_known:
        raise invalid_field("outcome", f"is none of {', '.join(Outcome)}")
    return outcome
