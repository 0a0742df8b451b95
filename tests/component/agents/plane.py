"""The control plane over the one table: runners whose sockets are a list of what was sent, and calls that ask."""

import asyncio
import json
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from ringline.agents.assign import Assign
from ringline.agents.listen import Listen
from ringline.agents.lost_workers import LostWorkers
from ringline.agents.model.assigning import Asked, Why, answer_of
from ringline.agents.model.records import DEPLOYMENT, Runner
from ringline.agents.sockets import Sent
from ringline.agents.speech_workers import SpeechWorkers, TokenUnknown
from ringline.agents.tables.assignments import Assignments
from ringline.agents.tables.registry import Registry
from ringline.calls.model.call import AttemptId, Call
from ringline.calls.model.events import Claimed
from ringline.calls.progress.agents import Agents
from ringline.calls.progress.hints import NextRing
from ringline.calls.progress.progress import Applied
from ringline.calls.tables.pages import CallPages
from ringline.routing.records import Agent
from ringline.routing.store import RoutingStore
from tests.builders import ACCOUNT, NOW
from tests.component.calls_room import LOG, CallsRoom, calls_room
from tests.component.one_table import LocalAws

AGENT = "AGENT_1"
URL = "wss://speech.example/bridge/call_1"


@dataclass
class ListedSockets:
    """Notes each frame by its connection. Those in `gone` are closed, of those in `unknown` nobody can tell."""

    sent: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)

    def send(self, connection_id: str, frame: str) -> Sent:
        if connection_id in self.gone:
            return Sent.GONE
        self.sent.append((connection_id, json.loads(frame)))
        return Sent.UNKNOWN if connection_id in self.unknown else Sent.SENT

    def close(self, connection_id: str) -> None:
        self.closed.append(connection_id)

    def frames(self, kind: str) -> list[tuple[str, dict[str, Any]]]:
        return [(connection_id, frame) for connection_id, frame in self.sent if frame["type"] == kind]


@dataclass
class Plane:
    calls: CallsRoom
    registry: Registry
    assign: Assign
    listen: Listen
    sockets: ListedSockets
    lost_workers: LostWorkers
    pages: CallPages
    looked_for: list[tuple[str, int]]
    """The speech workers that somebody is to look for, and in how many seconds."""
    key_reads: int = 0
    requests: "count[int]" = field(default_factory=lambda: count(1))

    # ---------------------------------------------------------------- runners

    def joins(self, worker_id: str, connection_id: str = "", **told: Any) -> str:
        """A runner connects and registers; its connection."""
        connection_id = connection_id or f"of {worker_id}"
        self.listen.connect(connection_id, ACCOUNT)
        self.register(worker_id, connection_id, **told)
        return connection_id

    def register(
        self, worker_id: str, connection_id: str, *, agent_id: str = AGENT, pool: str = "", **told: Any
    ) -> None:
        capabilities = {"max_concurrent": 2, "agent_id": agent_id, "transport": "dial_out"} | told
        frame = {"type": "register", "worker_id": worker_id, "pool": pool or agent_id, "capabilities": capabilities}
        self.listen.receive(connection_id, json.dumps(frame))

    def beats(self, *connections: str, active_jobs: int = 0) -> None:
        for connection_id in connections:
            self.listen.receive(connection_id, json.dumps({"type": "heartbeat", "active_jobs": active_jobs}))

    def answers(self, job: dict[str, Any], connection_id: str, *, accepted: bool) -> None:
        """The runner's answer to an assignment that it was sent."""
        told = {"type": "job.ack", "job_id": job["job_id"], "assign_id": job["assign_id"], "accepted": accepted}
        self.listen.receive(connection_id, json.dumps(told | {"reason": None if accepted else "at_capacity"}))

    def runner(self, worker_id: str) -> Runner:
        (found,) = (each for each in self.registry.runners(ACCOUNT, AGENT) if each.worker_id == worker_id)
        return found

    # ---------------------------------------------------------------- speech workers

    def speech_joins(self, worker_id: str, connection_id: str = "", places: int = 2) -> str:
        """A speech worker connects and registers; its connection."""
        connection_id = connection_id or f"of {worker_id}"
        self.listen.connect(connection_id, DEPLOYMENT)
        capabilities = {"max_concurrent": places, "kind": "media", "bridge_base": "ws://10.0.0.4:8081"}
        frame = {"type": "register", "worker_id": worker_id, "kind": "media", "pool": "ringline-speech"}
        self.listen.receive(connection_id, json.dumps(frame | {"capabilities": capabilities}))
        return connection_id

    def loses_job(self, connection_id: str, dispatch: int = 1, call_id: str = "call_1", token: str = "") -> None:
        told = {"type": "job_lost", "call": call_id, "attempt": 1, "dispatch": dispatch}
        told["token"] = token or f"{ACCOUNT}/{call_id}/1"
        self.listen.receive(connection_id, json.dumps(told))

    def speech_worker(self, worker_id: str) -> Runner:
        (found,) = (each for each in self.registry.speech_workers() if each.worker_id == worker_id)
        return found

    def look_for(self, *worker_ids: str) -> int:
        """What the look queue, or with none named the sweep, comes to."""
        return asyncio.run(self.lost_workers.look(worker_ids or None))

    # ---------------------------------------------------------------- calls

    def claimed(self, runner_id: str | None, call_id: str = "call_1", **fields: Any) -> Call:
        """A call whose dialer has opened its room; its speech worker is about to ask."""
        self.calls.queued(call_id, brain="runner", agent_id=AGENT, **fields)
        outcome = self.calls.progress.apply_to(
            self.calls.call(call_id), Claimed(self.calls.clock(), runner_id=runner_id)
        )
        assert isinstance(outcome, Applied), outcome
        return outcome.call

    def asks(
        self,
        why: Why = Why.JOIN,
        call_id: str = "call_1",
        number: int | None = None,
        bridge_url: str = URL,
        dispatch: int = 1,
    ) -> dict[str, Any]:
        asked = Asked(number or next(self.requests), why, bridge_url, dispatch)
        return answer_of(self.assign.requested(self.calls.call(call_id), asked), asked, self.calls.clock())

    @property
    def assigned(self) -> list[tuple[str, dict[str, Any]]]:
        return self.sockets.frames("job.assign")

    @property
    def assigned_to(self) -> list[str]:
        """The connections that assignments were sent to, in their order."""
        return [connection_id for connection_id, _ in self.assigned]

    @property
    def cancelled(self) -> list[tuple[str, str]]:
        return [(connection_id, frame["job_id"]) for connection_id, frame in self.sockets.frames("job.cancel")]


