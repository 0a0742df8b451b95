"""Each minute: mends what got lost (see ringline.calls.sweep)."""

from dataclasses import asdict
from typing import Any

from ringline.calls.doorbell import SqsDoorbell
from ringline.calls.progress import Progress
from ringline.calls.store import CallStore
from ringline.calls.watchlist import Watchlist
from ringline.runtime import aws, settings
from ringline.runtime.clock import now_ms
from ringline.runtime.logging import make_logger
from ringline.webhooks.overdue import Overdue
from ringline.webhooks.queue import SqsDeliveryQueue
from ringline.webhooks.store import DeliveryStore

log = make_logger("sweep")
table = settings.required("TABLE_NAME")
store = CallStore(aws.dynamodb(), table)
watchlist = Watchlist(aws.dynamodb(), table)
doorbell = SqsDoorbell(aws.sqs(), settings.required("DOORBELL_QUEUE_URL"))
progress = Progress(store, doorbell, now_ms, log)
deliveries = SqsDeliveryQueue(aws.sqs(), settings.required("DELIVERY_QUEUE_URL"))
overdue = Overdue(DeliveryStore(aws.dynamodb(), table), deliveries, now_ms)
livekit_url = settings.required_url("LIVEKIT_URL")
livekit_key = settings.required("LIVEKIT_API_KEY")
livekit_secret = settings.required("LIVEKIT_API_SECRET")


def sweep() -> dict[str, Any]:
    # The event loop and LiveKit's client take as long to load as everything else: with the first run, not before.
    import asyncio

    from ringline.calls.sweep import Sweep, Swept
    from ringline.telephony.livekit import LivekitSettings, connected

    async def run() -> Swept:
        async with connected(LivekitSettings(livekit_url, livekit_key, livekit_secret)) as telephony:
            return await Sweep(store, watchlist, progress, telephony, doorbell, overdue.resend, now_ms, log).run()

    return asdict(asyncio.run(run()))


@log.inject_lambda_context(clear_state=True)
def lambda_handler(_event: dict[str, Any], _context: Any) -> dict[str, Any]:
    swept = sweep()
    log.info("swept", extra=swept)
    return swept
