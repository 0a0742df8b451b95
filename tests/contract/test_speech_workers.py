"""The deployed speech worker's conversation and those who play it in the simulation and in the crash tests: told the
same, they ask for the same runners, let the same ones in, and give up alike."""

import json
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from ringline.calls.model.reasons import EndReason
from simulation.actors.scene import Agent, Room
from simulation.kernel.chance import Chance, Faults
from simulation.kernel.world import START, World
from simulation.plan.mortality import MORTALITY
from simulation.runners import speech
from speech.bridge.model.actions import AskForBrain, CloseBridge, Report
from speech.bridge.model.asking import read_answer
from tests.component.crash.rig import speech as rig
from tests.component.crash.rig.phones import Phones
from tests.fakes import HandClock
from tests.unit.speech.conversations import CALL, Told

WAIT = {"result": "wait", "wait_s": 1.5}


def nobody(again_in_s: float) -> dict[str, Any]:
    return {"result": "none", "why": "no_runner", "again_in_s": again_in_s}


def assigned(number: int) -> dict[str, Any]:
    return {"result": "assigned", "job_id": f"c.1.{number}", "worker_id": "bot#1", "dial_within_s": 2.0}


type Move = tuple[float, str, int]
"""When (s), whether a runner `dials` or the one that is there `closes`, and with which job or code."""

SCRIPTS: dict[str, tuple[list[dict[str, Any]], list[Move], float]] = {
    "slow, lost, raising, and gone": (
        [nobody(1.0), assigned(1), WAIT, assigned(2), assigned(3)],
        [
            (5.0, "dials", 1), (5.2, "dials", 2), (8.0, "closes", 1006), (8.5, "dials", 2), (8.6, "dials", 3),
            (8.7, "dials", 3), (12.0, "closes", 1000), (12.4, "dials", 3), (14.0, "closes", 1000),
        ],
        20.0,
    ),
    "nobody takes over": ([assigned(1), nobody(2.2)], [(0.5, "dials", 1), (3.0, "closes", 1006)], 12.0),
    "each is lost": (
        [assigned(number) for number in range(1, 9)],
        [(at, what, number) for number in range(1, 7) for at, what, number in (
            (number * 2 - 0.5, "dials", number), (number * 2 + 0.5, "closes", 1006),
        )],
        20.0,
    ),
    "nobody ever comes": ([nobody(7.0)], [], 70.0),
}  # fmt: skip


class Logged:
    """`log` has what it did: asks, lets in, refuses, is ready, comes into a caller's room, hangs up."""

    def __init__(self, answers: list[dict[str, Any]], direction: str) -> None:
        self._answers = answers
        self._direction = direction
        self.log: list[str] = []

    def _asked(self, request: int, why: str) -> dict[str, Any]:
        """What the control plane says, the last thing again and again."""
        self.log.append(f"asks {request} {why}")
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]

    def _dialled(self, job_id: str, is_let_in: bool) -> None:
        self.log.append(f"{'lets in' if is_let_in else 'refuses'} {job_id}")


class Deployed(Logged):
    def begins(self) -> None:
        self._told, self._seen = Told(replace(CALL, direction=self._direction)), 0
        self._began_ms = self._told.now_ms
        self._look()

    def passes(self, until_s: float) -> None:
        while self._told.now_ms < self._began_ms + until_s * 1000:
            self._told.after(10)
            self._look()

    def dials(self, job_id: str) -> None:
        here = self._told.bridge
        wanted = self._told.dial(job_id)
        is_let_in = not any(isinstance(each, CloseBridge) for each in wanted)
        self._dialled(job_id, is_let_in)
        if is_let_in:
            self._told.runner("hello", protocol_version=2)
        else:
            self._told.bridge = here
        self._look()

    def closes(self, code: int) -> None:
        self._told.closes(code)
        self._look()

    def _look(self) -> None:
        while self._seen < len(self._told.all):
            action = self._told.all[self._seen]
            self._seen += 1
            match action:
                case AskForBrain(request=request, why=why):
                    self._told.answer(read_answer(self._asked(request, why)))
                case Report(event={"type": "ready"}):
                    self.log.append("is ready")
                    if self._direction == "inbound":
                        # What its driver's `ready` is for.
                        self.log.append("comes in")
                case Report(event={"type": "hang_up", "reason": reason}):
                    self.log.append(f"hangs up {reason}")
                case _:
                    pass


