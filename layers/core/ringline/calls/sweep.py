"""Each minute, mends what got lost: dials without an outcome, calls whose end nobody reported, accounts nobody rang
for.

It reads the due index (calls on a line for longer than FIRST_LOOK_S, queued calls past their expiry, failed
deliveries), one list of LiveKit's open rooms, and the accounts that wait. Calls that are fine cost a read each and no
write; queued ones cost nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field

from aws_lambda_powertools import Logger

from ringline.calls.call import Call, Direction, State, room_of
from ringline.calls.deadlines import (
    End,
    Owed,
    caller_waits_until,
    dial_outcome_due_at,
    is_up,
    limit_falls_in_s,
    look_again_in_s,
    owed,
    within_call,
)
from ringline.calls.events import (
    AgentJoined,
    AgentLeft,
    AgentSeen,
    Answered,
    EndAsked,
    Event,
    FoundOver,
    GivenUp,
    LegJoined,
    SeenWaiting,
)
from ringline.calls.hints import Doorbell, LookQueue
from ringline.calls.leave_hints import ask_for_look
from ringline.calls.ports import LegView, RoomView, Telephony, TelephonyDown, leg_of
from ringline.calls.progress import Outcome, Progress
from ringline.calls.reasons import EndReason
from ringline.calls.results import Effect
from ringline.calls.store import CallStore
from ringline.calls.timing import ROOM_MISSING_S, ZOMBIE_ROOM_S
from ringline.calls.watchlist import DueKey, WaitingMark, Watchlist
from ringline.runtime.clock import Clock
from ringline.runtime.table import calls_pk

MAX_DUE = 5000
"""Due keys one run takes on; where there are more, the next run goes on behind them. A call on a line keeps its place
in the index as long as it lasts, so beginning anew each time would never reach the last."""

_BATCH = 100
_AT_ONCE = 20

type Resend = Callable[[Sequence[DueKey]], int]
"""Sends overdue deliveries again; returns how many."""


@dataclass(slots=True)
class Swept:
    """What one run did, for its log line."""

    looked_at: int = 0
    settled: int = 0
    adopted: int = 0
    rung: int = 0
    redelivered: int = 0
    rooms_closed: int = 0


@dataclass(frozen=True, slots=True)
class Sweep:
    store: CallStore
    watchlist: Watchlist
    progress: Progress
    telephony: Telephony
    doorbell: Doorbell
    looks: LookQueue
    resend: Resend
    clock: Clock
    log: Logger
    swept: Swept = field(default_factory=Swept)
    marked: set[str] = field(default_factory=set)

    async def run(self) -> Swept:
        """One run. A part that fails does not keep the others from their work; the first failure is raised last."""
        now = self.clock()
        calls, deliveries = _sorted_by_kind(self._due(now))
        parts = (self._resend(deliveries), self._mend(calls, now), self._ring_for_the_waiting(now))
        failures = [failure for part in parts if (failure := await self._attempt(part)) is not None]
        if failures:
            raise failures[0]
        return self.swept

    async def look_again(self, keys: Sequence[tuple[str, str]]) -> Swept:
        """Looks at single calls (account, call) out of turn, as the whole run would."""
        calls = await asyncio.to_thread(self.store.get_many, keys)
        names = [call.room_name for call in calls if call.in_flight and call.room_name is not None]
        if names:
            missing = await self._mend_those_with_rooms(calls, await self.telephony.rooms(names), self.clock())
            await self._mend_missing(missing)
        return self.swept

    async def _attempt(self, part: Awaitable[None]) -> Exception | None:
        try:
            await part
        except Exception as error:
            self.log.exception("a part of the sweep failed")
            return error
        return None

    async def _resend(self, deliveries: Sequence[DueKey]) -> None:
        if deliveries:
            self.swept.redelivered = await asyncio.to_thread(self.resend, deliveries)

    def _due(self, now: int) -> list[DueKey]:
        after = self.watchlist.left_off_at()
        due = self.watchlist.due(now, MAX_DUE, after)
        is_cut = len(due) == MAX_DUE
        if is_cut or after is not None:
            self.watchlist.leave_off_at(due[-1] if is_cut else None)
        return due

    # --- lost doorbells ----------------------------------------------------------------------------------------------

    async def _ring_for_the_waiting(self, now: int) -> None:
        marks = await asyncio.to_thread(self.watchlist.waiting_accounts)
        await self._side_by_side(asyncio.to_thread(self._ring_if_waiting, mark, now) for mark in marks)

    def _ring_if_waiting(self, mark: WaitingMark, now: int) -> None:
        if mark.account_id in self.marked:
            return
        if self.store.eligible(mark.account_id, now, 1):
            self._ring(mark.account_id)
        elif not self.store.has_queued(mark.account_id):
            self.watchlist.clear_waiting(mark, now)

    def _ring(self, account_id: str) -> None:
        if self.store.gate(account_id).has_room:
            self.doorbell.ring(account_id)
            self.swept.rung += 1

    # --- calls -------------------------------------------------------------------------------------------------------

    async def _mend(self, keys: Sequence[tuple[str, str]], now: int) -> None:
        try:
            rooms = await self.telephony.rooms()
        except TelephonyDown:
            # Without LiveKit's word a call that looks lost may be alive: only the queue's own deadlines are kept now.
            self.log.warning("LiveKit not reached, calls in flight left alone")
            rooms = None
        alive: set[str | None] = set()
        missing: list[Call] = []
        for batch in _batches(keys, _BATCH):
            calls = await asyncio.to_thread(self.store.get_many, batch)
            alive |= {call.room_name for call in calls if call.in_flight}
            missing += await self._mend_those_with_rooms(calls, rooms, now)
        await self._mend_missing(missing)
        if rooms is not None:
            await self._close_zombies(rooms, alive, now)

    async def _mend_those_with_rooms(
        self, calls: Sequence[Call], rooms: Mapping[str, int] | None, now: int
    ) -> list[Call]:
        """Mends what can be judged now; the answer is the calls whose room is missing."""
        missing = [call for call in calls if rooms is not None and call.in_flight and call.room_name not in rooms]
        await self._side_by_side(self._mend_one(call, rooms, now) for call in calls if call not in missing)
        return missing

    async def _mend_missing(self, missing: Sequence[Call]) -> None:
        """Calls whose room was missing are looked at again: only a room that stays away is gone."""
        if not missing:
            return
        await asyncio.sleep(ROOM_MISSING_S)
        try:
            rooms = await self.telephony.rooms()
        except TelephonyDown:
            return
        now = self.clock()
        for batch in _batches([(call.account_id, call.call_id) for call in missing], _BATCH):
            calls = await asyncio.to_thread(self.store.get_many, batch)
            await self._side_by_side(self._mend_one(call, rooms, now) for call in calls)

    async def _side_by_side(self, works: Iterable[Awaitable[None]]) -> None:
        turn = asyncio.Semaphore(_AT_ONCE)

        async def one(work: Awaitable[None]) -> None:
            async with turn:
                await work

        for result in await asyncio.gather(*(one(work) for work in works), return_exceptions=True):
            if isinstance(result, BaseException):
                self.log.error("a call could not be mended", exc_info=result)

    async def _mend_one(self, call: Call, rooms: Mapping[str, int] | None, now: int) -> None:
        self.swept.looked_at += 1
        if call.state is State.QUEUED:
            await self._mend_queued(call, now)
            return
        if rooms is None or not call.in_flight:
            return
        due = owed(call, call.room_name in rooms, now)
        if due in (Owed.NOTHING, Owed.LOOK):
            await self._look_at_its_limit(call, now)
        match due:
            case Owed.NOTHING:
                return
            case Owed.PEEK:
                await self._peek(call, now)
            case Owed.SETTLE:
                await self._settle(call)
            case End(reason):
                await self._end(call, reason, now)
            case Owed.LOOK:
                await self._look(call, now)

    async def _look_at_its_limit(self, call: Call, now: int) -> None:
        """A conversation ends at its limit, not with the first run after it."""
        after_s = limit_falls_in_s(call, now)
        if after_s is not None:
            await asyncio.to_thread(ask_for_look, self.looks, self.log, call, after_s)

    async def _mend_queued(self, call: Call, now: int) -> None:
        if call.expires_at is not None and call.expires_at <= now:
            await self._apply(call, EndAsked(now, EndReason.EXPIRED_IN_QUEUE))
            self.swept.settled += 1
        elif call.due_at is not None and call.due_at <= now:
            # A call that is dialled again: its bell may have been lost with its dialer. From now on it waits like any
            # other, and is not looked at each minute.
            if call.account_id not in self.marked:
                self.marked.add(call.account_id)
                await asyncio.to_thread(self.watchlist.mark_waiting, call.account_id, now)
                await asyncio.to_thread(self._ring, call.account_id)
            await self._apply(call, SeenWaiting(now))

    async def _peek(self, call: Call, now: int) -> None:
        room = await self.telephony.look(call.room_name or "")
        await self._adopt(call, leg_of(call, room), _present_agent(call, room), now)

    async def _adopt(self, call: Call, leg: LegView | None, agent: AgentSeen | None, now: int) -> bool:
        """Whether the phone was answered while nobody was there to say so: the conversation goes on."""
        if leg is None or not is_up(leg):
            return False
        adopted = await self._apply(call, Answered(now, call.attempt, leg.sid, leg.sip_call_id, agent))
        self.swept.adopted += 1
        if Effect.LOOK_AGAIN in adopted.effects and adopted.call is not None:
            await asyncio.to_thread(ask_for_look, self.looks, self.log, call, look_again_in_s(adopted.call))
        return True

    async def _look(self, call: Call, now: int) -> None:
        room = await self.telephony.look(call.room_name or "")
        leg, agent = leg_of(call, room), _present_agent(call, room)
        if call.answered_at is None:
            await self._look_unanswered(call, leg, agent, now)
        elif call.carrier.ended_at is not None:
            # The phone call is over, and only LiveKit does not know.
            await self._give_up(call)
        elif call.evidence.leg_left_at is not None or call.evidence.room_finished_at is not None:
            await self._look_for_a_lost_leg(call, leg, now)
        elif agent is not None:
            # Unmoved if it is the one we know.
            await self._apply(call, AgentJoined(now, call.attempt, agent.sid))
        elif call.active_at is None:
            await self._end(call, EndReason.AGENT_DID_NOT_JOIN, now)
        elif call.agent_left_at is None:
            # Its leaving got lost. A successor has until the next run.
            await self._apply(call, AgentLeft(now, call.attempt, call.agent_sid or "", None))
        else:
            await self._end(call, EndReason.AGENT_FAILED, now)

    async def _look_unanswered(self, call: Call, leg: LegView | None, agent: AgentSeen | None, now: int) -> None:
        rings_in = call.direction is Direction.INBOUND and leg is not None
        if rings_in and agent is not None:
            joined_at = within_call(call, agent.joined_at, now)
            await self._apply(call, AgentJoined(joined_at, call.attempt, agent.sid))
            self.swept.adopted += 1
        elif await self._adopt(call, leg, agent, now):
            return
        elif not rings_in:
            # While its leg is there the phone may ring on, whatever was said of another; not for longer than it may.
            if leg is None or now >= dial_outcome_due_at(call):
                await self._give_up(call)
        elif now >= caller_waits_until(call):
            await self._end(call, EndReason.AGENT_DID_NOT_JOIN, now)
        else:
            try:
                await self.telephony.take_in(call)
            except TelephonyDown:
                # The caller hears it ring, and not for as long as until the next run.
                await asyncio.to_thread(ask_for_look, self.looks, self.log, call, look_again_in_s(call))

    async def _look_for_a_lost_leg(self, call: Call, leg: LegView | None, now: int) -> None:
        """The leg lost its connection or its room: if it is back under another sid, the call goes on."""
        if leg is not None and leg.sid != call.evidence.left_leg_sid:
            joined = (await self._apply(call, LegJoined(now, call.attempt, leg.sid))).call
            self.swept.adopted += 1
            # Its limits have gone on meanwhile: the next run would be late by a minute.
            if joined is not None and joined.in_flight and isinstance(limit := owed(joined, True, now), End):
                await self._end(joined, limit.reason, now)
        else:
            await self._give_up(call)

    async def _end(self, call: Call, reason: EndReason | None, now: int) -> None:
        if reason is not None:
            asked = await self._apply(call, EndAsked(now, reason, call.attempt))
            if not asked.effects:
                return  # Somebody was faster: the agent is there after all.
        await self._settle(call)

    async def _give_up(self, call: Call) -> None:
        await self._apply(call, GivenUp(self.clock(), call.attempt))
        await self._settle(call)

    async def _settle(self, call: Call) -> None:
        """Closes the room first: a line is given back only when nothing can ring or talk on it any more."""
        await self.telephony.end_room(call.room_name or "")
        await self._apply(call, FoundOver(self.clock(), call.attempt))
        self.swept.settled += 1

    # --- rooms -------------------------------------------------------------------------------------------------------

    async def _close_zombies(self, rooms: Mapping[str, int], alive: Set[str | None], now: int) -> None:
        """Closes rooms whose attempt is over: an agent left alone in one costs money."""
        for name, made_at in rooms.items():
            whose = room_of(name)
            if whose is None or name in alive or now - made_at < ZOMBIE_ROOM_S * 1000:
                continue
            call = await asyncio.to_thread(self.store.get, whose.account_id, whose.call_id)
            if call is not None and (not call.in_flight or call.attempt != whose.attempt):
                await self._close_zombie(name)

    async def _close_zombie(self, room: str) -> None:
        try:
            await self.telephony.end_room(room)
            self.swept.rooms_closed += 1
        except TelephonyDown:
            self.log.warning("room not closed", extra={"room": room})

    async def _apply(self, call: Call, event: Event) -> Outcome:
        return await asyncio.to_thread(self.progress.apply, call.account_id, call.call_id, event)


def _sorted_by_kind(due: Iterable[DueKey]) -> tuple[list[tuple[str, str]], list[DueKey]]:
    calls, deliveries = [], []
    for key in due:
        account_id = key.pk.split("#")[1]
        if key.pk == calls_pk(account_id):
            calls.append((account_id, key.sk))
        else:
            deliveries.append(key)
    return calls, deliveries


def _present_agent(call: Call, room: RoomView) -> AgentSeen | None:
    """An agent in the room, other than the one that is known to have left: LiveKit's list may still show it."""
    departed = call.agent_sid if call.agent_left_at is not None else None
    return next((AgentSeen(agent.sid, agent.joined_at) for agent in room.agents if agent.sid != departed), None)


def _batches[T](items: Sequence[T], size: int) -> Iterable[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
