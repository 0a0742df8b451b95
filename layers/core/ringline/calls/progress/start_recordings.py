"""Has LiveKit record the rooms of calls. This stands apart from `tables.recordings`, which hooks import: they start
without asyncio, which takes 14 ms to import beside boto3."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from aws_lambda_powertools import Logger

from ringline.calls.model.call import Call
from ringline.calls.model.events import RecordingSeen
from ringline.calls.model.recorder import Recorder, RecordingTarget, RecordsBucket
from ringline.calls.model.room_view import TelephonyDown
from ringline.calls.model.timing import LIVEKIT_REQUEST_S
from ringline.calls.progress.progress import Progress
from ringline.calls.tables.recordings import ERROR_CHARS, recording_key
from ringline.runtime.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRecordings:
    recorder: Recorder
    bucket: RecordsBucket
    progress: Progress
    clock: Clock
    log: Logger

    async def run(self, calls: Sequence[Call]) -> int:
        """Has these calls recorded, side by side and within LIVEKIT_REQUEST_S; how many are. Repeating it starts
        nothing twice. Never raises: what fails is noted on its call."""
        return sum(await asyncio.gather(*(self._start(call) for call in calls)))

    async def _start(self, call: Call) -> bool:
        try:
            if not self.bucket.name:
                raise TelephonyDown("no bucket to record to")
            async with asyncio.timeout(LIVEKIT_REQUEST_S):
                target = RecordingTarget(self.bucket, recording_key(call))
                egress_id = await self.recorder.start_recording(call.room_name or "", target)
        except Exception as error:
            self._note(call, error)
            return False
        self.log.info("recording started", extra={**_ids_of(call), "egress_id": egress_id})
        return True

    def _note(self, call: Call, error: Exception) -> None:
        """Notes on the call that nothing is recorded. If LiveKit does record, and only its answer was lost, its own
        report takes the place of this note."""
        why = str(error) if isinstance(error, TelephonyDown) else type(error).__name__
        self.log.warning("recording not started", extra={**_ids_of(call), "why": why})
        try:
            failed = RecordingSeen(
                self.clock(), call.attempt, "", "failed", error=why[:ERROR_CHARS], segment=call.recording_segment
            )
            self.progress.apply(call.account_id, call.call_id, failed)
        except Exception:
            self.log.exception("failed recording not told", extra=_ids_of(call))


def _ids_of(call: Call) -> dict[str, str]:
    return {"account_id": call.account_id, "call_id": call.call_id}
