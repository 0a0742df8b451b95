"""What was said, kept at LiveKit while this process lives: an attribute of its own participant."""

import asyncio
import logging

from livekit import rtc

from speech.bridge.kept_turns import TURNS_ATTRIBUTE

_log = logging.getLogger(__name__)


class Kept:
    """`tell` returns at once. Where several turns come while one is on its way, or before the room is joined, only the
    last is told."""

    def __init__(self, room: rtc.Room, joined: asyncio.Event) -> None:
        self._room = room
        self._joined = joined
        self._turns = ""
        self._task: asyncio.Task[None] | None = None

    def tell(self, turns: str) -> None:
        self._turns = turns
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._tell_all())

    async def _tell_all(self) -> None:
        await self._joined.wait()
        told = None
        while told != self._turns:
            told = self._turns
            try:
                await self._room.local_participant.set_attributes({TURNS_ATTRIBUTE: told})
            except Exception:
                # The call goes on; only its successor would know less.
                _log.warning("turns not kept", exc_info=True)
