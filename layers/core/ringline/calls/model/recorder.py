"""What recording a call needs of LiveKit. Not in `ports`, which the relay starts without."""

from collections.abc import Collection
from dataclasses import field
from typing import Protocol

from ringline.record import stored


@stored
class RecordsBucket:
    """Where recordings go, and whose rights LiveKit writes them with: its own where no access key is given."""

    name: str
    region: str
    endpoint: str = ""
    access_key: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)


@stored
class RecordingTarget:
    """The file that a recording becomes."""

    bucket: RecordsBucket
    key: str


class Recorder(Protocol):
    async def start_recording(self, room: str, target: RecordingTarget) -> str:
        """Has what is heard in the room recorded into the file, from now on until the room closes: the recording's id.
        A file that is, or was, recorded into is not begun again, whatever else the room was recorded into. Raises
        TelephonyDown."""

    async def stop_recordings(self, room: str, keys: Collection[str]) -> None:
        """Ends what is being recorded of the room into these files. Raises TelephonyDown."""