def a_plane(local: LocalAws) -> Plane:
    calls, sockets, numbers = calls_room(local, cap=10), ListedSockets(), count(1)
    routing = RoutingStore(local.dynamodb, local.table_name)
    routing.put_agent(ACCOUNT, Agent(agent_id=AGENT, name="Front desk", brain="runner"))
    registry = Registry(local.dynamodb, local.table_name, calls.clock)
    assign = Assign(
        store=calls.store,
        progress=calls.progress,
        registry=registry,
        assignments=Assignments(local.dynamodb, local.table_name),
        sockets=sockets,
        token_for=lambda call, job_id, worker_id: f"{call.call_id}/{job_id}/{worker_id}",
        new_assign_id=lambda: f"asg_{next(numbers)}",
        clock=calls.clock,
        log=LOG,
    )
    looked_for: list[tuple[str, int]] = []
    lost = LostWorkers(
        registry=registry,
        watchlist=calls.watchlist,
        store=calls.store,
        agents=Agents(calls.progress, calls.telephony, calls.clock, LOG),
        looks=calls.looks,
        clock=calls.clock,
        log=LOG,
    )

    def ring_waiting() -> None:
        for mark in calls.watchlist.waiting_accounts():
            NextRing(calls.store, calls.doorbell, calls.clock).ring_if_waiting(mark.account_id)

    def attempt_of(token: str, call_id: str) -> AttemptId:
        account_id, named, attempt = token.split("/")
        if named != call_id:
            raise TokenUnknown(token)
        return AttemptId(account_id, named, int(attempt))

    speech_workers = SpeechWorkers(
        attempt_of=attempt_of,
        replace_lost=lambda attempt_id, dispatch: asyncio.run(lost.job_lost(attempt_id, dispatch)),
        look_for_calls_of=lambda worker_id, after_s: looked_for.append((worker_id, after_s)),
        ring_waiting=ring_waiting,
        clock=calls.clock,
        log=LOG,
    )
    listen = Listen(
        registry=registry,
        routing=routing,
        sockets=sockets,
        assign=lambda: assign,
        ring_if_waiting=NextRing(calls.store, calls.doorbell, calls.clock).ring_if_waiting,
        speech_workers=speech_workers,
        may_stay=lambda _connection: True,
        clock=calls.clock,
        log=LOG,
    )
    assert calls.clock() == NOW
    pages = CallPages(local.dynamodb, local.table_name)
    return Plane(calls, registry, assign, listen, sockets, lost, pages, looked_for)
