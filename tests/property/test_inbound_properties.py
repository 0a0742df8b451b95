"""Whatever is told of a call that rings in, in whatever order and however often: the rules of its life hold."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from ringline.calls.model.call import Call, Direction, State
from ringline.calls.model.events import (
    AgentJoined,
    AgentLeft,
    AgentSeen,
    Answered,
    DispatchedAgain,
    EndAsked,
    Event,
    FoundOver,
    GivenUp,
    LegJoined,
    LegLeft,
    OtherLeft,
    OthersTalk,
    RoomFinished,
)
from ringline.calls.model.reasons import EndReason
from ringline.calls.rules.deadlines import Owed, owed
from ringline.calls.tables.records import call_from_item, call_to_item
from tests.builders import NOW, a_call
from tests.property.test_lifecycle_properties import lives

_sids = st.sampled_from(["PA_leg", "PA_2", "PA_3"])
_reasons = st.sampled_from(
    ["CLIENT_INITIATED", "ROOM_DELETED", "CONNECTION_TIMEOUT", "DUPLICATE_IDENTITY", "FUTURE", None]
)
_statuses = st.sampled_from(["ringing", "active", "hangup", "dialing", None])
_moments = st.integers(0, 7_200_000).map(lambda later: NOW + later)
_of_it = st.just(1)

TOLD: st.SearchStrategy[Event] = st.one_of(
    st.builds(LegJoined, _moments, _of_it, _sids),
    st.builds(LegLeft, _moments, _of_it, _sids, _reasons, _statuses),
    st.builds(AgentJoined, _moments, _of_it, _sids),
    st.builds(AgentLeft, _moments, _of_it, _sids, _reasons),
    st.builds(DispatchedAgain, _moments, _of_it),
    st.builds(OthersTalk, _moments, _of_it),
    st.builds(OtherLeft, _moments, _of_it),
    st.builds(RoomFinished, _moments, _of_it),
    st.builds(Answered, _moments, _of_it, _sids, st.just("SCL_1"), st.none() | st.builds(AgentSeen, _sids, _moments)),
    st.builds(EndAsked, _moments, st.just(EndReason.API_HUNG_UP)),
    st.builds(
        EndAsked, _moments, st.sampled_from([EndReason.AGENT_DID_NOT_JOIN, EndReason.MAX_DURATION_REACHED]), _of_it
    ),
    st.builds(GivenUp, _moments, _of_it),
    st.builds(FoundOver, _moments, _of_it),
)
STORIES = st.lists(TOLD, max_size=20)


def arrived() -> Call:
    return a_call(
        State.RINGING,
        direction=Direction.INBOUND,
        inbound_room="in_1",
        caller_identity="sip_1",
        leg_sid="PA_leg",
        dialed_at=NOW,
    )


@settings(max_examples=400)
@given(STORIES)
def test_a_caller_has_one_end_with_one_reason_and_holds_no_line(told: list[Event]) -> None:
    life = lives(arrived(), told)
    for before, after in pairwise(life):
        assert not before.state.is_terminal
        assert after.state in {State.RINGING, State.ACTIVE, State.ENDED, State.NOT_CONNECTED, State.CANCELED}
        assert not after.holds_slot
        assert after.state.is_terminal == (after.end_reason is not None) == (after.ended_at is not None)
    last = life[-1]
    assert not last.state.is_terminal or (last.state is State.ENDED) == (last.active_at is not None)


@settings(max_examples=400)
@given(STORIES)
def test_a_caller_who_is_not_gone_is_looked_after(told: list[Event]) -> None:
    for call in lives(arrived(), told):
        assert call_from_item(call_to_item(call)) == call
        if call.in_flight:
            assert call.due_at is not None
            assert owed(call, False, NOW + 7_300_000) not in {Owed.NOTHING, Owed.PEEK}, "its room is gone"
            assert call.answered_at is not None or owed(call, True, NOW + 7_300_000) is not Owed.NOTHING


@settings(max_examples=200)
@given(STORIES, st.data())
def test_what_is_told_again_ends_a_caller_the_same_way(told: list[Event], data: st.DataObject) -> None:
    last = lives(arrived(), told)[-1]
    if last.state.is_terminal:
        assert lives(last, data.draw(st.permutations(told))) == [last]
