"""Agents in the room of a call, put in order: another is sent where none has come, and one too many is put out.

LiveKit drops a dispatch that no worker has room for, and says so to nobody; one that is only slow looks the same. So
another agent is sent, two may come, and exactly one may talk. Each step is asked of the rules on the record as it is at
that moment, and done at LiveKit after it is written: of two that look at once only one sends an agent, and neither
removes the agent that talks. What gets lost in between is done by the next look.
"""

import asyncio
from collections.abc import Iterable

from aws_lambda_powertools import Logger

from ringline.calls.model.call import Call
from ringline.calls.model.events import (
    AgentJoined,
    AgentSeen,
    AgentWantedBack,
    DispatchedAgain,
    Event,
    FellBack,
    SpeechLost,
)
from ringline.calls.model.ports import Telephony
from ringline.calls.model.results import Effect
from ringline.calls.model.room_view import RoomView, TelephonyDown, later_agents
from ringline.calls.progress.progress import Applied, Outcome, Progress
from ringline.calls.rules.transfers.steps import is_passed_on
from ringline.record import Record
from ringline.runtime.clock import Clock


class Agents(Record):
    progress: Progress
    telephony: Telephony
    clock: Clock
    log: Logger

    async def send_another(self, call: Call) -> bool:
        """Whether another agent is sent, or was to be: not where one is there, or where somebody sent one just now.
        LiveKit may not be there to be asked; the next look asks it again."""
        outcome = await self._apply(call, DispatchedAgain(self.clock(), call.attempt))
        if not isinstance(outcome, Applied):
            return False
        about = {"call_id": call.call_id, "dispatch": outcome.call.dispatches}
        try:
            await self.telephony.send_agent(outcome.call)
        except Exception:
            self.log.exception("agent not dispatched again", extra=about)
        else:
            self.log.info("agent dispatched again", extra=about)
        return True

    async def replace_lost(self, call: Call, dispatch: int) -> bool:
        """Whether the call is given another speech worker for the one that this dispatch brought, which is gone. What
        LiveKit still shows of that one is put out of the room. Somebody has to look again: LiveKit may not be there to
        be asked, or lose the dispatch."""
        room = await self._seen(call)
        outcome = await self._apply(call, SpeechLost(self.clock(), call.attempt, dispatch))
        about = {"call_id": call.call_id, "dispatch": dispatch}
        if not isinstance(outcome, Applied):
            self.log.info("speech worker lost, nothing to be done", extra={**about, "why": outcome.why})
            return False
        lost = outcome.call
        self.log.warning("speech worker lost in a call", extra={**about, "next_dispatch": lost.dispatches})
        if lost.dispatches > call.dispatches:
            # First: what was said is read from whom LiveKit still shows.
            await self._send_successor(lost)
        await asyncio.gather(*(self._put_out(lost, ghost) for ghost in _ghosts(lost, room)))
        return True

    async def send_for_one_put_out(self, call: Call) -> bool:
        """Whether the call is given an agent in place of the one that was put out for somebody who was gone by then.
        Somebody has to look again, as above."""
        outcome = await self._apply(call, AgentWantedBack(self.clock(), call.attempt))
        about = {"call_id": call.call_id}
        if not isinstance(outcome, Applied):
            self.log.info("no agent sent for one that was put out", extra={**about, "why": outcome.why})
            return False
        self.log.info("agent sent for one that was put out", extra={**about, "dispatch": outcome.call.dispatches})
        await self._send_successor(outcome.call)
        return True

    async def put_out(self, call: Call, agents: Iterable[AgentSeen]) -> None:
        """Has these agents leave: they came too late. Raises TelephonyDown."""
        for agent in agents:
            await self.telephony.remove(call.room_name or "", agent.identity)
            self.log.info("late agent removed", extra={"call_id": call.call_id})

    async def _seen(self, call: Call) -> RoomView:
        try:
            return await self.telephony.look(call.room_name or "")
        except TelephonyDown:
            return RoomView((), ())

    async def _put_out(self, call: Call, ghost: AgentSeen) -> None:
        try:
            await self.telephony.remove(call.room_name or "", ghost.identity)
        except TelephonyDown:
            self.log.warning("lost agent not removed", extra={"call_id": call.call_id})

    async def _send_successor(self, call: Call) -> None:
        try:
            await self.telephony.send_agent(call)
        except TelephonyDown:
            self.log.warning("successor not dispatched", extra={"call_id": call.call_id})

    async def fall_back(self, call: Call) -> Call | None:
        """The call for which the agent that was named for this case is sent, or was to be, or that is to be handed over
        to a number: that begins elsewhere. None where somebody was faster."""
        outcome = await self._apply(call, FellBack(self.clock(), call.attempt))
        if not isinstance(outcome, Applied):
            return None
        if is_passed_on(outcome.call):
            return outcome.call
        about = {"call_id": call.call_id, "agent_id": outcome.call.agent_id}
        try:
            await self.telephony.send_agent(outcome.call)
        except Exception:
            self.log.exception("fallback agent not dispatched", extra=about)
        else:
            self.log.info("fallback agent dispatched", extra=about)
        return outcome.call

    async def remove_later(self, call: Call, room: RoomView) -> bool:
        """Puts out of the room who came while the call's agent was there. False if LiveKit could not be asked: then
        somebody has to look again."""
        is_done = True
        for agent in later_agents(call, room):
            outcome = await self._apply(call, AgentJoined(self.clock(), call.attempt, agent.sid, agent.identity))
            if Effect.REMOVE_AGENT not in outcome.effects:
                continue
            try:
                await self.telephony.remove(call.room_name or "", agent.identity)
            except Exception:
                self.log.exception("second agent not removed", extra={"call_id": call.call_id})
                is_done = False
            else:
                self.log.info("second agent removed", extra={"call_id": call.call_id})
        return is_done

    async def _apply(self, call: Call, event: Event) -> Outcome:
        return await asyncio.to_thread(self.progress.apply, call.account_id, call.call_id, event)


def _ghosts(call: Call, room: RoomView) -> list[AgentSeen]:
    """Who is shown in the room for a job that is lost: the agent of the conversation. Before that nobody knows which
    agent came from which job, and of several one may be alive. Where it has not left, one that it asked for was lost,
    which has not come."""
    if call.active_at is not None and call.agent_left_at is None:
        return []
    if call.active_at is not None:
        return [agent for agent in room.agents if call.is_its_agent(agent.identity, agent.sid)]
    return list(room.agents) if len(room.agents) == 1 else []
