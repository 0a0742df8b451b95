"""Carries one transfer out, from its record to its end or to the handing over of what is left to a look.

    whoever asks      whoever carries it out           LiveKit
      | requested ------->|
      |                   | begun (nobody begins it again)
      |                   | REFER, dial or dispatch ---->|
      |                   |<--- joined, or why not ------|   a number: the answer of the dial; an agent: LiveKit's event
      |                   | the agent has its time with whom it hands over to
      |                   | agent put out -------------->|
      |                   | completed

Who dies in between has asked LiveKit once at most. What LiveKit shows and tells of it afterwards settles it: its
events, and a look when its time is over (`mend`).
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from aws_lambda_powertools import Logger

from ringline.calls.model.call import Call
from ringline.calls.model.events import AgentJoined, Event
from ringline.calls.model.outcomes import CarrierFull, Connected, DialOutcome, NotSent, Placed, Unclear
from ringline.calls.model.ports import LookQueue
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.room_view import TelephonyDown
from ringline.calls.model.timing import (
    CARRIER_PAUSE_S,
    DIALER_SILENCE_S,
    HANDOFF_WAITED_FOR_S,
    MS_PER_S,
    RINGING_TOLD_AFTER_S,
    TRANSFER_PACE_WAITS_S,
)
from ringline.calls.model.transfers.transfer import (
    Referred,
    Transfer,
    TransferState,
    leg_identity,
    transfer_named,
    under_way,
)
from ringline.calls.model.transfers.transfer_events import (
    TransferBegun,
    TransferCompleted,
    TransferFailed,
    TransferJoined,
    TransferRang,
)
from ringline.calls.progress.hints import ask_for_look
from ringline.calls.progress.progress import CAP_REACHED, Applied, Outcome, Progress, Unapplied
from ringline.calls.rules.transfers.due import look_at_transfer_in_s, release_at, target_comes_within_s
from ringline.calls.rules.transfers.steps import LEG_HAS_LEFT, OVER
from ringline.calls.tables.paces import TrunkPaces
from ringline.calls.tables.store import CallStore
from ringline.calls.transfers.follow_up import FollowUp
from ringline.calls.transfers.ports import TransferQueue, TransferTelephony
from ringline.calls.transfers.reached import why_not_reached
from ringline.calls.transfers.release import Release
from ringline.record import Record
from ringline.runtime.clock import Clock

_LOOKS_FOR_AGENT_EVERY_S = 0.25


class CarryOut(Record):
    store: CallStore
    progress: Progress
    telephony: TransferTelephony
    paces: TrunkPaces
    queue: TransferQueue
    looks: LookQueue
    may_call: Callable[[Call, str], bool]
    """Whether the call's account may call a number: its list may have changed, and a pipe's fallback was asked for by
    nobody who looked at it."""
    clock: Clock
    log: Logger

    async def run(self, account_id: str, call_id: str, transfer_id: str) -> str:
        """What came of it, in a word for the log. Raises what keeps it from being written that it has begun: then it is
        sent again. What fails afterwards is settled by a look."""
        call = await asyncio.to_thread(self.store.get, account_id, call_id)
        if call is None:
            return "unknown_call"
        asked = transfer_named(call.transfers, transfer_id)
        if asked is not None and not await self._may_call(call, asked):
            await self._failed(call, asked, EndReason.DESTINATION_NOT_ALLOWED, None)
            return "destination_not_allowed"
        outcome = await self._apply(call, TransferBegun(self.clock(), call.attempt, transfer_id))
        if not isinstance(outcome, Applied):
            if outcome.why == CAP_REACHED and (target := transfer_named(call.transfers, transfer_id)) is not None:
                await self._failed(call, target, EndReason.NO_AGENT_AVAILABLE, None)
            return outcome.why
        begun = outcome.call
        transfer = transfer_named(begun.transfers, transfer_id)
        if transfer is None:
            return "unknown_transfer"
        try:
            await self._bring_about(begun, transfer)
        except TelephonyDown:
            self.log.warning("LiveKit not reached in a transfer", extra={"call_id": call_id})
            await self._have_it_looked_at(begun)
        except Exception:
            self.log.exception("transfer not carried out", extra={"call_id": call_id})
            await self._have_it_looked_at(begun)
        return "carried_out"

    async def _may_call(self, call: Call, transfer: Transfer) -> bool:
        is_to_begin = transfer.is_under_way and transfer.begun_at is None and transfer.is_to_number
        return not is_to_begin or await asyncio.to_thread(self.may_call, call, transfer.target.name)

    async def _bring_about(self, call: Call, transfer: Transfer) -> None:
        if transfer.is_refer:
            await self._send_away(call, transfer)
        elif transfer.is_to_number:
            await self._call_in(call, transfer)
        else:
            await self._send_agent(call, transfer)

    # --- a number: the phone is sent there ---------------------------------------------------------------------------

    async def _send_away(self, call: Call, transfer: Transfer) -> None:
        match await self.telephony.refer(call, transfer.target.name):
            case Referred():
                done = await self._apply(call, TransferCompleted(self.clock(), call.attempt, transfer.transfer_id))
                if isinstance(done, Applied) and done.call.in_flight:
                    # Its phone leaves now. Where nobody tells of that, the agent would stay with nobody.
                    await asyncio.to_thread(ask_for_look, self.looks, self.log, done.call, DIALER_SILENCE_S)
            case Unclear(message):
                # LiveKit's time-outs say nothing: the phone may still leave.
                self.log.warning("transfer unclear", extra={"call_id": call.call_id, "why": message})
                await self._have_it_looked_at(call)
            case NotSent(twirp_code="not_found"):
                # It is the phone that is to be sent away which LiveKit does not find. Who hung up just now was told of
                # to nobody yet, and must not end the call as a transfer that came to nothing; another may be back.
                self.log.info("phone to be sent away is gone", extra={"call_id": call.call_id})
                await self._have_it_looked_at(call)
            case outcome:
                await self._not_reached(call, transfer, outcome)

    # --- a number: it is called into the room ------------------------------------------------------------------------

    async def _call_in(self, call: Call, transfer: Transfer) -> None:
        if not await self._have_a_turn(call.trunk_to(transfer)):
            await self._failed(call, transfer, EndReason.SIP_FAILED_CAPACITY, None)
            return
        if not await self._is_wanted(call, transfer):
            return
        ringing = asyncio.create_task(self._tell_once_it_can_ring(call, transfer))
        try:
            outcome = await self.telephony.call_in(call, transfer)
        finally:
            ringing.cancel()
            with suppress(asyncio.CancelledError):
                await ringing
        match outcome:
            case Connected(leg_sid, _):
                await self._has_joined(call, transfer, leg_sid)
            case Unclear(message):
                self.log.warning("transfer unclear", extra={"call_id": call.call_id, "why": message})
                await self._have_it_looked_at(call)
            case _:
                await self._not_reached(call, transfer, outcome)

    async def _have_a_turn(self, trunk_id: str | None) -> bool:
        """A second phone is a channel of the trunk, and takes a turn as any dial does; it is no line of the account,
        whose call has one."""
        until = self.clock() + TRANSFER_PACE_WAITS_S * MS_PER_S
        while True:
            now = self.clock()
            turn = await asyncio.to_thread(self.paces.take, trunk_id, now)
            if turn is not None:
                await asyncio.sleep(max(0, turn - now) / MS_PER_S)
                return True
            pace = await asyncio.to_thread(self.paces.look, trunk_id)
            if pace.next_at > until:
                return False
            await asyncio.sleep(max(50, pace.next_at - now) / MS_PER_S)

    async def _is_wanted(self, call: Call, transfer: Transfer) -> bool:
        """The last moment before a phone rings: dialled into a room that is gone, LiveKit would make the room anew."""
        current_call = await asyncio.to_thread(self.store.get, call.account_id, call.call_id)
        if current_call is None or current_call.end_asked_at is not None or not current_call.in_flight:
            return False
        if current_call.evidence.leg_has_left_for_good:
            # What its agent or LiveKit may still say of it is waited for, and the room is there until then.
            return False
        present = under_way(current_call.transfers)
        return present is not None and present.transfer_id == transfer.transfer_id

    async def _tell_once_it_can_ring(self, call: Call, transfer: Transfer) -> None:
        await asyncio.sleep(RINGING_TOLD_AFTER_S)
        try:
            outcome = await self._apply(call, TransferRang(self.clock(), call.attempt, transfer.transfer_id))
            if not isinstance(outcome, Applied):
                # Who hung up while LiveKit was asked to dial has closed the room before the dial made it anew.
                await self._let_nobody_ring(call, transfer, outcome)
        except TelephonyDown:
            self.log.warning("LiveKit not reached, a phone may ring for nobody", extra={"call_id": call.call_id})
        except Exception:
            # The dial itself must not suffer.
            self.log.exception("ringing not told", extra={"call_id": call.call_id})

    async def _has_joined(self, call: Call, transfer: Transfer, leg_sid: str) -> None:
        joined = TransferJoined(self.clock(), call.attempt, transfer.transfer_id, leg_sid)
        outcome = await self._apply(call, joined)
        if isinstance(outcome, Applied):
            present = transfer_named(outcome.call.transfers, transfer.transfer_id)
            if present is not None and present.state is TransferState.FAILED:
                # It was gone again before its joining was written.
                await self._follow_up.run(outcome)
            else:
                await self._let_agent_go(outcome.call, transfer.transfer_id)
            return
        await self._let_nobody_ring(call, transfer, outcome)

    async def _let_nobody_ring(self, call: Call, transfer: Transfer, outcome: Unapplied) -> None:
        """Puts out whose phone rings, or was picked up, for a call or a transfer that is over: they would have nobody
        to talk to. Raises TelephonyDown."""
        current_call = outcome.call
        if current_call is not None and not current_call.is_understood:
            return
        is_over = current_call is None or not current_call.in_flight or current_call.attempt != call.attempt
        if is_over and not call.comes_in:
            await self.telephony.end_room(call.room_name or "")
        elif is_over or outcome.why in {OVER, LEG_HAS_LEFT}:
            # The room that a caller rang into may have its next caller.
            identity = leg_identity(call.call_id, transfer.dial, transfer.transfer_id)
            await self.telephony.remove(call.room_name or "", identity)

    # --- another agent -----------------------------------------------------------------------------------------------

    async def _send_agent(self, call: Call, transfer: Transfer) -> None:
        """Who comes is told by LiveKit's event; should that get lost, by a look when the time is over."""
        await self.telephony.send_target(call)
        until = self.clock() + target_comes_within_s(call, transfer) * MS_PER_S
        while self.clock() < until:
            await asyncio.sleep(_LOOKS_FOR_AGENT_EVERY_S)
            if await self._has_come(call, transfer):
                return
        room = await self.telephony.look(call.room_name or "")
        for agent in room.agents:
            if agent.sid != call.agent_sid:
                await self._apply(call, AgentJoined(agent.joined_at, call.attempt, agent.sid, agent.identity))
        if not await self._has_come(call, transfer):
            await self._failed(call, transfer, EndReason.AGENT_DID_NOT_JOIN, None)

    async def _has_come(self, call: Call, transfer: Transfer) -> bool:
        """Whether there is nothing more to wait for."""
        current_call = await asyncio.to_thread(self.store.get, call.account_id, call.call_id)
        present = None if current_call is None else transfer_named(current_call.transfers, transfer.transfer_id)
        if current_call is None or present is None or not present.is_under_way:
            return True
        if present.state is not TransferState.JOINED:
            return False
        await self._let_agent_go(current_call, transfer.transfer_id)
        return True

    # --- what comes of it --------------------------------------------------------------------------------------------

    async def _let_agent_go(self, call: Call, transfer_id: str) -> None:
        """Puts the agent out when it has had its time. A long time together ends with a look."""
        transfer = transfer_named(call.transfers, transfer_id)
        due_at = None if transfer is None else release_at(transfer)
        if transfer is None or due_at is None or not transfer.is_under_way:
            return
        wait_ms = due_at - self.clock()
        if wait_ms > HANDOFF_WAITED_FOR_S * MS_PER_S:
            await self._have_it_looked_at(call)
            return
        await asyncio.sleep(max(0, wait_ms) / MS_PER_S)
        current_call = await asyncio.to_thread(self.store.get, call.account_id, call.call_id)
        present = None if current_call is None else transfer_named(current_call.transfers, transfer_id)
        if current_call is not None and present is not None and present.state is TransferState.JOINED:
            await Release(self._follow_up).run(current_call, present)

    async def _not_reached(self, call: Call, transfer: Transfer, outcome: DialOutcome) -> None:
        if isinstance(outcome, Connected | Placed):
            raise TypeError(f"{type(outcome).__name__} is no refusal")
        at = self.clock()
        if isinstance(outcome, CarrierFull):
            await self._rest_trunk(call, call.trunk_to(transfer), at)
        current_call = await asyncio.to_thread(self.store.get, call.account_id, call.call_id) or call
        known = transfer_named(current_call.transfers, transfer.transfer_id) or transfer
        reason, sip_code = why_not_reached(current_call, known, outcome, at)
        await self._failed(call, transfer, reason, sip_code)

    async def _rest_trunk(self, call: Call, trunk_id: str | None, now: int) -> None:
        try:
            await asyncio.to_thread(self.paces.rest, trunk_id, now, now + CARRIER_PAUSE_S * MS_PER_S)
        except Exception:
            self.log.exception("trunk not put to rest", extra={"call_id": call.call_id})

    async def _failed(self, call: Call, transfer: Transfer, reason: EndReason, sip_code: int | None) -> None:
        event = TransferFailed(self.clock(), call.attempt, transfer.transfer_id, reason.value, sip_code)
        outcome = await self._apply(call, event)
        about = {"call_id": call.call_id, "transfer_id": transfer.transfer_id, "reason": reason.value}
        self.log.info("transfer failed", extra=about)
        if isinstance(outcome, Applied):
            await self._follow_up.run(outcome)

    @property
    def _follow_up(self) -> FollowUp:
        return FollowUp(
            store=self.store,
            progress=self.progress,
            telephony=self.telephony,
            queue=self.queue,
            looks=self.looks,
            clock=self.clock,
            log=self.log,
        )

    async def _have_it_looked_at(self, call: Call) -> None:
        current_call = await asyncio.to_thread(self.store.get, call.account_id, call.call_id)
        after_s = None if current_call is None else look_at_transfer_in_s(current_call, self.clock())
        if current_call is not None and after_s is not None:
            await asyncio.to_thread(ask_for_look, self.looks, self.log, current_call, after_s)

    async def _apply(self, call: Call, event: Event) -> Outcome:
        return await asyncio.to_thread(self.progress.apply, call.account_id, call.call_id, event)
