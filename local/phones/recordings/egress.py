"""A recording of a room: from the request to the file in its bucket.

    request   egress_started     +0.8 s recorder joins   room closes      +0.4 s
    STARTING  (no status in JSON) ACTIVE egress_updated   ENDING ..updated  COMPLETE egress_ended

The recorder is a participant of kind EGRESS, which keeps no room open. Whatever becomes of the recording, the call goes
on. Its webhooks stand in a queue of their own: they keep no order with those of the room.
"""

import asyncio
import time
from dataclasses import dataclass

from livekit.protocol.egress import EgressInfo, EgressStatus, FileInfo
from livekit.protocol.models import DisconnectReason, ParticipantInfo
from livekit.protocol.models import Room as RoomMessage
from livekit.protocol.webhook import WebhookEvent

from local.phones.calls.exchange import Exchange
from local.phones.model import timings
from local.phones.numbers.callees import EgressTrouble, HookTrouble
from local.phones.recordings import silence
from local.phones.recordings.bucket import Bucket
from local.phones.rooms.participant import Participant
from local.phones.rooms.room import Room, RoomEvent

_FAILS_AFTER_S = 2.0
_NEVER_STARTED = "Start signal not received"
_BROKEN = "the pipeline broke: no audio could be encoded"
_NOT_SAVED = "the file could not be uploaded"
_OVER = (EgressStatus.EGRESS_COMPLETE, EgressStatus.EGRESS_FAILED, EgressStatus.EGRESS_ABORTED)


@dataclass(frozen=True, slots=True)
class Target:
    """The file that is asked for, and its bucket; None leaves the file with the egress service."""

    key: str
    bucket: Bucket | None


class Egress:
    """One recording. `info` is what LiveKit tells of it at any moment."""

    def __init__(self, exchange: Exchange, room: Room, info: EgressInfo, target: Target) -> None:
        self.info = info
        self._exchange = exchange
        self._room = room
        self._target = target
        self._stopped = asyncio.Event()
        self._recorder = Participant(
            info.egress_id, ParticipantInfo.EGRESS, evicted=lambda _reason: self._stopped.set()
        )
        room.watch(self._see)

    @property
    def is_over(self) -> bool:
        return self.info.status in _OVER

    def stop(self) -> None:
        """Ends the recording and saves what there is."""
        self._stopped.set()

    async def run(self) -> None:
        """Lives to the end of the room, or until stopped."""
        self._tell("egress_started")
        if await self._ends_within(timings.EGRESS_ACTIVE_S):
            self._finish(EgressStatus.EGRESS_ABORTED, _NEVER_STARTED)
            return
        self._room.join(self._recorder)
        self.info.started_at = time.time_ns()
        # A file has its name before there is anything in it.
        self.info.file_results.append(FileInfo(filename=self._target.key, started_at=self.info.started_at))
        self._enter(EgressStatus.EGRESS_ACTIVE)
        if self._fails() and not await self._ends_within(_FAILS_AFTER_S):
            self._leave()
            self._finish(EgressStatus.EGRESS_FAILED, _BROKEN)
            return
        await self._stopped.wait()
        self._leave()
        self._enter(EgressStatus.EGRESS_ENDING)
        await self._exchange.pace.sleep(timings.EGRESS_SAVED_S)
        saved = await self._save()
        self._finish(*((EgressStatus.EGRESS_COMPLETE, "") if saved else (EgressStatus.EGRESS_FAILED, _NOT_SAVED)))

    def _see(self, event: RoomEvent, _: Participant | None) -> None:
        if event is RoomEvent.CLOSED:
            self._stopped.set()

    def _fails(self) -> bool:
        return self._room.callee is not None and self._room.callee.egress is EgressTrouble.FAILS

    async def _ends_within(self, duration_s: float) -> bool:
        try:
            async with self._exchange.pace.timeout(duration_s):
                await self._stopped.wait()
        except TimeoutError:
            return False
        return True

    def _leave(self) -> None:
        self._room.leave(self._recorder, DisconnectReason.CLIENT_INITIATED)

    async def _save(self) -> bool:
        """Writes the file. Returns whether it is where it was asked for."""
        ended_at = time.time_ns()
        key, bucket = self._target.key, self._target.bucket
        body = silence.recording(key, (ended_at - self.info.started_at) / 1e9)
        if bucket is not None and not await self._put(bucket, key, body):
            return False
        file = self.info.file_results[0]
        file.ended_at, file.duration, file.size = ended_at, ended_at - self.info.started_at, len(body)
        file.location = bucket.location(key) if bucket is not None else key
        if self.info.HasField("room_composite"):
            self.info.file.CopyFrom(file)
        return True

    async def _put(self, bucket: Bucket, key: str, body: bytes) -> bool:
        return not bucket.endpoint or await self._exchange.courier.carry(bucket.put(key, body)) is not None

    def _enter(self, status: EgressStatus) -> None:
        self.info.status = status
        self._tell("egress_updated")

    def _finish(self, status: EgressStatus, error: str) -> None:
        self.info.status, self.info.error = status, error
        self.info.ended_at = time.time_ns()
        self._tell("egress_ended")

    def _tell(self, event: str) -> None:
        self.info.updated_at = time.time_ns()
        room = RoomMessage(sid=self.info.room_id, name=self.info.room_name)
        trouble = self._room.callee.hooks if self._room.callee is not None else HookTrouble.NONE
        message = WebhookEvent(event=event, room=room, egress_info=self.info)
        self._exchange.hooks.send(message, self._room.name, trouble, queue=self.info.egress_id)
