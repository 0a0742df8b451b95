"""The control sockets of runners, as API Gateway holds them: each frame of a runner is an invocation of its own, side
by side with the others; a frame to a runner is posted to its connection, by whoever has its name.

Implements `ringline.agents.sockets.Sockets`.
"""

from collections.abc import Callable
from typing import Protocol

from ringline.agents.sockets import Sent
from simulation.kernel.chance import Odds
from simulation.kernel.processes import Process
from simulation.kernel.world import World

_SEND_ODDS: Odds = (("frame_unknown", 0.02),)
_RECEIVE_ODDS: Odds = (("frame_twice", 0.01), ("frame_late", 0.02))
_CLOSE_ODDS: Odds = (("close_untold", 0.05), ("close_late", 0.1))


class Serves(Protocol):
    """The function behind the sockets."""

    def connect_runner(self, connection_id: str, account_id: str) -> bool: ...

    def disconnect_runner(self, connection_id: str) -> bool: ...

    def hear_runner(self, connection_id: str, text: str) -> bool: ...


class HearsFrames(Protocol):
    """A runner, at the other end of a connection."""

    @property
    def name(self) -> str: ...

    @property
    def account_id(self) -> str: ...

    def hears(self, connection_id: str, frame: str) -> None: ...

    def is_cut_off(self, connection_id: str) -> None:
        """The connection was closed from the other side."""


class WatchesFrames(Protocol):
    def sent(self, process: Process, connection_id: str, frame: str) -> None:
        """A frame is on its way to whoever is at that connection."""


class RunnerSockets:
    def __init__(self, world: World, serve: Callable[[], Serves], watch: WatchesFrames) -> None:
        self._world = world
        self._serve = serve
        self._watch = watch
        self._open: dict[str, HearsFrames] = {}

    # --- as the product sees them ------------------------------------------------------------------------------------

    def send(self, connection_id: str, frame: str) -> Sent:
        world = self._world
        process = world.acting()
        process.before_effect("a frame")
        world.pass_time(world.chance.between(f"post/{connection_id}", 2, 20))
        world.acting()
        runner = self._open.get(connection_id)
        self._watch.sent(process, connection_id, frame)
        fault = world.faults.one_of(f"frame/{connection_id}", _SEND_ODDS)
        if runner is not None and (fault is None or world.chance.draw(f"sent/{connection_id}") < 0.5):
            world.after(world.chance.between(f"frame/{connection_id}", 1, 20), self._arrives, connection_id, frame)
        process.after_effect("a frame")
        if fault is not None:
            process.disturbed = True
            return Sent.UNKNOWN
        return Sent.GONE if runner is None else Sent.SENT

    def close(self, connection_id: str) -> None:
        process = self._world.acting()
        process.before_effect("a close")
        runner = self._open.get(connection_id)
        if runner is not None:
            self.closes(connection_id)
            self._world.after(1, runner.is_cut_off, connection_id)
        process.after_effect("a close")

    def _arrives(self, connection_id: str, frame: str) -> None:
        runner = self._open.get(connection_id)
        if runner is not None:
            runner.hears(connection_id, frame)

    # --- as runners see them -----------------------------------------------------------------------------------------

    def opens(self, runner: HearsFrames, done: Callable[[str | None], None]) -> None:
        """A runner asks for a connection: its name, or None if there was none to be had."""
        world = self._world
        connection_id = f"C_{runner.name}_{world.number()}"

        def ended(_process: Process, well: bool) -> None:
            if well:
                self._open[connection_id] = runner
            done(connection_id if well else None)

        account_id = runner.account_id
        work = self._serve().connect_runner
        world.spawn("socket", runner.name, lambda: work(connection_id, account_id), ended, account_id=account_id)

    def tells(self, connection_id: str, frame: str) -> None:
        fault = self._world.faults.one_of(f"tells/{connection_id}", _RECEIVE_ODDS)
        longest = 3_000 if fault == "frame_late" else 40
        for _ in range(2 if fault == "frame_twice" else 1):
            wait_ms = self._world.chance.between(f"tells/{connection_id}", 2, longest)
            self._world.after(wait_ms, self._heard, connection_id, frame)

    def _heard(self, connection_id: str, frame: str) -> None:
        runner = self._open.get(connection_id)
        if runner is None:
            return

        def ended(process: Process, _well: bool) -> None:
            # Of an invocation that died API Gateway tells in a frame that the SDK cannot read.
            if process.dead and connection_id in self._open:
                self.closes(connection_id)
                runner.is_cut_off(connection_id)

        work = self._serve().hear_runner
        self._world.spawn(
            "socket", runner.name, lambda: work(connection_id, frame), ended, account_id=runner.account_id
        )

    def closes(self, connection_id: str) -> None:
        """The connection is gone; $disconnect tells of it, soon or late or not at all."""
        runner = self._open.pop(connection_id, None)
        if runner is None:
            return
        fault = self._world.faults.one_of(f"close/{runner.name}", _CLOSE_ODDS)
        if fault != "close_untold":
            late = (2_000, 60_000) if fault == "close_late" else (5, 200)
            wait_ms = self._world.chance.between(f"close/{runner.name}", *late)
            self._world.after(wait_ms, self._tells_of_close, connection_id, runner)

    def _tells_of_close(self, connection_id: str, runner: HearsFrames) -> None:
        work = self._serve().disconnect_runner
        self._world.spawn("socket", runner.name, lambda: work(connection_id), _tells_once, account_id=runner.account_id)

    def vanishes(self, connection_id: str) -> None:
        """Nobody is at that end any more, and nobody notices for a long while: what is posted there is lost."""
        self._open[connection_id] = _Nobody(self._open[connection_id])


class _Nobody:
    """Where a runner was that died with its machine."""

    def __init__(self, runner: HearsFrames) -> None:
        self.name = runner.name
        self.account_id = runner.account_id

    def hears(self, connection_id: str, frame: str) -> None: ...

    def is_cut_off(self, connection_id: str) -> None: ...


def _tells_once(_process: Process, _well: bool) -> None:
    """$disconnect is not repeated."""
