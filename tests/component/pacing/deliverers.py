"""The deliverer over the real tables, with a queue and receivers of a test's own."""

from collections.abc import Callable
from typing import Any

from ringline.webhooks.model.event import EventDraft
from ringline.webhooks.pacing.health import Health
from ringline.webhooks.pacing.turns import Turns
from ringline.webhooks.sending.deliver import Client, Deliver
from ringline.webhooks.sending.queue import DeliveryMessage, DeliveryQueue
from ringline.webhooks.tables.deliveries import DeliveryStore
from ringline.webhooks.tables.endpoints import EndpointStore
from ringline.webhooks.tables.events import EventStore
from ringline.webhooks.tables.turns import TurnStore
from tests.fakes import HandClock
from tests.unit.webhooks.webhook_fakes import NothingOfBefore, PlainSecrets


def a_deliverer(
    dynamodb: Any,
    table_name: str,
    *,
    client: Client,
    queue: DeliveryQueue,
    clock: HandClock,
    announce: Callable[[EventDraft], int] = lambda _draft: 0,
) -> Deliver:
    endpoints, deliveries = EndpointStore(dynamodb, table_name), DeliveryStore(dynamodb, table_name)
    turns = Turns(
        rows=TurnStore(dynamodb, table_name),
        endpoints=endpoints,
        deliveries=deliveries,
        send_later=lambda named, turn_at, wait_ms: queue.send_later(DeliveryMessage(named, turn_at), wait_ms),
        clock=clock,
    )
    return Deliver(
        endpoints=endpoints,
        deliveries=deliveries,
        secrets=PlainSecrets(),
        events=EventStore(dynamodb, table_name, clock),
        take_over=NothingOfBefore(),
        turns=turns,
        health=Health(endpoints, announce, clock),
        client=client,
        queue=queue,
        clock=clock,
        randomness=lambda: 0.0,
    )
