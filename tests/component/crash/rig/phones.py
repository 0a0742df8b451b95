"""LiveKit and the phones behind it, for handlers that crash: rooms, legs and agents live on whatever becomes of the
process that asked for them. LiveKit tells of them by its webhooks, and the carrier by its own, if it does."""

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from heapq import heappop, heappush
from typing import Any, ClassVar

from livekit import api

from local.phones.model import legs as model
from local.phones.model import sip_status, timings
from local.phones.model.legs import Failure, Fate, LegEnd, LegStatus
from local.phones.model.reasons import LeftFor
from local.phones.model.room import Leaving
from local.phones.model.room import Room as ModelledRoom
from ringline.calls.model.timing import EMPTY_ROOM_S, ROOM_DEPARTURE_S
from ringline.telephony.livekit import CALL_HEADER
from tests.component.crash.rig.webhooks.post import Post
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


_RINGS_AFTER_S = 0.3
_TRIES_AT_ONCE_S = 0.3
"""How long a carrier without a free channel takes to say so."""

FATES = {
    Callee.ANSWERS: Fate(_RINGS_AFTER_S, RINGS_S),
    Callee.BUSY: Fate(_RINGS_AFTER_S, RINGS_S, model.refused(486)),
    Callee.RINGS_OUT: Fate(_RINGS_AFTER_S),
    Callee.CARRIER_FULL: Fate(None, _TRIES_AT_ONCE_S, model.refused(503, sip_status.TOO_MANY)),
}
_FORGOTTEN_AFTER_S = 20
"""After a restart LiveKit lists so long who was there before it, and does not come back."""
_FALLS_SILENT = LegEnd(LeftFor.CLIENT_INITIATED, "nobody")
"""LiveKit misses the phone's sound, and takes it for gone."""


def as_error(failure: Failure) -> api.TwirpError:
    return api.TwirpError(failure.code, failure.message, status=500, metadata=dict(failure.metadata))


def not_found(what: str) -> api.TwirpError:
    return api.TwirpError("not_found", f"{what} does not exist", status=404)


@dataclass
class Leg:
    is_dependent: ClassVar[bool] = False
    is_other_side: ClassVar[bool] = True
    identity: str
    room: str
    sid: str
    status: str = LegStatus.DIALING
    strayed: bool = False
    end: LegEnd | None = None
    """How it ended."""
    was_answered: bool = False
    named: str = ""
    """What our header in its INVITE named it."""
    attributes: dict[str, str] = field(default_factory=dict)
    is_browser: bool = False
    attached: bool = False

    @property
    def is_up(self) -> bool:
        return self.end is None

    @property
    def is_waited_for(self) -> bool:
        """Whether nobody has answered or refused yet."""
        return self.is_up and not self.was_answered

    @property
    def is_anothers(self) -> bool:
        """Whether somebody has called it into a conversation."""
        return self.identity == COLLEAGUE or "-transfer_" in self.identity

    @property
    def rang_in(self) -> bool:
        return self.is_browser or "sip.ruleID" in self.attributes

    def says(self, status: LegStatus) -> None:
        """What the bridge writes shows, unless the server does not hear of it."""
        if self.attached:
            self.status = status


@dataclass
class Agent:
    is_dependent: ClassVar[bool] = True
    is_other_side: ClassVar[bool] = False
    sid: str
    identity: str
    """What LiveKit calls an agent that a worker has sent, and by what it removes it."""
    joined_at: int
    follows: bool = False
    """Whether it leaves behind its caller, as those of a worker do."""
    attached: bool = False


