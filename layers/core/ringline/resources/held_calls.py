"""Which of an account's calls each runner and speech worker has."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ringline.calls.model.call import State
from ringline.calls.tables.pages import CallPages
from ringline.calls.tables.wanted import Wanted

MOST_SHOWN = 200
"""An account with more calls on a line is not told which worker has which: each look reads them all."""

_ON_A_LINE = Wanted(states=frozenset(state for state in State if state.is_in_flight))


@dataclass(frozen=True, slots=True)
class HeldCalls:
    """Ids of calls by runner and by speech worker, the newest first. None: there are too many to be told."""

    by_runner: Mapping[str, Sequence[str]] | None = field(default_factory=dict)
    by_speech_worker: Mapping[str, Sequence[str]] | None = field(default_factory=dict)

    def of_runner(self, worker_id: str) -> list[str] | None:
        return None if self.by_runner is None else list(self.by_runner.get(worker_id, ()))

    def of_speech_worker(self, worker_id: str) -> list[str] | None:
        return None if self.by_speech_worker is None else list(self.by_speech_worker.get(worker_id, ()))


def held_calls(pages: CallPages, account_id: str, now: int) -> HeldCalls:
    """A runner has a call from its claim on, a speech worker has it from when it said that it is ready."""
    page = pages.in_flight(account_id, limit=MOST_SHOWN, cursor=None, wanted=_ON_A_LINE, now=now)
    if page is None or page.next_cursor is not None:
        return HeldCalls(None, None)
    by_runner: dict[str, list[str]] = defaultdict(list)
    by_speech_worker: dict[str, list[str]] = defaultdict(list)
    for call in page.calls:
        if call.holds_place_of is not None:
            by_runner[call.holds_place_of].append(call.call_id)
        if call.reports.worker_id is not None:
            by_speech_worker[call.reports.worker_id].append(call.call_id)
    return HeldCalls(by_runner, by_speech_worker)
