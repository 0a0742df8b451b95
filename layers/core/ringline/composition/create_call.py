from collections.abc import Callable
from typing import NamedTuple

from aws_lambda_powertools import Logger

from ringline.accounts.store import AccountStore
from ringline.calls.outbound.create import CreateCall, WaitingMarks
from ringline.calls.tables.queues import SqsDoorbell
from ringline.calls.tables.store import CallStore
from ringline.calls.tables.watchlist import Watchlist
from ringline.routing.resolve import OutboundRouting
from ringline.routing.store import RoutingStore
from ringline.runtime import aws
from ringline.runtime.clock import Clock
from ringline.runtime.settings import SettingsModel, optional, required


class Settings(SettingsModel):
    table_name: str = required("TABLE_NAME")
    doorbell_url: str = required("DOORBELL_QUEUE_URL")
    default_country: str = optional("DEFAULT_COUNTRY")


class Composed(NamedTuple):
    create_call: CreateCall
    country_of: Callable[[str], str | None]
    """The country that an account's numbers are read in where they name none."""


def compose(settings: Settings, *, clock: Clock, log: Logger) -> Composed:
    dynamodb, table = aws.dynamodb(), settings.table_name
    # Its client is made now, because every call that is accepted rings.
    aws.sqs()
    accounts = AccountStore(dynamodb, table)
    create_call = CreateCall(
        store=CallStore(dynamodb, table),
        routing=OutboundRouting(RoutingStore(dynamodb, table)),
        doorbell=SqsDoorbell(aws.sqs, settings.doorbell_url),
        marks=WaitingMarks(Watchlist(dynamodb, table), clock),
        clock=clock,
        log=log,
    )

    def country_of(account_id: str) -> str | None:
        return accounts.country_of(account_id) or settings.default_country or None

    return Composed(create_call, country_of)
