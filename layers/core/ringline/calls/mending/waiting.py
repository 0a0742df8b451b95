"""Rings for accounts that have calls waiting and a line free: their doorbells may have got lost."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from aws_lambda_powertools import Logger

from ringline.calls.mending.handing_out import HandingOut
from ringline.calls.mending.mend import Swept
from ringline.calls.mending.shares import Part, parts_of
from ringline.calls.mending.side_by_side import side_by_side
from ringline.calls.model.ports import Doorbell
from ringline.calls.model.timing import MARK_REFUSED_S, ms
from ringline.calls.tables.store import CallStore
from ringline.calls.tables.watchlist import WaitingMark, Watchlist
from ringline.runtime.clock import Clock


@dataclass(slots=True)
class Marks:
    """The accounts that a run has marked, those that it is just marking, and when a mark was last refused."""

    made: set[str] = field(default_factory=set)
    making: dict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))
    refused_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    store: CallStore
    watchlist: Watchlist
    doorbell: Doorbell
    clock: Clock
    log: Logger
    swept: Swept
    marks: Marks

    async def ring_for_all(self, lists: Sequence[str], handing_out: HandingOut, now: int) -> None:
        """Goes through these lists of waiting marks."""
        parts: list[Part[WaitingMark]] = []
        for pk in lists:
            marks = await asyncio.to_thread(self.watchlist.marks_in, pk)
            parts += parts_of(pk, marks, handing_out.sizes.marks_a_share, lambda mark: mark.account_id, now)
        own, _ = await handing_out.own(parts, handing_out.sizes.own_marks, now)
        await self._ring_for(own, now)

    async def ring_for_share(self, pk: str, first: str, last: str) -> None:
        """Goes through a part of one of them."""
        marks = await asyncio.to_thread(self.watchlist.marks_between, pk, first, last)
        await self._ring_for(marks, self.clock())

    async def mark(self, account_id: str, now: int) -> bool:
        """Marks the account as waiting, and rings for it, once in a run; whether the mark stands. Whoever comes while
        it is being written waits for it: a call that gave up its place in the index before would, if this run died,
        wait unseen. Where marks are refused, which takes seconds, the next ones are not tried for a while."""
        async with self.marks.making[account_id]:
            if account_id in self.marks.made:
                return True
            if self.marks.refused_at is not None and self.clock() - self.marks.refused_at < ms(MARK_REFUSED_S):
                return False
            try:
                await asyncio.to_thread(self.watchlist.mark_waiting, account_id, now)
            except Exception:
                self.log.warning("account not marked as waiting", exc_info=True)
                self.marks.refused_at = self.clock()
                # Its bell needs no mark.
                await asyncio.to_thread(self._ring, account_id)
                return False
            self.marks.made.add(account_id)
            await asyncio.to_thread(self._ring, account_id)
            return True

    async def _ring_for(self, marks: Sequence[WaitingMark], now: int) -> None:
        await side_by_side((asyncio.to_thread(self._ring_if_waiting, mark, now) for mark in marks), self.log)

    def _ring_if_waiting(self, mark: WaitingMark, now: int) -> None:
        if mark.account_id in self.marks.made:
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
