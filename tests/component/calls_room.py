"""The use cases of a call over the one table, with a clock set by hand, a bell that counts and a LiveKit that says
what it is told."""

import asyncio
import time
from collections.abc import Callable
from copy import replace
from dataclasses import dataclass, field

import pytest
from aws_lambda_powertools import Logger

from ringline.accounts.account import Account
from ringline.accounts.store import AccountStore
from ringline.agents.tables.registry import Registry
from ringline.calls.mending.left_rooms import LeftRooms
from ringline.calls.mending.mend import Swept
from ringline.calls.mending.shares import USUAL, Sizes
from ringline.calls.mending.sweep import Resend, Sweep
from ringline.calls.model.call import Call, State
from ringline.calls.model.events import Claimed
from ringline.calls.model.ports import CarrierLinks
from ringline.calls.model.results import Moved
from ringline.calls.outbound.admit import Admit, NoneAdmitted, Paced
from ringline.calls.outbound.dial_next import DialNext
from ringline.calls.outbound.queue_head import ExpiredAhead
from ringline.calls.progress.awaited_agents import AwaitedAgents
from ringline.calls.progress.capacity import Capacity
from ringline.calls.progress.hang_up import HangUp, HungUp
from ringline.calls.progress.limits_met import LimitsMet
from ringline.calls.progress.progress import Progress
from ringline.calls.rules.lifecycle import apply
from ringline.calls.tables.agent_rests import AgentRests
from ringline.calls.tables.inbound_rooms import InboundRooms
from ringline.calls.tables.limits.counters import Counters
from ringline.calls.tables.limits.reached import ReachedLimits
from ringline.calls.tables.paces import TrunkPaces
from ringline.calls.tables.store import CallStore, Committed
from ringline.calls.tables.watchlist import Watchlist
from ringline.calls.transfers.carry_out import CarryOut
from ringline.calls.transfers.follow_up import FollowUp
from ringline.calls.transfers.mend import MendTransfers
from ringline.calls.views.relay import tell_end
from ringline.routing.store import RoutingStore
from tests.builders import ACCOUNT, a_call
from tests.component.one_table import LocalAws
from tests.fakes import (
    CountingAnnouncer,
    CountingDoorbell,
    CountingLooks,
    CountingTransfers,
    HandClock,
    ScriptedTelephony,
)

LOG = Logger(service="test", level="CRITICAL")


