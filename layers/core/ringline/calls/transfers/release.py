"""Lets the agent go once whom it was to hand over to is there. Doing it again changes nothing."""

import asyncio
from dataclasses import dataclass

from aws_lambda_powertools import Logger

from ringline.calls.model.call import Call
from ringline.calls.model.ports import Telephony
from ringline.calls.model.room_view import RoomView
from ringline.calls.model.transfers.transfer import Transfer
from ringline.calls.model.transfers.transfer_events import TransferCompleted
from ringline.calls.progress.progress import Progress
from ringline.runtime.clock import Clock


@dataclass(frozen=True, slots=True)
class Release:
    progress: Progress
    telephony: Telephony
    clock: Clock
    log: Logger

    async def run(self, call: Call, transfer: Transfer) -> None:
        """Raises TelephonyDown; whoever looks next does it then."""
        room = call.room_name or ""
        for identity in _released(call, transfer, await self.telephony.look(room)):
            await self.telephony.remove(room, identity)
        done = TransferCompleted(self.clock(), call.attempt, transfer.transfer_id)
        await asyncio.to_thread(self.progress.apply, call.account_id, call.call_id, done)
        self.log.info("transfer completed", extra={"call_id": call.call_id, "transfer_id": transfer.transfer_id})


def _released(call: Call, transfer: Transfer, room: RoomView) -> list[str]:
    """Who is to leave the room, by identity. Never the new agent, which may be back under another sid."""
    if transfer.dropped is not None:
        by_sid = {agent.sid: agent.identity for agent in room.agents} | {leg.sid: leg.identity for leg in room.legs}
        return [by_sid.get(transfer.dropped, transfer.dropped)]
    if transfer.is_to_number:
        return [agent.identity for agent in room.agents]
    kept = next((agent for agent in room.agents if agent.sid == call.agent_sid), None)
    return [] if kept is None else [agent.identity for agent in room.agents if agent.identity != kept.identity]
