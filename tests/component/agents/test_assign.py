"""A call's speech worker asks, and one runner is sent one assignment; or the next one."""

from itertools import count

import pytest

from ringline.agents.assign import CallIsOver
from ringline.agents.model.assigning import Asked, Why
from ringline.agents.model.records import Assignment
from ringline.calls.model.events import AgentReady, FoundOver
from tests.builders import ACCOUNT
from tests.component.agents.plane import AGENT, URL, Plane, a_plane
from tests.component.one_table import LocalAws

JOIN, NO_DIAL, LOST = Why


@pytest.fixture
def plane(local: LocalAws) -> Plane:
    return a_plane(local)


def in_use(plane: Plane) -> dict[str, int]:
    return {each.worker_id: each.in_use for each in plane.registry.runners(ACCOUNT, AGENT)}


def test_the_runner_that_the_call_was_claimed_with_is_sent_it(plane: Plane) -> None:
    for worker_id in ("bot#1", "bot#2"):
        plane.joins(worker_id, max_concurrent=1)
    plane.claimed("bot#2")
    answer = plane.asks()
    assert (answer["result"], answer["worker_id"], answer["dial_within_s"]) == ("assigned", "bot#2", 2.0)
    ((connection_id, frame),) = plane.assigned
    assert connection_id == "of bot#2"
    assert frame == {
        "type": "job.assign",
        "job_id": "call_1.1.1",
        "assign_id": answer["assign_id"],
        "call_id": "call_1",
        "agent_id": AGENT,
        "bridge_url": URL,
        "call_token": "call_1/call_1.1.1/bot#2",
        "deadline_ms": 2000,
        "metadata": {},
    }
    assert in_use(plane) == {"bot#1": 0, "bot#2": 1}


def test_the_same_request_again_sends_nothing_and_has_the_same_answer(plane: Plane) -> None:
    plane.joins("bot#1")
    plane.claimed("bot#1")
    answer = plane.asks(number=1)
    assert plane.asks(number=1) == answer
    plane.calls.clock.move(3)
    assert plane.asks(number=1)["job_id"] == answer["job_id"]
    assert len(plane.assigned) == 1


def test_two_functions_that_decide_the_same_send_one_assignment(plane: Plane) -> None:
    plane.joins("bot#1")
    plane.joins("bot#2")
    plane.claimed("bot#1")
    assignments = plane.assign._assignments
    written, put = count(), assignments.put

    def another_is_faster(before: object, after: object) -> bool:
        if next(written) == 0:
            # The same request, handled by another function from its beginning to its end.
            plane.asks(number=1)
        return put(before, after)  # type: ignore[arg-type]

    assignments.put = another_is_faster  # type: ignore[method-assign]
    answer = plane.asks(number=1)
    ((_, frame),) = plane.assigned
    assert answer["job_id"] == frame["job_id"]


def test_a_runner_that_refuses_is_followed_by_the_next_at_once(plane: Plane) -> None:
    for worker_id in ("bot#1", "bot#2"):
        plane.joins(worker_id)
    plane.claimed("bot#1")
    plane.asks()
    plane.answers(plane.assigned[0][1], "of bot#1", accepted=False)
    assert plane.assigned_to == ["of bot#1", "of bot#2"]
    first, second = (frame for _, frame in plane.assigned)
    assert (first["job_id"], second["job_id"]) == ("call_1.1.1", "call_1.1.2")
    assert first["assign_id"] != second["assign_id"]
    assert plane.calls.call().runner_id == "bot#2"
    assert in_use(plane) == {"bot#1": 0, "bot#2": 1}
    plane.answers(second, "of bot#2", accepted=True)
    plane.calls.clock.move(1)
    waits = plane.asks(NO_DIAL)
    assert (waits["result"], waits["wait_s"], waits["worker_id"]) == ("wait", 4.0, "bot#2")


def test_a_refusal_that_is_told_twice_asks_one_runner_more(plane: Plane) -> None:
    for number in range(4):
        plane.joins(f"bot#{number}")
    plane.claimed("bot#0")
    plane.asks()
    refused = plane.assigned[0][1]
    for _ in range(2):
        plane.answers(refused, "of bot#0", accepted=False)
    assert len(plane.assigned) == 2


