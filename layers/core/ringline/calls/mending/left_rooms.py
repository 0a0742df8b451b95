"""Rooms that have outlived their calls: an agent left alone in one costs money, and a caller waits there for nobody.

A room that we opened bears the name of its one attempt. One that a caller's call opened was named by LiveKit's dispatch
rule, and may be the next caller's by now: it is closed only if whoever is in it came with the phone call that is over.
One of ours without a call is a browser's, of whose joining nobody was told; of others we know nothing.
"""

import asyncio
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from aws_lambda_powertools import Logger

from ringline.calls.mending.shares import MINUTE_MS, turned
from ringline.calls.model.call import AttemptId, attempt_of_room
from ringline.calls.model.ports import Telephony
from ringline.calls.model.room_view import TelephonyDown
from ringline.calls.model.timing import MS_PER_S, ZOMBIE_ROOM_S
from ringline.calls.tables.inbound_rooms import InboundRooms
from ringline.calls.tables.store import CallStore
from ringline.runtime.logging import masked_within

MOST_ASKED_ABOUT = 500
"""Rooms that one run asks after, each by two or three reads, one behind the other."""


@dataclass(frozen=True, slots=True)
class LeftRooms:
    store: CallStore
    inbound_rooms: InboundRooms
    telephony: Telephony
    log: Logger
    has_ticket: Callable[[AttemptId], bool] = lambda _attempt_id: False
    """Whether a token was made for that call which nobody is known to have used."""

    async def close(
        self,
        rooms: Mapping[str, int],
        alive: AbstractSet[str | None],
        now: int,
        others: AbstractSet[tuple[str, str]] = frozenset(),
    ) -> int:
        """Closes those of the rooms, each with the moment it was made, that no call is in; how many. `alive` are the
        rooms of calls in flight, and `others` calls (account, call) that somebody else looks at: neither need be all
        of them, because a room is closed only after its own call was read. What LiveKit cannot be asked about, and
        what is more than MOST_ASKED_ABOUT, is left to the next run."""
        closed = 0
        asked_about = [
            name
            for name, made_at in rooms.items()
            if name not in alive and now - made_at >= ZOMBIE_ROOM_S * MS_PER_S and _call_in(name) not in others
        ]
        for name in turned(asked_about, now // MINUTE_MS * MOST_ASKED_ABOUT)[:MOST_ASKED_ABOUT]:
            try:
                if await self._is_left(name):
                    await self.telephony.end_room(name)
                    closed += 1
            except TelephonyDown:
                self.log.warning("room not closed", extra={"room": masked_within(name)})
        return closed

    async def _is_left(self, name: str) -> bool:
        attempt_id = attempt_of_room(name)
        return await self._is_left_by_its_caller(name) if attempt_id is None else await self._is_over(attempt_id)

    async def _is_left_by_its_caller(self, name: str) -> bool:
        """Nobody's room that we know is somebody else's."""
        tenant = await asyncio.to_thread(self.inbound_rooms.tenant, name)
        if tenant is None or tenant.sip_call_id is None or not await self._is_over(tenant.attempt_id):
            return False
        room = await self.telephony.look(name)
        return all(leg.sip_call_id == tenant.sip_call_id for leg in room.legs)

    async def _is_over(self, attempt_id: AttemptId) -> bool:
        call = await asyncio.to_thread(self.store.get, attempt_id.account_id, attempt_id.call_id)
        if call is None:
            # Of somebody who joined with a token nobody told, and by now it has lost its time.
            return await asyncio.to_thread(self.has_ticket, attempt_id)
        return call.is_understood and (not call.in_flight or call.attempt != attempt_id.attempt)


def _call_in(room: str) -> tuple[str, str] | None:
    """Account and call of a room that we named."""
    attempt_id = attempt_of_room(room)
    return None if attempt_id is None else (attempt_id.account_id, attempt_id.call_id)
