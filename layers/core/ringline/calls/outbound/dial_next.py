"""A doorbell was heard: claims the account's next calls and dials them side by side."""

import asyncio
from collections.abc import Callable

from aws_lambda_powertools import Logger

from ringline.calls.model.call import Call
from ringline.calls.model.ports import CarrierLinks, Doorbell, LookQueue, Telephony
from ringline.calls.model.timing import DIAL_BATCH
from ringline.calls.outbound.admit import Admit, NoneAdmitted, Paced
from ringline.calls.outbound.agent_first import AgentFirst
from ringline.calls.outbound.answers import Answers
from ringline.calls.outbound.arrivals import Arrivals
from ringline.calls.outbound.attempts import Attempts
from ringline.calls.outbound.dial import Dial
from ringline.calls.outbound.queue_head import ExpiredAhead
from ringline.calls.outbound.unclear import UnclearDials
from ringline.calls.progress.progress import Progress
from ringline.calls.tables.paces import TrunkPaces
from ringline.calls.tables.store import CallStore
from ringline.record import Record
from ringline.runtime.clock import Clock, whole_s


def _always() -> bool:
    return True


class DialNext(Record):
    """`links` is for carriers whose reports may not name their call: there each answer notes the carrier's ids of it.
    `tell_ringing` announces that the phone of a call rings; announcing it twice is harmless. `may_claim` is asked
    before each claim: a process that stops takes on no further call, and leaves the bell to another. `arrivals` is
    what the process has learned of how long agents take to come; without it each dial begins anew."""

    store: CallStore
    admit: Admit
    paces: TrunkPaces
    progress: Progress
    telephony: Telephony
    doorbell: Doorbell
    looks: LookQueue
    tell_ringing: Callable[[Call], None]
    clock: Clock
    log: Logger
    links: CarrierLinks | None = None
    arrivals: Arrivals | None = None
    may_claim: Callable[[], bool] = _always

    @property
    def _dial(self) -> Dial:
        attempts = Attempts(
            store=self.store, progress=self.progress, telephony=self.telephony, clock=self.clock, log=self.log
        )
        agent_first = AgentFirst(
            attempts=attempts,
            rests=self.paces.agents,
            arrivals=self.arrivals or Arrivals(),
            doorbell=self.doorbell,
            clock=self.clock,
            log=self.log,
            looks_are_counted=self.paces.budget.interval_ms > 0,
        )
        answers = Answers(attempts=attempts, looks=self.looks, links=self.links, clock=self.clock, log=self.log)
        return Dial(
            attempts=attempts,
            agent_first=agent_first,
            answers=answers,
            unclear=UnclearDials(attempts=attempts, answers=answers, clock=self.clock, log=self.log),
            telephony=self.telephony,
            paces=self.paces,
            tell_ringing=self.tell_ringing,
            clock=self.clock,
            log=self.log,
        )

    async def run(self, account_id: str) -> int:
        """Claims up to a batch of the account's calls, dials them side by side, and returns how many when all are
        answered or over."""
        dials: list[asyncio.Task[None]] = []
        try:
            stopped = await self._begin_dials(account_id, dials)
            if not isinstance(stopped, NoneAdmitted):
                await asyncio.to_thread(self._ring_on, account_id, stopped if isinstance(stopped, Paced) else None)
        finally:
            results = await asyncio.gather(*dials, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                # The claim stands and the phone may ring, so a repeat of the doorbell must not dial again: the sweep
                # settles the call.
                self.log.error("dial failed", exc_info=result, extra={"account_id": account_id})
        return len(dials)

    async def _begin_dials(
        self, account_id: str, dials: list[asyncio.Task[None]]
    ) -> NoneAdmitted | Paced | ExpiredAhead | None:
        """Begins dials as soon as their calls are claimed, and adds them to `dials`. Returns why no further call was
        admitted; None where the batch is full, or no more may be claimed here."""
        while len(dials) < DIAL_BATCH and self.may_claim():
            admitted = await asyncio.to_thread(self.admit.next, account_id, DIAL_BATCH - len(dials))
            if not isinstance(admitted, list):
                return admitted
            dials.extend(asyncio.create_task(self._dial.run(call)) for call in admitted)
        return None

    def _ring_on(self, account_id: str, paced: Paced | None) -> None:
        """Has the account's other calls dialled by another invocation: at the next turn of their trunk, at
        the end of their agent's rest, or at once, while this one waits for answers or has ended calls that expired."""
        if paced is None:
            self.doorbell.ring(account_id)
            return
        now = self.clock()
        if self.paces.claims_ring(account_id, paced.until, now):
            self.doorbell.ring(account_id, max(1, whole_s(paced.until - now)))
