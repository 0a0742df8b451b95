"""Has LiveKit end what it records of a call and is not to record: of a paused call all, else the segments before."""

from ringline.calls.model.call import Call
from ringline.calls.model.ports import Telephony
from ringline.calls.rules.kept_rules import segments_at_rest
from ringline.calls.tables.recordings import recording_key


async def rest_recordings(telephony: Telephony, call: Call) -> None:
    """Once it has returned none of them is recorded. Raises TelephonyDown."""
    keys = {recording_key(call, segment) for segment in segments_at_rest(call)}
    if keys:
        await telephony.stop_recordings(call.room_name or "", keys)
