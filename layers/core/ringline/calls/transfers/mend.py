"""Settles the transfer of a call that is looked at: begins what nobody has begun, finds out what became of it where
whoever carried it out has died, lets the agent go whose time is over."""

import asyncio
from dataclasses import dataclass

from ringline.calls.model.call import UP, Call
from ringline.calls.model.events import AgentJoined, Event
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.room_view import RoomView, present_agents
from ringline.calls.model.transfers.transfer import Transfer, leg_identity, under_way
from ringline.calls.model.transfers.transfer_events import TransferFailed, TransferJoined
from ringline.calls.progress.progress import Applied, Outcome
from ringline.calls.rules.transfers.due import TransferOwed, transfer_owed
from ringline.calls.transfers.follow_up import FollowUp
from ringline.calls.transfers.reached import why_not_reached
from ringline.calls.transfers.release import Release


@dataclass(frozen=True, slots=True)
class MendTransfers:
    follow_up: FollowUp

    async def mend(self, call: Call, now: int) -> bool:
        """Whether something was done: the call is another than it was read as, then. Raises TelephonyDown."""
        transfer = under_way(call.transfers)
        if transfer is None:
            return False
        match transfer_owed(call, now):
            case TransferOwed.NOTHING:
                return False
            case TransferOwed.BEGIN:
                queue = self.follow_up.queue
                await asyncio.to_thread(queue.carry_out, call.account_id, call.call_id, transfer.transfer_id)
            case TransferOwed.RELEASE:
                await self._release(call, transfer)
            case TransferOwed.SETTLE:
                await self._settle(call, transfer, now)
        return True

    async def _release(self, call: Call, transfer: Transfer) -> None:
        parts = self.follow_up
        await Release(parts.progress, parts.telephony, parts.clock, parts.log).run(call, transfer)

    async def _settle(self, call: Call, transfer: Transfer, now: int) -> None:
        """A phone that was sent away and is still there was not taken anywhere."""
        room = await self.follow_up.telephony.look(call.room_name or "")
        if transfer.is_to_agent:
            await self._settle_agent(call, transfer, room, now)
            return
        identity = leg_identity(call.call_id, transfer.dial, transfer.transfer_id)
        leg = next((leg for leg in room.legs if leg.identity == identity), None)
        if leg is not None and leg.call_status in UP:
            await self._apply(call, TransferJoined(now, call.attempt, transfer.transfer_id, leg.sid))
            return
        if leg is not None:
            await self.follow_up.telephony.remove(call.room_name or "", identity)
        reason, sip_code = why_not_reached(call, transfer, None, now)
        await self._failed(call, transfer, reason, sip_code)

    async def _settle_agent(self, call: Call, transfer: Transfer, room: RoomView, now: int) -> None:
        come = [agent for agent in present_agents(call, room) if agent.sid != call.agent_sid]
        if come:
            await self._apply(call, AgentJoined(come[0].joined_at, call.attempt, come[0].sid))
        else:
            await self._failed(call, transfer, EndReason.AGENT_DID_NOT_JOIN, None)

    async def _failed(self, call: Call, transfer: Transfer, reason: EndReason, sip_code: int | None) -> None:
        at = self.follow_up.clock()
        event = TransferFailed(at, call.attempt, transfer.transfer_id, reason.value, sip_code)
        outcome = await self._apply(call, event)
        if isinstance(outcome, Applied):
            await self.follow_up.run(outcome)

    async def _apply(self, call: Call, event: Event) -> Outcome:
        return await asyncio.to_thread(self.follow_up.progress.apply, call.account_id, call.call_id, event)