@dataclass
class CallsRoom:
    store: CallStore
    watchlist: Watchlist
    paces: TrunkPaces
    places: Registry
    counters: Counters
    routing: RoutingStore
    inbound_rooms: InboundRooms
    reached: ReachedLimits
    clock: HandClock
    telephony: ScriptedTelephony = field(default_factory=ScriptedTelephony)
    doorbell: CountingDoorbell = field(default_factory=CountingDoorbell)
    looks: CountingLooks = field(default_factory=CountingLooks)
    transfers: CountingTransfers = field(default_factory=CountingTransfers)
    resend: Resend = field(default=lambda keys: 1 if keys else 0)
    """What the sweep does with deliveries that are overdue."""
    announcer: CountingAnnouncer = field(default_factory=CountingAnnouncer)
    nowhere: set[str] = field(default_factory=set)
    """Numbers that the account may not call."""
    sizes: Sizes = USUAL
    """How much a run of the sweep takes of what it finds."""
    rung: list[Call] = field(default_factory=list)
    """The calls whose phones the dialer told to ring."""

    @property
    def rests(self) -> AgentRests:
        return self.paces.agents

    @property
    def capacity(self) -> Capacity:
        return Capacity(self.counters, self.routing, self.clock)

    @property
    def progress(self) -> Progress:
        return Progress(self.store, self.doorbell, self.clock, LOG)

    @property
    def admit(self) -> Admit:
        return Admit(
            store=self.store,
            paces=self.paces,
            places=self.places,
            capacity=self.capacity,
            progress=self.progress,
            limits=LimitsMet(self.reached, self.clock, LOG),
            clock=self.clock,
            log=LOG,
            pause=self.clock.move,
        )

    def next_call(self, account_id: str = ACCOUNT) -> Call | NoneAdmitted | Paced | ExpiredAhead:
        """Claims one call: that, or why none was admitted."""
        admitted = self.admit.next(account_id)
        if not isinstance(admitted, list):
            return admitted
        (call,) = admitted
        return call

    def ring(self, account_id: str = ACCOUNT) -> int:
        """A doorbell is heard: how many calls were dialled."""
        return asyncio.run(self.dial_next(self.admit).run(account_id))

    def ring_once(self, account_id: str = ACCOUNT) -> int:
        """The same, by a dialer that claims a single time: a call that it puts back at once is left to the next one."""
        claims = iter((True,))
        once = replace(self.dial_next(self.admit), may_claim=lambda: next(claims, False))
        return asyncio.run(once.run(account_id))

    def dial_next(self, admit: Admit, links: CarrierLinks | None = None) -> DialNext:
        return DialNext(
            store=self.store,
            admit=admit,
            paces=self.paces,
            progress=self.progress,
            telephony=self.telephony,
            doorbell=self.doorbell,
            looks=self.looks,
            tell_ringing=self.rung.append,
            clock=self.clock,
            log=LOG,
            links=links,
        )

    def hang_up(self, call_id: str) -> HungUp | None:
        hang_up = HangUp(store=self.store, progress=self.progress, telephony=self.telephony, clock=self.clock, log=LOG)
        return asyncio.run(hang_up.run(ACCOUNT, call_id))

    def sweep(self) -> Swept:
        return asyncio.run(self._sweep().run())

    def look_again(self, *call_ids: str) -> Swept:
        return asyncio.run(self._sweep().look_again([(ACCOUNT, call_id) for call_id in call_ids]))

    def work_on_shares(self) -> Swept:
        """What runs of the sweep have handed out is heard."""
        shares = list(self.looks.shares)
        self.looks.shares.clear()
        return asyncio.run(self._sweep().work_on(shares))

    def tell_end(self, call: Call) -> None:
        tell_end(self.announcer, self.store, call)

    def _sweep(self) -> Sweep:
        return Sweep(
            store=self.store,
            watchlist=self.watchlist,
            progress=self.progress,
            telephony=self.telephony,
            left_rooms=LeftRooms(self.store, self.inbound_rooms, self.telephony, LOG),
            doorbell=self.doorbell,
            looks=self.looks,
            resend=self.resend,
            awaited=AwaitedAgents(self.rests, self.places, self.clock),
            tell_end=self.tell_end,
            transfers=MendTransfers(
                FollowUp(
                    store=self.store,
                    progress=self.progress,
                    telephony=self.telephony,
                    queue=self.transfers,
                    looks=self.looks,
                    clock=self.clock,
                    log=LOG,
                )
            ),
            sizes=self.sizes,
            clock=self.clock,
            log=LOG,
        )

    def carry_out(self, transfer_id: str, call_id: str = "call_1") -> str:
        """A message of the transfer queue is heard: what came of it."""
        carry_out = CarryOut(
            store=self.store,
            progress=self.progress,
            telephony=self.telephony,
            paces=self.paces,
            queue=self.transfers,
            looks=self.looks,
            may_call=lambda _call, number: number not in self.nowhere,
            clock=self.clock,
            log=LOG,
        )
        return asyncio.run(carry_out.run(ACCOUNT, call_id, transfer_id))

    def call(self, call_id: str = "call_1") -> Call:
        call = self.store.get(ACCOUNT, call_id)
        assert call is not None
        return call

    def queued(self, call_id: str = "call_1", **fields: object) -> Call:
        call = a_call(State.QUEUED, call_id=call_id, **fields)
        self.store.create(call)
        return call

    def queued_to_new_number(self, call_id: str, number: str) -> Call:
        """A call whose number was new to its account when it was made."""
        call = a_call(State.QUEUED, call_id=call_id, to_number=number)
        self.store.create(call, is_new_number=True)
        return call

    def dialing(self, call_id: str = "call_1", **fields: object) -> Call:
        """A call that a dialer claimed before it died."""
        queued = self.queued(call_id, **fields)
        moved = apply(queued, Claimed(self.clock()))
        assert isinstance(moved, Moved)
        assert self.store.commit(queued, moved.call) is Committed.DONE
        self.telephony.open_rooms[moved.call.room_name or ""] = self.clock()
        return moved.call

    @property
    def in_use(self) -> int:
        return self.store.gate(ACCOUNT).in_use


def calls_room(local: LocalAws, cap: int = 2, *, in_shards: bool = False) -> CallsRoom:
    AccountStore(local.dynamodb, local.table_name).create_account(Account(ACCOUNT, "Acme", "acme", cap))
    store = CallStore(local.dynamodb, local.table_name, pause=lambda _: None, in_shards=in_shards)
    paces = TrunkPaces(local.dynamodb, local.table_name)
    clock = HandClock()
    places = Registry(local.dynamodb, local.table_name, clock)
    rooms = InboundRooms(local.dynamodb, local.table_name)
    watchlist = Watchlist(local.dynamodb, local.table_name, in_shards=in_shards)
    counters = Counters(local.dynamodb, local.table_name, clock, pause=lambda _: None)
    routing = RoutingStore(local.dynamodb, local.table_name)
    reached = ReachedLimits(local.dynamodb, local.table_name)
    return CallsRoom(store, watchlist, paces, places, counters, routing, rooms, reached, clock)


def room_of_no_waiting(local: LocalAws, monkeypatch: pytest.MonkeyPatch, cap: int = 2) -> CallsRoom:
    """The same, where whoever waits lets time pass."""
    room = calls_room(local, cap)

    async def no_waiting(seconds: float) -> None:
        room.clock.move(seconds)

    monkeypatch.setattr(asyncio, "sleep", no_waiting)
    return room


async def while_it_rings(until: Callable[[], object]) -> None:
    """Lets the other tasks of whoever dials go on until it is so, or for a second."""
    for _ in range(200):
        if until():
            return
        await asyncio.to_thread(time.sleep, 0.005)
