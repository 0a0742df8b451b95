"""LiveKit and the phones behind it, for handlers that crash: rooms, legs and agents live on whatever becomes of the
process that asked for them. LiveKit tells of them by its webhooks, and the carrier by its own, if it does."""

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from heapq import heappop, heappush
from typing import Any

from livekit import api

from ringline.calls.model.timing import EMPTY_ROOM_S, ROOM_DEPARTURE_S
from ringline.telephony.livekit import CALL_HEADER
from tests.fakes import HandClock

RINGS_S = 4
TALKS_S = 100
MISSED_AFTER_S = 15
"""Longer than a sweep needs to find a conversation whose dialer died."""
CALLER = "+15550107777"
COLLEAGUE = "sip_colleague"


class Callee(StrEnum):
    ANSWERS = "answers"
    BUSY = "busy"
    RINGS_OUT = "rings out"
    NOT_REACHED = "LiveKit has no SIP server: nothing rings"
    CARRIER_FULL = "the carrier has no channel free: nothing rings"


def twirp(code: str, message: str, metadata: dict[str, str] | None = None) -> api.TwirpError:
    return api.TwirpError(code, message, status=500, metadata=metadata)


_GIVEN_UP = twirp("canceled", "sip request timed out")
_BUSY = twirp("resource_exhausted", "Busy Here", {"sip_status_code": "486", "sip_status": "Busy Here"})
_NO_SIP_SERVER = twirp("unavailable", "no response from servers")
_NO_CHANNEL = twirp(
    "unavailable", "SIP status 503", {"sip_status_code": "503", "sip_status": "Concurrent call limit exceeded"}
)


@dataclass
class Leg:
    identity: str
    room: str
    sid: str
    status: str = "ringing"
    strayed: bool = False
    failure: api.TwirpError | None = None
    named: str = ""
    """What our header in its INVITE named it."""
    attributes: dict[str, str] = field(default_factory=dict)
    is_browser: bool = False

    @property
    def is_up(self) -> bool:
        return self.status != "hangup"

    @property
    def is_anothers(self) -> bool:
        """Whether somebody has called it into a conversation."""
        return self.identity == COLLEAGUE or "-transfer_" in self.identity

    @property
    def rang_in(self) -> bool:
        return self.is_browser or "sip.ruleID" in self.attributes


def agent_identity(sid: str) -> str:
    """What LiveKit calls the agent by whom it removes it."""
    return f"agent-{sid}"


@dataclass
class Room:
    made_at: int
    legs: dict[str, Leg] = field(default_factory=dict)
    agents: dict[str, int] = field(default_factory=dict)


@dataclass
class Tape:
    """What LiveKit records of a room, into which file, from when to when. It ends with its room at the latest."""

    room: str
    key: str
    begun_at: int
    ended_at: int | None = None


@dataclass
class Word:
    """What the carrier tells of a phone call, in an event of its own."""

    kind: str
    call: str
    at: int
    told: dict[str, Any]
    tried: int = 0


