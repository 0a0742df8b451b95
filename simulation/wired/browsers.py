"""Who lets browsers in, wired by name over the simulated world."""

from collections.abc import Callable
from typing import Any

from ringline.calls.model.call import Call
from ringline.calls.model.ports import LookQueue, Places
from ringline.calls.progress.capacity import Capacity
from ringline.calls.tables.store import CallStore
from ringline.calls.web.invite import InviteWebCaller
from ringline.calls.web.receive import ReceiveWebCaller
from ringline.calls.web.store import Tickets
from ringline.routing.resolve import Route
from ringline.runtime.clock import Clock
from simulation.actors.livekit import Livekit
from simulation.aws.table import TABLE, Table
from simulation.plan.capacity import PIPE
from simulation.plan.planned import PlannedCall
from simulation.wired.front_desk import Desk


class OnePipe:
    """What runs for callers from a browser."""

    def __init__(self, plan: PlannedCall) -> None:
        self._plan = plan

    def resolve(self, account_id: str, pipe_id: str) -> Route:
        plan = self._plan
        return Route(
            pipe_id=pipe_id,
            agent_id=plan.agent_id,
            from_number="",
            ring_timeout_s=plan.ring_timeout_s,
            max_call_duration_s=plan.max_call_duration_s,
        )


class WebDoor:
    """One warm copy's."""

    def __init__(
        self, table: Table, *, store: CallStore, capacity: Capacity, places: Places, livekit: Livekit,
        looks: LookQueue, clock: Clock, pause: Callable[[float], None], log: Any,
    ) -> None:  # fmt: skip
        self.tickets = Tickets(table, TABLE, pause)
        self._clock = clock
        self.receive = ReceiveWebCaller(
            tickets=self.tickets,
            store=store,
            capacity=capacity,
            places=places,
            desk=Desk(livekit),
            looks=looks,
            log=log,
        )

    def invite(self, account_id: str, plan: PlannedCall, made: list[Call]) -> bool:
        routing: Any = OnePipe(plan)
        inviting = InviteWebCaller(
            routing=routing, tickets=self.tickets, token_for=lambda call, _until: call.call_id, clock=self._clock
        )
        made.append(inviting.run(account_id, PIPE).ticket.call)
        return True
