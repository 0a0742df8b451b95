"""What follows when the dialled phone is answered.

The answer is written with the agent that was in the room before the INVITE, or is there by then. If none is there, the
dialer waits for one, and ends the call when the agent's time is up.
"""

import asyncio

from aws_lambda_powertools import Logger

from ringline.calls.model.call import Call, State
from ringline.calls.model.events import AgentJoined, AgentSeen, Answered, EndAsked
from ringline.calls.model.ports import CarrierLinks, LookQueue
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.results import Effect
from ringline.calls.model.room_view import RoomView, agent_in, leg_of, present_agents
from ringline.calls.model.timing import AGENT_SLOW_S
from ringline.calls.outbound.attempts import LOOK_EVERY_S, Attempts, is_over
from ringline.calls.progress.agents import Agents
from ringline.calls.progress.hints import ask_for_look, ask_for_look_at_limit, link_carrier_calls
from ringline.calls.rules.deadlines import look_again_in_s
from ringline.calls.rules.presence_rules import agent_join_s, dispatch_is_due
from ringline.record import Record
from ringline.runtime.clock import MS_PER_S, Clock


class Answers(Record):
    """`links` is None where each carrier that reports names the call itself: then nobody asks for its ids."""

    attempts: Attempts
    looks: LookQueue
    links: CarrierLinks | None
    clock: Clock
    log: Logger

    async def take(self, call: Call, leg_sid: str, sip_call_id: str | None, agent: AgentSeen | None = None) -> None:
        """Writes the answer, and returns when an agent is in the conversation or the call is over. `agent` was in the
        room before the INVITE: if it left meanwhile, the call knows of it."""
        answered_at = self.clock()
        room = None
        if agent is None:
            room = await self.attempts.room_of(call)
            agent = agent_in(room)
        answer = Answered(answered_at, call.attempt, leg_sid, sip_call_id, agent)
        outcome = await self.attempts.apply(call, answer)
        if is_over(call, outcome.call) or Effect.END_ROOM in outcome.effects:
            # The call was canceled or ended while it rang: whoever answered must not listen to an empty room.
            await self.attempts.close_and_settle(call)
            return
        if outcome.call is not None and Effect.LOOK_AGAIN in outcome.effects:
            # The leg, or the agent, left before the answer was written.
            await asyncio.to_thread(ask_for_look, self.looks, self.log, call, look_again_in_s(outcome.call))
        if outcome.call is not None and outcome.call.state is State.LAST_WORDS:
            return
        if room is None and outcome.call is not None and self._lacks_carriers_ids(outcome.call):
            room = await self.attempts.room_of(call)
        await self._leave_hints(call, room)
        if outcome.call is not None and outcome.call.active_at is None:
            await self._await_agent(call, answered_at)
        else:
            await self._keep_one_agent(outcome.call, room)

    def _lacks_carriers_ids(self, call: Call) -> bool:
        """Whether nobody knows yet by which ids the carrier's events will name the call. A carrier that has told of its
        ringing named it then, and is known by them (`signals.carrier`)."""
        return self.links is not None and call.carrier.rang_at is None

    async def _leave_hints(self, call: Call, room: RoomView | None) -> None:
        """Leaves two hints: the ids by which the carrier's events will name this call, and a look at the moment when a
        short conversation reaches its limit."""
        leg = leg_of(call, room)
        if self.links is not None and leg is not None:
            await asyncio.to_thread(link_carrier_calls, self.links, self.log, call, leg.carrier_call_ids)
        await asyncio.to_thread(ask_for_look_at_limit, self.looks, self.log, call)

    async def _keep_one_agent(self, call: Call | None, room: RoomView | None) -> None:
        if call is not None and room is not None and not await self._agents.remove_later(call, room):
            await asyncio.to_thread(ask_for_look, self.looks, self.log, call, AGENT_SLOW_S)

    @property
    def _agents(self) -> Agents:
        return Agents(self.attempts.progress, self.attempts.telephony, self.clock, self.log)

    async def _await_agent(self, call: Call, answered_at: int) -> None:
        """Ends the call if no agent joins in time. The dialer looks into the room because the webhook of an agent that
        joined before the answer was written came too early to be of use; that of a later one is applied."""
        while self.clock() - answered_at < agent_join_s(call) * MS_PER_S:
            room, current_call = await asyncio.gather(self.attempts.room_of(call), self.attempts.read(call))
            if is_over(call, current_call) or (current_call and current_call.active_at is not None):
                return
            agents = () if room is None else present_agents(current_call or call, room)
            for agent in agents[:1]:
                joined = await self.attempts.apply(
                    call, AgentJoined(self.clock(), call.attempt, agent.sid, agent.identity)
                )
                await self._keep_one_agent(joined.call, room)
                # It may have left since: then another is waited for.
                if is_over(call, joined.call) or (joined.call and joined.call.active_at is not None):
                    return
            if current_call is not None and dispatch_is_due(current_call, self.clock()):
                await self._agents.send_another(call)
            await asyncio.sleep(LOOK_EVERY_S)
        end_asked = EndAsked(self.clock(), EndReason.AGENT_DID_NOT_JOIN, call.attempt)
        outcome = await self.attempts.apply(call, end_asked)
        if outcome.effects:
            await self.attempts.close_and_settle(call)
