"""Hears the agent of one attempt, which alone knows what was said: keeps its transcript, moves its call, and closes
the room where its report ends the call."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from copy import replace
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools import Logger

from ringline.calls.model.call import Call, Speaker
from ringline.calls.model.events import AgentReady, DtmfSent, Event, SilenceHeard, TranscriptKept, UserSpoke
from ringline.calls.model.moments import within_dial
from ringline.calls.model.ports import LookQueue, Telephony
from ringline.calls.model.results import Effect
from ringline.calls.model.timing import ASK_AGAIN_S
from ringline.calls.model.transfers.standing import HANDED_OVER, agent_of_part, part_of
from ringline.calls.outcomes.keep import KeepOutcome
from ringline.calls.outcomes.outcome import AgentOutcome
from ringline.calls.progress.hang_up import HangUp
from ringline.calls.progress.hints import ask_for_look
from ringline.calls.progress.progress import Outcome, Progress, Unapplied
from ringline.calls.progress.rest_recordings import rest_recordings
from ringline.calls.rules.kept_rules import CONTENT_ERASED
from ringline.calls.signals.follow_up import word_for
from ringline.calls.tables.store import CallStore
from ringline.calls.tables.transcripts import Transcript, Transcripts
from ringline.runtime.clock import Clock
from ringline.runtime.web.problems import FieldError

MOST_CHANGES = 200
"""After so many changes of a call for each of its dials, what its agent hears is not written any more: a call has some
thirty. Each change grows the version of the call's row, so that nothing needs to be counted."""

_PASSING = (UserSpoke, SilenceHeard, DtmfSent)
"""What may go unheard in a call that has had so many: never a wish to end it, or what was said."""


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

    async def run(self, speaker: Speaker, reports: Sequence[Report]) -> Heard:
        """Takes the reports of an agent of that attempt, in their order. Hearing them again changes nothing. Raises
        what keeps one from being persisted, TableContended among it: the agent then sends all of them again.

        Of an agent whose call is another's by now only the words and the outcomes are kept, as of its own part.

        A wish to end the call is recorded at its place and carried out after the last report, so that no transcript
        waits for LiveKit. If LiveKit cannot be asked, the call is looked at again soon. A transcript that cannot be
        kept is no reason not to end the call: what kept it from that is raised afterwards.
        """
        call = self.store.get(speaker.account_id, speaker.call_id)
        results = []
        to_end: Call | None = None
        unkept: Exception | None = None
        for report in reports:
            try:
                outcome = self._take(call, speaker, report)
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

    def _take(self, call: Call | None, speaker: Speaker, report: Report) -> Outcome:
        if call is None:
            return Unapplied(None, "unknown_call")
        if report.errors:
            return Unapplied(call, "unreadable")
        now = self.clock()
        at = now if report.at is None else report.at
        if report.outcome is not None and call.content_erased_at is not None:
            return Unapplied(call, CONTENT_ERASED)
        if report.outcome is not None:
            told_at = within_dial(call, at, now)
            return Unapplied(
                call, self.outcomes.keep(_as_spoken_for(call, speaker), speaker.attempt, report.outcome, told_at)
            )
        if report.transcript is not None:
            return self._keep(call, speaker, report.transcript, at, is_final=report.is_final)
        if report.event is None:
            return Unapplied(call, "unknown_type")
        event = _as_told(report.event(at, speaker.attempt), speaker, now)
        if isinstance(event, _PASSING) and call.version >= MOST_CHANGES * max(1, call.attempt):
            return Unapplied(call, "too_many_reports")
        return self.progress.apply(speaker.account_id, speaker.call_id, event, told_by=speaker.dispatch)

    def _keep(self, call: Call, speaker: Speaker, transcript: Transcript, at: int, *, is_final: bool) -> Outcome:
        """Keeps a transcript before the call's row says that there is one. That of an attempt which is past is kept,
        too, and that of an agent whose call is another's: but it does not say that this one has told all."""
        if call.content_erased_at is not None:
            return Unapplied(call, CONTENT_ERASED)
        part = part_of(call.transfers, speaker.attempt, speaker.dispatch)
        kept = self.transcripts.keep(call, transcript, speaker.attempt, part)
        user_spoke = any(turn.role == "user" for turn in transcript.turns)
        words = TranscriptKept(at, speaker.attempt, kept.turns, kept.place.value, user_spoke, is_final)
        told = self.progress.apply(speaker.account_id, speaker.call_id, words, told_by=speaker.dispatch)
        if isinstance(told, Unapplied) and told.why == HANDED_OVER:
            told = self.progress.apply(speaker.account_id, speaker.call_id, replace(words, is_final=False))
        if isinstance(told, Unapplied) and told.why == CONTENT_ERASED:
            # The call was erased since it was read: whoever erased it may have looked for transcripts before this one.
            self.transcripts.forget(call, speaker.attempt, part)
        return told

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


def _as_told(event: Event, speaker: Speaker, now: int) -> Event:
    """The event with what the agent does not say of it itself: who tells it, or when it came."""
    match event:
        case AgentReady():
            return replace(event, proven=speaker.dispatch)
        case UserSpoke():
            return replace(event, told_at=now)
        case SilenceHeard():
            return replace(event, told_at=now)
    return event


def _as_spoken_for(call: Call, speaker: Speaker) -> Call:
    """The call as that of the agent who tells of it: what it tells is held against its own schema."""
    if speaker.attempt != call.attempt:
        return call
    part = part_of(call.transfers, call.attempt, speaker.dispatch)
    return replace(call, agent_id=agent_of_part(call.transfers, call.attempt, part, call.agent_id))
