"""An endpoint that fails again and again is only tried now and then; notices that it will be disabled."""

from copy import replace

import pytest

from ringline.webhooks.model.delivery import ASKED_BY_CUSTOMER
from ringline.webhooks.model.endpoint import DISABLED_AFTER_MS, Endpoint
from ringline.webhooks.model.event import Event, written
from ringline.webhooks.model.event_type import EventType
from ringline.webhooks.model.failing import FailingEndpoint, FailingKey
from ringline.webhooks.model.pace import SLOW_FOR_MS, SLOW_PARALLEL, HeldBack, Limits, limits_of
from ringline.webhooks.pacing.circuit import FIRST_PROBE_MS, LONGEST_PROBE_MS, OPENS_AFTER, probe_wait_ms
from ringline.webhooks.pacing.lists import PacedLists
from ringline.webhooks.sending.client import Failure
from ringline.webhooks.sending.deliver import Delivered, WillRetry
from ringline.webhooks.sending.queue import DeliveryMessage, body_of, message_in
from tests.builders import NOW
from tests.unit.webhooks.webhook_fakes import (
    DELIVERY_ID,
    MESSAGE,
    World,
    a_delivery,
    a_draft,
    a_world,
    an_endpoint,
)

OPEN = an_endpoint(failing_since=NOW - 1, failures=OPENS_AFTER, probe_at=NOW + 30_000)


def another(world: World, sequence: int, event_type: EventType = EventType.CALL_ENDED) -> DeliveryMessage:
    event: Event = written(
        a_draft(occurrence=sequence, event_type=event_type), sequence, "2026-11-21T01:34:31.000Z", NOW
    )
    world.events.log[sequence] = event
    return DeliveryMessage(replace(DELIVERY_ID, sequence=sequence))


def test_after_so_many_failures_in_a_row_the_next_delivery_is_not_tried() -> None:
    world = a_world(500)
    for number in range(OPENS_AFTER):
        assert isinstance(world.deliver.run(another(world, 10 + number)), WillRetry)
    waiting = another(world, 99)
    held = world.deliver.run(waiting)
    assert isinstance(held, HeldBack) and held.wait_ms is None
    assert len(world.receiver.posts) == OPENS_AFTER
    record = world.table.kept_deliveries[waiting.delivery_id]
    assert (record.attempt_count, record.attempts, record.due_at, record.next_attempt_at) == (
        0,
        (),
        world.clock.now,
        None,
    )


def test_a_success_in_between_begins_the_count_anew() -> None:
    world = a_world(*[500] * (OPENS_AFTER - 1), 200, *[500] * (OPENS_AFTER - 1), 200)
    for number in range(2 * OPENS_AFTER):
        assert not isinstance(world.deliver.run(another(world, 10 + number)), HeldBack)


def test_of_all_that_come_when_a_probe_is_due_one_is_tried_and_its_failure_makes_the_next_wait_twice_as_long() -> None:
    world = a_world(500, endpoint=OPEN)
    world.clock.now = NOW + 30_000
    assert isinstance(world.deliver.run(another(world, 10)), WillRetry)
    assert isinstance(world.deliver.run(another(world, 11)), HeldBack)
    assert world.table.kept_endpoints["ep_1"].probe_at == NOW + 30_000 + 2 * FIRST_PROBE_MS


def test_whoever_read_the_endpoint_before_the_probe_was_claimed_waits() -> None:
    world = a_world(500, endpoint=OPEN)
    world.clock.now = NOW + 30_000
    claim = world.table.claim_probe

    def somebody_else_first(*said: object, **named: object) -> bool:
        claim("acct_1", "ep_1", NOW + 30_000, 1, NOW + 90_000)
        return claim("acct_1", "ep_1", NOW + 30_000, 1, NOW + 90_000)

    world.table.claim_probe = somebody_else_first  # type: ignore[method-assign]
    assert isinstance(world.deliver.run(MESSAGE), HeldBack)
    assert world.receiver.posts == []


