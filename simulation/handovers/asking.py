"""Who wants a call handed over: its customer, by the API, or the agent that speaks in it. Both ask again where they
hear no answer."""

from collections.abc import Callable
from functools import partial

from simulation.actors.phones import HearsAnswers
from simulation.actors.scene import Leg, Scene
from simulation.kernel.processes import Process
from simulation.kernel.world import World

_TRIES = 3
_AGAIN_MS = (200, 2_000)
_TWICE_MS = (0, 3_000)

type Ask = Callable[[str, str, int], bool]
"""Asks for a transfer: (account, room, which of the call's). Whether that was answered."""


class Asking:
    """`account_of` names the account of a room."""

    def __init__(
        self, world: World, scene: Scene, then: HearsAnswers, ask: Ask, account_of: Callable[[str], str]
    ) -> None:
        self._world = world
        self._scene = scene
        self._then = then
        self._ask = ask
        self._account_of = account_of

    def answered(self, leg: Leg) -> None:
        self._then.answered(leg)
        for turn, handover in enumerate(leg.plan.handovers):
            self._world.after(handover.after, self._asks, leg, turn)
            if handover.asks_again:
                again_ms = handover.after + self._world.chance.between(f"asks twice/{leg.identity}", *_TWICE_MS)
                self._world.after(again_ms, self._asks, leg, turn)

    def _asks(self, leg: Leg, turn: int) -> None:
        if leg.plan.handovers[turn].by_agent:
            room = self._scene.rooms.get(leg.room_name)
            if leg.phone != "talking" or room is None or not any(agent.alive for agent in room.agents):
                return
        self._tries(leg, turn, _TRIES)

    def _tries(self, leg: Leg, turn: int, tries: int) -> None:
        def unless_answered(_process: Process, well: bool) -> None:
            if not well and tries > 1:
                wait_ms = self._world.chance.between(f"asks again/{leg.identity}", *_AGAIN_MS)
                self._world.after(wait_ms, self._tries, leg, turn, tries - 1)

        account_id = self._account_of(leg.room_name)
        work = partial(self._ask, account_id, leg.room_name, turn)
        self._world.counts["transfers_asked"] += 1
        kind = "agent" if leg.plan.handovers[turn].by_agent else "ask"
        self._world.spawn(kind, f"{leg.plan.number}", work, unless_answered, account_id=account_id)
