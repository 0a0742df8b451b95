"""A doorbell was heard: claims the account's next calls and dials them side by side."""

import asyncio

from aws_lambda_powertools import Logger

from ringline.calls.model.call import Call
from ringline.calls.model.ports import CarrierLinks, Doorbell, LookQueue, Telephony
from ringline.calls.model.timing import DIAL_BATCH
from ringline.calls.outbound.admit import Admit, NoneAdmitted, Paced
from ringline.calls.outbound.answers import Answers
from ringline.calls.outbound.attempts import Attempts
from ringline.calls.outbound.dial import Dial
from ringline.calls.outbound.unclear import UnclearDials
from ringline.calls.progress.progress import Progress
from ringline.calls.tables.paces import TrunkPaces
from ringline.calls.tables.store import CallStore
from ringline.runtime.clock import Clock, whole_s


class DialNext:
    """`links` is for deployments whose carriers report: there each answer notes the carrier's ids of the call."""

    def __init__(
        self,
        *,
        store: CallStore,
        admit: Admit,
        paces: TrunkPaces,
        progress: Progress,
        telephony: Telephony,
        doorbell: Doorbell,
        looks: LookQueue,
        clock: Clock,
        log: Logger,
        links: CarrierLinks | None = None,
    ) -> None:
        attempts = Attempts(store=store, progress=progress, telephony=telephony, clock=clock, log=log)
        answers = Answers(attempts=attempts, looks=looks, links=links, clock=clock, log=log)
        unclear = UnclearDials(attempts=attempts, answers=answers, clock=clock, log=log)
        self._dial = Dial(
            attempts=attempts,
            answers=answers,
            unclear=unclear,
            telephony=telephony,
            paces=paces,
            clock=clock,
            log=log,
        )
        self._admit = admit
        self._paces = paces
        self._doorbell = doorbell
        self._clock = clock
        self._log = log

    async def run(self, account_id: str) -> int:
        """Claims up to a batch of the account's calls, dials them side by side, and returns how many when all are
        answered or over."""
        dials: list[asyncio.Task[None]] = []
        try:
            stopped = await self._begin_dials(account_id, dials)
            if not isinstance(stopped, NoneAdmitted):
                await asyncio.to_thread(self._ring_on, account_id, stopped)
        finally:
            results = await asyncio.gather(*dials, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                # The claim stands and the phone may ring, so a repeat of the doorbell must not dial again: the sweep
                # settles the call.
                self._log.error("dial failed", exc_info=result, extra={"account_id": account_id})
        return len(dials)

    async def _begin_dials(self, account_id: str, dials: list[asyncio.Task[None]]) -> NoneAdmitted | Paced | None:
        """Begins each dial as soon as its call is claimed, and adds it to `dials`. Returns why no further call was
        admitted; None where the batch is full."""
        while len(dials) < DIAL_BATCH:
            admitted = await asyncio.to_thread(self._admit.next, account_id)
            if not isinstance(admitted, Call):
                return admitted
            dials.append(asyncio.create_task(self._dial.run(admitted)))
        return None

    def _ring_on(self, account_id: str, paced: Paced | None) -> None:
        """Has the account's other calls dialled by another invocation: at the next turn of their trunk, or at once,
        while this one waits for answers."""
        if paced is None:
            self._doorbell.ring(account_id)
            return
        now = self._clock()
        if self._paces.claims_ring(account_id, paced.until, now):
            self._doorbell.ring(account_id, max(1, whole_s(paced.until - now)))
