"""Ends what still lives of an attempt after a carrier's word: a leg that rings for a call nobody wants any more, or
that hears a call whose end was asked for."""

from dataclasses import dataclass

from aws_lambda_powertools import Logger

from ringline.calls.model.ports import Telephony
from ringline.calls.model.room_view import TelephonyDown
from ringline.calls.progress.hang_up import HangUp
from ringline.calls.progress.progress import Outcome, Progress
from ringline.calls.tables.store import CallStore
from ringline.runtime.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierEnds:
    progress: Progress
    store: CallStore
    clock: Clock
    log: Logger

    async def end(self, telephony: Telephony, outcome: Outcome) -> None:
        """Closes the room, and settles a call that was answered. A phone that has not answered is settled by its leg's
        leaving or by its dialer. A room that is not closed here is closed by the sweep."""
        call = outcome.call
        if call is None:
            return
        if call.in_flight and call.answered_at is not None:
            await HangUp(
                store=self.store, progress=self.progress, telephony=telephony, clock=self.clock, log=self.log
            ).carry_out(call)
            return
        try:
            await telephony.end_room(call.room_name or "")
        except TelephonyDown:
            self.log.warning("room not closed", extra={"call_id": call.call_id})
