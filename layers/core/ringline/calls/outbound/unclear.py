"""A dial whose answer got lost on its way: the phone may ring, somebody may be talking, or nothing was ever sent.

It is never dialled again, for the phone could ring twice. The dialer watches the attempt's room instead: a leg that is
up is adopted, and a room in which no leg comes up is closed.
"""

import asyncio

from aws_lambda_powertools import Logger

from ringline.calls.model.call import Call
from ringline.calls.model.room_view import LegView, RoomView, leg_of
from ringline.calls.model.timing import ANSWER_MARGIN_S
from ringline.calls.outbound.answers import Answers
from ringline.calls.outbound.attempts import LOOK_EVERY_S, Attempts, is_over
from ringline.calls.rules.deadlines import is_up
from ringline.record import Record
from ringline.runtime.clock import MS_PER_S, Clock


class UnclearDials(Record):
    attempts: Attempts
    answers: Answers
    clock: Clock
    log: Logger

    async def follow(self, call: Call) -> None:
        """Goes on with the conversation of a leg that is up, or closes the room and settles the call."""
        leg = await self._leg_that_is_up(call)
        if leg is None:
            if not await self._talks(call):
                await self.attempts.close_and_settle(call)
            return
        self.log.info("leg adopted", extra={"call_id": call.call_id})
        await self.answers.take(call, leg.sid, leg.sip_call_id)

    async def _leg_that_is_up(self, call: Call) -> LegView | None:
        """The leg as soon as it is answered; None when it has left, or its time to ring is over."""
        give_up_at = (call.dialed_at or self.clock()) + (call.ring_timeout_s + ANSWER_MARGIN_S) * MS_PER_S
        while True:
            room = await self.attempts.room_of(call)
            leg = leg_of(call, room)
            if leg is not None and is_up(leg):
                return leg
            if await self._has_left(call, room) or self.clock() >= give_up_at:
                return None
            await asyncio.sleep(LOOK_EVERY_S)

    async def _talks(self, call: Call) -> bool:
        """Whether somebody else told of the answer, and LiveKit does not show that the leg is gone: it may be away, or
        say `dialing` of a conversation that outlived its restart. Whoever looks after conversations looks after it."""
        current_call = await self.attempts.read(call)
        if current_call is None or is_over(call, current_call) or current_call.answered_at is None:
            return False
        room = await self.attempts.room_of(call)
        return current_call.evidence.leg_left_at is None and (room is None or leg_of(call, room) is not None)

    async def _has_left(self, call: Call, room: RoomView | None) -> bool:
        """Whether the leg has come and gone. A room without it may be one that it has not joined yet, so only the
        record of its leaving says that it is over."""
        if room is None or leg_of(call, room) is not None:
            return False
        current_call = await self.attempts.read(call)
        return is_over(call, current_call) or (
            current_call is not None and current_call.evidence.leg_left_at is not None
        )
