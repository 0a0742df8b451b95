"""Runners and their sockets, for handlers that crash: they live on whatever becomes of the functions that they talk to.
The client of `aws.connections` is replaced by them.

A runner answers each assignment as `habits` say, the last one for all that follow, and dials as soon as it has
accepted.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ReadTimeoutError

from local.agents.runners import DIED, HUNG_UP, Program, is_welcome
from tests.component.crash.rig.process import AnswerLost, after_step, before_step
from tests.sample_events import event_of

if TYPE_CHECKING:
    from tests.component.crash.rig.world import World

AGENT = "runner-desk"
PIPE = "PIPE_2"
NUMBER = "+15550100003"
"""What rings in there is for the runners."""
BEATS_EVERY_S = 10
DIALS_AFTER_S = 0.1
LATE_S = 3
TOLD_AFTER_S = 1.5
"""How long after a connection is gone $disconnect tells of it: it may be back already."""


class Habit(StrEnum):
    ACCEPTS = "accepts"
    REFUSES = "has no place, whatever the table says"
    SILENT = "never answers"
    LATE = "accepts when another was asked"
    TWICE = "accepts twice"
    NEVER_DIALS = "accepts, and never dials"


class Gone(Exception):
    """API Gateway's word for a connection that is closed."""


@dataclass
class Runner(Program):
    key: str = ""
    connection_id: str | None = None
    is_registered: bool = False


@dataclass
class Fleet:
    """The runners of the one account, and their sockets as `aws.connections` gives them."""

    world: "World"
    dial: Callable[[str, Runner, str], bool]
    """Whether the bridge at that URL lets a runner in, with that job."""
    hang_up: Callable[[str, str, int], object]
    """The runner is gone from the bridge at that URL, on which it had that job; with which code it was closed."""
    habits: list[Habit] = field(default_factory=lambda: [Habit.ACCEPTS])
    runners: dict[str, Runner] = field(default_factory=dict)
    frames: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """What was posted to runners: to whom, and the frame."""
    _numbers: int = 0

    # --- the client --------------------------------------------------------------------------------------------------

    class exceptions:
        GoneException = Gone

    def post_to_connection(self, *, ConnectionId: str, Data: bytes) -> None:
        before_step()
        runner = self._at(ConnectionId)
        if runner is not None:
            frame = json.loads(Data)
            self.frames.append((runner.worker_id, frame))
            self.world.phones.after(0.01, lambda: self._hears(runner, ConnectionId, frame))
        self._after("post_to_connection")
        if runner is None:
            raise Gone

    def delete_connection(self, *, ConnectionId: str) -> None:
        before_step()
        runner = self._at(ConnectionId)
        if runner is not None:
            self._cut_off(runner)
        self._after("delete_connection")

    def _after(self, what: str) -> None:
        try:
            after_step(what)
        except AnswerLost:
            raise ReadTimeoutError(endpoint_url="https://connections.test") from None

    def _at(self, connection_id: str) -> Runner | None:
        return next((each for each in self.runners.values() if each.connection_id == connection_id), None)

    # --- a runner ----------------------------------------------------------------------------------------------------

    def comes(self, worker_id: str, key: str, places: int = 1) -> Runner:
        runner = self.runners[worker_id] = Runner(AGENT, worker_id, places, key=key)
        self.connects(runner)
        return runner

    def connects(self, runner: Runner) -> None:
        self._numbers += 1
        connection_id = f"C_{self._numbers}"
        event = event_of("serve_runners", "connect")
        event["headers"]["Authorization"] = f"Token {runner.key}"
        invocation = self._invoke(event, connection_id)
        if invocation.failed or invocation.answer["statusCode"] != 200:
            self._comes_back(runner)
            return
        runner.connection_id, runner.is_registered = connection_id, False
        self._tells(runner, runner.registers())

    def _tells(self, runner: Runner, frame: dict[str, Any]) -> None:
        connection_id = runner.connection_id
        if connection_id is None:
            return
        event = event_of("serve_runners", "register") | {"body": json.dumps(frame)}
        if self._invoke(event, connection_id).is_dead and runner.connection_id == connection_id:
            # API Gateway says so in a frame that the SDK cannot read.
            self._cut_off(runner)

    def _cut_off(self, runner: Runner) -> None:
        self.drops(runner)
        self._comes_back(runner)

    def _comes_back(self, runner: Runner) -> None:
        self.world.phones.after(runner.comes_back_after_s(0.5), lambda: self.connects(runner))

    def drops(self, runner: Runner) -> None:
        """Its connection closes."""
        connection_id, runner.connection_id = runner.connection_id, None
        if connection_id is not None:
            event = event_of("serve_runners", "disconnect")
            self.world.phones.after(TOLD_AFTER_S, lambda: self._invoke(event, connection_id))

    def dies(self, worker_id: str) -> None:
        """As a program dies: its connection and its bridges with it."""
        runner = self.runners[worker_id]
        self.drops(runner)
        for job_id, url in runner.ends():
            self.hang_up(url, job_id, DIED)

    def _invoke(self, event: dict[str, Any], connection_id: str) -> Any:
        event["requestContext"] |= {"connectionId": connection_id}
        return self.world.invoke("serve_runners", event)

    def _hears(self, runner: Runner, connection_id: str, frame: dict[str, Any]) -> None:
        if runner.connection_id != connection_id:
            return
        match frame["type"]:
            case "registered" if not runner.is_registered:
                assert is_welcome(frame)
                runner.is_registered = True
                self._beats(runner, connection_id)
            case "job.assign":
                self._is_assigned(runner, frame)
            case "job.cancel":
                job = runner.is_cancelled(frame["job_id"])
                if job is not None and job.in_call:
                    self.hang_up(job.url, frame["job_id"], HUNG_UP)

    def _beats(self, runner: Runner, connection_id: str) -> None:
        """As long as anything goes on for which it matters."""
        calls = self.world.table.calls.values()
        if runner.connection_id == connection_id and not (calls and all(call.state.is_terminal for call in calls)):
            self._tells(runner, runner.beats())
            self.world.phones.after(BEATS_EVERY_S, lambda: self._beats(runner, connection_id))

    def _is_assigned(self, runner: Runner, frame: dict[str, Any]) -> None:
        habit = self.habits.pop(0) if len(self.habits) > 1 else self.habits[0]
        after = self.world.phones.after
        answer = runner.is_assigned(frame, has_room=habit is not Habit.REFUSES)
        if habit in {Habit.SILENT, Habit.NEVER_DIALS}:
            runner.is_cancelled(frame["job_id"])
        if habit is Habit.SILENT:
            return
        late_s = LATE_S if habit is Habit.LATE else 0.0
        for turn in range(2 if habit is Habit.TWICE else 1):
            after(late_s + turn * 0.05, lambda: self._tells(runner, answer))
        if answer["accepted"]:
            after(late_s + DIALS_AFTER_S, lambda: self._dials(runner, frame["job_id"]))

    def _dials(self, runner: Runner, job_id: str) -> None:
        job = runner.jobs.get(job_id)
        if job is None:
            return
        job.in_call = self.dial(job.url, runner, job_id)
        pause_s = None if job.in_call else runner.dials_again_after_s(job_id)
        if pause_s is not None:
            self.world.phones.after(pause_s, lambda: self._dials(runner, job_id))
