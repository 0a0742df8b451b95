"""`livekit.api.LiveKitAPI` as far as the product uses it, on phones that live in this process: each request is a step
of the acting process. The product's own adapter is at work above it."""

import asyncio
from collections.abc import Callable

import aiohttp
from aiohttp.client_reqrep import ConnectionKey
from livekit import api

from local.phones.model.legs import NO_BRIDGE
from tests.component.crash.rig.phones import Leg, Phones, Room, Tape, as_error
from tests.component.crash.rig.process import AnswerLost, after_step, before_step

_LIVEKIT = ConnectionKey("livekit", 443, is_ssl=True, ssl=True, proxy=None, proxy_auth=None, proxy_headers_hash=None)


class Client:
    def __init__(self, phones: Phones) -> None:
        self._phones = phones
        self.room = self.sip = self.agent_dispatch = self.egress = self

    async def aclose(self) -> None: ...

    async def create_room(self, request: api.CreateRoomRequest) -> None:
        told, terms = [agent.metadata for agent in request.agents], (request.empty_timeout, request.departure_timeout)
        self._step("create_room", lambda: self._phones.make(request.name, *told, terms=terms))

    async def create_sip_participant(
        self,
        request: api.CreateSIPParticipantRequest,
        *,
        timeout: float,  # noqa: ASYNC109 - the real client's
    ) -> api.SIPParticipantInfo:
        """Two steps: the INVITE is out and the phone rings; somebody answered or nobody did. One, if nobody waits."""
        leg = self._step("dial", lambda: self._phones.dial(request))
        if request.wait_until_answered:
            deaths = self._phones.deaths
            while leg.is_waited_for and self._phones.deaths == deaths:  # noqa: ASYNC110 - this sleep makes time pass
                await asyncio.sleep(0.5)
            if self._phones.deaths != deaths:
                raise aiohttp.ServerDisconnectedError
            self._step("dial's answer", lambda: None)
        if leg.end is not None and leg.end.failure is not None and not leg.was_answered:
            raise as_error(leg.end.failure)
        sip_call_id = leg.attributes["sip.callID"]
        return api.SIPParticipantInfo(
            participant_id=leg.sid, participant_identity=leg.identity, sip_call_id=sip_call_id
        )

    async def transfer_sip_participant(
        self,
        request: api.TransferSIPParticipantRequest,
        *,
        timeout: float,  # noqa: ASYNC109 - the real client's
    ) -> api.TransferSIPParticipantResponse:
        self._step("refer", lambda: self._phones.refer(request.room_name, request.participant_identity))
        return api.TransferSIPParticipantResponse()

    async def list_participants(self, request: api.ListParticipantsRequest) -> api.ListParticipantsResponse:
        return self._step("list_participants", lambda: _participants(self._phones.rooms.get(request.room)))

    async def remove_participant(self, request: api.RoomParticipantIdentity) -> None:
        self._step("remove_participant", lambda: self._phones.remove(request.room, request.identity))

    async def update_participant(self, request: api.UpdateParticipantRequest) -> None:
        attributes = dict(request.attributes)
        self._step("update_participant", lambda: self._phones.change(request.room, request.identity, attributes))

    async def delete_room(self, request: api.DeleteRoomRequest) -> None:
        self._step("delete_room", lambda: self._phones.delete(request.room))

    async def list_rooms(self, request: api.ListRoomsRequest) -> api.ListRoomsResponse:
        def listed() -> api.ListRoomsResponse:
            named = {name: room for name, room in self._phones.rooms.items() if name in (request.names or [name])}
            return api.ListRoomsResponse(
                rooms=[api.Room(name=name, creation_time_ms=room.made_at) for name, room in named.items()]
            )

        return self._step("list_rooms", listed)

    async def start_room_composite_egress(self, request: api.RoomCompositeEgressRequest) -> api.EgressInfo:
        key = request.file_outputs[0].filepath
        tape_id = self._step("start_egress", lambda: self._phones.record(request.room_name, key))
        return api.EgressInfo(egress_id=tape_id)

    async def list_egress(self, request: api.ListEgressRequest) -> api.ListEgressResponse:
        def listed() -> api.ListEgressResponse:
            tapes = self._phones.tapes.items()
            return api.ListEgressResponse(
                items=[_egress(tape_id, tape) for tape_id, tape in tapes if tape.room == request.room_name]
            )

        return self._step("list_egress", listed)

    async def stop_egress(self, request: api.StopEgressRequest) -> api.EgressInfo:
        self._step("stop_egress", lambda: self._phones.stop_tape(request.egress_id))
        return api.EgressInfo(egress_id=request.egress_id)

    async def list_dispatch(self, room: str) -> list[api.AgentDispatch]:
        def listed() -> list[api.AgentDispatch]:
            if room not in self._phones.rooms:
                # The question goes to the node that has the room, and none has.
                raise as_error(NO_BRIDGE)
            told = self._phones.dispatched.get(room, [])
            named = [api.AgentDispatch(agent_name="ringline-agent", room=room, metadata=metadata) for metadata in told]
            return [api.AgentDispatch(room=room), *named]

        return self._step("list_dispatch", listed)

    async def create_dispatch(self, request: api.CreateAgentDispatchRequest) -> api.AgentDispatch:
        def created() -> api.AgentDispatch:
            if self._phones.dispatches_fail:
                self._phones.dispatches_fail -= 1
                raise as_error(NO_BRIDGE)
            self._phones.make(request.room)
            self._phones.send_agent(request.room, request.metadata)
            return api.AgentDispatch(room=request.room, metadata=request.metadata)

        return self._step("create_dispatch", created)

    def _step[T](self, what: str, deed: Callable[[], T]) -> T:
        before_step()
        if not self._phones.server_is_up:
            raise aiohttp.ClientConnectorError(_LIVEKIT, ConnectionRefusedError())
        try:
            done = deed()
        except api.TwirpError:
            _after(what)
            raise
        _after(what)
        return done


def _egress(tape_id: str, tape: Tape) -> api.EgressInfo:
    runs = api.EgressStatus.EGRESS_ACTIVE if tape.ended_at is None else api.EgressStatus.EGRESS_COMPLETE
    asked = api.RoomCompositeEgressRequest(file_outputs=[api.EncodedFileOutput(filepath=tape.key)])
    return api.EgressInfo(egress_id=tape_id, status=runs, room_composite=asked)


def _participants(room: Room | None) -> api.ListParticipantsResponse:
    if room is None:
        return api.ListParticipantsResponse()
    legs = [
        api.ParticipantInfo(
            sid=leg.sid,
            identity=leg.identity,
            kind=api.ParticipantInfo.STANDARD if leg.is_browser else api.ParticipantInfo.SIP,
            attributes=_attributes(leg),
        )
        for leg in room.legs
    ]
    agents = [
        api.ParticipantInfo(
            sid=agent.sid, identity=agent.identity, kind=api.ParticipantInfo.AGENT, joined_at_ms=agent.joined_at
        )
        for agent in room.agents
    ]
    return api.ListParticipantsResponse(participants=legs + agents)


def _attributes(leg: Leg) -> dict[str, str]:
    if leg.is_browser:
        return leg.attributes
    return {**leg.attributes, "sip.callStatus": leg.status}


def _after(what: str) -> None:
    try:
        after_step(what)
    except AnswerLost:
        raise aiohttp.ServerDisconnectedError from None
