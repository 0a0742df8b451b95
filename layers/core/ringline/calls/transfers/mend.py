"""Settles the transfer of a call that is looked at: begins what nobody has begun, and gives it up in the end; finds
out what became of it where whoever carried it out has died; lets the agent go whose time is over."""

import asyncio
from dataclasses import dataclass

from ringline.calls.model.call import UP, Call, CallStatus
from ringline.calls.model.events import AgentJoined, Event
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.room_view import LegView, RoomView, present_agents
from ringline.calls.model.timing import MS_PER_S
from ringline.calls.model.transfers.transfer import Transfer, TransferState, leg_identity, under_way
from ringline.calls.model.transfers.transfer_events import TransferFailed, TransferJoined
from ringline.calls.progress.hints import ask_for_look
from ringline.calls.progress.progress import Applied, Outcome
from ringline.calls.rules.transfers.due import TransferOwed, begun_by, look_at_transfer_in_s, transfer_owed
from ringline.calls.transfers.follow_up import FollowUp
from ringline.calls.transfers.reached import why_not_reached
from ringline.calls.transfers.release import Release


@dataclass(frozen=True, slots=True)
class MendTransfers:
    follow_up: FollowUp

    async def mend(self, call: Call, now: int) -> bool:
        """Whether the call is another now than it was read as. Where it is not, whatever else is due to it has to be
        done: a transfer that nobody begins must not keep a call from its limits. Raises TelephonyDown."""
        transfer = under_way(call.transfers)
        if transfer is None:
            return False
        match transfer_owed(call, now):
            case TransferOwed.NOTHING:
                return False
            case TransferOwed.BEGIN:
                await self._send_again(call, transfer, now)
                return False
            case TransferOwed.GIVE_UP:
                return await self._failed(call, transfer, EndReason.INTERNAL_ERROR, None)
            case TransferOwed.SETTLE:
                return await self._settle(call, transfer, now)
            case TransferOwed.RELEASE:
                await Release(self.follow_up).run(call, transfer)
        return True

    async def begin(self, call: Call) -> None:
        """Has the transfer begun that was written on the call just now, if one was. One that gets lost is begun by a
        look."""
        transfer = under_way(call.transfers)
        if transfer is not None and transfer.begun_at is None:
            await self.follow_up.send(call, transfer)

    async def _send_again(self, call: Call, transfer: Transfer, now: int) -> None:
        parts = self.follow_up
        await parts.send(call, transfer)
        await asyncio.to_thread(ask_for_look, parts.looks, parts.log, call, -(-(begun_by(transfer) - now) // MS_PER_S))

    async def _settle(self, call: Call, transfer: Transfer, now: int) -> bool:
        """Whether that changed anything. A phone that was sent away and is still there was not taken anywhere."""
        room = await self.follow_up.telephony.look(call.room_name or "")
        if transfer.is_to_agent:
            return await self._settle_agent(call, transfer, room, now)
        identity = leg_identity(call.call_id, transfer.dial, transfer.transfer_id)
        leg = next((leg for leg in room.legs if leg.identity == identity), None)
        if leg is not None and _is_there(transfer, leg):
            joined = TransferJoined(now, call.attempt, transfer.transfer_id, leg.sid)
            return await self._go_on(await self._apply(call, joined))
        if leg is not None:
            await self.follow_up.telephony.remove(call.room_name or "", identity)
        if transfer.joined_at is not None:
            return await self._failed(call, transfer, EndReason.CONNECTION_LOST, None)
        reason, sip_code = why_not_reached(call, transfer, None, now)
        return await self._failed(call, transfer, reason, sip_code)

    async def _settle_agent(self, call: Call, transfer: Transfer, room: RoomView, now: int) -> bool:
        others = (agent for agent in present_agents(call, room) if agent.sid != call.agent_sid)
        come = next((agent for agent in others if not call.is_its_agent(agent.identity)), None)
        if come is not None:
            joined = AgentJoined(come.joined_at, call.attempt, come.sid, come.identity)
            return await self._go_on(await self._apply(call, joined))
        return await self._failed(call, transfer, EndReason.AGENT_DID_NOT_JOIN, None)

    async def _failed(self, call: Call, transfer: Transfer, reason: EndReason, sip_code: int | None) -> bool:
        at = self.follow_up.clock()
        event = TransferFailed(at, call.attempt, transfer.transfer_id, reason.value, sip_code)
        return await self._go_on(await self._apply(call, event))

    async def _go_on(self, outcome: Outcome) -> bool:
        """Whether the call was changed. What follows is done at once: the next look may be a minute away."""
        if not isinstance(outcome, Applied):
            return False
        call, parts = outcome.call, self.follow_up
        transfer = under_way(call.transfers)
        if transfer is None or transfer.state is not TransferState.JOINED:
            await parts.run(outcome)
        elif transfer_owed(call, parts.clock()) is TransferOwed.RELEASE:
            await Release(parts).run(call, transfer)
        elif (after_s := look_at_transfer_in_s(call, parts.clock())) is not None:
            await asyncio.to_thread(ask_for_look, parts.looks, parts.log, call, after_s)
        return True

    async def _apply(self, call: Call, event: Event) -> Outcome:
        return await asyncio.to_thread(self.follow_up.progress.apply, call.account_id, call.call_id, event)


def _is_there(transfer: Transfer, leg: LegView) -> bool:
    """Whether the leg shows that the target has picked up. One that is back after it had lost its connection says
    `dialing` for good, and LiveKit may list the one before for a while."""
    if transfer.joined_at is None or transfer.left is None:
        return leg.call_status in UP
    return leg.sid != transfer.left.sid and leg.call_status != CallStatus.HANGUP
