"""Where runners dial in: one line for each speech worker, by its URL. At most one bridge is live on it."""

from typing import Protocol

from speech.bridge.rules.seeking import UNKNOWN_CALL


class Brain(Protocol):
    """A runner's end of a bridge."""

    @property
    def worker_id(self) -> str: ...

    def bridge_closed(self, job_id: str) -> None:
        """The speech worker has closed it."""


class TakesRunners(Protocol):
    """A speech worker's end."""

    def dialled(self, runner: Brain, job_id: str) -> int | None:
        """None where the runner is let in, or the code with which it is not."""

    def bridge_lost(self, runner: Brain, job_id: str, code: int) -> None: ...


class Bridges:
    def __init__(self) -> None:
        self._lines: dict[str, TakesRunners] = {}

    def open(self, url: str, line: TakesRunners) -> None:
        self._lines[url] = line

    def shut(self, url: str) -> None:
        self._lines.pop(url, None)

    def dial(self, url: str, runner: Brain, job_id: str) -> int | None:
        line = self._lines.get(url)
        return UNKNOWN_CALL if line is None else line.dialled(runner, job_id)

    def close(self, url: str, runner: Brain, job_id: str, code: int) -> None:
        """From the runner's side."""
        line = self._lines.get(url)
        if line is not None:
            line.bridge_lost(runner, job_id, code)
