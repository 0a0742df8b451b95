"""Nobody is rung for nobody: where a call is to ring only when its agent is there, an agent was in its room before the
INVITE. And an agent that rests holds up no other's calls."""

from ringline.calls.model.call import Call
from ringline.runtime.table import agent_rest_sk, gate_pk
from simulation.actors.scene import Leg, Scene
from simulation.aws.rows import Rows
from simulation.kernel.processes import Process
from simulation.kernel.world import MACHINE_SKEW_MS, World
from simulation.watch.findings import Findings

_SKEW_MS = 2 * MACHINE_SKEW_MS
"""How far the clock of whoever put the agent to rest and that of whoever looks at it may be apart."""


class AgentsFirst:
    def __init__(self, world: World, findings: Findings, scene: Scene, rows: Rows) -> None:
        self._world = world
        self._findings = findings
        self._scene = scene
        self._rows = rows

    def invited(self, leg: Leg) -> None:
        if leg.call.agent_first and leg.room_name not in self._scene.had_agent:
            self._findings.fail("rang_without_agent", f"{leg.call.call_id} dial {leg.call.attempt} rings for nobody")

    def may_be_passed(self, process: Process | None, waiting: Call, claimed: Call) -> bool:
        """Whether the agent of a waiting call may have been at rest when a call was claimed. A dialer may have seen a
        rest that was ended meanwhile, and calls that do not wait for their agent pass all that do."""
        if process is None:
            return False
        if waiting.needs_place and (waiting.agent_id != claimed.agent_id or not claimed.needs_place):
            # No runner may have had a place for it.
            return True
        if not waiting.agent_first:
            return False
        if claimed.agent_first and waiting.agent_id == claimed.agent_id:
            return False
        rest = self._rows.item(gate_pk(waiting.account_id), agent_rest_sk(waiting.agent_id or ""))
        return rest is not None and "next_at" in rest and int(rest["next_at"]["N"]) > process.started_at - _SKEW_MS
