"""Speech workers: who is there, and what becomes of their calls when a job or a whole worker is lost."""

import json
from copy import replace
from typing import Any

import pytest

from ringline.agents.model.records import DEPLOYMENT
from ringline.calls.model.call import Call, State
from ringline.calls.model.events import AgentJoined, AgentReady, AgentSeen, Answered, Claimed, EndAsked, FoundOver
from ringline.calls.model.ports import NoPlace, Place, SpeechPlace
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.room_view import LegView, RoomView
from ringline.calls.model.timing import DISPATCH_EVERY_S, RUNNER_OVERDUE_S, SPEECH_WORKER_BACK_WITHIN_S
from ringline.calls.model.transfers.transfer import Target, TargetKind, TransferMode, TransferState
from ringline.calls.model.transfers.transfer_events import TransferAsked, TransferBegun
from ringline.calls.outbound.admit import Paced
from ringline.calls.progress.progress import Applied, PlaceTaken
from ringline.resources.workers import Workers
from ringline.runtime.table import OF_THE_DEPLOYMENT
from ringline.runtime.web.problems import Problem
from ringline.runtime.web.routes import Request
from tests.builders import ACCOUNT, NOW, a_transfer
from tests.component.agents.plane import AGENT, Plane, a_plane
from tests.component.one_table import LocalAws

LEG = LegView("sip-call_1-1", "PA_leg", "SCL_1", "active")
GHOST = AgentSeen("PA_old", NOW, "agent-old")


@pytest.fixture
def plane(local: LocalAws) -> Plane:
    return a_plane(local)


def talking(plane: Plane, worker_id: str = "speech#1", call_id: str = "call_1") -> Call:
    """A call in which that worker's first job speaks."""
    call = plane.claimed(None, call_id)
    plane.calls.telephony.open_rooms[call.room_name or ""] = plane.calls.clock()
    for event in (
        AgentReady(plane.calls.clock(), 1, ("user_spoke",), worker_id, 1),
        Answered(plane.calls.clock(), 1, "PA_leg", "SCL_1", GHOST),
    ):
        plane.calls.progress.apply(ACCOUNT, call_id, event)
    plane.calls.telephony.views = [RoomView((LEG,), (GHOST,))]
    call = plane.calls.call(call_id)
    assert (call.state, call.agent_sid, call.reports.worker_id) == (State.ACTIVE, "PA_old", worker_id)
    return call


def successor_joins(plane: Plane) -> None:
    now = plane.calls.clock()
    plane.calls.progress.apply(ACCOUNT, "call_1", AgentReady(now, 1, ("user_spoke",), "speech#2", 2))
    plane.calls.progress.apply(ACCOUNT, "call_1", AgentJoined(now, 1, "PA_new"))


# --- a job is lost ---------------------------------------------------------------------------------------------------


def test_a_lost_job_gives_its_call_to_another_worker_at_once_and_its_ghost_leaves_the_room(plane: Plane) -> None:
    connection = plane.speech_joins("speech#1")
    talking(plane)
    plane.calls.clock.move(10)
    plane.loses_job(connection)
    call = plane.calls.call()
    assert plane.calls.telephony.sent_agents == [2]
    assert plane.calls.telephony.removed == ["agent-old"]
    assert (call.state, call.agent_left_at, call.reports.worker_id) == (State.ACTIVE, plane.calls.clock(), None)
    assert plane.calls.looks.asked == [(ACCOUNT, "call_1", DISPATCH_EVERY_S)]
    successor_joins(plane)
    call = plane.calls.call()
    assert (call.agent_sid, call.agent_left_at, call.reports.worker_id) == ("PA_new", None, "speech#2")


def test_a_lost_jobs_ghost_leaves_the_room_under_whatever_sid(plane: Plane) -> None:
    connection = plane.speech_joins("speech#1")
    talking(plane)
    plane.calls.telephony.views = [RoomView((LEG,), (replace(GHOST, sid="PA_again"),))]
    plane.loses_job(connection)
    assert plane.calls.telephony.removed == ["agent-old"]


def test_a_job_that_is_told_lost_again_changes_nothing(plane: Plane) -> None:
    connection = plane.speech_joins("speech#1")
    talking(plane)
    plane.loses_job(connection)
    plane.loses_job(connection)
    successor_joins(plane)
    plane.loses_job(connection)
    assert plane.calls.telephony.sent_agents == [2]
    assert plane.calls.call().agent_sid == "PA_new"


