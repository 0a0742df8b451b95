"""Nobody is rung before the worker is in the room and its runner is there."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from speech.worker.calls.call import CallInRoom, ReadyInRoom
from tests.contract.bridge.rig import Control

pytestmark = pytest.mark.anyio


async def test_ready_waits_for_the_room_and_nothing_else_does() -> None:
    control, joined = Control(), asyncio.Event()
    brain = ReadyInRoom(control, joined)
    await brain.report([{"type": "hang_up"}])
    telling = asyncio.create_task(brain.report([{"type": "ready"}]))
    await asyncio.wait({telling}, timeout=0.05)
    assert [event["type"] for event in control.reports] == ["hang_up"]
    joined.set()
    await telling
    assert [event["type"] for event in control.reports] == ["hang_up", "ready"]


async def test_a_call_whose_background_sound_is_not_to_be_had_goes_on_without(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sound = {"background_sound": "a-beach", "background_sound_enabled": True, "background_sound_volume": None}
    call = cast(Any, CallInRoom.__new__(CallInRoom))
    call._ctx = SimpleNamespace(is_fake_job=lambda: False, room=None)
    call._plan = SimpleNamespace(profile=SimpleNamespace(**sound))
    async with call._background():
        assert "the background sound failed" in caplog.text
