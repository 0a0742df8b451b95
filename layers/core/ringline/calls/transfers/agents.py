"""Transfers on the word of a call's agent, which proves itself by the token of its dispatch. The same use case as the
API's, with the same lists of whom a call may be handed to."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ringline.calls.model.call import Speaker
from ringline.calls.model.transfers.transfer import AskedBy
from ringline.calls.tables.store import CallStore
from ringline.calls.views.transfer_view import transfer_view
from ringline.runtime.web.problems import not_found

if TYPE_CHECKING:
    from ringline.calls.transfers.ask import AskTransfer


@dataclass(frozen=True, slots=True)
class AgentTransfers:
    """`asking` makes what asks for a transfer: few requests are about one."""

    store: CallStore
    asking: "Callable[[], AskTransfer]"

    def ask(self, whose: Speaker, body: dict[str, Any], key: str | None) -> dict[str, Any]:
        """The transfer as it stands. Raises Problem."""
        from ringline.calls.transfers.ask import repeats_of
        from ringline.calls.transfers.bodies import TransferRequest
        from ringline.runtime.web.bodies import read_body

        request = read_body(TransferRequest, body)
        asked = self.asking().run(whose, request, repeats_of(key, body), AskedBy.AGENT, told_by=whose.dispatch)
        return transfer_view(asked.call, asked.transfer)

    def show(self, whose: Speaker, transfer_id: str) -> dict[str, Any]:
        """The transfer as it stands. Raises Problem 404."""
        call = self.store.get(whose.account_id, whose.call_id)
        if call is None:
            raise not_found("call_not_found", "There is no such call")
        transfer = next((each for each in call.transfers if each.transfer_id == transfer_id), None)
        if transfer is None:
            raise not_found("transfer_not_found", "The call has no such transfer")
        return transfer_view(call, transfer)
