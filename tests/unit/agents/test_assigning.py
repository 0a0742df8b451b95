"""What follows from a request for a brain, given what was assigned before."""

from typing import Any

import pytest

from ringline.agents.model.assigning import Asked, Step, Why, answer_of, step_after, step_after_refusal
from ringline.agents.model.records import Assignment, AssignmentState, attempt_in, job_id_of
from tests.builders import NOW, at

URL = "wss://speech.example/bridge/call_1"
OTHER_URL = "wss://other.example/bridge/call_1"
SENT, ACCEPTED, NOBODY = AssignmentState


def an_assignment(state: AssignmentState = SENT, **fields: Any) -> Assignment:
    known: dict[str, Any] = {
        "account_id": "acc_1",
        "call_id": "call_1",
        "attempt": 1,
        "dispatch": 1,
        "request": 1,
        "bridge_url": URL,
        "state": state,
        "changed_at": NOW,
        "sends": 1,
        "tried": ("bot#1",),
        "assign_id": "asg_1",
        "job_id": "call_1.1.1",
        "worker_id": "bot#1",
        "connection_id": "c1",
        "accepted_at": at(0.5) if state is ACCEPTED else None,
    }
    return Assignment(**known | fields)


def asked(why: Why = Why.NO_DIAL, number: int = 2, **fields: Any) -> Asked:
    return Asked(number, why, fields.pop("bridge_url", URL), **fields)


def test_the_first_request_leads_to_a_runner() -> None:
    assert step_after(None, asked(Why.JOIN, 1), NOW) == Step()


@pytest.mark.parametrize("why", Why)
@pytest.mark.parametrize("number", [1, 2])
def test_a_request_that_was_answered_is_answered_the_same_way_again(why: Why, number: int) -> None:
    kept = an_assignment(request=2)
    assert step_after(kept, asked(why, number), at(15)) is None


@pytest.mark.parametrize(("after_s", "step"), [(1.999, None), (2, Step(("bot#1",)))])
def test_a_runner_has_two_seconds_to_answer(after_s: float, step: Step | None) -> None:
    assert step_after(an_assignment(), asked(), at(after_s)) == step


def test_another_speech_worker_of_the_same_room_has_nobodys_runner_stopped() -> None:
    """It waits in vain for a runner that may have dialled the first one long ago."""
    step = step_after(an_assignment(ACCEPTED), asked(bridge_url=OTHER_URL), at(9))
    assert step == Step(("bot#1",), cancels=False)


@pytest.mark.parametrize(("after_s", "step"), [(5.499, None), (5.5, Step(("bot#1",), cancels=True))])
def test_a_runner_that_accepted_has_five_seconds_to_dial_and_is_told_to_stop_then(
    after_s: float, step: Step | None
) -> None:
    assert step_after(an_assignment(ACCEPTED), asked(number=3), at(after_s)) == step


def test_a_request_that_came_late_has_no_runner_stopped_that_may_have_dialled_meanwhile() -> None:
    """The speech worker asks within two seconds of an assignment, and is told then how long to wait: what it asks
    first comes after the five seconds only where it was on its way for seconds."""
    late = asked(number=2)
    assert step_after(an_assignment(ACCEPTED), late, at(6)) is None
    assert answer_of(an_assignment(ACCEPTED), late, at(6))["wait_s"] == 0, "who is still without one asks again at once"


def test_a_lost_runner_begins_a_round_of_its_own() -> None:
    kept = an_assignment(ACCEPTED, tried=("bot#1", "bot#2", "bot#3"), worker_id="bot#3")
    assert step_after(kept, asked(Why.LOST), at(0.6)) == Step(lost="bot#3")
    assert step_after(an_assignment(NOBODY, worker_id=None, lost="bot#3"), asked(Why.LOST), at(9)) == Step(lost="bot#3")


def test_a_second_after_nobody_was_found_a_new_round_begins() -> None:
    kept = an_assignment(NOBODY, worker_id=None, lost="bot#9", tried=("bot#1", "bot#2", "bot#3"))
    assert step_after(kept, asked(), at(0.9)) is None
    assert step_after(kept, asked(), at(1)) == Step(lost="bot#9")


