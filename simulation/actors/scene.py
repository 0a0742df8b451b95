"""What is really there: rooms and who is in them, SIP legs with the callees behind them, agents, and whether LiveKit's
server is up. What happens to it is the business of the other actors; watchers look at it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from local.phones.model import room as model
from local.phones.model import timings
from local.phones.model.legs import LegStatus
from ringline.calls.model.call import Call
from ringline.calls.model.outcomes import DialOutcome
from simulation.kernel.world import World
from simulation.plan.planned import PlannedCall

LOST_AFTER_MS = (round(timings.BRIDGE_LOST_RINGING_S * 1000), round(timings.BRIDGE_LOST_ACTIVE_S * 1000) + 1_000)
"""How long LiveKit takes to notice that a bridge or a worker is dead."""


COLLEAGUE = "sip_colleague"
"""The identity of whom an agent brings into a room."""


@dataclass(slots=True, eq=False)
class Leg:
    is_dependent: ClassVar[bool] = False
    is_other_side: ClassVar[bool] = True
    call: Call
    plan: PlannedCall
    sid: str
    sip_call_id: str
    status: str = LegStatus.DIALING
    phone: str = "dialing"
    """dialing, ringing, talking or over: the truth."""
    rang: bool = False
    """Whether the phone has rung, however briefly."""
    attached: bool = False
    """Whether the server can reach it. A leg of a server that died is attached again when it rejoins."""
    joined_at: int = 0
    """When it came, or came back, into its room."""
    answered_at: int | None = None
    over_at: int | None = None
    tell: Callable[[DialOutcome], None] | None = None

    @property
    def room_name(self) -> str:
        return self.call.room_name or ""

    @property
    def identity(self) -> str:
        return self.call.leg_identity

    @property
    def rings_in(self) -> bool:
        return self.call.inbound_room is not None

    @property
    def numbers(self) -> tuple[str | None, str | None]:
        """Ours, and that of the phone, as LiveKit tells them."""
        call = self.call
        return (call.to_number, call.from_number) if self.rings_in else (call.from_number, call.to_number)

    @property
    def is_browser(self) -> bool:
        """Whether it is no phone, but somebody in a browser."""
        return False

    @property
    def was_there_before(self) -> bool:
        """Whether it bears what LiveKit was asked to give who came once."""
        return False

    def is_let_in(self) -> None:
        """LiveKit was asked to give it that."""

    @property
    def is_target(self) -> bool:
        """Whether it is the phone of somebody to whom a call is to be handed over, beside the call's own."""
        return False

    @property
    def callee(self) -> str:
        """Who is at the other end in this attempt."""
        return self.plan.callee_in(len(self.call.attempts) + 1)

    @property
    def is_up(self) -> bool:
        """Whether a phone rings or somebody is on the line."""
        return self.phone in {"ringing", "talking"}

    def says(self, status: LegStatus) -> None:
        """What the bridge writes shows, unless the server does not hear of it."""
        if self.attached:
            self.status = status


@dataclass(slots=True, eq=False)
class Agent:
    is_dependent: ClassVar[bool] = True
    is_other_side: ClassVar[bool] = False
    sid: str
    joined_at: int
    identity: str
    """By which it is put out of its room. It stays when LiveKit gives it a new sid."""
    alive: bool = True
    follows: bool = False
    """Whether it leaves behind whom it talked with, as those of a worker do."""
    speaks_itself: bool = False
    """Whether it needs nobody who thinks for it, whatever its call's first agent needs."""
    attached: bool = False


@dataclass(slots=True, eq=False)
class Colleague:
    """Somebody whose phone the agent has called into the room, beside those of whom LiveKit tells: its coming is lost,
    and the room does not stay open for it. `status` is what LiveKit says of it."""

    sid: str
    status: str = LegStatus.ACTIVE


