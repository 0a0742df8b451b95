"""A call ends, ends once and for a reason; its end never changes, and is announced once and not before. Until it is, it
has a mark that the sweep sees."""

from collections import Counter

from ringline.webhooks.model.event_type import EventType
from simulation.watch.book import CallBook, CallChange, CallKey
from simulation.watch.findings import Findings


class Ends:
    def __init__(self, findings: Findings, book: CallBook) -> None:
        self._findings = findings
        self._book = book
        self._ended: Counter[CallKey] = Counter()
        self._announced: dict[CallKey, set[str]] = {}
        self.untold: set[CallKey] = set()
        """Calls whose end has its mark."""

    def call_changed(self, change: CallChange) -> None:
        before, after = change.before, change.after
        if after.end_is_untold:
            self.untold.add(change.key)
        else:
            self.untold.discard(change.key)
        if before is not None and before.state.is_terminal:
            for name in ("state", "end_reason", "ended_at"):
                was, now = getattr(before, name), getattr(after, name)
                if was != now:
                    self._findings.fail("end_changed", f"{after.call_id}: {name} {was} -> {now}")
            if before.end_is_untold and not after.end_is_untold and change.key not in self._announced:
                self._findings.fail("mark_lost", f"the end of {after.call_id} is unmarked and nobody was told of it")
        elif after.state.is_terminal:
            self._ended[change.key] += 1
            if after.end_reason is None:
                self._findings.fail("end_without_reason", after.call_id)
            if not after.end_is_untold:
                self._findings.fail("end_unmarked", after.call_id)

    def announced(self, key: CallKey, event_type: EventType, delivery: str) -> None:
        """A webhook is on its way, for the first time or again."""
        if event_type is not EventType.CALL_ENDED:
            return
        if self._book.calls[key].end_reason is None:
            self._findings.fail("announced_early", f"the end of {key[1]}, which goes on")
        self._announced.setdefault(key, set()).add(delivery)

    def at_the_end(self) -> None:
        for key, call in self._book.calls.items():
            deliveries = len(self._announced.get(key, ()))
            if not call.state.is_terminal:
                self._findings.fail("lost", f"{call.call_id} is {call.state} for ever")
            elif self._ended[key] != 1:
                self._findings.fail("ended_twice", f"{call.call_id} ended {self._ended[key]} times")
            elif deliveries != 1:
                self._findings.fail("not_announced", f"{call.call_id}: {deliveries} deliveries of its end")
            elif call.end_is_untold:
                self._findings.fail("mark_left", f"the end of {call.call_id} is announced and still has its mark")
