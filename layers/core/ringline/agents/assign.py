"""Gives a call to a runner, and to the next one where that does not take it.

    speech worker asks -> a runner is chosen -> row written, if nobody was faster -> place taken -> job.assign sent
    runner refuses     -> the same, at once

The row comes first: whoever has not written it sends nothing. A runner that the call was claimed with has a place for
it already; from any other the place is taken with `RunnerGiven`, which gives that of the one before back.
"""

from collections.abc import Callable
from copy import replace

from aws_lambda_powertools import Logger

from ringline.agents.model.assigning import ALL_REFUSED, NO_RUNNER, Asked, Step, step_after, step_after_refusal
from ringline.agents.model.frames import JobAck, job_assign, job_cancel
from ringline.agents.model.presence import is_live, next_for
from ringline.agents.model.records import Assignment, AssignmentState, Connection, Runner, attempt_in, job_id_of
from ringline.agents.sockets import Sent, Sockets
from ringline.agents.tables.assignments import Assignments
from ringline.agents.tables.registry import Registry
from ringline.calls.model.call import Call
from ringline.calls.model.events import RunnerGiven
from ringline.calls.progress.progress import Applied, Progress
from ringline.calls.tables.store import CallStore, TableContended
from ringline.runtime.clock import Clock

_TRIES = 10
"""Writers of one row are few: the speech worker's requests and the answers of three runners."""


class CallIsOver(Exception):
    """The attempt needs no runner any more."""


