"""Dialers' work on the gate from several processes at once, each with several threads and clients of its own."""

import multiprocessing
import random
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Barrier

from ringline.calls.model.call import Call, State
from ringline.calls.model.events import Claimed, FoundOver
from ringline.calls.model.results import Moved
from ringline.calls.rules.lifecycle import apply
from ringline.calls.tables.store import CallStore, Change, Committed, TableContended
from ringline.runtime import aws
from tests.builders import at

PROCESSES = 4
THREADS = 4
_STARTED_WITHIN_S = 60.0
_LOOK_AT = 20
"""So many places of the queue are seen at once: claimers mostly want different calls, and often the same."""


@dataclass(frozen=True, slots=True)
class Part:
    """One claimer's order: the table, the account, and the calls it is to end, if that is its work."""

    table_name: str
    account_id: str
    call_ids: tuple[str, ...] = ()
    counters: tuple[str, ...] = ()


TOGETHER = "together"

type Work = Callable[[Part], Counter[str]]


class Claimers:
    """Processes that begin each work together."""

    def __init__(self, processes: ProcessPoolExecutor) -> None:
        self._processes = processes

    def all_do(self, work: Work, part: Part) -> Counter[str]:
        """Every thread of every process does the work; what they counted, in all."""
        done = [self._processes.submit(_in_threads, work, part) for _ in range(PROCESSES)]
        return sum((each.result() for each in done), Counter())


@contextmanager
def claimers() -> Iterator[Claimers]:
    """Spawned with the environment of this moment, which says where the table lies."""
    spawn = multiprocessing.get_context("spawn")
    together = spawn.Barrier(PROCESSES, timeout=_STARTED_WITHIN_S)
    with ProcessPoolExecutor(PROCESSES, mp_context=spawn, initializer=_begin, initargs=(together,)) as processes:
        yield Claimers(processes)


def claim_until_full(part: Part) -> Counter[str]:
    """Claims waiting calls, each counted under its id, until the gate lets no more through or nobody waits."""
    store, seen = _store(part), Counter[str]()
    while (call := _waiting(store, part)) is not None:
        committed = _commit(store, call, Claimed(at(1)), seen)
        if committed is Committed.DONE:
            seen[call.call_id] += 1
        elif committed is Committed.GATE_FULL:
            break
    return seen


def claim_under_caps_and_end_all(part: Part) -> Counter[str]:
    """As below, each claim in the part's counters and dealt out anew where one of them is full."""
    store, seen = _store(part), Counter[str]()
    while (call := _waiting(store, part)) is not None:
        claim = Claimed(at(1), counters=part.counters, counted_on=1)
        if _commit(store, call, claim, seen) is Committed.DONE:
            seen[call.call_id] += 1
            _end(store, part.account_id, call.call_id, Counter())
    return seen


def claim_together_and_end_all(part: Part) -> Counter[str]:
    """Claims several at once of the first calls that wait, from any of them on, and ends them, until nobody waits. Each
    claim is counted under the call's id, and those that were claimed with another one under TOGETHER, too."""
    store, seen = _store(part), Counter[str]()
    while entries := store.eligible(part.account_id, at(0), _LOOK_AT):
        begin = random.randrange(len(entries))
        wanted = [entry.call_id for entry in entries[begin : begin + random.randint(1, 10)]]
        calls = sorted(
            store.get_many([(part.account_id, call_id) for call_id in wanted]), key=lambda call: call.call_id
        )
        moves = [apply(call, Claimed(at(1), counters=part.counters)) for call in calls if call.state is State.QUEUED]
        moved = [move.call for move in moves if isinstance(move, Moved)]
        before = {call.call_id: call for call in calls}
        if not moved:
            continue
        try:
            written = store.commit_together([Change(before[call.call_id], call) for call in moved])
        except TableContended:
            continue
        if (
            not written
            and _commit(store, before[moved[0].call_id], Claimed(at(1), counters=part.counters), Counter())
            is Committed.DONE
        ):
            written = 1
        claimed = [call.call_id for call in moved[:written]]
        seen += Counter(claimed)
        seen[TOGETHER] += len(claimed) if len(claimed) > 1 else 0
        for call_id in claimed:
            _end(store, part.account_id, call_id, Counter())
    return seen


def end_each(part: Part) -> Counter[str]:
    """Ends the calls named, in an order of its own, each counted under its id if this claimer was the one."""
    store, seen = _store(part), Counter[str]()
    for call_id in random.sample(part.call_ids, len(part.call_ids)):
        _end(store, part.account_id, call_id, seen)
    return seen


def claim_and_end_all(part: Part) -> Counter[str]:
    """Claims and ends calls until nobody waits, each claim counted under the call's id."""
    store, seen = _store(part), Counter[str]()
    while (call := _waiting(store, part)) is not None:
        if _commit(store, call, Claimed(at(1)), seen) is Committed.DONE:
            seen[call.call_id] += 1
            _end(store, part.account_id, call.call_id, Counter())
    return seen


_together: Barrier


def _begin(together: Barrier) -> None:
    global _together
    _together = together


def _in_threads(work: Work, part: Part) -> Counter[str]:
    with ThreadPoolExecutor(THREADS) as threads:
        _together.wait()
        return sum(threads.map(work, [part] * THREADS), Counter())


def _store(part: Part) -> CallStore:
    return CallStore(aws.dynamodb(), part.table_name)


def _waiting(store: CallStore, part: Part) -> Call | None:
    """One of the first calls that wait; None if nobody does."""
    while entries := store.eligible(part.account_id, at(0), _LOOK_AT):
        call = store.get(part.account_id, random.choice(entries).call_id)
        if call is not None and call.state is State.QUEUED:
            return call
    return None


def _end(store: CallStore, account_id: str, call_id: str, seen: Counter[str]) -> None:
    committed = None
    while committed is None:
        call = store.get(account_id, call_id)
        assert call is not None
        if call.state.is_terminal:
            return
        committed = _commit(store, call, FoundOver(at(60), call.attempt), Counter())
    if committed is Committed.DONE:
        seen[call_id] += 1


def _commit(store: CallStore, call: Call, event: Claimed | FoundOver, seen: Counter[str]) -> Committed | None:
    """None if the table was contended for the whole of the store's patience."""
    moved = apply(call, event)
    assert isinstance(moved, Moved)
    try:
        return store.commit(call, moved.call)
    except TableContended:
        return None
