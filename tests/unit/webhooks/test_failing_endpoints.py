"""An endpoint that takes nothing for days is disabled, and the account's others are told."""

from copy import replace

from ringline.webhooks.model.delivery import DeliveryId
from ringline.webhooks.model.endpoint import DISABLED_AFTER_MS, Endpoint
from ringline.webhooks.model.event_type import EventType
from ringline.webhooks.sending.queue import DeliveryMessage
from tests.builders import NOW
from tests.unit.webhooks.webhook_fakes import MESSAGE, World, a_world, an_endpoint


def kept(world: World) -> Endpoint:
    return world.table.kept_endpoints["ep_1"]


def test_it_fails_since_its_first_failure_and_no_more_once_it_takes_something() -> None:
    world = a_world(500, 500, 200)
    world.deliver.run(MESSAGE)
    first = kept(world).failing_since
    assert first == NOW + 40
    world.clock.move(6)
    world.deliver.run(MESSAGE)
    assert kept(world).failing_since == first
    world.clock.move(330)
    world.deliver.run(MESSAGE)
    assert kept(world).failing_since is None


def test_after_five_days_of_failures_it_is_disabled_and_whoever_asked_for_it_is_told() -> None:
    world = a_world(500, endpoint=an_endpoint(failing_since=NOW - DISABLED_AFTER_MS))
    world.table.kept_endpoints["ep_2"] = an_endpoint(endpoint_id="ep_2", event_types=("endpoint.disabled",))
    world.deliver.run(MESSAGE)
    assert kept(world).disabled_reason == "failing for five days"
    (told,) = [event for event in world.events.log.values() if event.event_type is EventType.ENDPOINT_DISABLED]
    assert (told.data["endpoint_id"], told.data["disabled_reason"]) == ("ep_1", "failing for five days")
    assert world.queue.sent == [
        DeliveryMessage(DeliveryId(account_id="acct_1", endpoint_id="ep_2", sequence=told.sequence))
    ]


def test_a_moment_before_it_is_not() -> None:
    world = a_world(500, endpoint=an_endpoint(failing_since=NOW + 41 - DISABLED_AFTER_MS))
    world.deliver.run(MESSAGE)
    assert kept(world).is_enabled


def test_deliveries_that_fail_at_once_announce_one_event() -> None:
    world = a_world(410)
    world.table.kept_endpoints["ep_2"] = an_endpoint(endpoint_id="ep_2", event_types=("endpoint.disabled",))
    world.deliver.run(MESSAGE)
    # Another delivery had read the endpoint before it was disabled.
    world.table.kept_endpoints["ep_1"] = replace(kept(world), disabled_at=None, disabled_reason=None)
    world.table.kept_deliveries.clear()
    world.deliver.run(MESSAGE)
    disabled = [event for event in world.events.log.values() if event.event_type is EventType.ENDPOINT_DISABLED]
    assert len(disabled) == 1
