"""Agents: dispatches, the worker that takes them, and agents that come without one.

A dispatch for the worker's name is joined about 0.3 s later by `agent-AJ_...`, which leaves when the caller left of
their own accord. A dispatch for any other name stays without a job, and so does one that comes while no worker has
room: nobody tries again. The job of an agent that left or crashed is still shown as running.

Where the dispatch's metadata names a place for reports, the agent tells there that it is ready, when the caller spoke,
and after the call what was said and used.
"""

import asyncio
import json
import time
from collections import Counter

from livekit.protocol.agent import Job, JobState, JobStatus
from livekit.protocol.agent_dispatch import AgentDispatch
from livekit.protocol.models import DisconnectReason, ParticipantInfo

from local.phones.agents.deeds import Deeds
from local.phones.agents.reports import Reports
from local.phones.agents.transcripts import Talk, turns_of, usage_of
from local.phones.calls.exchange import Exchange
from local.phones.kernel import timings
from local.phones.kernel.ids import new_id
from local.phones.numbers import book
from local.phones.numbers.callees import AgentDeed, AgentScript, Callee
from local.phones.rooms.participant import Participant
from local.phones.rooms.room import Room, RoomEvent
from local.phones.rooms.tracks import agent_track

_FOLLOWED = (DisconnectReason.CLIENT_INITIATED, DisconnectReason.ROOM_DELETED, DisconnectReason.USER_REJECTED)


class Worker:
    """The one worker of the network. It takes jobs for its own name only."""

    def __init__(self, exchange: Exchange, agent_name: str) -> None:
        self.agent_name = agent_name
        self._exchange = exchange
        self._worker_id = new_id("AW_")
        self._agents: dict[str, WorkerAgent] = {}
        self._dispatches: Counter[str] = Counter()

    def dispatch(self, room: Room, agent_name: str, metadata: str, attributes: dict[str, str]) -> AgentDispatch:
        """Adds a dispatch to the room; the worker takes it if the name is its own."""
        dispatch = AgentDispatch(
            id=new_id("AD_"), agent_name=agent_name, room=room.name, metadata=metadata, attributes=attributes
        )
        dispatch.state.created_at = time.time_ns()
        room.dispatches[dispatch.id] = dispatch
        if agent_name == self.agent_name:
            number = sum(each.agent_name == agent_name for each in room.dispatches.values())
            agent = WorkerAgent(self._exchange, room, dispatch, number, self._worker_id)
            if self._has_room_for(agent):
                self._agents[dispatch.id] = agent
                self._exchange.tasks.start(self._run(agent, dispatch.id))
        return dispatch

    def _has_room_for(self, agent: "WorkerAgent") -> bool:
        """Whether the worker takes the job: one that it has no room for is dropped, and nobody tries it again."""
        number = agent.number or ""
        self._dispatches[number] += 1
        return self._dispatches[number] % (agent.script.misses + 1) == 0

    def end(self, room: Room, dispatch_id: str) -> AgentDispatch | None:
        """Takes the dispatch back and its agent out of the room; None if the room has no such dispatch."""
        dispatch = room.dispatches.pop(dispatch_id, None)
        if dispatch is not None:
            dispatch.state.deleted_at = time.time_ns()
            if (agent := self._agents.pop(dispatch_id, None)) is not None:
                agent.leave(DisconnectReason.PARTICIPANT_REMOVED)
        return dispatch

    async def _run(self, agent: "WorkerAgent", dispatch_id: str) -> None:
        try:
            await agent.run()
        finally:
            self._agents.pop(dispatch_id, None)


