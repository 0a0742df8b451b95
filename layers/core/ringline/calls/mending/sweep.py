"""Each minute, mends what got lost: dials without an outcome, calls whose end nobody reported or announced, accounts
nobody rang for.

It reads the due index (calls on a line for longer than FIRST_LOOK_S, queued calls past their expiry, ends that nobody
has announced), the lists of failed deliveries, one list of LiveKit's open rooms, and the accounts that wait. Calls that
are fine cost a read each and no write; queued ones cost nothing. Where that is more than one run can look at in time,
it hands out shares of it (`shares`), on which others work at the same time: `work_on`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, zip_longest
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger

from ringline.calls.mending.ends import Ends
from ringline.calls.mending.handing_out import HandingOut
from ringline.calls.mending.left_rooms import LeftRooms
from ringline.calls.mending.mend import Mender, Swept
from ringline.calls.mending.shares import USUAL, Sizes, parts_of
from ringline.calls.mending.side_by_side import side_by_side
from ringline.calls.mending.waiting import Marks, Waiting
from ringline.calls.model.call import Call, State
from ringline.calls.model.events import (
    EndAsked,
    Event,
    SeenWaiting,
)
from ringline.calls.model.ports import Doorbell, Share, ShareQueue, Telephony
from ringline.calls.model.room_view import TelephonyDown
from ringline.calls.model.timing import END_TOLD_WITHIN_S, ROOM_MISSING_S, ms
from ringline.calls.progress.awaited_agents import AwaitedAgents
from ringline.calls.progress.progress import MOST_TOGETHER, Outcome, Progress, Wanted
from ringline.calls.tables.store import CallStore
from ringline.calls.tables.watchlist import DueKey, Lists, Watchlist
from ringline.runtime.clock import Clock
from ringline.runtime.table import DUE_SHARD, calls_pk

if TYPE_CHECKING:
    from ringline.calls.transfers.mend import MendTransfers

MAX_DUE, MAX_DUE_IN_SHARD = 100_000, 20_000
"""How many due keys of a list one run takes on; each takes some 250 bytes of memory. Where there are more, the next run
goes on behind them: a call on a line keeps its place in the index as long as it lasts, so a run that began anew each
time would never reach the last."""

MOST_PUT_BACK = 50
"""Rows of each shard that a run puts back where nobody writes there any more."""

SHARES_WITHIN_S = 25
"""Shares of a batch that have not begun by then are handed out again: the function has 50 s."""

MAX_EXPIRED = 2000
"""How many calls that have expired one run ends, of those that it knows of: one account's many keep no other's few
waiting, and all of them nothing else that is due."""

MOST_EXPIRED_READ = 20_000
"""Of each list: so many calls of one account that expire before another's of the same shard keep that one waiting."""