@pytest.mark.parametrize("token", [f"{ACCOUNT}/call_2/1", f"{ACCOUNT}/call_1/7", "another-account/call_1/1"])
def test_only_the_token_says_whose_call_was_lost(plane: Plane, token: str) -> None:
    connection = plane.speech_joins("speech#1")
    before = talking(plane)
    plane.loses_job(connection, token=token)
    assert plane.calls.call() == before
    assert plane.calls.telephony.sent_agents == []


def test_a_runner_cannot_say_that_a_job_was_lost(plane: Plane) -> None:
    connection = plane.joins("bot#1")
    before = talking(plane)
    plane.loses_job(connection)
    assert plane.calls.call() == before


def test_a_speech_worker_cannot_answer_for_a_runner(plane: Plane) -> None:
    plane.joins("bot#1")
    plane.claimed("bot#1")
    plane.asks()
    ((_, job),) = plane.assigned
    plane.answers(job, plane.speech_joins("speech#1"), accepted=False)
    assert plane.assigned_to == ["of bot#1"]


def test_where_livekit_cannot_be_asked_the_look_sends_the_next(plane: Plane) -> None:
    connection = plane.speech_joins("speech#1")
    talking(plane)
    plane.calls.telephony.down = True
    plane.loses_job(connection)
    assert plane.calls.telephony.sent_agents == []
    assert plane.calls.call().agent_left_at is not None
    plane.calls.telephony.down = False
    plane.calls.clock.move(DISPATCH_EVERY_S)
    plane.calls.look_again("call_1")
    assert plane.calls.telephony.sent_agents == [3]


