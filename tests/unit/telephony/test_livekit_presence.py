"""Who is listed in a room and is not there: what a LiveKit server answered after it was killed and had come back."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from livekit import api

from ringline.calls.model.room_view import TelephonyDown
from ringline.telephony import livekit_presence
from ringline.telephony.livekit import LivekitTelephony
from ringline.telephony.livekit_settings import LivekitSettings

pytestmark = pytest.mark.anyio
SETTINGS = LivekitSettings(url="", keys=(), token_secret="", agent_name="mine", speech_agent_name="")
GHOST, LIVE = "agent-1", "agent-2"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Rooms:
    """LiveKit's room service. It lists both agents; `of_ghost` is what becomes of a change of the first one."""

    def __init__(self, of_ghost: Exception | None) -> None:
        self._of_ghost = of_ghost
        self.removed: list[str] = []

    async def list_participants(self, _: api.ListParticipantsRequest) -> api.ListParticipantsResponse:
        agents = [
            api.ParticipantInfo(identity=identity, sid=sid, kind=api.ParticipantInfo.AGENT, joined_at_ms=at)
            for at, (identity, sid) in enumerate(((GHOST, "PA_1"), (LIVE, "PA_2")))
        ]
        return api.ListParticipantsResponse(participants=agents)

    async def update_participant(self, request: api.UpdateParticipantRequest) -> api.ParticipantInfo:
        assert request == api.UpdateParticipantRequest(room="room", identity=GHOST), "nothing is changed"
        if isinstance(self._of_ghost, TimeoutError):
            await asyncio.sleep(60)
        if self._of_ghost is not None:
            raise self._of_ghost
        return api.ParticipantInfo(identity=GHOST)

    async def remove_participant(self, request: api.RoomParticipantIdentity) -> None:
        self.removed.append(request.identity)


def a_refusal(code: str, message: str = "") -> api.TwirpError:
    return api.TwirpError(code, message, status=503)


async def put_out(rooms: Rooms) -> bool:
    client: Any = SimpleNamespace(room=rooms)
    return await LivekitTelephony(client, SETTINGS).remove_later("room", "PA_1", LIVE)


async def test_a_second_agent_is_put_out_where_the_first_one_answers() -> None:
    rooms = Rooms(None)
    assert await put_out(rooms)
    assert rooms.removed == [LIVE]


@pytest.mark.parametrize(
    "nobody_answers",
    [a_refusal("unavailable", "twirp error unknown: no response from servers"), a_refusal("not_found"), TimeoutError()],
)
async def test_a_second_agent_stays_where_the_first_one_is_only_listed(
    nobody_answers: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(livekit_presence, "_ANSWERED_WITHIN_S", 0.01)
    rooms = Rooms(nobody_answers)
    assert not await put_out(rooms)
    assert rooms.removed == []


async def test_what_livekit_says_otherwise_is_no_sign_that_somebody_has_left() -> None:
    rooms = Rooms(a_refusal("permission_denied"))
    with pytest.raises(TelephonyDown):
        await put_out(rooms)
    assert rooms.removed == []
