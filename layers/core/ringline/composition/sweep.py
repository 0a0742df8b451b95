from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple

from aws_lambda_powertools import Logger

from ringline.calls.tables.watchlist import Watchlist
from ringline.composition.parts import CallParts, SignalSettings, look_queue, losing_workers, to_livekit
from ringline.composition.parts.transfers import transfer_queue
from ringline.runtime import aws
from ringline.runtime.clock import Clock
from ringline.runtime.settings import group, required
from ringline.telephony.livekit_settings import DispatchSettings
from ringline.webhooks.sending.overdue import Overdue
from ringline.webhooks.sending.queue import SqsDeliveryQueue
from ringline.webhooks.store import DeliveryStore

if TYPE_CHECKING:
    from ringline.agents.lost_workers import LostWorkers
    from ringline.calls.mending.sweep import Sweep


class Settings(SignalSettings):
    # The sweep sends an agent to a caller to whom none was sent.
    livekit: DispatchSettings = group(DispatchSettings)
    delivery_queue_url: str = required("DELIVERY_QUEUE_URL")
    transfer_queue_url: str = required("TRANSFER_QUEUE_URL")


class Opened(NamedTuple):
    sweep: "Sweep"
    lost_workers: "LostWorkers"


def compose(settings: Settings, *, clock: Clock, log: Logger) -> Callable[[], AbstractAsyncContextManager[Opened]]:
    """Opens a sweep, which lives as long as its connection to LiveKit."""
    dynamodb, table = aws.dynamodb(), settings.table_name
    parts = CallParts(settings, clock=clock, log=log)
    watchlist = Watchlist(dynamodb, table)
    looks = look_queue(settings)
    deliveries = SqsDeliveryQueue(aws.sqs, settings.delivery_queue_url)
    overdue = Overdue(DeliveryStore(dynamodb, table), deliveries, clock)

    @asynccontextmanager
    async def sweeper() -> AsyncIterator[Opened]:
        # The sweep's rules and its event loop take as long to load as everything else: with the first run.
        from ringline.calls.mending.left_rooms import LeftRooms
        from ringline.calls.mending.sweep import Sweep
        from ringline.calls.tables.inbound_rooms import InboundRooms
        from ringline.calls.transfers.follow_up import FollowUp
        from ringline.calls.transfers.mend import MendTransfers
        from ringline.calls.web.store import Tickets

        inbound_rooms = InboundRooms(dynamodb, table)
        async with to_livekit(settings.livekit) as telephony:
            sweep = Sweep(
                store=parts.store,
                watchlist=watchlist,
                progress=parts.progress,
                telephony=telephony,
                left_rooms=LeftRooms(parts.store, inbound_rooms, telephony, log, Tickets(dynamodb, table).is_there),
                doorbell=parts.doorbell,
                looks=looks,
                resend=overdue.resend,
                transfers=MendTransfers(
                    FollowUp(
                        store=parts.store,
                        progress=parts.progress,
                        telephony=telephony,
                        queue=transfer_queue(settings.transfer_queue_url),
                        looks=looks,
                        clock=clock,
                        log=log,
                    )
                ),
                clock=clock,
                log=log,
            )
            lost = losing_workers(parts.store, parts.progress, table, telephony, looks, clock=clock, log=log)
            yield Opened(sweep, lost)

    return sweeper
