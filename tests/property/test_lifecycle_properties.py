"""Whatever happens to a call, in whatever order and however often: the rules of its life hold."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from ringline.calls.call import Call, State
from ringline.calls.events import (
    AgentJoined,
    AgentLeft,
    AgentSeen,
    Answered,
    Claimed,
    DialNotSent,
    DialRefused,
    EndAsked,
    Event,
    FoundOver,
    LegJoined,
    LegLeft,
    RoomFinished,
)
from ringline.calls.lifecycle import Moved, apply
from ringline.calls.reasons import EndReason
from ringline.calls.records import call_from_item, call_to_item
from tests.builders import NOW, a_call

_sids = st.sampled_from(["PA_1", "PA_2", "PA_3"])
_reasons = st.sampled_from(["CLIENT_INITIATED", "ROOM_DELETED", "USER_REJECTED", "DUPLICATE_IDENTITY", "FUTURE", None])
_statuses = st.sampled_from(["dialing", "ringing", "active", "hangup", None])
_attempts = st.integers(1, 3)
_moments = st.integers(0, 7_200_000).map(lambda later: NOW + later)

EVENTS: st.SearchStrategy[Event] = st.one_of(
    st.builds(Claimed, _moments),
    st.builds(LegJoined, _moments, _attempts, _sids),
    st.builds(
        Answered, _moments, _attempts, _sids, st.just("SCL_1"), st.none() | st.builds(AgentSeen, _sids, _moments)
    ),
    st.builds(AgentJoined, _moments, _attempts, _sids),
    st.builds(AgentLeft, _moments, _attempts, _sids, _reasons),
    st.builds(LegLeft, _moments, _attempts, _sids, _reasons, _statuses),
    st.builds(RoomFinished, _moments, _attempts),
    st.builds(
        DialRefused,
        _moments,
        _attempts,
        st.none() | st.integers(300, 699),
        st.none() | st.text(max_size=9),
        st.just("x"),
        st.just(""),
    ),
    st.builds(DialNotSent, _moments, _attempts, st.just("why"), st.just("unavailable"), st.none() | st.integers(1, 9)),
    st.builds(EndAsked, _moments, st.sampled_from(EndReason)),
    st.builds(FoundOver, _moments),
)


def lives(call: Call, events: list[Event]) -> list[Call]:
    """The call after each event that moved it."""
    life = [call]
    for event in events:
        result = apply(life[-1], event)
        if isinstance(result, Moved):
            life.append(result.call)
    return life


@settings(max_examples=400)
@given(st.lists(EVENTS, max_size=25))
def test_a_call_ends_once_with_one_reason_and_keeps_nothing_afterwards(events: list[Event]) -> None:
    life = lives(a_call(State.QUEUED), events)
    for before, after in pairwise(life):
        assert not before.state.is_terminal
        assert after.version == before.version + 1
        assert after.state.is_terminal == (after.end_reason is not None) == (after.ended_at is not None)
    last = life[-1]
    if last.state.is_terminal:
        assert last.due_at is None
        assert not last.holds_slot
        assert (last.state is State.ENDED) == (last.active_at is not None)


@settings(max_examples=400)
@given(st.lists(EVENTS, max_size=25))
def test_a_call_that_is_not_over_waits_or_has_a_deadline(events: list[Event]) -> None:
    for call in lives(a_call(State.QUEUED), events):
        if call.in_flight:
            assert call.due_at is not None
            assert call.attempt > 0
            assert call.holds_slot
        assert (call.state is State.ACTIVE) <= (call.answered_at is not None and call.agent_sid is not None)


@settings(max_examples=200)
@given(st.lists(EVENTS, max_size=25))
def test_every_state_a_call_can_reach_survives_the_table(events: list[Event]) -> None:
    for call in lives(a_call(State.QUEUED), events):
        assert call_from_item(call_to_item(call)) == call


@settings(max_examples=300)
@given(st.lists(EVENTS, max_size=25), st.data())
def test_events_told_twice_end_the_call_the_same_way(events: list[Event], data: st.DataObject) -> None:
    once = lives(a_call(State.QUEUED), events)[-1]
    if not once.state.is_terminal:
        return
    again = lives(once, data.draw(st.permutations(events)))
    assert again == [once]
