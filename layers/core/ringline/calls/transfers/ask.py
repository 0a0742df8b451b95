"""Asks for a transfer: checks it, writes it on the call, and has it carried out elsewhere.

The record comes first. Whoever dies after it has left a transfer that nobody has begun, and the sweep has it carried
out; whoever asks again is answered with the one that there is.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from aws_lambda_powertools import Logger

from ringline.calls.model.call import AttemptId, Call, State
from ringline.calls.model.transfers.standing import HANDED_OVER, has_lost_call
from ringline.calls.model.transfers.transfer import AskedBy, Transfer, TransferMode, transfer_named, under_way
from ringline.calls.model.transfers.transfer_events import TransferAsked
from ringline.calls.progress.progress import Applied, Progress
from ringline.calls.rules.transfers.steps import TOO_MANY, UNDER_WAY
from ringline.calls.tables.store import CallStore
from ringline.calls.transfers.bodies import TransferRequest
from ringline.calls.transfers.ports import TransferQueue
from ringline.calls.transfers.targets import Targets
from ringline.runtime.clock import Clock
from ringline.runtime.web.problems import Problem, invalid_field, not_found

_KEY = re.compile(r"[\x21-\x7e]{1,255}")


class Repeats(NamedTuple):
    """What makes a request the same as another: its Idempotency-Key and its body, both as hashes."""

    key_hash: str | None
    body_hash: str


class Asked(NamedTuple):
    """A call with the transfer that was asked for, now or `replayed` by an earlier request."""

    call: Call
    transfer: Transfer
    replayed: bool = False


def repeats_of(key: str | None, body: Mapping[str, Any]) -> Repeats:
    """Raises Problem 422 for a key that is none."""
    if key is not None and not _KEY.fullmatch(key):
        raise invalid_field("Idempotency-Key", "is not 1 to 255 visible ASCII characters")
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"))
    key_hash = None if key is None else hashlib.sha256(key.encode()).hexdigest()
    return Repeats(key_hash, hashlib.sha256(canonical.encode()).hexdigest())


@dataclass(frozen=True, slots=True, kw_only=True)
class AskTransfer:
    """`new_transfer_id` makes a fresh name."""

    store: CallStore
    progress: Progress
    targets: Targets
    queue: TransferQueue
    new_transfer_id: Callable[[], str]
    clock: Clock
    log: Logger

    def run(
        self,
        whose: AttemptId,
        request: TransferRequest,
        repeats: Repeats,
        asked_by: AskedBy,
        *,
        any_dial: bool = False,
        told_by: int | None = None,
    ) -> Asked:
        """With `any_dial` the call's present dial is meant, whichever it is. `told_by` is the dispatch of the agent
        that asks. Raises Problem 403, 404, 409 and 422, and TableContended; nothing is written then."""
        call = self.store.get(whose.account_id, whose.call_id)
        if call is None or (not any_dial and call.attempt != whose.attempt):
            raise not_found("call_not_found", "There is no such call")
        has_lost = has_lost_call(call.transfers, call.attempt, told_by) or call.has_fallen_back_from(told_by)
        try:
            before = _asked_before(call, repeats)
        except Problem as problem:
            raise (_handed_over() if has_lost else problem) from None
        if before is not None:
            return Asked(call, before, replayed=True)
        if has_lost:
            raise _handed_over()
        _check_is_talked_in(call)
        wanted = self.targets.of(call, request)
        if request.drop_participant_id in {call.leg_identity, call.leg_sid}:
            raise invalid_field("drop_participant_id", "is the call's own phone: to drop it is to end the call")
        now = self.clock()
        transfer = Transfer(
            transfer_id=self.new_transfer_id(),
            dial=call.attempt,
            target=wanted.target,
            mode=TransferMode(request.mode),
            asked_by=asked_by,
            requested_at=now,
            warm_handoff_ms=request.warm_handoff_ms if request.mode == "warm" else None,
            dropped=request.drop_participant_id,
            announcement=request.announcement or None,
            trunk_id=wanted.trunk_id,
            fallback=wanted.fallback,
            ends_call=wanted.ends_call,
            key_hash=repeats.key_hash,
            body_hash=repeats.body_hash,
        )
        return self._ask(call, TransferAsked(now, call.attempt, transfer), repeats, told_by)

    def _ask(self, call: Call, event: TransferAsked, repeats: Repeats, told_by: int | None) -> Asked:
        outcome = self.progress.apply(call.account_id, call.call_id, event, told_by)
        if not isinstance(outcome, Applied):
            return self._refused(outcome.call, outcome.why, repeats)
        transfer_id = event.transfer.transfer_id
        try:
            self.queue.carry_out(call.account_id, call.call_id, transfer_id)
        except Exception:
            # It is on record: the sweep has it carried out.
            self.log.exception("transfer not sent on its way", extra={"call_id": call.call_id})
        self.log.info("transfer asked for", extra={"call_id": call.call_id, "transfer_id": transfer_id})
        return Asked(outcome.call, transfer_named(outcome.call.transfers, transfer_id) or event.transfer)

    def _refused(self, call: Call | None, why: str, repeats: Repeats) -> Asked:
        before = None if call is None else _asked_before(call, repeats)
        if call is not None and before is not None:
            # The same request came twice at once.
            return Asked(call, before, replayed=True)
        if why == UNDER_WAY:
            raise _under_way()
        if why == HANDED_OVER:
            raise _handed_over()
        if why == TOO_MANY:
            raise Problem(409, "too_many_transfers", "The call has had as many transfers as it may have")
        raise _is_not_talked_in()


def _asked_before(call: Call, repeats: Repeats) -> Transfer | None:
    """The transfer that a repeat is answered with: by its key at any time, by its body while it is under way."""
    for transfer in call.transfers:
        if repeats.key_hash is not None and transfer.key_hash == repeats.key_hash:
            if transfer.body_hash != repeats.body_hash:
                raise invalid_field(
                    "Idempotency-Key", "was used within 24 hours for another body", code="idempotency_key_reused"
                )
            return transfer
    present = under_way(call.transfers)
    if present is None:
        return None
    first = transfer_named(call.transfers, present.transfer_id.partition(".")[0]) or present
    if first.body_hash == repeats.body_hash:
        return present
    raise _under_way()


def _check_is_talked_in(call: Call) -> None:
    is_gone = call.end_asked_at is not None or call.evidence.leg_has_left_for_good
    if call.state is not State.ACTIVE or is_gone:
        raise _is_not_talked_in()


def _under_way() -> Problem:
    return Problem(409, "transfer_under_way", "Another transfer of this call is under way")


def _handed_over() -> Problem:
    return Problem(403, "handed_over", "The call is another agent's by now")


def _is_not_talked_in() -> Problem:
    return Problem(409, "call_not_active", "Only a call in which somebody talks can be handed over")
