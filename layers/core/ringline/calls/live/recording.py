"""Pauses the recording of a call, and has it go on.

LiveKit cannot pause a recording. A pause ends it, and what goes on afterwards is a file of its own: the next segment.

pause  -> written: nothing is to be recorded -> LiveKit ends what it records -> answered
resume -> written: the next segment          -> the relay sees it in the table's stream, and has LiveKit begin it

The wish is written before LiveKit is asked. Whoever dies in between, and whatever begins to be recorded meanwhile, is
made up for by a look that is asked for first, by the reports of LiveKit, and by each run of the sweep.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import StrEnum

from aws_lambda_powertools import Logger

from ringline.calls.model.call import Call
from ringline.calls.model.events import RecordingPaused, RecordingResumed
from ringline.calls.model.ports import LookQueue, Telephony
from ringline.calls.model.room_view import TelephonyDown
from ringline.calls.model.timing import LIVEKIT_REQUEST_S
from ringline.calls.progress.hints import ask_for_look
from ringline.calls.progress.progress import Applied, Outcome, Progress, Unapplied
from ringline.calls.progress.rest_recordings import rest_recordings
from ringline.calls.tables.store import CallStore
from ringline.runtime.clock import Clock


class RecordingResult(StrEnum):
    """What came of asking."""

    PAUSED = "paused"
    """LiveKit records nothing of the call any more, now or since an earlier pause."""
    RESUMED = "resumed"
    """It is recorded, now or all along."""
    STOPPING = "stopping"
    """It is to be paused, and LiveKit could not be asked: somebody asks it again within seconds."""
    NOT_RECORDED = "not_recorded"
    NOT_ACTIVE = "not_active"
    TOO_MANY_SEGMENTS = "too_many_segments"


@dataclass(frozen=True, slots=True)
class Controlled:
    call: Call
    result: RecordingResult


_REFUSALS = {
    "not_recorded": RecordingResult.NOT_RECORDED,
    "too_many_segments": RecordingResult.TOO_MANY_SEGMENTS,
    "paused_before": RecordingResult.PAUSED,
    "not_paused": RecordingResult.RESUMED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlRecording:
    store: CallStore
    progress: Progress
    telephony: Callable[[], AbstractAsyncContextManager[Telephony]]
    looks: LookQueue
    clock: Clock
    log: Logger

    async def pause(self, account_id: str, call_id: str, reason: str | None = None) -> Controlled | None:
        """The call as it stands afterwards; None if there is no such call. Asking twice changes nothing."""
        call = self.store.get(account_id, call_id)
        if call is None:
            return None
        outcome = self.progress.apply(account_id, call_id, RecordingPaused(self.clock(), call.attempt, reason))
        controlled = _controlled(outcome, RecordingResult.PAUSED)
        if controlled is None or controlled.result is not RecordingResult.PAUSED:
            return controlled
        # Should this function die now, somebody else asks LiveKit.
        ask_for_look(self.looks, self.log, controlled.call, LIVEKIT_REQUEST_S)
        try:
            async with self.telephony() as telephony:
                await rest_recordings(telephony, controlled.call)
        except TelephonyDown:
            self.log.warning("recording not stopped", extra={"account_id": account_id, "call_id": call_id})
            return Controlled(controlled.call, RecordingResult.STOPPING)
        return controlled

    def resume(self, account_id: str, call_id: str) -> Controlled | None:
        """As `pause`. The relay has LiveKit record the next segment."""
        call = self.store.get(account_id, call_id)
        if call is None:
            return None
        outcome = self.progress.apply(account_id, call_id, RecordingResumed(self.clock(), call.attempt))
        return _controlled(outcome, RecordingResult.RESUMED)


def _controlled(outcome: Outcome, done: RecordingResult) -> Controlled | None:
    call = outcome.call
    if call is None:
        return None
    if isinstance(outcome, Applied):
        return Controlled(call, done)
    return Controlled(call, _refusal(outcome))


def _refusal(outcome: Unapplied) -> RecordingResult:
    return _REFUSALS.get(outcome.why, RecordingResult.NOT_ACTIVE)
