"""Hears the agent of one attempt, which alone knows what was said: keeps its words, moves its call, and closes the
room where its report ends the call."""

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
from ringline.calls.progress.hang_up import HangUp
from ringline.calls.progress.hints import ask_for_look
from ringline.calls.progress.progress import Outcome, Progress, Unapplied
from ringline.calls.tables.store import CallStore
from ringline.calls.tables.transcripts import Transcript, Transcripts
from ringline.runtime.clock import Clock
from ringline.runtime.web.problems import FieldError


@dataclass(frozen=True, slots=True)
class Report:
    """One thing that an agent tells: an event of its call, or words to keep; neither if its `kind` is not known to this
    version. `at` is when it happened by the agent's clock, None for now. `event` makes the event of a moment and an
    attempt. `is_final` marks the words after which it has no more to tell, of which `skipped_turns` were nobody's who
    talks. One with `errors` could not be read."""

    kind: str
    at: int | None = None
    event: Callable[[int, int], Event] | None = None
    transcript: Transcript | None = None
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
    telephony: Callable[[], AbstractAsyncContextManager[Telephony]]
    looks: LookQueue
    clock: Clock
    log: Logger

    async def run(self, whose: AttemptId, reports: Sequence[Report]) -> Heard:
        """Takes the reports of the agent in that room, in their order. Hearing them again changes nothing. Raises what
        keeps one from being persisted, TableContended among it: the agent then sends all of them again.

        A wish to end the call is recorded at its place and carried out after the last report, so that no words wait for
        LiveKit. If that cannot be asked, somebody else asks it soon. Words that cannot be kept are no reason not to end
        the call: what kept them from it is raised afterwards.
        """
        call = self.store.get(whose.account_id, whose.call_id)
        results = []
        to_end: Call | None = None
        unkept: Exception | None = None
        for report in reports:
            try:
                outcome = self._take(call, whose, report)
            except Exception as error:
                if report.transcript is None:
                    raise
                unkept, outcome = error, Unapplied(call, "not_persisted")
            results.append(outcome.why if isinstance(outcome, Unapplied) else "applied")
            call = outcome.call
            if Effect.END_ROOM in outcome.effects:
                to_end = call
        if to_end is not None:
            call = await self._end(to_end)
        if unkept is not None:
            raise unkept
        return Heard(tuple(results), call)

    def _take(self, call: Call | None, whose: AttemptId, report: Report) -> Outcome:
        if call is None:
            return Unapplied(None, "unknown_call")
        if report.errors:
            return Unapplied(call, "unreadable")
        at = self.clock() if report.at is None else report.at
        if report.transcript is not None:
            event: Event = self._keep(call, whose, report.transcript, at, is_final=report.is_final)
        elif report.event is not None:
            event = report.event(at, whose.attempt)
        else:
            return Unapplied(call, "unknown_type")
        return self.progress.apply(whose.account_id, whose.call_id, event)

    def _keep(self, call: Call, whose: AttemptId, transcript: Transcript, at: int, *, is_final: bool) -> TranscriptKept:
        """Keeps words, also of an attempt that is past, and before the call's row speaks of them."""
        kept = self.transcripts.keep(call, transcript, whose.attempt)
        user_spoke = any(turn.role == "user" for turn in transcript.turns)
        return TranscriptKept(at, whose.attempt, kept.turns, kept.place.value, user_spoke, is_final)

    async def _end(self, call: Call) -> Call | None:
        async with self.telephony() as telephony:
            hang_up = HangUp(self.store, self.progress, telephony, self.clock, self.log)
            after = await hang_up.carry_out(call)
        if after is not None and after.in_flight and after.attempt == call.attempt:
            ask_for_look(self.looks, self.log, after, ASK_AGAIN_S)
        return after
