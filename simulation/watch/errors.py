"""Nothing fails but for what the world brings about, and no change goes unrelayed."""

from collections.abc import Sequence

from botocore.exceptions import ClientError

from ringline.calls.model.room_view import TelephonyDown
from ringline.calls.tables.store import TableContended
from ringline.calls.views.relay import Change
from simulation.kernel.processes import Process
from simulation.kernel.world import World
from simulation.watch.findings import Findings

_THE_WORLDS = (ClientError, TableContended, TelephonyDown, ConnectionError)
"""Errors that the world brings about: they are survived by trying again. Any other is the product's own."""


class Errors:
    def __init__(self, world: World, findings: Findings) -> None:
        self._world = world
        self._findings = findings

    def raised(self, process: Process, error: BaseException) -> None:
        self._world.trace(f"{process.name} fails: {error!r}")
        if not isinstance(error, _THE_WORLDS):
            self._findings.fail("unexpected_error", f"{process.name}: {error!r}")

    def gave_up(self, changes: Sequence[Change]) -> None:
        self._findings.fail("relay_gave_up", f"{len(changes)} changes were never relayed")