def test_three_runners_are_asked_and_then_there_is_nobody_for_a_second(plane: Plane) -> None:
    for number in range(4):
        plane.joins(f"bot#{number}")
    plane.claimed("bot#0")
    plane.asks()
    for turn in range(3):
        connection_id, frame = plane.assigned[turn]
        plane.answers(frame, connection_id, accepted=False)
    assert len(set(plane.assigned_to)) == 3
    assert plane.asks(NO_DIAL) == {"result": "none", "why": "all_refused", "again_in_s": 1.0}
    plane.calls.clock.move(1)
    assert plane.asks(NO_DIAL)["result"] == "assigned"
    assert sum(in_use(plane).values()) == 1, "the call holds one place all the time"


def test_without_a_runner_the_worker_is_told_so(plane: Plane) -> None:
    connection = plane.joins("bot#1")
    plane.claimed("bot#1")
    plane.listen.disconnect(connection)
    assert plane.asks() == {"result": "none", "why": "no_runner", "again_in_s": 1.0}
    assert plane.assigned == []


def test_a_runner_that_does_not_answer_for_two_seconds_is_followed_by_the_next(plane: Plane) -> None:
    for worker_id in ("bot#1", "bot#2"):
        plane.joins(worker_id)
    plane.claimed("bot#1")
    plane.asks()
    plane.calls.clock.move(1)
    assert plane.asks(NO_DIAL)["dial_within_s"] == 1.0
    plane.calls.clock.move(1)
    assert plane.asks(NO_DIAL)["worker_id"] == "bot#2"
    assert plane.cancelled == [], "it has accepted nothing"


def test_a_runner_that_accepts_too_late_is_told_to_stop(plane: Plane) -> None:
    for worker_id in ("bot#1", "bot#2"):
        plane.joins(worker_id)
    plane.claimed("bot#1")
    plane.asks()
    plane.calls.clock.move(2)
    plane.asks(NO_DIAL)
    first = plane.assigned[0][1]
    plane.answers(first, "of bot#1", accepted=True)
    assert plane.cancelled == [("of bot#1", first["job_id"])]
    assert plane.asks(NO_DIAL)["worker_id"] == "bot#2", "the late answer is nobody else's"
    plane.answers(first, "of bot#1", accepted=False)
    assert len(plane.assigned) == 2


def test_a_late_acceptance_is_let_be_where_another_speech_worker_has_asked_since(plane: Plane) -> None:
    """It may be the one that thinks for the call, by the bridge of the agent that stays in the room."""
    for worker_id in ("bot#1", "bot#2"):
        plane.joins(worker_id)
    plane.claimed("bot#1")
    plane.asks()
    plane.asks(number=1, bridge_url="wss://other.example/bridge/call_1")
    (_, first), (full, second) = plane.assigned
    plane.answers(second, full, accepted=False)
    plane.answers(first, "of bot#1", accepted=True)
    assert plane.cancelled == []


def test_a_late_acceptance_of_a_runner_that_is_replaced_at_its_own_bridge_is_told_to_stop_there(plane: Plane) -> None:
    for worker_id in ("bot#1", "bot#2"):
        plane.joins(worker_id)
    plane.claimed("bot#1")
    plane.asks(bridge_url="wss://other.example/bridge/call_1")
    plane.asks(number=1)
    plane.calls.clock.move(2)
    assert plane.asks(NO_DIAL, number=2)["worker_id"] == "bot#2"
    second = plane.assigned[1][1]
    plane.answers(second, "of bot#1", accepted=True)
    assert plane.cancelled == [("of bot#1", second["job_id"])]


