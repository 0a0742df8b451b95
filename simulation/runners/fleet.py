"""The runners of one world: each connects, registers, beats, takes calls and dials their bridges, until it drops its
connection, dies, vanishes or drains, and is back."""

import json
from collections.abc import Iterable
from typing import Any, Protocol

from local.agents.runners import DIED, DRAINS_FOR_S, HUNG_UP, Frame, Program, is_welcome
from simulation.kernel.world import START, World
from simulation.plan.planned import PlannedRunner
from simulation.plan.runners import AGENT
from simulation.runners.bridges import Bridges
from simulation.runners.sockets import RunnerSockets

_NOTICED_AFTER_MS = (20_000, 30_000)
"""When a bridge is given up whose other end is gone without a word: two pings."""
_ANSWERS_LATE_MS = (1_500, 9_000)
_PATIENCE_MS = 30_000
"""How long a runner waits for the answer to its registration. The SDK waits for ever."""


class WatchesRunners(Protocol):
    def left_waiting(self, connection_id: str) -> None:
        """A runner that is connected was not answered."""


class Fleet:
    def __init__(
        self, world: World, sockets: RunnerSockets, bridges: Bridges, planned: Iterable[PlannedRunner],
        watch: WatchesRunners,
    ) -> None:  # fmt: skip
        self._world = world
        self.runners = [Runner(world, sockets, bridges, plan, watch) for plan in planned]

    def begin(self) -> None:
        for runner in self.runners:
            self._world.at(START + runner.plan.comes_at, runner.comes)

    def good_runners(self, account_id: str) -> list[str]:
        """Those of an account that are there, as good as runners are, and not full: one may think on in a call that is
        to be another agent's, and has its place in it no more."""
        return [
            each.worker_id
            for each in self.runners
            if each.account_id == account_id and each.takes_calls and not each.is_full
        ]

    def stop(self) -> None:
        """Nobody beats any more: the world is about to end."""
        for runner in self.runners:
            runner.is_still = True


