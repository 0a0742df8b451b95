"""Sessions as they are shown: `ringline.calls.views.session_view`."""

from typing import Any, Literal

from ringline.calls.model.call import Direction, Status
from ringline.calls.model.reasons import EndReason
from ringline.resources.answers.base import Listing, Moment, Shown
from ringline.resources.answers.calls import SaidTurn


class ShownSession(Shown):
    """An attempt that dialled somebody, or a caller who came. Rows of lists have an empty `transcript`, but those of
    `GET /v1/transcripts`."""

    session_id: str
    room_name: str
    call_id: str
    pipe_id: str | None
    agent_id: str | None
    direction: Direction
    from_number: str | None
    to_number: str | None
    status: Status
    end_reason: EndReason | None
    participants: list[Literal["user", "agent"]]
    participant_count: int
    features: list[Literal["recording"]]
    created: Moment
    started_at: Moment
    ended_at: Moment | None
    duration_s: int | None
    recording_url: str | None
    transcript_turns: int
    transcript: list[SaidTurn]
    summary: str | None
    usage: dict[str, Any]


class SessionList(Listing[ShownSession]):
    """A page of sessions, newest first: the latest of each call."""


class EndedSession(Shown):
    """How a session's call stands once its end was asked for."""

    session_id: str
    state: Status


class SessionToken(Shown):
    """What a browser joins with: LiveKit's own client takes `url` and `token`. The call is there once it has joined."""

    token: str
    expires_at: Moment
    url: str
    room_name: str
    session_id: str
    call_id: str
    identity: str
