"""What follows where a target did not come: the next one is asked for, the call ends, or nobody but its agent is
there."""

import asyncio
from dataclasses import dataclass

from aws_lambda_powertools import Logger

from ringline.calls.model.ports import LookQueue, Telephony
from ringline.calls.model.results import Effect
from ringline.calls.model.transfers.transfer import under_way
from ringline.calls.progress.hang_up import HangUp
from ringline.calls.progress.hints import ask_for_look
from ringline.calls.progress.progress import Applied, Progress
from ringline.calls.rules.deadlines import look_again_in_s
from ringline.calls.tables.store import CallStore
from ringline.calls.transfers.ports import TransferQueue
from ringline.runtime.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUp:
    store: CallStore
    progress: Progress
    telephony: Telephony
    queue: TransferQueue
    looks: LookQueue
    clock: Clock
    log: Logger

    async def run(self, failed: Applied) -> None:
        """What is lost of it the sweep makes up for."""
        call = failed.call
        following = under_way(call.transfers)
        if following is not None:
            await asyncio.to_thread(self.queue.carry_out, call.account_id, call.call_id, following.transfer_id)
        elif Effect.END_ROOM in failed.effects:
            hang_up = HangUp(
                store=self.store, progress=self.progress, telephony=self.telephony, clock=self.clock, log=self.log
            )
            await hang_up.carry_out(call)
        elif Effect.LOOK_AGAIN in failed.effects:
            await asyncio.to_thread(ask_for_look, self.looks, self.log, call, look_again_in_s(call))
