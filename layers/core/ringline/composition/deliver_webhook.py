import random

from ringline.calls.views.payload import CallPayloads
from ringline.runtime import aws
from ringline.runtime.clock import Clock
from ringline.runtime.settings import SettingsModel, flag, required, required_url
from ringline.webhooks.sending.client import WebhookClient
from ringline.webhooks.sending.deliver import Deliver
from ringline.webhooks.sending.queue import SqsDeliveryQueue
from ringline.webhooks.store import DeliveryStore, EndpointStore


class Settings(SettingsModel):
    table_name: str = required("TABLE_NAME")
    delivery_queue_url: str = required_url("DELIVERY_QUEUE_URL")
    allow_private: bool = flag("ALLOW_PRIVATE_WEBHOOKS")


def compose(settings: Settings, *, clock: Clock) -> Deliver:
    dynamodb, table = aws.dynamodb(), settings.table_name
    return Deliver(
        endpoints=EndpointStore(dynamodb, table),
        deliveries=DeliveryStore(dynamodb, table),
        payloads=CallPayloads(dynamodb, table),
        client=WebhookClient(allow_private=settings.allow_private),
        queue=SqsDeliveryQueue(aws.sqs, settings.delivery_queue_url),
        clock=clock,
        randomness=random.random,
    )
