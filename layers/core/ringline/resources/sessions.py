"""Sessions of calls as the SDK reads them: list them, get one with its words, end one."""

from collections.abc import Callable
from dataclasses import dataclass

from aws_lambda_powertools.event_handler import Response

from ringline.calls.model.call import Status, attempt_of_room
from ringline.calls.progress.hang_up import HungUp
from ringline.calls.tables.wanted import Having
from ringline.calls.views.call_view import session_id
from ringline.calls.views.session_view import Session
from ringline.calls.web.invite import InviteWebCaller
from ringline.resources.session_reader import SessionReader
from ringline.runtime.clock import iso
from ringline.runtime.web.api import json_response
from ringline.runtime.web.problems import Problem, not_found
from ringline.runtime.web.routes import Request, Route

_ANSWERS = "ringline.resources.answers.sessions"


@dataclass(frozen=True, slots=True)
class Sessions:
    """`hang_up` ends a call (account, call) and returns it, or None where there is no such call. `livekit_url` is where
    browsers find LiveKit."""

    reader: SessionReader
    hang_up: Callable[[str, str], HungUp | None]
    invite: InviteWebCaller
    livekit_url: str

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
                "POST",
                "/v1/sessions/token",
                self.create_token,
                summary="Makes a token with which a browser joins a call, once and within 60 s",
                body="ringline.calls.web.bodies:TokenRequest",
                answer=f"{_ANSWERS}:SessionToken",
                status=201,
                problems=("unknown_pipe", "pipe_disabled"),
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
                problems=("session_not_found", "contended"),
            ),
        )

    def create_token(self, request: Request) -> Response[str]:
        """Lets a browser in. The call begins when it joins: until then there is none to be asked for."""
        # Its models take long to load, and few requests need them.
        from ringline.calls.web.bodies import TokenRequest
        from ringline.runtime.web.bodies import read_body

        asked = read_body(TokenRequest, request.json_object())
        invited = self.invite.run(
            request.account_id,
            asked.pipe_id,
            consent=asked.recording_consent,
            metadata=asked.metadata,
            data=asked.metadata if asked.data is None else asked.data,
            instructions=asked.instructions,
        )
        call = invited.ticket.call
        return json_response(
            201,
            {
                "token": invited.token,
                "expires_at": iso(invited.ticket.valid_until),
                "url": self.livekit_url,
                "room_name": call.room_name,
                "session_id": session_id(call),
                "call_id": call.call_id,
                "identity": call.leg_identity,
            },
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
