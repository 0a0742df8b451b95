"""One try of one delivery, and what is recorded and planned after it."""

import json

import pytest

from ringline.webhooks.model.delivery import Attempt, DeliveryStatus
from ringline.webhooks.model.schedule import WAITS_S
from ringline.webhooks.sending.client import Answered, Failure
from ringline.webhooks.sending.deliver import (
    AlreadyDone,
    Delivered,
    EndpointGone,
    GaveUp,
    NothingToSend,
    NotYetDue,
    WillRetry,
)
from tests.builders import NOW, at
from tests.unit.webhooks.webhook_fakes import DELIVERY_ID, MESSAGE, PowerCut, World, a_world, an_endpoint


def test_a_success_is_posted_once_and_written_once() -> None:
    world = a_world(204)
    assert world.deliver.run(MESSAGE) == Delivered(1)
    assert world.record is not None and world.record.status is DeliveryStatus.DELIVERED
    assert world.record.attempts == (Attempt(NOW, 40, status_code=204),)
    assert (world.record.due_at, world.record.sequence) == (None, 5)
    assert len(world.receiver.posts) == 1
    assert world.steps.taken == 3  # reads the record and the endpoint, writes the record


def test_the_body_is_type_timestamp_of_the_event_and_the_call() -> None:
    world = a_world()
    world.deliver.run(MESSAGE)
    assert json.loads(world.receiver.posts[0].body) == {
        "type": "call_end",
        "timestamp": "2026-11-21T01:34:31.000Z",
        "data": {"call_id": "call_1", "status": "completed", "sequence": MESSAGE.sequence},
    }
    assert world.receiver.posts[0].headers["content-type"] == "application/json"


def test_a_message_of_what_is_delivered_posts_nothing() -> None:
    world = a_world()
    world.deliver.run(MESSAGE)
    assert world.deliver.run(MESSAGE) == AlreadyDone()
    assert len(world.receiver.posts) == 1


def test_a_first_failure_is_tried_again_after_five_seconds_by_message() -> None:
    world = a_world(500)
    assert world.deliver.run(MESSAGE) == WillRetry(1, 5_000, "status 500")
    assert world.queue.sent_later == [(MESSAGE, 5_000)]
    assert world.record is not None and world.record.next_attempt_at == NOW + 40 + 5_000
    # The sweep looks a minute later, in case the message gets lost.
    assert world.record.due_at == world.record.next_attempt_at + 60_000


def test_a_long_wait_is_left_to_the_sweep() -> None:
    world = a_world(Answered(503, retry_after="3600"))
    assert world.deliver.run(MESSAGE) == WillRetry(1, 3_600_000, "status 503")
    assert world.queue.sent_later == []
    assert world.record is not None and world.record.due_at == world.record.next_attempt_at == NOW + 40 + 3_600_000


@pytest.mark.parametrize("failure", list(Failure))
def test_no_answer_is_a_failure_with_its_name(failure: Failure) -> None:
    world = a_world(failure)
    assert world.deliver.run(MESSAGE) == WillRetry(1, 5_000, failure.value)
    assert world.record is not None and world.record.attempts == (Attempt(NOW, 40, error=failure),)


def test_the_webhook_id_stays_over_retries_and_the_timestamp_moves() -> None:
    world = a_world(500, 200)
    world.deliver.run(MESSAGE)
    world.clock.move(6)
    assert world.deliver.run(MESSAGE) == Delivered(2)
    first, second = (post.headers for post in world.receiver.posts)
    assert first["webhook-id"] == second["webhook-id"] == DELIVERY_ID.webhook_id
    assert int(second["webhook-timestamp"]) - int(first["webhook-timestamp"]) == 6
    assert world.receiver.posts[0].body == world.receiver.posts[1].body


def test_a_doubled_message_before_its_moment_posts_nothing() -> None:
    world = a_world(500)
    world.deliver.run(MESSAGE)
    assert world.deliver.run(MESSAGE) == NotYetDue()
    assert len(world.receiver.posts) == 1


def test_a_message_that_comes_a_moment_early_is_taken() -> None:
    world = a_world(500, 200)
    world.deliver.run(MESSAGE)
    world.clock.move(4.5)
    assert world.deliver.run(MESSAGE) == Delivered(2)


def test_after_the_last_try_it_gives_up_and_stands_on_no_list() -> None:
    world = a_world(500)
    for _ in WAITS_S[:-1]:
        assert isinstance(world.deliver.run(MESSAGE), WillRetry)
        world.clock.move(48 * 3600)
    assert world.deliver.run(MESSAGE) == GaveUp(10, "status 500")
    assert world.record is not None and world.record.status is DeliveryStatus.GAVE_UP
    assert (world.record.due_at, world.record.next_attempt_at) == (None, None)
    assert world.deliver.run(MESSAGE) == AlreadyDone()


