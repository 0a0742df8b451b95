"""The way into a room, with LiveKit's own room object, which is nobody until it is connected."""

from types import SimpleNamespace
from typing import Any
from unittest.mock import create_autospec

import pytest
from livekit import rtc
from livekit.agents import Agent

from speech.tests.session.sound import FixedEar, ToneMouth
from speech.worker.calls.session import a_session, join

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("leg_identity", ["leg", None])
async def test_a_session_begins_in_a_room_that_its_job_has_not_joined_yet(leg_identity: str | None) -> None:
    room = rtc.Room()

    async def connect() -> None:
        room._local_participant = create_autospec(rtc.LocalParticipant, instance=True, identity="agent")

    ctx: Any = SimpleNamespace(room=room, connect=connect)
    session = a_session(FixedEar([]), ToneMouth())
    await join(ctx, session, Agent(instructions=""), leg_identity)
    assert session.agent_state == "listening"
    await session.aclose()
