"""What was said is kept in the room, from the moment that the worker is in it."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from livekit import rtc

from speech.bridge.kept_turns import TURNS_ATTRIBUTE
from speech.worker.calls.kept import Kept

pytestmark = pytest.mark.anyio


class Participant:
    """The worker's own, as far as its attributes go."""

    def __init__(self) -> None:
        self.told: asyncio.Queue[dict[str, str]] = asyncio.Queue()

    async def set_attributes(self, attributes: dict[str, str]) -> None:
        self.told.put_nowait(attributes)


async def test_what_was_said_before_the_room_was_joined_is_kept_once_it_is() -> None:
    room, joined, participant = rtc.Room(), asyncio.Event(), Participant()
    kept = Kept(room, joined)
    kept.tell('[{"role":"user","content":"of the worker before"}]')
    kept.tell("[]")
    await asyncio.sleep(0)
    room._local_participant = participant  # type: ignore[assignment]
    joined.set()
    assert await participant.told.get() == {TURNS_ATTRIBUTE: "[]"}
    assert participant.told.empty()


async def test_a_room_that_refuses_an_attribute_gets_the_next_one() -> None:
    participant = Participant()

    async def refuses(_: Any) -> None:
        raise ConnectionError

    refusing = SimpleNamespace(set_attributes=refuses)
    room: Any = SimpleNamespace(local_participant=refusing)
    joined = asyncio.Event()
    joined.set()
    kept = Kept(room, joined)
    kept.tell("[1]")
    await asyncio.sleep(0.01)
    room.local_participant = participant
    kept.tell("[2]")
    assert await participant.told.get() == {TURNS_ATTRIBUTE: "[2]"}