def test_the_speech_worker_of_the_conversation_finds_another_runner_though_a_second_one_had_asked(plane: Plane) -> None:
    """The first was slow to come, a second was dispatched, and was put out of the room once the first was ready."""
    for worker_id in ("bot#1", "bot#2"):
        plane.joins(worker_id)
    call = plane.claimed("bot#1")
    plane.asks(number=1)
    ready = AgentReady(plane.calls.clock(), call.attempt, (), "speech#1", 1)
    plane.calls.progress.apply(ACCOUNT, call.call_id, ready)
    plane.asks(number=1, bridge_url="wss://other.example/bridge/call_1", dispatch=2)
    plane.calls.clock.move(20)
    plane.beats("of bot#1", "of bot#2")
    assert plane.asks(LOST, number=2)["result"] == "assigned"
    assert plane.assigned[-1][1]["bridge_url"] == URL


def test_where_nobody_was_found_since_a_late_acceptance_of_any_runner_is_let_be(plane: Plane) -> None:
    """It may be the one that thinks for the call by now: nobody else does."""
    for worker_id in ("bot#1", "bot#2"):
        plane.joins(worker_id)
    plane.claimed("bot#1")
    plane.asks()
    plane.calls.clock.move(2)
    plane.asks(NO_DIAL)
    plane.calls.clock.move(2)
    assert plane.asks(NO_DIAL)["result"] == "none"
    plane.answers(plane.assigned[0][1], "of bot#1", accepted=True)
    assert plane.cancelled == []


def test_a_late_acceptance_is_let_be_where_nobody_is_found_while_it_is_heard(plane: Plane) -> None:
    for worker_id in ("bot#1", "bot#2"):
        plane.joins(worker_id)
    plane.claimed("bot#1")
    plane.asks()
    plane.calls.clock.move(2)
    assert plane.asks(NO_DIAL)["worker_id"] == "bot#2"
    (_, first), (second, asked_since) = plane.assigned
    assignments = plane.assign._assignments
    read, get = count(), assignments.get

    def refuses_meanwhile(account_id: str, call_id: str, attempt: int) -> Assignment | None:
        kept = get(account_id, call_id, attempt)
        if next(read) == 0:
            plane.answers(asked_since, second, accepted=False)
        return kept

    assignments.get = refuses_meanwhile  # type: ignore[method-assign]
    plane.answers(first, "of bot#1", accepted=True)
    assert plane.cancelled == []


def test_a_runner_that_accepts_and_does_not_dial_is_told_to_stop_and_another_is_sent_the_call(plane: Plane) -> None:
    for worker_id in ("bot#1", "bot#2"):
        plane.joins(worker_id)
    plane.claimed("bot#1")
    plane.asks()
    first = plane.assigned[0][1]
    plane.answers(first, "of bot#1", accepted=True)
    plane.calls.clock.move(2)
    assert plane.asks(NO_DIAL)["wait_s"] == 3.0
    plane.calls.clock.move(3)
    assert plane.asks(NO_DIAL)["worker_id"] == "bot#2"
    assert plane.cancelled == [("of bot#1", first["job_id"])]


def test_a_runner_that_accepts_and_does_not_dial_is_not_told_to_stop_where_no_other_is_to_be_had(plane: Plane) -> None:
    """It may have dialled since the speech worker asked: told to stop, it would leave the call in the middle of it."""
    connection_id, other = plane.joins("bot#1"), plane.joins("bot#2")
    plane.sockets.gone.add(other)
    plane.claimed("bot#1")
    plane.asks()
    plane.answers(plane.assigned[0][1], connection_id, accepted=True)
    plane.calls.clock.move(2)
    plane.asks(NO_DIAL)
    plane.calls.clock.move(3)
    assert plane.asks(NO_DIAL)["result"] == "none"
    assert plane.cancelled == []


def test_a_runner_whose_beat_is_overdue_gets_no_frame(plane: Plane) -> None:
    """It may be draining: the SDK's runner ends its live calls with the next frame that it receives."""
    draining, other = plane.joins("bot#1"), plane.joins("bot#2")
    plane.claimed("bot#1")
    plane.asks()
    first = plane.assigned[0][1]
    plane.answers(first, draining, accepted=True)
    sent = [connection_id for connection_id, _ in plane.sockets.sent].count(draining)
    plane.calls.clock.move(2)
    plane.asks(NO_DIAL)
    plane.calls.clock.move(8)
    plane.beats(other)
    plane.calls.clock.move(10)
    assert plane.asks(NO_DIAL)["worker_id"] == "bot#2", "and is not told to stop either"
    plane.answers(first, draining, accepted=True)
    assert [connection_id for connection_id, _ in plane.sockets.sent].count(draining) == sent


