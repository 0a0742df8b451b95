"""Bugs on purpose in how ends are told, which the simulation must catch. None of this is ever part of the product."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

from ringline.calls.mending.sweep import Sweep
from ringline.calls.model.call import Call
from ringline.calls.rules import ending
from ringline.calls.views import relay
from ringline.calls.views.relay import Announcer, Ends
from simulation.run import containers
from simulation.run.planted import Planting


@contextmanager
def mark_removed_before_the_end_is_told() -> Iterator[None]:
    """Whoever announces an end takes its mark first, and may die in between."""
    tell_end = relay.tell_end

    def takes_first(announcer: Announcer, ends: Ends, call: Call) -> None:
        ends.end_is_told(call)
        tell_end(announcer, ends, call)

    with (
        mock.patch.object(relay, "tell_end", takes_first),
        mock.patch.object(containers, "tell_end", takes_first),
    ):
        yield


@contextmanager
def sweep_blind_to_marks() -> Iterator[None]:
    """The stream alone announces ends."""

    async def sees_none(*_: object) -> None: ...

    with mock.patch.object(Sweep, "_tell_end_if_nobody_did", sees_none):
        yield


@contextmanager
def end_without_a_mark() -> Iterator[None]:
    """An end takes its call out of the due index, as if nobody had to be told."""
    with mock.patch.object(ending, "_untold_since", lambda *_: None):
        yield


PLANTED_ENDS: dict[Planting, frozenset[str]] = {
    mark_removed_before_the_end_is_told: frozenset({"mark_lost"}),
    sweep_blind_to_marks: frozenset({"not_announced", "mark_left"}),
    end_without_a_mark: frozenset({"end_unmarked"}),
}
"""Each bug with the promises that may be the first to show it."""
