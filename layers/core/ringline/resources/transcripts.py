"""Transcripts: a list of sessions with their words. That of one session is its own `GET /v1/sessions/<session_id>`."""

from dataclasses import dataclass

from aws_lambda_powertools.event_handler import Response

from ringline.calls.tables.wanted import Having
from ringline.resources.session_reader import SessionReader
from ringline.runtime.web.routes import Request, Route

MOST_TRANSCRIPTS = 50
"""Of a page: each takes a request to the table and, if it is long, one to the bucket."""


@dataclass(frozen=True, slots=True)
class TranscriptLists:
    reader: SessionReader

    @property
    def routes(self) -> tuple[Route, ...]:
        return (
            Route(
                "GET",
                "/v1/transcripts",
                self.list_them,
                summary="Lists sessions with their words",
                query="ringline.resources.answers.queries:TranscriptFilters",
                answer="ringline.resources.answers.sessions:SessionList",
            ),
        )

    def list_them(self, request: Request) -> Response[str]:
        return self.reader.answer_list(request, Having.TRANSCRIPT, self.reader.show, MOST_TRANSCRIPTS)
