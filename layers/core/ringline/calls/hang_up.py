"""Ends a call on its customer's word, in whatever state it is; asking twice changes nothing."""

import asyncio
from dataclasses import dataclass

from aws_lambda_powertools import Logger

from ringline.calls.call import Call
from ringline.calls.events import EndAsked, FoundOver
from ringline.calls.ports import Telephony, TelephonyDown
from ringline.calls.progress import Progress
from ringline.calls.reasons import EndReason
from ringline.calls.store import CallStore
from ringline.runtime.clock import Clock

_SETTLE_LOOKS = 10
_SETTLE_WAIT_S = 0.1


@dataclass(frozen=True, slots=True)
class HangUp:
    store: CallStore
    progress: Progress
    telephony: Telephony
    clock: Clock
    log: Logger

    async def run(self, account_id: str, call_id: str) -> Call | None:
        """The call as it stands afterwards: canceled, ended, over already, or on its way to its end. None if there is
        no such call.

        The wish is recorded before LiveKit is asked. A dial under way is settled by its dialer, which alone knows that
        no INVITE follows any more; if LiveKit cannot be asked now, the sweep asks it.
        """
        asked = self.progress.apply(account_id, call_id, EndAsked(self.clock(), EndReason.API_HUNG_UP))
        call = asked.call
        if call is None or call.state.is_terminal:
            return call
        try:
            await self.telephony.end_room(call.room_name or "")
        except TelephonyDown:
            self.log.warning("room not closed", extra={"call_id": call_id})
            return call
        if call.answered_at is not None:
            return self.progress.apply(account_id, call_id, FoundOver(self.clock())).call
        return await self._settled(account_id, call_id)

    async def _settled(self, account_id: str, call_id: str) -> Call | None:
        for _ in range(_SETTLE_LOOKS):
            call = self.store.get(account_id, call_id)
            if call is None or call.state.is_terminal:
                return call
            await asyncio.sleep(_SETTLE_WAIT_S)
        return call