def test_410_gives_up_and_disables_the_endpoint() -> None:
    world = a_world(410)
    assert world.deliver.run(MESSAGE) == GaveUp(1, "status 410")
    assert world.table.kept_endpoints["ep_1"].disabled_at == NOW + 40
    assert world.record is not None and world.record.status is DeliveryStatus.GAVE_UP


@pytest.mark.parametrize("gone", ["deleted", "disabled"])
def test_an_endpoint_that_is_gone_gets_nothing_and_the_log_says_so(gone: str) -> None:
    world = a_world(endpoint=an_endpoint(disabled_at=NOW))
    if gone == "deleted":
        world.table.kept_endpoints.clear()
    assert world.deliver.run(MESSAGE) == EndpointGone()
    assert world.receiver.posts == []
    assert world.record is not None
    assert (world.record.status, world.record.attempt_count) == (DeliveryStatus.GAVE_UP, 0)


def test_a_failing_delivery_to_a_deleted_endpoint_leaves_the_sweeps_list() -> None:
    world = a_world(500)
    world.deliver.run(MESSAGE)
    world.table.kept_endpoints.clear()
    assert world.deliver.run(MESSAGE) == EndpointGone()
    assert world.record is not None and world.record.status is DeliveryStatus.GAVE_UP
    assert world.record.due_at is None


def test_a_call_that_is_no_longer_kept_is_not_told() -> None:
    world = a_world()
    world.payloads.payloads.clear()
    assert world.deliver.run(MESSAGE) == NothingToSend()
    assert world.receiver.posts == []


def test_during_a_rotation_every_valid_secret_signs() -> None:
    secrets = tuple("whsec_" + letter * 32 for letter in "AB")
    world = a_world(endpoint=an_endpoint(secrets=secrets))
    world.deliver.run(MESSAGE)
    signatures = world.receiver.posts[0].headers["webhook-signature"].split()
    assert len(set(signatures)) == 2
    assert all(each.startswith("v1,") for each in signatures)


def test_of_two_tries_at_once_the_success_wins() -> None:
    slow, fast = a_world(200), a_world(500)
    fast.deliver.run(MESSAGE)  # the other try fails, and is recorded while ours is under way
    _record_meanwhile(slow, fast)
    assert slow.deliver.run(MESSAGE) == Delivered(1)
    assert slow.record is not None and slow.record.status is DeliveryStatus.DELIVERED


def test_of_two_failures_at_once_only_one_plans_the_next_try() -> None:
    slow, fast = a_world(500), a_world(500)
    fast.deliver.run(MESSAGE)
    _record_meanwhile(slow, fast)
    assert slow.deliver.run(MESSAGE) == AlreadyDone()
    assert slow.queue.sent_later == []


def _record_meanwhile(ours: World, other: World) -> None:
    """The other try's record appears in our table while our POST is under way."""
    ours.receiver.meanwhile = lambda: ours.table.kept_deliveries.update(other.table.kept_deliveries)


@pytest.mark.parametrize("answers", [(200,), (500, 200), (Failure.TIMED_OUT, 500, 200), (410,)])
@pytest.mark.parametrize("cut_after", range(8))
def test_a_death_after_any_step_loses_no_delivery(answers: tuple[int | Failure, ...], cut_after: int) -> None:
    world = a_world(*answers)
    world.steps.cut_after = cut_after
    for _ in range(10):  # SQS hands an unfinished message out again; the sweep sends what is due
        world.clock.move(600)
        try:
            world.deliver.run(MESSAGE)
        except PowerCut:
            world.steps.cut_after = None
    ended = world.record.status if world.record is not None else None
    if answers == (410,):
        assert not world.table.kept_endpoints["ep_1"].is_enabled
        assert ended is DeliveryStatus.GAVE_UP
    else:
        assert ended is DeliveryStatus.DELIVERED
    assert len({post.headers["webhook-id"] for post in world.receiver.posts}) == 1
    # A POST is repeated only where its record was lost with the function.
    assert len(world.receiver.posts) <= len(answers) + 1


def test_what_is_due_is_due_after_the_try_and_not_after_the_message() -> None:
    world = a_world(500)
    world.receiver.took_ms = 9_000
    world.deliver.run(MESSAGE)
    assert world.record is not None and world.record.next_attempt_at == at(14)
