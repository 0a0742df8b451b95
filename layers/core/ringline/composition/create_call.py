from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from aws_lambda_powertools import Logger

from ringline.accounts.store import AccountStore
from ringline.calls.outbound.create import CreateCall, WaitingMarks
from ringline.calls.outbound.queue_room import QueueRoom
from ringline.calls.progress.limits_met import LimitsMet
from ringline.calls.tables.limits.reached import ReachedLimits
from ringline.calls.tables.queues import SqsDoorbell
from ringline.calls.tables.store import CallStore
from ringline.calls.tables.watchlist import Watchlist
from ringline.routing.resolve import OutboundRouting
from ringline.routing.store import RoutingStore
from ringline.runtime import aws
from ringline.runtime.clock import Clock
from ringline.runtime.settings import SettingsModel, flag, optional, required
from ringline.webhooks.tables.endpoints import EndpointStore
from ringline.webhooks.targets.of_calls import UrlsOfCalls


class Settings(SettingsModel):
    table_name: str = required("TABLE_NAME")
    doorbell_url: str = required("DOORBELL_QUEUE_URL")
    in_shards: bool = flag("DUE_IN_SHARDS")
    default_country: str = optional("DEFAULT_COUNTRY")
    allow_private_webhooks: bool = flag("ALLOW_PRIVATE_WEBHOOKS")
    asked_apart: bool = flag("ASKED_APART")


class Composed(NamedTuple):
    create_call: CreateCall
    country_of: Callable[[str], str | None]
    """The country that an account's numbers are read in where they name none."""


def compose(settings: Settings, *, clock: Clock, log: Logger) -> Composed:
    dynamodb, table = aws.dynamodb(), settings.table_name
    # Its client is made now, because every call that is accepted rings.
    aws.sqs()
    accounts = AccountStore(dynamodb, table)
    store = CallStore(dynamodb, table, asked_apart=settings.asked_apart, in_shards=settings.in_shards)
    create_call = CreateCall(
        store=store,
        routing=OutboundRouting(RoutingStore(dynamodb, table)),
        doorbell=SqsDoorbell(aws.sqs, settings.doorbell_url),
        marks=WaitingMarks(Watchlist(dynamodb, table, in_shards=settings.in_shards), clock, log),
        room=QueueRoom(store, clock),
        limits=LimitsMet(ReachedLimits(dynamodb, table), clock, log),
        webhook_urls=UrlsOfCalls(
            partial(EndpointStore, dynamodb, table), allow_private=settings.allow_private_webhooks
        ),
        clock=clock,
        log=log,
    )

    def country_of(account_id: str) -> str | None:
        return accounts.country_of(account_id) or settings.default_country or None

    return Composed(create_call, country_of)
