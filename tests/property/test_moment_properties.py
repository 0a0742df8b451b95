"""Whatever clocks tell, by however much they are off: a call's steps keep their order, and none is to come."""

from copy import replace
from itertools import pairwise
from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from ringline.calls.model.call import Call, Direction, State
from ringline.calls.model.events import Event, SilenceHeard, UserSpoke
from ringline.calls.model.moments import as_allowed
from ringline.calls.model.results import Moved
from ringline.calls.rules.lifecycle import apply
from ringline.calls.views.call_view import call_view
from tests.builders import NOW, a_call, at
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


_KIND = st.sampled_from(["word", "word", "silence"])
_TOLD = st.tuples(st.integers(100, 400_000), _KIND, st.sampled_from([0, 50, 3_000, 120_000]), st.booleans())


@settings(max_examples=400)
@given(_OFF_MS, st.lists(_TOLD, max_size=15))
def test_a_silence_counts_from_no_sooner_than_the_last_word_that_was_told(
    off_ms: int, told: list[tuple[int, str, int, bool]]
) -> None:
    """By whatever clock an agent dates some of its reports, however late they come, and in whatever order."""
    moment = spoke_at = at(7)
    reports: list[tuple[int, int, Event, bool]] = []
    for later_ms, kind, late_ms, is_dated in told:
        moment += later_ms
        told_at = moment + late_ms
        dated = moment + off_ms if is_dated else told_at
        if kind == "word":
            spoke_at = moment
            reports.append((told_at, moment, UserSpoke(dated, 1, told_at), True))
        else:
            reports.append((told_at, moment, SilenceHeard(dated, 1, (moment - spoke_at) / 1000, told_at), False))
    call, last_word_at = a_call(State.ACTIVE, max_call_duration_s=86_400), 0
    for told_at, happened_at, event, is_word in sorted(reports, key=lambda each: each[0]):
        result = apply(call, as_allowed(call, event, told_at))
        call = result.call if isinstance(result, Moved) else call
        last_word_at = max(last_word_at, happened_at) if is_word else last_word_at
        assert (call.reports.silence_counts_from or told_at) >= last_word_at