@dataclass
class Phones:
    clock: HandClock
    callees: list[Callee] = field(default_factory=lambda: [Callee.ANSWERS])
    """What each dial meets; the last one is met by all that follow."""
    agents_come: bool = True
    callees_hang_up: bool = True
    carrier_speaks: bool = False
    dispatches_fail: int = 0
    """So many dispatches to come fail."""
    dispatches_dropped: int = 0
    """For so many dispatches to come no worker has room, and nobody says so."""
    agents_take_s: float = 0.5
    rooms: dict[str, Room] = field(default_factory=dict)
    hooks: deque[dict[str, Any]] = field(default_factory=deque)
    words: deque[Word] = field(default_factory=deque)
    dials: Counter[str] = field(default_factory=Counter)
    rang: list[str] = field(default_factory=list)
    had_agent: set[str] = field(default_factory=set)
    rang_alone: list[str] = field(default_factory=list)
    """Rooms for which a phone was dialled before an agent was there."""
    dispatched: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """What each agent was told that was sent to a room, by the room. Agents remember it when the room is gone."""
    removed: list[str] = field(default_factory=list)
    """The agents that were put out of their rooms."""
    two_since: dict[str, int] = field(default_factory=dict)
    together_ms: list[int] = field(default_factory=list)
    """How long two agents were in one room, each time."""
    over_at: dict[str, int] = field(default_factory=dict)
    """When each leg that rang was over, by its room."""
    tapes: dict[str, Tape] = field(default_factory=dict)
    """The recordings, by their id."""
    on_join: Callable[[str, str], object] = lambda _room, _dispatched: None
    """Hears of each agent that joins: its room, and what it was told."""
    on_close: Callable[[str], object] = lambda _room: None
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

    def _number(self) -> int:
        self._numbers += 1
        return self._numbers

    # --- rooms and agents --------------------------------------------------------------------------------------------

    def make(self, name: str, *agents: str) -> None:
        """Makes the room, with agents who are told these words, unless it is there."""
        if name not in self.rooms:
            self.rooms[name] = Room(self.clock.now)
            self.after(EMPTY_ROOM_S, lambda: self._close_if_left(name))
            for metadata in agents:
                self.send_agent(name, metadata)

    def send_agent(self, name: str, metadata: str) -> None:
        self.dispatched[name].append(metadata)
        if self.dispatches_dropped:
            self.dispatches_dropped -= 1
        elif self.agents_come:
            self.after(self.agents_take_s, lambda: self._comes(name, metadata))

    def _comes(self, name: str, metadata: str) -> None:
        self.agent_joins(name)
        if name in self.rooms:
            self.on_join(name, metadata)

    def agent_joins(self, name: str) -> None:
        if name in self.rooms:
            sid = f"PA_agent_{self._number()}"
            self.rooms[name].agents[sid] = self.clock.now
            self.had_agent.add(name)
            if len(self.rooms[name].agents) == 2:
                self.two_since[name] = self.clock.now
            self._tell("participant_joined", name, _agent(sid))
            for leg in self.rooms[name].legs.values():
                if leg.rang_in:
                    # LiveKit answers a caller as soon as an agent can be heard.
                    self._answer(leg)

    def agent_leaves(self) -> None:
        """The agent of the one room there is, or the first of two."""
        ((name, room),) = self.rooms.items()
        self._agent_goes(name, next(iter(room.agents)), "CLIENT_INITIATED")

    def remove(self, name: str, identity: str) -> None:
        legs = [] if name not in self.rooms else list(self.rooms[name].legs.values())
        leg = next((leg for leg in legs if leg.identity == identity), None)
        if leg is not None:
            self._leave(leg, "PARTICIPANT_REMOVED", leg.status)
        else:
            self._remove_agent(name, identity)

    def _remove_agent(self, name: str, identity: str) -> None:
        known = self.rooms[name].agents if name in self.rooms else {}
        sid = next((sid for sid in known if agent_identity(sid) == identity), None)
        if sid is None:
            raise twirp("not_found", "participant does not exist")
        self.removed.append(sid)
        self._agent_goes(name, sid, "PARTICIPANT_REMOVED")

    def _agent_goes(self, name: str, sid: str, reason: str) -> None:
        del self.rooms[name].agents[sid]
        self._is_one_again(name)
        self._tell("participant_left", name, _agent(sid) | {"disconnectReason": reason})

    def _is_one_again(self, name: str) -> None:
        if name in self.two_since:
            self.together_ms.append(self.clock.now - self.two_since.pop(name))

    def colleague_joins(self, name: str) -> None:
        """The agent has called somebody into the room, who picked up."""
        self._join(Leg(COLLEAGUE, name, "PA_colleague", "active"))

    def colleague_leaves(self) -> None:
        """LiveKit's word of it is the last that is heard of them."""
        for leg in list(self.legs):
            if leg.identity == COLLEAGUE:
                self._leave(leg, "CLIENT_INITIATED")

    def _close_if_left(self, name: str) -> None:
        """LiveKit closes a room without legs; agents do not keep it open."""
        if name in self.rooms and not self.rooms[name].legs:
            self.delete(name)

    def delete(self, name: str) -> None:
        room = self.rooms.get(name)
        if room is None:
            raise twirp("not_found", "requested room does not exist")
        for leg in list(room.legs.values()):
            self._leave(leg, "ROOM_DELETED", leg.status)
        del self.rooms[name]
        for tape_id, tape in self.tapes.items():
            if tape.room == name:
                self.stop_tape(tape_id)
        self._is_one_again(name)
        self.on_close(name)
        self._tell("room_finished", name)

    def record(self, room: str, key: str) -> str:
        tape_id = f"EG_{self._number()}"
        self.tapes[tape_id] = Tape(room, key, self.clock.now)
        return tape_id

    def stop_tape(self, tape_id: str) -> None:
        tape = self.tapes[tape_id]
        tape.ended_at = tape.ended_at or self.clock.now

    # --- legs --------------------------------------------------------------------------------------------------------

    def dial(self, request: api.CreateSIPParticipantRequest) -> Leg:
        name, identity = request.room_name, request.participant_identity
        if name not in self.had_agent:
            self.rang_alone.append(name)
        self.dials[identity] += 1
        callee = self.callees.pop(0) if len(self.callees) > 1 else self.callees[0]
        leg = Leg(identity, name, f"PA_leg_{self._number()}", named=request.headers[CALL_HEADER])
        no_channel = callee is Callee.CARRIER_FULL
        if callee is Callee.NOT_REACHED or (no_channel and request.wait_until_answered):
            leg.status, leg.failure = "hangup", _NO_CHANNEL if no_channel else _NO_SIP_SERVER
            return leg
        self._join(leg)
        if no_channel:
            leg.status = "dialing"
            self.after(0.3, lambda: self._fail(leg, _NO_CHANNEL, "USER_UNAVAILABLE"))
            return leg
        self.rang.append(identity)
        self._says(leg, "ringing")
        if callee is Callee.ANSWERS:
            self.after(RINGS_S, lambda: self._answer(leg))
        elif callee is Callee.BUSY:
            self.after(RINGS_S, lambda: self._fail(leg, _BUSY, "USER_REJECTED"))
        else:
            self.after(request.ringing_timeout.seconds, lambda: self._fail(leg, _GIVEN_UP, "USER_UNAVAILABLE"))
        return leg

    def refer(self, name: str, identity: str) -> None:
        """The phone is sent away, and leaves."""
        legs = self.rooms[name].legs.values() if name in self.rooms else ()
        leg = next((leg for leg in legs if leg.identity == identity and leg.status == "active"), None)
        if leg is None:
            raise twirp("not_found", "participant does not exist")
        self._leave(leg, "CLIENT_INITIATED")

    def ring_in(self, to: str) -> None:
        """Somebody rings in, in a room of LiveKit's own naming."""
        name = f"in_{self._number()}"
        told = {"sip.ruleID": "SDR_1", "sip.trunkPhoneNumber": to, "sip.phoneNumber": CALLER, "sip.callID": name}
        self._join(Leg(f"sip_{CALLER}", name, f"PA_leg_{self._number()}", attributes=told))

    def browser_joins(self, name: str, identity: str) -> None:
        """Somebody joins from a browser, with a token of ours."""
        self._join(Leg(identity, name, f"PA_leg_{self._number()}", is_browser=True))

    def change(self, name: str, identity: str, attributes: dict[str, str]) -> None:
        if name in self.rooms and any(agent_identity(sid) == identity for sid in self.rooms[name].agents):
            return
        leg = next((leg for leg in self.legs if (leg.room, leg.identity) == (name, identity)), None)
        if leg is None:
            raise twirp("not_found", "participant does not exist")
        leg.attributes |= attributes

    def leg_strays_in(self, name: str, identity: str) -> None:
        """An INVITE that overtook the end of its call."""
        self._join(Leg(identity, name, "PA_stray", strayed=True))

    def _join(self, leg: Leg) -> None:
        self.make(leg.room)
        self.rooms[leg.room].legs[leg.sid] = leg
        self._tell("participant_joined", leg.room, _participant(leg, leg.status))

    def _answer(self, leg: Leg) -> None:
        if leg.status == "ringing":
            leg.status = "active"
            self._says(leg, "answered")
            if self.callees_hang_up:
                self.after(TALKS_S, lambda: self._leave(leg, "CLIENT_INITIATED"))

    def _fail(self, leg: Leg, failure: api.TwirpError, reason: str) -> None:
        if leg.status in {"dialing", "ringing"}:
            leg.failure = failure
            # The status stays as it was: it is what the leg's last word tells of the ringing.
            self._leave(leg, reason, leg.status)

    def hang_up(self) -> None:
        """Every callee, and every caller, hangs up."""
        for leg in self.legs:
            self._leave(leg, "CLIENT_INITIATED")

    def vanish(self) -> None:
        """Every phone call is over; the carrier says so, and LiveKit's word of it is lost."""
        self.carrier_says("ended")
        for leg in list(self.legs):
            leg.status = "hangup"
            self.over_at[leg.room] = self.clock.now
            self.rooms[leg.room].legs.pop(leg.sid)

    def fall_silent(self) -> None:
        """Every phone call is over, as the carrier says. LiveKit misses their sound before it notices."""
        self.carrier_says("ended")
        for leg in list(self.legs):
            self.after(MISSED_AFTER_S, partial(self._leave, leg, "CLIENT_INITIATED", "active"))

    def _leave(self, leg: Leg, reason: str, last_status: str = "hangup") -> None:
        if not leg.is_up:
            return
        was_answered = leg.status == "active"
        leg.status = "hangup"
        leg.failure = leg.failure or _GIVEN_UP
        if not leg.is_anothers:
            self.over_at[leg.room] = self.clock.now
        self.rooms[leg.room].legs.pop(leg.sid)
        self.after(ROOM_DEPARTURE_S, lambda: self._close_if_left(leg.room))
        self._tell("participant_left", leg.room, _participant(leg, last_status) | {"disconnectReason": reason})
        if was_answered:
            self._says(leg, "ended")
        else:
            said = leg.failure.metadata or {}
            # The carrier's answer to a CANCEL.
            code, status = said.get("sip_status_code", "487"), said.get("sip_status", "Request Terminated")
            self._says(leg, "failed", sip_code=int(code), sip_status=status)

    # --- what is told ------------------------------------------------------------------------------------------------

    def _tell(self, event: str, room: str, participant: dict[str, Any] | None = None) -> None:
        document = {"event": event, "createdAt": str(self.clock.now // 1000), "room": {"name": room}}
        self.hooks.append(document | ({"participant": participant} if participant else {}))

    def carrier_says(self, kind: str) -> None:
        """Of every phone call there is."""
        for leg in self.legs:
            self._says(leg, kind)

    def _says(self, leg: Leg, kind: str, **told: Any) -> None:
        if self.carrier_speaks and leg.named:
            self.words.append(Word(kind, leg.named, self.clock.now, told))


def _agent(sid: str) -> dict[str, Any]:
    return {"kind": "AGENT", "sid": sid, "identity": agent_identity(sid)}


def _participant(leg: Leg, status: str) -> dict[str, Any]:
    if leg.is_browser:
        return {"sid": leg.sid, "identity": leg.identity, "attributes": dict(leg.attributes)}
    attributes = leg.attributes | {"sip.callStatus": status}
    return {"kind": "SIP", "sid": leg.sid, "identity": leg.identity, "attributes": attributes}
