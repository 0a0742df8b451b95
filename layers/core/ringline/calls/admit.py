"""Admits waiting calls through the gate: oldest eligible first, each claimed in one transaction."""

from dataclasses import dataclass
from enum import StrEnum

from aws_lambda_powertools import Logger

from ringline.calls.call import Call
from ringline.calls.events import Claimed, EndAsked
from ringline.calls.lifecycle import Moved, apply
from ringline.calls.progress import Progress
from ringline.calls.reasons import EndReason
from ringline.calls.store import CallStore, Committed, TableContended
from ringline.runtime.clock import Clock

_TRIES = 50
"""Each lost race means that another dialer claimed a call: fifty in a row are fifty calls on their way."""


class NoneAdmitted(StrEnum):
    """Normal ends of admitting: none is a failure, and none keeps a message in the queue."""

    GATE_FULL = "gate_full"
    NOBODY_WAITS = "nobody_waits"


@dataclass(frozen=True, slots=True)
class Admit:
    store: CallStore
    progress: Progress
    clock: Clock
    log: Logger

    def next(self, account_id: str) -> Call | NoneAdmitted:
        """Claims the account's oldest eligible call. When the gate is full the call stays where it is, in its place.
        Raises TableContended if others were faster each time."""
        for _ in range(_TRIES):
            entries = self.store.eligible(account_id, self.clock(), 1)
            if not entries:
                return NoneAdmitted.NOBODY_WAITS
            # A look costs a tenth of a refused claim: ten thousand doorbells at a full gate stay cheap.
            if not self.store.gate(account_id).has_room:
                return NoneAdmitted.GATE_FULL
            call = self.store.get(account_id, entries[0].call_id)
            if call is None:
                self.log.error("queue entry without its call", extra={"call_id": entries[0].call_id})
                self.store.drop_entry(account_id, entries[0])
                continue
            if call.expires_at is not None and call.expires_at <= self.clock():
                self.progress.apply(account_id, call.call_id, EndAsked(self.clock(), EndReason.EXPIRED_IN_QUEUE))
                continue
            moved = apply(call, Claimed(self.clock()))
            if not isinstance(moved, Moved) or call.eligible_at != entries[0].eligible_at:
                continue  # Taken by another dialer between the two reads, perhaps even queued again for later.
            match self.store.commit(call, moved.call):
                case Committed.DONE:
                    self.log.info("call claimed", extra={"call_id": call.call_id, "attempt": moved.call.attempt})
                    return moved.call
                case Committed.GATE_FULL:
                    return NoneAdmitted.GATE_FULL
                case Committed.STALE:
                    continue
        raise TableContended
