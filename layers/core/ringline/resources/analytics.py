"""What came of conversations, as their agents reported it: of a call, or of one of its sessions."""

from dataclasses import dataclass

from aws_lambda_powertools.event_handler import Response

from ringline.calls.model.call import Call
from ringline.calls.outcomes.store import Outcomes
from ringline.calls.outcomes.view import outcome_view
from ringline.resources.session_reader import SessionReader
from ringline.runtime.ids import is_plausible_id
from ringline.runtime.web.api import json_response
from ringline.runtime.web.http import listing
from ringline.runtime.web.problems import not_found
from ringline.runtime.web.routes import Request, Route

_ANSWER = "ringline.resources.answers.analytics:ResultList"


@dataclass(frozen=True, slots=True)
class Analytics:
    reader: SessionReader
    outcomes: Outcomes

    @property
    def routes(self) -> tuple[Route, ...]:
        return (
            Route(
                "GET",
                "/v1/calls/<call_id>/analytics",
                self.of_call,
                summary="Lists what the agents of a call reported as its outcomes",
                answer=_ANSWER,
                problems=("call_not_found",),
            ),
            Route(
                "GET",
                "/v1/sessions/<session_id>/analytics",
                self.of_session,
                summary="Lists what the agent of a session reported as its outcomes",
                answer=_ANSWER,
                problems=("session_not_found",),
            ),
        )

    def of_call(self, request: Request, call_id: str) -> Response[str]:
        call = self.reader.store.get(request.account_id, call_id) if is_plausible_id(call_id) else None
        if call is None:
            raise not_found("call_not_found", "There is no such call")
        return self._rows(call)

    def of_session(self, request: Request, session_id: str) -> Response[str]:
        session = self.reader.find(request.account_id, session_id)
        if session is None:
            raise not_found("session_not_found", "There is no such session")
        return self._rows(session.call, session.dial)

    def _rows(self, call: Call, dial: int | None = None) -> Response[str]:
        """Of a call that was erased there are none: one that was told in that very moment may have been kept after
        it."""
        is_erased = call.content_erased_at is not None
        kept = [] if is_erased else self.outcomes.of_call(call.account_id, call.call_id, dial)
        return json_response(200, listing([outcome_view(call, each) for each in kept], None))
