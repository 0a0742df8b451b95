"""Bugs on purpose where agents, pipes and numbers have caps of their own. As in `planted`: each is put into the product
for as long as its context lasts."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from ringline.calls.capacity.counters import Counter
from ringline.calls.model.call import Call
from ringline.calls.tables.writes.companions import Companions
from ringline.calls.tables.writes.counting import Companion, Counting
from simulation.run.planted import Planting


@contextmanager
def cap_not_given_back() -> Iterator[None]:
    """A call that ends goes on counting."""
    of = Counting.of

    def keeps(counting: Counting, before: Call, after: Call) -> Iterator[Companion]:
        return of(counting, before, after) if after.in_flight else iter(())

    with mock.patch.object(Counting, "of", keeps):
        yield


@contextmanager
def cap_passed_unasked() -> Iterator[None]:
    """Whoever saw room does not ask whether it is still there: of two who saw the last place both take it."""
    taking = Counting.taking

    def unasked(counting: Counting, call: Call, name: str) -> Companion:
        companion = taking(counting, call, name)
        companion.write["Update"].pop("ConditionExpression")
        return companion

    with (
        mock.patch.object(Counting, "taking", unasked),
        mock.patch.object(Counter, "has_room", property(lambda _counter: True)),
    ):
        yield


@contextmanager
def cap_not_known_to_the_claim() -> Iterator[None]:
    """A claim trusts what its dialer read of the caps, whatever was set since."""
    of = Companions.of

    def trusts(
        companions: Companions, before: Call, after: Call, _caps_version: int | None = None, **claim: Any
    ) -> list[Companion]:
        return of(companions, before, after, **claim)

    with mock.patch.object(Companions, "of", trusts):
        yield


PLANTED_CAPS: dict[Planting, frozenset[str]] = {
    cap_not_given_back: frozenset({"cap_inexact", "cap_leaked", "lost"}),
    cap_passed_unasked: frozenset({"cap_exceeded"}),
    cap_not_known_to_the_claim: frozenset({"cap_uncounted"}),
}
"""Each bug with the invariants that may be the first to show it."""