_BATCH = 100

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
    looks: ShareQueue
    resend: Resend
    awaited: AwaitedAgents
    tell_end: TellEnd
    clock: Clock
    log: Logger
    transfers: "MendTransfers | None" = None
    sizes: Sizes = USUAL
    swept: Swept = field(default_factory=Swept)
    marks: Marks = field(default_factory=Marks)

    def _mender(self, ends: Ends) -> Mender:
        return Mender(
            store=self.store,
            progress=self.progress,
            telephony=self.telephony,
            looks=self.looks,
            clock=self.clock,
            log=self.log,
            swept=self.swept,
            ends=ends,
            transfers=self.transfers,
        )

    @property
    def _handing_out(self) -> HandingOut:
        return HandingOut(self.looks, self.log, self.swept, self.sizes)

    @property
    def _waiting(self) -> Waiting:
        return Waiting(
            store=self.store,
            watchlist=self.watchlist,
            doorbell=self.doorbell,
            clock=self.clock,
            log=self.log,
            swept=self.swept,
            marks=self.marks,
        )

    async def run(self) -> Swept:
        """One run. A part that fails does not keep the others from their work; the first failure is raised last."""
        now = self.clock()
        lists = self.watchlist.lists_of_a_run(now)
        calls, deliveries = _sorted_by_kind(self._due(lists.due, now))
        self.swept.overdue = sum(map(len, calls.values()))
        parts = (
            self._mend(calls, now),
            self._ring_for_the_waiting(lists.waiting, now),
            # Behind the calls: it may take seconds.
            self._resend(deliveries),
            # Last: it may be much, and nobody rings meanwhile.
            self._end_the_expired(lists.expires, now),
            self._put_back(lists),
        )
        failures = [failure for part in parts if (failure := await self._attempt(part)) is not None]
        if failures:
            raise failures[0]
        return self.swept

    async def look_again(self, keys: Sequence[tuple[str, str]]) -> Swept:
        """Looks at single calls (account, call) out of turn, as the whole run would."""
        calls = await self._read(keys)
        if names := _rooms_in(calls):
            missing = await self._mend_those_with_rooms(calls, await self.telephony.rooms(names), self.clock())
            await self._mend_missing(missing)
        return self.swept

    async def work_on(self, shares: Sequence[Share]) -> Swept:
        """Looks at shares that a run has handed out, as it would itself."""
        begun = self.clock()
        missing: list[Call] = []
        for share in shares:
            if self.clock() - begun > ms(SHARES_WITHIN_S):
                await self._handing_out.again(share)
            elif isinstance(share.first, str):
                await self._waiting.ring_for_share(share.list_key, share.first, str(share.last))
            else:
                missing += await self._mend_share(share.list_key, share.first, int(share.last), share.found_at)
        # Waits for all of them at once.
        await self._mend_missing(missing)
        return self.swept

    async def _mend_share(self, list_key: str, first: int, last: int, found_at: int | None) -> list[Call]:
        """Mends what can be judged now; returns the calls whose room is missing."""
        keys = await asyncio.to_thread(self.watchlist.due_between, list_key, first, last)
        due, _ = _sorted_by_kind({list_key: keys})
        calls = [
            call
            for batch in _batches([_of_call(key) for key in due[list_key]], _BATCH)
            for call in await self._read(batch)
        ]
        rooms = await self._rooms_of(calls)
        # What is looked at in one minute of five is judged by the minute of the run, however late its share is worked.
        return await self._mend_those_with_rooms(calls, rooms, self.clock() if found_at is None else found_at)

    async def _attempt(self, part: Awaitable[None]) -> Exception | None:
        try:
            await part
        except Exception as error:
            self.log.exception("a part of the sweep failed")
            return error
        return None

    async def _ring_for_the_waiting(self, lists: Sequence[str], now: int) -> None:
        await self._waiting.ring_for_all(lists, self._handing_out, now)

    async def _resend(self, deliveries: Sequence[DueKey]) -> None:
        # Each endpoint's list is read as its turn comes: of what is due as much is known as was sent.
        self.swept.redelivered = await asyncio.to_thread(self.resend, deliveries)
        self.swept.deliveries_overdue = self.swept.redelivered

    async def _put_back(self, lists: Lists) -> None:
        if len(lists.due) > 1 and not self.watchlist.is_in_shards:
            await asyncio.to_thread(self.watchlist.put_back, MOST_PUT_BACK)

    def _due(self, lists: Sequence[str], now: int) -> dict[str, list[DueKey]]:
        begins_anew = len(lists) > 1 and self.watchlist.left_off_at(DUE_SHARD) is None
        due = {
            list_key: self._due_in(list_key, MAX_DUE if list_key == DUE_SHARD else MAX_DUE_IN_SHARD, now)
            for list_key in lists
        }
        if begins_anew and len(due[DUE_SHARD]) < MAX_DUE:
            moved = self._moved_meanwhile(lists, due.values(), now, MAX_DUE)
            due[DUE_SHARD] = sorted([*due[DUE_SHARD], *moved], key=lambda key: key.due_at)
        return due

    def _moved_meanwhile(
        self, lists: Sequence[str], read: Iterable[Iterable[DueKey]], now: int, most: int
    ) -> list[DueKey]:
        """What was in neither: it was not yet in the whole list, which is read first, and no longer in its shard. While
        a deployment is on its way, some functions write to shards and others do not, and each write moves a row."""
        if len(lists) == 1:
            return []
        known = {(key.pk, key.sk) for keys in read for key in keys}
        return [key for key in self.watchlist.due_in(lists[0], now, most) if (key.pk, key.sk) not in known]

    def _due_in(self, list_key: str, most: int, now: int) -> list[DueKey]:
        after = self.watchlist.left_off_at(list_key)
        due = self.watchlist.due_in(list_key, now, most, after)
        is_cut = len(due) == most
        if is_cut or after is not None:
            self.watchlist.leave_off_at(list_key, due[-1] if is_cut else None)
        return due

    # --- calls -------------------------------------------------------------------------------------------------------

    async def _mend(self, due: Mapping[str, Sequence[DueKey]], now: int) -> None:
        parts = [
            part
            for list_key, keys in due.items()
            for part in parts_of(list_key, keys, self.sizes.calls_a_share, lambda key: key.due_at, now)
        ]
        own, others = await self._handing_out.own(parts, self.sizes.own_calls, now)
        rooms = await self._rooms()
        alive: set[str | None] = set()
        missing: list[Call] = []
        for batch in _batches(list(dict.fromkeys(map(_of_call, own))), _BATCH):
            calls = await self._read(batch)
            alive |= {call.room_name for call in calls if call.in_flight or not call.is_understood}
            missing += await self._mend_those_with_rooms(calls, rooms, now)
        await self._mend_missing(missing)
        if rooms is not None:
            looked_at_by_others = {_of_call(key) for key in others}
            self.swept.rooms_closed += await self.left_rooms.close(rooms, alive, now, looked_at_by_others)

    async def _rooms(self, names: Sequence[str] = ()) -> Mapping[str, int] | None:
        """LiveKit's open rooms, or those of these names. None while it cannot be asked: a call that looks lost may be
        alive, and only LiveKit knows, so only the deadlines of queued calls are kept then."""
        try:
            return await self.telephony.rooms(names)
        except TelephonyDown:
            self.log.warning("LiveKit not reached, calls in flight left alone")
            return None

    async def _rooms_of(self, calls: Sequence[Call]) -> Mapping[str, int] | None:
        """Of their rooms those that are open. None while LiveKit cannot be asked."""
        names = _rooms_in(calls)
        return await self._rooms(names) if names else {}

    async def _end_the_expired(self, lists: Sequence[str], now: int) -> None:
        """Ends calls that have expired in the queue. They have no rooms."""
        due: list[DueKey] = []
        for list_key in lists:
            due += await asyncio.to_thread(self.watchlist.due_in, list_key, now, MOST_EXPIRED_READ)
        due += await asyncio.to_thread(self._moved_meanwhile, lists, [due], now, MOST_EXPIRED_READ)
        for batch in _batches(shared(map(_of_call, due), MAX_EXPIRED), _BATCH):
            calls = await self._read(batch)
            expired = [call for call in calls if _has_expired(call, now)]
            await side_by_side((self._end_together(some, now) for some in _by_account(expired)), self.log)
            await self._mend_each([call for call in calls if not _has_expired(call, now)], None, now)

    async def _end_together(self, calls: Sequence[Call], now: int) -> None:
        """Ends calls of one account that have expired in its queue, or each by itself where one keeps the others from
        it."""
        try:
            reasons = await asyncio.to_thread(self.awaited.why_each_expired, calls)
        except Exception:
            self.log.warning("calls not ended together", exc_info=True)
            await self._mend_each(calls, None, now)
            return
        wanted = [Wanted(call, EndAsked(now, reason)) for call, reason in zip(calls, reasons, strict=True)]
        ends = Ends(self.progress, self.log)
        await ends.end_together(wanted)
        self.swept.looked_at += len(calls)
        self.swept.settled += ends.ended

    async def _mend_those_with_rooms(
        self, calls: Sequence[Call], rooms: Mapping[str, int] | None, now: int
    ) -> list[Call]:
        """Mends what can be judged now; returns the calls whose room is missing."""
        missing = [call for call in calls if rooms is not None and _may_reappear(call, rooms)]
        await self._mend_each([call for call in calls if rooms is None or not _may_reappear(call, rooms)], rooms, now)
        return missing

    async def _mend_missing(self, missing: Sequence[Call]) -> None:
        """Looks again at calls whose room was missing: only a room that stays away is gone."""
        if not missing:
            return
        await asyncio.sleep(ROOM_MISSING_S)
        # One that was handed out twice is in two shares.
        keys = list(dict.fromkeys((call.account_id, call.call_id) for call in missing))
        calls = [call for batch in _batches(keys, _BATCH) for call in await self._read(batch)]
        rooms = await self._rooms_of(calls)
        if rooms is None:
            return
        now = self.clock()
        await self._mend_each(calls, rooms, now)

    async def _read(self, keys: Sequence[tuple[str, str]]) -> list[Call]:
        """The calls of these keys. One whose row cannot be read keeps no other from being mended."""
        unread: list[str] = []
        calls = await asyncio.to_thread(self.store.get_many, keys, unread)
        if unread:
            self.swept.unread += len(unread)
            self.log.error("rows not read", extra={"calls": unread[:_BATCH]})
        return calls

    async def _mend_each(self, calls: Sequence[Call], rooms: Mapping[str, int] | None, now: int) -> None:
        ends = Ends(self.progress, self.log)
        mender = self._mender(ends)
        await side_by_side((self._mend_one(mender, call, rooms, now) for call in calls), self.log)
        self.swept.settled += ends.ended

    async def _mend_one(self, mender: Mender, call: Call, rooms: Mapping[str, int] | None, now: int) -> None:
        self.swept.looked_at += 1
        if not call.is_understood:
            self._tell_of_a_later_release(call)
        elif call.state is State.QUEUED:
            await self._mend_queued(call, now)
        elif call.end_is_untold:
            await self._tell_end_if_nobody_did(call, now)
        elif rooms is not None and call.in_flight:
            await mender.mend(call, call.room_name in rooms, now)

    def _tell_of_a_later_release(self, call: Call) -> None:
        """Whoever knows its state looks after it: what this release would do about it would be a guess."""
        self.swept.left_alone += 1
        words = {"state": call.state.value, "direction": call.direction.value}
        self.log.warning("call of a later release left alone", extra={"call_id": call.call_id, **words})

    async def _mend_queued(self, call: Call, now: int) -> None:
        if _has_expired(call, now):
            reason = await asyncio.to_thread(self.awaited.why_expired, call)
            await self._apply(call, EndAsked(now, reason))
            self.swept.settled += 1
        elif call.due_at is not None and call.due_at <= now:
            # The call is dialled again, and its bell may have been lost with its dialer. From now on it waits like any
            # other, and is not looked at each minute.
            is_marked = await self._waiting.mark(call.account_id, now)
            if is_marked:
                await self._apply(call, SeenWaiting(now))

    async def _tell_end_if_nobody_did(self, call: Call, now: int) -> None:
        if now - (call.ended_at or 0) >= ms(END_TOLD_WITHIN_S):
            await asyncio.to_thread(self.tell_end, call)
            self.swept.ends_told += 1

    async def _apply(self, call: Call, event: Event) -> Outcome:
        return await asyncio.to_thread(self.progress.apply, call.account_id, call.call_id, event)


