"""The product's use cases, wired by name over the simulated world: the one place where that is done."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from ringline.agents.tables.registry import Registry
from ringline.calls.mending.left_rooms import LeftRooms
from ringline.calls.mending.shares import Sizes
from ringline.calls.mending.sweep import Sweep
from ringline.calls.model.call import AnswerFrom, Call
from ringline.calls.model.room_view import TelephonyDown
from ringline.calls.outbound.admit import Admit
from ringline.calls.outbound.arrivals import Arrivals
from ringline.calls.outbound.create import CreateCall, WaitingMarks
from ringline.calls.outbound.dial_next import DialNext
from ringline.calls.outbound.queue_room import QueueRoom
from ringline.calls.progress.awaited_agents import AwaitedAgents
from ringline.calls.progress.capacity import Capacity
from ringline.calls.progress.hang_up import HangUp
from ringline.calls.progress.hints import NextRing
from ringline.calls.progress.limits_met import LimitsMet
from ringline.calls.progress.progress import Progress
from ringline.calls.progress.set_cap import SetCap
from ringline.calls.signals.agent_reports import HearAgent
from ringline.calls.signals.carrier import HearCarrier
from ringline.calls.signals.observe import Observe
from ringline.calls.stream.batch import Parks
from ringline.calls.tables.inbound_rooms import InboundRooms
from ringline.calls.tables.limits.counters import Counters
from ringline.calls.tables.limits.reached import ReachedLimits
from ringline.calls.tables.paces import TrunkPaces
from ringline.calls.tables.pages import CallPages
from ringline.calls.tables.store import CallStore
from ringline.calls.tables.watchlist import DueKey, Watchlist
from ringline.calls.views.relay import Relay, tell_end, tell_ringing
from ringline.routing.records import Brain
from ringline.routing.resolve import Route
from ringline.routing.store import RoutingStore
from ringline.webhooks.model.endpoint import Endpoint
from ringline.webhooks.model.event import Event, EventDraft
from ringline.webhooks.model.event_type import EVERYTHING
from ringline.webhooks.sending.announce import Announcer
from ringline.webhooks.sending.queue import DeliveryMessage
from ringline.webhooks.tables.events import EventStore
from simulation.aws.queues import DoorbellQueue, LookQueue, TransferQueue
from simulation.aws.table import TABLE, Table
from simulation.handovers.livekit import LivekitTransfers
from simulation.kernel.world import World
from simulation.plan.capacity import OUR_NUMBER, PIPE
from simulation.plan.planned import PlannedCall, PlannedPool
from simulation.run.plane import Plane
from simulation.runners.sockets import RunnerSockets
from simulation.wired.browsers import WebDoor
from simulation.wired.front_desk import DecidingServers, Directory, OurNumbers, receive_callers
from simulation.wired.transferring import TransferIds, Transferring

type HearsDelivery = Callable[[EventDraft], None]
"""Hears of each webhook that is on its way: of its event."""


class SilentLog:
    """The product's log lines, which the simulation needs none of - but for errors that a use case swallows."""

    def __init__(self, world: World) -> None:
        self._world = world

    def append_keys(self, **_: Any) -> None: ...

    def info(self, message: str, **_: Any) -> None: ...

    def warning(self, message: str, **_: Any) -> None: ...

    def exception(self, message: str, **_: Any) -> None:
        self._world.trace(f"logs: {message}")

    def error(self, message: str, exc_info: BaseException | None = None, **_: Any) -> None:
        if exc_info is not None and isinstance(exc_info, Exception) and self._world.current is not None:
            self._world.current.disturbed = True
            self._world.failed(self._world.current, exc_info)


class OneRoute:
    """The route of one request."""

    def __init__(self, plan: PlannedCall, pools: Mapping[str, PlannedPool]) -> None:
        self._pools = pools
        self._trunk_id = plan.trunk_id
        self._agent_id = plan.agent_id
        self._brain = _brain_of(plan)

    def resolve(self, account_id: str, **_: Any) -> Route:
        pool = self._pools.get(account_id)
        return Route(
            pipe_id=PIPE,
            agent_id=self._agent_id,
            brain=self._brain,
            from_number=OUR_NUMBER if pool is None else pool.numbers[0],
            from_pool=pool is not None,
            trunk_id=self._trunk_id,
            max_call_duration_s=3600,
        )

    def may_call(self, *_: Any) -> bool:
        return True


def _brain_of(plan: PlannedCall) -> str | None:
    return None if plan.runners_agent is None else Brain.RUNNER


