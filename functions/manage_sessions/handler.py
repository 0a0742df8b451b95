"""Sessions of calls, with their transcripts and recordings, as the SDK reads them, and the end of a session
(`/v1/sessions`, `/v1/transcripts`, `/v1/recordings`)."""

import asyncio
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.event_handler import Response

from ringline.calls.model.call import Call, attempt_of_room
from ringline.calls.progress.hang_up import HangUp, HungUp
from ringline.calls.progress.progress import Progress
from ringline.calls.tables.pages import CallPages
from ringline.calls.tables.queues import SqsDoorbell
from ringline.calls.tables.recordings import recording_url
from ringline.calls.tables.store import CallStore
from ringline.calls.tables.transcripts import Transcript, Transcripts
from ringline.calls.tables.wanted import Having
from ringline.calls.views.listing import MAX_LIMIT, PAGING, answer_page, check_names, list_calls
from ringline.calls.views.session_view import Session, latest_session, session_of, session_view
from ringline.runtime import aws, settings
from ringline.runtime.clock import now_ms
from ringline.runtime.ids import is_plausible_id
from ringline.runtime.logging import make_logger
from ringline.runtime.web.api import json_response, make_api, serve
from ringline.runtime.web.http import account_of, listing
from ringline.runtime.web.problems import Problem, not_found

log = make_logger("manage_sessions")
table = settings.required("TABLE_NAME")
bucket = settings.required("RECORDS_BUCKET")
store = CallStore(aws.dynamodb(), table)
pages = CallPages(aws.dynamodb(), table)
transcripts = Transcripts(aws.dynamodb(), table, aws.s3, bucket)
doorbell = SqsDoorbell(aws.sqs, settings.required("DOORBELL_QUEUE_URL"))
progress = Progress(store, doorbell, now_ms, log)
livekit_url = settings.required_url("LIVEKIT_URL")
livekit_key = settings.required("LIVEKIT_API_KEY")
livekit_secret = settings.required("LIVEKIT_API_SECRET")
api = make_api(log)

MOST_TRANSCRIPTS = 50
"""Of a page: each takes a request to the table and, if it is long, one to the bucket."""


@api.get("/v1/sessions")
def list_sessions() -> Response[str]:
    return _page(Having.DIAL, _row)


@api.get("/v1/transcripts")
def list_transcripts() -> Response[str]:
    return _page(Having.TRANSCRIPT, _shown, MOST_TRANSCRIPTS)


@api.get("/v1/recordings")
def list_recordings() -> Response[str]:
    query = api.current_event.query_string_parameters or {}
    if "call_id" not in query:
        return _page(Having.RECORDING, _recorded)
    account_id = _account()
    check_names(query, PAGING | {"call_id"})
    session = _session(account_id, query["call_id"])
    row = None if session is None else _recorded(session)
    return json_response(200, listing([] if row is None else [row], None))


@api.get("/v1/sessions/<session_id>")
def get(session_id: str) -> Response[str]:
    session = _session(_account(), session_id)
    if session is None:
        raise _unknown()
    return json_response(200, _shown(session))


@api.post("/v1/sessions/<session_id>/end")
def end(session_id: str) -> Response[str]:
    session = _session(_account(), session_id)
    if session is None:
        raise _unknown()
    status = session.status
    # The room of an attempt that is over says nothing of the call, which may stand in another by now.
    if session.is_present or attempt_of_room(session_id) is None:
        hung_up = asyncio.run(_hang_up(session.call))
        if hung_up is None:
            raise _unknown()
        status = hung_up.call.state.status
    return json_response(200, {"session_id": session.session_id, "state": status.value})


def _page(having: Having, row_of: Callable[[Session], dict[str, Any] | None], most: int = MAX_LIMIT) -> Response[str]:
    query = api.current_event.query_string_parameters
    page = list_calls(pages, _account(), query, now_ms(), having=having, most=most)

    def row_of_latest(call: Call) -> dict[str, Any] | None:
        session = latest_session(call)
        return None if session is None else row_of(session)

    return json_response(200, answer_page(page, row_of_latest))


def _shown(session: Session) -> dict[str, Any]:
    return session_view(session, _transcript(session), _recording_url(session))


def _row(session: Session) -> dict[str, Any]:
    """Without its words."""
    return session_view(session, None, _recording_url(session))


def _recorded(session: Session) -> dict[str, Any] | None:
    row = _row(session)
    return row if row["recording_url"] else None


def _session(account_id: str, asked_for: str) -> Session | None:
    """The session of that id; by the id of a call, which the SDK's users take for one, its latest."""
    if not is_plausible_id(asked_for):
        return None
    room = attempt_of_room(asked_for)
    if room is None:
        call = store.get(account_id, asked_for)
        return None if call is None else latest_session(call)
    call = store.get(account_id, room.call_id) if room.account_id == account_id else None
    return None if call is None else session_of(call, room.attempt)


def _transcript(session: Session) -> Transcript | None:
    if session.is_latest:
        return transcripts.read(session.call)
    # The row no longer tells of this attempt. Who did not talk said nothing.
    return None if session.answered_at is None else transcripts.of_attempt(session.call, session.dial)


def _recording_url(session: Session) -> str | None:
    return recording_url(session.call, bucket) if session.is_latest else None


async def _hang_up(call: Call) -> HungUp | None:
    # LiveKit's client doubles this function's import time, and few requests need it.
    from ringline.telephony.livekit import LivekitSettings, connected

    async with connected(LivekitSettings(livekit_url, livekit_key, livekit_secret)) as telephony:
        return await HangUp(store, progress, telephony, now_ms, log).run(call.account_id, call.call_id)


def _account() -> str:
    account_id = account_of(api.current_event.raw_event)
    log.append_keys(account_id=account_id)
    return account_id


def _unknown() -> Problem:
    return not_found("session_not_found", "There is no such session")


@log.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return serve(api, event, context)
