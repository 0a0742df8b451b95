"""Who is there, as the table has it: registered by worker, heard by connection."""

import pytest

from ringline.agents.model.presence import Presence, presence_of
from ringline.agents.model.timing import CONNECTION_KEPT_S
from ringline.calls.model.ports import NoPlace, Place
from ringline.routing.records import Agent
from ringline.routing.store import RoutingStore
from tests.builders import ACCOUNT, NOW
from tests.component.agents.plane import AGENT, Plane, a_plane
from tests.component.one_table import LocalAws


@pytest.fixture
def plane(local: LocalAws) -> Plane:
    return a_plane(local)


def presence(plane: Plane, worker_id: str = "bot#1") -> Presence:
    return presence_of(plane.runner(worker_id), plane.calls.clock())


def replies(plane: Plane, connection_id: str) -> list[str | None]:
    return [frame["transport_ack"] for to, frame in plane.sockets.frames("registered") if to == connection_id]


def test_a_runner_that_registers_is_there_with_its_places(plane: Plane) -> None:
    plane.joins("bot#1", max_concurrent=5, hostname="runner-1", region="eu")
    runner = plane.runner("bot#1")
    assert (runner.max_concurrent, runner.in_use, runner.hostname, runner.region) == (5, 0, "runner-1", "eu")
    assert presence(plane) is Presence.LIVE
    assert replies(plane, "of bot#1") == ["dial_out"]
    assert plane.registry.least_loaded(ACCOUNT, AGENT) == Place("bot#1")


def test_it_is_told_so_before_it_can_be_assigned_anything(plane: Plane) -> None:
    """Its first frame must be `registered`."""
    seen: list[Presence] = []
    send = plane.sockets.send

    def look_and_send(connection_id: str, frame: str) -> object:
        seen.append(presence(plane))
        return send(connection_id, frame)

    plane.sockets.send = look_and_send  # type: ignore[method-assign,assignment]
    plane.joins("bot#1")
    assert seen == [Presence.GONE]
    assert presence(plane) is Presence.LIVE


@pytest.mark.parametrize("told", ["unknown", "speaks"])
def test_a_runner_of_an_agent_that_has_none_is_told_to_end(plane: Plane, local: LocalAws, told: str) -> None:
    RoutingStore(local.dynamodb, local.table_name).put_agent(ACCOUNT, Agent(agent_id="speaks", name="Livekit"))
    plane.joins("x#1", agent_id=told)
    ((_, frame),) = plane.sockets.sent
    assert (frame["type"], frame["transport_ack"]) == ("registered", "refused")
    assert frame["detail"] == {"unknown": "agent_not_found", "speaks": "agent_has_no_runners"}[told]
    plane.beats("of x#1")
    assert plane.registry.runners(ACCOUNT) == []


def test_an_agent_of_another_account_is_not_found(plane: Plane, local: LocalAws) -> None:
    RoutingStore(local.dynamodb, local.table_name).put_agent("acc_2", Agent(agent_id="b", name="B", brain="runner"))
    plane.joins("b#1", agent_id="b")
    assert replies(plane, "of b#1") == ["refused"]


@pytest.mark.parametrize("transport", [None, "serve"])
def test_a_runner_that_wants_to_be_dialled_is_not_served(plane: Plane, transport: str | None) -> None:
    plane.joins("bot#1", transport=transport)
    assert replies(plane, "of bot#1") == ["refused"]


def test_a_runner_in_development_is_shown_and_takes_no_calls(plane: Plane) -> None:
    plane.joins("bot#1", pool=f"{AGENT}@dev")
    assert presence(plane) is Presence.LIVE
    assert plane.registry.least_loaded(ACCOUNT, AGENT) == NoPlace(None)


def test_a_runner_that_comes_back_replaces_itself_and_keeps_its_calls(plane: Plane) -> None:
    plane.joins("bot#1", "c1")
    plane.claimed("bot#1")
    plane.joins("bot#1", "c2", max_concurrent=9)
    runner = plane.runner("bot#1")
    assert (runner.connection_id, runner.max_concurrent, runner.in_use) == ("c2", 9, 1)
    assert presence(plane) is Presence.LIVE


def test_what_comes_late_from_the_old_connection_changes_nothing(plane: Plane) -> None:
    plane.joins("bot#1", "c1")
    plane.calls.clock.move(1)
    plane.joins("bot#1", "c2")
    plane.register("bot#1", "c1", max_concurrent=1)
    plane.beats("c1", active_jobs=7)
    plane.listen.disconnect("c1")
    runner = plane.runner("bot#1")
    assert (runner.connection_id, runner.heard_on, runner.max_concurrent, runner.active_jobs) == ("c2", "c2", 2, 0)
    assert presence(plane) is Presence.LIVE


def test_a_runner_whose_connection_closes_is_gone_at_once_and_was_seen(plane: Plane) -> None:
    connection = plane.joins("bot#1")
    plane.listen.disconnect(connection)
    assert presence(plane) is Presence.GONE
    assert plane.registry.least_loaded(ACCOUNT, AGENT) == NoPlace(NOW)
    plane.beats(connection)
    assert presence(plane) is Presence.GONE, "a beat that was overtaken by the end of its connection"
    plane.listen.disconnect(connection)


def test_a_runner_that_does_not_beat_gets_no_call_until_it_beats_again(plane: Plane) -> None:
    connection = plane.joins("bot#1")
    plane.calls.clock.move(20)
    assert plane.registry.least_loaded(ACCOUNT, AGENT) == NoPlace(NOW)
    plane.beats(connection)
    assert plane.registry.least_loaded(ACCOUNT, AGENT) == Place("bot#1")


def test_the_bell_rings_for_who_waits_when_a_runner_comes_or_comes_back_and_not_at_each_beat(plane: Plane) -> None:
    plane.calls.queued(brain="runner", agent_id=AGENT)
    connection = plane.joins("bot#1")
    assert plane.calls.doorbell.accounts == [ACCOUNT]
    plane.calls.clock.move(10)
    plane.beats(connection)
    assert plane.calls.doorbell.accounts == [ACCOUNT]
    plane.calls.clock.move(20)
    plane.beats(connection)
    assert plane.calls.doorbell.accounts == [ACCOUNT, ACCOUNT]


def test_nobody_is_rung_for_where_nobody_waits(plane: Plane) -> None:
    plane.joins("bot#1")
    assert plane.calls.doorbell.accounts == []


def test_a_runner_that_may_not_have_been_answered_is_made_to_come_again(plane: Plane) -> None:
    plane.sockets.unknown.add("c1")
    plane.joins("bot#1", "c1")
    assert plane.sockets.closed == ["c1"]
    assert presence(plane) is Presence.GONE


def test_frames_of_a_connection_that_nobody_knows_change_nothing(plane: Plane) -> None:
    plane.register("bot#1", "c9")
    plane.beats("c9")
    plane.listen.disconnect("c9")
    assert plane.registry.runners(ACCOUNT) == []
    assert plane.sockets.sent == []


def test_a_beat_before_registering_makes_no_runner(plane: Plane) -> None:
    plane.listen.connect("c1", ACCOUNT)
    plane.beats("c1")
    assert plane.registry.runners(ACCOUNT) == []


def test_a_connection_that_lasts_is_kept(plane: Plane) -> None:
    connection = plane.joins("bot#1")
    for _ in range(3):
        plane.calls.clock.move(CONNECTION_KEPT_S * 3 // 4)
        plane.beats(connection)
        kept = plane.registry.connection(connection)
        assert kept is not None
        assert kept.ttl_at_s > plane.calls.clock() // 1000 + CONNECTION_KEPT_S // 4
