"""A transfer is begun once and ends once, with a state and, where it failed, a reason; it ends with its call at the
latest; one is under way at a time; and that it was asked for and how it ended are told once each."""

from collections import defaultdict

from ringline.calls.model.call import Call
from ringline.calls.model.transfers.transfer import Transfer, TransferState
from ringline.webhooks.model.event_type import EventType
from simulation.watch.book import CallBook, CallChange, CallKey
from simulation.watch.findings import Findings

_S = TransferState
_ORDER = {_S.REQUESTED: 0, _S.RINGING: 1, _S.JOINED: 2, _S.COMPLETED: 3, _S.FAILED: 3}
_TOLD = {
    EventType.CALL_TRANSFER_REQUESTED: None,
    EventType.CALL_TRANSFER_COMPLETED: _S.COMPLETED,
    EventType.CALL_TRANSFER_FAILED: _S.FAILED,
}
"""Events of which each transfer that ended so has exactly one."""


class Transfers:
    def __init__(self, findings: Findings, book: CallBook) -> None:
        self._findings = findings
        self._book = book
        self._told: dict[tuple[CallKey, int, EventType], set[str]] = defaultdict(set)

    def call_changed(self, change: CallChange) -> None:
        before, after = change.before, change.after
        if not after.transfers:
            return
        known = () if before is None else before.transfers
        if len(after.transfers) < len(known):
            self._findings.fail("transfer_forgotten", after.call_id)
        for was, now in zip(known, after.transfers, strict=False):
            if was is not now:
                self._compare(after, was, now)
        open_ones = [each for each in after.transfers if each.is_under_way]
        if len(open_ones) > 1:
            self._findings.fail("two_transfers", f"{after.call_id}: {[each.transfer_id for each in open_ones]}")
        if open_ones and (not after.in_flight or open_ones[0].dial != after.attempt):
            outlived = f"{open_ones[0].transfer_id} is {open_ones[0].state}, and {after.call_id} is {after.state}"
            self._findings.fail("transfer_outlived", outlived)

    def _compare(self, call: Call, was: Transfer, now: Transfer) -> None:
        name = f"{now.transfer_id} of {call.call_id}"
        if was.transfer_id != now.transfer_id:
            self._findings.fail("transfer_forgotten", f"{was.transfer_id} of {call.call_id}")
        elif not was.is_under_way and (was.state, was.reason, was.ended_at) != (now.state, now.reason, now.ended_at):
            self._findings.fail("transfer_end_changed", f"{name}: {was.state} -> {now.state}")
        elif _ORDER[now.state] < _ORDER[was.state]:
            self._findings.fail("transfer_goes_back", f"{name}: {was.state} -> {now.state}")
        elif was.begun_at is not None and was.begun_at != now.begun_at:
            self._findings.fail("transfer_begun_again", name)
        elif (now.ended_at is None) != now.is_under_way or (now.state is _S.FAILED and now.reason is None):
            self._findings.fail("transfer_end_untold", f"{name} is {now.state}, because of {now.reason}")

    def announced(self, key: CallKey, event_type: EventType, number: int, delivery: str) -> None:
        """A webhook is on its way, for the first time or again."""
        if event_type not in _TOLD:
            return
        state, transfers = _TOLD[event_type], self._book.calls[key].transfers
        if number > len(transfers) or (state is not None and transfers[number - 1].state is not state):
            self._findings.fail("transfer_told_wrongly", f"{event_type} of transfer {number} of {key[1]}")
        self._told[key, number, event_type].add(delivery)

    def at_the_end(self) -> None:
        for key, call in self._book.calls.items():
            for place, transfer in enumerate(call.transfers, 1):
                if transfer.is_under_way:
                    self._findings.fail("transfer_lost", f"{transfer.transfer_id} of {key[1]} is {transfer.state}")
                for event_type, state in _TOLD.items():
                    wanted = int(state is None or state is transfer.state)
                    told = len(self._told[key, place, event_type])
                    if told > wanted or (told < wanted and key[1] not in self._book.news_lost):
                        self._findings.fail("transfer_not_told", f"{event_type} of {transfer.transfer_id}: {told}")
