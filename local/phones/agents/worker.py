"""Workers, which take the dispatches for their own name.

A dispatch for a worker's name is joined about 0.3 s later by `agent-AJ_...`, which leaves when the caller left of
their own accord. A dispatch for any other name stays without a job, and so does one that comes while the worker has no
room: nobody tries again. The job of an agent that left or crashed is still shown as running.
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping

from livekit.protocol.agent_dispatch import AgentDispatch
from livekit.protocol.models import DisconnectReason

from local.phones.agents.agent import Mind, WorkerAgent
from local.phones.agents.deeds import Deeds
from local.phones.agents.presence import Presence
from local.phones.agents.reports import Reports
from local.phones.agents.small_talk import SmallTalk
from local.phones.calls.exchange import Exchange
from local.phones.kernel.ids import new_id
from local.phones.rooms.room import Room

type MakeMind = Callable[[Exchange, Presence, Reports | None], Mind]


class Worker:
    """One worker of the network: its agents have the minds that `make_mind` gives them. It has `places` for agents,
    None for any number."""

    def __init__(self, exchange: Exchange, make_mind: MakeMind = SmallTalk, places: int | None = None) -> None:
        self._exchange = exchange
        self._make_mind = make_mind
        self.places = places
        self._worker_id = new_id("AW_")
        self._agents: dict[str, WorkerAgent] = {}
        self._dispatches: Counter[str] = Counter()

    def offer(self, room: Room, dispatch: AgentDispatch) -> None:
        """Offers it a job, which it takes if it has room."""
        turn = sum(each.agent_name == dispatch.agent_name for each in room.dispatches.values())
        presence = Presence(self._exchange, room, dispatch, turn, self._worker_id)
        if self._has_room_for(presence):
            reports = Reports.named_in(dispatch.metadata, self._exchange.courier) if presence.script.reports else None
            mind = self._make_mind(self._exchange, presence, reports)
            agent = WorkerAgent(self._exchange, presence, mind, Deeds(self._exchange, presence, reports))
            self._agents[dispatch.id] = agent
            self._exchange.tasks.start(self._run(agent, dispatch.id))

    def _has_room_for(self, presence: Presence) -> bool:
        """Whether the worker takes the job: one that it has no room for is dropped, and nobody tries it again."""
        number = presence.number or ""
        self._dispatches[number] += 1
        has_place = self.places is None or len(self._agents) < self.places
        return has_place and self._dispatches[number] % (presence.script.misses + 1) == 0

    def end(self, dispatch_id: str) -> None:
        """Takes the dispatch's agent out of its room, if it is one of this worker's."""
        if (agent := self._agents.pop(dispatch_id, None)) is not None:
            agent.presence.leave(DisconnectReason.PARTICIPANT_REMOVED)

    async def _run(self, agent: WorkerAgent, dispatch_id: str) -> None:
        try:
            await agent.run()
        finally:
            self._agents.pop(dispatch_id, None)


class Dispatcher:
    """LiveKit's part between a dispatch and the worker that is registered under its name."""

    def __init__(self, workers: Mapping[str, Worker]) -> None:
        self._workers = workers

    def dispatch(self, room: Room, agent_name: str, metadata: str, attributes: dict[str, str]) -> AgentDispatch:
        """Adds a dispatch to the room, and offers its job to the worker of that name, if there is one."""
        dispatch = AgentDispatch(
            id=new_id("AD_"), agent_name=agent_name, room=room.name, metadata=metadata, attributes=attributes
        )
        dispatch.state.created_at = time.time_ns()
        room.dispatches[dispatch.id] = dispatch
        if (worker := self._workers.get(agent_name)) is not None:
            worker.offer(room, dispatch)
        return dispatch

    def end(self, room: Room, dispatch_id: str) -> AgentDispatch | None:
        """Takes the dispatch back and its agent out of the room; None if the room has no such dispatch."""
        dispatch = room.dispatches.pop(dispatch_id, None)
        if dispatch is not None:
            dispatch.state.deleted_at = time.time_ns()
            for worker in self._workers.values():
                worker.end(dispatch_id)
        return dispatch
