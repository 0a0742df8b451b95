"""Nobody is rung before the worker is in the room and its runner is there."""

import asyncio

import pytest

from speech.worker.calls.call import ReadyInRoom
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
