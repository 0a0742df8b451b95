"""LiveKit and the phones behind it, for handlers that crash: rooms, legs and agents live on whatever becomes of the
process that asked for them, and LiveKit tells of them by its webhooks. It stands below `livekit-api`'s client, so that
the product's own adapter is at work."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from heapq import heappop, heappush
from typing import Any

import aiohttp
from livekit import api

from ringline.calls.timing import EMPTY_ROOM_S, ROOM_DEPARTURE_S
from tests.component.crashing import AnswerLost, after_step, before_step
from tests.fakes import HandClock

RINGS_S = 4
TALKS_S = 100
"""Longer than a sweep needs to find a conversation whose dialer died."""


class Callee(StrEnum):
    ANSWERS = "answers"
    BUSY = "busy"
    RINGS_OUT = "rings out"
    NOT_REACHED = "LiveKit has no SIP server: nothing rings"
    NO_ROOM = "the carrier has no channel free: nothing rings"


def _twirp(code: str, message: str, metadata: dict[str, str] | None = None) -> api.TwirpError:
    return api.TwirpError(code, message, status=500, metadata=metadata)


_GIVEN_UP = _twirp("canceled", "sip request timed out")
_BUSY = _twirp("resource_exhausted", "Busy Here", {"sip_status_code": "486", "sip_status": "Busy Here"})
_NOTHING_RINGS = {
    Callee.NOT_REACHED: _twirp("unavailable", "no response from servers"),
    Callee.NO_ROOM: _twirp(
        "unavailable", "SIP status 503", {"sip_status_code": "503", "sip_status": "Concurrent call limit exceeded"}
    ),
}


@dataclass
class Leg:
    identity: str
    room: str
    sid: str
    status: str = "ringing"
    strayed: bool = False
    failure: api.TwirpError | None = None

    @property
    def is_up(self) -> bool:
        return self.status in {"ringing", "active"}


@dataclass
class Room:
    made_at: int
    legs: dict[str, Leg] = field(default_factory=dict)
    agents: dict[str, int] = field(default_factory=dict)


@dataclass
class Phones:
    clock: HandClock
    callees: list[Callee] = field(default_factory=lambda: [Callee.ANSWERS])
    """What each dial meets; the last one is met by all that follow."""
    agents_come: bool = True
    callees_hang_up: bool = True
    rooms: dict[str, Room] = field(default_factory=dict)
    hooks: deque[dict[str, Any]] = field(default_factory=deque)
    dials: Counter[str] = field(default_factory=Counter)
    rang: list[str] = field(default_factory=list)
    over_at: dict[str, int] = field(default_factory=dict)
    """When each leg that rang was over, by its room."""
    _later: list[tuple[int, int, Callable[[], object]]] = field(default_factory=list)
    _numbers: int = 0

    # --- what happens ------------------------------------------------------------------------------------------------

    def after(self, seconds: float, what: Callable[[], object]) -> None:
        heappush(self._later, (self.clock.now + round(seconds * 1000), self._number(), what))

    @property
    def next_at(self) -> int | None:
        return self._later[0][0] if self._later else None

    def happen(self) -> None:
        """Everything whose moment has come."""
        while self._later and self._later[0][0] <= self.clock.now:
            heappop(self._later)[2]()

    @property
    def legs(self) -> Iterable[Leg]:
        return [leg for room in self.rooms.values() for leg in room.legs.values()]

    def make(self, name: str) -> None:
        if name not in self.rooms:
            self.rooms[name] = Room(self.clock.now)
            self.after(EMPTY_ROOM_S, lambda: self._close_if_left(name))
            if self.agents_come:
                self.after(0.5, lambda: self.agent_joins(name))

    def agent_joins(self, name: str) -> None:
        if name in self.rooms:
            sid = f"PA_agent_{self._number()}"
            self.rooms[name].agents[sid] = self.clock.now
            self._tell("participant_joined", name, {"kind": "AGENT", "sid": sid})

    def leg_strays_in(self, name: str, identity: str) -> None:
        """An INVITE that overtook the end of its call."""
        self.make(name)
        leg = self.rooms[name].legs["PA_stray"] = Leg(identity, name, "PA_stray", strayed=True)
        self._tell("participant_joined", name, _participant(leg))

    def agent_leaves(self) -> None:
        """The agent of the one room there is."""
        ((name, room),) = self.rooms.items()
        sid, _ = room.agents.popitem()
        self._tell("participant_left", name, {"kind": "AGENT", "sid": sid, "disconnectReason": "CLIENT_INITIATED"})

    def dial(self, name: str, identity: str, ring_timeout_s: int) -> Leg:
        self.dials[identity] += 1
        callee = self.callees.pop(0) if len(self.callees) > 1 else self.callees[0]
        leg = Leg(identity, name, f"PA_leg_{self._number()}")
        if callee in _NOTHING_RINGS:
            leg.status, leg.failure = "hangup", _NOTHING_RINGS[callee]
            return leg
        self.make(name)
        self.rooms[name].legs[leg.sid] = leg
        self.rang.append(identity)
        self._tell("participant_joined", name, _participant(leg))
        if callee is Callee.ANSWERS:
            self.after(RINGS_S, lambda: self._answer(leg))
        elif callee is Callee.BUSY:
            self.after(RINGS_S, lambda: self._fail(leg, _BUSY, "USER_REJECTED"))
        else:
            self.after(ring_timeout_s, lambda: self._fail(leg, _GIVEN_UP, "USER_UNAVAILABLE"))
        return leg

    def _answer(self, leg: Leg) -> None:
        if leg.status == "ringing":
            leg.status = "active"
            if self.callees_hang_up:
                self.after(TALKS_S, lambda: self._leave(leg, "CLIENT_INITIATED"))

    def _fail(self, leg: Leg, failure: api.TwirpError, reason: str) -> None:
        if leg.status == "ringing":
            leg.failure = failure
            # The status stays as it was: it is what the leg's last word tells of the ringing.
            self._leave(leg, reason, "ringing")

    def hang_up(self) -> None:
        """Every callee hangs up."""
        for leg in self.legs:
            self._leave(leg, "CLIENT_INITIATED")

    def _leave(self, leg: Leg, reason: str, last_status: str = "hangup") -> None:
        if not leg.is_up:
            return
        leg.status = "hangup"
        leg.failure = leg.failure or _GIVEN_UP
        self.over_at[leg.room] = self.clock.now
        self.rooms[leg.room].legs.pop(leg.sid)
        self.after(ROOM_DEPARTURE_S, lambda: self._close_if_left(leg.room))
        gone = {"disconnectReason": reason, "attributes": {"sip.callStatus": last_status}}
        self._tell("participant_left", leg.room, _participant(leg) | gone)

    def _close_if_left(self, name: str) -> None:
        """LiveKit closes a room without legs; agents do not keep it open."""
        if name in self.rooms and not self.rooms[name].legs:
            self.delete(name)

    def delete(self, name: str) -> None:
        room = self.rooms.get(name)
        if room is None:
            raise _twirp("not_found", "requested room does not exist")
        for leg in list(room.legs.values()):
            self._leave(leg, "ROOM_DELETED", "ringing" if leg.status == "ringing" else "hangup")
        del self.rooms[name]
        self._tell("room_finished", name)

    def _tell(self, event: str, room: str, participant: dict[str, Any] | None = None) -> None:
        document = {"event": event, "createdAt": str(self.clock.now // 1000), "room": {"name": room}}
        self.hooks.append(document | ({"participant": participant} if participant else {}))

    def _number(self) -> int:
        self._numbers += 1
        return self._numbers


class Client:
    """`livekit.api.LiveKitAPI` as far as the product uses it: each request is a step of the acting process."""

    def __init__(self, phones: Phones) -> None:
        self._phones = phones
        self.room = self.sip = self

    async def aclose(self) -> None: ...

    async def create_room(self, request: api.CreateRoomRequest) -> None:
        _step("create_room", lambda: self._phones.make(request.name))

    async def create_sip_participant(
        self,
        request: api.CreateSIPParticipantRequest,
        *,
        timeout: float,  # noqa: ASYNC109 - the real client's
    ) -> api.SIPParticipantInfo:
        """Two steps: the INVITE is out and the phone rings; somebody answered or nobody did."""
        identity, ring_timeout_s = request.participant_identity, request.ringing_timeout.seconds
        leg = _step("dial", lambda: self._phones.dial(request.room_name, identity, ring_timeout_s))
        while leg.status == "ringing":  # noqa: ASYNC110 - this sleep is what makes time pass
            await asyncio.sleep(0.5)
        _step("dial's answer", lambda: None)
        if leg.failure is not None and leg.status != "active":
            raise leg.failure
        return api.SIPParticipantInfo(participant_id=leg.sid, participant_identity=identity, sip_call_id="SCL_1")

    async def list_participants(self, request: api.ListParticipantsRequest) -> api.ListParticipantsResponse:
        return _step("list_participants", lambda: self._participants(self._phones.rooms.get(request.room)))

    async def delete_room(self, request: api.DeleteRoomRequest) -> None:
        _step("delete_room", lambda: self._phones.delete(request.room))

    async def list_rooms(self, request: api.ListRoomsRequest) -> api.ListRoomsResponse:
        def listed() -> api.ListRoomsResponse:
            named = {name: room for name, room in self._phones.rooms.items() if name in (request.names or [name])}
            return api.ListRoomsResponse(
                rooms=[api.Room(name=name, creation_time_ms=room.made_at) for name, room in named.items()]
            )

        return _step("list_rooms", listed)

    def _participants(self, room: Room | None) -> api.ListParticipantsResponse:
        there = room or Room(0)
        legs = [
            api.ParticipantInfo(
                sid=leg.sid,
                identity=leg.identity,
                kind=api.ParticipantInfo.SIP,
                attributes={"sip.callStatus": leg.status, "sip.callID": "SCL_1"},
            )
            for leg in there.legs.values()
        ]
        agents = [
            api.ParticipantInfo(sid=sid, kind=api.ParticipantInfo.AGENT, joined_at_ms=joined_at)
            for sid, joined_at in there.agents.items()
        ]
        return api.ListParticipantsResponse(participants=legs + agents)


def _step[T](what: str, deed: Callable[[], T]) -> T:
    before_step()
    try:
        done = deed()
    except api.TwirpError:
        _after(what)
        raise
    _after(what)
    return done


def _after(what: str) -> None:
    try:
        after_step(what)
    except AnswerLost:
        raise aiohttp.ServerDisconnectedError from None


def _participant(leg: Leg) -> dict[str, Any]:
    return {"kind": "SIP", "sid": leg.sid, "identity": leg.identity}
