"""A cap stands in the row of what it is on, and where calls are counted: two writes, one after the other."""

from collections.abc import Callable

_TRIES = 20
"""Each lost try means that somebody else's change went first."""


def holds_as_written[C](cap: C, set_it: Callable[[C], None], written: Callable[[], C]) -> None:
    """Sets a cap as its row says it. Others may have written the row and set their cap meanwhile: what the row says
    last is what holds.

        first     writes 5 ----------------------------> sets 5, reads 50, sets 50
        second               writes 50, sets 50, reads 50
    """
    for _ in range(_TRIES):
        set_it(cap)
        now = written()
        if now == cap:
            return
        cap = now
