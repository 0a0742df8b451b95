"""The rooms that exist: created once by name, closed when idle or deleted, begun again after a restart."""

import asyncio
from collections.abc import Callable

from livekit.protocol.models import DisconnectReason

from local.phones.kernel.pace import Pace
from local.phones.model import timings
from local.phones.post.hooks import Hooks
from local.phones.rooms.room import Room, RoomTerms


class Roster:
    """Rooms by name. Only rooms that are open are in it."""

    def __init__(self, hooks: Hooks, pace: Pace) -> None:
        self._hooks = hooks
        self._pace = pace
        self._rooms: dict[str, Room] = {}

    def get(self, name: str) -> Room | None:
        return self._rooms.get(name)

    def all(self) -> list[Room]:
        return list(self._rooms.values())

    def ensure(self, name: str, terms: RoomTerms | None = None, prepare: Callable[[Room], None] | None = None) -> Room:
        """The open room of that name, untouched; else a new one, given to `prepare` before anyone hears of it."""
        if (existing := self._rooms.get(name)) is not None:
            return existing
        room = Room(name, terms or RoomTerms(), self._hooks, self._pace)
        self._rooms[name] = room
        if prepare is not None:
            prepare(room)
        if not room.dispatches:
            room.add_default_dispatch()
        room.announce()
        return room

    def close(self, room: Room, reason: DisconnectReason) -> None:
        """Closes `room`; nothing happens when it is closed already."""
        if self._rooms.get(room.name) is room:
            del self._rooms[room.name]
            room.close(reason)

    async def close_idle_rooms(self) -> None:
        """Looks every second for rooms that only agents, or nobody, are in. Runs until cancelled."""
        while True:
            await self._pace.sleep(timings.IDLE_CHECK_S)
            for room in self.all():
                if room.is_idle() and not self._hooks.silenced:
                    self.close(room, DisconnectReason.ROOM_CLOSED)

    async def be_away(self, down_s: float) -> None:
        """The server is killed, and away for `down_s`: no goodbyes, and nothing of that time is ever told."""
        self._hooks.forget_all()
        self._hooks.silenced = True
        for room in self.all():
            room.lose_everybody()
        try:
            await self._pace.sleep(down_s)
        finally:
            self._hooks.silenced = False

    async def begin_again(self) -> None:
        """The server is back, and so is whoever was there, or came while it was away. A room to which nobody comes back
        vanishes without a word."""
        await asyncio.gather(*(self._goes_on(room) for room in self.all()))

    async def _goes_on(self, room: Room) -> None:
        room.lose_everybody()
        if not room.participants or not await room.begin_again():
            self._forget(room)

    def _forget(self, room: Room) -> None:
        if self._rooms.get(room.name) is room:
            del self._rooms[room.name]
