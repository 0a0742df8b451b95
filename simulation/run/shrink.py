"""From a run that breaks an invariant to the shortest that breaks the same one: fewer calls, fewer faults."""

from collections.abc import Callable

from simulation.plan.planned import Plan
from simulation.run.episode import Only, Ran, run_world

_LATER_MS = 60_000
"""A repeat that breaks later than this after the original is another story, and costs too much to wait for."""

_REPEATS = 400
"""How many repeats a shrinking may take: it ends with what it has then."""


def shrunk(plan: Plan, ran: Ran) -> Ran:
    """A repeat of a broken run with as few calls and faults as break the same invariant, and with its trace."""
    if ran.violation is None:
        raise ValueError("nothing is broken")
    name, left = ran.violation.name, _REPEATS

    calls = tuple(call.number for call in plan.calls)
    faults = ran.fired
    until = None if ran.broken_at is None else ran.broken_at + _LATER_MS

    def breaks(some_calls: tuple[int, ...], some_faults: tuple[str, ...]) -> bool:
        nonlocal left
        left -= 1
        again = run_world(plan, Only(frozenset(some_calls), frozenset(some_faults), until))
        return again.violation is not None and again.violation.name == name

    def breaks_with_calls(some: tuple[int, ...]) -> bool:
        return breaks(some, faults)

    def breaks_with_faults(some: tuple[str, ...]) -> bool:
        return breaks(calls, some)

    # Calls first: most have nothing to do with it, and every one less makes the repeats after it shorter.
    for _ in range(2):
        calls = _fewest(calls, breaks_with_calls, lambda: left)
        faults = _fewest(faults, breaks_with_faults, lambda: left)
    return run_world(plan, Only(frozenset(calls), frozenset(faults)), tracing=True)


def _fewest[T](items: tuple[T, ...], breaks: Callable[[tuple[T, ...]], bool], left: Callable[[], int]) -> tuple[T, ...]:
    """Delta debugging: leaves out ever smaller parts as long as it still breaks."""
    parts = 2
    while items and left() > 0:
        size = max(1, len(items) // parts)
        for start in range(0, len(items), size):
            fewer = items[:start] + items[start + size :]
            if left() > 0 and breaks(fewer):
                items, parts = fewer, max(2, parts - 1)
                break
        else:
            if size == 1:
                break
            parts = min(len(items), parts * 2)
    return items
