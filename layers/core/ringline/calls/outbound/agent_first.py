"""Waits for the agent before the INVITE: nobody is rung for nobody.

    dialer                LiveKit           table
      | room + agent -------->|
      |  0.2 to 0.5 s, as     |
      |  agents take          |
      | who is in the room? ->|               |
      | still wanted? ----------------------->|      side by side; again after 0.04 s, then each 0.08 s, then
      |                       |               |      less often; where LiveKit counts requests after 0.3, 0.5
      |                       |               |      and 0.8 s, and then each second
      |       1.5 s: "waits for its agent" -->|      from now on the record proves that no INVITE was sent
      | the agent is there: "it came" ------->|
      | INVITE -------------->|

An agent is there that LiveKit shows in the room, or that has told us that it is ready. Our own speech worker is there
when it is in the room and has told us that its brain is at the other end of the line. If none comes in time, the room
is closed, the call is back in its place in the queue, and the agent rests (`tables.agent_rests`)."""

import asyncio

from aws_lambda_powertools import Logger

from ringline.calls.model.call import Call
from ringline.calls.model.events import AgentAwaited, AgentCame, AgentSeen, DialWithoutAgent
from ringline.calls.model.outcomes import LivekitAway
from ringline.calls.model.ports import Doorbell
from ringline.calls.model.room_view import agent_in, present_agents
from ringline.calls.model.timing import (
    AGENT_AWAITED_S,
    AGENT_FIRST_LOOK_S,
    AGENT_LOOK_EVERY_S,
    AGENT_LOOKS_SLOW_DOWN,
    AGENT_LOOKS_WHERE_COUNTED_S,
    AGENT_RESTS_S,
    AGENT_SECOND_LOOK_S,
)
from ringline.calls.outbound.arrivals import Arrivals
from ringline.calls.outbound.attempts import LOOK_EVERY_S, Attempts, is_over
from ringline.calls.progress.progress import Applied
from ringline.calls.rules.deadlines import agent_first_s
from ringline.calls.tables.agent_rests import AgentRest, AgentRests, trial_of
from ringline.record import Record
from ringline.runtime.clock import MS_PER_S, Clock


class AgentThere(Record):
    """The phone may ring for `call`. `agent` is None where only the agent itself has told that it is there."""

    call: Call
    agent: AgentSeen | None


class NoLongerWanted(Record):
    """The call was canceled meanwhile, or the attempt is over."""


class NoAgent(Record):
    """None came within the call's limit."""


class Expired(Record):
    """The call's `expires_at` came while it waited."""


type Awaited = AgentThere | NoLongerWanted | NoAgent | Expired | LivekitAway


