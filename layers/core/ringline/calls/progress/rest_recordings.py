"""Has LiveKit end what it records of a call and is not to record: of a paused call all, else the segments before; of a
call that is over and whose room goes on, whatever there is."""

from ringline.calls.model.call import Call
from ringline.calls.model.ports import Telephony
from ringline.calls.rules.kept_rules import segments_at_rest
from ringline.calls.tables.recordings import recording_key


async def rest_recordings(telephony: Telephony, call: Call) -> None:
    """Once it has returned none of them is recorded. Raises TelephonyDown."""
    keys = {recording_key(call, segment) for segment in segments_at_rest(call)}
    if keys:
        await telephony.stop_recordings(call.room_name or "", keys)


async def stop_recordings(telephony: Telephony, call: Call) -> None:
    """Ends whatever is recorded of a call whose room goes on without it: it would have the next caller in it. Raises
    TelephonyDown."""
    if call.recording:
        keys = {recording_key(call, segment) for segment in range(1, call.recording_segment + 1)}
        await telephony.stop_recordings(call.room_name or "", keys)
