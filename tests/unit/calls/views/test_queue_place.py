"""What a waiting call is told of its wait."""

import pytest

from ringline.calls.model.call import Call, State
from ringline.calls.tables.agent_rests import AgentRest
from ringline.calls.tables.livekit_rest import Rest
from ringline.calls.tables.paces import Pace
from ringline.calls.tables.store import Gate
from ringline.calls.views.queue_place import BlockedBy, blocked_by, estimated_start_at
from tests.builders import NOW, a_call, at

ANY_TIME = Pace(0, 0)
THERE, AWAY = Rest(), Rest(next_at=at(2))
FULL = Gate(in_use=4, cap=4, line_ms=600_000, line_ends=10)
"""Calls of this account hold a line for a minute."""

WAITING = a_call(State.QUEUED)
AWAKE, AT_REST = AgentRest(), AgentRest(next_at=at(5))


@pytest.mark.parametrize(
    ("call", "before", "gate", "pace", "livekit", "agent", "blocked"),
    [
        (a_call(State.QUEUED, eligible_at=at(60)), 0, FULL, ANY_TIME, THERE, AWAKE, BlockedBy.SCHEDULE),
        (a_call(State.QUEUED, eligible_at=at(60), attempt=1), 0, FULL, ANY_TIME, THERE, AWAKE, BlockedBy.RETRY_DELAY),
        (WAITING, 3, FULL, ANY_TIME, THERE, AWAKE, BlockedBy.GATE),
        (WAITING, 3, FULL, ANY_TIME, AWAY, AWAKE, BlockedBy.GATE),
        (WAITING, 3, FULL, ANY_TIME, THERE, AT_REST, BlockedBy.GATE),
        (WAITING, 3, Gate(0, 4), Pace(at(5), 0), AWAY, AT_REST, BlockedBy.LIVEKIT),
        (WAITING, 0, Gate(0, 4), ANY_TIME, AWAY, AWAKE, BlockedBy.LIVEKIT),
        (WAITING, 3, Gate(0, 4), Pace(at(5), 0), THERE, AT_REST, BlockedBy.AGENT),
        (WAITING, 3, Gate(0, 4), Pace(at(5), 0), THERE, AWAKE, BlockedBy.TRUNK_PACE),
        (WAITING, 3, Gate(0, 4), ANY_TIME, THERE, AWAKE, BlockedBy.CALLS_BEFORE),
        (WAITING, 0, Gate(0, 4), ANY_TIME, THERE, AWAKE, BlockedBy.NOTHING),
    ],
)
def test_the_first_cause_in_the_way_is_named(
    call: Call, before: int, gate: Gate, pace: Pace, livekit: Rest, agent: AgentRest, blocked: BlockedBy
) -> None:
    assert blocked_by(call, before, gate, pace, at(1), livekit, agent) is blocked


@pytest.mark.parametrize(
    ("call", "before", "gate", "pace", "start_at"),
    [
        (WAITING, 0, Gate(0, 4), ANY_TIME, at(1)),
        (WAITING, 0, FULL, ANY_TIME, at(1 + 15)),
        (WAITING, 7, FULL, ANY_TIME, at(1 + 120)),
        (WAITING, 0, Gate(4, 4), ANY_TIME, None),
        (WAITING, 0, Gate(0, 0, 60_000, 1), ANY_TIME, None),
        (WAITING, 4, Gate(0, 5), Pace(at(3), 500), at(5)),
        (a_call(State.QUEUED, eligible_at=at(3600)), 0, FULL, ANY_TIME, at(3600)),
    ],
)
def test_the_start_is_estimated_from_how_long_calls_hold_their_lines(
    call: Call, before: int, gate: Gate, pace: Pace, start_at: int | None
) -> None:
    assert estimated_start_at(call, before, gate, pace, NOW + 1000, AWAKE) == start_at


def test_nobody_can_tell_when_an_agent_that_is_missing_comes_back() -> None:
    assert estimated_start_at(WAITING, 0, Gate(0, 4), ANY_TIME, NOW + 1000, AT_REST) is None


def test_a_turn_of_livekits_that_is_far_off_is_named_after_all_else_that_stops_a_call() -> None:
    free, later = Gate(0, 4), at(5)

    def stopped(pace: Pace, turn_at: int) -> BlockedBy:
        return blocked_by(WAITING, 3, free, pace, at(1), THERE, AWAKE, livekits_turn_at=turn_at)

    assert stopped(ANY_TIME, later) is BlockedBy.LIVEKIT_PACE
    assert stopped(Pace(at(5), 0), later) is BlockedBy.TRUNK_PACE
    assert stopped(ANY_TIME, at(2)) is BlockedBy.CALLS_BEFORE, "it is waited for"


def test_the_start_reckons_with_the_turns_of_those_before() -> None:
    start_at = estimated_start_at(WAITING, 4, Gate(0, 50), ANY_TIME, NOW, AWAKE, at(3), 500)
    assert start_at == at(3) + 4 * 500
