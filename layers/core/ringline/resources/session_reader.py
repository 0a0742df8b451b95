"""Finds sessions and shows them, for the three resources that are made of sessions."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from aws_lambda_powertools.event_handler import Response

from ringline.calls.model.call import Call, attempt_of_room
from ringline.calls.tables.pages import CallPages
from ringline.calls.tables.recordings import recording_url
from ringline.calls.tables.store import CallStore
from ringline.calls.tables.transcripts import Transcript, Transcripts
from ringline.calls.tables.wanted import Having
from ringline.calls.views.listing import answer_page, list_calls
from ringline.calls.views.session_view import Session, latest_session, session_of, session_view
from ringline.runtime.clock import Clock
from ringline.runtime.ids import is_plausible_id
from ringline.runtime.web.api import json_response
from ringline.runtime.web.asked import MAX_LIMIT
from ringline.runtime.web.routes import Request

type Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionReader:
    """`read_number` is the E.164 of a number as an account writes it."""

    store: CallStore
    pages: CallPages
    transcripts: Transcripts
    records_bucket: str
    read_number: Callable[[str, str], str]
    clock: Clock

    def find(self, account_id: str, asked_for: str) -> Session | None:
        """The session of that id; by the id of a call, which the SDK's users take for one, its latest."""
        if not is_plausible_id(asked_for):
            return None
        room = attempt_of_room(asked_for)
        if room is None:
            call = self.store.get(account_id, asked_for)
            return None if call is None else latest_session(call)
        call = self.store.get(account_id, room.call_id) if room.account_id == account_id else None
        return None if call is None else session_of(call, room.attempt)

    def answer_list(
        self, request: Request, having: Having, row_of: Callable[[Session], Row | None], most: int = MAX_LIMIT
    ) -> Response[str]:
        """A page of the latest sessions of calls that have something. `row_of` may leave one out."""
        page = list_calls(
            self.pages,
            request.account_id,
            request.query,
            self.clock(),
            partial(self.read_number, request.account_id),
            having=having,
            most=most,
        )

        def row_of_call(call: Call) -> Row | None:
            session = latest_session(call)
            return None if session is None else row_of(session)

        return json_response(200, answer_page(page, row_of_call))

    def show(self, session: Session) -> Row:
        """With its words."""
        return session_view(session, self._transcript(session), self._recording_url(session))

    def show_briefly(self, session: Session) -> Row:
        """Without its words, as a row of a list."""
        return session_view(session, None, self._recording_url(session))

    def _transcript(self, session: Session) -> Transcript | None:
        if session.is_latest:
            return self.transcripts.read(session.call)
        # The call's row no longer tells of this attempt. Who did not talk said nothing.
        return None if session.answered_at is None else self.transcripts.of_attempt(session.call, session.dial)

    def _recording_url(self, session: Session) -> str | None:
        return recording_url(session.call, self.records_bucket) if session.is_latest else None
