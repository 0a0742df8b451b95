"""Reads the table's stream: announces what changed to webhooks, closes rooms of calls that ended, rings for the next
caller, has calls recorded that became active."""

from typing import Any

from ringline.calls.model.call import Call
from ringline.calls.tables.records import ITEM_KIND, call_from_item
from ringline.calls.views.relay import Change, calls_to_record, rooms_to_close
from ringline.composition.relay_call_changes import Settings, compose
from ringline.runtime.clock import now_ms
from ringline.runtime.logging import make_logger, masked_within
from ringline.runtime.settings import read

log = make_logger("relay_call_changes")
changes_of_calls = compose(read(Settings), clock=now_ms, log=log)


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
    for room in changes_of_calls.close_rooms(rooms):
        log.warning("room not closed", extra={"room": masked_within(room)})


def record(calls: list[Call]) -> int:
    """Has calls recorded; how many are. A recording is an extra: nothing of it may fail the relay."""
    # The event loop takes 16 ms to load, and few calls are recorded.
    import asyncio

    try:
        return asyncio.run(changes_of_calls.start_recordings(calls))
    except Exception:
        log.exception("recordings not started", extra={"calls": len(calls)})
        return 0


@log.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    changes = changes_in(event["Records"])
    relay = changes_of_calls.relay()
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
