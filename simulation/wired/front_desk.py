"""Who receives callers, wired by name over the simulated world: numbers, what runs there, who decides about callers."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ringline.calls.model.call import Call
from ringline.calls.model.ports import LookQueue
from ringline.calls.model.room_view import RoomView
from ringline.calls.signals.arrive import Arrive
from ringline.calls.signals.decisions import Decide
from ringline.calls.signals.seats import Seats
from ringline.calls.tables.inbound_rooms import InboundRooms
from ringline.calls.tables.limits.counters import Counters
from ringline.calls.tables.store import CallStore
from ringline.routing.records import Agent, Brain, Number, Pipe, Trunk
from ringline.routing.resolve import InboundRouting, Route
from ringline.runtime.clock import Clock
from simulation.actors.livekit import Livekit
from simulation.kernel.world import World
from simulation.plan.capacity import PIPE
from simulation.plan.desks import CHOSEN_PIPE, OVERFLOW_AGENT, OVERFLOW_PIPE
from simulation.plan.planned import PlannedCall
from simulation.watch.calls.desks import Desks

_AGENTS_OF_PIPES = {PIPE: "AGENT_1", OVERFLOW_PIPE: OVERFLOW_AGENT, CHOSEN_PIPE: "AGENT_0"}
_PATIENCE_MS = 1_000
_URL = "https://decides.test"

type OurNumbers = Mapping[str, tuple[str, PlannedCall]]
"""The numbers that somebody rings: whose they are, and who rings."""


class Directory:
    """The numbers that somebody rings, whose they are and what runs there."""

    def __init__(self, numbers: OurNumbers) -> None:
        self._numbers = numbers
        self._routing = InboundRouting(self)

    def default_number(self, _account_id: str) -> None:
        """Nobody calls from here."""

    def owner_of(self, number: str) -> str | None:
        return self._numbers[number][0]

    def trunk(self, trunk_id: str) -> Trunk | None:
        raise NotImplementedError("no caller's trunk is known here")

    def resolve(self, account_id: str, number: str) -> Route | None:
        plan = self._numbers[number][1]
        route = self._as_planned(self._routing.resolve(account_id, number), plan)
        if route is None or plan.runners_agent is None:
            return route
        return replace(route, agent_id=plan.runners_agent, brain=Brain.RUNNER)

    def overflow(self, account_id: str, dialed: Number) -> Route | None:
        return self._as_planned(self._routing.overflow(account_id, dialed), self._numbers[dialed.number][1])

    def through(self, account_id: str, dialed: Number, pipe_id: str | None, agent_id: str | None) -> Route | None:
        route = self._routing.through(account_id, dialed, pipe_id, agent_id)
        return self._as_planned(route, self._numbers[dialed.number][1])

    def _as_planned(self, route: Route | None, plan: PlannedCall) -> Route | None:
        if route is None:
            return None
        return replace(route, ring_timeout_s=plan.ring_timeout_s, max_call_duration_s=plan.max_call_duration_s)

    # --- as it is kept -----------------------------------------------------------------------------------------------

    def number(self, account_id: str, number: str) -> Number:
        desk = self._numbers[number][1].desk
        kept = Number(number=number, number_id=number, pipe_id=PIPE)
        if desk is None:
            return kept
        return replace(
            kept,
            overflow_pipe_id=OVERFLOW_PIPE if desk.overflow == "pipe" else None,
            overflow_agent_id=OVERFLOW_AGENT if desk.overflow == "agent" else None,
            decision_url=None if desk.decides is None else f"{_URL}/{number}",
            decision_default=desk.default,
        )

    def numbers(self, account_id: str) -> list[Number]:
        return [self.number(account_id, number) for number, (owner, _) in self._numbers.items() if owner == account_id]

    def pipe(self, account_id: str, pipe_id: str) -> Pipe | None:
        agent_id = _AGENTS_OF_PIPES.get(pipe_id)
        return None if agent_id is None else Pipe(pipe_id=pipe_id, name=pipe_id, agent_id=agent_id)

    def pipes(self, account_id: str, agent_id: str | None = None) -> list[Pipe]:
        return []

    def agent(self, account_id: str, agent_id: str) -> Agent:
        return Agent(agent_id=agent_id, name=agent_id)


class Desk:
    """What is done about callers at LiveKit."""

    def __init__(self, livekit: Livekit) -> None:
        self._livekit = livekit

    def take_in(self, call: Call) -> RoomView:
        return self._livekit.take_in_now(call)

    def mark_as_joined(self, _room: str, _identity: str) -> None:
        """Nobody here comes back with another token than the first one."""

    def turn_away(self, room: str) -> bool:
        raise NotImplementedError("every number is somebody's here")

    def close(self, room: str) -> None:
        self._livekit.end_room_now(room)


class DecidingServers:
    """The customers' servers, as whoever asks them sees them."""

    def __init__(self, world: World, numbers: OurNumbers, watch: Desks) -> None:
        self._world = world
        self._numbers = numbers
        self._watch = watch

    def ask(self, url: str, _secret: str | None, _question_id: str, body: Mapping[str, Any]) -> dict[str, Any] | None:
        plan = self._numbers[url.removeprefix(f"{_URL}/")][1]
        desk, process = plan.desk, self._world.acting()
        process.before_effect("a question")
        self._world.counts["decisions_asked"] += 1
        self._watch.asked(f"in_{plan.number}")
        is_late = desk is None or desk.decides in {"slow", "down"}
        self._world.pass_time(_PATIENCE_MS if desk is None or is_late else desk.after)
        process.after_effect("a question")
        match desk and desk.decides:
            case "accepts":
                return {"decision": "accept", "data": {"vip": True}}
            case "chooses":
                return {"decision": "accept", "pipe_id": CHOSEN_PIPE}
            case "rejects":
                return {"decision": "reject", "reason": "closed"}
            case "says_nothing":
                return {"decision": "perhaps"}
        return None


def receive_callers(
    *, rooms: InboundRooms, directory: Directory, servers: DecidingServers | None, store: CallStore,
    counters: Counters, places: Any, livekit: Livekit, looks: LookQueue, clock: Clock, log: Any,
) -> Arrive:  # fmt: skip
    """Without `servers` every caller is taken as they come, and there is room for all."""
    seats = decide = None
    if servers is not None:
        seats = Seats(rooms=rooms, routing=directory, store=store, counters=counters, places=places)
        decide = Decide(
            rooms=rooms, routing=directory, ask=servers.ask, open_secret=lambda _account, _number, kept: kept
        )
    return Arrive(
        rooms=rooms,
        numbers=directory,
        routing=directory,
        desk=Desk(livekit),
        looks=looks,
        clock=clock,
        log=log,
        seats=seats,
        decide=decide,
    )
