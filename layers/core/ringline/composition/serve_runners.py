from functools import cache, partial
from typing import TYPE_CHECKING, NamedTuple

from aws_lambda_powertools import Logger

from ringline.accounts.authorize import Authorize
from ringline.accounts.store import AccountStore
from ringline.agents.listen import Listen
from ringline.agents.socket_settings import SocketSettings
from ringline.agents.sockets import ApiGatewaySockets
from ringline.agents.tables.registry import Registry
from ringline.routing.store import RoutingStore
from ringline.runtime import aws
from ringline.runtime.clock import Clock
from ringline.runtime.settings import SettingsModel, group, required

if TYPE_CHECKING:
    from ringline.agents.assign import Assign


class Settings(SettingsModel):
    table_name: str = required("TABLE_NAME")
    doorbell_url: str = required("DOORBELL_QUEUE_URL")
    sockets: SocketSettings = group(SocketSettings)


class Composed(NamedTuple):
    authorize: Authorize
    listen: Listen


def compose(settings: Settings, *, clock: Clock, log: Logger) -> Composed:
    dynamodb, table = aws.dynamodb(), settings.table_name

    @cache
    def assign() -> "Assign":
        # The rules of a call take as long to load as everything else: with the first answer to an assignment.
        from ringline.calls.progress.progress import Progress
        from ringline.calls.tables.queues import SqsDoorbell
        from ringline.calls.tables.store import CallStore
        from ringline.composition.parts import assigning

        store = CallStore(dynamodb, table)
        progress = Progress(store, SqsDoorbell(aws.sqs, settings.doorbell_url), clock, log)
        return assigning(settings.sockets, table, store, progress, clock=clock, log=log)

    def ring_if_waiting(account_id: str) -> None:
        from ringline.calls.progress.hints import NextRing
        from ringline.calls.tables.queues import SqsDoorbell
        from ringline.calls.tables.store import CallStore

        doorbell = SqsDoorbell(aws.sqs, settings.doorbell_url)
        NextRing(CallStore(dynamodb, table), doorbell, clock).ring_if_waiting(account_id)

    listen = Listen(
        registry=Registry(dynamodb, table, clock),
        routing=RoutingStore(dynamodb, table),
        sockets=ApiGatewaySockets(partial(aws.connections, settings.sockets.connections_url), log),
        assign=assign,
        ring_if_waiting=ring_if_waiting,
        clock=clock,
        log=log,
    )
    return Composed(Authorize(AccountStore(dynamodb, table)), listen)
