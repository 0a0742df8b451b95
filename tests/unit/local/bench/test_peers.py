"""What the phones' ledger says of a run."""

import pytest

from local.bench.peers.calls.trace import CALLS, CAP, Dialled, Tally, TracedCall, tally, trace

pytestmark = pytest.mark.unit


def calls(*at_s: float) -> list[TracedCall]:
    return [TracedCall(f"call-{place}", at, 1.0) for place, at in enumerate(at_s)]


def test_lines_that_are_all_at_work_are_never_idle() -> None:
    dials = [Dialled("call-0", 100, 101), Dialled("call-1", 101, 102)]
    assert tally(calls(0, 0), 100, dials, cap=1) == Tally(lost=0, doubled=0, most_lines=1, idle_share=0.0)


def test_a_line_is_idle_while_it_is_free_and_a_call_waits_and_not_when_nobody_does() -> None:
    # Of the first second call-0 waits for half; then nobody does until call-1 comes, which waits for half a second.
    dials = [Dialled("call-0", 100.5, 101.5), Dialled("call-1", 105.5, 106.5)]
    assert tally(calls(0, 5), 100, dials, cap=2).idle_share == 1.0
    busy = [Dialled("call-0", 100, 101), Dialled("call-1", 101.5, 102.5)]
    assert tally(calls(0, 0), 100, busy, cap=1).idle_share == pytest.approx(1 / 3)


def test_a_call_that_nobody_dialled_is_lost_and_one_that_was_dialled_twice_is_doubled() -> None:
    dials = [Dialled("call-0", 100, 101), Dialled("call-0", 100.5, 101.5), Dialled("call-0", 103, 104)]
    told = tally(calls(0, 0), 100, dials)
    assert (told.lost, told.doubled, told.most_lines) == (1, 2, 2)


def test_nobody_dialled_at_all() -> None:
    assert tally(calls(0), 100, []) == Tally(lost=1, doubled=0, most_lines=0, idle_share=0.0)


def test_everybody_gets_the_same_calls_and_more_than_there_are_lines() -> None:
    assert trace() == trace()
    assert len({call.call_id for call in trace()}) == CALLS
    assert sum(call.at_s == 0 for call in trace()) > CAP
