"""Ends a call on its customer's word, in whatever state it is; asking twice changes nothing."""

from enum import StrEnum

from aws_lambda_powertools import Logger

from ringline.calls.model.call import Call, State
from ringline.calls.model.events import EndAsked, FoundOver
from ringline.calls.model.ports import Telephony
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.room_view import TelephonyDown
from ringline.calls.progress.progress import Progress, Unapplied
from ringline.calls.progress.rooms import end_room_of
from ringline.calls.tables.store import CallStore
from ringline.record import Record
from ringline.runtime.clock import Clock, pause

_SETTLE_LOOKS = 10
_SETTLE_WAIT_S = 0.1


class HangUpResult(StrEnum):
    """What came of asking."""

    CANCELED = "canceled"
    """It ended before it connected."""
    ENDED = "ended"
    """It ended in the call."""
    ENDING = "ending"
    """It is on its way to its end: whoever dials it, or the sweep, brings it there."""
    ALREADY_OVER = "already_over"
    """It had ended, or did so at this very moment, for another reason."""
    LEFT_ALONE = "left_alone"
    """A later release has brought it to where this one does not know how to end it."""


class HungUp(Record):
    call: Call
    result: HangUpResult


class HangUp(Record):
    store: CallStore
    progress: Progress
    telephony: Telephony
    clock: Clock
    log: Logger

    async def run(self, account_id: str, call_id: str) -> HungUp | None:
        """The call as it stands afterwards, and what came of asking. None if there is no such call.

        The wish is recorded before LiveKit is asked. A dial under way is settled by its dialer, which alone knows that
        no INVITE follows any more; if LiveKit cannot be asked now, the sweep asks it.
        """
        outcome = self.progress.apply(account_id, call_id, EndAsked(self.clock(), EndReason.API_HUNG_UP))
        call = outcome.call
        if call is None:
            return None
        if isinstance(outcome, Unapplied) and call.state.is_terminal:
            return HungUp(call, HangUpResult.ALREADY_OVER)
        if not call.is_understood:
            self.log.warning("call of a later release left alone", extra={"call_id": call_id})
            return HungUp(call, HangUpResult.LEFT_ALONE)
        if not call.state.is_terminal:
            call = await self.carry_out(call)
        return None if call is None else HungUp(call, _result(call))

    async def carry_out(self, call: Call) -> Call | None:
        """Ends what still lives of a call whose end was asked for and is on record. Returns the call as it stands
        afterwards."""
        try:
            await end_room_of(call, self.store, self.telephony)
        except TelephonyDown:
            self.log.warning("room not closed", extra={"call_id": call.call_id})
            return call
        if call.answered_at is not None:
            over = FoundOver(self.clock(), call.attempt)
            return self.progress.apply(call.account_id, call.call_id, over).call
        return await self._settled(call)

    async def _settled(self, call: Call) -> Call | None:
        current_call: Call | None = call
        for _ in range(_SETTLE_LOOKS):
            current_call = self.store.get(call.account_id, call.call_id)
            if current_call is None or current_call.state.is_terminal:
                break
            await pause(_SETTLE_WAIT_S)
        return current_call


def _result(call: Call) -> HangUpResult:
    if not call.state.is_terminal:
        return HangUpResult.ENDING
    if call.state is State.CANCELED:
        return HangUpResult.CANCELED
    return HangUpResult.ENDED if call.end_reason is EndReason.API_HUNG_UP else HangUpResult.ALREADY_OVER
