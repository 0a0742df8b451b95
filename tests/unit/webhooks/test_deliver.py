"""One try of one delivery, and what is recorded and planned after it."""

import json
from copy import replace
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook

from ringline.webhooks.model.delivery import Attempt, DeliveryStatus, Phase
from ringline.webhooks.model.endpoint import Endpoint
from ringline.webhooks.model.event import erased
from ringline.webhooks.model.schedule import WAITS_S
from ringline.webhooks.sending.client import Answered, Failure, Unanswered
from ringline.webhooks.sending.deliver import (
    AlreadyDone,
    Delivered,
    EndpointGone,
    EventNotKept,
    GaveUp,
    NotYetDue,
    WillRetry,
)
from tests.builders import NOW, at
from tests.unit.webhooks.webhook_fakes import (
    DELIVERY_ID,
    EVENT,
    MESSAGE,
    SECRET,
    PowerCut,
    World,
    a_delivery,
    a_world,
    an_endpoint,
)


def test_a_success_is_posted_once_and_written_once() -> None:
    world = a_world(204)
    assert world.deliver.run(MESSAGE) == Delivered(1)
    assert world.record is not None and world.record.status is DeliveryStatus.DELIVERED
    assert world.record.attempts == (Attempt(NOW, 40, status_code=204),)
    assert (world.record.due_at, world.record.event_id) == (None, EVENT.event_id)
    assert len(world.receiver.posts) == 1
    assert world.steps.taken == 4  # reads the record, the endpoint and the event, writes the record


def test_the_body_is_the_events_under_the_name_that_was_subscribed_to() -> None:
    world = a_world()
    world.deliver.run(MESSAGE)
    assert json.loads(world.receiver.posts[0].body) == {
        "type": "call_end",
        "id": EVENT.event_id,
        "timestamp": "2026-11-21T01:34:31.000Z",
        "sequence": 7,
        "data": {"call_id": "call_1", "status": "completed", "sequence": 5},
    }
    assert world.receiver.posts[0].headers["content-type"] == "application/json"


def test_what_is_sealed_is_opened_before_it_is_used() -> None:
    world = a_world(endpoint=an_endpoint(secrets=("sealed",), headers={"X-Key": "sealed"}))
    world.deliver._secrets = Opens()
    world.deliver.run(MESSAGE)
    (post,) = world.receiver.posts
    assert post.headers["X-Key"] == "opened"
    assert (
        Webhook(SECRET).sign(
            EVENT.event_id, datetime.fromtimestamp(int(post.headers["webhook-timestamp"]), UTC), post.body.decode()
        )
        == post.headers["webhook-signature"]
    )


class Opens:
    def opened(self, account_id: str, endpoint: Endpoint) -> Endpoint:
        return replace(endpoint, secrets=(SECRET,), headers={"X-Key": "opened"})


def test_an_endpoints_own_headers_go_with_it_and_take_the_place_of_none_of_ours() -> None:
    world = a_world(endpoint=an_endpoint(headers={"X-Tenant": "acme", "webhook-id": "forged"}))
    world.deliver.run(MESSAGE)
    headers = world.receiver.posts[0].headers
    assert (headers["X-Tenant"], headers["webhook-id"]) == ("acme", EVENT.event_id)


def test_a_message_of_what_is_delivered_posts_nothing() -> None:
    world = a_world()
    world.deliver.run(MESSAGE)
    assert world.deliver.run(MESSAGE) == AlreadyDone()
    assert len(world.receiver.posts) == 1


def test_an_event_at_the_number_of_a_former_one_is_posted() -> None:
    world = a_world(200)
    former = a_delivery(event_id="evt_former", webhook_id="evt_former", status=DeliveryStatus.DELIVERED)
    world.table.kept_deliveries[DELIVERY_ID] = former
    assert world.deliver.run(MESSAGE) == Delivered(1)
    assert world.receiver.posts[0].headers["webhook-id"] == EVENT.event_id
    assert world.record is not None and world.record.event_id == EVENT.event_id


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
    assert first["webhook-id"] == second["webhook-id"] == EVENT.event_id
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
    for wait_s in WAITS_S[1:]:
        assert isinstance(world.deliver.run(MESSAGE), WillRetry)
        world.clock.move(wait_s)
    assert world.deliver.run(MESSAGE) == GaveUp(10, "status 500")
    assert world.record is not None and world.record.status is DeliveryStatus.GAVE_UP
    assert (world.record.due_at, world.record.next_attempt_at) == (None, None)
    assert world.deliver.run(MESSAGE) == AlreadyDone()