def _has_expired(call: Call, now: int) -> bool:
    """Whether its time is over before it was dialled."""
    waits = call.is_understood and call.state is State.QUEUED
    return waits and call.expires_at is not None and call.expires_at <= now


def _by_account(calls: Sequence[Call]) -> Iterator[Sequence[Call]]:
    """Each account's, so many as are changed in one transaction."""
    of_account: dict[str, list[Call]] = {}
    for call in calls:
        of_account.setdefault(call.account_id, []).append(call)
    for some in of_account.values():
        yield from _batches(some, MOST_TOGETHER)


def _may_reappear(call: Call, rooms: Mapping[str, int]) -> bool:
    """Whether the room of a call is missing, although its leg may still be there."""
    return call.in_flight and call.room_name not in rooms and not call.evidence.leg_has_left_for_good


def _sorted_by_kind(due: Mapping[str, Sequence[DueKey]]) -> tuple[dict[str, list[DueKey]], list[DueKey]]:
    """The calls of each list, and what is none of all of them."""
    calls: dict[str, list[DueKey]] = {list_key: [] for list_key in due}
    deliveries = []
    for list_key, keys in due.items():
        for key in keys:
            if key.pk == calls_pk(key.pk.split("#")[1]):
                calls[list_key].append(key)
            else:
                deliveries.append(key)
    return calls, deliveries


def _rooms_in(calls: Sequence[Call]) -> list[str]:
    return [call.room_name for call in calls if call.in_flight and call.room_name is not None]


def _of_call(key: DueKey) -> tuple[str, str]:
    """Account and call of a call's key."""
    return key.pk.split("#")[1], key.sk


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
