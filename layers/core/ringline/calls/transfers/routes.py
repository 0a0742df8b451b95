"""Transfers of a call: ask for one as the SDK does or as we do, read them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.event_handler import Response

from ringline.calls.model.call import AttemptId, Call, attempt_of_room
from ringline.calls.model.transfers.transfer import AskedBy, transfer_named
from ringline.calls.tables.store import CallStore
from ringline.calls.views.call_view import session_id as session_of
from ringline.calls.views.transfer_view import added_participant, removed_participant, transfer_view
from ringline.runtime.ids import is_plausible_id
from ringline.runtime.web.api import json_response
from ringline.runtime.web.http import header, listing
from ringline.runtime.web.problems import Problem, not_found
from ringline.runtime.web.routes import Request, Route

if TYPE_CHECKING:
    from ringline.calls.transfers.ask import Asked, AskTransfer

_BODY = "ringline.calls.transfers.bodies:TransferRequest"
_ANSWERS = "ringline.resources.answers.calls"
_REFUSALS = (
    "call_not_active",
    "no_phone_in_call",
    "transfer_under_way",
    "too_many_transfers",
    "transfer_not_allowed",
    "destination_not_allowed",
    "transfer_target_not_served",
    "unknown_agent",
    "idempotency_key_reused",
    "contended",
)


@dataclass(frozen=True, slots=True)
class TransferRoutes:
    """`ask` makes what asks for a transfer: its checks take long to load, and few requests are about one."""

    store: CallStore
    ask: "Callable[[], AskTransfer]"

    @property
    def routes(self) -> tuple[Route, ...]:
        return (
            Route(
                "POST",
                "/v1/sessions/<session_id>/transfer",
                self.transfer_session,
                summary="Hands the call of a session over to a number or to another agent",
                body=_BODY,
                answer=f"{_ANSWERS}:SessionTransfer",
                problems=("session_not_found", *_REFUSALS),
            ),
            Route(
                "POST",
                "/v1/calls/<call_id>/transfers",
                self.transfer_call,
                summary="Hands a call over to a number or to another agent",
                body=_BODY,
                answer=f"{_ANSWERS}:ShownTransfer",
                status=202,
                problems=("call_not_found", *_REFUSALS),
            ),
            Route(
                "GET",
                "/v1/calls/<call_id>/transfers",
                self.list_them,
                summary="Lists the transfers of a call, the first one first",
                answer=f"{_ANSWERS}:TransferList",
                problems=("call_not_found",),
            ),
            Route(
                "GET",
                "/v1/calls/<call_id>/transfers/<transfer_id>",
                self.get,
                summary="Shows a transfer of a call",
                answer=f"{_ANSWERS}:ShownTransfer",
                problems=("call_not_found", "transfer_not_found"),
            ),
        )

    def transfer_session(self, request: Request, session_id: str) -> Response[str]:
        """By the id of a session, or of a call, which the SDK's users take for one."""
        whose = attempt_of_room(session_id) or AttemptId(request.account_id, session_id, 0)
        if whose.account_id != request.account_id or not is_plausible_id(session_id):
            raise _no_such_session()
        try:
            asked = self._ask(request, whose, any_dial=attempt_of_room(session_id) is None)
        except Problem as problem:
            raise _no_such_session() if problem.code == "call_not_found" else problem from None
        call, transfer = asked.call, asked.transfer
        answer = {
            "session_id": session_of(call) or session_id,
            "added_participant_id": added_participant(call, transfer),
            "removed_participant_id": removed_participant(call, transfer),
            "mode": transfer.mode.value,
            "call_id": call.call_id,
            "transfer_id": transfer.transfer_id,
            "state": transfer.state.value,
        }
        return json_response(200, answer, _replayed(replayed=asked.replayed))

    def transfer_call(self, request: Request, call_id: str) -> Response[str]:
        if not is_plausible_id(call_id):
            raise _no_such_call()
        asked = self._ask(request, AttemptId(request.account_id, call_id, 0), any_dial=True)
        headers = {"location": f"/v1/calls/{call_id}/transfers/{asked.transfer.transfer_id}"}
        return json_response(
            202, transfer_view(asked.call, asked.transfer), headers | _replayed(replayed=asked.replayed)
        )

    def list_them(self, request: Request, call_id: str) -> Response[str]:
        call = self._call(request, call_id)
        return json_response(200, listing([transfer_view(call, transfer) for transfer in call.transfers], None))

    def get(self, request: Request, call_id: str, transfer_id: str) -> Response[str]:
        return json_response(200, shown_transfer(self._call(request, call_id), transfer_id))

    def _ask(self, request: Request, whose: AttemptId, *, any_dial: bool) -> "Asked":
        from ringline.calls.transfers.ask import repeats_of
        from ringline.calls.transfers.bodies import TransferRequest
        from ringline.runtime.web.bodies import read_body

        body = request.json_object()
        repeats = repeats_of(header(request.event, "idempotency-key"), body)
        return self.ask().run(whose, read_body(TransferRequest, body), repeats, AskedBy.API, any_dial=any_dial)

    def _call(self, request: Request, call_id: str) -> Call:
        call = self.store.get(request.account_id, call_id) if is_plausible_id(call_id) else None
        if call is None:
            raise _no_such_call()
        return call


def shown_transfer(call: Call, transfer_id: str) -> dict[str, Any]:
    """Raises Problem 404."""
    transfer = transfer_named(call.transfers, transfer_id)
    if transfer is None:
        raise not_found("transfer_not_found", "The call has no such transfer")
    return transfer_view(call, transfer)


def _replayed(*, replayed: bool) -> dict[str, str]:
    return {"idempotent-replayed": "true"} if replayed else {}


def _no_such_call() -> Problem:
    return not_found("call_not_found", "There is no such call")


def _no_such_session() -> Problem:
    return not_found("session_not_found", "There is no such session")
