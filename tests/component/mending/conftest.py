"""A room in which whoever waits lets time pass."""

import asyncio

import pytest

from tests.component.calls_room import CallsRoom, calls_room
from tests.component.one_table import LocalAws


@pytest.fixture
def room(local: LocalAws, monkeypatch: pytest.MonkeyPatch) -> CallsRoom:
    room = calls_room(local)

    async def no_waiting(seconds: float) -> None:
        room.clock.move(seconds)

    monkeypatch.setattr(asyncio, "sleep", no_waiting)
    return room
