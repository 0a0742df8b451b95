"""Ends what a call has of its room, and nothing that is the next caller's."""

from contextlib import suppress

from ringline.calls.model.call import Call
from ringline.calls.model.ports import Telephony
from ringline.calls.model.room_view import TelephonyDown, leg_of
from ringline.calls.progress.rest_recordings import stop_recordings
from ringline.calls.tables.store import CallStore


async def end_room_of(call: Call, store: CallStore, telephony: Telephony) -> None:
    """Closes the call's room. A room that LiveKit named and that has its next caller by now is theirs: only the call's
    own leg is put out of it, where it is still there, and nothing of it is recorded any more. Raises TelephonyDown."""
    # The event loop takes as long to load as half of a carrier's hook: with the first room that is to be closed.
    import asyncio

    room_name = call.room_name or ""
    if not await asyncio.to_thread(store.has_next_caller, call):
        await telephony.end_room(room_name)
        return
    leg = leg_of(call, await telephony.look(room_name))
    if leg is not None:
        await telephony.remove(room_name, leg.identity)
    # A recording is an extra: it keeps no call from its end. The relay asks once more when that is written.
    with suppress(TelephonyDown):
        await stop_recordings(telephony, call)