class Runner:
    """One program, also after it died and was started again under another `worker_id`."""

    def __init__(
        self, world: World, sockets: RunnerSockets, bridges: Bridges, plan: PlannedRunner, watch: WatchesRunners
    ) -> None:
        self._world = world
        self._watch = watch
        self._sockets = sockets
        self._bridges = bridges
        self.plan = plan
        self.name = plan.name
        self.account_id = plan.account_id
        self.program = Program(AGENT, "", plan.places)
        self.is_still = False
        self.connection_id: str | None = None
        self.is_registered = False
        self._lives = 0
        self._is_alive = False
        self._is_draining = False

    @property
    def worker_id(self) -> str:
        return self.program.worker_id

    @property
    def takes_calls(self) -> bool:
        """Whether it is there and as good as runners are."""
        return self.is_registered and not self._is_draining and self.plan.habit == "good"

    @property
    def is_full(self) -> bool:
        """Whether it refuses the next job."""
        return len(self.program.jobs) >= self.program.places

    # --- coming and going --------------------------------------------------------------------------------------------

    def comes(self) -> None:
        self._lives += 1
        self.program.starts(f"{AGENT}#{self.name}#{self._lives}")
        self._is_alive = True
        for after_ms, fate in self.plan.fates if self._lives == 1 else ():
            self._world.after(after_ms, self._meets, fate)
        self._connect(self._lives)

    def _connect(self, life: int) -> None:
        if life != self._lives or not self._is_alive or self.connection_id is not None:
            return

        def connected(connection_id: str | None) -> None:
            if connection_id is None:
                self._again(life)
            elif life == self._lives and self._is_alive:
                self.connection_id = connection_id
                self._register(connection_id)
            else:
                self._sockets.closes(connection_id)

        self._sockets.opens(self, connected)

    def _register(self, connection_id: str) -> None:
        self._tells(connection_id, self.program.registers())
        self._world.after(_PATIENCE_MS, self._waits, connection_id)

    def _waits(self, connection_id: str) -> None:
        if connection_id == self.connection_id and not self.is_registered and not self.is_still:
            self._watch.left_waiting(connection_id)

    def _again(self, life: int) -> None:
        drawn = self._world.chance.between(f"reconnect/{self.name}", 0, 1000) / 1000
        self._world.after(round(self.program.comes_back_after_s(drawn) * 1000), self._connect, life)

    def is_cut_off(self, connection_id: str) -> None:
        if connection_id == self.connection_id:
            self.connection_id, self.is_registered = None, False
            if self._is_draining:
                self._stops()
            else:
                self._again(self._lives)

    def _meets(self, fate: str) -> None:
        if not self._is_alive or self.is_still or self._is_draining:
            return
        self._world.counts[f"runner_{fate}"] += 1
        self._world.trace(f"runner {self.worker_id} {fate}")
        match fate:
            case "drops":
                connection_id = self.connection_id
                self.program.places = self.plan.later_places
                if connection_id is not None:
                    self._sockets.closes(connection_id)
                    self.is_cut_off(connection_id)
            case "dies":
                if self.connection_id is not None:
                    self._sockets.closes(self.connection_id)
                self._ends_jobs(0, 50, code=DIED)
                self._is_gone()
            case "vanishes":
                if self.connection_id is not None:
                    self._sockets.vanishes(self.connection_id)
                self._ends_jobs(*_NOTICED_AFTER_MS, code=DIED)
                self._is_gone()
            case "drains":
                self._is_draining = True
                self._world.after(DRAINS_FOR_S * 1000 * 2, self._is_drained, self._lives)

    def _is_gone(self) -> None:
        self._is_alive, self.connection_id, self.is_registered = False, None, False
        self._world.after(self.plan.back_after, self.comes)

    def _is_drained(self, life: int) -> None:
        if life == self._lives and self._is_draining and self._is_alive:
            self._stops()

    def _stops(self) -> None:
        """The end of one that drains: with the first frame that it gets, or in time. What it still has in hand ends."""
        if self.connection_id is not None:
            self._sockets.closes(self.connection_id)
        self._ends_jobs(0, 50, code=HUNG_UP)
        self._is_draining = False
        self.program.places = self.plan.later_places
        self._is_gone()

    def _ends_jobs(self, soonest: int, latest: int, *, code: int) -> None:
        for job_id, url in self.program.ends():
            wait_ms = self._world.chance.between(f"lost/{self.name}", soonest, latest)
            self._world.after(wait_ms, self._bridges.close, url, self, job_id, code)

    # --- frames ------------------------------------------------------------------------------------------------------

    def _tells(self, connection_id: str, frame: Frame) -> None:
        self._sockets.tells(connection_id, json.dumps(frame))

    def hears(self, connection_id: str, frame: str) -> None:
        if connection_id != self.connection_id or not self._is_alive:
            return
        told = json.loads(frame)
        if not self.is_registered:
            self._hears_first(connection_id, told)
            return
        if told["type"] == "job.assign":
            self._is_assigned(connection_id, told)
        elif told["type"] == "job.cancel":
            self._is_cancelled(told["job_id"])
        if self._is_draining:
            # The SDK's loop ends with the next frame, and all its calls with it.
            self._stops()

    def _hears_first(self, connection_id: str, told: dict[str, Any]) -> None:
        if not is_welcome(told):
            self._world.counts["first_frames_misread"] += 1
            self._sockets.closes(connection_id)
            self.is_cut_off(connection_id)
            return
        self.is_registered = True
        self._beats(connection_id, told["heartbeat_interval_s"] * 1000)

    def _beats(self, connection_id: str, every_ms: int) -> None:
        if connection_id != self.connection_id or self._is_draining or self.is_still:
            return
        self._tells(connection_id, self.program.beats())
        self._world.after(every_ms, self._beats, connection_id, every_ms)

    # --- jobs --------------------------------------------------------------------------------------------------------

    def _is_assigned(self, connection_id: str, told: dict[str, Any]) -> None:
        job_id, chance, habit = told["job_id"], self._world.chance, self.plan.habit
        answer = self.program.is_assigned(told, has_room=habit != "refuses")
        self._world.counts["jobs_accepted" if answer["accepted"] else "jobs_refused"] += 1
        if habit == "silent":
            self.program.jobs.pop(job_id, None)
            return
        wait_ms = chance.between(f"late/{self.name}", *_ANSWERS_LATE_MS) if habit == "late" else 0
        for turn in range(2 if habit == "doubles" else 1):
            self._world.after(wait_ms + turn * 300, self._answers, connection_id, answer)
        if answer["accepted"] and habit == "never_dials":
            self._world.after(wait_ms + 20_000, self.program.is_cancelled, job_id)
        elif answer["accepted"]:
            self._world.after(wait_ms + 1, self._dials, job_id)

    def _answers(self, connection_id: str, answer: Frame) -> None:
        if connection_id == self.connection_id:
            self._tells(connection_id, answer)

    def _dials(self, job_id: str) -> None:
        if job_id in self.program.jobs:
            self._world.after(self._world.chance.between(f"dials/{self.name}", 3, 60), self._is_at, job_id)

    def _is_at(self, job_id: str) -> None:
        job = self.program.jobs.get(job_id)
        if job is None:
            return
        if self._bridges.dial(job.url, self, job_id) is None:
            job.in_call = True
            return
        pause_s = self.program.dials_again_after_s(job_id)
        if pause_s is not None:
            self._world.after(round(pause_s * 1000), self._dials, job_id)

    def _is_cancelled(self, job_id: str) -> None:
        job = self.program.is_cancelled(job_id)
        self._world.counts["jobs_cancelled"] += 1
        if job is not None and job.in_call:
            self._bridges.close(job.url, self, job_id, HUNG_UP)

    def bridge_closed(self, job_id: str) -> None:
        self.program.is_cancelled(job_id)
