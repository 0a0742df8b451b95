"""Lets the agent go once whom it was to hand over to is there. Doing it again changes nothing."""

import asyncio

from ringline.calls.model.call import Call, CallStatus
from ringline.calls.model.events import Event
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.room_view import RoomView
from ringline.calls.model.timing import TARGET_SEEN_WAITS_S
from ringline.calls.model.transfers.transfer import Transfer, TransferState, leg_identity, transfer_named
from ringline.calls.model.transfers.transfer_events import TransferCompleted, TransferFailed
from ringline.calls.progress.progress import Applied, Outcome
from ringline.calls.transfers.follow_up import FollowUp
from ringline.record import Record


class Release(Record):
    follow_up: FollowUp

    async def run(self, call: Call, transfer: Transfer) -> None:
        """Nobody is put out for somebody who is not there: then the transfer has failed. Raises TelephonyDown; whoever
        looks next does it then."""
        parts, room_name = self.follow_up, call.room_name or ""
        room = await self._room_with_target(call, transfer)
        if room is None:
            await self._target_is_gone(call, transfer)
            return
        for identity in _released(call, transfer, room):
            await parts.telephony.remove(room_name, identity)
        done = TransferCompleted(parts.clock(), call.attempt, transfer.transfer_id)
        await self._apply(call, done)
        parts.log.info("transfer completed", extra={"call_id": call.call_id, "transfer_id": transfer.transfer_id})

    async def _room_with_target(self, call: Call, transfer: Transfer) -> RoomView | None:
        """The room as it shows whom the call was handed over to; None where it does not, or somebody else has settled
        the transfer. LiveKit's list may be a moment behind its events."""
        parts = self.follow_up
        for wait_s in (*TARGET_SEEN_WAITS_S, 0.0):
            room = await parts.telephony.look(call.room_name or "")
            if _shows_target(call, transfer, room):
                return room
            if transfer.is_to_agent and call.agent_left_at is not None:
                return None
            await asyncio.sleep(wait_s)
        return None

    async def _target_is_gone(self, call: Call, transfer: Transfer) -> None:
        parts = self.follow_up
        current_call = await asyncio.to_thread(parts.store.get, call.account_id, call.call_id)
        present = None if current_call is None else transfer_named(current_call.transfers, transfer.transfer_id)
        if present is None or present.state is not TransferState.JOINED:
            return
        reason = EndReason.AGENT_FAILED if transfer.is_to_agent else EndReason.USER_HUNG_UP_IN_CALL
        about = {"call_id": call.call_id, "transfer_id": transfer.transfer_id, "reason": reason.value}
        parts.log.info("target is gone", extra=about)
        outcome = await self._apply(
            call, TransferFailed(parts.clock(), call.attempt, transfer.transfer_id, reason.value)
        )
        if isinstance(outcome, Applied):
            await parts.run(outcome)

    async def _apply(self, call: Call, event: Event) -> Outcome:
        return await asyncio.to_thread(self.follow_up.progress.apply, call.account_id, call.call_id, event)


def _shows_target(call: Call, transfer: Transfer, room: RoomView) -> bool:
    if transfer.is_to_agent:
        return call.agent_left_at is None and any(call.is_its_agent(agent.identity, agent.sid) for agent in room.agents)
    identity = leg_identity(call.call_id, transfer.dial, transfer.transfer_id)
    return any(leg.identity == identity and leg.call_status != CallStatus.HANGUP for leg in room.legs)


def _released(call: Call, transfer: Transfer, room: RoomView) -> list[str]:
    """Who is to leave the room, by identity. Never the new agent, which may be back under another sid."""
    if transfer.dropped is not None:
        by_sid = {agent.sid: agent.identity for agent in room.agents} | {leg.sid: leg.identity for leg in room.legs}
        return [by_sid.get(transfer.dropped, transfer.dropped)]
    if transfer.is_to_number:
        return [agent.identity for agent in room.agents]
    kept = {agent.identity for agent in room.agents if call.is_its_agent(agent.identity, agent.sid)}
    return [agent.identity for agent in room.agents if agent.identity not in kept]