class WorkerAgent:
    """One agent in one room, whom the room's `number`-th dispatch asks for."""

    def __init__(self, exchange: Exchange, room: Room, dispatch: AgentDispatch, number: int, worker_id: str) -> None:
        self._exchange = exchange
        self._pace = exchange.pace
        self._room = room
        self._dispatch = dispatch
        self._number = number
        self._worker_id = worker_id
        self._participant: Participant | None = None
        reports = self.script.reports
        self._reports = Reports.named_in(dispatch.metadata, exchange.courier) if reports else None
        self._deeds = Deeds(exchange, room, self._reports, self.leave)
        self._answered = asyncio.Event()
        self._answered_at: float | None = None
        self._spoke_at: float | None = None
        self._alone = asyncio.Event()
        self._gone = asyncio.Event()
        room.watch(self._see)

    async def run(self) -> None:
        """Takes the job, joins, does its deed, and leaves when the caller has left or someone put it out."""
        await self._pace.sleep(timings.JOB_ACCEPTED_S)
        script = self.script
        if script.deed is AgentDeed.ABSENT or self._number <= script.drops or self._gone.is_set():
            return
        job = self._take_job()
        await self._pace.sleep(script.joins_after_s - timings.JOB_ACCEPTED_S)
        if self._gone.is_set() or self._alone.is_set():
            return
        self._join(job)
        if self._reports is not None:
            self._reports.tell({"type": "ready", "can_report": list(script.can_report)})
        acts = [asyncio.create_task(act) for act in (self._speak(), self._listen(), self._do_deed(), self._follow())]
        try:
            await self._gone.wait()
        finally:
            for act in acts:
                act.cancel()
        await self._conclude()

    async def _speak(self) -> None:
        await self._pace.sleep(timings.AGENT_TRACK_S)
        if self._participant is not None:
            self._room.publish(self._participant, agent_track())

    async def _listen(self) -> None:
        """Hears the other side speak, as soon as somebody does to whom an agent listens."""
        await self._answered.wait()
        if (speaks_after_s := self._callee().speaks_after_s) is None:
            return
        await self._pace.sleep(speaks_after_s)
        self._spoke_at = time.time()
        if self._reports is not None and "user_spoke" in self.script.can_report:
            self._reports.tell({"type": "user_spoke"})

    async def _conclude(self) -> None:
        """The agent's last reports: what was said, and what it took. The call is mostly over by then."""
        if self._reports is None or self._answered_at is None or self._deeds.crashed:
            return
        talk = Talk(self._answered_at, self._spoke_at, time.time())
        await self._pace.sleep(timings.TRANSCRIPT_S)
        turns = turns_of(talk, self.script.turns)
        transcript = {"type": "transcript", "turns": turns, "summary": f"A call of {len(turns)} turns.", "final": True}
        self._reports.tell(transcript, {"type": "usage", "usage": usage_of(talk, turns)})

    async def _follow(self) -> None:
        await self._alone.wait()
        await self._pace.sleep(timings.AGENT_FOLLOWS_S)
        self.leave(DisconnectReason.CLIENT_INITIATED)

    def leave(self, reason: DisconnectReason) -> None:
        """The agent goes; one that has not joined yet never will."""
        self._gone.set()
        if self._participant is not None:
            self._room.leave(self._participant, reason)

    def _see(self, event: RoomEvent, participant: Participant | None) -> None:
        if event is RoomEvent.CLOSED:
            self._gone.set()
        elif participant is None or not participant.is_leg:
            return
        elif event is RoomEvent.CHANGED and participant.is_answered_leg:
            self._hear_answer()
        elif event is RoomEvent.LEFT and self._follows(participant):
            self._alone.set()

    def _follows(self, leg: Participant) -> bool:
        """An agent stays for a caller who was merely not reached: someone may dial again."""
        return leg.left_for in _FOLLOWED and not self._room.legs() and not self._deeds.crashed

    @property
    def number(self) -> str | None:
        """The sandbox's number that the call is about."""
        return book.number_named_in(self._dispatch.metadata) or book.number_named_in(self._room.metadata)

    @property
    def script(self) -> AgentScript:
        """What to do: as the dispatch's metadata says, else as the number of the call says."""
        return _script_in(self._dispatch.metadata) or self._callee().agent

    def _callee(self) -> Callee:
        if self.number is not None:
            return self._exchange.callee(self.number)
        return self._room.callee or Callee()

    def _take_job(self) -> Job:
        now_ns = time.time_ns()
        job = Job(
            id=new_id("AJ_"),
            dispatch_id=self._dispatch.id,
            metadata=self._dispatch.metadata,
            agent_name=self._dispatch.agent_name,
            attributes=self._dispatch.attributes,
        )
        job.room.CopyFrom(self._room.message())
        job.state.CopyFrom(
            JobState(
                status=JobStatus.JS_RUNNING,
                started_at=now_ns,
                updated_at=now_ns,
                participant_identity=f"agent-{job.id}",
                worker_id=self._worker_id,
            )
        )
        self._dispatch.state.jobs.append(job)
        return job

    def _join(self, job: Job) -> None:
        self._participant = Participant(
            job.state.participant_identity,
            ParticipantInfo.AGENT,
            attributes=dict.fromkeys(("lk.agent.name", "lk.agent_name"), self._dispatch.agent_name),
            evicted=lambda _reason: self._gone.set(),
        )
        self._room.join(self._participant)
        if any(leg.is_answered_leg for leg in self._room.legs()):
            self._hear_answer()

    def _hear_answer(self) -> None:
        self._answered_at = self._answered_at or time.time()
        self._answered.set()

    async def _do_deed(self) -> None:
        """Does what the number of the call asks for, once that is known; an agent that stays does nothing more."""
        script = self.script
        if script.deed is AgentDeed.STAY:
            await self._answered.wait()
            script = self.script
        if script.deed is AgentDeed.STAY:
            return
        if script.since_answer:
            await self._answered.wait()
        await self._pace.sleep(script.after_s)
        await self._deeds.carry_out(script)


def _script_in(metadata: str) -> AgentScript | None:
    """The script an agent's own metadata may hold: `{"do": "leave", "after_s": 4}`, counted from its joining."""
    try:
        script = json.loads(metadata)
        return AgentScript(AgentDeed(script["do"]), float(script.get("after_s", 0)), since_answer=False)
    except (ValueError, KeyError, TypeError):
        return None
