"""What changes of calls, and runs of the sweep, add to the deployment's metrics."""

from copy import replace
from dataclasses import asdict

from ringline.calls.mending import measures as of_sweep
from ringline.calls.mending.gate_audit import Audited, Difference
from ringline.calls.mending.mend import Swept
from ringline.calls.model.call import Attempt, Call, Direction, State
from ringline.calls.model.events import AgentAwaited, AgentCame, DialDeferred, DialWithoutAgent
from ringline.calls.model.reasons import EndReason
from ringline.calls.stream.measures import measures_of
from ringline.calls.views.relay import Change
from tests.builders import a_call, an_answered_call, at, moved


def told(before: Call | None, after: Call) -> dict[str, float]:
    """The measures of a change by name and dimension."""
    measures = measures_of(Change("1", before, after))
    return {each.name if each.of is None else f"{each.name}/{each.of[1]}": each.value for each in measures}


def test_a_new_call_is_counted_by_its_direction() -> None:
    assert told(None, a_call()) == {"CallsAccepted/outbound": 1}
    rung_in = a_call(State.RINGING, direction=Direction.INBOUND)
    assert told(None, rung_in) == {"CallsAccepted/inbound": 1}


def test_an_outcome_tells_how_long_the_call_could_have_been_dialled() -> None:
    claimed = replace(a_call(State.DIALING, eligible_at=at(10)), dialed_at=at(12.5))
    assert told(a_call(eligible_at=at(10)), claimed) == {}
    put_back = moved(claimed, DialDeferred(at(14), 1, None, None, None, "full", 1))
    assert told(claimed, put_back) == {"QueueWait": 2_500, "Dials/put_back": 1}
    answered = replace(claimed, answered_at=at(20))
    assert told(claimed, answered) == {"QueueWait": 2_500, "Dials/answered": 1, "RingTime": 7_500}
    assert told(answered, replace(answered, state=State.ACTIVE)) == {}


def test_the_wait_for_a_slow_agent_is_part_of_the_wait_in_the_queue() -> None:
    claimed = a_call(State.DIALING, eligible_at=at(10), dialed_at=at(11), agent_first=True)
    awaited = moved(claimed, AgentAwaited(at(13), 1))
    came = moved(awaited, AgentCame(at(15), 1))
    assert told(came, replace(came, answered_at=at(20))) == {"QueueWait": 5_000, "Dials/answered": 1, "RingTime": 5_000}
    missed = moved(awaited, DialWithoutAgent(at(21), 1, at(21), at(23)))
    assert told(awaited, missed) == {"QueueWait": 1_000, "Dials/put_back": 1}


def test_an_answer_tells_of_the_ringing_and_of_the_agent() -> None:
    answered = an_answered_call()
    dialing = replace(a_call(State.DIALING), dialed_at=None)
    assert told(dialing, answered) == {"Dials/answered": 1, "RingTime": 5_000}
    talks = replace(answered, state=State.ACTIVE, active_at=at(6.4))
    assert told(answered, talks) == {"AgentJoin": 400}


def test_an_end_is_counted_once_by_its_category() -> None:
    active = a_call(State.ACTIVE)
    ended = a_call(State.ENDED, end_reason=EndReason.AGENT_FAILED)
    (measure,) = measures_of(Change("1", active, ended))
    assert (measure.name, measure.of, measure.said) == (
        "CallsEnded",
        ("category", "agent"),
        {"end_reason": "AGENT_FAILED"},
    )
    assert told(ended, replace(ended, transcript_turns=3)) == {}


def test_a_reason_of_a_later_release_is_counted_apart() -> None:
    ended = a_call(State.ENDED, end_reason=EndReason.kept("ABDUCTED"))
    assert told(a_call(State.ACTIVE), ended) == {"CallsEnded/of_a_later_release": 1}


def test_a_dial_that_rang_nobody_is_none_that_nobody_answered() -> None:
    dialing = a_call(State.DIALING)
    put_back = moved(dialing, DialDeferred(at(2), 1, None, None, None, "full", 1))
    assert told(dialing, put_back) == {"QueueWait": 1_000, "Dials/put_back": 1}


def test_a_dial_of_which_nobody_knows_what_became_is_counted_apart() -> None:
    dialing = a_call(State.DIALING)
    over = a_call(State.NOT_CONNECTED, end_reason=EndReason.DIAL_STATE_UNKNOWN)
    assert told(dialing, over) == {"QueueWait": 1_000, "Dials/unknown": 1, "CallsEnded/system": 1}
    lost = Attempt(dial=1, dialed_at=at(1), ended_at=at(3), end_reason=EndReason.DIAL_STATE_UNKNOWN)
    assert told(dialing, a_call(State.QUEUED, attempt=1, attempts=(lost,))) == {"QueueWait": 1_000, "Dials/unknown": 1}


def test_an_audit_tells_of_lines_and_of_gates_that_count_too_many_or_too_few() -> None:
    audited = Audited(7, (Difference("acme", 3, 1), Difference("other", 0, 1)))
    values = {each.name: each.value for each in of_sweep.measures_of_audit(audited)}
    assert values == {"LinesInUse": 7, "GateDiffers": 3}


def test_an_attempt_that_is_to_be_tried_again_was_a_dial() -> None:
    dialing = a_call(State.DIALING)
    busy = Attempt(dial=1, dialed_at=at(1), ended_at=at(3), end_reason=EndReason.USER_BUSY)
    again = a_call(State.QUEUED, attempt=1, attempts=(busy,))
    assert told(dialing, again) == {"QueueWait": 1_000, "Dials/not_answered": 1}


def test_shares_of_a_run_add_what_they_mended_and_are_no_run() -> None:
    swept = Swept(settled=1, rooms_closed=4, overdue=9, oldest_waiting_ms=5)
    values = {each.name: each.value for each in of_sweep.measures_of_shares(asdict(swept))}
    assert values == {"Mended": 5, "OldestWaiting": 5, "OldestUnserved": 0}


def test_a_run_of_the_sweep_tells_what_it_found_and_mended() -> None:
    swept = Swept(settled=1, adopted=2, ends_told=3, rooms_closed=4, overdue=9, oldest_with_line_free_ms=70_000)
    values = {each.name: each.value for each in of_sweep.measures_of(asdict(swept))}
    assert values == {
        "Swept": 1,
        "Mended": 10,
        "Overdue": 9,
        "DeliveriesFailing": 0,
        "AccountsWaiting": 0,
        "OldestWaiting": 0,
        "OldestUnserved": 70_000,
    }
