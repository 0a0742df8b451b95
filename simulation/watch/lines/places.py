"""Who waits is seen to wait: a queued call has one place in its queue, and a waiting mark or a deadline. A call in
flight has a deadline and no place, and one that is over has neither."""

from ringline.calls.model.call import State
from ringline.runtime.items import Item
from ringline.runtime.table import WAITING_PK, queue_sk, shard_for
from simulation.aws.rows import Rows
from simulation.watch.book import CallBook, CallChange, CallKey
from simulation.watch.findings import Findings


class Places:
    def __init__(self, findings: Findings, rows: Rows, book: CallBook) -> None:
        self._findings = findings
        self._rows = rows
        self._book = book
        self.of_call: dict[CallKey, str] = {}
        """The sort key of each waiting call's place."""
        self._taken_at: dict[CallKey, int] = {}

    def was_seen(self, key: CallKey, looked_at: int) -> bool:
        """Whether the call stood in its place when somebody looked, both counted in writes."""
        return self._taken_at[key] <= looked_at

    def place_changed(self, account_id: str, sk: str, after: Item | None) -> None:
        key = account_id, sk.partition("#")[2]
        if after is None:
            self.of_call.pop(key, None)
            return
        if key in self.of_call:
            self._findings.fail("queued_twice", f"{key[1]} has two places in the queue")
        self.of_call[key] = sk
        self._taken_at[key] = self._rows.writes

    def mark_removed(self, account_id: str) -> None:
        for key in self.of_call:
            is_unseen = key[0] == account_id and self._book.calls[key].due_at is None
            if is_unseen and not self._is_marked(account_id):
                self._findings.fail("waiting_unseen", f"{key[1]} waits and {account_id} lost its waiting mark")

    def call_written(self, change: CallChange) -> None:
        call, place = change.after, self.of_call.get(change.key)
        if call.state is State.QUEUED:
            if place != queue_sk(call.eligible_at, call.call_id):
                self._findings.fail("not_in_queue", f"{call.call_id} is queued and its place is {place}")
            if call.due_at is None and not self._is_marked(call.account_id):
                nowhere = f"{call.call_id} waits without a deadline and {call.account_id} has no waiting mark"
                self._findings.fail("waiting_unseen", nowhere)
            return
        if place is not None:
            self._findings.fail("left_in_queue", f"{call.call_id} is {call.state} and stands in the queue")
        if call.holds_slot and call.due_at is None:
            self._findings.fail("no_deadline", f"{call.call_id} is {call.state} without a deadline")

    def _is_marked(self, account_id: str) -> bool:
        lists = (shard_for(account_id, WAITING_PK, in_shards=in_shards) for in_shards in (False, True))
        return any(self._rows.item(pk, account_id) is not None for pk in lists)

    def at_the_end(self) -> None:
        if self.of_call:
            self._findings.fail("left_in_queue", f"{sorted(self.of_call)} at the end")
