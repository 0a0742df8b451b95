"""Each minute: mends what got lost (see ringline.calls.mending.sweep). In between: looks at single calls that somebody
asked to have looked at again soon."""

from dataclasses import asdict
from typing import Any

from ringline.calls.progress.progress import Progress
from ringline.calls.tables.queues import SqsDoorbell, SqsLookQueue, call_to_look_at
from ringline.calls.tables.store import CallStore
from ringline.calls.tables.watchlist import Watchlist
from ringline.runtime import aws, settings
from ringline.runtime.clock import now_ms
from ringline.runtime.logging import make_logger
from ringline.webhooks.sending.overdue import Overdue
from ringline.webhooks.sending.queue import SqsDeliveryQueue
from ringline.webhooks.store import DeliveryStore

log = make_logger("sweep")
table = settings.required("TABLE_NAME")
store = CallStore(aws.dynamodb(), table)
watchlist = Watchlist(aws.dynamodb(), table)
doorbell = SqsDoorbell(aws.sqs, settings.required("DOORBELL_QUEUE_URL"))
looks = SqsLookQueue(aws.sqs, settings.required("LOOK_QUEUE_URL"))
progress = Progress(store, doorbell, now_ms, log)
deliveries = SqsDeliveryQueue(aws.sqs, settings.required("DELIVERY_QUEUE_URL"))
overdue = Overdue(DeliveryStore(aws.dynamodb(), table), deliveries, now_ms)
livekit_url = settings.required_url("LIVEKIT_URL")
livekit_key = settings.required("LIVEKIT_API_KEY")
livekit_secret = settings.required("LIVEKIT_API_SECRET")
agent_name = settings.required("AGENT_NAME")
public_url = settings.optional("PUBLIC_URL")


def sweep(only: list[tuple[str, str]] | None = None) -> dict[str, Any]:
    """A whole run, or a look at some calls (account, call)."""
    # The event loop and LiveKit's client take as long to load as everything else: with the first run, not before.
    import asyncio

    from ringline.calls.mending.mend import Swept
    from ringline.calls.mending.sweep import Sweep
    from ringline.telephony.livekit import LivekitSettings, connected

    # A caller whose agent was not dispatched is looked after here.
    livekit = LivekitSettings(livekit_url, livekit_key, livekit_secret, agent_name=agent_name, public_url=public_url)

    async def run() -> Swept:
        async with connected(livekit) as telephony:
            sweep = Sweep(store, watchlist, progress, telephony, doorbell, looks, overdue.resend, now_ms, log)
            return await (sweep.run() if only is None else sweep.look_again(only))

    return asdict(asyncio.run(run()))


@log.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    records = event.get("Records")
    if records is None:
        swept = sweep()
        log.info("swept", extra=swept)
        return swept
    calls = [call for record in records if (call := call_to_look_at(record["body"])) is not None]
    looked = sweep(calls) if calls else {}
    log.info("looked again", extra={"calls": len(calls), **looked})
    # What keeps it from looking is raised, and all the messages come again.
    return {"batchItemFailures": []}