class InSimulation(Logged):
    _WORDS: ClassVar = {EndReason.AGENT_FAILED: "agent_failed", EndReason.AGENT_HUNG_UP: "agent_left"}

    def begins(self) -> None:
        chance = Chance(7)
        self._world = world = World(chance, Faults(chance, 0.0, None), MORTALITY)
        nothing = lambda *_: None  # noqa: E731
        whole: Any = SimpleNamespace(
            world=world, ask=self._ask, account_of=lambda _room: "acct", reports=SimpleNamespace(tells=self._tells),
            bridges=SimpleNamespace(open=nothing, shut=nothing),
            agents=SimpleNamespace(leaves=nothing, joins=self._joins),
            watch=SimpleNamespace(greeted=nothing, gone=nothing, lost=nothing, given_up=nothing),
        )  # fmt: skip
        self._runner: Any = SimpleNamespace(worker_id="bot#1", bridge_closed=nothing)
        room, agent = Room("room", START, empty_timeout=1, departure_timeout=1, since=START), Agent("PA", START, "a")
        is_there = self._direction == "outbound"
        self._worker = speech.SpeechWorker(whole, room, agent.identity, agent if is_there else None)
        self._job_id = ""
        self._worker.begins()

    def _ask(self, _room: str, request: int, why: str, _url: str, answers: list[dict[str, Any]]) -> bool:
        answers.append(self._asked(request, why))
        return True

    def _joins(self, room: Room, identity: str, **_: object) -> None:
        self.log.append("comes in")
        room.join(Agent("PA", START, identity))

    def _tells(self, _room: str, kind: str, event: Callable[[int, int], Any]) -> None:
        self.log.append("is ready" if kind == "ready" else f"hangs up {self._WORDS[event(0, 1).reason]}")

    def passes(self, until_s: float) -> None:
        self._world.run(START + round(until_s * 1000))

    def dials(self, job_id: str) -> None:
        is_let_in = self._worker.dialled(self._runner, job_id) is None
        self._dialled(job_id, is_let_in)
        if is_let_in:
            self._job_id = job_id
            self._world.run(self._world.now + 90)

    def closes(self, code: int) -> None:
        self._worker.bridge_lost(self._runner, self._job_id, code)


class InCrashWorld(Logged):
    def begins(self) -> None:
        self._clock = HandClock()
        self._phones = Phones(self._clock)
        world: Any = SimpleNamespace(phones=self._phones, clock=self._clock, invoke=self._invoke, spoken_for=[])
        told = {"token": "t", "call_id": "c", "direction": self._direction, "brain": "runner"}
        urls = {"brain_url": "https://a.test/brain", "agent_events_url": "https://a.test/events"}
        world.speech = rig.Speech(world)
        self._phones.make("room", json.dumps(told | urls), terms=(100, 100))
        while not world.speech.workers:
            self._clock.move(0.01)
            self._phones.happen()
        (self._worker,) = world.speech.workers.values()
        self._began = self._clock.now

    def _invoke(self, function: str, event: dict[str, Any]) -> Any:
        told, said = json.loads(event["body"]), {}
        if function == "assign_brain":
            said = self._asked(told["request"], told["why"])
        else:
            (report,) = told["events"]
            self.log.append("is ready" if report["type"] == "ready" else f"hangs up {report['reason']}")
        return SimpleNamespace(needs_repeat=False, answer={"statusCode": 200, "body": json.dumps(said)})

    def passes(self, until_s: float) -> None:
        while self._clock.now < self._began + until_s * 1000:
            self._clock.move(0.01)
            self._phones.happen()
            if self._direction == "inbound" and "comes in" not in self.log and self._phones.rooms["room"].agents:
                self.log.append("comes in")

    def dials(self, job_id: str) -> None:
        runner: Any = SimpleNamespace(worker_id="bot#1", is_cancelled=lambda _job_id: None)
        before = len(self.log)
        is_let_in = self._worker.dialled(runner, job_id)
        self.log.insert(before, f"{'lets in' if is_let_in else 'refuses'} {job_id}")

    def closes(self, code: int) -> None:
        self._worker.lost(self._worker.job_id, code)


type Player = Deployed | InSimulation | InCrashWorld


def played(kind: type[Player], name: str, direction: str = "outbound") -> list[str]:
    answers, moves, lasts_s = SCRIPTS[name]
    player = kind(list(answers), direction)
    player.begins()
    for at_s, what, number in moves:
        player.passes(at_s)
        if what == "dials":
            player.dials(f"c.1.{number}")
        else:
            player.closes(number)
    player.passes(lasts_s)
    return player.log


@pytest.mark.parametrize("player", [InSimulation, InCrashWorld])
@pytest.mark.parametrize("direction", ["outbound", "inbound"])
@pytest.mark.parametrize("name", SCRIPTS)
def test_whoever_plays_a_speech_worker_does_what_the_deployed_one_does(
    player: type[InSimulation | InCrashWorld], direction: str, name: str
) -> None:
    assert played(player, name, direction) == played(Deployed, name, direction)


def test_a_speech_worker_comes_into_a_callers_room_with_its_runner_or_not_at_all() -> None:
    assert played(Deployed, "nobody takes over", "inbound")[:4] == [
        "asks 1 join",
        "lets in c.1.1",
        "is ready",
        "comes in",
    ]
    assert {line.partition(" ")[0] for line in played(Deployed, "nobody ever comes", "inbound")} == {"asks"}


def test_the_scripts_are_about_all_that_becomes_of_a_runner() -> None:
    assert [line for name in SCRIPTS for line in played(Deployed, name) if "hangs up" in line] == [
        "hangs up agent_left",
        "hangs up agent_failed",
        "hangs up agent_failed",
        "hangs up agent_failed",
    ]
    assert played(Deployed, "slow, lost, raising, and gone") == [
        "asks 1 join", "asks 2 join", "asks 3 no_dial", "asks 4 no_dial", "refuses c.1.1", "lets in c.1.2", "is ready",
        "asks 5 lost", "refuses c.1.2", "lets in c.1.3", "refuses c.1.3", "lets in c.1.3", "hangs up agent_left",
    ]  # fmt: skip
