"""What follows where a target did not come: the next one is asked for, the call ends, or nobody but its agent is
there."""

import asyncio

from aws_lambda_powertools import Logger

from ringline.calls.model.call import Call
from ringline.calls.model.ports import LookQueue, Telephony
from ringline.calls.model.results import Effect
from ringline.calls.model.timing import ASK_AGAIN_S
from ringline.calls.model.transfers.transfer import Transfer, under_way
from ringline.calls.progress.hang_up import HangUp
from ringline.calls.progress.hints import ask_for_look
from ringline.calls.progress.progress import Applied, Progress
from ringline.calls.rules.deadlines import look_again_in_s
from ringline.calls.tables.store import CallStore
from ringline.calls.transfers.ports import TransferQueue
from ringline.record import Record
from ringline.runtime.clock import Clock


class FollowUp(Record):
    store: CallStore
    progress: Progress
    telephony: Telephony
    queue: TransferQueue
    looks: LookQueue
    clock: Clock
    log: Logger

    async def run(self, failed: Applied) -> None:
        """What is lost of it a look makes up for."""
        call = failed.call
        following = under_way(call.transfers)
        if following is not None:
            await self.send(call, following)
        elif Effect.END_ROOM in failed.effects:
            hang_up = HangUp(
                store=self.store, progress=self.progress, telephony=self.telephony, clock=self.clock, log=self.log
            )
            ended = await hang_up.carry_out(call)
            if ended is not None and ended.in_flight:
                await asyncio.to_thread(ask_for_look, self.looks, self.log, call, ASK_AGAIN_S)
            return
        if Effect.LOOK_AGAIN in failed.effects:
            await asyncio.to_thread(ask_for_look, self.looks, self.log, call, look_again_in_s(call))

    async def send(self, call: Call, transfer: Transfer) -> None:
        """Sends a transfer on its way. It is on record: where that cannot be, a look begins it."""
        try:
            await asyncio.to_thread(self.queue.carry_out, call.account_id, call.call_id, transfer.transfer_id)
        except Exception:
            self.log.exception("transfer not sent on its way", extra={"call_id": call.call_id})
