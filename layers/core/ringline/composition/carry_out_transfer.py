from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from copy import replace

from aws_lambda_powertools import Logger

from ringline.calls.tables.paces import TrunkPaces
from ringline.calls.transfers.carry_out import CarryOut
from ringline.composition.parts import CallParts, SignalSettings, look_queue, sends_agents
from ringline.composition.parts.transfers import destinations, transfer_queue
from ringline.runtime import aws
from ringline.runtime.clock import Clock
from ringline.runtime.settings import group, number, required
from ringline.telephony.livekit_settings import DialSettings
from ringline.telephony.livekit_transfers import connected_for_transfers


class Settings(SignalSettings):
    livekit: DialSettings = group(DialSettings)
    calls_per_second: float = number("TRUNK_CALLS_PER_SECOND")
    transfer_queue_url: str = required("TRANSFER_QUEUE_URL")


def compose(settings: Settings, *, clock: Clock, log: Logger) -> Callable[[], AbstractAsyncContextManager[CarryOut]]:
    """Opens what carries a transfer out, which lives as long as its connection to LiveKit."""
    dynamodb, table = aws.dynamodb(), settings.table_name
    parts = CallParts(settings, clock=clock, log=log)

    livekit = replace(settings.livekit, **sends_agents(table))

    @asynccontextmanager
    async def carrying_out() -> AsyncIterator[CarryOut]:
        async with connected_for_transfers(livekit) as telephony:
            yield CarryOut(
                store=parts.store,
                progress=parts.progress,
                telephony=telephony,
                paces=TrunkPaces(dynamodb, table, settings.livekit.sip_trunk_id, settings.calls_per_second),
                queue=transfer_queue(settings.transfer_queue_url),
                looks=look_queue(settings),
                may_call=destinations(parts.store, table),
                clock=clock,
                log=log,
            )

    return carrying_out
