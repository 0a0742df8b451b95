from aws_lambda_powertools import Logger

from ringline.calls.outbound.create import CreateCall, WaitingMarks
from ringline.calls.tables.queues import SqsDoorbell
from ringline.calls.tables.store import CallStore
from ringline.calls.tables.watchlist import Watchlist
from ringline.routing.resolve import OutboundRouting
from ringline.routing.store import RoutingStore
from ringline.runtime import aws
from ringline.runtime.clock import Clock
from ringline.runtime.settings import SettingsModel, required


class Settings(SettingsModel):
    table_name: str = required("TABLE_NAME")
    doorbell_url: str = required("DOORBELL_QUEUE_URL")


def compose(settings: Settings, *, clock: Clock, log: Logger) -> CreateCall:
    dynamodb, table = aws.dynamodb(), settings.table_name
    # Its client is made now, because every call that is accepted rings.
    aws.sqs()
    return CreateCall(
        store=CallStore(dynamodb, table),
        routing=OutboundRouting(RoutingStore(dynamodb, table)),
        doorbell=SqsDoorbell(aws.sqs, settings.doorbell_url),
        marks=WaitingMarks(Watchlist(dynamodb, table), clock),
        clock=clock,
        log=log,
    )
