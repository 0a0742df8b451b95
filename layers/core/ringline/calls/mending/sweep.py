"""Each minute, mends what got lost: dials without an outcome, calls whose end nobody reported or announced, accounts
nobody rang for.

It reads the due index (calls on a line for longer than FIRST_LOOK_S, queued calls past their expiry, ends that nobody
has announced), the lists of failed deliveries, one list of LiveKit's open rooms, and the accounts that wait. Calls that
are fine cost a read each and no write; queued ones cost nothing.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, zip_longest
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger

from ringline.calls.mending.left_rooms import LeftRooms
from ringline.calls.mending.mend import Mender, Swept
from ringline.calls.model.call import Call, State
from ringline.calls.model.events import (
    EndAsked,
    Event,
    SeenWaiting,
)
from ringline.calls.model.ports import Doorbell, LookQueue, Telephony
from ringline.calls.model.room_view import TelephonyDown
from ringline.calls.model.timing import END_TOLD_WITHIN_S, ROOM_MISSING_S, ms
from ringline.calls.progress.awaited_agents import AwaitedAgents
from ringline.calls.progress.progress import Outcome, Progress
from ringline.calls.tables.store import CallStore
from ringline.calls.tables.watchlist import DueKey, WaitingMark, Watchlist
from ringline.runtime.clock import Clock
from ringline.runtime.table import calls_pk

if TYPE_CHECKING:
    from ringline.calls.transfers.mend import MendTransfers

MAX_DUE = 5000
"""How many due keys one run takes on. Where there are more, the next run goes on behind them: a call on a line keeps
its place in the index as long as it lasts, so a run that began anew each time would never reach the last."""

MAX_EXPIRED = 2000
"""How many calls that have expired one run ends, of those that it knows of: one account's many keep no other's few
waiting, and all of them nothing else that is due."""

MOST_EXPIRED_READ = 20_000

_BATCH = 100
_AT_ONCE = 20

type TellEnd = Callable[[Call], None]
"""Announces the end of a call, and removes its mark."""

type Resend = Callable[[Sequence[DueKey]], int]
"""Sends overdue deliveries again, these among them, which the release before put among the calls; returns how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    store: CallStore
    watchlist: Watchlist
    progress: Progress
    telephony: Telephony
    left_rooms: LeftRooms
    doorbell: Doorbell
    looks: LookQueue
    resend: Resend
    awaited: AwaitedAgents
    tell_end: TellEnd
    clock: Clock
    log: Logger
    transfers: "MendTransfers | None" = None
    swept: Swept = field(default_factory=Swept)
    marked: set[str] = field(default_factory=set)
    marking: dict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    @property
    def _mender(self) -> Mender:
        return Mender(self.progress, self.telephony, self.looks, self.clock, self.log, self.swept, self.transfers)

    async def run(self) -> Swept:
        """One run. A part that fails does not keep the others from their work; the first failure is raised last."""
        now = self.clock()
        calls, deliveries = _sorted_by_kind(self._due(now))
        self.swept.overdue = len(calls)
        parts = (
            self._mend(calls, now),
            self._ring_for_the_waiting(now),
            # Behind the calls: it may take seconds.
            self._resend(deliveries),
            # Last: it may be much, and nobody rings meanwhile.
            self._end_the_expired(now),
        )
        failures = [failure for part in parts if (failure := await self._attempt(part)) is not None]
        if failures:
            raise failures[0]
        return self.swept

    async def look_again(self, keys: Sequence[tuple[str, str]]) -> Swept:
        """Looks at single calls (account, call) out of turn, as the whole run would."""
        calls = await self._read(keys)
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
        # Each endpoint's list is read as its turn comes: of what is due as much is known as was sent.
        self.swept.redelivered = await asyncio.to_thread(self.resend, deliveries)
        self.swept.deliveries_overdue = self.swept.redelivered

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
        if first := self.store.eligible(mark.account_id, now, 1):
            waits_ms = max(0, now - first[0].eligible_at)
            self.swept.accounts_waiting += 1
            self.swept.oldest_waiting_ms = max(self.swept.oldest_waiting_ms, waits_ms)
            if self._ring(mark.account_id):
                self.swept.oldest_with_line_free_ms = max(self.swept.oldest_with_line_free_ms, waits_ms)
        elif not self.store.has_queued(mark.account_id):
            self.watchlist.clear_waiting(mark, now)

    def _ring(self, account_id: str) -> bool:
        """Rings where a line is free and the account's day is not used up; whether it did."""
        gate = self.store.gate(account_id)
        if not gate.has_free_line or gate.daily.stops_all(self.clock()):
            return False
        self.doorbell.ring(account_id)
        self.swept.rung += 1
        return True

    # --- calls -------------------------------------------------------------------------------------------------------

    async def _mend(self, keys: Sequence[tuple[str, str]], now: int) -> None:
        try:
            rooms = await self.telephony.rooms()
        except TelephonyDown:
            # A call that looks lost may be alive, and only LiveKit knows: in this run only the deadlines of queued
            # calls are kept.
            self.log.warning("LiveKit not reached, calls in flight left alone")
            rooms = None
        alive: set[str | None] = set()
        missing: list[Call] = []
        for batch in _batches(keys, _BATCH):
            calls = await self._read(batch)
            alive |= {call.room_name for call in calls if call.in_flight or not call.is_understood}
            missing += await self._mend_those_with_rooms(calls, rooms, now)
        await self._mend_missing(missing)
        if rooms is not None:
            self.swept.rooms_closed += await self.left_rooms.close(rooms, alive, now)

    async def _end_the_expired(self, now: int) -> None:
        """Ends calls that have expired in the queue. They have no rooms."""
        keys = await asyncio.to_thread(self.watchlist.expired, now, MOST_EXPIRED_READ)
        calls, _ = _sorted_by_kind(keys)
        for batch in _batches(shared(calls, MAX_EXPIRED), _BATCH):
            await self._side_by_side(self._mend_one(call, None, now) for call in await self._read(batch))

    async def _mend_those_with_rooms(
        self, calls: Sequence[Call], rooms: Mapping[str, int] | None, now: int
    ) -> list[Call]:
        """Mends what can be judged now; returns the calls whose room is missing."""
        missing = [call for call in calls if rooms is not None and _may_reappear(call, rooms)]
        await self._side_by_side(self._mend_one(call, rooms, now) for call in calls if call not in missing)
        return missing

    async def _mend_missing(self, missing: Sequence[Call]) -> None:
        """Looks again at calls whose room was missing: only a room that stays away is gone."""
        if not missing:
            return
        await asyncio.sleep(ROOM_MISSING_S)
        try:
            rooms = await self.telephony.rooms()
        except TelephonyDown:
            return
        now = self.clock()
        for batch in _batches([(call.account_id, call.call_id) for call in missing], _BATCH):
            calls = await self._read(batch)
            await self._side_by_side(self._mend_one(call, rooms, now) for call in calls)

    async def _read(self, keys: Sequence[tuple[str, str]]) -> list[Call]:
        """The calls of these keys. One whose row cannot be read keeps no other from being mended."""
        unread: list[str] = []
        calls = await asyncio.to_thread(self.store.get_many, keys, unread)
        if unread:
            self.swept.unread += len(unread)
            self.log.error("rows not read", extra={"calls": unread[:_BATCH]})
        return calls

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
        if not call.is_understood:
            self._tell_of_a_later_release(call)
        elif call.state is State.QUEUED:
            await self._mend_queued(call, now)
        elif call.end_is_untold:
            await self._tell_end_if_nobody_did(call, now)
        elif rooms is not None and call.in_flight:
            await self._mender.mend(call, call.room_name in rooms, now)

    def _tell_of_a_later_release(self, call: Call) -> None:
        """Whoever knows its state looks after it: what this release would do about it would be a guess."""
        self.swept.left_alone += 1
        words = {"state": call.state.value, "direction": call.direction.value}
        self.log.warning("call of a later release left alone", extra={"call_id": call.call_id, **words})

    async def _mend_queued(self, call: Call, now: int) -> None:
        if call.expires_at is not None and call.expires_at <= now:
            reason = await asyncio.to_thread(self.awaited.why_expired, call)
            await self._apply(call, EndAsked(now, reason))
            self.swept.settled += 1
        elif call.due_at is not None and call.due_at <= now:
            # The call is dialled again, and its bell may have been lost with its dialer. From now on it waits like any
            # other, and is not looked at each minute.
            await self._mark_waiting(call.account_id, now)
            await self._apply(call, SeenWaiting(now))

    async def _mark_waiting(self, account_id: str, now: int) -> None:
        """Once in a run. Whoever comes while the mark is being written waits for it: a call that gave up its place in
        the index before would, if this run died, wait unseen."""
        async with self.marking[account_id]:
            if account_id not in self.marked:
                await asyncio.to_thread(self.watchlist.mark_waiting, account_id, now)
                self.marked.add(account_id)
                await asyncio.to_thread(self._ring, account_id)

    async def _tell_end_if_nobody_did(self, call: Call, now: int) -> None:
        if now - (call.ended_at or 0) >= ms(END_TOLD_WITHIN_S):
            await asyncio.to_thread(self.tell_end, call)
            self.swept.ends_told += 1

    async def _apply(self, call: Call, event: Event) -> Outcome:
        return await asyncio.to_thread(self.progress.apply, call.account_id, call.call_id, event)


def _may_reappear(call: Call, rooms: Mapping[str, int]) -> bool:
    """Whether the room of a call is missing, although its leg may still be there."""
    return call.in_flight and call.room_name not in rooms and not call.evidence.leg_has_left_for_good


def _sorted_by_kind(due: Iterable[DueKey]) -> tuple[list[tuple[str, str]], list[DueKey]]:
    calls, deliveries = [], []
    for key in due:
        account_id = key.pk.split("#")[1]
        if key.pk == calls_pk(account_id):
            calls.append((account_id, key.sk))
        else:
            deliveries.append(key)
    return calls, deliveries


def shared(keys: Iterable[tuple[str, str]], most: int) -> list[tuple[str, str]]:
    """Up to `most` of the calls (account, call), in turn of each account, each account's in their order."""
    of_account: dict[str, list[tuple[str, str]]] = {}
    for key in keys:
        of_account.setdefault(key[0], []).append(key)
    rounds = zip_longest(*of_account.values())
    return list(islice((key for turn in rounds for key in turn if key is not None), most))


def _batches[T](items: Sequence[T], size: int) -> Iterable[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
