from functools import partial

from aws_lambda_powertools import Logger

from ringline.agents.brains import Brains
from ringline.agents.socket_settings import SocketSettings
from ringline.calls.progress.progress import Progress
from ringline.calls.tables.queues import SqsDoorbell
from ringline.calls.tables.store import CallStore
from ringline.composition.parts import assigning
from ringline.routing.store import RoutingStore
from ringline.runtime import aws
from ringline.runtime.clock import Clock
from ringline.runtime.settings import SettingsModel, flag, group, required
from ringline.runtime.vault.kept import sealer
from ringline.runtime.vault.row_secrets import AGENT, RowSecrets


class Settings(SettingsModel):
    table_name: str = required("TABLE_NAME")
    doorbell_url: str = required("DOORBELL_QUEUE_URL")
    in_shards: bool = flag("DUE_IN_SHARDS")
    sockets: SocketSettings = group(SocketSettings)


def compose(settings: Settings, *, clock: Clock, log: Logger) -> Brains:
    dynamodb, table = aws.dynamodb(), settings.table_name
    store = CallStore(dynamodb, table, in_shards=settings.in_shards)
    progress = Progress(store, SqsDoorbell(aws.sqs, settings.doorbell_url), clock, log)
    return Brains(
        store=store,
        routing=RoutingStore(dynamodb, table),
        open_key=RowSecrets(sealer, AGENT).open,
        assign=partial(assigning, settings.sockets, table, store, progress, clock=clock, log=log),
        clock=clock,
    )