class OneEndpoint:
    def endpoints(self, account_id: str) -> list[Endpoint]:
        types = (EVERYTHING,)
        return [Endpoint(endpoint_id="ep_1", url="https://x.test", secrets=("s",), created_at=0, event_types=types)]


class Deliveries:
    """The delivery queue, as far as the relay sees it, and what each event was told with."""

    def __init__(self, world: World, hear: HearsDelivery) -> None:
        self._world = world
        self._hear = hear
        self.drafts: dict[tuple[str, int], EventDraft] = {}

    def send(self, message: DeliveryMessage) -> None:
        process = self._world.acting()
        process.before_effect("a delivery")
        named = message.delivery_id
        self._hear(self.drafts[named.account_id, named.sequence])
        process.after_effect("a delivery")


class Log:
    """One invocation's view of the events that are written."""

    def __init__(self, table: Table, clock: Callable[[], int], deliveries: Deliveries) -> None:
        self._store = EventStore(table, TABLE, clock, pause=lambda _s: None)
        self._deliveries = deliveries

    def append(self, draft: EventDraft) -> Event:
        event = self._store.append(draft)
        self._deliveries.drafts.setdefault((event.account_id, event.sequence), draft)
        return event

    def append_all(self, drafts: Sequence[EventDraft]) -> list[Event]:
        events = self._store.append_all(drafts)
        for draft, event in zip(drafts, events, strict=True):
            self._deliveries.drafts.setdefault((event.account_id, event.sequence), draft)
        return events


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What the product's functions reach outside of themselves."""

    table: Table
    livekit: LivekitTransfers
    doorbell: DoorbellQueue
    looks: LookQueue
    transfers: TransferQueue
    transfer_ids: TransferIds
    deliveries: Deliveries
    parked: Parks
    sockets: RunnerSockets
    answer_from: AnswerFrom
    livekit_per_minute: int
    numbers: OurNumbers
    servers: DecidingServers | None
    """Who decides about callers; None where every caller is taken as they come."""
    pools: Mapping[str, PlannedPool]
    """The pool of an account's pipe."""
    in_shards: bool
    """Whether functions write what is due to shards: the sweep, and most of the others."""
    sweep_sizes: Sizes


class TellsAgents:
    """LiveKit as the product asks it, which tells agents what was asked of their calls."""

    def __init__(self, livekit: LivekitTransfers, store: CallStore) -> None:
        self._livekit = livekit
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._livekit, name)

    async def open_room(self, call: Call) -> Any:
        return await self._livekit.open_room(self._store.whole_or_raise(call))

    async def send_agent(self, call: Call) -> None:
        await self._livekit.send_agent(self._store.whole_or_raise(call))

    async def send_target(self, call: Call) -> None:
        await self._livekit.send_target(self._store.whole_or_raise(call))