def test_whoever_dies_before_the_next_is_sent_leaves_a_look_that_sends_it(
    plane: Plane, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = plane.speech_joins("speech#1")
    talking(plane)

    async def dies(_call: Call) -> None:
        raise MemoryError

    with monkeypatch.context() as patched, pytest.raises(MemoryError):
        patched.setattr(plane.calls.telephony, "send_agent", dies)
        plane.loses_job(connection)
    assert plane.calls.looks.asked == [(ACCOUNT, "call_1", DISPATCH_EVERY_S)]
    plane.calls.clock.move(DISPATCH_EVERY_S)
    plane.calls.look_again("call_1")
    assert plane.calls.telephony.sent_agents == [3]


def test_a_call_that_no_other_worker_takes_ends_as_its_agents_failure(plane: Plane) -> None:
    connection = plane.speech_joins("speech#1")
    talking(plane)
    plane.loses_job(connection)
    for _ in range(2):
        plane.calls.clock.move(DISPATCH_EVERY_S)
        plane.calls.look_again("call_1")
    call = plane.calls.call()
    assert (call.state, call.end_reason) == (State.ENDED, EndReason.AGENT_FAILED)
    assert plane.calls.telephony.sent_agents == [2, 3]


def test_before_the_answer_nobody_counts_as_there_until_the_next_worker_is_ready(plane: Plane) -> None:
    connection = plane.speech_joins("speech#1")
    plane.claimed(None)
    plane.calls.progress.apply(ACCOUNT, "call_1", AgentReady(NOW, 1, ("user_spoke",), "speech#1", 1))
    plane.calls.telephony.views = [RoomView((), (GHOST,))]
    plane.loses_job(connection)
    call = plane.calls.call()
    assert call.reports.ready_at is None
    assert (plane.calls.telephony.sent_agents, plane.calls.telephony.removed) == ([2], ["agent-old"])


def awaiting_another(plane: Plane) -> None:
    """The call's agent has asked for another one, which is on its way with the second dispatch."""
    talking(plane)
    now = plane.calls.clock()
    target = Target(TargetKind.AGENT, "AGENT_2", "runner")
    transfer = a_transfer(now, target=target, mode=TransferMode.COLD, warm_handoff_ms=None)
    for event in (TransferAsked(now, 1, transfer), TransferBegun(now, 1, "transfer_1")):
        plane.calls.progress.apply(ACCOUNT, "call_1", event)


def test_an_agent_whose_job_is_lost_on_its_way_is_sent_again_and_who_asked_for_it_talks_on(plane: Plane) -> None:
    awaiting_another(plane)
    plane.loses_job(plane.speech_joins("speech#2"), dispatch=2)
    call = plane.calls.call()
    assert (plane.calls.telephony.sent_agents, plane.calls.telephony.removed) == ([3], [])
    assert (call.agent_id, call.agent_left_at) == ("AGENT_2", None)


def test_a_call_that_loses_its_worker_while_another_agent_is_awaited_has_one_again_if_that_does_not_come(
    plane: Plane,
) -> None:
    connection = plane.speech_joins("speech#1")
    awaiting_another(plane)
    plane.calls.clock.move(2)
    plane.listen.disconnect(connection)
    assert plane.look_for("speech#1") == 1
    assert (plane.calls.telephony.sent_agents, plane.calls.telephony.removed) == ([], ["agent-old"])
    plane.calls.telephony.views = [RoomView((LEG,), ())]
    plane.calls.clock.move(30)
    plane.calls.look_again("call_1")
    plane.calls.look_again("call_1")
    call = plane.calls.call()
    assert (call.agent_id, call.transfers[0].state) == (AGENT, TransferState.FAILED)
    assert (call.state, plane.calls.telephony.sent_agents) == (State.ACTIVE, [3])


# --- a worker is lost ------------------------------------------------------------------------------------------------


def test_the_calls_of_a_worker_that_does_not_come_back_go_to_others(plane: Plane) -> None:
    connection = plane.speech_joins("speech#1")
    plane.speech_joins("speech#2")
    talking(plane, "speech#1")
    talking(plane, "speech#2", "call_2")
    plane.listen.disconnect(connection)
    assert plane.looked_for == [("speech#1", SPEECH_WORKER_BACK_WITHIN_S)]
    plane.calls.clock.move(SPEECH_WORKER_BACK_WITHIN_S)
    assert plane.look_for("speech#1") == 1
    assert plane.calls.telephony.sent_agents == [2]
    assert plane.calls.call("call_1").agent_left_at is not None
    assert plane.calls.call("call_2").agent_left_at is None
    assert plane.look_for("speech#1") == 0, "looking again changes nothing"


def test_a_worker_that_is_back_keeps_its_calls(plane: Plane) -> None:
    connection = plane.speech_joins("speech#1")
    before = talking(plane)
    plane.listen.disconnect(connection)
    plane.speech_joins("speech#1", "its next")
    assert plane.look_for("speech#1") == 0
    assert plane.calls.call() == before


def test_the_sweep_finds_a_worker_whose_beats_have_stopped(plane: Plane) -> None:
    plane.speech_joins("speech#1")
    talking(plane)
    plane.calls.clock.move(RUNNER_OVERDUE_S - 1)
    assert plane.look_for() == 0
    plane.calls.clock.move(1)
    assert plane.look_for() == 1
    assert plane.look_for() == 0
    assert plane.calls.telephony.sent_agents == [2]


# --- who is there ----------------------------------------------------------------------------------------------------


def listed(plane: Plane, **query: str) -> list[dict[str, Any]]:
    answer = Workers(plane.registry, plane.pages, plane.calls.clock).list_them(Request(ACCOUNT, query, {}))
    rows: list[dict[str, Any]] = json.loads(answer.body or "")["data"]
    return rows


def test_speech_workers_are_shown_beside_the_accounts_own_runners(plane: Plane) -> None:
    plane.joins("bot#1")
    plane.beats(plane.speech_joins("speech#1"), active_jobs=2)
    plane.calls.clock.move(3.5)
    media, brain = listed(plane)
    assert media == {
        "worker_id": "speech#1",
        "pool": "ringline-speech",
        "max_concurrent": 2,
        "active_jobs": 2,
        "load": 1.0,
        "draining": False,
        "calls": [],
        "has_capacity": False,
        "agent_id": None,
        "transport": None,
        "voice_profiles": [],
        "last_heartbeat_age_s": 3.5,
        "kind": "media",
        "bridge_base": "ws://10.0.0.4:8081",
    }
    assert (brain["worker_id"], brain["kind"], brain["transport"]) == ("bot#1", "brain", "dial_out")
    assert set(brain) == set(media)
    assert listed(plane, kind="media") == [media]
    assert listed(plane, kind="brain") == [brain]
    with pytest.raises(Problem):
        listed(plane, kind="others")


def test_a_workers_calls_are_shown_to_their_account_alone(plane: Plane) -> None:
    plane.speech_joins("speech#1")
    talking(plane)
    assert [row["calls"] for row in listed(plane, kind="media")] == [["call_1"]]
    answer = Workers(plane.registry, plane.pages, plane.calls.clock).list_them(Request("acc_2", {"kind": "media"}, {}))
    assert [row["calls"] for row in json.loads(answer.body or "")["data"]] == [[]]


def test_who_registers_as_something_else_on_a_workers_connection_is_refused(plane: Plane) -> None:
    plane.listen.connect("c", "*")
    plane.register("bot#1", "c")
    ((_, frame),) = plane.sockets.sent
    assert frame["detail"] == "not_a_speech_worker"
    assert plane.registry.speech_workers() == []


# --- places ----------------------------------------------------------------------------------------------------------


def waits_for_speech(plane: Plane) -> None:
    plane.joins("bot#1")
    plane.calls.queued(brain="runner", agent_id="AGENT_1")
    plane.calls.watchlist.mark_waiting(ACCOUNT, plane.calls.clock())


def test_a_call_waits_while_no_speech_worker_has_room_and_is_rung_for_when_one_has(plane: Plane) -> None:
    connection = plane.speech_joins("speech#1", places=1)
    plane.beats(connection, active_jobs=1)
    waits_for_speech(plane)
    assert isinstance(plane.registry.least_loaded(ACCOUNT, "AGENT_1"), Place)
    plane.calls.ring()
    assert plane.calls.call().state is State.QUEUED
    plane.calls.doorbell.rings.clear()
    plane.beats(connection, active_jobs=1)
    assert plane.calls.doorbell.accounts == []
    plane.beats(connection, active_jobs=0)
    assert plane.calls.doorbell.accounts == [ACCOUNT]
    plane.calls.telephony.awaited = [RoomView((), ())]
    assert plane.calls.next_call(ACCOUNT) == plane.calls.call()
    assert plane.calls.call().state is State.DIALING


def test_of_calls_that_are_claimed_at_once_no_more_go_than_speech_workers_have_places(plane: Plane) -> None:
    """Also before LiveKit has given a worker any of them, and whoever of its dialers has looked before."""
    plane.speech_joins("speech#1", places=2)
    plane.speech_joins("speech#2", places=1)
    for number in range(5):
        plane.calls.queued(f"call_{number}", brain="prompt", agent_id="AGENT_1", created_at=NOW + number)
    plane.calls.clock.move(1)
    claimed = [plane.calls.next_call(ACCOUNT) for _ in range(3)]
    assert all(isinstance(each, Call) for each in claimed)
    assert isinstance(plane.calls.next_call(ACCOUNT), Paced)
    assert sorted(worker.in_use for worker in plane.registry.speech_workers()) == [1, 2]
    assert OF_THE_DEPLOYMENT == DEPLOYMENT
    assert plane.registry.speech_is_full()
    plane.calls.progress.apply(ACCOUNT, "call_0", EndAsked(plane.calls.clock(), EndReason.API_HUNG_UP))
    plane.calls.progress.apply(ACCOUNT, "call_0", FoundOver(plane.calls.clock(), 1))
    assert sum(worker.in_use for worker in plane.registry.speech_workers()) == 2
    again = plane.calls.next_call(ACCOUNT)
    assert isinstance(again, Call) and again.call_id == "call_3"


def test_a_place_that_another_dialer_takes_first_is_looked_for_anew(plane: Plane) -> None:
    plane.speech_joins("speech#1", places=1)
    for number in range(2):
        plane.calls.queued(f"call_{number}", brain="prompt", agent_id="AGENT_1", created_at=NOW + number)
    plane.calls.clock.move(1)
    stale = plane.registry.speech_place()
    assert isinstance(stale, SpeechPlace)
    first, second = (plane.calls.call(f"call_{number}") for number in range(2))
    claim = Claimed(plane.calls.clock(), speech_row=stale.row)
    assert isinstance(plane.calls.progress.apply_to(first, claim), Applied)
    assert isinstance(plane.calls.progress.apply_to(second, claim), PlaceTaken)
    assert plane.calls.call("call_1").state is State.QUEUED


def test_callers_whom_livekit_gave_a_worker_take_its_room_as_its_beats_tell(plane: Plane) -> None:
    connection = plane.speech_joins("speech#1", places=2)
    plane.beats(connection, active_jobs=2)
    assert isinstance(plane.registry.speech_place(), NoPlace)


def test_where_no_speech_worker_ever_registered_livekit_decides(plane: Plane) -> None:
    waits_for_speech(plane)
    assert not plane.registry.speech_is_full()
    assert plane.calls.next_call(ACCOUNT) == plane.calls.call()


def test_a_prompts_call_waits_for_speech_as_well_and_one_of_the_customers_own_agent_does_not(plane: Plane) -> None:
    plane.listen.disconnect(plane.speech_joins("speech#1"))
    plane.calls.queued("call_1", brain="prompt", agent_id="AGENT_1")
    plane.calls.queued("call_2", agent_id="AGENT_1")
    claimed = plane.calls.next_call(ACCOUNT)
    assert isinstance(claimed, Call) and claimed.call_id == "call_2"
