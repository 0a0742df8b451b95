"""Ends of calls that are found at the same time, as after an outage. Each writes its account's gate, where two that
write at once collide: one end of an account is written at a time, together with those found meanwhile."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from aws_lambda_powertools import Logger

from ringline.calls.mending.side_by_side import side_by_side
from ringline.calls.progress.progress import MOST_TOGETHER, Progress, Wanted


@dataclass(slots=True)
class Ends:
    progress: Progress
    log: Logger
    ended: int = 0
    _found: defaultdict[str, list[Wanted]] = field(default_factory=lambda: defaultdict(list))
    _at_work: set[str] = field(default_factory=set)
    """Accounts of which somebody writes ends at this moment."""

    async def end(self, wanted: Wanted) -> None:
        """Has a call ended, at once or, where another end of its account is being written, by whoever writes that one
        as one of the next."""
        account_id = wanted.call.account_id
        found = self._found[account_id]
        found.append(wanted)
        if account_id in self._at_work:
            return
        self._at_work.add(account_id)
        try:
            while found:
                found.sort(key=_kind)
                some, found[:] = found[:MOST_TOGETHER], found[MOST_TOGETHER:]
                await self.end_together(some)
        finally:
            self._at_work.discard(account_id)

    async def end_together(self, some: Sequence[Wanted]) -> None:
        """Ends calls of one account in as few transactions as can be, or each by itself where one keeps the others from
        it. What then fails is logged, and not counted."""
        try:
            await asyncio.to_thread(self.progress.apply_each, some)
        except Exception:
            self.log.warning("calls not ended together", exc_info=True)
            await side_by_side((self._end_alone(each) for each in some), self.log)
        else:
            self.ended += len(some)

    async def _end_alone(self, wanted: Wanted) -> None:
        call = wanted.call
        await asyncio.to_thread(self.progress.apply, call.account_id, call.call_id, wanted.event)
        self.ended += 1


def _kind(wanted: Wanted) -> tuple[str, bool]:
    """Ends of one kind write the same to what they share: only those go into one transaction."""
    return wanted.call.direction.value, wanted.call.answered_at is None