@dataclass
class Room(ModelledRoom[Leg | Agent]):
    made_at: int

    @property
    def legs(self) -> list[Leg]:
        return [who for who in self.people.values() if isinstance(who, Leg)]

    @property
    def agents(self) -> list[Agent]:
        return [who for who in self.people.values() if isinstance(who, Agent)]


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
    callers_wait_s: float = timings.RINGING_TIMEOUT_S
    """How long a trunk lets callers wait for an agent."""
    rooms: dict[str, Room] = field(default_factory=dict)
    hooks: Post = field(init=False)
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
    comes_with_its_runner: Callable[[str, str], bool] = lambda _room, _dispatched: False
    """Hears of each agent that is about to come to a room that is there, and what it was told. Whether it comes in its
    own time."""
    on_join: Callable[[str, str], object] = lambda _room, _dispatched: None
    """Hears of each agent that joins: its room, and what it was told."""
    on_close: Callable[[str], object] = lambda _room: None
    deaths: int = 0
    """How often LiveKit's server has died."""
    server_is_up: bool = True
    _later: list[tuple[int, int, Callable[[], object], Leg | None]] = field(default_factory=list)
    _numbers: int = 0

    def __post_init__(self) -> None:
        self.hooks = Post(self.clock)

    # --- what happens ------------------------------------------------------------------------------------------------

    def after(self, seconds: float, what: Callable[[], object], of: Leg | None = None) -> None:
        """Has it happen then, unless that leg is over."""
        heappush(self._later, (self.clock.now + round(seconds * 1000), self._number(), what, of))

    @property
    def next_at(self) -> int | None:
        while self._later and (leg := self._later[0][3]) is not None and not leg.is_up:
            heappop(self._later)
        return self._later[0][0] if self._later else None

    def happen(self) -> None:
        """Everything whose moment has come."""
        while self._later and self._later[0][0] <= self.clock.now:
            heappop(self._later)[2]()

    @property
    def legs(self) -> Iterable[Leg]:
        return [leg for room in self.rooms.values() for leg in room.legs]

    def _number(self) -> int:
        self._numbers += 1
        return self._numbers

    # --- the server --------------------------------------------------------------------------------------------------

    def restart(self, away_s: float) -> None:
        """LiveKit's server dies, and with it what it had not told yet. It is back so much later; the phones talk on."""
        self.deaths += 1
        self.server_is_up = False
        self.hooks.clear()
        for room in self.rooms.values():
            for who in room.people.values():
                room.lose(who)
        self.after(away_s, self._is_back)

    def _is_back(self) -> None:
        self.server_is_up = True
        for name, room in self.rooms.items():
            room.begin_again(self.clock.now)
            self._will_look(name)
            for who in room.people.values():
                back_s = timings.AGENT_BACK_S if isinstance(who, Agent) else timings.LEG_BACK_S
                self.after(back_s, partial(self._comes_back, name, who, self.deaths))
            self.after(_FORGOTTEN_AFTER_S, partial(self._forgets_the_lost, name, room, self.deaths))

    def _comes_back(self, name: str, who: Leg | Agent, deaths: int) -> None:
        """Unless they are gone, or the server has died again."""
        room = self.rooms.get(name)
        if room is None or not room.has(who) or who.attached or self.deaths != deaths:
            return
        if isinstance(who, Agent):
            room.come_back(who, f"PA_agent_{self._number()}")
            who.joined_at = self.clock.now
            self._tell("participant_joined", name, _agent(who))
        elif who.is_up:
            room.come_back(who, f"PA_leg_{self._number()}")
            who.status = model.BACK_AS
            self._tell("participant_joined", name, _participant(who))

    def _forgets_the_lost(self, name: str, room: Room, deaths: int) -> None:
        """A room to which nobody has come since the restart vanishes without a word."""
        if self.rooms.get(name) is not room or self.deaths != deaths:
            return
        room.forget_the_lost()
        if room.people or room.departed:
            self._will_look(name)
        else:
            del self.rooms[name]

    # --- rooms and agents --------------------------------------------------------------------------------------------

    def make(self, name: str, *agents: str, terms: tuple[int, int] = (EMPTY_ROOM_S, ROOM_DEPARTURE_S)) -> None:
        """Makes the room, with agents who are told these words, unless it is there. `terms` are how long it stands
        while nobody has come, and when the last one has left."""
        if name not in self.rooms:
            empty_s, departure_s = terms
            now = self.clock.now
            self.rooms[name] = Room(now, empty_timeout=empty_s * 1000, departure_timeout=departure_s * 1000, since=now)
            self._will_look(name)
            for metadata in agents:
                self.send_agent(name, metadata)

    def send_agent(self, name: str, metadata: str) -> None:
        self.dispatched[name].append(metadata)
        if self.dispatches_dropped:
            self.dispatches_dropped -= 1
        elif self.agents_come:
            self.after(self.agents_take_s, lambda: self._comes(name, metadata))

    def _comes(self, name: str, metadata: str) -> None:
        if name in self.rooms and not self.comes_with_its_runner(name, metadata):
            self.agent_joins(name, follows=True)
            self.on_join(name, metadata)

    def agent_joins(self, name: str, sid: str | None = None, *, follows: bool = False) -> None:
        if (room := self.rooms.get(name)) is not None:
            sid = sid or f"PA_agent_{self._number()}"
            agent = Agent(sid, f"agent-AJ_{sid.removeprefix('PA_agent_')}", self.clock.now, follows)
            room.join(agent)
            self.had_agent.add(name)
            if len(room.agents) == 2:
                self.two_since[name] = self.clock.now
            self._tell("participant_joined", name, _agent(agent))
            for leg in room.legs:
                if leg.rang_in:
                    # LiveKit answers a caller as soon as an agent can be heard.
                    self._answer(leg, TALKS_S if self.callees_hang_up else None)

    def agent_leaves(self) -> None:
        """The agent of the one room there is, or the first of two."""
        ((name, room),) = self.rooms.items()
        self._agent_goes(name, room.agents[0], LeftFor.CLIENT_INITIATED)

    def _who(self, name: str, identity: str) -> Leg | Agent:
        """Whoever has that identity in that room."""
        room = self.rooms.get(name)
        who = None if room is None else room.people.get(identity)
        if who is None:
            raise not_found("participant")
        return who

    def remove(self, name: str, identity: str) -> None:
        who = self._who(name, identity)
        if isinstance(who, Agent):
            self.removed.append(who.sid)
        self._put_out(name, Leaving(who, LeftFor.PARTICIPANT_REMOVED))

    def _agent_goes(self, name: str, agent: Agent, reason: str) -> None:
        room = self.rooms.get(name)
        if room is not None and room.leave(agent, reason, self.clock.now) is not None:
            self._is_one_again(name)
            if agent.attached:
                self._tell("participant_left", name, _agent(agent) | {"disconnectReason": reason})

    def _is_one_again(self, name: str) -> None:
        if name in self.two_since:
            self.together_ms.append(self.clock.now - self.two_since.pop(name))

    def colleague_joins(self, name: str) -> None:
        """The agent has called somebody into the room, who picked up."""
        self._join(Leg(COLLEAGUE, name, "PA_colleague", LegStatus.ACTIVE, was_answered=True))

    def colleague_leaves(self) -> None:
        """LiveKit's word of it is the last that is heard of them."""
        for leg in list(self.legs):
            if leg.identity == COLLEAGUE:
                self._ends(leg, model.HANGS_UP)

    def _will_look(self, name: str) -> None:
        """LiveKit closes a room without legs; agents do not keep it open."""
        room = self.rooms[name]
        wait_s = (room.closes_at - self.clock.now) / 1000

        def close_if_idle() -> None:
            if self.server_is_up and self.rooms.get(name) is room and room.is_idle(self.clock.now):
                self.delete(name, LeftFor.ROOM_CLOSED)

        self.after(wait_s, close_if_idle)

    def delete(self, name: str, why: str = LeftFor.ROOM_DELETED) -> None:
        room = self.rooms.get(name)
        if room is None:
            raise not_found("requested room")
        for leaving in room.closing(why, other_side_first=True):
            self._put_out(name, leaving)
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
        number = self._number()
        told = dict(request.participant_attributes) | {
            "sip.callID": f"SCL_{number}",
            "sip.phoneNumber": request.sip_call_to,
            "sip.trunkPhoneNumber": request.sip_number,
        }
        leg = Leg(identity, name, f"PA_leg_{number}", named=request.headers[CALL_HEADER], attributes=told)
        if callee is Callee.NOT_REACHED:
            leg.end = LegEnd(None, "nobody", model.NO_BRIDGE)
            return leg
        self._join(leg)
        self._meets(leg, request, FATES[callee], TALKS_S if self.callees_hang_up else None)
        return leg

    def _meets(
        self, leg: Leg, request: api.CreateSIPParticipantRequest, fate: Fate, hangs_up_after_s: float | None
    ) -> None:
        """The INVITE is out."""
        waits, max_call_s = request.wait_until_answered, request.max_call_duration.seconds or timings.MAX_CALL_S
        ring_s, rang_out = model.ring_limit(request.ringing_timeout.seconds, max_call_s, waits=waits)
        if fate.rings_after_s is not None:
            self.rang.append(leg.identity)
            self.after(fate.rings_after_s, lambda: self._rings(leg))
        if fate.settled_after_s is not None:
            end = fate.end
            if end is None:
                self.after(fate.settled_after_s, lambda: self._answer(leg, hangs_up_after_s))
            else:
                self.after(fate.settled_after_s, lambda: self._fail(leg, end))
        self.after(ring_s, lambda: self._fail(leg, rang_out), leg)
        self.after(max_call_s, lambda: self._ends(leg, model.REACHED_ITS_LIMIT), leg)

    def refer(self, name: str, identity: str) -> None:
        """The phone is sent away, and leaves."""
        leg = self._who(name, identity)
        if isinstance(leg, Agent):
            raise not_found("participant")
        if leg.status != LegStatus.ACTIVE:
            raise as_error(model.NOT_ACTIVE)
        self._ends(leg, model.HANGS_UP)

    def ring_in(self, to: str) -> None:
        """Somebody rings in, in a room of LiveKit's own naming."""
        number = self._number()
        name = f"in_{number}"
        told = {
            "sip.ruleID": "SDR_1",
            "sip.trunkPhoneNumber": to,
            "sip.phoneNumber": CALLER,
            "sip.callID": f"SCL_{number}",
        }
        leg = Leg(f"sip_{CALLER}", name, f"PA_leg_{self._number()}", LegStatus.RINGING, attributes=told)
        self._join(leg)
        self.after(self.callers_wait_s, lambda: self._fail(leg, model.NOBODY_ANSWERS), leg)

    def browser_joins(self, name: str, identity: str) -> None:
        """Somebody joins from a browser, with a token of ours."""
        self._join(Leg(identity, name, f"PA_leg_{self._number()}", LegStatus.RINGING, is_browser=True))

    def change(self, name: str, identity: str, attributes: dict[str, str]) -> None:
        who = self._who(name, identity)
        if isinstance(who, Leg):
            who.attributes |= attributes

    def leg_strays_in(self, name: str, identity: str) -> None:
        """An INVITE that overtook the end of its call."""
        self._join(Leg(identity, name, "PA_stray", LegStatus.RINGING, strayed=True))

    def _join(self, leg: Leg) -> None:
        self.make(leg.room)
        room = self.rooms[leg.room]
        if (older := room.in_the_way_of(leg.identity)) is not None:
            self._put_out(leg.room, older)
        room.join(leg)
        self._tell("participant_joined", leg.room, _participant(leg))

    def _rings(self, leg: Leg) -> None:
        if leg.is_waited_for:
            leg.says(LegStatus.RINGING)
            self._says(leg, "ringing")

    def _answer(self, leg: Leg, hangs_up_after_s: float | None) -> None:
        if leg.is_waited_for:
            leg.was_answered = True
            leg.says(LegStatus.ACTIVE)
            self._says(leg, "answered")
            if hangs_up_after_s is not None:
                self.after(hangs_up_after_s, lambda: self._ends(leg, model.HANGS_UP))

    def _fail(self, leg: Leg, end: LegEnd) -> None:
        if leg.is_waited_for:
            self._ends(leg, end)

    def _put_out(self, name: str, leaving: Leaving[Leg | Agent]) -> None:
        """The server does that."""
        if isinstance(leaving.who, Agent):
            self._agent_goes(name, leaving.who, leaving.reason)
        else:
            self._ends(leaving.who, model.put_out(leaving.reason))

    def hang_up(self) -> None:
        """Every callee, and every caller, hangs up."""
        for leg in self.legs:
            unanswered = model.CALLER_GIVES_UP if leg.rang_in else model.refused(sip_status.BUSY)
            self._ends(leg, model.HANGS_UP if leg.was_answered else unanswered)

    def vanish(self) -> None:
        """Every phone call is over; the carrier says so, and LiveKit's word of it is lost."""
        self.carrier_says("ended")
        for leg in list(self.legs):
            leg.end = model.HANGS_UP
            self.over_at[leg.room] = self.clock.now
            self.rooms[leg.room].forget(leg)

    def fall_silent(self) -> None:
        """Every phone call is over, as the carrier says. LiveKit misses their sound before it notices."""
        self.carrier_says("ended")
        for leg in list(self.legs):
            self.after(MISSED_AFTER_S, partial(self._ends, leg, _FALLS_SILENT))

    def _ends(self, leg: Leg, end: LegEnd) -> None:
        if not leg.is_up:
            return
        leg.end = end
        if not leg.is_anothers:
            self.over_at[leg.room] = self.clock.now
        if leg.attached:
            self._leaves(leg, end)
        if leg.was_answered:
            self._says(leg, "ended")
        else:
            code, status = sip_status.TERMINATED
            said = {} if end.failure is None else end.failure.metadata
            code, status = int(said.get("sip_status_code", code)), said.get("sip_status", status)
            self._says(leg, "failed", sip_code=code, sip_status=status)

    def _leaves(self, leg: Leg, end: LegEnd) -> None:
        """The server hears that the leg is over."""
        if end.hung_up:
            leg.says(LegStatus.HANGUP)
        reason = end.reason or ""
        room = self.rooms[leg.room]
        left = room.leave(leg, reason, self.clock.now)
        self._will_look(leg.room)
        self._tell("participant_left", leg.room, _participant(leg) | {"disconnectReason": reason})
        for agent in room.agents if left is not None and left.is_followed else ():
            if agent.follows:
                goes = partial(self._agent_goes, leg.room, agent, LeftFor.CLIENT_INITIATED)
                self.after(timings.AGENT_FOLLOWS_S, goes)

    # --- what is told ------------------------------------------------------------------------------------------------

    def _tell(self, event: str, room: str, participant: dict[str, Any] | None = None) -> None:
        document = {"event": event, "createdAt": str(self.clock.now // 1000), "room": {"name": room}}
        self.hooks.put(room, document | ({"participant": participant} if participant else {}))

    def carrier_says(self, kind: str) -> None:
        """Of every phone call there is."""
        for leg in self.legs:
            self._says(leg, kind)

    def _says(self, leg: Leg, kind: str, **told: Any) -> None:
        if self.carrier_speaks and leg.named:
            self.words.append(Word(kind, leg.named, self.clock.now, told))


def _agent(agent: Agent) -> dict[str, Any]:
    return {"kind": "AGENT", "sid": agent.sid, "identity": agent.identity}


def _participant(leg: Leg) -> dict[str, Any]:
    if leg.is_browser:
        return {"sid": leg.sid, "identity": leg.identity, "attributes": dict(leg.attributes)}
    attributes = leg.attributes | {"sip.callStatus": leg.status}
    return {"kind": "SIP", "sid": leg.sid, "identity": leg.identity, "attributes": attributes}
