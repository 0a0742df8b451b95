"""Mends one call in flight of which a signal may have got lost: finds out what became of it, and tells the
lifecycle."""

import asyncio
from collections.abc import Sequence
from copy import replace
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger

from ringline.calls.mending.ends import Ends
from ringline.calls.mending.left_alone import without_agent
from ringline.calls.model.call import Call, CallStatus
from ringline.calls.model.events import (
    AgentJoined,
    AgentLeft,
    AgentSeen,
    Answered,
    EndAsked,
    Event,
    FoundOver,
    GivenUp,
    LegJoined,
    RoomFinished,
)
from ringline.calls.model.ports import LookQueue, Telephony
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.results import Effect
from ringline.calls.model.room_view import (
    LegView,
    Others,
    RoomView,
    TelephonyDown,
    leg_of,
    others_joined_at,
    others_of,
    present_agents,
)
from ringline.calls.model.timing import AGENT_SLOW_S, DISPATCH_EVERY_S, FALLBACK_AHEAD_S, STOP_RECORDING_S
from ringline.calls.progress.agents import Agents
from ringline.calls.progress.hints import ask_for_look
from ringline.calls.progress.progress import Outcome, Progress, Wanted
from ringline.calls.progress.rest_recordings import rest_recordings
from ringline.calls.progress.rooms import end_room_of
from ringline.calls.rules.deadlines import (
    End,
    Owed,
    agent_due_at,
    believed_over_in_s,
    carrier_may_be_right_for_s,
    dial_outcome_due_at,
    dispatch_again_in_s,
    is_to_be_believed_over,
    is_told_to_be_over,
    is_up,
    limit_falls_in_s,
    look_again_in_s,
    owed,
)
from ringline.calls.rules.kept_rules import is_to_rest
from ringline.calls.rules.presence_rules import dispatch_is_due, falls_back
from ringline.calls.rules.transfers.steps import is_being_sent_away
from ringline.calls.tables.store import CallStore
from ringline.runtime.clock import Clock

if TYPE_CHECKING:
    # Loaded by whoever composes the sweep.
    from ringline.calls.transfers.mend import MendTransfers


_LASTED_TOO_LONG = End(EndReason.MAX_DURATION_REACHED)
"""Ends a conversation, and whatever transfer it has with it."""


@dataclass(slots=True)
class Swept:
    """What one run did, for its log line, and what it found: how many calls and deliveries were due, how many accounts
    have calls waiting that could be dialled, and for how long the first of them has; also of those that have a line
    free."""

    looked_at: int = 0
    settled: int = 0
    adopted: int = 0
    rung: int = 0
    redelivered: int = 0
    ends_told: int = 0
    unread: int = 0
    handed_out: int = 0
    rooms_closed: int = 0
    left_alone: int = 0
    overdue: int = 0
    deliveries_overdue: int = 0
    accounts_waiting: int = 0
    oldest_waiting_ms: int = 0
    oldest_with_line_free_ms: int = 0


