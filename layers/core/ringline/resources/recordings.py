"""Recordings: a list of sessions whose recording can be heard, or the one of a call."""

from dataclasses import dataclass

from aws_lambda_powertools.event_handler import Response

from ringline.calls.tables.wanted import Having
from ringline.calls.views.listing import PAGING, check_names
from ringline.calls.views.session_view import Session
from ringline.resources.session_reader import Row, SessionReader
from ringline.runtime.web.api import json_response
from ringline.runtime.web.http import listing
from ringline.runtime.web.routes import Request, Route


@dataclass(frozen=True, slots=True)
class Recordings:
    reader: SessionReader

    @property
    def routes(self) -> tuple[Route, ...]:
        return (
            Route(
                "GET",
                "/v1/recordings",
                self.list_them,
                summary="Lists sessions whose recording can be heard, or that of one call",
                query="ringline.resources.answers.queries:RecordingFilters",
                answer="ringline.resources.answers.sessions:SessionList",
            ),
        )

    def list_them(self, request: Request) -> Response[str]:
        if "call_id" in request.query:
            return self._list_of_call(request)
        return self.reader.answer_list(request, Having.RECORDING, self._row)

    def _list_of_call(self, request: Request) -> Response[str]:
        check_names(request.query, PAGING | {"call_id"})
        session = self.reader.find(request.account_id, request.query["call_id"])
        row = None if session is None else self._row(session)
        return json_response(200, listing([] if row is None else [row], None))

    def _row(self, session: Session) -> Row | None:
        row = self.reader.show_briefly(session)
        return row if row["recording_url"] else None
