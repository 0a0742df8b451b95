"""What an endpoint has missed is sent to it again, a few events at a time, whatever dies on the way."""

from copy import replace

import pytest

from ringline.runtime.web.problems import Problem
from ringline.webhooks.model.event_type import EventType
from ringline.webhooks.model.replay import ReplayOf, ReplayStatus
from ringline.webhooks.replaying import steps
from ringline.webhooks.replaying.steps import SENT_A_STEP, NotThisStep
from ringline.webhooks.sending.client import Answered
from ringline.webhooks.sending.queue import ReplayMessage
from tests.builders import NOW
from tests.component.one_table import LocalAws
from tests.component.webhooks.replay_world import ACCOUNT, ENDPOINT, ReplayWorld
from tests.unit.webhooks.webhook_fakes import PowerCut

_MOST_CUTS = 60


@pytest.fixture(autouse=True)
def three_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "SENT_A_STEP", 3)


def test_what_was_not_taken_is_sent_again_with_the_same_id_and_bytes(local: LocalAws) -> None:
    world = ReplayWorld(local, events=6)
    world.tell(1, 3)
    world.receiver.answers = [Answered(410), Answered(200)]
    world.tell(2)
    world.change()  # 410 has disabled it
    before = world.receiver.posts[-1]
    replay = world.start()
    assert (replay.status, replay.from_sequence, replay.until_sequence) == (ReplayStatus.RUNNING, 1, 6)
    world.receiver.posts.clear()
    world.work(10)
    assert world.told == world.ids(2, 4, 5, 6)
    assert world.receiver.posts[0].body == before.body
    done = world.replay(replay)
    assert (done.status, done.progress, done.looked_at, done.sent) == (ReplayStatus.DONE, 1.0, 6, 4)
    again = world.start()
    world.work(10)
    assert (world.replay(again).sent, len(world.told)) == (0, 4)


def test_all_is_sent_again_where_that_is_asked_for(local: LocalAws) -> None:
    world = ReplayWorld(local, events=4)
    world.tell(1, 2, 3, 4)
    world.receiver.posts.clear()
    world.start(only=ReplayOf.ALL, from_sequence=2)
    world.work(10)
    assert world.told == world.ids(2, 3, 4)
    delivery = world.deliveries.delivery(world.named(3))
    assert delivery is not None and delivery.is_delivered
    assert [attempt.status_code for attempt in delivery.attempts] == [200, 200]


def test_a_replay_is_bounded_by_moments_and_holds_nothing_that_happens_later(local: LocalAws) -> None:
    world = ReplayWorld(local, events=8)
    replay = world.start(from_sequence=None, since=NOW + 2_000, until=NOW + 5_000)
    assert (replay.from_sequence, replay.until_sequence) == (3, 5)
    world.work(5)
    world.start()
    world.happen()
    world.work(10)
    assert world.told == world.ids(3, 4, 5, 1, 2, 6, 7, 8)


def test_types_that_are_named_count_instead_of_the_endpoints_own(local: LocalAws) -> None:
    types = (EventType.CALL_ENDED, EventType.CALL_ACTIVE, EventType.TEST_PING)
    world = ReplayWorld(local, events=9, types=types)
    world.start(event_types=("call_active",))
    world.work(10)
    assert world.told == world.ids(2, 5, 8)
    world.start(only=ReplayOf.ALL)
    world.work(10)
    assert world.told[3:] == world.ids(1, 2, 4, 5, 7, 8), "a test went to one endpoint alone"


def test_an_endpoint_has_not_missed_what_happened_before_it_was_made(local: LocalAws) -> None:
    world = ReplayWorld(local, events=4)
    world.change(created_at=NOW + 2_000)
    world.start()
    world.work(5)
    assert world.told == world.ids(3, 4)
    world.start(only=ReplayOf.ALL)
    world.work(5)
    assert world.told[2:] == world.ids(1, 2, 3, 4)


def test_it_sends_a_few_a_second_and_shows_how_far_it_is(local: LocalAws) -> None:
    world = ReplayWorld(local, events=10)
    replay = world.start()
    sent, shares = [], []
    for _ in range(5):
        world.work(1)
        sent.append(len(world.told))
        shares.append(round(world.replay(replay).progress, 2))
    assert sent == [3, 6, 9, 10, 10]
    assert shares == [0.3, 0.6, 0.9, 1.0, 1.0]
    assert SENT_A_STEP == 10, "so it is without this test's"


def test_what_happens_meanwhile_is_told_before_what_is_left_of_it(local: LocalAws) -> None:
    world = ReplayWorld(local, events=8)
    world.start()
    world.work(1)
    live = world.happen()
    world.tell(live.sequence)
    world.work(5)
    assert world.told.index(live.event_id) == 3
    assert len(world.told) == 9


