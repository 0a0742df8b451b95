"""The telephone's leg in the room: when the other side can hear, when it has gone, hanging up."""

import asyncio
import logging
from typing import Any

from livekit import rtc
from livekit.agents import JobContext

from speech.worker.calls.dispatch import Dispatch

_log = logging.getLogger(__name__)

ROOM_CLOSES_WITHIN_S = 8.0
"""The control plane closes the room of a call that was hung up. A room that is open for longer is closed from here."""
BACK_WITHIN_S = 20.0
"""How long a leg may stay unseen that may be back: longer than the control plane waits for it, which closes the room
then."""
STATUS = "sip.callStatus"
ACTIVE = "active"
_PERSONS = (rtc.ParticipantKind.PARTICIPANT_KIND_SIP, rtc.ParticipantKind.PARTICIPANT_KIND_STANDARD)
_TALKERS = (*_PERSONS, rtc.ParticipantKind.PARTICIPANT_KIND_AGENT)
NO_REASON, NOT_BACK, REMOVED, REPLACED = (
    "UNKNOWN_REASON",
    "CONNECTION_TIMEOUT",
    "PARTICIPANT_REMOVED",
    "DUPLICATE_IDENTITY",
)
MAY_BE_BACK = frozenset({NO_REASON, NOT_BACK, REPLACED, "SIGNAL_CLOSE", "STATE_MISMATCH", "MIGRATION"})
"""A leg that left for one of these may have been replaced, or come back in a moment, under another sid: the control
plane does not take it for the end either."""


class Leg:
    """Watches one leg. `watch` it once, as soon as the room is there."""

    def __init__(self, ctx: JobContext, dispatch: Dispatch) -> None:
        self._ctx = ctx
        self._dispatch = dispatch
        self._room: rtc.Room = ctx.room
        self.answered = asyncio.Event()
        """Both sides can hear each other."""
        self.gone: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        """Why the leg or the room is gone, in LiveKit's word."""
        self.was_put_out = False
        """The leg is still there, and this worker is not: another agent talks in this call, or somebody to whom it was
        handed over."""
        self.hung_up_for: str | None = None
        self._unseen: asyncio.TimerHandle | None = None
        self._others: dict[str, Any] = {}

    def watch(self) -> None:
        if self._ctx.is_fake_job():
            # A room without LiveKit has nobody who could pick up.
            self.answered.set()
            return
        self._room.on("participant_connected", self.look)
        self._room.on("participant_attributes_changed", self.look)
        self._room.on("track_published", self.look)
        self._room.on("participant_disconnected", self._left)
        self._room.on("disconnected", self._room_left)
        self.look()

    def _is_ours(self, participant: rtc.RemoteParticipant) -> bool:
        if self._dispatch.leg_identity is not None:
            return participant.identity == self._dispatch.leg_identity
        return participant.kind == rtc.ParticipantKind.PARTICIPANT_KIND_SIP

    def look(self, *_: Any) -> None:
        """Whether the other side can hear by now. A caller who rings in is answered by the agent's audio: nothing is to
        be waited for."""
        everybody = self._room.remote_participants.values()
        ours = [each for each in everybody if self._is_ours(each)]
        self._others |= {each.identity: each.kind for each in everybody if not self._is_ours(each)}
        if ours and self._unseen is not None:
            self._unseen.cancel()
            self._unseen = None
        if not self._dispatch.is_outbound or any(self._hears(each) for each in ours):
            self.answered.set()

    @property
    def has_company(self) -> bool:
        """Whether anybody else is in the room: another phone, be it that it rings yet, another agent, a colleague."""
        if self._ctx.is_fake_job():
            return False
        others = (each for each in self._room.remote_participants.values() if not self._is_ours(each))
        return any(each.kind in _TALKERS for each in others)

    @property
    def is_with_person(self) -> bool:
        """Whether somebody was in the room besides who is no agent, when this was last known: it is known no more once
        the worker has been put out itself."""
        return any(kind in _PERSONS for kind in self._others.values())

    def _hears(self, participant: rtc.RemoteParticipant) -> bool:
        """After a restart LiveKit says `dialing` of a call that goes on: there the other side's audio is the answer.
        Where nobody has picked up yet it is none: a leg has its track from the beginning."""
        if participant.attributes.get(STATUS) == ACTIVE:
            return True
        has_audio = any(track.kind == rtc.TrackKind.KIND_AUDIO for track in participant.track_publications.values())
        return self._dispatch.was_answered and has_audio

    def _left(self, participant: rtc.RemoteParticipant) -> None:
        """Whoever leaves has a reason. LiveKit's client that has lost its own connection takes everybody for gone,
        without one, and finds them again when it is back: the call may go on meanwhile. So may that of a leg that has
        lost its own connection, or was moved to another server."""
        reason = _word(participant.disconnect_reason)
        if not self._is_ours(participant):
            if reason != NO_REASON:
                self._others.pop(participant.identity, None)
            return
        if reason not in MAY_BE_BACK:
            self._tell_gone(reason)
        elif self._unseen is None:
            loop = asyncio.get_running_loop()
            self._unseen = loop.call_later(BACK_WITHIN_S, self._tell_gone, NOT_BACK)

    def _room_left(self, reason: Any = None) -> None:
        why = _word(reason)
        self._tell_gone(why, was_put_out=why in (REMOVED, REPLACED))

    def _tell_gone(self, why: str, *, was_put_out: bool = False) -> None:
        if self._unseen is not None:
            self._unseen.cancel()
        if not self.gone.done():
            self.was_put_out = was_put_out
            self.gone.set_result(why)

    # ------------------------------------------------------------ what is done to it

    async def hang_up(self, reason: str) -> None:
        """The control plane is told beside this, and closes the room."""
        self.hung_up_for = self.hung_up_for or reason
        if self._ctx.is_fake_job():
            self._tell_gone("ROOM_DELETED")
            return
        try:
            await asyncio.wait_for(asyncio.shield(self.gone), ROOM_CLOSES_WITHIN_S)
        except TimeoutError:
            _log.warning("the room of a call that was hung up is still open")
            await self._ctx.delete_room()

    def leave(self) -> None:
        """Another agent has the call, and the control plane has not got to put this one out: it goes by itself."""
        self._tell_gone(REMOVED, was_put_out=True)


def _word(reason: Any) -> str:
    if reason is None:
        return NO_REASON
    try:
        return str(rtc.DisconnectReason.Name(reason))
    except (TypeError, ValueError):
        return str(reason)