@dataclass(slots=True, eq=False)
class Room(model.Room[Leg | Agent]):
    name: str
    made_at: int
    colleague: Colleague | None = None
    plan: PlannedCall | None = None
    """Whose agent was sent there; None in a room to which none was sent."""
    dispatches: int = 0
    lists_the_lost_until: int = 0
    """Until when LiveKit lists legs whose bridge died while they talked."""

    def leg(self, identity: str) -> Leg | None:
        who = self.people.get(identity)
        return who if isinstance(who, Leg) else None

    @property
    def legs(self) -> list[Leg]:
        return [who for who in self.people.values() if isinstance(who, Leg)]

    @property
    def agents(self) -> list[Agent]:
        return [who for who in self.people.values() if isinstance(who, Agent)]

    @property
    def is_company(self) -> bool:
        """Whether somebody is there whom the call's own phone can talk to."""
        talks = any(leg.is_target and leg.phone == "talking" for leg in self.legs)
        return talks or bool(self.agents) or self.colleague is not None


def _nobody_asks(_room: Room) -> None: ...


def _nobody_listens(_call: Call) -> None: ...


class Scene:
    def __init__(self, world: World, plans: Mapping[str, PlannedCall]) -> None:
        """`plans` are the planned calls by the number that each calls."""
        self._world = world
        self._plans = plans
        self._sids = 0
        self.rooms: dict[str, Room] = {}
        self.legs: dict[tuple[str, int], Leg] = {}
        """The first leg of each dial, by call and number of the dial."""
        self.callers: dict[str, Leg] = {}
        """The leg of each caller, by its room."""
        self.closed_at: dict[str, int] = {}
        """When each room that is gone was closed."""
        self.alone_since: dict[str, int] = {}
        """Rooms in which nobody is left to talk to while the call goes on, and since when."""
        self.had_agent: set[str] = set()
        """Rooms in which an agent was, though it may be gone by now."""
        self.two_since: dict[str, int] = {}
        """Rooms with two agents, and since when."""
        self.together_ms: dict[str, int] = {}
        """How long two agents were in each room at most."""
        self.server_is_up = True
        self.server_back_at = 0
        """When it last came back from an outage."""
        self.epoch = 0
        """How often the server died."""
        self.on_agents_changed: Callable[[Room], None] = _nobody_asks
        """Hears where agents came or went."""
        self.on_agent_told: Callable[[Call], None] = _nobody_listens
        """Hears of a call as an agent is told of it."""
        self.bridge_down_until = 0
        self.server_slow_until = 0

    def plan_of(self, call: Call) -> PlannedCall:
        """Of a call to no number its id tells whose it is."""
        return self._plans[call.to_number or f"+1555{int(call.call_id.rpartition('x')[2]):07d}"]

    def leg_of(self, call: Call) -> Leg | None:
        """The leg of the call's present dial, or of whoever rang in."""
        if call.comes_in:
            return self.callers.get(call.room_name or "")
        return self.legs.get((call.call_id, call.attempt))

    def new_sid(self, prefix: str) -> str:
        self._sids += 1
        return f"{prefix}_{self._sids}"

    @property
    def bridge_is_down(self) -> bool:
        return self._world.now < self.bridge_down_until

    def agents_changed(self, room: Room) -> None:
        """Somebody came or went: keeps book of who is alone, and of where there are two."""
        if room.is_company:
            self.alone_since.pop(room.name, None)
        else:
            self.alone_since.setdefault(room.name, self._world.now)
        if len(room.agents) > 1:
            self.two_since.setdefault(room.name, self._world.now)
        elif room.name in self.two_since:
            together_ms = self._world.now - self.two_since.pop(room.name)
            self.together_ms[room.name] = max(together_ms, self.together_ms.get(room.name, 0))
        self.on_agents_changed(room)

    def is_open(self, room: Room) -> bool:
        """Whether the server knows the room."""
        return self.rooms.get(room.name) is room and self.server_is_up
