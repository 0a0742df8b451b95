"""livekit.RoomService."""

from livekit.protocol import room as room_messages
from livekit.protocol.models import DisconnectReason, ParticipantInfo
from livekit.protocol.models import Room as RoomMessage

from local.phones.agents.worker import Dispatcher
from local.phones.calls.exchange import Exchange
from local.phones.kernel.twirp import TwirpError, UnreadableAnswerError, not_found
from local.phones.model import timings
from local.phones.numbers import book
from local.phones.numbers.callees import RoomTrouble
from local.phones.rooms.participant import Participant
from local.phones.rooms.room import Room, RoomTerms

_LONGEST_NAME = 256


class RoomApi:
    """Rooms and participants. Creating is idempotent by name; listing an absent room gives an empty list."""

    def __init__(self, exchange: Exchange, dispatcher: Dispatcher) -> None:
        self._exchange = exchange
        self._roster = exchange.roster
        self._dispatcher = dispatcher

    async def create_room(self, request: room_messages.CreateRoomRequest) -> RoomMessage:
        if not request.name or len(request.name) > _LONGEST_NAME:
            raise TwirpError("invalid_argument", f"room name must have 1 to {_LONGEST_NAME} characters")
        terms = RoomTerms(
            request.metadata,
            request.empty_timeout or timings.EMPTY_TIMEOUT_S,
            request.departure_timeout or timings.DEPARTURE_TIMEOUT_S,
            request.max_participants,
        )

        def prepare(room: Room) -> None:
            self._set_callee(room, request)
            for agent in request.agents:
                self._dispatcher.dispatch(room, agent.agent_name, agent.metadata, dict(agent.attributes))

        room = self._roster.ensure(request.name, terms, prepare)
        if room.callee is not None and room.callee.room is RoomTrouble.UNREADABLE:
            raise UnreadableAnswerError
        return room.message()

    async def list_rooms(self, request: room_messages.ListRoomsRequest) -> room_messages.ListRoomsResponse:
        rooms = [room for room in self._roster.all() if not request.names or room.name in request.names]
        return room_messages.ListRoomsResponse(rooms=[room.message() for room in rooms])

    async def delete_room(self, request: room_messages.DeleteRoomRequest) -> room_messages.DeleteRoomResponse:
        self._roster.close(self._room(request.room), DisconnectReason.ROOM_DELETED)
        return room_messages.DeleteRoomResponse()

    async def list_participants(
        self, request: room_messages.ListParticipantsRequest
    ) -> room_messages.ListParticipantsResponse:
        room = self._roster.get(request.room)
        people = [] if room is None else [participant.message() for participant in room.participants.values()]
        return room_messages.ListParticipantsResponse(participants=people)

    async def get_participant(self, request: room_messages.RoomParticipantIdentity) -> ParticipantInfo:
        return self._participant(request.room, request.identity)[1].message()

    async def remove_participant(
        self, request: room_messages.RoomParticipantIdentity
    ) -> room_messages.RemoveParticipantResponse:
        room, participant = self._participant(request.room, request.identity)
        room.remove(participant, DisconnectReason.PARTICIPANT_REMOVED)
        return room_messages.RemoveParticipantResponse()

    async def update_participant(self, request: room_messages.UpdateParticipantRequest) -> ParticipantInfo:
        room, participant = self._participant(request.room, request.identity)
        participant.metadata = request.metadata or participant.metadata
        participant.name = request.name or participant.name
        room.change(participant, dict(request.attributes))
        return participant.message()

    async def send_data(self, request: room_messages.SendDataRequest) -> room_messages.SendDataResponse:
        """A data message of the server, to those who are named, or to all."""
        room = self._room(request.room)
        for participant in list(room.participants.values()):
            is_meant = not request.destination_identities or participant.identity in request.destination_identities
            if is_meant and participant.hears is not None:
                participant.hears(request.topic, request.data)
        return room_messages.SendDataResponse()

    async def update_room_metadata(self, request: room_messages.UpdateRoomMetadataRequest) -> RoomMessage:
        room = self._room(request.room)
        room.metadata = request.metadata
        return room.message()

    def _room(self, name: str) -> Room:
        if (room := self._roster.get(name)) is None:
            raise not_found("requested room")
        return room

    def _participant(self, room_name: str, identity: str) -> tuple[Room, Participant]:
        room = self._roster.get(room_name)
        participant = room.participants.get(identity) if room is not None else None
        if room is None or participant is None:
            raise not_found("participant")
        return room, participant

    def _set_callee(self, room: Room, request: room_messages.CreateRoomRequest) -> None:
        """A room whose metadata names the number to call is in that number's trouble from its first webhook on."""
        texts = (request.metadata, *(agent.metadata for agent in request.agents))
        if (number := book.number_named_in(" ".join(texts))) is not None:
            room.callee = self._exchange.callee(number)