def test_a_closed_connection_is_found_out_and_the_next_runner_is_sent_the_call(plane: Plane) -> None:
    for worker_id in ("bot#1", "bot#2"):
        plane.joins(worker_id)
    plane.claimed("bot#1")
    plane.sockets.gone.add("of bot#1")
    answer = plane.asks()
    assert (answer["worker_id"], plane.assigned_to) == ("bot#2", ["of bot#2"])
    assert in_use(plane) == {"bot#1": 0, "bot#2": 1}
    assert plane.runner("bot#1").heard_on is None


def test_a_frame_whose_fate_is_unknown_is_not_sent_again(plane: Plane) -> None:
    for worker_id in ("bot#1", "bot#2"):
        plane.joins(worker_id)
    plane.claimed("bot#1")
    plane.sockets.unknown.add("of bot#1")
    assert plane.asks()["worker_id"] == "bot#2"
    assert plane.assigned_to == ["of bot#1", "of bot#2"]
    plane.answers(plane.assigned[0][1], "of bot#1", accepted=True)
    assert plane.cancelled == [("of bot#1", "call_1.1.1")], "it was received, and the other has the call"


def test_the_only_runner_may_answer_a_frame_whose_fate_is_unknown(plane: Plane) -> None:
    plane.sockets.unknown.add(plane.joins("bot#1"))
    plane.claimed("bot#1")
    assert plane.asks()["result"] == "assigned"
    ((connection_id, job),) = plane.assigned
    plane.answers(job, connection_id, accepted=True)
    assert plane.cancelled == [], "its bridge would be closed, and the call be without anybody"
    assert plane.asks(NO_DIAL)["result"] == "wait"


def test_the_only_runner_may_take_the_call_also_when_its_time_is_over(plane: Plane) -> None:
    connection_id = plane.joins("bot#1")
    plane.claimed("bot#1")
    plane.asks()
    plane.calls.clock.move(2)
    assert plane.asks(NO_DIAL)["result"] == "none"
    plane.answers(plane.assigned[0][1], connection_id, accepted=True)
    assert plane.cancelled == [], "it thinks for the call by now"
    plane.calls.clock.move(1)
    assert plane.asks(NO_DIAL)["job_id"] == "call_1.1.2"
    plane.answers(plane.assigned[0][1], connection_id, accepted=True)
    assert plane.cancelled == [(connection_id, "call_1.1.1")], "it was asked anew, and that is what counts"


def test_no_job_is_named_twice_where_the_only_runner_is_gone_and_back(plane: Plane) -> None:
    plane.joins("bot#1", "c1")
    plane.claimed("bot#1")
    plane.sockets.gone.add("c1")
    assert plane.asks()["result"] == "none"
    plane.joins("bot#1", "c2")
    plane.calls.clock.move(1)
    assert plane.asks()["job_id"] == "call_1.1.2"


def test_a_caller_takes_the_place_of_the_runner_that_it_is_given(plane: Plane) -> None:
    plane.joins("bot#1", max_concurrent=1)
    plane.claimed(None)
    assert plane.asks()["worker_id"] == "bot#1"
    assert plane.calls.call().runner_id == "bot#1"
    assert in_use(plane) == {"bot#1": 1}


def test_a_place_that_another_call_has_just_taken_leads_to_the_next_runner(plane: Plane) -> None:
    for worker_id in ("bot#1", "bot#2"):
        plane.joins(worker_id, max_concurrent=1)
    plane.claimed(None)
    runners = plane.registry.runners

    def somebody_is_faster(account_id: str, agent_id: str | None = None) -> object:
        found = runners(account_id, agent_id)
        if "call_2" not in {item.get("call_id") for item in taken}:
            taken.append({"call_id": "call_2"})
            plane.claimed("bot#1", "call_2")
        return found

    taken: list[dict[str, str]] = []
    plane.registry.runners = somebody_is_faster  # type: ignore[method-assign,assignment]
    answer = plane.asks()
    assert (answer["worker_id"], plane.assigned_to) == ("bot#2", ["of bot#2"])
    assert in_use(plane) == {"bot#1": 1, "bot#2": 1}


