"""Who stood first in an account's queue is claimed first: nobody whose place was to be seen when the claimer looked is
passed, but for calls that have expired, whose trunk had no turn or whose agent rested, and by the one that finds out
whether LiveKit is back."""

from ringline.runtime.table import queue_pk, queue_sk
from simulation.kernel.world import MACHINE_SKEW_MS, World
from simulation.watch.book import CallBook, CallChange
from simulation.watch.findings import Findings
from simulation.watch.lines.agents import AgentsFirst
from simulation.watch.lines.paces import Paces, trunk_of
from simulation.watch.lines.places import Places


class Turns:
    def __init__(
        self,
        world: World,
        findings: Findings,
        *,
        book: CallBook,
        places: Places,
        paces: Paces,
        agents: AgentsFirst,
        capped: bool,
    ) -> None:
        self._world = world
        self._capped = capped
        self._agents = agents
        self._findings = findings
        self._book = book
        self._places = places
        self._paces = paces

    def call_changed(self, change: CallChange) -> None:
        claimed, process = change.before, change.process
        if claimed is None or not change.is_claim or self._paces.tries_livekit(claimed):
            return
        account_id = claimed.account_id
        looked_at = -1 if process is None else process.read_at.get(queue_pk(account_id), -1)
        own = queue_sk(claimed.eligible_at, claimed.call_id)
        for other, sk in self._places.of_call.items():
            if other[0] != account_id or sk >= own or not self._places.was_seen(other, looked_at):
                continue
            waiting = self._book.calls[other]
            if self._capped and waiting.agent_id != claimed.agent_id:
                # The other agent may have had as many calls as it may. Pipe and number are the same for all.
                continue
            if waiting.has_expired(self._world.now + MACHINE_SKEW_MS):
                continue
            if self._agents.may_be_passed(process, waiting, claimed):
                continue
            if not self._paces.may_be_passed(process, trunk_of(waiting), trunk_of(claimed)):
                passed = f"{claimed.call_id} was claimed before {other[1]}, which had stood before it"
                self._findings.fail("out_of_turn", passed)