class Container:
    """One warm copy of a function: its use cases, its memory, its clock."""

    def __init__(self, world: World, outside: Outside, *, skew_ms: int, in_shards: bool) -> None:
        def clock() -> int:
            return world.now + skew_ms

        def pause(seconds: float) -> None:
            world.pass_time(round(seconds * 1000))

        log: Any = SilentLog(world)
        self.clock = clock
        self.log = log
        self._pause = pause
        self._world = world
        self._outside = outside
        table, doorbell, looks = outside.table, outside.doorbell, outside.looks
        self._store = store = CallStore(table, TABLE, pause=pause, asked_apart=True, in_shards=in_shards)
        livekit: Any = TellsAgents(outside.livekit, store)
        self._livekit = livekit
        self._watchlist = Watchlist(table, TABLE, in_shards=in_shards)
        self._progress = progress = Progress(store, doorbell, clock, log)
        self._next_ring = NextRing(store, doorbell, clock)
        self._marks = WaitingMarks(self._watchlist, clock, log)
        self._room = QueueRoom(self._store, clock)
        self._limits = LimitsMet(ReachedLimits(table, TABLE), clock, log)
        paces = TrunkPaces(table, TABLE, livekit_per_minute=outside.livekit_per_minute)
        counters = Counters(table, TABLE, clock, pause)
        self.set_cap = SetCap(
            counters=counters,
            pages=CallPages(table, TABLE),
            progress=progress,
            doorbell=doorbell,
            clock=clock,
            log=log,
        )
        self._paces, self._places = paces, Registry(table, TABLE, clock, pause)
        self.dial_next = DialNext(
            store=store,
            admit=Admit(
                store=store,
                paces=paces,
                places=self._places,
                capacity=Capacity(counters, RoutingStore(table, TABLE), clock),
                progress=progress,
                limits=self._limits,
                clock=clock,
                log=log,
                pause=pause,
                answer_from=outside.answer_from,
            ),
            paces=paces,
            progress=progress,
            telephony=livekit,
            doorbell=doorbell,
            looks=looks,
            tell_ringing=lambda call: tell_ringing(self._announcer(), store, call),
            clock=clock,
            log=log,
            arrivals=Arrivals(),
        )
        self.hang_up = HangUp(store=store, progress=progress, telephony=livekit, clock=clock, log=log)
        self.observe = Observe(
            progress=progress,
            close_room=self._close_room,
            looks=looks,
            log=log,
            remove_later=livekit.remove_later_now,
            remove=livekit.remove_now,
            reception=lambda: self._arrive,
            web_reception=lambda: self.web_door.receive,
        )
        self._inbound_rooms = InboundRooms(table, TABLE, pause, in_shards=in_shards)
        self._arrive = receive_callers(
            rooms=self._inbound_rooms,
            directory=Directory(outside.numbers),
            servers=outside.servers,
            store=store,
            counters=counters,
            places=Registry(table, TABLE, clock, pause),
            livekit=livekit,
            looks=looks,
            clock=clock,
            log=log,
        )
        transcripts: Any = None
        outcomes: Any = None
        """What was said, and what came of it, is kept elsewhere, which is no part of a call's life."""
        self.hear_agent = HearAgent(
            store=store,
            progress=progress,
            transcripts=transcripts,
            outcomes=outcomes,
            telephony=lambda: nullcontext(livekit),
            looks=looks,
            clock=clock,
            log=log,
        )
        links: Any = None
        """Every event of these carriers bears our header."""
        self.hear_carrier = HearCarrier(
            progress=progress,
            store=store,
            telephony=lambda: nullcontext(livekit),
            looks=looks,
            links=links,
            clock=clock,
            log=log,
            paces=paces,
        )
        self.web_door = WebDoor(
            table,
            store=store,
            capacity=Capacity(counters, RoutingStore(table, TABLE), clock),
            places=Registry(table, TABLE, clock, pause),
            livekit=livekit,
            looks=looks,
            clock=clock,
            log=log,
            pause=pause,
        )
        self.transferring = Transferring(
            world,
            store=store,
            progress=progress,
            telephony=livekit,
            paces=paces,
            queue=outside.transfers,
            looks=looks,
            clock=clock,
            log=log,
            ids=outside.transfer_ids,
        )

    def plane(self) -> Plane:
        """One invocation's: most functions need none."""
        return Plane(
            self._world,
            self._outside.table,
            self._outside.sockets,
            store=self._store,
            progress=self._progress,
            next_ring=self._next_ring,
            clock=self.clock,
            pause=self._pause,
            log=self.log,
        )

    def create_call(self, plan: PlannedCall) -> CreateCall:
        routing: Any = OneRoute(plan, self._outside.pools)
        """It has no pipes, agents and numbers to choose from."""
        no_urls: Any = None
        """No planned call names a URL of its own."""
        return CreateCall(
            store=self._store,
            routing=routing,
            doorbell=self._outside.doorbell,
            marks=self._marks,
            room=self._room,
            limits=self._limits,
            webhook_urls=no_urls,
            clock=self.clock,
            log=self.log,
        )

    def relay(self) -> Relay:
        """One invocation's: it reads the endpoints once."""
        return Relay(announcer=self._announcer(), ends=self._store, next_ring=self._next_ring)

    def _announcer(self) -> Announcer:
        queue: Any = self._outside.deliveries
        """Without `send_later`: no announcer asks for it."""
        return Announcer(OneEndpoint(), Log(self._outside.table, self.clock, self._outside.deliveries), queue)

    def sweep(self) -> Sweep:
        """One invocation's: the function is the same, whatever wakes it."""
        announcer = self._announcer()
        return Sweep(
            store=self._store,
            watchlist=self._watchlist,
            progress=self._progress,
            telephony=self._livekit,
            left_rooms=LeftRooms(
                self._store, self._inbound_rooms, self._livekit, self.log, self.web_door.tickets.is_there
            ),
            doorbell=self._outside.doorbell,
            looks=self._outside.looks,
            resend=_resend_none,
            awaited=AwaitedAgents(self._paces.agents, self._places, self.clock),
            tell_end=lambda call: tell_end(announcer, self._store, call),
            transfers=self.transferring.mend,
            sizes=self._outside.sweep_sizes,
            clock=self.clock,
            log=self.log,
        )

    def _close_room(self, room: str) -> None:
        try:
            self._livekit.end_room_now(room)
        except TelephonyDown:
            return


def _resend_none(_keys: Sequence[DueKey]) -> int:
    """Deliveries are not kept in this table."""
    return 0
