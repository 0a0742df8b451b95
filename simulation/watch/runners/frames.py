"""What goes to runners: an answer to each registration, each assignment once and after its row, and nothing to one
whose beat was overdue when whoever sends looked. A runner that shuts down beats no more, and ends all its calls with
the next frame that it gets."""

import json
from collections.abc import Callable

from ringline.calls.model.timing import MS_PER_S, RUNNER_OVERDUE_S
from ringline.runtime.items import Item
from ringline.runtime.table import assignments_pk
from simulation.aws.rows import Rows
from simulation.kernel.processes import Process
from simulation.kernel.world import MACHINE_SKEW_MS, World
from simulation.watch.findings import Findings

_BEAT = "#S#"
_KNOWN_WITHIN_MS = 2_000
"""How long what a process has read may be out of date when it acts on it: it may be held up for a second."""


class RunnerFrames:
    def __init__(self, world: World, findings: Findings, rows: Rows, thinks_at: Callable[[str], str | None]) -> None:
        """`thinks_at` says of a job by which bridge its runner thinks for its call at this moment, if it does."""
        self._thinks_at = thinks_at
        self._world = world
        self._findings = findings
        self._rows = rows
        self._seen: dict[Process, tuple[int, dict[str, int]]] = {}
        """What each process saw when it looked last: the moment, and when each connection was heard."""
        self._jobs: set[str] = set()

    def runners_read(self, process: Process | None, pk: str) -> None:
        if process is None:
            return
        beats = [item for item in self._rows.partition(pk, limit=1_000) if _BEAT in item["sk"]["S"]]
        heard = {beat["connection_id"]["S"]: int(beat["seen_at"]["N"]) for beat in beats if "connection_id" in beat}
        self._seen[process] = self._world.now, heard

    def sent(self, process: Process, connection_id: str, frame: str) -> None:
        told = json.loads(frame)
        self._world.trace(f"{told['type']} to {connection_id} {told.get('job_id', '')}")
        if told["type"] == "registered":
            return
        self._world.counts["frames_to_runners"] += 1
        looked_at, heard = self._seen.get(process, (0, {}))
        silent_ms = looked_at - heard.get(connection_id, 0)
        if silent_ms >= RUNNER_OVERDUE_S * MS_PER_S + MACHINE_SKEW_MS * 2:
            self._findings.fail("overdue_told", f"{told['type']} to {connection_id}, silent for {silent_ms} ms")
        if told["type"] == "job.assign":
            self._assigned(process.account_id or "", told["job_id"])
        elif told["type"] == "job.cancel":
            self._cancelled(process.account_id or "", told["job_id"])

    def left_waiting(self, connection_id: str) -> None:
        self._findings.fail("runner_left_waiting", f"{connection_id} was not told that it is registered")

    def _assigned(self, account_id: str, job_id: str) -> None:
        if job_id in self._jobs:
            self._findings.fail("assigned_twice", f"{job_id} was sent twice")
        self._jobs.add(job_id)
        row = self._row_of(account_id, job_id)
        if row is None or int(row["sends"]["N"]) < int(job_id.rpartition(".")[2]):
            self._findings.fail("assigned_unwritten", f"{job_id} was sent, and nothing of it is written")

    def _cancelled(self, account_id: str, job_id: str) -> None:
        """Whose call another is given may think for it still, until the speech worker hears of that. Of two speech
        workers in a room each has a bridge of its own: a runner that is given to one replaces none of the other's."""
        url, row = self._thinks_at(job_id), self._row_of(account_id, job_id)
        is_given = row is not None and ("worker_id" in row or self._was_given(row)) and row["bridge_url"]["S"] == url
        if url is not None and not is_given:
            self._findings.fail("cancelled_in_call", f"{job_id} was ended, and no other runner was given its bridge")

    def _was_given(self, row: Item) -> bool:
        """Whether somebody had it just now, as far as whoever ends the other one can know."""
        return self._world.now - int(row["changed_at"]["N"]) < _KNOWN_WITHIN_MS

    def _row_of(self, account_id: str, job_id: str) -> Item | None:
        call_id, attempt, _ = job_id.rsplit(".", 2)
        return self._rows.item(assignments_pk(account_id), f"{call_id}#{attempt}")