def test_after_a_lost_bridge_another_runner_goes_on_and_the_lost_one_only_if_there_is_no_other(plane: Plane) -> None:
    for worker_id in ("bot#1", "bot#2"):
        plane.joins(worker_id)
    plane.claimed("bot#1")
    plane.asks()
    plane.answers(plane.assigned[0][1], "of bot#1", accepted=True)
    assert plane.asks(LOST)["worker_id"] == "bot#2"
    assert in_use(plane) == {"bot#1": 0, "bot#2": 1}
    plane.answers(plane.assigned[1][1], "of bot#2", accepted=True)
    plane.listen.disconnect("of bot#1")
    assert plane.asks(LOST)["worker_id"] == "bot#2", "it is there, and nobody else is"
    plane.listen.disconnect("of bot#2")
    assert plane.asks(LOST)["result"] == "none"


def test_a_call_that_is_over_is_assigned_to_nobody(plane: Plane) -> None:
    plane.joins("bot#1")
    call = plane.claimed(None)
    plane.calls.progress.apply(ACCOUNT, call.call_id, FoundOver(plane.calls.clock(), 1))
    with pytest.raises(CallIsOver):
        plane.assign.requested(call, Asked(1, JOIN, URL))
    assert plane.assigned == []


def test_a_refusal_after_the_end_asks_nobody_more(plane: Plane) -> None:
    for worker_id in ("bot#1", "bot#2"):
        plane.joins(worker_id)
    call = plane.claimed("bot#1")
    plane.asks()
    plane.calls.progress.apply(ACCOUNT, call.call_id, FoundOver(plane.calls.clock(), 1))
    plane.answers(plane.assigned[0][1], "of bot#1", accepted=False)
    assert plane.assigned_to == ["of bot#1"]


def test_nobody_answers_for_another_runner(plane: Plane) -> None:
    for worker_id in ("bot#1", "bot#2"):
        plane.joins(worker_id)
    plane.claimed("bot#1")
    plane.asks()
    plane.answers(plane.assigned[0][1], "of bot#2", accepted=False)
    assert plane.assigned_to == ["of bot#1"]


def test_a_write_whose_answer_got_lost_still_sends_its_assignment(plane: Plane) -> None:
    plane.joins("bot#1")
    plane.claimed("bot#1")
    assignments = plane.assign._assignments
    put = assignments.put

    def written_and_refused(before: object, after: object) -> bool:
        put(before, after)  # type: ignore[arg-type]
        return put(before, after)  # type: ignore[arg-type]

    assignments.put = written_and_refused  # type: ignore[method-assign]
    assert plane.asks()["result"] == "assigned"
    assert plane.assigned_to == ["of bot#1"]


def test_who_was_too_slow_to_give_a_place_gives_it_to_the_runner_that_is_assigned(plane: Plane) -> None:
    for worker_id in ("bot#1", "bot#2", "bot#3"):
        plane.joins(worker_id)
    plane.claimed("bot#3")
    plane.listen.disconnect("of bot#3")
    progress = plane.assign._progress
    apply = progress.apply
    applied = count()

    def slowly(account_id: str, call_id: str, event: object) -> object:
        if next(applied) == 0:
            plane.calls.clock.move(2)
            plane.asks(NO_DIAL, number=2)
        return apply(account_id, call_id, event)  # type: ignore[arg-type]

    progress.apply = slowly  # type: ignore[method-assign,assignment]
    plane.asks(number=1)
    assert plane.assigned_to == ["of bot#2"]
    assert plane.calls.call().runner_id == "bot#2"
    assert in_use(plane) == {"bot#1": 0, "bot#2": 1, "bot#3": 0}
