"""Reads the table's stream: announces what changed to webhooks, closes rooms of calls that ended, rings for the next
caller, has calls recorded that became active."""

from typing import Any

from ringline.calls.model.call import Call
from ringline.calls.stream.measures import measures_of
from ringline.calls.views.relay import calls_recorded_on, calls_to_record, rooms_to_close
from ringline.composition.relay_call_changes import Settings, compose
from ringline.runtime.clock import now_ms
from ringline.runtime.logging import make_logger, masked_within
from ringline.runtime.metrics import count_failure, tell
from ringline.runtime.settings import read

log = make_logger("relay_call_changes")
changes_of_calls = compose(read(Settings), clock=now_ms, log=log)


def close(rooms: list[str]) -> None:
    """Closes rooms of calls that ended. One that resists is left to the sweep: webhooks must not wait for LiveKit."""
    for room in changes_of_calls.close_rooms(rooms):
        log.warning("room not closed", extra={"room": masked_within(room)})


def stop_recording(calls: list[Call]) -> None:
    """Nothing of a recording may fail the relay. One that cannot be stopped ends with its room: that is no failure of
    ours, for LiveKit may be away."""
    import asyncio

    try:
        asyncio.run(changes_of_calls.stop_recordings(calls))
    except Exception:
        log.exception("recordings not stopped", extra={"calls": [call.call_id for call in calls]})


def record(calls: list[Call]) -> int:
    """Has calls recorded; how many are. A recording is an extra: nothing of it may fail the relay."""
    # The event loop takes 16 ms to load, and few calls are recorded.
    import asyncio

    try:
        return asyncio.run(changes_of_calls.start_recordings(calls))
    except Exception:
        log.exception("recordings not started", extra={"calls": len(calls)})
        count_failure(log)
        return 0


@log.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    relay, batch = changes_of_calls.relay_each(event["Records"])
    rooms = rooms_to_close(batch.done, changes_of_calls.has_its_room)
    if rooms:
        close(rooms)
    recorded_on = calls_recorded_on(batch.done, changes_of_calls.has_its_room)
    if recorded_on:
        stop_recording(recorded_on)
    relay.ring_again(batch.done)
    # Last: LiveKit may take seconds over it, and nobody else shall wait for that.
    to_record = calls_to_record(batch.done, changes_of_calls.may_be_recorded)
    recorded = record(to_record) if to_record else 0
    did = {"changes": len(batch.done), "rooms_closed": len(rooms), "recordings": recorded, "parked": batch.parked}
    tell(measure for change in batch.over for measure in measures_of(change))
    log.info("changes relayed", extra={**did, "failed": batch.failed})
    if batch.failed is not None:
        count_failure(log)
    return {"batchItemFailures": [] if batch.failed is None else [{"itemIdentifier": batch.failed}]}
