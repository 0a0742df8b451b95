"""An agent's presence in a room: the job it took, how it joins and leaves, and what it sees there."""

import asyncio
import json
import time
from collections.abc import Callable

from livekit.protocol.agent import Job, JobState, JobStatus
from livekit.protocol.agent_dispatch import AgentDispatch
from livekit.protocol.models import DisconnectReason, ParticipantInfo

from local.phones.calls.exchange import Exchange
from local.phones.kernel.ids import new_id
from local.phones.numbers import book
from local.phones.numbers.callees import AgentDeed, AgentScript, Callee
from local.phones.rooms.participant import Participant
from local.phones.rooms.room import Room, RoomEvent
from local.phones.rooms.tracks import agent_track


class Presence:
    """One agent in one room, whom the room's `turn`-th dispatch for its worker's name asks for.

    `hears` is given the server's data messages, each with its topic. `answered` is set once both sides can hear each
    other, `alone` when the caller has left, `gone` when the agent has, `crashed` when its process has died, long before
    anybody else sees it go.
    """

    def __init__(self, exchange: Exchange, room: Room, dispatch: AgentDispatch, turn: int, worker_id: str) -> None:
        self.room = room
        self.dispatch = dispatch
        self.turn = turn
        self.joined = asyncio.Event()
        self.answered = asyncio.Event()
        self.answered_at: float | None = None
        self.alone = asyncio.Event()
        self.gone = asyncio.Event()
        self.crashed = asyncio.Event()
        self.hears: Callable[[str, bytes], None] | None = None
        self._exchange = exchange
        self._worker_id = worker_id
        self._participant: Participant | None = None
        room.watch(self._see)

    @property
    def number(self) -> str | None:
        """The sandbox's number that the call is about."""
        return book.number_named_in(self.dispatch.metadata) or book.number_named_in(self.room.metadata)

    @property
    def script(self) -> AgentScript:
        """What to do: as the dispatch's metadata says, else as the number of the call says."""
        return _script_in(self.dispatch.metadata) or self.callee.agent

    @property
    def callee(self) -> Callee:
        """Who is at the other end."""
        if self.number is not None:
            return self._exchange.callee(self.number)
        return self.room.callee or Callee()

    @property
    def leg(self) -> Participant | None:
        """The phone at the other end; None while it has not joined, and once it has left."""
        return next(iter(self.room.legs()), None)

    def take_job(self) -> Job:
        """Takes the dispatch's job, as `GetDispatch` shows it from now on."""
        now_ns = time.time_ns()
        job = Job(
            id=new_id("AJ_"),
            dispatch_id=self.dispatch.id,
            metadata=self.dispatch.metadata,
            agent_name=self.dispatch.agent_name,
            attributes=self.dispatch.attributes,
        )
        job.room.CopyFrom(self.room.message())
        job.state.CopyFrom(
            JobState(
                status=JobStatus.JS_RUNNING,
                started_at=now_ns,
                updated_at=now_ns,
                participant_identity=f"agent-{job.id}",
                worker_id=self._worker_id,
            )
        )
        self.dispatch.state.jobs.append(job)
        return job

    def join(self, job: Job) -> None:
        """The agent comes into the room."""
        self._participant = Participant(
            job.state.participant_identity,
            ParticipantInfo.AGENT,
            attributes=dict.fromkeys(("lk.agent.name", "lk.agent_name"), self.dispatch.agent_name),
            evicted=lambda _reason: self.gone.set(),
            hears=self._hear,
        )
        self.room.join(self._participant)
        self.joined.set()
        if any(leg.can_hear for leg in self.room.legs()):
            self._hear_answer()

    def publish(self) -> None:
        """Its audio can be heard from now on."""
        if self._participant is not None:
            self.room.publish(self._participant, agent_track())

    def tell(self, attributes: dict[str, str]) -> None:
        """Attributes of its own. Everybody in the room sees them, also while LiveKit still shows one that crashed."""
        if self._participant is not None and not self.crashed.is_set():
            self.room.change(self._participant, attributes)

    def leave(self, reason: DisconnectReason) -> None:
        """The agent goes; one that has not joined yet never will."""
        self.gone.set()
        if self._participant is not None:
            self.room.leave(self._participant, reason)

    def _see(self, event: RoomEvent, participant: Participant | None) -> None:
        if event is RoomEvent.CLOSED:
            self.gone.set()
        elif participant is None or not participant.is_other_side:
            return
        elif event in {RoomEvent.CHANGED, RoomEvent.JOINED} and participant.can_hear:
            self._hear_answer()
        elif event is RoomEvent.LEFT and participant.is_followed and not self.crashed.is_set():
            self.alone.set()

    def _hear(self, topic: str, told: bytes) -> None:
        if self.hears is not None and not self.crashed.is_set():
            self.hears(topic, told)

    def _hear_answer(self) -> None:
        self.answered_at = self.answered_at or time.time()
        self.answered.set()


def _script_in(metadata: str) -> AgentScript | None:
    """The script an agent's own metadata may hold: `{"do": "leave", "after_s": 4}`, counted from its joining."""
    try:
        script = json.loads(metadata)
        return AgentScript(AgentDeed(script["do"]), float(script.get("after_s", 0)), since_answer=False)
    except (ValueError, KeyError, TypeError):
        return None
