"""Speech workers: whoever is dispatched to speak for a call that has no agent of its own asks for its brain, lets one
runner dial in, says that it is ready, and asks for another when that one is lost."""

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.component.crash.rig.hooks import agents_report
from tests.component.crash.rig.runners import Fleet, Runner
from tests.sample_events import event_of

if TYPE_CHECKING:
    from tests.component.crash.rig.world import World

READY = {"type": "ready", "can_report": ["user_spoke"]}
FAILED = {"type": "hang_up", "reason": "agent_failed"}
_ASKS_AGAIN_AFTER_S = 0.3
_GRACE_S = 5


@dataclass
class SpeechWorker:
    world: "World"
    room: str
    dispatched: str
    url: str
    runner: Runner | None = None
    job_id: str = ""
    is_lost: bool = False
    passed_over: set[str] = field(default_factory=set)
    _request: int = 0
    _expected: str | None = None
    _turn: int = 0

    @property
    def is_over(self) -> bool:
        return self.room not in self.world.phones.rooms

    def asks(self, why: str) -> None:
        self._turn += 1
        self._request += 1
        self._posts(self._request, why)

    def _posts(self, request: int, why: str) -> None:
        """Again as long as it is not answered."""
        if self.is_over or request != self._request:
            return
        told = json.loads(self.dispatched)
        event = event_of("assign_brain", "join")
        event["headers"] |= {"authorization": f"Bearer {told['token']}"}
        place = {"rawPath": urlsplit(told["brain_url"]).path, "pathParameters": {"call_id": told["call_id"]}}
        body = {"request": request, "why": why, "bridge_url": self.url}
        invocation = self.world.invoke("assign_brain", event | place | {"body": json.dumps(body)})
        if invocation.needs_repeat:
            self.world.phones.after(_ASKS_AGAIN_AFTER_S, lambda: self._posts(request, why))
        elif invocation.answer["statusCode"] == 200:
            self._answered(json.loads(invocation.answer["body"]), why)

    def _answered(self, answer: dict[str, Any], why: str) -> None:
        match answer["result"]:
            case "assigned":
                if self._expected not in {None, answer["job_id"]}:
                    self.passed_over.add(self._expected or "")
                self._expected = answer["job_id"]
                self._unless_it_dials(answer["dial_within_s"], "no_dial")
            case "wait":
                self._unless_it_dials(answer["wait_s"], "no_dial")
            case "none":
                self._unless_it_dials(answer["again_in_s"], why)

    def _unless_it_dials(self, after_s: float, why: str) -> None:
        turn = self._turn
        self.world.phones.after(after_s, lambda: self.asks(why) if turn == self._turn and not self.runner else None)

    def dialled(self, runner: Runner, job_id: str) -> bool:
        if self.is_over or self.runner is not None or job_id in self.passed_over:
            return False
        self.runner, self.job_id, self.is_lost = runner, job_id, False
        self._turn += 1
        self.world.spoken_for.append((self.room, runner.worker_id))
        self._tells(READY)
        return True

    def lost(self, job_id: str) -> None:
        if self.runner is None or self.job_id != job_id:
            return
        self.runner, self.is_lost, self._expected = None, True, None
        self.passed_over.add(job_id)
        self.world.phones.after(_GRACE_S, self._gives_up)
        self.asks("lost")

    def _gives_up(self) -> None:
        if self.is_lost and not self.is_over:
            self._tells(FAILED)

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
        self.world.phones.on_join = self.joined
        self.world.phones.on_close = self.closed

    def joined(self, room: str, dispatched: str) -> None:
        if "brain" not in json.loads(dispatched):
            return
        url = f"wss://speech.test/bridge/{len(self.workers)}"
        worker = self.workers[url] = SpeechWorker(self.world, room, dispatched, url)
        # The worker acts by itself, and not within whoever made the room.
        self.world.phones.after(0.05, lambda: worker.asks("join"))

    def closed(self, room: str) -> None:
        for worker in self.workers.values():
            if worker.room == room and worker.runner is not None:
                worker.runner.jobs.pop(worker.job_id, None)
                worker.runner = None

    def _dial(self, url: str, runner: Runner, job_id: str) -> bool:
        return self.workers[url].dialled(runner, job_id)

    def _hang_up(self, url: str, job_id: str) -> None:
        self.workers[url].lost(job_id)
