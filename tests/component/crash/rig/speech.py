"""Speech workers: whoever is dispatched to speak for a call that has no agent of its own asks for its brain, lets one
runner dial in, says that it is ready, and asks for another when that one is lost. A caller's comes into the room with
its runner."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from local.agents import speech_workers as model
from speech.bridge.model.actions import Why
from speech.bridge.model.asking import read_answer
from speech.bridge.model.call import CallFacts
from speech.bridge.rules.seeking import Change
from tests.component.crash.rig.runners import Fleet, Runner
from tests.component.crash.rig.webhooks.hooks import agents_report
from tests.sample_events import event_of

if TYPE_CHECKING:
    from tests.component.crash.rig.world import World

READY = {"type": "ready", "can_report": ["user_spoke"]}
FAILED = {"type": "hang_up", "reason": "agent_failed"}
LEFT = {"type": "hang_up", "reason": "agent_left"}
JOINS_AFTER_S = 0.05


@dataclass
class SpeechWorker:
    world: "World"
    room: str
    dispatched: str
    url: str
    is_outside: bool = False
    runner: Runner | None = None
    job_id: str = ""

    def __post_init__(self) -> None:
        self.rules = model.SpeechWorker(self, is_outside=self.is_outside)

    @property
    def now_ms(self) -> int:
        return self.world.clock.now

    def after(self, ms: int, then: Callable[[], object]) -> None:
        self.world.phones.after(ms / 1000, then)

    def posts(self, request: int, why: Why, tried: int) -> None:
        told = json.loads(self.dispatched)
        event = event_of("assign_brain", "join")
        event["headers"] |= {"authorization": f"Bearer {told['token']}"}
        place = {"rawPath": urlsplit(told["brain_url"]).path, "pathParameters": {"call_id": told["call_id"]}}
        body = {"request": request, "why": why, "bridge_url": self.url}
        invocation = self.world.invoke("assign_brain", event | place | {"body": json.dumps(body)})
        if invocation.needs_repeat:
            self.rules.unanswered(request, why, tried)
        elif invocation.answer["statusCode"] == 200:
            self.rules.answered(request, read_answer(json.loads(invocation.answer["body"])))

    def dialled(self, runner: Runner, job_id: str) -> bool:
        if self.rules.dialled(job_id) is not None:
            return False
        self.runner, self.job_id = runner, job_id
        self.world.spoken_for.append((self.room, runner.worker_id))
        self.rules.greeted()
        return True

    def is_ready(self) -> None:
        self._tells(READY)

    def comes_in(self) -> None:
        self.after(round(JOINS_AFTER_S * 1000), self._joins)

    def _joins(self) -> None:
        if not self.rules.is_over:
            self.world.phones.agent_joins(self.room, follows=True)

    def lost(self, job_id: str, code: int) -> None:
        if self.runner is not None and self.job_id == job_id:
            self.runner = None
            self.rules.closed(code)

    def cuts_off(self) -> None:
        if self.runner is not None:
            self.runner.is_cancelled(self.job_id)
            self.runner = None

    def changed(self, change: Change) -> None:
        if change in {Change.LEFT, Change.FAILED}:
            self._tells(FAILED if change is Change.FAILED else LEFT)
            self.stops()

    def stops(self) -> None:
        self.rules.is_over = True
        self.cuts_off()

    def _tells(self, report: dict[str, Any], tries: int = 5) -> None:
        invocation = self.world.invoke("receive_agent_event", agents_report(self.dispatched, (report,)))
        if invocation.needs_repeat and tries:
            self.world.phones.after(1, lambda: self._tells(report, tries - 1))


@dataclass
class Speech:
    """The speech workers of a world, and its runners."""

    world: "World"
    fleet: Fleet = field(init=False)
    workers: dict[str, SpeechWorker] = field(default_factory=dict)
    """By the URL of their bridges."""

    def __post_init__(self) -> None:
        self.fleet = Fleet(self.world, self._dial, self._hang_up)
        self.world.phones.comes_with_its_runner = self._prepares
        self.world.phones.on_join = self.joined
        self.world.phones.on_close = self.closed

    def _prepares(self, room: str, dispatched: str) -> bool:
        """Whether this one asks for its runner before it comes into the room: a caller's does."""
        told = json.loads(dispatched)
        if "brain" not in told or CallFacts.of_dispatch(told).is_outbound:
            return False
        self._begins(room, dispatched, is_outside=True)
        return True

    def joined(self, room: str, dispatched: str) -> None:
        if "brain" in json.loads(dispatched):
            self._begins(room, dispatched)

    def _begins(self, room: str, dispatched: str, *, is_outside: bool = False) -> None:
        url = f"wss://speech.test/bridge/{len(self.workers)}"
        worker = self.workers[url] = SpeechWorker(self.world, room, dispatched, url, is_outside)
        # The worker acts by itself, and not within whoever made the room.
        self.world.phones.after(0.05, worker.rules.begins)

    def closed(self, room: str) -> None:
        for worker in self.workers.values():
            if worker.room == room:
                worker.stops()

    def _dial(self, url: str, runner: Runner, job_id: str) -> bool:
        return self.workers[url].dialled(runner, job_id)

    def _hang_up(self, url: str, job_id: str, code: int) -> None:
        self.workers[url].lost(job_id, code)
