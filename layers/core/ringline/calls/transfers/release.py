"""Lets the agent go once whom it was to hand over to is there. Doing it again changes nothing."""

import asyncio
from collections.abc import Sequence

from ringline.calls.model.call import Call, CallStatus
from ringline.calls.model.events import AgentLeft, AgentSeen, Event
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.room_view import RoomView
from ringline.calls.model.timing import DISPATCH_EVERY_S, TARGET_SEEN_WAITS_S
from ringline.calls.model.transfers.transfer import Transfer, TransferState, leg_identity, transfer_named
from ringline.calls.model.transfers.transfer_events import TransferCompleted, TransferFailed
from ringline.calls.progress.agents import Agents
from ringline.calls.progress.hints import ask_for_look
from ringline.calls.progress.progress import Applied, Outcome
from ringline.calls.transfers.follow_up import FollowUp
from ringline.record import Record

_HAS_THE_CALL = {TransferState.JOINED, TransferState.COMPLETED}
"""The first to be put out completes it, where there are several."""


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
        released = _released(call, transfer, room)
        for identity in released:
            if not await self._is_there_still(call, transfer):
                # Whoever told of the target's leaving has settled the transfer.
                return
            await parts.telephony.remove(room_name, identity)
        if transfer.is_to_number:
            await self._tell_that_its_agent_left(call, [agent for agent in room.agents if agent.identity in released])
        done = await self._apply(call, TransferCompleted(parts.clock(), call.attempt, transfer.transfer_id))
        if done.call is not None and _state_in(done.call, transfer) is TransferState.FAILED:
            await self._have_it_back(done.call)
            return
        parts.log.info("transfer completed", extra={"call_id": call.call_id, "transfer_id": transfer.transfer_id})

    async def _is_there_still(self, call: Call, transfer: Transfer) -> bool:
        """Whether nobody has said by now that the target is gone, or has lost its connection."""
        current_call = await asyncio.to_thread(self.follow_up.store.get, call.account_id, call.call_id)
        present = None if current_call is None else transfer_named(current_call.transfers, transfer.transfer_id)
        return present is not None and present.state in _HAS_THE_CALL and present.left == transfer.left

    async def _tell_that_its_agent_left(self, call: Call, agents: Sequence[AgentSeen]) -> None:
        """LiveKit tells of it too. Where that got lost nobody would look once the target has left as well."""
        own = next((agent for agent in agents if call.is_its_agent(agent.identity, agent.sid)), None)
        if own is not None:
            at = self.follow_up.clock()
            await self._apply(call, AgentLeft(at, call.attempt, call.agent_sid or own.sid, "PARTICIPANT_REMOVED"))

    async def _have_it_back(self, call: Call) -> None:
        """The target had gone while the agent was put out for them: the call's own phone is to have an agent again."""
        parts = self.follow_up
        agents = Agents(progress=parts.progress, telephony=parts.telephony, clock=parts.clock, log=parts.log)
        if await agents.send_for_one_put_out(call):
            await asyncio.to_thread(ask_for_look, parts.looks, parts.log, call, DISPATCH_EVERY_S)

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
        if present is None or present.state is not TransferState.JOINED or present.left is not None:
            # One that has lost its connection has a while to come back, after which a look settles it.
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


def _state_in(call: Call, transfer: Transfer) -> TransferState | None:
    present = transfer_named(call.transfers, transfer.transfer_id)
    return None if present is None else present.state


def _shows_target(call: Call, transfer: Transfer, room: RoomView) -> bool:
    if transfer.is_to_agent:
        return call.agent_left_at is None and any(call.is_its_agent(agent.identity, agent.sid) for agent in room.agents)
    identity = leg_identity(call.call_id, transfer.dial, transfer.transfer_id)
    lost = None if transfer.left is None else transfer.left.sid
    # LiveKit may list for a while who has lost the connection.
    return any(
        leg.identity == identity and leg.call_status != CallStatus.HANGUP and leg.sid != lost for leg in room.legs
    )


def _released(call: Call, transfer: Transfer, room: RoomView) -> list[str]:
    """Who is to leave the room, by identity. Never the new agent, which may be back under another sid."""
    if transfer.dropped is not None:
        by_sid = {agent.sid: agent.identity for agent in room.agents} | {leg.sid: leg.identity for leg in room.legs}
        return [by_sid.get(transfer.dropped, transfer.dropped)]
    if transfer.is_to_number:
        return [agent.identity for agent in room.agents]
    kept = {agent.identity for agent in room.agents if call.is_its_agent(agent.identity, agent.sid)}
    return [agent.identity for agent in room.agents if agent.identity not in kept]