class AgentFirst(Record):
    """`looks_are_counted` where LiveKit takes so many requests a minute: then it is asked less often."""

    attempts: Attempts
    rests: AgentRests
    arrivals: Arrivals
    doorbell: Doorbell
    clock: Clock
    log: Logger
    looks_are_counted: bool = False

    async def await_agent(self, call: Call) -> Awaited:
        """Returns as soon as an agent is in the call's room, or at the end of the time that it has."""
        began_at, looks, was_seen = self.clock(), 0, False
        await asyncio.sleep(self.arrivals.first_look_s)
        while True:
            room, current_call = await asyncio.gather(self.attempts.room_of(call), self.attempts.read(call))
            if current_call is None or is_over(call, current_call) or current_call.end_asked_at is not None:
                return NoLongerWanted()
            if current_call.has_expired(self.clock()):
                # One that has had its time has missed it. What is found in a shorter one says nothing of the agent.
                is_late = self.clock() - began_at >= AGENT_AWAITED_S * MS_PER_S and agent_in(room) is None
                return NoAgent() if is_late and room else Expired()
            agent = None if room is None else next(iter(present_agents(current_call, room)), None)
            waited_s, looks = (self.clock() - began_at) / MS_PER_S, looks + 1
            if agent is not None and not was_seen:
                self.arrivals.seen(looks, waited_s)
                was_seen = True
            if _is_there(current_call, agent):
                return await self._there(current_call, agent)
            if waited_s >= agent_first_s(call):
                # Nobody could say whether the agent is there: that is not the agent's fault.
                return NoAgent() if room else LivekitAway("unavailable", "LiveKit not reached")
            if waited_s >= AGENT_AWAITED_S and current_call.awaits_agent_since is None:
                await self.attempts.apply(call, AgentAwaited(self.clock(), call.attempt))
            await asyncio.sleep(self._until_next_look_s(call, looks, waited_s))

    def _until_next_look_s(self, call: Call, looks: int, waited_s: float) -> float:
        if not self.looks_are_counted:
            return AGENT_SECOND_LOOK_S if looks == 1 else _until_next_look_s(waited_s)
        left_s = max(AGENT_LOOK_EVERY_S, agent_first_s(call) - waited_s)
        return min(left_s, AGENT_LOOKS_WHERE_COUNTED_S[min(looks, len(AGENT_LOOKS_WHERE_COUNTED_S)) - 1])

    async def _there(self, call: Call, agent: AgentSeen | None) -> AgentThere | NoLongerWanted:
        if call.tries_agent:
            await self._end_rest(call)
        if call.awaits_agent_since is None:
            return AgentThere(call, agent)
        came = await self.attempts.apply(call, AgentCame(self.clock(), call.attempt))
        return AgentThere(came.call, agent) if isinstance(came, Applied) else NoLongerWanted()

    async def _end_rest(self, call: Call) -> None:
        """The others may follow, one by one. If that cannot be written they wait for as long as this dial might have
        taken."""
        trial = trial_of(call.call_id, call.attempt)
        try:
            await asyncio.to_thread(self.rests.joined, call.account_id, call.agent_id, trial, self.clock())
            await asyncio.to_thread(self.doorbell.ring, call.account_id)
        except Exception:
            self.log.exception("agent's rest not ended", extra={"call_id": call.call_id})

    async def untried(self, call: Call) -> None:
        """The dial found out nothing about the agent that it was to try, so another may at once. If that cannot be
        written the others wait for as long as this one might have taken."""
        try:
            trial = trial_of(call.call_id, call.attempt)
            await asyncio.to_thread(self.rests.untried, call.account_id, call.agent_id, trial, self.clock())
        except Exception:
            self.log.exception("agent's trial not given up", extra={"call_id": call.call_id})

    async def queue_expired(self, call: Call) -> None:
        """Nobody is rung after the call's `expires_at`: it goes back into the queue, where it ends."""
        now = self.clock()
        await self.attempts.apply(call, DialWithoutAgent(now, call.attempt, now, now))
        await self.attempts.close_room(call)

    async def queue_again(self, call: Call) -> None:
        """The agent rests before the call is back in the queue, so that whoever looks at the call next finds it so. If
        that cannot be written the call is queued again all the same; the next one then waits in vain, too."""
        now = self.clock()
        rest = AgentRest(next_at=now + AGENT_RESTS_S[0] * MS_PER_S)
        try:
            trial = trial_of(call.call_id, call.attempt)
            rest = await asyncio.to_thread(self.rests.missed, call.account_id, call.agent_id, trial, now)
        except Exception:
            self.log.exception("agent not put to rest", extra={"call_id": call.call_id})
        self.log.warning("no agent came", extra={"call_id": call.call_id, "agent_id": call.agent_id})
        missed = DialWithoutAgent(now, call.attempt, rest.missing_since or now, rest.next_at)
        await self.attempts.apply(call, missed)
        await self.attempts.close_room(call)


def _is_there(call: Call, agent: AgentSeen | None) -> bool:
    """LiveKit may show an agent of the customer's own later than it tells of itself, unless that has left since. Our
    speech worker may come before its brain does, and tell of that before it comes: both are to be there."""
    is_in_room, is_ready = agent is not None, call.reports.ready_at is not None
    if call.brain is None:
        return is_in_room or (is_ready and call.agent_left_at is None)
    return is_in_room and is_ready


def _until_next_look_s(waited_s: float) -> float:
    return min(LOOK_EVERY_S, max(AGENT_LOOK_EVERY_S, AGENT_LOOKS_SLOW_DOWN * (waited_s - 2 * AGENT_FIRST_LOOK_S)))