def test_a_probe_that_is_taken_closes_it() -> None:
    world = a_world(200, endpoint=OPEN)
    world.clock.now = NOW + 30_000
    assert world.deliver.run(MESSAGE) == Delivered(1)
    endpoint = world.table.kept_endpoints["ep_1"]
    assert (endpoint.failing_since, endpoint.probe_at, endpoint.failures) == (None, None, 0)
    assert world.deliver.run(another(world, 11)) == Delivered(1)


def test_who_asks_for_it_by_hand_need_not_wait_for_a_probe() -> None:
    world = a_world(500, endpoint=OPEN)
    assert isinstance(world.deliver.run(another(world, 10, EventType.TEST_PING)), WillRetry)
    world.table.kept_deliveries[DELIVERY_ID] = a_delivery(
        attempt_count=3, tries_before=3, reopened_by=ASKED_BY_CUSTOMER
    )
    assert isinstance(world.deliver.run(MESSAGE), WillRetry)
    # Its next tries are as anybody's.
    world.clock.move(6)
    assert isinstance(world.deliver.run(MESSAGE), HeldBack)


def test_probes_come_less_and_less_often() -> None:
    waits = [probe_wait_ms(probes) for probes in range(8)]
    assert waits[:3] == [FIRST_PROBE_MS, 2 * FIRST_PROBE_MS, 4 * FIRST_PROBE_MS]
    assert waits[-1] == probe_wait_ms(10_000) == LONGEST_PROBE_MS
    assert waits == sorted(waits)


@pytest.mark.parametrize(
    ("endpoint", "sent"),
    [
        (an_endpoint(), 300),
        (OPEN, 0),
        (replace(OPEN, probe_at=NOW), 1),
        (replace(OPEN, disabled_at=NOW), 300),
        (an_endpoint(max_per_second=2), 120),
        (None, 300),
    ],
)
def test_the_sweep_sends_no_more_of_a_list_than_its_endpoint_may_be_sent(endpoint: Endpoint | None, sent: int) -> None:
    lists = PacedLists(ThreeHundred(), Endpoints(endpoint))
    assert len(lists.due(FailingEndpoint("acct_1", "ep_1", NOW), NOW, 500)) == sent


class ThreeHundred:
    def all(self) -> list[FailingEndpoint]:
        return []

    def due(self, endpoint: FailingEndpoint, now: int, limit: int) -> list[FailingKey]:
        return [FailingKey("pk", str(number), now) for number in range(300)]

    def clear_if_empty(self, endpoint: FailingEndpoint, now: int) -> None: ...


class Endpoints:
    def __init__(self, endpoint: Endpoint | None) -> None:
        self._endpoint = endpoint

    def endpoint(self, account_id: str, endpoint_id: str) -> Endpoint | None:
        return self._endpoint


def test_a_slow_endpoint_gets_a_share_of_the_deliverers_and_its_own_limit_where_that_is_less() -> None:
    slow = an_endpoint(slow_until=NOW + 1)
    assert limits_of(slow, NOW) == Limits(parallel=SLOW_PARALLEL)
    assert limits_of(replace(slow, max_parallel=3), NOW) == Limits(parallel=3)
    assert limits_of(replace(slow, max_parallel=50, max_per_second=7), NOW) == Limits(7, SLOW_PARALLEL)
    assert limits_of(slow, NOW + 1) is None


def test_a_slow_post_is_noted_and_a_quick_one_is_not() -> None:
    world = a_world(200)
    world.deliver.run(MESSAGE)
    assert world.table.kept_endpoints["ep_1"].slow_until is None
    world.receiver.took_ms = 3000
    world.deliver.run(another(world, 10))
    assert world.table.kept_endpoints["ep_1"].slow_until == world.clock.now + SLOW_FOR_MS


def told(world: World) -> list[tuple[int, str]]:
    events = [each for each in world.events.log.values() if each.event_type is EventType.ENDPOINT_FAILING]
    return [(each.data["percent"], each.data["endpoint_id"]) for each in events]


