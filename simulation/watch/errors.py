"""Nothing fails but for what the world brings about, and no change goes unrelayed but for what it brings about."""

from collections.abc import Callable, Sequence

from botocore.exceptions import ClientError

from ringline.calls.model.room_view import TelephonyDown
from ringline.calls.stream.batch import Record
from ringline.calls.tables.store import TableContended
from simulation.aws.garbled import Garbled
from simulation.kernel.processes import Process
from simulation.kernel.world import World
from simulation.watch.findings import Findings

_THE_WORLDS = (ClientError, TableContended, TelephonyDown, ConnectionError)
"""Errors that the world brings about: they are survived by trying again. Any other is the product's own."""


class Errors:
    def __init__(self, world: World, findings: Findings, garbled: Garbled, lost: Callable[[str], None]) -> None:
        self._world = world
        self._findings = findings
        self._garbled = garbled
        self._lost = lost
        """Hears of each call of which a change is never relayed."""

    def raised(self, process: Process, error: BaseException) -> None:
        self._world.trace(f"{process.name} fails: {error!r}")
        if not isinstance(error, _THE_WORLDS):
            self._findings.fail("unexpected_error", f"{process.name}: {error!r}")

    def gave_up(self, records: Sequence[Record]) -> None:
        for record in records:
            self._lost(record["dynamodb"]["Keys"]["sk"]["S"])

    def park(self, record: Record, why: str) -> None:
        """The relay puts a record aside that it cannot read. Bucket, queue and table take their time, but whoever began
        to read when all rows could be read has no reason to."""
        call_id = record["dynamodb"]["Keys"]["sk"]["S"]
        self._world.counts["parked"] += 1
        self._lost(call_id)
        reader = self._world.current
        if reader is None or reader.started_at >= self._garbled.until:
            self._findings.fail("unexpected_error", f"a change of {call_id} is parked: {why}")
