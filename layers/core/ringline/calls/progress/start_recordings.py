"""Has LiveKit record the rooms of calls. Apart from `recordings`, because asyncio takes 35 ms to import and hooks do
without it."""

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
        nothing twice. Never raises: what fails is told on its call."""
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
        self.log.info("recording started", extra={**_whose(call), "egress_id": egress_id})
        return True

    def _note(self, call: Call, error: Exception) -> None:
        """If LiveKit does record, although its answer was lost, its own report goes before this one."""
        why = str(error) if isinstance(error, TelephonyDown) else type(error).__name__
        self.log.warning("recording not started", extra={**_whose(call), "why": why})
        try:
            failed = RecordingSeen(self.clock(), call.attempt, "", "failed", error=why[:ERROR_CHARS])
            self.progress.apply(call.account_id, call.call_id, failed)
        except Exception:
            self.log.exception("failed recording not told", extra=_whose(call))


def _whose(call: Call) -> dict[str, str]:
    return {"account_id": call.account_id, "call_id": call.call_id}
