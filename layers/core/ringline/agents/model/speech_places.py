"""The places of the speech workers. LiveKit chooses by itself which worker it gives a call, so that a place is one of
all workers: which row it is counted in says nothing of who speaks.

Each place that is taken names who holds it. So it can be told of each alone whether it still is held, and a place that
nobody gave back is found without guessing (`agents.speech_places`).
"""

from collections import Counter
from collections.abc import Iterable, Iterator

from ringline.agents.model.presence import is_live
from ringline.agents.model.records import HeldRow, Runner
from ringline.calls.model.ports import NO_OTHERS


def rows_with_room(workers: Iterable[Runner], now: int, besides: Counter[str] = NO_OTHERS) -> list[str]:
    """Where a place can be taken when so many were taken `besides`, by their rows; nowhere while all are taken. What a
    worker that is gone had is counted with the others: its calls are theirs by now. Of jobs that hold no place only the
    workers' beats tell."""
    known = list(workers)
    live = [worker for worker in known if is_live(worker, now)]
    taken = max(sum(worker.in_use for worker in known), sum(worker.active_jobs for worker in live))
    if taken + besides.total() >= sum(worker.max_concurrent for worker in live):
        return []
    return [each.row for worker in live for each in worker.rows if len(each.holders) + besides[each.row] < each.places]


def held_for_nothing(workers: Iterable[Runner], now: int) -> Iterator[HeldRow]:
    """The rows to look through, where more places are held than there are jobs: calls that are about to have theirs, or
    places that nobody gave back."""
    known = list(workers)
    if sum(worker.in_use for worker in known) > sum(each.active_jobs for each in known if is_live(each, now)):
        yield from (each for worker in known for each in worker.rows if each.holders)
