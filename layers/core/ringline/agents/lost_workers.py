"""Gives the calls of speech workers that are gone to others.

Which worker a call has stands in the call's own row, since it was ready: no item is written for it, and none has to be
removed. To find a worker's calls, all calls in flight are read, as the sweep reads them each minute.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from aws_lambda_powertools import Logger

from ringline.agents.model.presence import is_live
from ringline.agents.model.records import Runner
from ringline.agents.tables.registry import Registry
from ringline.calls.model.call import AttemptId, Call
from ringline.calls.model.ports import LookQueue
from ringline.calls.model.timing import DISPATCH_EVERY_S, FIRST_LOOK_S, MS_PER_S
from ringline.calls.progress.agents import Agents
from ringline.calls.progress.hints import ask_for_look
from ringline.calls.rules.transfers.lost import speaking_workers
from ringline.calls.tables.store import CallStore
from ringline.calls.tables.watchlist import Watchlist
from ringline.runtime.clock import Clock
from ringline.runtime.table import calls_pk

LOOKED_AFTER_S = 200
"""For how long after its last beat the calls of a silent worker are looked for: three runs of the sweep. Then it has
none any more."""

MOST_IN_FLIGHT = 20_000
_BATCH = 100
_AT_ONCE = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class LostWorkers:
    registry: Registry
    watchlist: Watchlist
    store: CallStore
    agents: Agents
    looks: LookQueue
    clock: Clock
    log: Logger

    async def look(self, only: Iterable[str] | None = None) -> int:
        """Looks for workers that are gone, or whether those are that are named, and gives their calls to others; how
        many calls. Doing it again changes nothing."""
        now = self.clock()
        workers = await asyncio.to_thread(self.registry.speech_workers)
        live = {worker.worker_id for worker in workers if is_live(worker, now)}
        named = {worker.worker_id for worker in workers if _is_newly_gone(worker, now)} if only is None else {*only}
        gone = named - live
        if not gone:
            return 0
        calls = await asyncio.to_thread(self._calls_of, gone, now)
        self.log.warning("speech workers are gone", extra={"worker_ids": sorted(gone), "calls": len(calls)})
        turn = asyncio.Semaphore(_AT_ONCE)

        async def one(call: Call) -> None:
            async with turn:
                for dispatch in [lost for worker_id, lost in speaking_workers(call) if worker_id in gone]:
                    await self._replace(call, dispatch)

        for result in await asyncio.gather(*(one(call) for call in calls), return_exceptions=True):
            if isinstance(result, BaseException):
                self.log.error("a call could not be given to another worker", exc_info=result)
        return len(calls)

    async def job_lost(self, attempt_id: AttemptId, dispatch: int) -> None:
        """Gives the call of a job that died to another worker. Told again, it changes nothing."""
        call = await asyncio.to_thread(self.store.get, attempt_id.account_id, attempt_id.call_id)
        if call is None or not call.in_flight or call.attempt != attempt_id.attempt:
            self.log.info("job lost, its call is over", extra={"call_id": attempt_id.call_id})
            return
        await self._replace(call, dispatch)

    async def _replace(self, call: Call, dispatch: int) -> None:
        # Before anything is done: whoever dies in the middle of it leaves a call in which nobody speaks.
        await asyncio.to_thread(ask_for_look, self.looks, self.log, call, DISPATCH_EVERY_S)
        await self.agents.replace_lost(call, dispatch)

    def _calls_of(self, worker_ids: set[str], now: int) -> list[Call]:
        # Each call in flight is due so soon after its claim, or was due before.
        due = self.watchlist.due(now + 2 * FIRST_LOOK_S * MS_PER_S, MOST_IN_FLIGHT)
        keys = [(account_id, key.sk) for key in due if key.pk == calls_pk(account_id := key.pk.split("#")[1])]
        found = []
        for start in range(0, len(keys), _BATCH):
            calls = self.store.get_many(keys[start : start + _BATCH])
            found += [call for call in calls if call.in_flight and not worker_ids.isdisjoint(_workers_of(call))]
        return found


def _workers_of(call: Call) -> set[str | None]:
    return {worker_id for worker_id, _ in speaking_workers(call)}


def _is_newly_gone(worker: Runner, now: int) -> bool:
    return worker.seen_at is not None and not is_live(worker, now) and now - worker.seen_at < LOOKED_AFTER_S * MS_PER_S
