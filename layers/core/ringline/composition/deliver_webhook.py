import random
from functools import cache
from typing import TYPE_CHECKING

from ringline.runtime import aws
from ringline.runtime.clock import Clock
from ringline.runtime.settings import SettingsModel, flag, group, required, required_url
from ringline.runtime.vault.kept import VARIABLE, sealer
from ringline.webhooks.event_settings import EventSettings
from ringline.webhooks.model.delivery import DeliveryId
from ringline.webhooks.model.event import EventDraft
from ringline.webhooks.model.event_type import EventType
from ringline.webhooks.pacing.health import Health
from ringline.webhooks.pacing.turns import Turns
from ringline.webhooks.secrets import EndpointSecrets
from ringline.webhooks.sending.announce import Announcer
from ringline.webhooks.sending.client import WebhookClient
from ringline.webhooks.sending.deliver import Deliver
from ringline.webhooks.sending.former import TakeOver
from ringline.webhooks.sending.queue import LONGEST_DELAY_MS, DeliveryMessage, ReplayMessage, SqsDeliveryQueue
from ringline.webhooks.sending.together import TakeTogether
from ringline.webhooks.tables.deliveries import DeliveryStore
from ringline.webhooks.tables.delivery_reads import DeliveryReads
from ringline.webhooks.tables.endpoints import EndpointStore
from ringline.webhooks.tables.events import EventStore
from ringline.webhooks.tables.turns import TurnStore
from ringline.webhooks.targets.client import TargetClient
from ringline.webhooks.targets.settings import TargetSettings

if TYPE_CHECKING:
    from ringline.webhooks.replaying.steps import ReplayStep, StepOutcome


class Settings(SettingsModel):
    table_name: str = required("TABLE_NAME")
    in_shards: bool = flag("DUE_IN_SHARDS")
    delivery_queue_url: str = required_url("DELIVERY_QUEUE_URL")
    stack_secrets: str = required(VARIABLE)
    allow_private: bool = flag("ALLOW_PRIVATE_WEBHOOKS")
    events: EventSettings = group(EventSettings)
    targets: TargetSettings = group(TargetSettings)


class DraftsWhenNeeded:
    """The calls that deliveries of a former release tell of. Few are left: what reads them is loaded with the first."""

    def __init__(self, table_name: str) -> None:
        self._table = table_name

    def draft(self, account_id: str, call_id: str, event_type: EventType, occurrence: int) -> EventDraft | None:
        from ringline.calls.views.payload import CallDrafts

        return CallDrafts(aws.dynamodb(), self._table).draft(account_id, call_id, event_type, occurrence)


def compose(settings: Settings, *, clock: Clock) -> TakeTogether:
    """What takes a message of the queue."""
    reads = DeliveryReads(aws.dynamodb(), settings.table_name)

    @cache
    def steps() -> "ReplayStep":
        return _steps(settings, clock=clock)

    def make_step(message: ReplayMessage) -> "StepOutcome":
        return steps().run(message)

    return TakeTogether(_delivering(settings, clock=clock), make_step, reads)


def _delivering(settings: Settings, *, clock: Clock) -> Deliver:
    dynamodb, table = aws.dynamodb(), settings.table_name
    deliveries = DeliveryStore(dynamodb, table, events_kept_s=settings.events.kept_s)
    events = EventStore(dynamodb, table, clock, kept_s=settings.events.kept_s, in_shards=settings.in_shards)
    endpoints, queue = EndpointStore(dynamodb, table), SqsDeliveryQueue(aws.sqs, settings.delivery_queue_url)

    def send_later(delivery_id: DeliveryId, turn_at: int, wait_ms: int) -> None:
        queue.send_later(DeliveryMessage(delivery_id, turn_at), min(wait_ms, LONGEST_DELAY_MS))

    def announce(draft: EventDraft) -> int:
        # A new one each time: it would not see an endpoint that is made later.
        return Announcer(endpoints, events, queue).announce(draft)

    turns = Turns(
        rows=TurnStore(dynamodb, table), endpoints=endpoints, deliveries=deliveries, send_later=send_later, clock=clock
    )
    return Deliver(
        endpoints=endpoints,
        deliveries=deliveries,
        secrets=EndpointSecrets(sealer),
        events=events,
        take_over=TakeOver(deliveries, events, DraftsWhenNeeded(table), clock),
        turns=turns,
        health=Health(endpoints, announce, clock),
        client=TargetClient(
            WebhookClient(allow_private=settings.allow_private),
            settings.targets.allowed,
            sqs_in=aws.sqs_in,
            events_in=aws.events_in,
        ),
        queue=queue,
        clock=clock,
        randomness=random.random,
    )


def _steps(settings: Settings, *, clock: Clock) -> "ReplayStep":
    """What makes the steps of replays, whose messages come by the same queue. Loaded with the first of them."""
    from ringline.webhooks.replaying.reopening import Reopen
    from ringline.webhooks.replaying.steps import ReplayStep
    from ringline.webhooks.tables.delivery_pages import DeliveryPages
    from ringline.webhooks.tables.replays import ReplayStore

    dynamodb, table = aws.dynamodb(), settings.table_name
    return ReplayStep(
        replays=ReplayStore(dynamodb, table),
        endpoints=EndpointStore(dynamodb, table),
        events=EventStore(dynamodb, table, clock, kept_s=settings.events.kept_s, in_shards=settings.in_shards),
        deliveries=DeliveryPages(dynamodb, table),
        reopen=Reopen(DeliveryStore(dynamodb, table, events_kept_s=settings.events.kept_s), clock),
        queue=SqsDeliveryQueue(aws.sqs, settings.delivery_queue_url),
        clock=clock,
    )