@dataclass(frozen=True, slots=True)
class Mender:
    store: CallStore
    progress: Progress
    telephony: Telephony
    looks: LookQueue
    clock: Clock
    log: Logger
    swept: Swept
    ends: Ends
    transfers: "MendTransfers | None" = None

    async def mend(self, call: Call, room_is_open: bool, now: int) -> None:
        """Does what is due to the call at this moment; its end may be written with others (`ends`). Raises
        TelephonyDown where LiveKit cannot be asked. Nothing is lost then, for the next run looks again."""
        if room_is_open and is_to_rest(call):
            await self._rest_recordings(call)
        due = owed(call, room_is_open, now)
        if room_is_open and due != _LASTED_TOO_LONG and await self._mend_transfers(call, now):
            # The call is another now, and its next look sees to the rest: at once, where somebody says that it is over.
            if is_told_to_be_over(call):
                await self._ask_for_look(call, 1)
            return
        if due in (Owed.NOTHING, Owed.LOOK):
            await self._look_at_its_limit(call, now)
            if (believed_in_s := believed_over_in_s(call, now)) is not None:
                # This look is for whoever is missing, and they may have come: nobody else asks for that one.
                await self._ask_for_look(call, believed_in_s)
        await self._do(due, call, now)

    async def _mend_transfers(self, call: Call, now: int) -> bool:
        """Whether the call is another now."""
        return bool(call.transfers) and self.transfers is not None and await self.transfers.mend(call, now)

    async def _rest_recordings(self, call: Call) -> None:
        """A recording is an extra: that LiveKit cannot be asked about it keeps nothing else from being mended."""
        try:
            await rest_recordings(self.telephony, call)
        except TelephonyDown:
            self.log.warning("recording not stopped", extra={"call_id": call.call_id})
            await self._ask_for_look(call, STOP_RECORDING_S)

    async def _do(self, due: Owed | End, call: Call, now: int) -> None:
        match due:
            case Owed.NOTHING:
                return
            case Owed.PEEK:
                await self._peek(call, now)
            case Owed.SETTLE:
                await self._settle(call)
            case End(reason):
                await self._end(call, reason, now)
            case Owed.LOOK:
                await self._look(call, now)

    async def _look_at_its_limit(self, call: Call, now: int) -> None:
        """A conversation ends at its limit, not with the first run after it."""
        after_s = limit_falls_in_s(call, now)
        if after_s is not None:
            await self._ask_for_look(call, after_s)

    async def _peek(self, call: Call, now: int) -> None:
        room = await self.telephony.look(call.room_name or "")
        await self._adopt(call, leg_of(call, room), room, now)

    async def _adopt(self, call: Call, leg: LegView | None, room: RoomView, now: int) -> bool:
        """Whether LiveKit shows an answer that nobody was there to report. The conversation then goes on."""
        if leg is None or not is_up(leg):
            return False
        agent = next(iter(present_agents(call, room)), None)
        adopted = await self._apply_and_look(call, Answered(now, call.attempt, leg.sid, leg.sip_call_id, agent))
        self.swept.adopted += 1
        await self._remove_later_agents(adopted.call, room)
        return True

    async def _look(self, call: Call, now: int) -> None:
        room = await self.telephony.look(call.room_name or "")
        leg = leg_of(call, room)
        if call.answered_at is None:
            await self._look_unanswered(call, leg, room, now)
        elif is_to_be_believed_over(call, now):
            await self._look_for_a_lost_leg(call, leg, others_joined_at(call, room), now)
        elif leg is None and not is_being_sent_away(call) and _somebody_stays(call, room):
            # Nobody has told that it left. As after any lost connection it has a while to come back.
            await self._apply_and_look(call, RoomFinished(now, call.attempt))
        elif agents := present_agents(call, room):
            await self._look_at_agents(call, agents, room, now)
        elif call.active_at is None:
            await self._wait_for_agent(call, now)
        else:
            match without_agent(call, others_of(call, room), now):
                case EndReason() as reason:
                    await self._end(call, reason, now)
                case None:
                    await self._send_successor(call, now)
                case event:
                    await self._apply_and_look(call, event)

    async def _look_at_agents(self, call: Call, agents: Sequence[AgentSeen], room: RoomView, now: int) -> None:
        """An agent that is known already changes nothing."""
        current_call: Call | None = call
        if call.agent_left_at is not None or call.agent_sid not in {agent.sid for agent in agents}:
            back = next((agent for agent in agents if call.is_its_agent(agent.identity)), None)
            if call.agent_sid is not None and call.agent_left_at is None and back is None:
                # The report that it left got lost.
                await self._apply(call, AgentLeft(now, call.attempt, call.agent_sid, None))
            here = back or agents[0]
            joined = await self._apply(call, AgentJoined(now, call.attempt, here.sid, here.identity))
            if Effect.REMOVE_AGENT in joined.effects and call.agent_sid is None:
                await self._agents.put_out(call, agents)
            current_call = joined.call
        await self._remove_later_agents(current_call, room)

    async def _remove_later_agents(self, call: Call | None, room: RoomView) -> None:
        if call is not None and not await self._agents.remove_later(call, room):
            await self._ask_for_look(call, AGENT_SLOW_S)

    async def _wait_for_agent(self, call: Call, now: int) -> None:
        """Somebody hears it ring, or silence, and must not have to wait until the next run. Whoever sends an agent is
        the one to look again."""
        fallen_back = await self._fall_back(call, now)
        if fallen_back is not None and fallen_back.transfers:
            await self._ask_for_look(call, look_again_in_s(fallen_back))
        elif fallen_back is None and now >= agent_due_at(call):
            await self._end(call, EndReason.AGENT_DID_NOT_JOIN, now)
        # The fallback may have as many calls as it may have: until it has room, the first agent may still come.
        elif fallen_back is not None or await self._agents.send_another(call):
            again_in_s = dispatch_again_in_s(call, now) if fallen_back is None else FALLBACK_AHEAD_S
            await self._ask_for_look(call, again_in_s)
            if call.dispatches == 1:
                # Should one of these looks die, this one ends the waiting.
                await self._ask_for_look(call, max(again_in_s, -(-(agent_due_at(call) - now) // 1000) + 1))

    async def _send_successor(self, call: Call, now: int) -> None:
        """A conversation that has lost its speech worker is given another until its time is over. Whoever sends one is
        the one to look again."""
        if dispatch_is_due(call, now) and await self._agents.send_another(call):
            await self._ask_for_look(call, DISPATCH_EVERY_S)

    async def _fall_back(self, call: Call, now: int) -> Call | None:
        """The call that is now another agent's, or is handed over to a number; None where it is not."""
        fallen_back = await self._agents.fall_back(call) if falls_back(call, now) else None
        if fallen_back is not None and self.transfers is not None:
            await self.transfers.begin(fallen_back)
        return fallen_back

    async def _look_unanswered(self, call: Call, leg: LegView | None, room: RoomView, now: int) -> None:
        rings_in = call.comes_in and leg is not None
        agent = next(iter(present_agents(call, room)), None)
        if rings_in and agent is not None:
            taken = await self._apply_and_look(
                call, AgentJoined(agent.joined_at, call.attempt, agent.sid, agent.identity)
            )
            self.swept.adopted += 1
            await self._remove_later_agents(taken.call, room)
        elif await self._adopt(call, leg, room, now):
            return
        elif not rings_in:
            # A leg that is there may ring on, whatever a carrier or LiveKit reported of another leg, until its time is
            # up.
            if leg is None or now >= dial_outcome_due_at(call):
                await self._give_up(call)
        else:
            await self._wait_for_agent(call, now)

    async def _look_for_a_lost_leg(self, call: Call, leg: LegView | None, joined_at: Sequence[int], now: int) -> None:
        """LiveKit or a carrier reported the end of a call that was answered. A leg that lost its connection or its room
        may be back under another sid, and then the call goes on. Where only the carrier reported an end, time decides:
        LiveKit soon notices it too, or the carrier spoke of another leg."""
        if leg is None or leg.sid == call.evidence.left_leg_sid or leg.call_status == CallStatus.HANGUP:
            await self._give_up(call)
            return
        undecided_s = carrier_may_be_right_for_s(call, joined_at, now)
        if undecided_s > 0:
            await self._ask_for_look(call, undecided_s)
            # Until then the call's limits hold as if no end had been reported.
            doubted = replace(call, carrier=replace(call.carrier, end_is_doubted=True))
            await self._do(owed(doubted, True, now), doubted, now)
            return
        joined = (await self._apply(call, LegJoined(now, call.attempt, leg.sid, is_seen=True))).call
        self.swept.adopted += 1
        # A limit may have passed while the leg was away, or its agent have left, and the next run would notice it a
        # minute late.
        if joined is not None and joined.in_flight:
            due = owed(joined, True, now)
            if due is not Owed.LOOK or not is_told_to_be_over(joined):
                await self._do(due, joined, now)

    async def _end(self, call: Call, reason: EndReason | None, now: int) -> None:
        as_written = None
        if reason is not None:
            asked = await self._apply(call, EndAsked(now, reason, call.attempt))
            if not asked.effects:
                # Somebody was faster: the agent is there after all.
                return
            as_written = asked.call
        await self._settle(call, as_written)

    async def _give_up(self, call: Call) -> None:
        given_up = await self._apply(call, GivenUp(self.clock(), call.attempt))
        await self._settle(call, given_up.call)

    async def _settle(self, call: Call, as_written: Call | None = None) -> None:
        """Closes the room first: a line is given back only when nothing can ring or talk on it any more. `as_written`
        is the call since it was looked at, where this run has changed it: it may be in another room by now."""
        await end_room_of(call, self.store, self.telephony)
        await self.ends.end(Wanted(as_written or call, FoundOver(self.clock(), call.attempt)))

    async def _apply_and_look(self, call: Call, event: Event) -> Outcome:
        """Applies what was seen, and has somebody look again where that asks for it."""
        outcome = await self._apply(call, event)
        if Effect.LOOK_AGAIN in outcome.effects and outcome.call is not None:
            await self._ask_for_look(call, look_again_in_s(outcome.call))
        return outcome

    async def _apply(self, call: Call, event: Event) -> Outcome:
        return await asyncio.to_thread(self.progress.apply, call.account_id, call.call_id, event)

    async def _ask_for_look(self, call: Call, after_s: int) -> None:
        await asyncio.to_thread(ask_for_look, self.looks, self.log, call, after_s)

    @property
    def _agents(self) -> Agents:
        return Agents(self.progress, self.telephony, self.clock, self.log)


def _somebody_stays(call: Call, room: RoomView) -> bool:
    """Whether the room is kept open by those who were there for the call's leg."""
    return bool(present_agents(call, room)) or others_of(call, room) is Others.TALK
