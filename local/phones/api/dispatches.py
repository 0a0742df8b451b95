"""livekit.AgentDispatchService."""

from livekit.protocol.agent_dispatch import (
    AgentDispatch,
    CreateAgentDispatchRequest,
    DeleteAgentDispatchRequest,
    ListAgentDispatchRequest,
    ListAgentDispatchResponse,
)

from local.phones.agents.worker import Dispatcher
from local.phones.kernel.twirp import as_error, not_found
from local.phones.model import legs
from local.phones.rooms.roster import Roster


class DispatchApi:
    """Dispatches of a room. Creating is not idempotent, and creates the room if it is absent."""

    def __init__(self, roster: Roster, dispatcher: Dispatcher) -> None:
        self._roster = roster
        self._dispatcher = dispatcher

    async def create_dispatch(self, request: CreateAgentDispatchRequest) -> AgentDispatch:
        room = self._roster.ensure(request.room)
        return self._dispatcher.dispatch(room, request.agent_name, request.metadata, dict(request.attributes))

    async def delete_dispatch(self, request: DeleteAgentDispatchRequest) -> AgentDispatch:
        room = self._roster.get(request.room)
        dispatch = self._dispatcher.end(room, request.dispatch_id) if room is not None else None
        if dispatch is None:
            raise not_found("requested dispatch")
        return dispatch

    async def list_dispatch(self, request: ListAgentDispatchRequest) -> ListAgentDispatchResponse:
        room = self._roster.get(request.room)
        if room is None:
            # The question goes to the node that has the room, and none has.
            raise as_error(legs.NO_BRIDGE)
        wanted = [each for each in room.dispatches.values() if request.dispatch_id in ("", each.id)]
        return ListAgentDispatchResponse(agent_dispatches=wanted)
