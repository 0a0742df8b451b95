"""Recordings of calls: where their files lie, and links to them.

call active -> LiveKit is asked -> egress_started -> room closes -> egress_ended, with the file -> signed links to it

LiveKit writes the file when the room closes. A recording is an extra: whatever goes wrong with it is noted on the call
and changes nothing else about it.
"""

import re

from ringline.calls.model.call import AttemptId, Call, Recording
from ringline.runtime import aws
from ringline.runtime.ids import is_plausible_id

_KEY = re.compile(r"([^/]+)/recordings/([^/]+)-([1-9][0-9]{0,8})(?:\.s([1-9][0-9]{0,3}))?\.ogg")

RECORDING_URL_S = 900
"""How long a link to a recording works. It is a key to the file: who needs it longer asks again."""

ERROR_CHARS = 200
"""How much of the words for a failure is kept: a call is to stay one small item of the table."""


def recording_key(call: Call, segment: int | None = None) -> str:
    """Where the recording of the call's present attempt lies in the bucket, its present segment or the one that is
    named."""
    number = call.recording_segment if segment is None else segment
    of_segment = "" if number == 1 else f".s{number}"
    return f"{call.account_id}/recordings/{call.call_id}-{call.attempt}{of_segment}.ogg"


def segment_of(key: str | None) -> int:
    """Which segment of its call's recording a file is."""
    names = _KEY.fullmatch(key or "")
    return int(names[4]) if names is not None and names[4] else 1


def recording_of(key: str | None) -> AttemptId | None:
    """The attempt whose recording a file is; None for a file that is no recording of a call."""
    names = _KEY.fullmatch(key or "")
    if names is None or not (is_plausible_id(names[1]) and is_plausible_id(names[2])):
        return None
    return AttemptId(names[1], names[2], int(names[3]))


def recording_url(call: Call, bucket: str) -> str | None:
    """A link to the call's recording, or to its first segment that is there; None until its file is."""
    links = (segment_url(call, each, bucket) for each in (*call.former_recordings, call.recorded))
    return next((link for link in links if link is not None), None)


def segment_url(call: Call, recorded: Recording | None, bucket: str) -> str | None:
    """A link to one segment of the call's recording, good for RECORDING_URL_S; None until its file is there. Signed
    here, without a request: it works only if this function may read the file itself."""
    if not bucket or recorded is None or recorded.status != "ended" or recorded.key is None:
        return None
    attempt_id = recording_of(recorded.key)
    if attempt_id is None or (attempt_id.account_id, attempt_id.call_id) != (call.account_id, call.call_id):
        # Somebody else recorded the room, into a file of their own. A call shows no file of the bucket but its own.
        return None
    where = {"Bucket": bucket, "Key": recorded.key}
    return str(aws.s3().generate_presigned_url("get_object", Params=where, ExpiresIn=RECORDING_URL_S))
