"""Waiting for several answers at once: a thread for each request that is under way."""

from collections.abc import Callable, Sequence


def at_once[Thing, Made](work: Callable[[Thing], Made], things: Sequence[Thing], most: int) -> list[Made]:
    """What `work` makes of each, in their order, `most` of them at a time. All are over when it returns, also where it
    raises what one of them raised. One alone needs no thread."""
    if len(things) <= 1:
        return [work(each) for each in things]
    # Most invocations have one thing to do, and start faster without it.
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(min(most, len(things))) as pool:
        return list(pool.map(work, things))
