"""Whatever clocks tell, by however much they are off: a call's steps keep their order, and none is to come."""

from copy import replace
from itertools import pairwise
from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from ringline.calls.model.call import Call, Direction, State
from ringline.calls.model.events import Event
from ringline.calls.model.moments import as_allowed
from ringline.calls.model.results import Moved
from ringline.calls.rules.lifecycle import apply
from ringline.calls.views.call_view import call_view
from tests.builders import NOW, a_call
from tests.property.test_inbound_properties import TOLD, arrived
from tests.property.test_lifecycle_properties import EVENTS, POLICIES

_OFF_MS = st.sampled_from([0, 0, -400, -3_000, -180_000, 180_000, -10_000_000])
_LATER_MS = st.integers(0, 60_000)


def heard(call: Call, told: list[tuple[int, int, Event]]) -> list[tuple[int, Call]]:
    """The call after each event that moved it, with the moment at which that was heard. Each event comes so much later
    than the one before, and tells of the moment as a clock sees it that is so far off."""
    now, life = NOW, [(NOW, call)]
    for later_ms, off_ms, event in told:
        now += later_ms
        stamped = cast(Event, replace(event, at=now + off_ms))
        result = apply(life[-1][1], as_allowed(life[-1][1], stamped, now))
        if isinstance(result, Moved):
            life.append((now, result.call))
    return life


def assert_in_order(now: int, call: Call) -> None:
    steps = [call.created_at, call.dialed_at, call.answered_at, call.active_at, call.ended_at]
    known = [step for step in steps if step is not None] + [now]
    assert all(earlier <= later for earlier, later in pairwise(known)), known
    for attempt in call.attempts:
        assert call.created_at <= attempt.dialed_at <= (attempt.answered_at or attempt.dialed_at) <= attempt.ended_at
        assert attempt.ended_at <= now
    reports = call.reports
    told = (reports.ready_at, reports.user_spoke_at, reports.silent_since, reports.voicemail_at, call.agent_joined_at)
    assert all(call.created_at <= moment <= now for moment in told if moment is not None)
    durations = call_view(call)["traces"].get("call_timings", {})
    assert all(value >= 0 for name, value in durations.items() if name.endswith("_seconds"))


@settings(max_examples=400)
@given(POLICIES, st.lists(st.tuples(_LATER_MS, _OFF_MS, EVENTS), max_size=25))
def test_a_call_keeps_the_order_of_its_steps(policy: Any, told: list[tuple[int, int, Event]]) -> None:
    for now, call in heard(a_call(State.QUEUED, retry=policy), told):
        assert_in_order(now, call)


@settings(max_examples=400)
@given(st.lists(st.tuples(_LATER_MS, _OFF_MS, TOLD), max_size=20))
def test_a_call_that_rings_in_keeps_the_order_of_its_steps(told: list[tuple[int, int, Event]]) -> None:
    for now, call in heard(arrived(), told):
        assert call.direction is Direction.INBOUND
        assert_in_order(now, call)
