"""Each account's log of events has no gap and no event twice, and the end of each call is one event in it."""

from collections import Counter

from ringline.runtime.items import from_item
from ringline.runtime.table import events_pk
from simulation.aws.rows import Rows
from simulation.watch.book import CallBook
from simulation.watch.findings import Findings


class EventLogs:
    def __init__(self, findings: Findings, rows: Rows, book: CallBook) -> None:
        self._findings = findings
        self._rows = rows
        self._book = book

    def at_the_end(self) -> None:
        for account_id in sorted({account_id for account_id, _ in self._book.calls}):
            log = [from_item(item) for item in self._rows.partition(events_pk(account_id), limit=1 << 30)]
            if [int(each["sk"]) for each in log] != list(range(1, len(log) + 1)):
                self._findings.fail("event_log_gap", f"{account_id}: {[int(each['sk']) for each in log]}")
            twice = [event_id for event_id, count in Counter(each["event_id"] for each in log).items() if count > 1]
            if twice:
                self._findings.fail("event_twice", f"{account_id}: {twice}")
            ends = Counter(each["call_id"] for each in log if each["event_type"] == "call.ended")
            for key, call in self._book.calls.items():
                if key[0] == account_id and ends[call.call_id] != int(call.state.is_terminal):
                    self._findings.fail("end_not_in_log", f"{call.call_id}: {ends[call.call_id]} events of its end")
