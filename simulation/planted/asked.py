"""Bugs in what is kept of a request for a call, for the simulation to catch."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import replace
from unittest import mock

from ringline.calls.model.call import Call
from ringline.calls.tables.asked.rows import AskedRows, to_be_apart
from ringline.calls.tables.store import CallStore, CreatedBefore, InTheWay, Once
from simulation.run.planted import Planting


@contextmanager
def agent_told_of_the_row_alone() -> Iterator[None]:
    """Whoever sends an agent takes a call without instructions for one that has none."""
    with mock.patch.object(CallStore, "whole_or_raise", lambda _, call: replace(call, asked_is_read=True)):
        yield


@contextmanager
def call_accepted_before_what_was_asked() -> Iterator[None]:
    """The call is written first and what was asked of it behind it, and whoever does it may die in between."""
    create, put_apart = CallStore.create, AskedRows.put_apart

    def creates_first(
        store: CallStore, call: Call, once: Once | None = None, over: str | None = None, *, is_new_number: bool = False
    ) -> CreatedBefore | InTheWay | None:
        with mock.patch.object(AskedRows, "put_apart", lambda _, each: to_be_apart(each)):
            before = create(store, call, once, over, is_new_number=is_new_number)
        if before is None:
            put_apart(store._asked, call)
        return before

    with mock.patch.object(CallStore, "create", creates_first):
        yield


PLANTED_ASKED: dict[Planting, frozenset[str]] = {
    agent_told_of_the_row_alone: frozenset({"told_otherwise"}),
    call_accepted_before_what_was_asked: frozenset({"told_otherwise"}),
}
"""Each bug with the promises that may be the first to show it."""
