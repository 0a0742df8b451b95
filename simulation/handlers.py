"""The functions' handlers, as their folders compose them: the real use cases over the simulated world."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any

from ringline.calls.mending.sweep import Sweep
from ringline.calls.model.call import AnswerFrom, VoicemailPolicy, attempt_of_room
from ringline.calls.model.carrier_event import CarrierEvent
from ringline.calls.model.livekit_event import LivekitEvent
from ringline.calls.model.room_view import TelephonyDown
from ringline.calls.outbound.admit import Admit
from ringline.calls.outbound.create import CreateCall, WaitingMarks
from ringline.calls.outbound.dial import DialNext
from ringline.calls.outbound.requests import CreateCallRequest, RetryRequest
from ringline.calls.progress.hang_up import HangUp
from ringline.calls.progress.hints import NextRing
from ringline.calls.progress.progress import Progress
from ringline.calls.signals.agent_reports import HearAgent, Report
from ringline.calls.signals.carrier import HearCarrier
from ringline.calls.signals.observe import Observe
from ringline.calls.tables.paces import TrunkPaces
from ringline.calls.tables.store import CallStore, Once
from ringline.calls.tables.watchlist import DueKey, Watchlist
from ringline.calls.views.relay import Change, Relay, rooms_to_close
from ringline.routing.resolve import Route
from ringline.runtime.web.problems import Problem
from ringline.webhooks.model.endpoint import Endpoint
from ringline.webhooks.model.event_type import EventType
from ringline.webhooks.sending.announce import Announcer
from ringline.webhooks.sending.queue import DeliveryMessage
from simulation.livekit import Livekit
from simulation.messages import LookQueue
from simulation.plan import PlannedCall, PlannedRetry
from simulation.table import TABLE, Table
from simulation.world import World

_CONTAINERS = 3
_SKEW_MS = 15
"""How far the clocks of two functions' machines may be apart from the world's."""


class SilentLog:
    """The product's log lines, which the simulation needs none of - but for errors that a use case swallows."""

    def __init__(self, world: World) -> None:
        self._world = world

    def info(self, message: str, **_: Any) -> None: ...

    def warning(self, message: str, **_: Any) -> None: ...

    def exception(self, message: str, **_: Any) -> None:
        self._world.trace(f"logs: {message}")

    def error(self, message: str, exc_info: BaseException | None = None, **_: Any) -> None:
        if exc_info is not None and isinstance(exc_info, Exception) and self._world.current is not None:
            self._world.current.disturbed = True
            self._world.watch.raised(self._world.current, exc_info)


class OneRoute:
    """The route of one request."""

    def __init__(self, plan: PlannedCall) -> None:
        self._trunk_id = plan.trunk_id

    def resolve(self, account_id: str, **_: Any) -> Route:
        return Route(
            pipe_id="PIPE_1",
            agent_id="AGENT_1",
            from_number="+15550100000",
            trunk_id=self._trunk_id,
            max_call_duration_s=3600,
        )


class OneEndpoint:
    def endpoints(self, account_id: str) -> list[Endpoint]:
        types = (EventType.CALL_END, EventType.CALL_ACTIVE)
        return [Endpoint(endpoint_id="ep_1", url="https://x.test", secrets=("s",), created_at=0, event_types=types)]


class Deliveries:
    """The delivery queue, as far as the relay sees it."""

    def __init__(self, world: World) -> None:
        self._world = world

    def send(self, message: DeliveryMessage, after_s: int = 0) -> None:
        process = self._world.acting()
        process.before_effect("a delivery")
        told = message.delivery_id
        name = f"{told.account_id}/{told.call_id}/{told.endpoint_id}/{told.event_type}"
        self._world.watch.announce(told.account_id, told.call_id, told.event_type.value, name)
        process.after_effect("a delivery")


class Container:
    """One warm copy of a function: its use cases, its memory, its clock."""

    def __init__(
        self, world: World, table: Table, livekit: Livekit, doorbell: Any, skew_ms: int, looks: Any,
        answer_from: AnswerFrom,
    ) -> None:  # fmt: skip
        def clock() -> int:
            return world.now + skew_ms

        log: Any = SilentLog(world)
        self.store = CallStore(table, TABLE, pause=lambda seconds: world.pass_time(round(seconds * 1000)))
        self.watchlist = Watchlist(table, TABLE)
        self.progress = Progress(self.store, doorbell, clock, log)
        self.next_ring = NextRing(self.store, doorbell, clock)
        self.marks = WaitingMarks(self.watchlist, clock)
        self.paces = TrunkPaces(table, TABLE)
        self.admit = Admit(
            self.store,
            self.paces,
            self.progress,
            clock,
            log,
            lambda seconds: world.pass_time(round(seconds * 1000)),
            answer_from,
        )
        self.dial_next = DialNext(
            self.store, self.admit, self.paces, self.progress, livekit, doorbell, looks, clock, log
        )
        self.hang_up = HangUp(store=self.store, progress=self.progress, telephony=livekit, clock=clock, log=log)
        transcripts: Any = None
        """What was said is kept elsewhere, which is no part of a call's life."""
        links: Any = None
        """Every event of these carriers bears our header."""
        self.hear_agent = HearAgent(
            self.store, self.progress, transcripts, lambda: nullcontext(livekit), looks, clock, log
        )
        self.hear_carrier = HearCarrier(
            self.progress, self.store, lambda: nullcontext(livekit), looks, links, clock, log, self.paces
        )
        self.clock = clock
        self.log = log
        self.doorbell = doorbell


