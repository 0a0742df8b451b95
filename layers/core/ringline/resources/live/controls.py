"""A conversation from outside: its recording is paused, its agent is told something, somebody listens."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools.event_handler import Response

from ringline.calls.live.recording import Controlled, ControlRecording, RecordingResult
from ringline.calls.live.telling import NotTold, TellAgent, Told
from ringline.calls.model.call import Call, State
from ringline.calls.model.livekit_event import monitor_identity
from ringline.calls.model.room_view import TelephonyDown
from ringline.calls.tables.recordings import recording_url
from ringline.calls.views.call_view import call_view
from ringline.runtime.clock import MS_PER_S, Clock, iso
from ringline.runtime.ids import is_plausible_id, new_id
from ringline.runtime.web.api import json_response
from ringline.runtime.web.http import raw_body
from ringline.runtime.web.problems import Problem, invalid_field, not_found
from ringline.runtime.web.routes import Request, Route

_ANSWERS = "ringline.resources.answers.calls"
_BODIES = "ringline.calls.live.bodies"

MONITOR_VALID_S = 60
"""How long a listener's token may be used."""

type TokenFor = Callable[[Call, str, str, int], str]
"""The token with which somebody joins the room of the call under that identity and in that mode until that moment
(ms)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveControls:
    recording: ControlRecording
    whole: Callable[[Call], Call]
    """A call with what was asked of it."""
    tell: TellAgent
    token_for: TokenFor
    livekit_url: str
    records_bucket: str
    clock: Clock

    @property
    def routes(self) -> tuple[Route, ...]:
        return (
            Route(
                "POST",
                "/v1/calls/<call_id>/recording/pause",
                self.pause,
                summary="Pauses the recording of a call; once it is answered nothing is recorded",
                answer=f"{_ANSWERS}:RecordedCall",
                problems=(
                    "call_not_found",
                    "call_not_active",
                    "call_not_recorded",
                    "too_many_segments",
                    "livekit_unavailable",
                    "contended",
                    "invalid_request",
                    *_OF_A_BODY,
                ),
            ),
            Route(
                "POST",
                "/v1/calls/<call_id>/recording/resume",
                self.resume,
                summary="Has a paused recording go on, as a further segment",
                answer=f"{_ANSWERS}:RecordedCall",
                problems=("call_not_found", "call_not_active", "call_not_recorded", "contended"),
            ),
            Route(
                "POST",
                "/v1/calls/<call_id>/dtmf",
                self.send_tones,
                summary="Has the agent of a call send tones to the other side's phone",
                body=f"{_BODIES}:DtmfRequest",
                answer=f"{_ANSWERS}:AskedTones",
                status=202,
                problems=(
                    "call_not_found",
                    "call_not_active",
                    "no_agent_in_room",
                    "no_phone_in_call",
                    "agent_cannot_send_dtmf",
                    "livekit_unavailable",
                ),
            ),
            Route(
                "POST",
                "/v1/calls/<call_id>/messages",
                self.send_message,
                summary="Tells the agent of a call something that was not said in it",
                body=f"{_BODIES}:MessageRequest",
                answer=f"{_ANSWERS}:ToldAgents",
                status=202,
                problems=("call_not_found", "call_not_active", "no_agent_in_room", "livekit_unavailable"),
            ),
            Route(
                "POST",
                "/v1/calls/<call_id>/monitor",
                self.monitor,
                summary="Makes a token with which somebody hears a conversation, or talks in it",
                body=f"{_BODIES}:MonitorRequest",
                answer=f"{_ANSWERS}:MonitorToken",
                status=201,
                problems=("call_not_found", "call_not_active", "whisper_not_enforceable"),
            ),
        )

    # --- the recording -----------------------------------------------------------------------------------------------

    def pause(self, request: Request, call_id: str) -> Response[str]:
        reason = None
        if raw_body(request.event):
            from ringline.calls.live.bodies import PauseRequest
            from ringline.runtime.web.bodies import read_body

            reason = read_body(PauseRequest, request.json_object()).reason
        _check(call_id)
        return self._controlled(asyncio.run(self.recording.pause(request.account_id, call_id, reason)))

    def resume(self, request: Request, call_id: str) -> Response[str]:
        _check(call_id)
        return self._controlled(self.recording.resume(request.account_id, call_id))

    def _controlled(self, controlled: Controlled | None) -> Response[str]:
        if controlled is None:
            raise _no_such_call()
        match controlled.result:
            case RecordingResult.NOT_ACTIVE:
                raise _not_active()
            case RecordingResult.NOT_RECORDED:
                raise Problem(409, "call_not_recorded", "The call is not to be recorded")
            case RecordingResult.TOO_MANY_SEGMENTS:
                raise Problem(409, "too_many_segments", "The recording was paused too often")
            case RecordingResult.STOPPING:
                raise _unavailable()
        call = controlled.call
        shown = call_view(self.whole(call)) | {"recording_url": recording_url(call, self.records_bucket)}
        return json_response(200, shown | {"result": controlled.result.value})

    # --- what the agent is told --------------------------------------------------------------------------------------

    def send_tones(self, request: Request, call_id: str) -> Response[str]:
        from ringline.calls.live.bodies import DtmfRequest
        from ringline.runtime.web.bodies import read_body

        asked = read_body(DtmfRequest, request.json_object())
        _check(call_id)
        told = _told(self.tell.dtmf(request.account_id, call_id, asked.digits))
        return json_response(202, {"dtmf_id": told.told_id, "result": "accepted"})

    def send_message(self, request: Request, call_id: str) -> Response[str]:
        from ringline.calls.live.bodies import MessageRequest
        from ringline.runtime.web.bodies import read_body

        asked = read_body(MessageRequest, request.json_object())
        _check(call_id)
        told = _told(self.tell.message(request.account_id, call_id, asked.text, asked.data))
        return json_response(202, {"message_id": told.told_id, "result": "sent", "agents": told.agents})

    # --- who listens -------------------------------------------------------------------------------------------------

    def monitor(self, request: Request, call_id: str) -> Response[str]:
        """A token. That somebody listens is noted when they join."""
        from ringline.calls.live.bodies import MonitorRequest
        from ringline.runtime.web.bodies import read_body

        mode = read_body(MonitorRequest, request.json_object()).mode
        if mode == "whisper":
            raise invalid_field(
                "mode",
                "cannot be kept: LiveKit's server can take a track from who hears it already, and the other side would",
                code="whisper_not_enforceable",
            )
        call = self.recording.store.get(request.account_id, call_id) if is_plausible_id(call_id) else None
        if call is None:
            raise _no_such_call()
        if call.state is not State.ACTIVE or call.end_asked_at is not None:
            raise _not_active()
        identity = monitor_identity(mode, call_id, new_id("listener"))
        valid_until = self.clock() + MONITOR_VALID_S * MS_PER_S
        return json_response(
            201,
            {
                "token": self.token_for(call, identity, mode, valid_until),
                "expires_at": iso(valid_until),
                "url": self.livekit_url,
                "room_name": call.room_name,
                "listener_id": identity,
                "mode": mode,
            },
        )


_OF_A_BODY = ("unreadable_body", "body_not_json", "body_not_an_object", "body_too_deep", "body_too_large")


def _told(telling: Coroutine[Any, Any, Told | NotTold]) -> Told:
    try:
        told = asyncio.run(telling)
    except TelephonyDown:
        raise _unavailable() from None
    if isinstance(told, Told):
        return told
    match told.why:
        case "no_such_call":
            raise _no_such_call()
        case "no_agent":
            raise Problem(409, "no_agent_in_room", "No agent is in the room of the call at the moment")
        case "no_phone":
            raise Problem(409, "no_phone_in_call", "The other side is a browser, which takes no tones")
        case "agent_cannot":
            raise Problem(409, "agent_cannot_send_dtmf", "The agent of the call has not said that it can send tones")
        case _:
            raise _not_active()


def _check(call_id: str) -> None:
    if not is_plausible_id(call_id):
        raise _no_such_call()


def _no_such_call() -> Problem:
    return not_found("call_not_found", "There is no such call")


def _not_active() -> Problem:
    return Problem(409, "call_not_active", "The call is not active")


def _unavailable() -> Problem:
    return Problem(503, "livekit_unavailable", "LiveKit could not be asked; ask again", headers={"retry-after": "2"})
