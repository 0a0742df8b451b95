"""Whoever acts for an account touches its items, and those that belong to nobody, but never another account's."""

from ringline.runtime.table import WAITING_PK
from simulation.kernel.world import World
from simulation.watch.findings import Findings


class OwnAccountOnly:
    def __init__(self, world: World, findings: Findings) -> None:
        self._world = world
        self._findings = findings

    def touched(self, pk: str, sk: str) -> None:
        process = self._world.current
        account_id = None if process is None else process.account_id
        if (
            account_id is None
            or pk.startswith((f"A#{account_id}#", "TRUNK#"))
            or (pk == WAITING_PK and sk == account_id)
        ):
            return
        self._findings.fail("foreign_account", f"{process and process.name} acts for {account_id} and touches {pk}")
