"""The log of webhooks' deliveries, and what is sent again of it: for the API."""

from typing import Any

from aws_lambda_powertools import Logger

from ringline.resources.webhooks.deliveries import WebhookDeliveries
from ringline.resources.webhooks.events import EventLog
from ringline.resources.webhooks.ping import Ping
from ringline.resources.webhooks.replays import WebhookReplays
from ringline.runtime import aws
from ringline.runtime.clock import Clock
from ringline.webhooks.delivery_log import DeliveryLog
from ringline.webhooks.manage import ManageEndpoints
from ringline.webhooks.model.delivery import DeliveryId
from ringline.webhooks.model.replay import Replay
from ringline.webhooks.replaying.reopening import Reopen
from ringline.webhooks.replaying.steps import step_of
from ringline.webhooks.replays import Replays
from ringline.webhooks.sending.queue import DeliveryMessage, SqsDeliveryQueue
from ringline.webhooks.statistics import EndpointStatistics
from ringline.webhooks.tables.deliveries import DeliveryStore
from ringline.webhooks.tables.delivery_pages import DeliveryPages
from ringline.webhooks.tables.endpoints import EndpointStore
from ringline.webhooks.tables.erasing import Erasures
from ringline.webhooks.tables.events import EventStore
from ringline.webhooks.tables.failing import FailingEndpoints
from ringline.webhooks.tables.replays import ReplayStore


def replaying(table: str, queue_url: str, *, clock: Clock) -> Replays:
    """What starts and stops replays; also for whoever enables an endpoint after a pause."""
    queue = SqsDeliveryQueue(aws.sqs, queue_url)

    def begin(replay: Replay) -> None:
        queue.send_in_background(step_of(replay))

    return Replays(ReplayStore(aws.dynamodb(), table), EventStore(aws.dynamodb(), table, clock), begin, clock)


def webhook_log(
    endpoints: ManageEndpoints,
    table: str,
    queue_url: str,
    *,
    events_kept_s: int,
    in_shards: bool,
    clock: Clock,
    log: Logger,
) -> tuple[Any, ...]:
    """The resources of events, deliveries and replays."""
    dynamodb, queue = aws.dynamodb(), SqsDeliveryQueue(aws.sqs, queue_url)
    events = EventStore(dynamodb, table, clock, kept_s=events_kept_s, in_shards=in_shards)
    deliveries = DeliveryStore(dynamodb, table, events_kept_s=events_kept_s)
    pages = DeliveryPages(dynamodb, table)

    def send(delivery_id: DeliveryId) -> None:
        queue.send(DeliveryMessage(delivery_id))

    statistics = EndpointStatistics(pages, events, FailingEndpoints(dynamodb, table), clock)
    entries = DeliveryLog(
        deliveries=deliveries,
        pages=pages,
        endpoints=EndpointStore(dynamodb, table),
        events=events,
        erased=Erasures(dynamodb, table).erased,
        reopen=Reopen(deliveries, clock).run,
        send=send,
    )
    return (
        EventLog(events),
        Ping(endpoints.get, events, send, clock, log),
        WebhookDeliveries(entries, events, log),
        WebhookReplays(replaying(table, queue_url, clock=clock), endpoints.get, statistics.of, log),
    )
