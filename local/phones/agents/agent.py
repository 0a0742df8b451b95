"""One agent of a worker, from its dispatch to its last report."""

import asyncio
from typing import Protocol

from livekit.protocol.models import DisconnectReason

from local.phones.agents.deeds import Deeds
from local.phones.agents.presence import Presence
from local.phones.calls.exchange import Exchange
from local.phones.model import timings
from local.phones.numbers.callees import AgentDeed


class Mind(Protocol):
    """What an agent hears, says and reports in its call."""

    async def may_join(self) -> None:
        """Returns once the agent may come into the room."""
        ...

    async def attend(self) -> None:
        """From the job that was taken on; cancelled when the agent is gone or has crashed."""
        ...

    async def conclude(self) -> None:
        """The last reports of an agent that is gone."""
        ...


class WorkerAgent:
    """One agent in one room. It does its number's deed, besides what its mind makes it say."""

    def __init__(self, exchange: Exchange, presence: Presence, mind: Mind, deeds: Deeds) -> None:
        self.presence = presence
        self._pace = exchange.pace
        self._tasks = exchange.tasks
        self._mind = mind
        self._deeds = deeds

    async def run(self) -> None:
        """Takes the job, joins, does its deed, and leaves when the caller has left or someone put it out."""
        presence = self.presence
        await self._pace.sleep(timings.JOB_ACCEPTED_S)
        script = presence.script
        if script.deed is AgentDeed.ABSENT or presence.turn <= script.drops or presence.gone.is_set():
            return
        job = presence.take_job()
        acts = [self._tasks.start(self._mind.attend())]
        try:
            await self._pace.sleep(script.joins_after_s - timings.JOB_ACCEPTED_S)
            if not await self._is_to_join():
                return
            presence.join(job)
            lost = self._lose_mind(acts[0])
            acts += [self._tasks.start(act) for act in (self._speak(), self._do_deed(), self._follow(), lost)]
            await presence.gone.wait()
        finally:
            for act in acts:
                act.cancel()
            await asyncio.wait(acts)
        await self._mind.conclude()

    async def _is_to_join(self) -> bool:
        """Whether the agent comes into the room, which it may have to wait for: not where it is not wanted any more."""
        presence = self.presence
        reasons = (self._mind.may_join(), presence.gone.wait(), presence.alone.wait())
        waits = [self._tasks.start(each) for each in reasons]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()
            await asyncio.wait(waits)
        return not presence.gone.is_set() and not presence.alone.is_set()

    async def _speak(self) -> None:
        await self._pace.sleep(timings.AGENT_TRACK_S)
        self.presence.publish()

    async def _lose_mind(self, attending: asyncio.Task[None]) -> None:
        await self.presence.crashed.wait()
        attending.cancel()

    async def _follow(self) -> None:
        await self.presence.alone.wait()
        await self._pace.sleep(timings.AGENT_FOLLOWS_S)
        self.presence.leave(DisconnectReason.CLIENT_INITIATED)

    async def _do_deed(self) -> None:
        """Does what the number of the call asks for, once that is known; an agent that stays does nothing more."""
        script = self.presence.script
        if script.deed is AgentDeed.STAY:
            await self.presence.answered.wait()
            script = self.presence.script
        if script.deed is AgentDeed.STAY:
            return
        if script.since_answer:
            await self.presence.answered.wait()
        await self._pace.sleep(script.after_s)
        await self._deeds.carry_out(script)
