"""Speech workers: each agent in the room of a call that a runner thinks for is one. It asks for a runner, lets it dial
in, reports that it is ready, and asks for another when the one it has is lost."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Protocol

from local.agents import speech_workers as model
from local.phones.model.reasons import LeftFor
from ringline.calls.model.events import AgentHangsUp, AgentReady
from ringline.calls.model.reasons import EndReason
from simulation.actors.agents import CAN_REPORT, Agents
from simulation.actors.reports import Reports
from simulation.actors.scene import Agent, Room, Scene
from simulation.kernel.chance import Odds
from simulation.kernel.processes import Process
from simulation.kernel.world import World
from simulation.runners.bridges import Brain, Bridges
from speech.bridge.model.actions import Why
from speech.bridge.model.asking import ANSWER_WITHIN_S, read_answer
from speech.bridge.model.events import NoSuchCall
from speech.bridge.rules.seeking import UNKNOWN_CALL, Change

_ANSWER_WITHIN_MS = round(ANSWER_WITHIN_S * 1000)
_LEAVES_AFTER_MS = 5_000
_GREETS_AFTER_MS = (5, 60)
_JOINS_AFTER_MS = (20, 300)
_ODDS: Odds = (("request_lost", 0.02), ("request_unanswered", 0.03), ("request_twice", 0.03), ("request_late", 0.02))


class Asks(Protocol):
    def __call__(self, room: str, request: int, why: str, bridge_url: str, answers: list[dict[str, Any]]) -> bool:
        """Asks for the brain of the call in that room. Whether that was answered."""


class WatchesBrains(Protocol):
    def greeted(self, room: Room, url: str, runner: Brain, job_id: str) -> None:
        """From now on this runner thinks for the call."""

    def gone(self, url: str) -> None:
        """The bridge of that line is closed."""

    def lost(self, room: Room, url: str) -> None:
        """The runner was lost in the call, and another is looked for."""

    def given_up(self, room: Room, url: str) -> None:
        """None was found in time."""


class SpeechWorkers:
    def __init__(
        self, world: World, scene: Scene, bridges: Bridges, *, agents: Agents, reports: Reports, ask: Asks,
        account_of: Callable[[str], str], watch: WatchesBrains,
    ) -> None:  # fmt: skip
        self.world = world
        self.scene = scene
        self.bridges = bridges
        self.agents = agents
        self.reports = reports
        self.ask = ask
        self.account_of = account_of
        self.watch = watch
        self._at_work: dict[tuple[str, str], SpeechWorker] = {}
        scene.on_agents_changed = self._agents_changed
        agents.comes_with_its_brain = self._prepares

    def _prepares(self, room: Room, follows: bool) -> None:
        """A speech worker asks for its runner before it comes into a caller's room. Where another one has the line of
        the call, it leaves at once."""
        if any(worker.room is room and worker.has_its_line for worker in self._at_work.values()):
            return
        identity = f"agent-AJ_{self.scene.new_sid('AJ')}"
        self._at_work[room.name, identity] = worker = SpeechWorker(self, room, identity, follows=follows)
        self.world.after(1, worker.begins)

    def _agents_changed(self, room: Room) -> None:
        if room.plan is None or room.plan.runners_agent is None:
            return
        for agent in room.agents:
            key = room.name, agent.identity
            if key not in self._at_work and agent.alive and not agent.speaks_itself:
                self._at_work[key] = worker = SpeechWorker(self, room, agent.identity, agent)
                self.world.after(1, worker.begins)
        # Who is back under another sid is gone for no time at all.
        self.world.after(1, self._look, room)

    def _look(self, room: Room) -> None:
        there = _alive(room.agents) if self.scene.rooms.get(room.name) is room else {}
        for key, worker in list(self._at_work.items()):
            if key[0] != room.name or worker.room is not room:
                continue
            agent = there.get(key[1])
            if agent is not None:
                worker.agent = agent
            elif not worker.is_preparing:
                del self._at_work[key]
                worker.stops()


class SpeechWorker:
    """One agent's: from its joining on, or from its job on where it has no `agent` in the room yet. Then it joins when
    it has its runner."""

    def __init__(
        self,
        all_of_them: SpeechWorkers,
        room: Room,
        identity: str,
        agent: Agent | None = None,
        *,
        follows: bool = False,
    ) -> None:
        self._of = all_of_them
        self._world = all_of_them.world
        self.room = room
        self.agent = agent
        self._identity = identity
        self._follows = follows
        self._url = f"wss://speech.test/bridge/{room.name}/{identity}"
        self._rules = model.SpeechWorker(self, is_outside=agent is None)
        self._runner: Brain | None = None
        self._job_id = ""

    @property
    def is_preparing(self) -> bool:
        return self.agent is None and not self._rules.is_over

    @property
    def has_its_line(self) -> bool:
        return not self._rules.is_over and (self.agent is None or self.agent.alive)

    @property
    def now_ms(self) -> int:
        return self._world.now

    def after(self, ms: int, then: Callable[[], None]) -> None:
        self._world.after(ms, then)

    # --- asking ------------------------------------------------------------------------------------------------------

    def begins(self) -> None:
        if not self._rules.is_over:
            self._of.bridges.open(self._url, self)
            self._rules.begins()

    def posts(self, request: int, why: Why, tried: int) -> None:
        world, room = self._world, self.room.name
        fault = world.faults.one_of(f"brain/{room}", _ODDS)
        answers: list[dict[str, Any]] = []
        if fault == "request_lost":
            world.after(_ANSWER_WITHIN_MS, self._rules.unanswered, request, why, tried)
            return

        def ended(_process: Process, well: bool) -> None:
            if fault == "request_unanswered":
                world.after(_ANSWER_WITHIN_MS, self._rules.unanswered, request, why, tried)
            elif well and answers:
                told = answers[0]
                self._rules.answered(request, NoSuchCall("") if told["result"] == "over" else read_answer(told))
            else:
                self._rules.unanswered(request, why, tried)

        longest = 2_500 if fault == "request_late" else 40
        for turn in range(2 if fault == "request_twice" else 1):
            work = partial(self._of.ask, room, request, why, self._url, answers if turn == 0 else [])
            hear = ended if turn == 0 else _heard_before
            wait_ms = world.chance.between(f"request/{room}", 3, longest)
            world.after(wait_ms, self._arrives, work, hear)

    def _arrives(self, work: Callable[[], bool], hear: Callable[[Process, bool], None]) -> None:
        name = self.room.name
        self._world.spawn("brain", name, work, hear, account_id=self._of.account_of(name))

    # --- a runner comes and goes -------------------------------------------------------------------------------------

    def dialled(self, runner: Brain, job_id: str) -> int | None:
        is_alive = self.agent is None or self.agent.alive
        refused = self._rules.dialled(job_id) if is_alive else UNKNOWN_CALL
        if refused is None:
            self._runner, self._job_id = runner, job_id
            wait_ms = self._world.chance.between(f"hello/{self.room.name}", *_GREETS_AFTER_MS)
            self._world.after(wait_ms, self._greets, job_id)
        return refused

    def _greets(self, job_id: str) -> None:
        if self._rules.is_over or self._runner is None or self._job_id != job_id:
            return
        self._of.watch.greeted(self.room, self._url, self._runner, job_id)
        self._world.trace(f"{self._runner.worker_id} thinks for {self.room.name} by {job_id}")
        self._rules.greeted()

    def is_ready(self) -> None:
        can_report = CAN_REPORT if self.room.plan is not None and self.room.plan.hears else ()
        self._of.reports.tells(self.room.name, "ready", lambda at, n: AgentReady(at, n, can_report))

    def comes_in(self) -> None:
        wait_ms = self._world.chance.between(f"joins/{self.room.name}", *_JOINS_AFTER_MS)
        self._world.after(wait_ms, self._joins)

    def _joins(self) -> None:
        """One that finds no room, because the call is over, is over as well."""
        if self._rules.is_over:
            return
        self._of.agents.joins(self.room, self._identity, follows=self._follows)
        self.agent = next((agent for agent in self.room.agents if agent.identity == self._identity), None)
        if self.agent is None:
            self.stops()

    def bridge_lost(self, runner: Brain, job_id: str, code: int) -> None:
        if runner is self._runner and job_id == self._job_id and not self._rules.is_over:
            self._is_none_there()
            self._rules.closed(code)

    def cuts_off(self) -> None:
        runner, job_id = self._runner, self._job_id
        self._is_none_there()
        if runner is not None:
            self._world.after(2, runner.bridge_closed, job_id)

    def _is_none_there(self) -> None:
        self._runner = None
        self._of.watch.gone(self._url)

    def changed(self, change: Change) -> None:
        match change:
            case Change.LOST:
                self._of.watch.lost(self.room, self._url)
            case Change.LEFT:
                self._hangs_up(EndReason.AGENT_HUNG_UP, "completed")
            case Change.FAILED:
                self._of.watch.given_up(self.room, self._url)
                self._hangs_up(EndReason.AGENT_FAILED, "agent_failed")
            case Change.CALL_GONE:
                self._rules.is_over = True
                self._world.after(_LEAVES_AFTER_MS, self._leaves)

    def _hangs_up(self, reason: EndReason, words: str) -> None:
        self._rules.is_over = True
        self.cuts_off()
        self._of.reports.tells(self.room.name, "hang_up", lambda at, n: AgentHangsUp(at, n, reason, words))
        self._world.after(_LEAVES_AFTER_MS, self._leaves)

    def _leaves(self) -> None:
        self._of.bridges.shut(self._url)
        if self.agent is not None:
            self._of.agents.leaves(self.room, self.agent, LeftFor.CLIENT_INITIATED)

    def stops(self) -> None:
        """The call is over, or the worker is dead: nobody is at this end of the bridge any more."""
        self._rules.is_over = True
        self.cuts_off()
        self._of.bridges.shut(self._url)


def _alive(agents: Iterable[Agent]) -> dict[str, Agent]:
    return {agent.identity: agent for agent in agents if agent.alive}


def _heard_before(_process: Process, _well: bool) -> None:
    """What came of a repeat nobody waits for."""
