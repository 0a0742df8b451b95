"""Sessions of calls as the SDK reads them: list them, get one with its words, end one."""

from collections.abc import Callable
from dataclasses import dataclass

from aws_lambda_powertools.event_handler import Response

from ringline.calls.model.call import Status, attempt_of_room
from ringline.calls.progress.hang_up import HungUp
from ringline.calls.tables.wanted import Having
from ringline.calls.views.session_view import Session
from ringline.resources.session_reader import SessionReader
from ringline.runtime.web.api import json_response
from ringline.runtime.web.problems import Problem, not_found
from ringline.runtime.web.routes import Request, Route

_ANSWERS = "ringline.resources.answers.sessions"


@dataclass(frozen=True, slots=True)
class Sessions:
    """`hang_up` ends a call (account, call) and returns it, or None where there is no such call."""

    reader: SessionReader
    hang_up: Callable[[str, str], HungUp | None]

    @property
    def routes(self) -> tuple[Route, ...]:
        return (
            Route(
                "GET",
                "/v1/sessions",
                self.list_them,
                summary="Lists the latest session of each call that dialled somebody",
                query="ringline.resources.answers.queries:CallFilters",
                answer=f"{_ANSWERS}:SessionList",
            ),
            Route(
                "GET",
                "/v1/sessions/<session_id>",
                self.get,
                summary="Shows a session with its words; the id of a call stands for its latest one",
                answer=f"{_ANSWERS}:ShownSession",
                problems=("session_not_found",),
            ),
            Route(
                "POST",
                "/v1/sessions/<session_id>/end",
                self.end,
                summary="Ends the call of a session",
                answer=f"{_ANSWERS}:EndedSession",
                problems=("session_not_found",),
            ),
        )

    def list_them(self, request: Request) -> Response[str]:
        return self.reader.answer_list(request, Having.DIAL, self.reader.show_briefly)

    def get(self, request: Request, session_id: str) -> Response[str]:
        return json_response(200, self.reader.show(self._session(request, session_id)))

    def end(self, request: Request, session_id: str) -> Response[str]:
        session = self._session(request, session_id)
        # The room of an attempt that is over says nothing of the call, which may stand in another by now.
        is_over = not session.is_present and attempt_of_room(session_id) is not None
        status = session.status if is_over else self._end_call(session)
        return json_response(200, {"session_id": session.session_id, "state": status.value})

    def _end_call(self, session: Session) -> Status:
        hung_up = self.hang_up(session.call.account_id, session.call.call_id)
        if hung_up is None:
            raise _no_such_session()
        return hung_up.call.state.status

    def _session(self, request: Request, session_id: str) -> Session:
        session = self.reader.find(request.account_id, session_id)
        if session is None:
            raise _no_such_session()
        return session


def _no_such_session() -> Problem:
    return not_found("session_not_found", "There is no such session")
