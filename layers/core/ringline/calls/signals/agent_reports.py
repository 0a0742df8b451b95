"""Hears the agent of one attempt, which alone knows what was said: keeps its transcript, moves its call, and closes
the room where its report ends the call."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools import Logger

from ringline.calls.model.call import AttemptId, Call
from ringline.calls.model.events import Event, TranscriptKept
from ringline.calls.model.ports import LookQueue, Telephony
from ringline.calls.model.results import Effect
from ringline.calls.model.timing import ASK_AGAIN_S
from ringline.calls.outcomes.keep import KeepOutcome
from ringline.calls.outcomes.outcome import AgentOutcome
from ringline.calls.progress.hang_up import HangUp
from ringline.calls.progress.hints import ask_for_look
from ringline.calls.progress.progress import Outcome, Progress, Unapplied
from ringline.calls.progress.rest_recordings import rest_recordings
from ringline.calls.signals.follow_up import word_for
from ringline.calls.tables.store import CallStore
from ringline.calls.tables.transcripts import Transcript, Transcripts
from ringline.runtime.clock import Clock
from ringline.runtime.web.problems import FieldError


@dataclass(frozen=True, slots=True)
class Report:
    """One thing that an agent tells: an event of its call, or a transcript or an outcome to keep; none of them if its
    `kind` is not known to this version. `at` is when it happened by the agent's clock, None for now. `event` makes the
    event from a moment and an attempt. `is_final` marks the transcript after which the agent has no more to tell;
    `skipped_turns` of it are of nobody who talks. A report with `errors` could not be read."""

    kind: str
    at: int | None = None
    event: Callable[[int, int], Event] | None = None
    transcript: Transcript | None = None
    outcome: AgentOutcome | None = None
    is_final: bool = False
    skipped_turns: int = 0
    errors: tuple[FieldError, ...] = ()

    def shortcomings(self) -> dict[str, Any]:
        """What was not taken of it, for the answer: turns that were skipped, and the fields that are wrong."""
        skipped = {"skipped_turns": self.skipped_turns} if self.skipped_turns else {}
        wrong = [{"field": each.field, "message": each.message} for each in self.errors]
        return skipped | ({"errors": wrong} if wrong else {})


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of each report, in a word, and the call as it stands afterwards; None if there is no such call."""

    results: tuple[str, ...]
    call: Call | None


@dataclass(frozen=True, slots=True)
class HearAgent:
    store: CallStore
    progress: Progress
    transcripts: Transcripts
    outcomes: KeepOutcome
    telephony: Callable[[], AbstractAsyncContextManager[Telephony]]
    looks: LookQueue
    clock: Clock
    log: Logger

    async def run(self, attempt_id: AttemptId, reports: Sequence[Report]) -> Heard:
        """Takes the reports of the agent of that attempt, in their order. Hearing them again changes nothing. Raises
        what keeps one from being persisted, TableContended among it: the agent then sends all of them again.

        A wish to end the call is recorded at its place and carried out after the last report, so that no transcript
        waits for LiveKit. If LiveKit cannot be asked, the call is looked at again soon. A transcript that cannot be
        kept is no reason not to end the call: what kept it from that is raised afterwards.
        """
        call = self.store.get(attempt_id.account_id, attempt_id.call_id)
        results = []
        to_end: Call | None = None
        unkept: Exception | None = None
        for report in reports:
            try:
                outcome = self._take(call, attempt_id, report)
            except Exception as error:
                if report.transcript is None:
                    raise
                unkept, outcome = error, Unapplied(call, "not_persisted")
            results.append(word_for(outcome))
            call = outcome.call
            if Effect.END_ROOM in outcome.effects:
                to_end = call
            if Effect.STOP_RECORDING in outcome.effects and call is not None:
                await self._rest_recordings(call)
        if to_end is not None:
            call = await self._end(to_end)
        if unkept is not None:
            raise unkept
        return Heard(tuple(results), call)

    def _take(self, call: Call | None, attempt_id: AttemptId, report: Report) -> Outcome:
        if call is None:
            return Unapplied(None, "unknown_call")
        if report.errors:
            return Unapplied(call, "unreadable")
        at = self.clock() if report.at is None else report.at
        if report.outcome is not None:
            return Unapplied(call, self.outcomes.keep(call, attempt_id.attempt, report.outcome, at))
        if report.transcript is not None:
            event: Event = self._keep(call, attempt_id, report.transcript, at, is_final=report.is_final)
        elif report.event is not None:
            event = report.event(at, attempt_id.attempt)
        else:
            return Unapplied(call, "unknown_type")
        return self.progress.apply(attempt_id.account_id, attempt_id.call_id, event)

    def _keep(
        self, call: Call, attempt_id: AttemptId, transcript: Transcript, at: int, *, is_final: bool
    ) -> TranscriptKept:
        """Keeps a transcript before the call's row says that there is one. That of an attempt which is past is kept,
        too."""
        kept = self.transcripts.keep(call, transcript, attempt_id.attempt)
        user_spoke = any(turn.role == "user" for turn in transcript.turns)
        return TranscriptKept(at, attempt_id.attempt, kept.turns, kept.place.value, user_spoke, is_final)

    async def _rest_recordings(self, call: Call) -> None:
        """Raises TelephonyDown: the agent then tells again that it wants a pause."""
        ask_for_look(self.looks, self.log, call, ASK_AGAIN_S)
        async with self.telephony() as telephony:
            await rest_recordings(telephony, call)

    async def _end(self, call: Call) -> Call | None:
        async with self.telephony() as telephony:
            hang_up = HangUp(
                store=self.store, progress=self.progress, telephony=telephony, clock=self.clock, log=self.log
            )
            after = await hang_up.carry_out(call)
        if after is not None and after.in_flight and after.attempt == call.attempt:
            ask_for_look(self.looks, self.log, after, ASK_AGAIN_S)
        return after
