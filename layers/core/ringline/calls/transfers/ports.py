"""What transfers need of LiveKit and of each other, in the field's words."""

from typing import Protocol

from ringline.calls.model.call import Call
from ringline.calls.model.outcomes import DialOutcome
from ringline.calls.model.ports import Telephony
from ringline.calls.model.transfers.transfer import Referred, Transfer


class TransferTelephony(Telephony, Protocol):
    async def refer(self, call: Call, number: str) -> Referred | DialOutcome:
        """Sends the call's phone away to a number, and waits for what becomes of that. Never repeat it: the phone may
        have left."""

    async def call_in(self, call: Call, transfer: Transfer) -> DialOutcome:
        """Calls a number into the call's room, once, and waits for the answer. Never repeat it for one transfer."""

    async def send_target(self, call: Call) -> None:
        """Dispatches the agent that the call is to have now, whoever was sent to it before. Opens no room. Raises
        TelephonyDown."""


class TransferQueue(Protocol):
    def carry_out(self, account_id: str, call_id: str, transfer_id: str) -> None:
        """Has somebody carry the transfer out. Doubling it is harmless, and one that is lost is sent again."""