def test_others_are_told_at_half_at_seventy_and_at_ninety_percent_each_once() -> None:
    world = a_world(Failure.TIMED_OUT, endpoint=an_endpoint(failing_since=NOW))
    world.table.kept_endpoints["ep_2"] = an_endpoint(endpoint_id="ep_2", event_types=("endpoint.failing",))
    for number, percent in enumerate((49, 50, 51, 70, 71, 90, 99)):
        world.clock.now = NOW + percent * DISABLED_AFTER_MS // 100
        # As the probes of its circuit would come.
        endpoint = world.table.kept_endpoints["ep_1"]
        world.table.kept_endpoints["ep_1"] = replace(endpoint, probe_at=None, failures=0)
        assert isinstance(world.deliver.run(another(world, 1000 + 10 * number)), WillRetry)
    assert told(world) == [(50, "ep_1"), (70, "ep_1"), (90, "ep_1")]
    notices = [message for message in world.queue.sent if isinstance(message, DeliveryMessage)]
    assert [each.delivery_id.endpoint_id for each in notices] == ["ep_2"] * 3
    (first, *_) = [each for each in world.events.log.values() if each.event_type is EventType.ENDPOINT_FAILING]
    assert (first.data["failing_since"], first.data["disabled_at"]) == (
        "2026-11-21T01:34:31.000Z",
        "2026-11-26T01:34:31.000Z",
    )


def test_deliveries_that_fail_at_once_and_deaths_in_between_are_one_notice() -> None:
    failing = an_endpoint(failing_since=NOW - DISABLED_AFTER_MS // 2)
    world = a_world(500, endpoint=failing)
    world.deliver.run(another(world, 10))
    # Another delivery had read the endpoint before that was written down.
    world.table.kept_endpoints["ep_1"] = failing
    world.deliver.run(another(world, 20))
    assert told(world) == [(50, "ep_1")]


def test_an_endpoint_that_nothing_was_sent_to_for_long_skips_what_it_missed() -> None:
    world = a_world(500, endpoint=an_endpoint(failing_since=NOW - DISABLED_AFTER_MS * 92 // 100))
    world.deliver.run(another(world, 10))
    assert told(world) == [(90, "ep_1")]


def test_one_that_worked_and_fails_again_is_told_of_again() -> None:
    world = a_world(500, 200, 500, endpoint=an_endpoint(failing_since=NOW - DISABLED_AFTER_MS // 2))
    world.deliver.run(another(world, 10))
    world.deliver.run(another(world, 20))
    endpoint = world.table.kept_endpoints["ep_1"]
    world.table.kept_endpoints["ep_1"] = replace(endpoint, failing_since=NOW - 1 - DISABLED_AFTER_MS // 2)
    world.deliver.run(another(world, 30))
    assert told(world) == [(50, "ep_1")] * 2


def test_a_message_keeps_its_turn() -> None:
    for message in (MESSAGE, DeliveryMessage(DELIVERY_ID, NOW)):
        assert message_in(body_of(message)) == message
    assert "turn_at" not in body_of(MESSAGE)


def test_a_delivery_that_is_held_back_stands_on_no_sweeps_list_before_its_turn() -> None:
    limited = an_endpoint(max_per_second=1)
    world = a_world(200, endpoint=limited)
    known = a_delivery(attempt_count=2, due_at=NOW, next_attempt_at=NOW)
    world.table.kept_deliveries[DELIVERY_ID] = known
    turn_at = NOW + 3_600_000
    held = world.deliver.run(DeliveryMessage(DELIVERY_ID, turn_at))
    assert isinstance(held, HeldBack)
    assert world.record is not None
    assert (world.record.attempt_count, world.record.next_attempt_at) == (2, turn_at)
    assert world.record.due_at is not None and world.record.due_at > turn_at
    assert world.queue.sent_later == [(DeliveryMessage(DELIVERY_ID, turn_at), 3_600_000)]
