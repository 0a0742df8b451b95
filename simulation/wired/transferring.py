"""The product's use cases of transfers, wired by name over the simulated world, and their functions."""

from collections import Counter
from typing import Any

from ringline.calls.model.call import AttemptId
from ringline.calls.model.transfers.transfer import AskedBy
from ringline.calls.progress.progress import Progress
from ringline.calls.tables.paces import TrunkPaces
from ringline.calls.tables.store import CallStore
from ringline.calls.transfers.ask import AskTransfer, repeats_of
from ringline.calls.transfers.bodies import TransferRequest
from ringline.calls.transfers.carry_out import CarryOut
from ringline.calls.transfers.follow_up import FollowUp
from ringline.calls.transfers.mend import MendTransfers
from ringline.calls.transfers.targets import Targets
from ringline.routing.numbers import read_number
from ringline.routing.records import Agent
from ringline.runtime.clock import Clock
from ringline.runtime.web.problems import Problem
from simulation.aws.queues import LookQueue, TransferQueue
from simulation.handovers.livekit import LivekitTransfers
from simulation.kernel.world import World
from simulation.plan.planned import PlannedCall, PlannedHandover, PlannedTarget


class TransferIds:
    """Names of transfers, which stay the same when other calls are left out."""

    def __init__(self) -> None:
        self._asked: Counter[int] = Counter()

    def next_of(self, number: int) -> str:
        self._asked[number] += 1
        return f"trf_{number}t{self._asked[number]}"


class Transferring:
    """One warm copy's."""

    def __init__(
        self, world: World, *, store: CallStore, progress: Progress, telephony: LivekitTransfers, paces: TrunkPaces,
        queue: TransferQueue, looks: LookQueue, clock: Clock, log: Any, ids: TransferIds,
    ) -> None:  # fmt: skip
        self._world = world
        self._store = store
        self._progress = progress
        self._queue = queue
        self._clock = clock
        self._log = log
        self._ids = ids
        self.carry_out = CarryOut(
            store=store,
            progress=progress,
            telephony=telephony,
            paces=paces,
            queue=queue,
            looks=looks,
            may_call=lambda *_: True,
            clock=clock,
            log=log,
        )
        self.mend = MendTransfers(
            FollowUp(
                store=store, progress=progress, telephony=telephony, queue=queue, looks=looks, clock=clock, log=log
            )
        )

    def ask(self, whose: AttemptId, plan: PlannedCall, turn: int) -> bool:
        """Whether the request was answered; also a refusal is an answer."""
        handover = plan.handovers[turn]
        asking = AskTransfer(
            store=self._store,
            progress=self._progress,
            targets=Targets(
                _agent,
                _number,
                pipe_fallback=lambda *_: (),
                may_call=lambda *_: True,
                read_number=lambda _account, text: read_number(text),
            ),
            queue=self._queue,
            new_transfer_id=lambda: self._ids.next_of(plan.number),
            clock=self._clock,
            log=self._log,
        )
        body = _body(handover)
        repeats = repeats_of(f"handover-{turn}" if handover.asks_again else None, body)
        asked_by = AskedBy.AGENT if handover.by_agent else AskedBy.API
        try:
            asked = asking.run(
                whose, TransferRequest.model_validate(body), repeats, asked_by, any_dial=not handover.by_agent
            )
        except Problem as problem:
            self._world.counts["transfers_refused"] += 1
            self._world.trace(f"no transfer of {whose.call_id}: {problem.code}")
            return problem.status < 500
        self._world.trace(f"{asked.transfer.transfer_id} of {whose.call_id} is asked for")
        return True


def _agent(_account_id: str, agent_id: str) -> Agent:
    """Every agent that somebody asks for is there, and speaks itself."""
    return Agent(agent_id=agent_id, name=agent_id)


def _number(_account_id: str, _number: str) -> None:
    """No number has a trunk of its own: all calls go out through the usual one."""


def _body(handover: PlannedHandover) -> dict[str, Any]:
    first, *others = (_target(target) for target in handover.targets)
    fallback = [*others, *(["end"] if handover.ends_call else [])]
    body: dict[str, Any] = {"to": first, "fallback": fallback or None}
    if handover.is_warm and not handover.targets[0].is_agent:
        body |= {"mode": "warm", "warm_handoff_ms": handover.handoff}
    return body


def _target(target: PlannedTarget) -> dict[str, Any]:
    if target.is_agent:
        return {"type": "agent", "config": {"agent_id": target.name}}
    return {"type": "sip", "config": {"number": target.name}}
