"""A call's line to its runner, as seen by whoever runs the call."""

from typing import Protocol

from speech.bridge.model.events import LineEvent
from speech.bridge.model.frames import is_too_long


class FrameTooLong(ValueError):
    """The frame is longer than a runner's library receives: it would close the bridge (1009)."""


class LineLost(ConnectionError):
    """Nothing can come any more: the line was closed, or the hub is gone."""


class LineTaken(RuntimeError):
    """Somebody else runs this call already."""


class Line(Protocol):
    """`Hub.open` gives one in the hub's own process, `attached` one in another. Sending and closing return at once and
    keep their order; they do nothing for a bridge that is no longer the live one."""

    async def next(self) -> LineEvent:
        """What the runner does next. Waits for ever; raises LineLost. Ask for it all the time: where the line is a
        socket, it answers pings only while somebody waits."""

    def send(self, bridge: int, text: str) -> None:
        """Raises FrameTooLong."""

    def close_bridge(self, bridge: int, code: int) -> None:
        """Closes the runner's socket after what was sent. Another runner may dial in at once."""

    def pass_over(self, job_id: str) -> None:
        """From now on a dial of this job is refused."""

    async def close(self, *, is_lost: bool = False) -> None:
        """The call is over: a live socket is closed (1000) after what was sent, and every later dial is refused. Where
        it `is_lost`, whoever ran the call has failed and the call goes on without: the socket is closed with 1011. The
        first word counts."""


def checked(frame: str) -> str:
    """The frame. Raises FrameTooLong."""
    if is_too_long(frame):
        raise FrameTooLong(f"{len(frame)} characters")
    return frame