def test_one_replay_of_an_endpoint_runs_at_a_time(local: LocalAws) -> None:
    world = ReplayWorld(local, events=8)
    first = world.start()
    with pytest.raises(Problem, match="under way"):
        world.start()
    world.replays.stop(ACCOUNT, ENDPOINT, first.replay_id)
    second = world.start()
    assert [each.replay_id for each in world.replays.list(ACCOUNT, ENDPOINT, 10, None)] == [
        second.replay_id,
        first.replay_id,
    ]
    assert world.replays.list(ACCOUNT, ENDPOINT, 10, second.replay_id) == [world.replay(first)]
    world.work(5)
    world.start()


def test_a_stopped_one_sends_no_more_and_stays_as_it_was(local: LocalAws) -> None:
    world = ReplayWorld(local, events=8)
    replay = world.start()
    world.work(1)
    stopped = world.replays.stop(ACCOUNT, ENDPOINT, replay.replay_id)
    assert (stopped.status, stopped.sent, stopped.progress) == (ReplayStatus.STOPPED, 3, 0.375)
    world.work(200)
    assert len(world.told) == 3
    assert world.replays.stop(ACCOUNT, ENDPOINT, replay.replay_id) == stopped


def test_it_stops_when_its_endpoint_goes(local: LocalAws) -> None:
    world = ReplayWorld(local, events=8)
    disabled = world.start()
    world.change(disabled_at=NOW)
    world.work(2)
    assert world.replay(disabled).stopped_because == "the endpoint was disabled"
    deleted = world.start()
    world.endpoints.delete(ACCOUNT, ENDPOINT)
    world.work(2)
    assert world.replay(deleted).stopped_because == "the endpoint was deleted"
    assert world.told == []


def test_what_fails_again_has_its_whole_schedule_once_more(local: LocalAws) -> None:
    world = ReplayWorld(local, events=1)
    world.receiver.answers = [Answered(500), Answered(500), Answered(200)]
    world.tell(1)
    world.start()
    world.work(1)
    delivery = world.deliveries.delivery(world.named(1))
    assert delivery is not None and (delivery.attempt_count, delivery.tries_before) == (2, 1)
    assert delivery.next_attempt_at is not None and delivery.next_attempt_at - delivery.attempts[-1].at == 5_000
    world.work(10)
    assert len(world.told) == 3


def test_a_step_that_was_made_is_not_made_again(local: LocalAws) -> None:
    world = ReplayWorld(local, events=8)
    replay = world.start()
    first = ReplayMessage(ACCOUNT, ENDPOINT, replay.replay_id, 0)
    world.take(first)
    assert world.take(first) == NotThisStep()
    world.work(10)
    assert sorted(world.told) == sorted(world.ids(*range(1, 9)))


def test_the_sweep_goes_on_with_a_replay_whose_step_got_lost(local: LocalAws) -> None:
    world = ReplayWorld(local, events=5)
    replay = world.start()
    world.queue.waiting.clear()
    world.work(59)
    assert world.told == []
    world.work(180)
    assert world.replay(replay).status is ReplayStatus.DONE
    assert len(world.told) == 5


def test_a_death_at_any_step_loses_nothing_and_repeats_only_what_was_under_way(
    local: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "SENT_A_STEP", 1)
    world = ReplayWorld(local, events=0)
    for cut in range(_MOST_CUTS):
        wanted = [world.happen() for _ in range(2)]
        world.receiver.posts.clear()
        world.steps.taken, world.steps.cut_after = 0, cut
        try:
            replay = world.start(from_sequence=wanted[0].sequence)
        except PowerCut:
            # Whoever asked has no answer. If it was begun it goes on by itself.
            world.steps.cut_after = None
            begun = [each for each in world.replays.list(ACCOUNT, ENDPOINT, 1, None) if each.is_running]
            replay = begun[0] if begun else world.start(from_sequence=wanted[0].sequence)
        world.work(500)
        assert world.replay(replay).status is ReplayStatus.DONE
        assert world.replay(replay).sent == 2
        assert set(world.told) == {event.event_id for event in wanted}
        # A POST is repeated only where the function died before it was written down.
        assert len(world.told) <= 3
        if world.steps.cut_after is not None:
            break
    assert 10 < cut < _MOST_CUTS - 1, "each step was cut once"


def test_what_was_taken_of_a_former_event_at_the_number_is_not_this_one_s(local: LocalAws) -> None:
    world = ReplayWorld(local, events=2)
    world.tell(1, 2)
    known = world.deliveries.delivery(world.named(2))
    assert known is not None
    world.deliveries.record_delivered(replace(known, event_id="evt_former"), world.clock())
    world.start()
    world.work(5)
    assert world.told[2:] == world.ids(2)