class Assign:
    """`token_for` makes the token of a job, for a call and a runner; `new_assign_id` a fresh name for an assignment."""

    def __init__(
        self,
        *,
        store: CallStore,
        progress: Progress,
        registry: Registry,
        assignments: Assignments,
        sockets: Sockets,
        token_for: Callable[[Call, str, str], str],
        new_assign_id: Callable[[], str],
        clock: Clock,
        log: Logger,
    ) -> None:
        self._store = store
        self._progress = progress
        self._registry = registry
        self._assignments = assignments
        self._sockets = sockets
        self._token_for = token_for
        self._new_assign_id = new_assign_id
        self._clock = clock
        self._log = log

    def requested(self, call: Call, asked: Asked) -> Assignment:
        """What the call's attempt is assigned after the speech worker's request; a request that is repeated changes
        nothing. Raises CallIsOver, TableContended."""
        for _ in range(_TRIES):
            kept = self._assignments.get(call.account_id, call.call_id, call.attempt)
            step = step_after(kept, asked, self._clock(), call.reports.dispatch)
            if step is None and kept is not None:
                return kept
            assigned = self._go_on(call, kept, step or Step(), self._row_for(call, kept, asked))
            if assigned is not None:
                return assigned
        raise TableContended

    def acknowledged(self, connection: Connection, ack: JobAck) -> None:
        """A runner's answer. Late, doubled and foreign ones change nothing, except that a runner that takes a call
        which another has meanwhile, by the same bridge, is told to stop. Raises TableContended."""
        named = attempt_in(ack.job_id)
        for _ in range(_TRIES):
            kept = None if named is None else self._assignments.get(connection.account_id, *named)
            if kept is not None and kept.state is AssignmentState.NOBODY:
                self._log.info("assignment answered late, and by nobody since", extra={"job_id": ack.job_id})
                return
            if kept is not None and kept.is_of_another_bridge(ack.job_id):
                # Two speech workers came to the room, and this may be the runner of the one that stays: told to stop,
                # it would end the call. Who is too late for its own bridge is refused there.
                self._log.info("assignment answered late, for another bridge", extra={"job_id": ack.job_id})
                return
            if kept is None or (kept.assign_id, kept.job_id) != (ack.assign_id, ack.job_id):
                self._answered_late(connection, ack)
                return
            if kept.worker_id != connection.worker_id or kept.state is not AssignmentState.SENT:
                return
            if self._take_answer(kept, ack):
                return
        raise TableContended

    def _take_answer(self, kept: Assignment, ack: JobAck) -> bool:
        """Whether nobody was faster."""
        names = {"call_id": kept.call_id, "worker_id": kept.worker_id, "job_id": kept.job_id}
        if ack.accepted:
            now = self._clock()
            after = replace(kept, state=AssignmentState.ACCEPTED, accepted_at=now, version=kept.version + 1)
            if not self._assignments.put(kept, after):
                return False
            self._log.info("assignment accepted", extra=names)
            return True
        self._log.info("assignment refused", extra={**names, "why": ack.reason})
        call = self._store.get(kept.account_id, kept.call_id)
        if call is None or call.attempt != kept.attempt or not call.in_flight:
            return True
        try:
            return self._go_on(call, kept, step_after_refusal(kept), kept) is not None
        except CallIsOver:
            return True

    def _answered_late(self, connection: Connection, ack: JobAck) -> None:
        """Tells a runner to stop that another one was sent the call after. Where that one has refused since, the bridge
        of the first may be the call's only one: told to stop, it would leave the call in the middle of it."""
        self._log.info("assignment answered late", extra={"worker_id": connection.worker_id, "job_id": ack.job_id})
        named = attempt_in(ack.job_id)
        if not ack.accepted or connection.agent_id is None or connection.worker_id is None:
            return
        # Read at the last moment: whoever was asked since may take seconds over their answer.
        kept = None if named is None else self._assignments.get(connection.account_id, *named)
        if kept is None or kept.state is not AssignmentState.NOBODY:
            self._cancel(connection.account_id, connection.agent_id, connection.worker_id, ack.job_id)

    # ---------------------------------------------------------------- one runner after the other

    def _go_on(self, call: Call, kept: Assignment | None, step: Step, row: Assignment) -> Assignment | None:
        """Assigns the next runner that can be reached. None where somebody else was faster. `row` is what is kept of
        the request."""
        before, passed_over = kept, set(step.tried)
        may_be_sent: Assignment | None = None
        while True:
            runner = self._next(call, step, passed_over)
            if runner is None and may_be_sent is not None and may_be_sent is before:
                # If it got the frame it is about to take the call, and would be told to stop where nobody else is.
                return may_be_sent
            after = self._row_of(row, before, step, runner)
            if not self._written(before, after):
                return None
            if runner is None:
                self._log.info("nobody to assign", extra={"call_id": call.call_id, "why": after.why})
                return after
            given = self._give_place(call, runner)
            if given is not call and not self._is_kept(after):
                self._give_place_of_the_last(after)
                return None
            call = given
            sent = self._send(call, runner, after) if call.runner_id == runner.worker_id else Sent.GONE
            if sent is Sent.SENT:
                if kept is not None and step.cancels:
                    # Not before: it may have dialled since it was asked about, and be the only one that the call has.
                    self._cancel(kept.account_id, call.agent_id or "", kept.worker_id or "", kept.job_id or "")
                return after
            may_be_sent = after if sent is Sent.UNKNOWN else None
            passed_over.add(runner.worker_id)
            before = after

    def _next(self, call: Call, step: Step, passed_over: set[str]) -> Runner | None:
        if not step.may_go_on or call.agent_id is None:
            return None
        runners = self._registry.runners(call.account_id, call.agent_id)
        holder = call.runner_id
        return next_for(runners, self._clock(), holder=holder, lost=step.lost, passed_over=passed_over)

    def _row_for(self, call: Call, kept: Assignment | None, asked: Asked) -> Assignment:
        sends, first_send = (0, 1) if kept is None else (kept.sends, kept.first_send)
        if kept is not None and kept.bridge_url != asked.bridge_url:
            first_send = sends + 1
        return Assignment(
            account_id=call.account_id,
            call_id=call.call_id,
            attempt=call.attempt,
            dispatch=asked.dispatch,
            request=asked.number,
            bridge_url=asked.bridge_url,
            state=AssignmentState.SENT,
            changed_at=self._clock(),
            sends=sends,
            first_send=first_send,
        )

    def _row_of(self, row: Assignment, before: Assignment | None, step: Step, runner: Runner | None) -> Assignment:
        sends = row.sends if before is None else before.sends
        common = replace(
            row,
            version=1 if before is None else before.version + 1,
            # Also where nobody is found after one that could not be reached: no job may be named twice.
            sends=sends,
            changed_at=self._clock(),
            accepted_at=None,
            lost=step.lost,
        )
        if runner is None:
            return replace(
                common,
                state=AssignmentState.NOBODY,
                tried=step.tried,
                why=ALL_REFUSED if step.tried else NO_RUNNER,
                assign_id=None,
                job_id=None,
                worker_id=None,
                connection_id=None,
            )
        sends += 1
        return replace(
            common,
            state=AssignmentState.SENT,
            tried=(*step.tried, runner.worker_id),
            why=None,
            sends=sends,
            assign_id=self._new_assign_id(),
            job_id=job_id_of(row.call_id, row.attempt, sends),
            worker_id=runner.worker_id,
            connection_id=runner.connection_id,
        )

    def _written(self, before: Assignment | None, after: Assignment) -> bool:
        if self._assignments.put(before, after):
            return True
        # A write whose answer got lost is repeated by the client, and refused because of itself.
        return self._is_kept(after)

    def _is_kept(self, after: Assignment) -> bool:
        return self._assignments.get(after.account_id, after.call_id, after.attempt) == after

    def _give_place(self, call: Call, runner: Runner) -> Call:
        """The call as it is with the runner's place, or as it was where another took that. Raises CallIsOver."""
        if call.runner_id == runner.worker_id:
            return call
        event = RunnerGiven(self._clock(), call.attempt, runner.worker_id)
        outcome = self._progress.apply(call.account_id, call.call_id, event)
        if isinstance(outcome, Applied):
            return outcome.call
        if outcome.call is not None and outcome.why in {"runner_is_known", "place_taken"}:
            return outcome.call
        raise CallIsOver(outcome.why)

    def _give_place_of_the_last(self, ours: Assignment) -> None:
        """Whoever was so slow that another went on meanwhile has given the call a place that it does not need."""
        kept = self._assignments.get(ours.account_id, ours.call_id, ours.attempt)
        if kept is not None and kept.worker_id is not None:
            event = RunnerGiven(self._clock(), kept.attempt, kept.worker_id)
            self._progress.apply(kept.account_id, kept.call_id, event)

    def _send(self, call: Call, runner: Runner, assigned: Assignment) -> Sent:
        job_id, assign_id = assigned.job_id or "", assigned.assign_id or ""
        frame = job_assign(
            job_id=job_id,
            assign_id=assign_id,
            call_id=call.call_id,
            agent_id=runner.agent_id,
            bridge_url=assigned.bridge_url,
            call_token=self._token_for(call, job_id, runner.worker_id),
        )
        sent = self._sockets.send(runner.connection_id, frame)
        if sent is Sent.GONE:
            self._registry.lose(call.account_id, runner)
        names = {"call_id": call.call_id, "worker_id": runner.worker_id, "job_id": job_id, "sent": sent.value}
        self._log.info("call assigned", extra=names)
        return sent

    def _cancel(self, account_id: str, agent_id: str, worker_id: str, job_id: str) -> None:
        """A runner that is not live is left alone: any frame would end one that is draining."""
        for runner in self._registry.runners(account_id, agent_id):
            if runner.worker_id == worker_id and is_live(runner, self._clock()):
                self._sockets.send(runner.connection_id, job_cancel(job_id))
                self._log.info("assignment cancelled", extra={"worker_id": worker_id, "job_id": job_id})