def test_410_gives_up_and_disables_the_endpoint() -> None:
    world = a_world(410)
    assert world.deliver.run(MESSAGE) == GaveUp(1, "status 410")
    assert world.table.kept_endpoints["ep_1"].disabled_at == NOW + 40
    assert world.record is not None and world.record.status is DeliveryStatus.GAVE_UP


def test_a_410_of_the_former_url_says_nothing_of_an_endpoint_that_was_moved_meanwhile() -> None:
    world = a_world(410)
    moved = an_endpoint(url="https://moved.example.com/")
    world.receiver.meanwhile = lambda: world.table.kept_endpoints.update(ep_1=moved)
    assert world.deliver.run(MESSAGE) == GaveUp(1, "status 410")
    assert world.table.kept_endpoints["ep_1"] == moved
    assert list(world.events.log.values()) == [EVENT], "nobody is told that it was disabled"


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


def test_an_event_that_is_no_longer_kept_is_not_told() -> None:
    world = a_world()
    world.events.log.clear()
    assert world.deliver.run(MESSAGE) == EventNotKept(0)
    assert world.receiver.posts == []


def test_a_delivery_whose_event_expires_before_its_last_try_is_given_up_and_told_of_once() -> None:
    world = a_world(500)
    world.deliver.run(MESSAGE)
    world.events.log.clear()
    world.clock.move(5)
    assert world.deliver.run(MESSAGE) == EventNotKept(1)
    assert world.record is not None
    assert (world.record.status, world.record.due_at) == (DeliveryStatus.GAVE_UP, None)
    assert world.deliver.run(MESSAGE) == AlreadyDone()


def test_of_an_event_whose_content_is_erased_no_answer_is_kept_and_none_of_before() -> None:
    world = a_world(Answered(500, body=b"of before"), Answered(500, body=b"of now"))
    world.deliver.run(MESSAGE)
    world.events.log[EVENT.sequence] = erased(EVENT)
    world.clock.move(5)
    world.deliver.run(MESSAGE)
    assert world.record is not None
    assert [(each.status_code, each.answer) for each in world.record.attempts] == [(500, None)] * 2


def test_an_event_that_is_kept_no_more_is_none_that_a_deleted_endpoint_misses() -> None:
    world = a_world()
    world.events.log.clear()
    world.table.kept_endpoints.clear()
    assert world.deliver.run(MESSAGE) == EndpointGone()
    assert world.record is None


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


@pytest.mark.parametrize("answer", [200, 500, 410])
def test_a_try_that_another_one_overtook_is_in_the_log_beside_it(answer: int) -> None:
    ours, other = a_world(answer), a_world(201)
    other.deliver.run(MESSAGE)
    _record_meanwhile(ours, other)
    ours.deliver.run(MESSAGE)
    assert ours.record is not None and ours.record.status is DeliveryStatus.DELIVERED
    assert [attempt.status_code for attempt in ours.record.attempts] == [201, answer]
    assert ours.record.attempt_count == 1, "what is planned was decided on that one"


def test_the_log_keeps_the_beginning_of_an_answer_and_less_of_those_before() -> None:
    page = b"e" * 4000
    world = a_world(Answered(500, body=page), Answered(503, body=page), Answered(200, body=page))
    kept: list[list[int]] = []
    for _ in range(3):
        world.deliver.run(MESSAGE)
        world.clock.move(600)
        assert world.record is not None
        kept.append([len(attempt.answer or "") for attempt in world.record.attempts])
    assert kept == [[2048], [256, 2048], [256, 256, 256]]


def test_a_receiver_that_echoes_its_request_gets_no_secret_into_the_log() -> None:
    world = a_world()
    world.deliver.run(MESSAGE)
    headers = world.receiver.posts[0].headers
    echoing = a_world(Answered(400, body=f"{headers} {SECRET}".encode()))
    echoing.deliver.run(MESSAGE)
    assert echoing.record is not None
    answer = echoing.record.attempts[0].answer or ""
    assert headers["webhook-signature"] not in answer and SECRET not in answer
    assert headers["webhook-id"] in answer


def test_a_try_without_an_answer_says_how_far_it_came() -> None:
    world = a_world(Failure.TIMED_OUT)
    world.receiver.answers = [Unanswered(Failure.TIMED_OUT, Phase.READ)]
    world.deliver.run(MESSAGE)
    assert world.record is not None
    assert world.record.attempts == (Attempt(NOW, 40, error="timed_out", phase=Phase.READ),)


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
