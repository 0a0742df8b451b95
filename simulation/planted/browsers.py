"""Bugs on purpose where somebody comes from a browser. As in `run.planted`: each is put into the product for as long as
its context lasts."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import replace
from unittest import mock

from ringline.calls.model.call import Call
from ringline.calls.model.events import LegJoined
from ringline.calls.model.results import Result, Rule
from ringline.calls.rules import lifecycle
from ringline.calls.tables.writes.companions import Companions
from ringline.calls.web.store import Tickets
from ringline.calls.web.ticket import Ticket
from simulation.run.planted import Planting


@contextmanager
def late_token_accepted() -> Iterator[None]:
    """Whoever LiveKit lets in may talk."""
    with mock.patch.object(Ticket, "is_over", lambda *_: False):
        yield


@contextmanager
def used_token_accepted() -> Iterator[None]:
    """Who comes by a token that was used is who came by it before."""

    def as_before(rule: Rule) -> Callable[[Call, LegJoined], Result]:
        return lambda call, event: rule(call, replace(event, has_used_token=False))

    rules = {key: as_before(rule) for key, rule in lifecycle.TRANSITIONS.items() if key[1] is LegJoined}
    with mock.patch.dict(lifecycle.TRANSITIONS, rules):
        yield


@contextmanager
def browser_let_in_past_the_gate() -> Iterator[None]:
    """A call from a browser takes no line, and gives one back."""
    redeem = Tickets.redeem

    def past_the_gate(tickets: Tickets, call: Call, caps_version: int | None = None) -> object:
        with mock.patch.object(Companions, "of", lambda *_: []):
            return redeem(tickets, call, caps_version)

    with mock.patch.object(Tickets, "redeem", past_the_gate):
        yield


PLANTED_BROWSERS: dict[Planting, frozenset[str]] = {
    late_token_accepted: frozenset({"late_token_used"}),
    used_token_accepted: frozenset({"token_used_twice"}),
    browser_let_in_past_the_gate: frozenset({"gate_inexact"}),
}
"""Each bug with the invariants that may be the first to show it."""