class Handlers:
    def __init__(self, world: World, plans: dict[str, PlannedCall], answer_from: AnswerFrom) -> None:
        self._world = world
        self._answer_from = answer_from
        self._containers: dict[str, list[Container]] = {}
        self.table: Table
        self.livekit: Livekit
        self.doorbell: Any
        self.looks: LookQueue
        self._deliveries = Deliveries(world)
        self._asked: Counter[int] = Counter()
        self._moments = {plan.number: plan.at for plan in plans.values()}

    def _container(self, function: str) -> Container:
        """One of the function's warm copies, or a new one in the place of one that was let go."""
        chance = self._world.chance
        warm = self._containers.setdefault(function, [])
        turn = chance.between(f"container/{function}", 0, _CONTAINERS - 1)
        if turn >= len(warm) or chance.draw(f"cold/{function}") < 0.02:
            skew = chance.between("skew", -_SKEW_MS, _SKEW_MS)
            made = Container(self._world, self.table, self.livekit, self.doorbell, skew, self.looks, self._answer_from)
            if turn < len(warm):
                warm[turn] = made
            else:
                warm.append(made)
            return made
        return warm[turn]

    # --- the API -----------------------------------------------------------------------------------------------------

    def create(self, account_id: str, plan: PlannedCall) -> bool:
        copy = self._container("create")
        use_case = CreateCall(copy.store, OneRoute(plan), copy.doorbell, copy.marks, copy.clock, copy.log)  # type: ignore[arg-type]
        now = copy.clock()

        def moment(after_ms: int | None) -> datetime | None:
            return None if after_ms is None else datetime.fromtimestamp((now + after_ms) / 1000, UTC)

        request = CreateCallRequest(
            to_number=number_of(plan),
            ring_timeout_s=plan.ring_timeout_s,
            max_call_duration_s=plan.max_call_duration_s,
            scheduled_at=moment(plan.scheduled_after),
            expires_at=moment(plan.expires_after),
            retry=_retry_request(plan.retry),
            voicemail_policy=VoicemailPolicy.LEAVE_MESSAGE if plan.leaves_message else None,
        )
        once = Once(f"key {plan.number}", "body") if plan.asks_again else None
        try:
            use_case.run(account_id, request, once)
        except Problem:
            # It expires before it could be dialled: refused, and nothing may be written.
            return False
        return True

    def new_id(self, prefix: str) -> str:
        """Ids sort by the moment of the request, as the product's do, and stay the same when other calls are left out.
        Requests interleave: whose id it is, the acting process says."""
        number = int(self._world.acting().site)
        self._asked[number] += 1
        return f"{prefix}_{self._moments[number]:08d}t{self._asked[number]}x{number}"

    async def hang_up(self, account_id: str, call_id: str) -> bool:
        hung_up = await self._container("hangup").hang_up.run(account_id, call_id)
        if hung_up is not None:
            self._world.watch.retries.hung_up(account_id, call_id)
        return True

    # --- events ------------------------------------------------------------------------------------------------------

    async def dial(self, accounts: list[str]) -> bool:
        dial_next = self._container("dial").dial_next
        results = await asyncio.gather(*(dial_next.run(account) for account in accounts), return_exceptions=True)
        for result in results:
            if isinstance(result, Exception) and self._world.current is not None:
                self._world.watch.raised(self._world.current, result)
        return not any(isinstance(result, BaseException) for result in results)

    def receive(self, event: LivekitEvent) -> bool:
        copy = self._container("hook")

        def close_room(room: str) -> None:
            try:
                self.livekit.end_room_now(room)
            except TelephonyDown:
                return

        outcome = Observe(copy.progress, close_room, self.looks, copy.log).run(event, copy.clock())
        self._world.trace(f"hook {event.what} {event.kind} {event.sid} {event.disconnect_reason or ''}: {outcome}")
        return True

    async def hear_agent(self, room: str, reports: list[Report]) -> bool:
        whose = attempt_of_room(room)
        if whose is None:
            raise ValueError(room)
        heard = await self._container("agent").hear_agent.run(whose, reports)
        self._world.trace(f"agent of {room} tells {reports[0].kind}: {heard.results[0]}")
        return True

    async def hear_carrier(self, event: CarrierEvent) -> bool:
        heard = await self._container("sip").hear_carrier.run(event)
        self._world.trace(f"carrier tells {event.kind} of {event.room}: {heard}")
        return True

    async def relay(self, changes: list[Change]) -> bool:
        copy = self._container("relay")
        relay = Relay(Announcer(OneEndpoint(), self._deliveries), copy.next_ring)  # type: ignore[arg-type]
        for change in changes:
            relay.announce(change)
        rooms = rooms_to_close(changes)
        if rooms:
            results = await asyncio.gather(*map(self.livekit.end_room, rooms), return_exceptions=True)
            for result in results:
                if isinstance(result, Exception) and not isinstance(result, TelephonyDown):
                    raise result
        relay.ring_again(changes)
        return True

    async def sweep(self) -> bool:
        await self._sweep().run()
        return True

    async def look(self, key: tuple[str, str]) -> bool:
        await self._sweep().look_again([key])
        return True

    def _sweep(self) -> Sweep:
        """One invocation's: the function is the same, whatever wakes it."""
        copy = self._container("sweep")

        def resend(_keys: Sequence[DueKey]) -> int:
            return 0

        return Sweep(
            store=copy.store,
            watchlist=copy.watchlist,
            progress=copy.progress,
            telephony=self.livekit,
            doorbell=copy.doorbell,
            looks=self.looks,
            resend=resend,
            clock=copy.clock,
            log=copy.log,
        )


def _retry_request(retry: PlannedRetry | None) -> RetryRequest | None:
    if retry is None:
        return None
    return RetryRequest(max_attempts=retry.max_attempts, on=list(retry.on), delays_s=list(retry.delays_s))


def number_of(plan: PlannedCall) -> str:
    return f"+1555{plan.number:07d}"
