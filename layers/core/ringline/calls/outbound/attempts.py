"""An attempt that its dialer has claimed: how it is read, moved and ended while it is dialled.

Every request to the table runs in a thread, so that the calls of one batch do not wait for each other.
"""

import asyncio

from aws_lambda_powertools import Logger

from ringline.calls.model.call import Call
from ringline.calls.model.events import Event, FoundOver, GivenUp
from ringline.calls.model.ports import Telephony
from ringline.calls.model.room_view import RoomView, TelephonyDown
from ringline.calls.progress.progress import Outcome, Progress
from ringline.calls.tables.store import CallStore
from ringline.record import Record
from ringline.runtime.clock import Clock

LOOK_EVERY_S = 0.5
"""How often a dialer looks into a room while it waits for somebody to come."""


class Attempts(Record):
    """Every method takes the call as it was claimed, and is about the attempt that it was claimed for."""

    store: CallStore
    progress: Progress
    telephony: Telephony
    clock: Clock
    log: Logger

    async def read(self, call: Call) -> Call | None:
        """The call as it is now."""
        return await asyncio.to_thread(self.store.get, call.account_id, call.call_id)

    async def apply(self, call: Call, event: Event) -> Outcome:
        return await asyncio.to_thread(self.progress.apply, call.account_id, call.call_id, event)

    async def room_of(self, call: Call) -> RoomView | None:
        """Who is in the room; None where LiveKit cannot be asked."""
        try:
            return await self.telephony.look(call.room_name or "")
        except TelephonyDown:
            return None

    async def close_room(self, call: Call) -> bool:
        """Whether the room is closed. If it is not, somebody else closes it later: the relay closes the room of a call
        that has ended, and the sweep closes a room that was forgotten."""
        try:
            await self.telephony.end_room(call.room_name or "")
        except TelephonyDown:
            self.log.warning("room not closed", extra={"call_id": call.call_id})
            return False
        return True

    async def close_and_settle(self, call: Call) -> None:
        """Ends whatever lives in the room, then the call. A call whose room could not be closed keeps its line until
        the sweep closes the room."""
        given_up = await self.apply(call, GivenUp(self.clock(), call.attempt))
        if given_up.call is not None and not given_up.call.is_understood:
            # A later release has it, and may have somebody talk in that room.
            return
        if await self.close_room(call):
            await self.apply(call, FoundOver(self.clock(), call.attempt))


def is_over(claimed_call: Call, current_call: Call | None) -> bool:
    """Whether the attempt has ended: its call is over, or has gone on to another attempt, or is not there any more."""
    return current_call is None or not current_call.in_flight or current_call.attempt != claimed_call.attempt