def test_the_speech_worker_of_a_later_dispatch_counts_anew() -> None:
    kept = an_assignment(ACCEPTED, request=7)
    assert step_after(kept, asked(Why.JOIN, 1, dispatch=2), at(60)) == Step()
    assert step_after(kept, asked(Why.JOIN, 1, bridge_url=OTHER_URL), NOW) == Step()
    assert step_after(kept, asked(Why.JOIN, 1), at(15.001)) == Step(), "nobody repeats a request for so long"
    assert step_after(an_assignment(dispatch=2), asked(Why.LOST, 9, dispatch=1), at(60)) is None, "the one before"


@pytest.mark.parametrize("state", [SENT, ACCEPTED])
@pytest.mark.parametrize("whose", [{"bridge_url": OTHER_URL}, {"dispatch": 2}])
def test_a_speech_worker_is_told_of_no_job_of_another(state: AssignmentState, whose: dict[str, Any]) -> None:
    """It would turn its own runner away, which it may have by then, and wait for one that dials the other."""
    kept = an_assignment(state, **whose)
    assert step_after(kept, asked(), at(0.5)) is None
    assert answer_of(kept, asked(), at(0.5)) == {"result": "wait", "wait_s": 1.5 if state is SENT else 5.0}
    assert answer_of(kept, asked(), at(60)) == {"result": "wait", "wait_s": 1.0}, "not again at once, and again"


def test_what_one_speech_worker_has_counted_is_not_held_against_the_other() -> None:
    kept = an_assignment(ACCEPTED, request=7, bridge_url=OTHER_URL)
    assert step_after(kept, asked(Why.LOST), at(60)) == Step(lost="bot#1"), "it may have held both of their bridges"
    assert step_after(kept, asked(), at(60)) == Step(("bot#1",))


def test_who_speaks_for_the_call_finds_another_runner_after_one_of_a_later_dispatch_has_asked() -> None:
    """The later one is put out of the room, and its assignment is kept."""
    kept = an_assignment(ACCEPTED, dispatch=2, request=3, bridge_url=OTHER_URL)
    assert step_after(kept, asked(Why.LOST), at(60), speaking=1) == Step(lost="bot#1")
    assert step_after(kept, asked(), at(60), speaking=1) == Step(("bot#1",))
    assert step_after(kept, asked(Why.JOIN, 1), at(60), speaking=1) is None, "said again: who speaks has a runner"
    for speaking in (None, 2):
        assert step_after(kept, asked(Why.LOST), at(60), speaking) is None, "gone, or about to be put out"


def test_three_runners_are_asked_in_a_round() -> None:
    assert step_after_refusal(an_assignment(tried=("bot#1", "bot#2"))).may_go_on
    assert not step_after_refusal(an_assignment(tried=("bot#1", "bot#2", "bot#3"))).may_go_on


def test_what_remains_of_a_time_is_told() -> None:
    job = {"job_id": "call_1.1.1", "assign_id": "asg_1", "worker_id": "bot#1"}
    assert answer_of(an_assignment(), asked(), at(0.5)) == {"result": "assigned", "dial_within_s": 1.5, **job}
    assert answer_of(an_assignment(ACCEPTED), asked(), at(1)) == {"result": "wait", "wait_s": 4.5, **job}
    assert answer_of(an_assignment(), asked(), at(9))["dial_within_s"] == 0
    nobody = an_assignment(NOBODY, why="all_refused")
    assert answer_of(nobody, asked(), NOW) == {"result": "none", "why": "all_refused", "again_in_s": 1.0}


def test_a_job_names_its_attempt_and_what_names_none_is_none_of_ours() -> None:
    assert attempt_in(job_id_of("call_1.a", 2, 13)) == ("call_1.a", 2)
    for name in ("", "call_1", "call_1.1", "call_1.a.1", "call_1.1.-1", ".."):
        assert attempt_in(name) is None, name


def test_jobs_before_the_first_of_a_bridge_were_other_bridges() -> None:
    kept = an_assignment(sends=4, first_send=3, job_id="call_1.1.4")
    assert [kept.is_of_another_bridge(f"call_1.1.{number}") for number in (1, 2, 3, 4)] == [True, True, False, False]
    assert not an_assignment(job_id="call_1.1.1").is_of_another_bridge("call_1.1.1"), "as a release before wrote it"
