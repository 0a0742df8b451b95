"""How a run of the sweep that finds more than it can look at in time hands out the rest: what each list has is cut into
shares, the run works on the first itself, and other runs work on the others side by side. Pure.

    run -> reads the keys of each list -> hands out the shares that it does not take -> works on its own
    any other -> reads its share of the list again, as it is by then -> works on it
    whoever dies, and whatever message is lost -> the next run finds all that is still due
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ringline.calls.model.ports import Share

MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many calls and waiting marks a run looks at itself, and how many it hands out at once."""

    own_calls: int
    calls_a_share: int
    own_marks: int
    marks_a_share: int


USUAL = Sizes(own_calls=1000, calls_a_share=500, own_marks=200, marks_a_share=100)
"""A run takes some ten seconds then, and as long take ten shares, which may come in one batch: a call takes some 2 ms
of a function of 512 MB, a mark 10 ms."""


@dataclass(frozen=True, slots=True)
class Part[T]:
    """A share with what it had when the list was read."""

    share: Share
    items: Sequence[T]


def parts_of[T](
    list_key: str, items: Sequence[T], most: int, place: Callable[[T], int | str], now: int
) -> Iterator[Part[T]]:
    """A list in parts of so many, in its order. `place` is where an item stands in it. Items of one place are in one
    part, which may have more than `most` then: a share is read by its places, and is to find nobody else's."""
    start = 0
    while start < len(items):
        end = min(start + most, len(items))
        while end < len(items) and place(items[end]) == place(items[end - 1]):
            end += 1
        part = items[start:end]
        yield Part(Share(list_key, place(part[0]), place(part[-1]), now), part)
        start = end


def shared_out[T](parts: Sequence[Part[T]], most: int, now: int) -> tuple[list[Part[T]], list[Part[T]]]:
    """The parts that a run takes itself, of at most so many items but at least one part, and those for others. It takes
    others each minute: if nothing can be handed out, each has its turn."""
    own: list[Part[T]] = []
    others: list[Part[T]] = []
    left = most
    for part in turned(parts, now // MINUTE_MS):
        fits = len(part.items) <= left or not own
        (own if fits else others).append(part)
        left -= len(part.items) if fits else 0
    return own, others


def turned[T](items: Sequence[T], by: int) -> list[T]:
    """The items beginning with the one in that place, counted round."""
    start = by % len(items) if items else 0
    return [*items[start:], *items[:start]]
