"""Reads the table's stream: announces what changed to webhooks, closes rooms of calls that ended, rings for the next
caller, has calls recorded that became active."""

from typing import Any

from ringline.calls.model.call import Call
from ringline.calls.model.recorder import RecordsBucket
from ringline.calls.progress.hints import NextRing
from ringline.calls.tables.queues import SqsDoorbell
from ringline.calls.tables.records import ITEM_KIND, call_from_item
from ringline.calls.tables.store import CallStore
from ringline.calls.views.relay import Change, Relay, calls_to_record, rooms_to_close
from ringline.runtime import aws, settings
from ringline.runtime.clock import now_ms
from ringline.runtime.logging import make_logger, masked_within
from ringline.webhooks.sending.announce import Announcer
from ringline.webhooks.sending.queue import SqsDeliveryQueue
from ringline.webhooks.store import EndpointStore

log = make_logger("relay_call_changes")
table = settings.required("TABLE_NAME")
doorbell = SqsDoorbell(aws.sqs, settings.required("DOORBELL_QUEUE_URL"))
store = CallStore(aws.dynamodb(), table)
deliveries = SqsDeliveryQueue(aws.sqs, settings.required("DELIVERY_QUEUE_URL"))
endpoints = EndpointStore(aws.dynamodb(), table)
livekit_url = settings.required_url("LIVEKIT_URL")
livekit_key = settings.required("LIVEKIT_API_KEY")
livekit_secret = settings.required("LIVEKIT_API_SECRET")
bucket = RecordsBucket(
    name=settings.optional("RECORDS_BUCKET"),
    region=settings.optional("AWS_REGION"),
    # Where AWS is a stand-in, LiveKit's egress must write to the same.
    endpoint=settings.optional("AWS_ENDPOINT_URL"),
    access_key=settings.optional("RECORDING_ACCESS_KEY_ID"),
    secret=settings.optional("RECORDING_SECRET_ACCESS_KEY"),
)


def changes_in(records: list[dict[str, Any]]) -> list[Change]:
    changes = []
    for record in records:
        images = record["dynamodb"]
        after, before = images.get("NewImage"), images.get("OldImage")
        if after is not None and after.get("item_kind") == {"S": ITEM_KIND}:
            change = Change(images["SequenceNumber"], before and call_from_item(before), call_from_item(after))
            changes.append(change)
    return changes


def close(rooms: list[str]) -> None:
    """Closes rooms of calls that ended. One that resists is left to the sweep: webhooks must not wait for LiveKit."""
    # LiveKit's client takes as long to load as the rest of this function; only ended calls need it.
    from ringline.telephony.livekit import LivekitSettings, close_rooms

    for room in close_rooms(LivekitSettings(livekit_url, livekit_key, livekit_secret), rooms):
        log.warning("room not closed", extra={"room": masked_within(room)})


def record(calls: list[Call]) -> int:
    """Has calls recorded; how many are. A recording is an extra: nothing of it may fail the relay."""
    # The event loop, the rules of a call, LiveKit's client: as much again as the rest, and few calls are recorded.
    import asyncio

    from ringline.calls.progress.progress import Progress
    from ringline.calls.progress.start_recordings import StartRecordings
    from ringline.telephony.livekit import LivekitSettings, connected

    async def start() -> int:
        async with connected(LivekitSettings(livekit_url, livekit_key, livekit_secret)) as recorder:
            progress = Progress(store, doorbell, now_ms, log)
            return await StartRecordings(recorder, bucket, progress, now_ms, log).run(calls)

    try:
        return asyncio.run(start())
    except Exception:
        log.exception("recordings not started", extra={"calls": len(calls)})
        return 0


@log.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    changes = changes_in(event["Records"])
    relay = Relay(Announcer(endpoints, deliveries), NextRing(store, doorbell, now_ms))
    done: list[Change] = []
    failures: list[dict[str, str]] = []
    for change in changes:
        try:
            relay.announce(change)
        except Exception:
            # The stream is repeated from the first failure on: what stands behind it keeps its order.
            log.exception("change not relayed", extra={"call_id": change.after.call_id})
            failures.append({"itemIdentifier": change.record_id})
            break
        done.append(change)
    rooms = rooms_to_close(done)
    if rooms:
        close(rooms)
    relay.ring_again(done)
    # Last: LiveKit may take seconds over it, and nobody else shall wait for that.
    to_record = calls_to_record(done)
    recorded = record(to_record) if to_record else 0
    log.info(
        "changes relayed",
        extra={"changes": len(done), "rooms_closed": len(rooms), "recordings": recorded, "failed": len(failures)},
    )
    return {"batchItemFailures": failures}
