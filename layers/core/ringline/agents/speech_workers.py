"""What is done about the speech workers: their calls go on with another when one is lost, and calls that wait for one
are rung for when one has room.

    job dies ------------------> job_lost ---------------> another worker is dispatched, at once
    connection is closed ------> a look, 2 s later ------> the same for all calls of a worker that is not back
    beats stop, nothing closed -> the sweep, each minute -> the same
"""

from collections.abc import Callable

from aws_lambda_powertools import Logger

from ringline.agents.model.frames import JobLost
from ringline.agents.model.records import Connection, LastBeat
from ringline.calls.model.call import AttemptId
from ringline.calls.model.timing import MS_PER_S, RUNNER_OVERDUE_S, SPEECH_WORKER_BACK_WITHIN_S
from ringline.runtime.clock import Clock


class TokenUnknown(Exception):
    """The token of a lost job is none of ours, or has expired."""


class SpeechWorkers:
    """`replace_lost` gives a call another worker for the one that a dispatch brought, `look_for_calls_of` has somebody
    look at a worker's calls in so many seconds, `ring_waiting` rings for everybody who waits. `attempt_of` reads a
    call's token, and raises TokenUnknown."""

    def __init__(
        self,
        *,
        attempt_of: Callable[[str, str], AttemptId],
        replace_lost: Callable[[AttemptId, int], None],
        look_for_calls_of: Callable[[str, int], None],
        ring_waiting: Callable[[], None],
        clock: Clock,
        log: Logger,
    ) -> None:
        self._attempt_of = attempt_of
        self._replace_lost = replace_lost
        self._look_for_calls_of = look_for_calls_of
        self._ring_waiting = ring_waiting
        self._clock = clock
        self._log = log

    def beaten(self, connection: Connection, last: LastBeat, active_jobs: int) -> None:
        """Rings where a worker has room that had none, or was not there."""
        was_there = self._clock() - last.at < RUNNER_OVERDUE_S * MS_PER_S
        had_room = was_there and last.active_jobs < connection.places
        if had_room or active_jobs >= connection.places:
            return
        try:
            self._ring_waiting()
        except Exception:
            # A dialer that found no room looks again by itself, and so does the sweep.
            self._log.exception("doorbells not rung")

    def job_lost(self, told: JobLost) -> None:
        """What the token proves counts, and nothing else in the frame but the number of the dispatch."""
        try:
            attempt_id = self._attempt_of(told.token, told.call_id)
        except TokenUnknown as unknown:
            self._log.warning("lost job without a token of its call", extra={"why": str(unknown)})
            return
        self._replace_lost(attempt_id, told.dispatch)

    def disconnected(self, worker_id: str) -> None:
        """It may be back in a moment, with its calls as they were: only then are they left alone."""
        self._look_for_calls_of(worker_id, SPEECH_WORKER_BACK_WITHIN_S)
