"""The product's use cases of runners, wired by name over the simulated world."""

from collections.abc import Callable
from typing import Any

from ringline.agents.assign import Assign
from ringline.agents.brains import Brains
from ringline.agents.listen import Listen
from ringline.agents.model.assigning import Asked, Why
from ringline.agents.tables.assignments import Assignments
from ringline.agents.tables.registry import Registry
from ringline.calls.model.call import AttemptId, Call, Speaker
from ringline.calls.progress.hints import NextRing
from ringline.calls.progress.progress import Progress
from ringline.calls.tables.store import CallStore
from ringline.routing.records import Agent, Brain
from ringline.runtime.clock import Clock
from ringline.runtime.web.problems import Problem
from simulation.aws.table import TABLE, Table
from simulation.kernel.world import World
from simulation.runners.sockets import RunnerSockets


class OneKindOfAgent:
    """Every agent that a runner asks to be is there, and thinks by runners."""

    def agent(self, account_id: str, agent_id: str) -> Agent:
        return Agent(agent_id=agent_id, name="Front desk", brain=Brain.RUNNER)


class Plane:
    """One warm copy's."""

    def __init__(
        self, world: World, table: Table, sockets: RunnerSockets, *, store: CallStore, progress: Progress,
        next_ring: NextRing, clock: Clock, pause: Callable[[float], None], log: Any,
    ) -> None:  # fmt: skip
        registry = Registry(table, TABLE, clock, pause)
        routing: Any = OneKindOfAgent()
        # The speech workers of this world keep no control connection.
        no_speech_workers: Any = None
        assign = Assign(
            store=store,
            progress=progress,
            registry=registry,
            assignments=Assignments(table, TABLE),
            sockets=sockets,
            token_for=_token,
            new_assign_id=lambda: f"asg_{world.number()}",
            clock=clock,
            log=log,
        )
        self.listen = Listen(
            registry=registry,
            routing=routing,
            sockets=sockets,
            assign=lambda: assign,
            ring_if_waiting=next_ring.ring_if_waiting,
            speech_workers=no_speech_workers,
            # Keys are neither made nor ended in this world.
            may_stay=lambda _connection: True,
            clock=clock,
            log=log,
        )
        self._brains = Brains(
            store=store,
            routing=routing,
            assign=lambda: assign,
            open_key=lambda _account, _agent, kept: kept,
            clock=clock,
        )

    def ask(self, whose: AttemptId, request: int, why: str, bridge_url: str) -> dict[str, Any] | None:
        """What the speech worker is answered; None where it is to ask again."""
        try:
            return self._brains.answer(
                Speaker(whose.account_id, whose.call_id, whose.attempt), Asked(request, Why(why), bridge_url)
            )
        except Problem as problem:
            return None if problem.status >= 500 else {"result": "over"}


def _token(_call: Call, job_id: str, worker_id: str) -> str:
    return f"{job_id} {worker_id}"


type WhoseRoom = Callable[[str], AttemptId | None]
"""The attempt that a room was opened for, also one that LiveKit has named."""
