"""A call's line to its runner, as seen by whoever runs the call."""

from typing import Protocol

from speech.bridge.model.events import LineEvent


class FrameTooLong(ValueError):
    """The frame has more than `MOST_BYTES_OF_A_FRAME`: the runner's library would close the bridge (1009)."""


class Line(Protocol):
    """`Hub.open` gives one in the hub's own process, `attach` one in another. Sending and closing return at once and
    keep their order; they do nothing for a bridge that is no longer the live one."""

    async def next(self) -> LineEvent:
        """What the runner does next. Waits for ever; raises `LineLost` when nothing can come any more."""

    def send(self, bridge: int, text: str) -> None:
        """Raises FrameTooLong."""

    def close_bridge(self, bridge: int, code: int) -> None:
        """Closes the runner's socket after what was sent. Another runner may dial in at once."""

    def pass_over(self, job_id: str) -> None:
        """From now on a dial of this job is refused."""

    async def close(self) -> None:
        """The call is over: a live socket is closed (1000), and every later dial is refused."""


class LineLost(ConnectionError):
    """The hub is gone, or the line was closed."""
