"""What agents report of their calls over HTTP. An agent tells in the order in which things happen and repeats what was
not answered; a report may be lost for good, doubled or late."""

from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any

from ringline.calls.model.events import Event
from ringline.calls.signals.agent_reports import Report
from simulation.kernel.chance import Odds
from simulation.kernel.processes import Process
from simulation.kernel.world import World

_TRIES = 3
_FIRST_WAIT_MS = 1000
_ODDS: Odds = (("report_lost", 0.04), ("report_twice", 0.03), ("report_late", 0.03))

type HearReports = Callable[[str, list[Report]], Coroutine[Any, Any, bool]]
"""Hears reports of the agent in a room."""


class Reports:
    def __init__(self, world: World, hear: HearReports, account_of_room: Mapping[str, str]) -> None:
        """`account_of_room` has the account of each room that LiveKit has named."""
        self._world = world
        self._account_of_room = account_of_room
        self._hear = hear
        self._untold: dict[str, deque[Report]] = {}
        self._telling: set[str] = set()

    def tells(self, room: str, kind: str, event: Callable[[int, int], Event]) -> None:
        fault = self._world.faults.one_of(f"report/{room}", _ODDS)
        if fault == "report_lost":
            self._world.trace(f"the agent of {room} does not get through with {kind}")
            return
        self._world.counts["reports"] += 1
        report = Report(kind, self._world.now, event)
        if fault == "report_late":
            late_ms = self._world.chance.between(f"report late/{room}", 500, 30_000)
            self._world.after(late_ms, self._posts, room, report, 0, None)
            return
        untold = self._untold.setdefault(room, deque())
        untold.extend([report] * (2 if fault == "report_twice" else 1))
        if room not in self._telling:
            self._telling.add(room)
            self._world.after(self._world.chance.between(f"report/{room}", 5, 60), self._next, room, untold)

    def _next(self, room: str, untold: deque[Report]) -> None:
        if untold:
            self._posts(room, untold.popleft(), 0, untold)
        else:
            self._telling.discard(room)

    def _posts(self, room: str, report: Report, tries: int, untold: deque[Report] | None) -> None:
        """Those in the queue are told one after the other, each until it was answered or given up."""

        def answered(_process: Process, well: bool) -> None:
            if not well and tries + 1 < _TRIES:
                self._world.after(_FIRST_WAIT_MS * 2**tries, self._posts, room, report, tries + 1, untold)
            elif untold is not None:
                self._world.after(1, self._next, room, untold)

        account_id = self._account_of_room.get(room) or room.partition(".")[0]
        work = partial(self._hear, room, [report])
        self._world.spawn("agent", room, work, answered, account_id=account_id)
