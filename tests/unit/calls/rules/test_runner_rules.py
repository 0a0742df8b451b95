"""Which runner thinks for a call, and whose place it holds."""

import pytest

from ringline.calls.model.call import Call, State
from ringline.calls.model.events import Claimed, DialRefused, DialWithoutAgent, EndAsked, RunnerGiven
from ringline.calls.model.reasons import EndReason
from tests.builders import a_call, at, moved, unmoved


def claimed(**fields: object) -> Call:
    return moved(a_call(State.QUEUED, brain="runner", **fields), Claimed(at(1), runner_id="bot#1"))


def test_a_claim_takes_the_place_that_its_dialer_found() -> None:
    call = claimed()
    assert (call.runner_id, call.holds_place_of) == ("bot#1", "bot#1")


@pytest.mark.parametrize(
    "end",
    [
        DialRefused(at(5), 1, 486, "Busy Here", None, None),
        DialWithoutAgent(at(12), 1, at(12), at(14)),
    ],
)
def test_whatever_ends_the_attempt_gives_the_place_back(end: DialRefused | DialWithoutAgent) -> None:
    assert moved(claimed(), end).holds_place_of is None


def test_who_had_the_call_can_still_be_told_after_it() -> None:
    call = moved(claimed(), DialRefused(at(5), 1, 486, "Busy Here", None, None))
    assert call.state.is_terminal
    assert call.runner_id == "bot#1"


def test_a_call_that_waits_again_has_no_runner() -> None:
    assert moved(claimed(), DialWithoutAgent(at(12), 1, at(12), at(14))).runner_id is None


@pytest.mark.parametrize("state", [State.DIALING, State.RINGING, State.ACTIVE, State.LAST_WORDS])
def test_another_runner_goes_on_and_the_timeline_tells(state: State) -> None:
    call = moved(a_call(state, brain="runner", runner_id="bot#1"), RunnerGiven(at(9), 1, "bot#2"))
    assert call.holds_place_of == "bot#2"
    assert [note.what for note in call.notes] == ["dial_1_other_runner: bot#2"]


def test_a_callers_first_runner_is_no_news() -> None:
    call = moved(a_call(State.RINGING, brain="runner"), RunnerGiven(at(2), 1, "bot#1"))
    assert (call.holds_place_of, call.notes) == ("bot#1", ())


def test_the_runner_that_has_the_call_takes_no_second_place() -> None:
    assert unmoved(claimed(), RunnerGiven(at(2), 1, "bot#1")).why == "runner_is_known"


def test_a_call_that_is_to_end_gets_no_other_runner() -> None:
    ending = moved(claimed(), EndAsked(at(3), EndReason.API_HUNG_UP))
    assert unmoved(ending, RunnerGiven(at(4), 1, "bot#2")).why == "end_was_asked"


def test_a_runner_of_an_earlier_dial_is_not_given_to_this_one() -> None:
    assert unmoved(claimed(attempt=1), RunnerGiven(at(2), 1, "bot#2")).why == "stale_attempt"
